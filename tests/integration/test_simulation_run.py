"""``simulation/run.py`` as users start it: wrong input in one line, and a whole small run on drawn footage."""

import dataclasses
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import pytest

from fl_runtime.command import run_command
from model_zoo.errors import FootageError
from simulation.errors import SimulationError
from simulation.run import app
from tests.fakes.drawn_scene import walking_frames

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 300.0
BASELINE_KEYS = ("test.pooled.", "test.blind.", "context.")


def documented_keys() -> set[str]:
    """The dotted keys in the table of ``docs/metrics.md``; ``a.{b,c}`` stands for two."""
    rows = [
        row.split("|")[1] for row in (ROOT / "docs" / "metrics.md").read_text().splitlines() if row.startswith("| `")
    ]
    keys = {key for row in rows for entry in re.findall(r"`([^`]+)`", row) for key in expanded(entry)}
    return {key for key in keys if not key.startswith(BASELINE_KEYS)}


def expanded(entry: str) -> set[str]:
    """``a_{b,c}`` as ``a_b`` and ``a_c``; braces may come more than once."""
    choice = re.search(r"\{([^}]*)\}", entry)
    if choice is None:
        return {entry}
    before, after = entry[: choice.start()], entry[choice.end() :]
    return {key for part in choice[1].split(",") for key in expanded(before + part + after)}


def dotted_keys(figures: dict[str, Any], prefix: str = "") -> set[str]:
    """The keys of a run's figures, nested ones joined by dots."""
    keys: set[str] = set()
    for name, value in figures.items():
        keys |= dotted_keys(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name}
    return keys


def simulate(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "simulation/run.py", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)


def refusal(*options: str) -> str:
    """The one line in which a run is refused."""
    ended = simulate(*options)
    assert (ended.returncode, ended.stdout) == (2, "")
    (line,) = ended.stderr.splitlines()
    return line


