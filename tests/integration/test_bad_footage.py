"""What an evaluation answers to footage and truth that do not fit: the table in docs/detection.md, case by case."""

import dataclasses
import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from model_zoo.datasets.clip import DataSet
from model_zoo.datasets.frame_folders import read_frame_folders
from model_zoo.errors import FootageError, ModelZooError, NormalityError
from model_zoo.evaluation.caveats import Caveats
from model_zoo.evaluation.experiment import Evaluation, run_evaluation
from model_zoo.evaluation.report import as_json, as_text
from model_zoo.evaluation.settings import EvaluationSettings
from tests.fakes.drawn_people import HEIGHT_PX, WIDTH_PX, write_walk

NUM_FRAMES, FIRST_ANOMALOUS = 24, 8
SETTINGS = EvaluationSettings(components=2, num_sites=2, num_folds=2, network=False)
NOBODY = Caveats((), (), (), ())
Masks = dict[str, npt.NDArray[np.uint8]]
Labels = dict[str, Any]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("drawn")
    for number in range(4):
        write_walk(root / "training" / "frames" / f"{number:02}", number, NUM_FRAMES)
    write_walk(root / "testing" / "frames" / "quiet", 5, NUM_FRAMES)
    write_walk(root / "testing" / "frames" / "racer", 6, NUM_FRAMES, racer_from=FIRST_ANOMALOUS)
    return root


@dataclasses.dataclass(frozen=True)
class Footage:
    """A copy of the drawn footage, to be spoilt."""

    root: Path
    labels: Labels
    masks: Masks

    def clip(self, name: str, part: str = "testing") -> Path:
        """The folder of a clip."""
        return self.root / part / "frames" / name

    def frame(self, name: str, part: str = "testing") -> Path:
        """One of its pictures."""
        return self.clip(name, part) / "005.jpg"

    def resize(self, name: str, part: str, width: int, height: int) -> "Footage":
        """Scales its pictures."""
        for path in self.clip(name, part).iterdir():
            cv2.imwrite(str(path), cv2.resize(np.asarray(cv2.imread(str(path))), (width, height)))
        return self

    def keep_first_frame(self, name: str, part: str = "testing") -> "Footage":
        """Removes all its pictures but one."""
        for path in sorted(self.clip(name, part).iterdir())[1:]:
            path.unlink()
        return self

    def read(self) -> DataSet:
        """Writes labels and masks, and reads all of it."""
        (self.root / "labels.json").write_text(json.dumps({"fps": 10, "clips": self.labels}))
        if self.masks:
            np.savez(self.root / "masks.npz", allow_pickle=False, **self.masks)
        return read_frame_folders(self.root)

    def evaluate(self) -> Evaluation:
        """Reads and evaluates it."""
        return run_evaluation(self.read(), SETTINGS, lambda _: None)


@pytest.fixture
def footage(drawn: Path, tmp_path: Path) -> Footage:
    shutil.copytree(drawn, tmp_path / "drawn")
    masks = {name: np.zeros((NUM_FRAMES, HEIGHT_PX, WIDTH_PX), np.uint8) for name in ("quiet", "racer")}
    masks["racer"][FIRST_ANOMALOUS:, 80:110] = 1
    labels = {
        "quiet": {"frames": NUM_FRAMES, "anomalous": []},
        "racer": {"frames": NUM_FRAMES, "anomalous": [[FIRST_ANOMALOUS, NUM_FRAMES - 1]]},
    }
    return Footage(tmp_path / "drawn", labels, masks)


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-400])


