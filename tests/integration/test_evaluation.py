"""``python -m model_zoo evaluate`` on footage drawn here, and on what cannot be evaluated."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.detection_selection.selection import Footage, PastedInto, candidate_figures
from model_zoo.datasets.published import read_ucsd
from model_zoo.evaluation.frame_figures import FRAME_FIGURES, SMOOTHINGS
from model_zoo.evaluation.pasted_objects import INTRUDERS
from model_zoo.evaluation.settings import EvaluationSettings
from tests.fakes.detectors import cells
from tests.fakes.drawn_people import floor, with_person

ROOT = Path(__file__).parents[2]
NUM_FRAMES = 60
STEP_PX = 1.6


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "model_zoo", "evaluate", *map(str, arguments)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300)


def write_clip(folder: Path, seed: int, racer_from: int | None = None) -> None:
    """Two walkers; from one frame on somebody passes at four times their pace."""
    folder.mkdir(parents=True)
    random = np.random.default_rng([seed])
    starts, feet = random.uniform(0, 60, 2), np.array([42, 78]) + random.uniform(-4, 4, 2)
    for index in range(NUM_FRAMES):
        picture = floor()
        for start, foot in zip(starts, feet, strict=True):
            picture = with_person(picture, start + STEP_PX * index * random.uniform(0.95, 1.05), foot)
        if racer_from is not None and index >= racer_from:
            picture = with_person(picture, 4 * STEP_PX * (index - racer_from), 116)
        noise = random.normal(0, 1.5, picture.shape)
        cv2.imwrite(str(folder / f"{index:03}.png"), np.clip(picture + noise, 0, 255).astype(np.uint8))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("drawn")
    for number in range(10):
        write_clip(root / "training" / "frames" / f"{number:02}", number)
    clips = {}
    for number, racer_from in ((0, 20), (1, None), (2, 30)):
        name = f"{number:02}"
        write_clip(root / "testing" / "frames" / name, 100 + number, racer_from)
        last = NUM_FRAMES - 1 if racer_from is None else min(NUM_FRAMES - 1, racer_from + 24)
        anomalous = [] if racer_from is None else [[racer_from, last]]
        clips[name] = {"frames": NUM_FRAMES, "anomalous": anomalous}
    (root / "labels.json").write_text(json.dumps({"fps": 10, "clips": clips}))
    return root


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("config") / "small.yaml"
    path.write_text("components: 4\nnum_sites: 3\nalarms_per_1000: 20\n")
    return path


@dataclasses.dataclass(frozen=True)
class Evaluated:
    """The drawn footage, evaluated once."""

    done: "subprocess.CompletedProcess[str]"
    out: Path
    scores: Path


@pytest.fixture(scope="module")
def evaluated(drawn: Path, config: Path, tmp_path_factory: pytest.TempPathFactory) -> Evaluated:
    folder = tmp_path_factory.mktemp("evaluated")
    out, scores = folder / "figures.json", folder / "scores.npz"
    done = run("ped2", "--root", drawn, "--config", config, "--json", out, "--scores", scores)
    return Evaluated(done, out, scores)


def test_somebody_racing_past_walkers_is_found_and_the_file_says_what_is_printed(evaluated: Evaluated) -> None:
    done = evaluated.done
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        0,
        "no object detector configured: objects come from the foreground alone",
    )
    figures = json.loads(evaluated.out.read_text())
    assert figures["micro"]["causal"] > 0.85
    assert figures["events"]["recall"] > 0.4
    assert figures["events"]["threshold"] > 0
    assert all(set(figures[name]) == set(SMOOTHINGS) for name in FRAME_FIGURES)
    assert figures["micro"] == pytest.approx(figures["pooled"]["micro"], abs=1e-9), "sums cost nothing"
    assert figures["frames"] == 3 * NUM_FRAMES
    assert {"background", "flow", "proposals", "tracks", "network", "score"} <= set(figures["stages_ms"])
    assert sum(figures["stages_ms"].values()) < 1000 / figures["fps_one_core"]
    assert figures["configuration"]["components"] == 4
    assert f"{100 * figures['micro']['raw']:.1f}" in done.stdout
    with np.load(evaluated.scores) as arrays:
        assert {name: arrays[name].shape for name in arrays} == dict.fromkeys(("00", "01", "02"), (NUM_FRAMES,))
        assert all(np.isfinite(arrays[name]).all() for name in arrays)
        labels = {"00": (20, 44), "01": (NUM_FRAMES, 0), "02": (30, 54)}
        truth = {name: [int(first <= at <= last) for at in range(NUM_FRAMES)] for name, (first, last) in labels.items()}
        micro, recall, delay = refereed([(truth[name], arrays[name].tolist()) for name in arrays], figures["events"])
    assert (figures["micro"]["raw"], figures["micro"]["causal"]) == pytest.approx(micro)
    assert figures["events"]["recall"] == pytest.approx(recall)
    assert figures["events"]["median_delay_frames"] == delay


def refereed(clips: list[tuple[list[int], list[float]]], events: dict[str, float]) -> tuple[list[float], float, float]:
    """Micro AUC raw and causal, recall and median delay from written scores, word for word."""
    causal = []
    for _, scores in clips:
        level, levels = scores[0], []
        for score in scores:
            level = 0.8 * level + 0.2 * score
            levels.append(level)
        causal.append(levels)
    micro = []
    for every in ([scores for _, scores in clips], causal):
        pairs = [
            pair for (labels, _), scores in zip(clips, every, strict=True) for pair in zip(labels, scores, strict=True)
        ]
        odd, usual = ([score for label, score in pairs if label == one] for one in (1, 0))
        wins = sum((high > low) + 0.5 * (high == low) for high in odd for low in usual)
        micro.append(wins / (len(odd) * len(usual)))
    found, delays = [], []
    for (labels, _), levels in zip(clips, causal, strict=True):
        alarms = [level > events["threshold"] for label, level in zip(labels, levels, strict=True) if label]
        found += alarms
        delays += [alarms.index(True)] if True in alarms else []
    return micro, sum(found) / len(found), float(np.median(delays))


def test_the_same_twice_gives_the_same_figures(evaluated: Evaluated, drawn: Path, config: Path, tmp_path: Path) -> None:
    again, found = tmp_path / "again.npz", []
    run("ped2", "--root", drawn, "--config", config, "--scores", again)
    for path in (evaluated.scores, again):
        with np.load(path) as arrays:
            found.append({clip: arrays[clip].tolist() for clip in arrays})
    assert found[0] == found[1]


def test_footage_without_labels_has_speed_but_no_figures(drawn: Path, config: Path, tmp_path: Path) -> None:
    for part in ("training", "testing"):
        (tmp_path / part).symlink_to(drawn / part)
    out = tmp_path / "figures.json"
    done = run("ped2", "--root", tmp_path, "--config", config, "--json", out)
    assert done.returncode == 0
    assert "no frame figures: the test clips hold no labels of both classes" in done.stdout
    assert json.loads(out.read_text())["micro"] is None


def damaged(drawn: Path, root: Path, content: bytes, clip: str = "training/frames/02") -> Path:
    """The drawn footage with one frame replaced."""
    for source in drawn.rglob("*.*"):
        target = root / source.relative_to(drawn)
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_file():
            target.write_bytes(source.read_bytes())
    (root / clip / "030.png").write_bytes(content)
    return root


def png(height: int, width: int) -> bytes:
    return bytes(cv2.imencode(".png", np.zeros((height, width), np.uint8))[1])


def refusal(*arguments: str | Path) -> str:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    error = done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    return error


def test_unusable_frames_are_named(drawn: Path, config: Path, tmp_path: Path) -> None:
    corrupt = damaged(drawn, tmp_path / "corrupt", b"no picture")
    error = refusal("ped2", "--root", corrupt, "--config", config)
    assert error == f"error: {corrupt}/training/frames/02/030.png: not a picture that can be read, or cut off"
    larger = damaged(drawn, tmp_path / "larger", png(240, 160), "testing/frames/01")
    error = refusal("ped2", "--root", larger, "--config", config)
    assert (
        error == "error: clip 01, frame 30: expected frames that scale to (120, 160) as the scene's did, got (240, 160)"
    )
    tiny = damaged(drawn, tmp_path / "tiny", png(20, 20))
    error = refusal("ped2", "--root", tiny, "--config", config)
    assert error == "error: clip 02, frame 30: expected pictures of 160x120, got 20x20"


def test_what_cannot_be_evaluated_is_refused_in_one_line(drawn: Path, tmp_path: Path) -> None:
    assert refusal("ped3", "--root", drawn) == (
        "error: data set: expected one of ped2, avenue, shanghaitech, ucf-crime, pets, context-swap, got 'ped3'"
    )
    said = f"--scores {tmp_path}/a.npz: context-swap scores each frame in two contexts; use --json"
    assert refusal("context-swap", "--root", drawn, "--scores", tmp_path / "a.npz") == f"error: Invalid value: {said}"
    nowhere = tmp_path / "no" / "figures.json"
    assert refusal("ped2", "--root", drawn, "--json", nowhere) == (
        f"error: Invalid value: {nowhere}: expected a folder to write to, {nowhere.parent} is none"
    )
    missing = tmp_path / "missing"
    assert refusal("ped2", "--root", missing) == (
        f"error: {missing}/training/frames: expected folders of pictures, found none"
    )
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("detect_every: 0\nnormality: forest\nspeed: 3\n")
    done = run("ped2", "--root", drawn, "--config", wrong)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        f"error: {wrong}:1:15: detect_every: Input should be greater than or equal to 1 (got 0)",
        f"error: {wrong}:2:12: normality: Input should be 'gaussian', 'mixture' or 'k-means' (got \"forest\")",
        f"error: {wrong}:3:8: speed: Extra inputs are not permitted",
    ]
    text = tmp_path / "text.onnx"
    text.write_text("no model")
    assert refusal("ped2", "--root", drawn, "--detector", text) == f"error: {text}: not an ONNX model, or damaged"


def test_a_detector_beside_the_data_sets_is_used_where_none_is_named(drawn: Path, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "yolox_nano_416x416.onnx").write_bytes(cells((320, 416), []))
    root = tmp_path / "data" / "drawn"
    shutil.copytree(drawn, root)
    done = run("ped2", "--root", root)
    assert done.stderr.splitlines()[0] == f"objects come from {tmp_path}/models/yolox_nano_416x416.onnx"
    assert done.stderr.splitlines()[-1] == "error: expected at least one object in the training footage, found none"


def test_selection_measures_what_a_configuration_finds(drawn: Path) -> None:
    data = read_ucsd(drawn)
    racers = [
        PastedInto(clip, clip.labels, list(INTRUDERS)[number % len(INTRUDERS)], number)
        for number, clip in enumerate([data.testing[0], data.testing[2]] * 2)
        if clip.labels is not None
    ]
    settings = EvaluationSettings(normality="gaussian", network=False, num_sites=2, alarms_per_1000=20.0)
    figures = candidate_figures(Footage(data.training, tuple(racers)), settings)
    assert figures["micro"]["raw"] > 0.85
    assert figures["recall"] > 0.4
    assert set(figures["recall_by_kind"]) == set(INTRUDERS)


def test_a_clip_of_one_frame_gets_the_usual_score(drawn: Path, config: Path, tmp_path: Path) -> None:
    root = damaged(drawn, tmp_path / "short", (drawn / "training/frames/02/030.png").read_bytes())
    short = root / "testing" / "frames" / "03"
    short.mkdir()
    (short / "000.png").write_bytes((drawn / "testing/frames/01/000.png").read_bytes())
    scores = tmp_path / "scores.npz"
    assert run("ped2", "--root", root, "--config", config, "--scores", scores).returncode == 0
    with np.load(scores) as arrays:
        assert arrays["03"].tolist() == [arrays["00"][0]]