def refusal_here(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    """The same from the command as run in this process, which has loaded the libraries already."""
    with pytest.raises(SystemExit) as ended:
        run_command(app, SimulationError, FootageError, arguments=options)
    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (2, "")
    (line,) = said.err.splitlines()
    return line


@pytest.mark.parametrize(
    ("option", "value", "problem"),
    [
        ("--clients", "0", "0 is not in the range 1<=x<=1000"),
        ("--clients", "many", "'many' is not a valid int"),
        ("--rounds", "0", "0 is not in the range 1<=x<=1000"),
        ("--steps", "-1", "-1 is not in the range 1<=x<=10000"),
        ("--seed", "-1", "-1 is not in the range 0<=x<=2147483647"),
    ],
)
def test_option_that_makes_no_sense_is_refused_by_name(option: str, value: str, problem: str) -> None:
    line = refusal(option, value)
    assert line.startswith(f"error: Invalid value for '{option}': {problem}")


def test_parts_that_leave_nothing_to_sum_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    line = refusal_here(capsys, "--trained-parts", "film-and-heads", "--personal-parts", "film-and-heads")
    said = "trained-parts film-and-heads and personal-parts film-and-heads leave nothing to sum"
    assert line == f"error: Invalid value: {said}"


def test_missing_and_empty_footage_folders_and_a_file_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", str(tmp_path / "out")]
    missing, empty, file = tmp_path / "missing", tmp_path / "empty", tmp_path / "file"
    empty.mkdir()
    file.touch()
    expected = {
        missing: f"error: {missing}: expected a folder of footage, got nothing",
        empty: f"error: {empty}: expected training/frames/NN folders or videos, found neither",
        file: f"error: {file}: expected a folder of footage, got a file",
    }
    assert {path: refusal_here(capsys, "--footage", str(path), *out) for path in expected} == expected
    assert not (tmp_path / "out").exists()


def test_file_that_only_looks_like_a_video_is_refused(tmp_path: Path) -> None:
    (tmp_path / "street.mp4").write_bytes(b"no video at all")
    line = refusal("--footage", str(tmp_path), "--out", str(tmp_path / "out"))
    assert line == f"error: {tmp_path / 'street.mp4'}: not a video that can be decoded"
    assert not (tmp_path / "out").exists()


def test_result_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    out = tmp_path / "file" / "out"
    line = refusal("--clients", "1", "--out", str(out))
    assert line == f"error: {out}: cannot write results there: Not a directory"


def write_clip(folder: Path, num_frames: int, seed: int, speed: float = 4.0) -> None:
    folder.mkdir(parents=True)
    for index, frame in enumerate(walking_frames(num_frames, seed, speed)):
        cv2.imwrite(str(folder / f"{index:03d}.jpg"), frame)


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two training clips of walkers; four testing clips, in each of which somebody runs from frame 40 on."""
    root = tmp_path_factory.mktemp("drawn")
    for index in range(2):
        write_clip(root / "training" / "frames" / f"{index:02d}", 240, seed=index)
    for index in range(4):
        folder = root / "testing" / "frames" / f"{index:02d}"
        write_clip(folder, 70, seed=10 + index, speed=12.0)
    clips = {f"{index:02d}": {"anomalous": [[10, 69]]} for index in range(4)}
    (root / "labels.json").write_text(json.dumps({"fps": 10, "clips": clips}))
    return root


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"clips": {"00": {}}}', '{"clips": {"00": {"anomalous": [["a", 1]]}}}']
)
def test_broken_labels_are_refused_by_file(tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]) -> None:
    write_clip(tmp_path / "training" / "frames" / "00", 2, seed=0)
    (tmp_path / "labels.json").write_text(content)
    line = refusal_here(capsys, "--footage", str(tmp_path), "--out", str(tmp_path / "out"))
    assert line.startswith(f"error: {tmp_path / 'labels.json'}: ")


_SMALL = {"rounds": 1, "steps": 2, "seed": 5}


@dataclasses.dataclass(frozen=True)
class Run:
    """A run that has ended."""

    out: Path
    ended: "subprocess.CompletedProcess[str]"

    @property
    def metrics(self) -> dict[str, Any]:
        """What it measured."""
        assert self.ended.returncode == 0, self.ended.stderr
        content: dict[str, Any] = json.loads((self.out / "metrics.json").read_text())
        return content


def small_run(footage: Path, out: Path, workers: int, clients: int = 2) -> Run:
    options = {"clients": clients, "workers": workers, "footage": footage, "out": out} | _SMALL
    return Run(out, simulate(*(text for name, value in options.items() for text in (f"--{name}", str(value)))))


@pytest.fixture(scope="module")
def run(footage: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return small_run(footage, tmp_path_factory.mktemp("first") / "out", workers=2)


def test_small_run_writes_its_figures_report_and_models(run: Run) -> None:
    assert (run.ended.returncode, run.metrics["clients"]) == (0, 2)
    assert run.ended.stdout.splitlines() == [
        f"report: {run.out / 'report.html'}",
        f"metrics: {run.out / 'metrics.json'}",
    ]
    names = {"metrics.json", "report.html", "model.onnx", "model.int8.onnx", "training.npz", "scores.npz"}
    assert {path.name for path in run.out.iterdir()} == names
    assert "<svg" in (run.out / "report.html").read_text()


def test_figures_have_the_documented_keys_and_can_be_true(run: Run) -> None:
    figures = run.metrics
    assert dotted_keys(figures) == documented_keys()
    assert (figures["clients"], figures["rounds"], figures["seed"], figures["is_masked"]) == (2, 1, 5, False)
    assert set(figures["test"]["int8"]) == {"fused", "network", "statistics"}
    assert all(0.0 <= value <= 1.0 for value in (*figures["test"]["int8"].values(), figures["test"]["fp32"]["fused"]))
    assert (figures["training"]["frames"], len(figures["training"]["loss"])) == (480, 2)
    assert figures["bytes"]["up_per_client_round"] > 100_000
    model = (run.out / "model.int8.onnx").read_bytes()
    assert figures["model_digest"] == hashlib.sha256(model).hexdigest()


def test_three_clients_train_under_masks_and_two_say_that_they_do_not(run: Run, footage: Path, tmp_path: Path) -> None:
    figures = small_run(footage, tmp_path / "out", workers=2, clients=3).metrics
    assert dotted_keys(figures) == documented_keys()
    assert (figures["clients"], figures["is_masked"]) == (3, True)
    assert len(figures["training"]["loss"]) == len(figures["training"]["held_out_auc"]) == 2
    assert all(0.0 < value < 10.0 for value in figures["training"]["loss"])
    sent, sent_plain = (one["bytes"]["up_per_client_round"] for one in (figures, run.metrics))
    assert 0 < sent < 0.75 * sent_plain  # 13 bits a value and counts, in place of 32
    unmasked = "Updates were not masked: whoever runs the coordinator can read each site's."
    assert (unmasked in figures["notes"], unmasked in run.metrics["notes"]) == (False, True)


def test_operator_was_asked_through_the_coordinator_and_what_he_said_was_filed(run: Run) -> None:
    feedback = run.metrics["feedback"]
    assert feedback["operator_alerts"] >= 1
    assert feedback["operator_alerts"] == feedback["operator_false"] + feedback["operator_confirmed"]
    assert feedback["operator_labelled_tubelets"] >= 1
    assert feedback["anomalies"] == 2


def test_same_seed_gives_the_same_model_and_the_same_figures_whatever_the_number_of_workers(
    run: Run, footage: Path, tmp_path: Path
) -> None:
    again = small_run(footage, tmp_path / "out", workers=1).metrics
    timed = {"wall_s", "peak_rss_mb"}
    assert {key: value for key, value in again.items() if key not in timed} == {
        key: value for key, value in run.metrics.items() if key not in timed
    }


def test_failed_run_leaves_an_earlier_result_as_it_was(tmp_path: Path) -> None:
    out, broken = tmp_path / "out", tmp_path / "broken"
    out.mkdir()
    (out / "metrics.json").write_text("earlier")
    folder = broken / "training" / "frames" / "00"
    write_clip(folder, 3, seed=0)
    (folder / "001.jpg").write_bytes(b"no picture")
    line = simulate("--footage", str(broken), "--clients", "1", "--out", str(out)).stderr.splitlines()[-1]
    assert line == f"error: {folder / '001.jpg'}: not a picture that can be read, or cut off"
    assert {path.name: path.read_text() for path in out.iterdir()} == {"metrics.json": "earlier"}