def empty(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def relabel(footage: Footage, **changes: object) -> None:
    footage.labels["racer"] |= changes


def squared_without_masks(footage: Footage) -> None:
    footage.masks.clear()
    footage.resize("racer", "testing", 160, 160)


def folder_for_picture(footage: Footage) -> None:
    footage.frame("racer").unlink()
    footage.frame("racer").mkdir()


def spoilt_masks_file(footage: Footage) -> None:
    footage.masks.clear()
    (footage.root / "masks.npz").write_bytes(b"PK")


def one_training_clip(footage: Footage) -> None:
    for number in range(1, 4):
        shutil.rmtree(footage.clip(f"{number:02}", "training"))


Spoil = Callable[[Footage], object]
REFUSED: dict[str, tuple[Spoil, str]] = {
    "a training clip of another size": (
        lambda f: f.resize("02", "training", 200, 120),
        "clip 02, frame 0: expected pictures of 160x120, got 200x120",
    ),
    "training clips too small": (
        lambda f: [f.resize(f"{number:02}", "training", 60, 45) for number in range(4)],
        "clip 00, frame 0: expected pictures of at least 64 px a side, got 60x45",
    ),
    "a test clip of other proportions": (
        squared_without_masks,
        "clip racer, frame 0: expected frames that scale to (120, 160) as the scene's did, got (160, 160)",
    ),
    "a picture cut off": (lambda f: cut_off(f.frame("racer")), "005.jpg: not a picture that can be read, or cut off"),
    "a training picture cut off": (
        lambda f: cut_off(f.frame("01", "training")),
        "training/frames/01/005.jpg: not a picture that can be read, or cut off",
    ),
    "no picture": (lambda f: f.frame("racer").write_text("hello"), "005.jpg: not a picture that can be read"),
    "an empty picture": (lambda f: f.frame("racer").write_bytes(b""), "005.jpg: not a picture that can be read"),
    "a folder called like a picture": (
        folder_for_picture,
        "005.jpg: not a picture that can be read",
    ),
    "an empty clip to learn from": (
        lambda f: empty(f.clip("01", "training")),
        "training/frames/01: expected pictures, found none",
    ),
    "an empty clip to test on": (
        lambda f: empty(f.clip("quiet")),
        "testing/frames/quiet: expected pictures, found none",
    ),
    "no clip to test on": (
        lambda f: shutil.rmtree(f.root / "testing"),
        "expected training and testing clips, got 4 and 0",
    ),
    "no clip to learn from": (
        lambda f: shutil.rmtree(f.root / "training"),
        "training/frames: expected folders of pictures, found none",
    ),
    "labels longer than the clip": (
        lambda f: relabel(f, frames=30),
        "racer: expected 30 pictures as labels.json says, found 24",
    ),
    "labels shorter than the clip": (
        lambda f: relabel(f, frames=20),
        "racer: expected 20 pictures as labels.json says, found 24",
    ),
    "an interval beyond the clip": (
        lambda f: relabel(f, anomalous=[[8, 24]]),
        "clip racer: expected an interval within 24 frames, got [8, 24]",
    ),
    "labels of a clip that is not there": (
        lambda f: f.labels.update(other={"anomalous": []}),
        "labels clips that are not there: other",
    ),
    "masks that mark nothing": (
        lambda f: f.masks["racer"].fill(0),
        "clip racer: labels call 16 frames anomalous, but its masks mark nothing",
    ),
    "masks against the labels": (
        lambda f: f.masks["quiet"].fill(1),
        "clip quiet: its masks mark something, but labels call no frame anomalous",
    ),
    "fewer masks than frames": (
        lambda f: f.masks.update(racer=f.masks["racer"][:20]),
        "clip racer: expected uint8 masks (24, h, w), got (20, 120, 160)",
    ),
    "masks of no size": (
        lambda f: f.masks.update(racer=f.masks["racer"][:, :0]),
        "clip racer: expected masks (24, h, w), got (24, 0, 160)",
    ),
    "masks of other proportions": (
        lambda f: f.masks.update(racer=f.masks["racer"][:, :, :120]),
        "clip racer: expected masks of the proportions of 160x120, got 120x120",
    ),
    "masks of one clip missing": (lambda f: f.masks.pop("racer"), "masks.npz: expected masks of clip racer"),
    "no masks in the file of masks": (
        spoilt_masks_file,
        "masks.npz: expected masks by clip, got no NPZ file, or one cut off",
    ),
    "training clips of one frame": (
        lambda f: [f.keep_first_frame(f"{number:02}", "training") for number in range(4)],
        "expected at least one object in the training footage, found none",
    ),
    "one training clip": (
        one_training_clip,
        "expected objects in at least 2 of the parts that 1 training clips are dealt out to",
    ),
    "objects in one training clip": (
        lambda f: [f.keep_first_frame(f"{number:02}", "training") for number in range(1, 4)],
        "expected objects in at least 2 of the parts that 4 training clips are dealt out to",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_used_is_refused_with_its_place(footage: Footage, case: str) -> None:
    spoil, words = REFUSED[case]
    spoil(footage)
    with pytest.raises(ModelZooError) as refused:
        footage.evaluate()
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)
    assert isinstance(refused.value, FootageError | NormalityError)


def test_masks_are_refused_before_anything_is_learned(footage: Footage) -> None:
    footage.masks["racer"].fill(0)
    cut_off(footage.frame("01", "training"))
    with pytest.raises(FootageError, match="its masks mark nothing"):
        footage.evaluate()


def test_footage_in_order_has_no_caveat_and_all_figures(footage: Footage) -> None:
    found = footage.evaluate()
    assert found.caveats == NOBODY
    assert found.figures is not None
    assert found.figures["micro"]["causal"] > 0.8
    assert found.regions is not None
    assert found.caveats.sentences() == []


def test_a_larger_test_clip_of_the_same_proportions_is_scaled(footage: Footage) -> None:
    footage.masks.clear()
    data = footage.read()
    scaled = run_evaluation(data, SETTINGS, lambda _: None)
    for part, name in (("testing", "racer"), ("testing", "quiet"), *(("training", f"{one:02}") for one in range(4))):
        footage.resize(name, part, 720, 540)
    footage.resize("racer", "testing", 360, 270)
    found = run_evaluation(data, SETTINGS, lambda _: None)
    assert found.figures is not None
    assert scaled.figures is not None
    assert found.figures["micro"]["causal"] == pytest.approx(scaled.figures["micro"]["causal"], abs=0.15)


def test_a_clip_of_one_frame_is_named_and_has_the_usual_score(footage: Footage) -> None:
    footage.masks.clear()
    footage.keep_first_frame("quiet")
    footage.labels["quiet"] = {"frames": 1, "anomalous": []}
    found = footage.evaluate()
    assert found.caveats == dataclasses.replace(NOBODY, clips_of_one_frame=("quiet",))
    assert found.tested[0].scores.tolist() == [found.trained.usual_score]
    assert as_text(found).endswith("clips of one frame, given the usual score: 'quiet'")


def test_clips_without_labels_are_named_and_in_no_figure(footage: Footage) -> None:
    del footage.labels["racer"]
    footage.masks.clear()
    found = footage.evaluate()
    assert as_json(found)["caveats"]["clips_without_labels"] == ("racer",)
    assert as_json(found)["micro"] is None
    assert found.alarms is not None
    assert found.alarms.recall is None


def test_a_clip_in_which_nothing_is_seen_is_named(footage: Footage) -> None:
    footage.masks.clear()
    for path in footage.clip("quiet").iterdir():
        cv2.imwrite(str(path), np.full((HEIGHT_PX, WIDTH_PX), 30, np.uint8))
    found = footage.evaluate()
    assert found.caveats == dataclasses.replace(NOBODY, clips_without_objects=("quiet",))
    assert not found.tested[0].scores[1:].any()
    assert "clips without any object, scored 0: 'quiet'" in as_text(found)


def test_a_camera_never_trained_on_is_named_and_warned_of_once(
    footage: Footage, caplog: pytest.LogCaptureFixture
) -> None:
    footage.masks.clear()
    data = footage.read()
    elsewhere = tuple(dataclasses.replace(clip, camera="gate") for clip in data.testing)
    with caplog.at_level(logging.WARNING):
        found = run_evaluation(dataclasses.replace(data, testing=elsewhere), SETTINGS, lambda _: None)
    assert found.caveats == dataclasses.replace(NOBODY, cameras_never_trained_on=("gate",))
    assert as_json(found)["caveats"]["cameras_never_trained_on"] == ("gate",)
    assert "cameras never trained on, judged as all together: 'gate'" in as_text(found)
    (warning,) = caplog.records
    assert (warning.getMessage(), vars(warning)["camera"]) == (
        "camera never trained on, judged as all together",
        "gate",
    )


def test_a_data_set_without_clips_is_refused() -> None:
    with pytest.raises(FootageError, match="expected training and testing clips, got 0 and 0"):
        run_evaluation(DataSet("nothing", (), ()), SETTINGS, lambda _: None)
