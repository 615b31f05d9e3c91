"""Files on a real disk: atomic writing survives a kill, configuration is read from where it lies."""

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pydantic
import pytest

from fl_runtime.atomic_file import write_atomically
from fl_runtime.config_file import load_config
from fl_runtime.errors import ConfigError

_REWRITE_FOR_EVER = """
import itertools, pathlib, sys
from fl_runtime.atomic_file import write_atomically
for number in itertools.count(1):
    write_atomically(pathlib.Path(sys.argv[1]), bytes([number % 256]) * 3_000_000)
"""


class _Named(pydantic.BaseModel):
    name: str


def test_content_and_mode_are_as_asked(tmp_path: Path) -> None:
    target = tmp_path / "state.json"
    write_atomically(target, b"old")
    write_atomically(target, b"new", mode=0o600)
    assert target.read_bytes() == b"new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [target]


def test_content_is_on_the_disk_before_it_takes_the_name_and_the_name_before_the_call_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, flush, flushed = tmp_path / "state.json", os.fsync, list[tuple[str, bool]]()

    def observed(descriptor: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        flush(descriptor)
        flushed.append(("folder" if is_folder else "content", target.exists()))

    monkeypatch.setattr(os, "fsync", observed)
    write_atomically(target, b"new")
    assert flushed == [("content", False), ("folder", True)]


def test_the_default_mode_ignores_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        write_atomically(tmp_path / "a", b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o644


def test_a_link_is_replaced_and_its_target_kept(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"real")
    (tmp_path / "link").symlink_to("real")
    write_atomically(tmp_path / "link", b"new")
    assert (tmp_path / "real").read_bytes() == b"real"
    assert not (tmp_path / "link").is_symlink()


def test_a_failed_rename_leaves_target_and_folder_as_before(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "inside").touch()
    with pytest.raises(OSError, match="target"):
        write_atomically(tmp_path / "target", b"new")
    assert list(tmp_path.iterdir()) == [tmp_path / "target"]


def test_an_absent_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "absent" / "a", b"")


def test_a_killed_writer_leaves_a_whole_file(tmp_path: Path) -> None:
    target = tmp_path / "model.onnx"
    for delay_s in (0.0, 0.013, 0.029):
        writer = subprocess.Popen([sys.executable, "-c", _REWRITE_FOR_EVER, str(target)])
        deadline_s = time.monotonic() + 30
        target.unlink(missing_ok=True)
        while not target.exists() and time.monotonic() < deadline_s:
            time.sleep(0.005)
        time.sleep(delay_s)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        content = target.read_bytes()
        assert len(content) == 3_000_000
        assert content == content[:1] * len(content)


def test_a_configuration_is_loaded_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text("name: store42\n")
    assert load_config(tmp_path / "site.yaml", _Named) == _Named(name="store42")


@pytest.mark.parametrize(("name", "reason"), [("absent.yaml", "No such file or directory"), ("", "Is a directory")])
def test_a_file_that_cannot_be_read_is_one_problem(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / name, _Named)
    assert str(caught.value) == f"{tmp_path / name}: {reason}"
