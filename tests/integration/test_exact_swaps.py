"""``python -m model_zoo evaluate context-swap`` on a small rendered dataset of the synthetic world."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from fl_runtime.config_file import load_config
from model_zoo.datasets.synthetic import is_world_footage, read_world_footage
from model_zoo.errors import FootageError
from model_zoo.evaluation.exact_swaps import evaluate_exact_swaps, exact_swaps_text
from model_zoo.evaluation.settings import EvaluationSettings
from model_zoo.evaluation.swap_rules import FACTORS
from simulation.world import ClipPlan, emulated_camera, plan_footage, write_dataset

ROOT = Path(__file__).parents[2]
NUM_FRAMES = 130


def run(root: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "model_zoo", "evaluate", "context-swap", "--root", str(root), *map(str, arguments)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=900)


def refusal(root: Path, *arguments: str | Path) -> str:
    done = run(root, *arguments)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr.splitlines()[-1]


@pytest.fixture(scope="module")
def parking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A car park before opening and when open: two mornings and two afternoons to learn from, two clips to test on."""
    camera = emulated_camera(0, 4)
    plan = plan_footage(camera, 0, NUM_FRAMES)
    _, opening, morning, afternoon, *_ = plan.training

    def another(clip: ClipPlan, seed: int) -> ClipPlan:
        return dataclasses.replace(clip, seed=seed)

    small = dataclasses.replace(
        plan,
        training=(opening, morning, afternoon, another(opening, 1), another(morning, 2), another(afternoon, 3)),
        validation=(),
        testing=(another(opening, 4), another(morning, 5)),
        feedback=(),
        held_out=(),
    )
    root = tmp_path_factory.mktemp("world") / "parking"
    write_dataset(root, camera, small)
    return root


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("config") / "small.yaml"
    path.write_text("components: 4\nnum_sites: 2\nnetwork: false\n")
    return path


def test_every_factor_is_swapped_and_a_blind_model_is_capped(parking: Path, config: Path) -> None:
    said: list[str] = []
    figures = evaluate_exact_swaps(read_world_footage(parking), load_config(config, EvaluationSettings), said.append)
    text = exact_swaps_text(figures)
    assert said == ["watched 8 clips", *(name.replace("_", " ") for name in FACTORS)]
    assert list(figures["factors"]) == list(FACTORS)
    assert figures["left_out"] == {}
    for name, factor in figures["factors"].items():
        assert factor["blind"]["swap_auc"] == 0.5
        assert factor["conditioned"]["union_auc"] > factor["blind"]["union_auc"], name
        assert min(factor["objects_taught"]) >= 60
        assert {"raw", "causal", "smoothed", "union_auc", "swap_auc"} == set(factor["conditioned"])
    for model in ("conditioned", "blind"):
        for key in ("union_auc", "swap_auc"):
            mean = np.mean([factor[model][key] for factor in figures["factors"].values()])
            assert figures[model][key] == pytest.approx(mean)
    swap_auc = {name: factor["conditioned"]["swap_auc"] for name, factor in figures["factors"].items()}
    assert min(swap_auc[name] for name in ("operational_state", "speed_limit")) > 0.7, (
        "the clearest of seconds of footage"
    )
    assert figures["factors"]["operational_state"]["contexts"] == ["opening", "open"]
    assert figures["factors"]["time_of_day"]["about"] == "car in the morning only, state open"
    assert f"{100 * figures['conditioned']['union_auc']:.1f}" in text
    assert "time of day: morning | afternoon: car in the morning only, state open" in text


def altered(parking: Path, root: Path, change_fn: Callable[[dict[str, Any]], object]) -> Path:
    """The same footage with other labels."""
    root.mkdir()
    for part in ("training", "testing"):
        (root / part).symlink_to(parking / part)
    labels = json.loads((parking / "labels.json").read_text())
    change_fn(labels)
    (root / "labels.json").write_text(json.dumps(labels))
    return root


def test_a_factor_that_cannot_be_shown_is_left_out_with_its_reason(parking: Path, config: Path, tmp_path: Path) -> None:
    def no_zones_and_one_state(labels: dict[str, Any]) -> None:
        labels["zones"] = []
        for clip in (*labels["training"].values(), *labels["clips"].values()):
            for track in clip["tracks"]:
                track["wrong_in"] = []
                track["speed_m_s"] = [0.5] * len(track["frames"])
            clip["start_local"] = "2026-03-02T10:00:00+01:00"

    root = altered(parking, tmp_path / "poor", no_zones_and_one_state)
    out = tmp_path / "figures.json"
    done = run(root, "--config", config, "--json", out)
    assert done.returncode == 0, done.stderr
    figures = json.loads(out.read_text())
    assert list(figures["factors"]) == ["permitted_direction"]
    assert set(figures["left_out"]) == set(FACTORS) - {"permitted_direction"}
    assert "zone: left out: no kind of actor keeps to one of two zones that are both used" in done.stdout
    swap_auc = figures["factors"]["permitted_direction"]["conditioned"]["swap_auc"]
    assert figures["swap_auc"] == figures["conditioned"]["swap_auc"] == swap_auc


