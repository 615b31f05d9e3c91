"""``python -m model_zoo fetch`` from a real server over TLS, and from servers that send something else."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from model_zoo.__main__ import fetch_to
from model_zoo.downloads import DOWNLOADS, Download
from model_zoo.errors import FetchError
from tests.fakes.https_server import HOST, serving, write_certificate

ROOT = Path(__file__).parents[2]
CONTENT = os.urandom(200_000)
FILE = Download("https://nowhere.invalid/file.onnx", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT), "Apache-2.0")
ANOTHER = CONTENT[:-1] + bytes([CONTENT[-1] ^ 1])


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def server(certificate: tuple[Path, Path]) -> Iterator[str]:
    answers = {
        "/right": (200, {}, CONTENT),
        "/moved": (302, {"Location": "/right"}, b""),
        "/another": (200, {}, ANOTHER),
        "/longer": (200, {}, CONTENT + bytes(10_000_000)),
        "/shorter": (200, {}, CONTENT[:-1]),
        "/broken": (200, {"Content-Length": str(len(CONTENT))}, CONTENT[:1000]),
        "/packed": (200, {"Content-Encoding": "gzip"}, CONTENT),
        "/away": (302, {"Location": f"http://{HOST}/right"}, b""),
        "/circle": (302, {"Location": "/circle"}, b""),
        "/refused": (403, {}, b"<html>no</html>"),
    }
    with serving(answers, *certificate) as address:
        yield address


@pytest.fixture
def trusted(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("path", ["/right", "/moved", "/packed"])
def test_the_right_file_is_written_whole(server: str, path: str, tmp_path: Path) -> None:
    fetch_to(tmp_path / "file.onnx", FILE, server + path)
    assert [one.name for one in tmp_path.iterdir()] == ["file.onnx"]
    assert (tmp_path / "file.onnx").read_bytes() == CONTENT


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/another", f"expected SHA-256 {FILE.sha256}, got {hashlib.sha256(ANOTHER).hexdigest()}"),
        ("/longer", "expected 200000 bytes, got more"),
        ("/shorter", "expected 200000 bytes, got 199999"),
        ("/broken", "peer closed connection"),
        ("/missing", "expected status 200, got 404 Not Found"),
        ("/refused", "expected status 200, got 403 Forbidden"),
        ("/away", f"http://{HOST}/right: expected an https address"),
        ("/circle", "expected at most 5 redirects"),
    ],
)
def test_anything_else_is_refused_and_leaves_nothing(server: str, path: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(FetchError) as refused:
        fetch_to(tmp_path / "file.onnx", FILE, server + path)
    assert words in str(refused.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("trusted")
def test_a_file_that_is_there_is_left_alone_and_another_one_is_not_replaced(server: str, tmp_path: Path) -> None:
    path = tmp_path / "file.onnx"
    path.write_bytes(CONTENT)
    fetch_to(path, FILE, server + "/missing")
    path.write_bytes(ANOTHER)
    with pytest.raises(FetchError, match="another file than the one published; remove it"):
        fetch_to(path, FILE, server + "/right")
    assert path.read_bytes() == ANOTHER


def test_a_server_nobody_vouches_for_is_refused(server: str, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="certificate verify failed"):
        fetch_to(tmp_path / "file.onnx", FILE, server + "/right")


def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "model_zoo", "fetch", *map(str, arguments)]
    return subprocess.run(
        command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False, timeout=60
    )


def test_the_command_refuses_in_one_line(server: str, certificate: tuple[Path, Path], tmp_path: Path) -> None:
    num_bytes = DOWNLOADS["yolox_nano"].num_bytes
    done = run("yolox_nano", "--out", tmp_path, "--url", server + "/right", SSL_CERT_FILE=str(certificate[0]))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[0] == f"fetching {server}/right ({num_bytes} bytes, Apache-2.0)"
    assert done.stderr.splitlines()[-1] == f"error: {server}/right: expected {num_bytes} bytes, got {len(CONTENT)}"
    done = run("yolox_nano", "--out", tmp_path, "--url", f"https://{HOST}:1/file")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1].startswith(f"error: https://{HOST}:1/file: cannot be read: ")
    assert "Traceback" not in done.stderr
    done = run("yolox_nano", "--out", tmp_path, "--url", f"http://{HOST}/file")
    assert done.stderr.splitlines()[-1] == f"error: http://{HOST}/file: expected an https address"
    assert list(tmp_path.iterdir()) == []


def test_wrong_usage_is_refused_before_anything_is_asked_for(tmp_path: Path) -> None:
    done = run("yolox_huge")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: Invalid value: expected one of yolox_nano, yolox_tiny, got 'yolox_huge'\n"
    done = run("yolox_nano", "--out", tmp_path / "no")
    assert done.returncode == 2
    assert "no/yolox_nano.onnx: expected a folder to write to" in done.stderr


@pytest.mark.parametrize("name", sorted(DOWNLOADS))
def test_every_file_is_pinned(name: str) -> None:
    download = DOWNLOADS[name]
    assert download.url == f"https://github.com/Megvii-BaseDetection/YOLOX/releases/download/0.1.1rc0/{name}.onnx"
    assert len(bytes.fromhex(download.sha256)) == hashlib.sha256().digest_size
    assert 0 < download.num_bytes < 64 * 1024 * 1024
    assert download.licence == "Apache-2.0"
