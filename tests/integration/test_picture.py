"""``python -m model_zoo picture`` on drawn footage, and what it says of it."""

import dataclasses
import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from model_zoo.datasets.frame_folders import read_frame_folders
from model_zoo.errors import FootageError
from model_zoo.evaluation.experiment import learn, score_clip
from model_zoo.evaluation.picture import draw
from model_zoo.evaluation.settings import EvaluationSettings
from model_zoo.evaluation.sight import NUM_SHOWN, Sight, clip_named, see, sight_of
from model_zoo.evaluation.watching import open_watcher
from model_zoo.perception.stage_clock import StageClock
from tests.fakes.drawn_people import HEIGHT_PX, WIDTH_PX, write_walk

ROOT = Path(__file__).parents[2]
NUM_FRAMES, FIRST_ANOMALOUS = 24, 8
SETTINGS = EvaluationSettings(components=2, num_sites=2, num_folds=2)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    for number in range(4):
        write_walk(folder / "training" / "frames" / f"{number:02}", number, NUM_FRAMES)
    write_walk(folder / "testing" / "frames" / "racer", 6, NUM_FRAMES, racer_from=FIRST_ANOMALOUS)
    write_walk(folder / "testing" / "frames" / "short", 7, 2)
    clips = {"racer": {"anomalous": [[FIRST_ANOMALOUS, NUM_FRAMES - 1]]}, "short": {"anomalous": []}}
    (folder / "labels.json").write_text(json.dumps({"fps": 10, "clips": clips}))
    masks = np.zeros((NUM_FRAMES, HEIGHT_PX, WIDTH_PX), np.uint8)
    masks[FIRST_ANOMALOUS:, 80:110] = 1
    np.savez(folder / "masks.npz", racer=masks, short=masks[:2] * 0)
    return folder


def sight(root: Path, name: str, settings: EvaluationSettings = SETTINGS) -> tuple[Sight, float]:
    """What is drawn, and the network's score of the most unusual object as it was scored."""
    data = read_frame_folders(root)
    watcher = open_watcher(data.training, settings)
    trained = learn(watcher, data.training, settings)
    tested = score_clip(watcher, trained, clip_named(data, name), StageClock())
    row = int(np.argmax(tested.surprise)) if len(tested.surprise) else 0
    return sight_of(watcher, trained, tested), float(tested.rows.network[row]) if len(tested.rows) else 0.0


def test_the_racer_is_the_most_unusual_and_the_network_is_explained_as_it_scored(root: Path) -> None:
    seen, network_score = sight(root, "racer")
    oddest = seen.oddest
    assert oddest is not None
    assert oddest.index >= FIRST_ANOMALOUS
    assert oddest.box[3] == pytest.approx(110 / HEIGHT_PX, abs=0.05)
    assert oddest.occlusion is not None
    assert oddest.occlusion.score == pytest.approx(network_score, abs=1e-6)
    assert set(oddest.parts) == {"motion and size", "kind", "network", "oddity"}
    assert len(seen.shown) == NUM_SHOWN
    assert oddest.index in {shown.index for shown in seen.shown}
    last = seen.shown[-1]
    assert len(last.truth) == 1
    assert seen.surprise_map.max() == pytest.approx(oddest.surprise)
    height, _ = seen.surprise_map.shape
    assert np.argmax(seen.surprise_map.max(axis=1)) > height / 2  # the racer's lane is the lower one


def pixels(content: bytes) -> np.ndarray:
    return np.asarray(cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR))


def test_without_footage_no_pixel_of_it_is_drawn(root: Path) -> None:
    seen, _ = sight(root, "racer")
    with_it, without = draw(seen), draw(seen, has_footage=False)
    assert pixels(with_it).shape == pixels(without).shape
    assert len(without) < len(with_it)
    bright = pixels(with_it).copy()
    for index, shown in enumerate(seen.shown):
        np.copyto(shown.frame, 255 * (index % 2))
    np.copyto(seen.background, 255)
    assert seen.oddest is not None
    np.copyto(seen.oddest.crop, 255)
    assert draw(seen, has_footage=False) == without
    assert not np.array_equal(pixels(draw(seen)), bright)


def test_a_clip_too_short_for_any_object_is_drawn_and_says_so(root: Path) -> None:
    seen, _ = sight(root, "short")
    assert seen.oddest is None
    assert pixels(draw(seen)).size


def test_without_the_network_there_is_no_map_of_what_drives_it(root: Path) -> None:
    seen, _ = sight(root, "racer", SETTINGS.model_copy(update={"network": False}))
    assert seen.oddest is not None
    assert seen.oddest.occlusion is None
    assert "network" not in seen.oddest.parts
    assert pixels(draw(seen)).size


def test_a_camera_never_trained_on_is_warned_of(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    data = read_frame_folders(root)
    elsewhere = dataclasses.replace(clip_named(data, "racer"), camera="gate")
    with caplog.at_level(logging.WARNING):
        assert pixels(draw(see(data, elsewhere, SETTINGS, lambda _: None))).size
    assert [record.getMessage() for record in caplog.records] == ["camera never trained on, judged as all together"]


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "model_zoo", "picture", *map(str, arguments)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300)


def test_the_command_writes_the_file_and_prints_its_name(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "racer.png"
    config = tmp_path / "small.yaml"
    config.write_text("components: 2\nnum_sites: 2\nnum_folds: 2\n")
    done = run("ped2", "--root", root, "--clip", "racer", "--out", out, "--config", config, "--without-footage")
    assert (done.returncode, done.stdout) == (0, f"{out}\n"), done.stderr
    assert pixels(out.read_bytes()).shape[1] > 1000


def test_what_cannot_be_drawn_is_refused_at_once(root: Path, tmp_path: Path) -> None:
    done = run("ped2", "--root", root, "--clip", "07", "--out", tmp_path / "a.png")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1] == "error: clip: expected one of racer, short, got '07'"
    done = run("context-swap", "--root", root, "--clip", "07", "--out", tmp_path / "a.png")
    expected = "error: data set: expected one of ped2, avenue, shanghaitech, ucf-crime, pets, got 'context-swap'"
    assert done.stderr.splitlines()[-1] == expected
    done = run("ped2", "--root", root, "--clip", "racer", "--out", tmp_path / "a.jpg")
    assert (done.returncode, "expected a file name that ends in .png" in done.stderr) == (2, True)
    with pytest.raises(FootageError, match="expected one of racer, short"):
        clip_named(read_frame_folders(root), "99")
    assert list(tmp_path.iterdir()) == []