def test_footage_that_shows_no_factor_is_refused(parking: Path, config: Path, tmp_path: Path) -> None:
    def nobody(labels: dict[str, Any]) -> None:
        for clip in (*labels["training"].values(), *labels["clips"].values()):
            clip["tracks"] = []

    error = refusal(altered(parking, tmp_path / "empty", nobody), "--config", config)
    assert error.startswith("error: expected footage that shows a factor of context; time of day: in state ")
    assert error.endswith("speed limit: 0 frames of actors above 2 m/s, of at least 60")


def test_pictures_without_what_the_labels_name_teach_nothing(parking: Path, config: Path, tmp_path: Path) -> None:
    root = tmp_path / "blank"
    shutil.copytree(parking, root)
    empty = cv2.imencode(".jpg", np.full((240, 360, 3), 128, np.uint8))[1].tobytes()
    for path in root.rglob("*.jpg"):
        path.write_bytes(empty)
    error = refusal(root, "--config", config)
    assert "time of day: context morning: 0 normal objects found in training clips, of 60" in error


def drop(key: str) -> Callable[[dict[str, Any]], object]:
    return lambda labels: labels["clips"]["01"].pop(key)


@pytest.mark.parametrize(
    ("change_fn", "message"),
    [
        (drop("tracks"), "clips.01.tracks: missing; footage of an older world has to be written again"),
        (drop("state"), "clips.01.state: missing;"),
        (lambda labels: labels.pop("zones"), "zones: missing;"),
        (
            lambda labels: labels["clips"]["02"].update(fps=25.0),
            "clips.02.fps: Input should be less than or equal to 11",
        ),
        (lambda labels: labels.update(training={}), "training: Dictionary should have at least 1 item"),
        (lambda labels: labels["clips"]["01"].update(start_local="noon"), "clips.01: expected start_local as YYYY"),
        (lambda labels: labels["clips"]["01"].update(frames=7), "clips.01: expected tracks within the 7 frames"),
        (
            lambda labels: labels["clips"]["01"].update(frames=500),
            "expected 500 pictures as labels.json says, found 130",
        ),
        (
            lambda labels: labels["clips"]["01"]["tracks"][0]["boxes"].pop(),
            "clips.01.tracks.0: expected as many boxes, seen and speed_m_s as frames",
        ),
        (
            lambda labels: labels["clips"]["01"]["tracks"][0]["frames"].reverse(),
            "clips.01.tracks.0: expected frames that ascend",
        ),
        (lambda labels: labels["clips"].update({"../01": labels["clips"]["01"]}), "clips.../01.[key]: String should"),
    ],
)
def test_labels_that_do_not_fit_are_refused_in_one_line(
    parking: Path, tmp_path: Path, change_fn: Callable[[dict[str, Any]], object], message: str
) -> None:
    root = altered(parking, tmp_path / "damaged", change_fn)
    with pytest.raises(FootageError) as refused:
        read_world_footage(root)
    error = str(refused.value)
    assert error.startswith(f"{root}/")
    assert message in error
    assert "\n" not in error


def test_missing_frames_and_unreadable_labels_are_refused(parking: Path, tmp_path: Path) -> None:
    root = tmp_path / "short"
    shutil.copytree(parking, root)
    (root / "training" / "frames" / "02" / "050.jpg").unlink()
    expected = f"expected {NUM_FRAMES} pictures as labels.json says, found {NUM_FRAMES - 1}"
    assert refusal(root) == f"error: {root}/training/frames/02: {expected}"
    shutil.rmtree(root / "training" / "frames" / "02")
    with pytest.raises(FootageError, match=r"training/frames/02: expected 130 pictures as labels.json says, found 0$"):
        read_world_footage(root)
    (root / "labels.json").write_text("{")
    assert refusal(root).startswith(f"error: {root}/labels.json: ")


def test_only_labels_that_describe_training_clips_are_the_worlds(parking: Path, tmp_path: Path) -> None:
    assert is_world_footage(parking)
    assert not is_world_footage(tmp_path)
    (tmp_path / "labels.json").write_text('{"clips": {"01": {"anomalous": []}}}')
    assert not is_world_footage(tmp_path)
    footage = read_world_footage(parking)
    assert [clip.hour < 12 for clip in footage.training] == [True, True, False] * 2
    assert [clip.clip.name for clip in footage.testing] == ["testing/01", "testing/02"]
