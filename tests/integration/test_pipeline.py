"""One camera from frame to score: learning first, swapping models, hearing the operator, starting again."""

import dataclasses
import datetime as dt
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from context.schedule import WEEKDAYS
from context.site import Camera, Site
from fl_client.inference.judging import ScoredFrame
from fl_client.inference.neighbours import neighbours_sums
from fl_client.inference.pipeline import ALARMING_SEVERITY, CameraPipeline
from fl_client.storage.tubelet_store import LABELS, TubeletStore
from model_zoo.errors import ModelFileError
from model_zoo.perception.detector import DetectorFile
from tests.fakes.detectors import cells
from tests.fakes.drawn_scene import FPS, Frame, walking_frames
from tests.fakes.onnx_models import METADATA, Weights, drawn_model
from tests.fakes.pose_models import figure, simcc

START_S = dt.datetime(2026, 1, 7, 12, tzinfo=dt.UTC).timestamp()
LEARN_FOR_S = 40.0
SITE = Site.model_validate(
    {
        "name": "store42",
        "schedule": {"weekly": {day: {"opens": "00:00", "closes": "24:00"} for day in WEEKDAYS}},
        "cameras": [{"name": "door", "index": 1}],
    }
)
CAMERA: Camera = SITE.cameras[0]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    path.write_bytes(drawn_model())
    return path


class Watching:
    """A pipeline that is shown frames one tenth of a second apart."""

    def __init__(
        self, state_dir: Path, model: Path, start_s: float = START_S, detector: DetectorFile | None = None
    ) -> None:
        self.pipeline = CameraPipeline(SITE, CAMERA, state_dir, LEARN_FOR_S, model, detector)
        self.now_s = start_s

    def watch(self, frames: Iterator[Frame]) -> list[ScoredFrame]:
        """Shows frames, after a pause in which everybody has left."""
        scored, self.now_s = [], self.now_s + 2.0
        for frame in frames:
            scored.append(self.pipeline.process(frame, self.now_s))
            self.now_s += 1 / FPS
        return scored

    def learn(self) -> list[ScoredFrame]:
        """Watches until enough is known."""
        scored = self.watch(walking_frames(round(LEARN_FOR_S * FPS), seed=1))
        wait_for_new_scorer(self.pipeline)
        return scored + self.watch(walking_frames(30, seed=4))


def top(scored: list[ScoredFrame]) -> float:
    return max(frame.severity for frame in scored)


def wait_for_new_scorer(pipeline: CameraPipeline) -> None:
    pipeline._fitter.submit(lambda: None).result(timeout=30)


def test_camera_is_busy_while_it_learns_the_scene_and_while_anybody_is_there(tmp_path: Path, model: Path) -> None:
    watching = Watching(tmp_path / "state", model)
    watching.watch(walking_frames(30, seed=1))
    assert watching.pipeline.is_busy
    watching.watch(walking_frames(round(LEARN_FOR_S * FPS), seed=1))
    assert watching.pipeline.is_busy
    empty = list(walking_frames(140, seed=2, walkers_every=1000))[120:]
    watching.watch(iter(empty))
    assert not watching.pipeline.is_busy
    watching.pipeline.close()


@pytest.fixture
def learned(tmp_path: Path, model: Path) -> Iterator[Watching]:
    watching = Watching(tmp_path / "state", model)
    watching.learn()
    yield watching
    watching.pipeline.close()


@pytest.mark.parametrize(("box", "sees_them"), [((0.3, 0.55, 0.45, 0.95), True), (None, False)])
def test_where_a_detector_is_configured_objects_are_what_it_finds(
    tmp_path: Path, model: Path, box: tuple[float, float, float, float] | None, sees_them: bool
) -> None:
    path = tmp_path / "detector.onnx"
    path.write_bytes(cells((256, 416), [(box, 0, 0.9)] if box else []))
    watching = Watching(tmp_path / "state", model, detector=DetectorFile(path, every=2))
    scored = watching.learn() + watching.watch(walking_frames(60, seed=5))
    watching.pipeline.close()
    found = [one for frame in scored for one in frame.objects]
    assert bool(found) == sees_them


def test_pose_model_is_read_for_the_camera_or_refused_before_anything_is_written(tmp_path: Path, model: Path) -> None:
    path = tmp_path / "pose.onnx"
    path.write_bytes(simcc(figure(0.0)))
    pipeline = CameraPipeline(SITE, CAMERA, tmp_path / "state", LEARN_FOR_S, model, pose_path=path)
    assert all(
        pipeline.process(frame, START_S + index).is_learning for index, frame in enumerate(walking_frames(30, 1))
    )
    pipeline.close()
    path.write_bytes(model.read_bytes())
    with pytest.raises(ModelFileError, match=r"pose.onnx: expected a pose model with one input"):
        CameraPipeline(SITE, CAMERA, tmp_path / "other", LEARN_FOR_S, model, pose_path=path)
    assert not (tmp_path / "other").exists()


def test_no_frame_is_judged_before_enough_was_watched_and_every_one_after(tmp_path: Path, model: Path) -> None:
    watching = Watching(tmp_path / "state", model)
    scored = watching.learn()
    watching.pipeline.close()
    learning = [frame.is_learning for frame in scored]
    assert learning == sorted(learning, reverse=True)
    assert LEARN_FOR_S - 1 <= learning.count(True) / FPS <= LEARN_FOR_S + 2
    assert not any(frame.severity or frame.objects for frame in scored if frame.is_learning)
    assert not watching.pipeline.is_learning


def test_walker_like_all_others_is_usual_and_a_runner_is_not(learned: Watching) -> None:
    usual, unusual = learned.watch(walking_frames(60, seed=2)), learned.watch(walking_frames(40, seed=2, speed=12.0))
    assert any(frame.objects for frame in usual)
    assert top(usual) < ALARMING_SEVERITY <= top(unusual)
    assert {frame.operational_state for frame in usual} == {"open"}


def test_model_is_swapped_between_two_frames_and_a_bad_file_changes_nothing(learned: Watching, tmp_path: Path) -> None:
    better, bad = tmp_path / "better.onnx", tmp_path / "bad.onnx"
    better.write_bytes(drawn_model(Weights(brightness=0.5)))
    bad.write_bytes(better.read_bytes()[:-200])
    before = learned.pipeline.model_digest
    with pytest.raises(ModelFileError, match=r"bad\.onnx: not an ONNX model, or damaged$"):
        learned.pipeline.swap_model(bad)
    assert learned.pipeline.model_digest == before
    learned.watch(walking_frames(20, seed=2))
    digest = learned.pipeline.swap_model(better)
    assert learned.pipeline.model_digest == digest != before
    scored = learned.watch(walking_frames(30, seed=3))
    assert len(scored) == 30
    assert any(frame.objects for frame in scored)


def test_false_alarm_is_known_and_the_same_motion_scores_lower_afterwards(learned: Watching) -> None:
    started_s = learned.now_s
    before = top(learned.watch(walking_frames(40, seed=2, speed=12.0)))
    learned.pipeline.keep_event_tubelets("alert", started_s, learned.now_s)
    assert learned.pipeline.apply_feedback("alert", "false")
    wait_for_new_scorer(learned.pipeline)
    assert top(learned.watch(walking_frames(40, seed=2, speed=12.0))) < before - 0.25


def test_confirmed_anomaly_is_kept_for_training_and_still_alarms(learned: Watching, tmp_path: Path) -> None:
    started_s = learned.now_s
    learned.watch(walking_frames(40, seed=2, speed=12.0))
    learned.pipeline.keep_event_tubelets("alert", started_s, learned.now_s)
    assert learned.pipeline.apply_feedback("alert", "confirmed")
    wait_for_new_scorer(learned.pipeline)
    labelled = TubeletStore(tmp_path / "state" / "cameras" / "door").labelled()
    assert set(labelled.label.tolist()) == {LABELS["confirmed"]}
    assert top(learned.watch(walking_frames(40, seed=2, speed=12.0))) >= ALARMING_SEVERITY


def test_word_on_an_alert_that_left_nothing_is_unknown(learned: Watching) -> None:
    learned.pipeline.keep_event_tubelets("quiet", START_S - 10, START_S - 5)
    assert not learned.pipeline.apply_feedback("quiet", "false")
    assert not learned.pipeline.apply_feedback("never raised", "false")


def test_restart_goes_on_without_learning_again(tmp_path: Path, model: Path) -> None:
    first = Watching(tmp_path / "state", model)
    first.learn()
    first.pipeline.close()
    second = Watching(tmp_path / "state", model, start_s=first.now_s + 3600)
    assert not second.pipeline.is_learning
    scored = second.watch(walking_frames(60, seed=2))
    second.pipeline.close()
    assert not any(frame.is_learning for frame in scored)
    assert any(frame.objects for frame in scored)
    assert top(scored) < ALARMING_SEVERITY


@pytest.mark.usefixtures("learned")
def test_camera_that_has_learned_leaves_its_sums_to_the_other_cameras(tmp_path: Path) -> None:
    assert neighbours_sums(tmp_path / "state" / "cameras" / "yard").count.sum() > 0
    assert neighbours_sums(tmp_path / "state" / "cameras" / CAMERA.name).count.sum() == 0


def test_camera_that_stops_while_learning_goes_on_where_it_was(tmp_path: Path, model: Path) -> None:
    first = Watching(tmp_path / "state", model)
    first.watch(walking_frames(round(0.8 * LEARN_FOR_S * FPS), seed=1))
    first.pipeline.close()
    second = Watching(tmp_path / "state", model, start_s=first.now_s)
    assert second.pipeline.is_learning
    scored = second.watch(walking_frames(round(0.6 * LEARN_FOR_S * FPS), seed=1))
    second.pipeline.close()
    assert not scored[-1].is_learning


def test_damaged_model_refuses_to_start(tmp_path: Path, model: Path) -> None:
    model.write_bytes(b"damaged")
    with pytest.raises(ModelFileError, match=r"model\.onnx: not an ONNX model, or damaged$"):
        CameraPipeline(SITE, CAMERA, tmp_path / "state", LEARN_FOR_S, model)


def test_model_with_other_states_is_refused(tmp_path: Path, model: Path) -> None:
    states = ("open", "closed", "lunch", "inventory", "party")
    model.write_bytes(drawn_model(Weights(), dataclasses.replace(METADATA, states=states)))
    with pytest.raises(ModelFileError, match=r"model\.onnx: the model knows other zone kinds or states"):
        CameraPipeline(SITE, CAMERA, tmp_path / "state", LEARN_FOR_S, model)


def test_restart_with_another_picture_learns_the_empty_scene_again(tmp_path: Path, model: Path) -> None:
    first = Watching(tmp_path / "state", model)
    first.learn()
    first.pipeline.close()
    second = Watching(tmp_path / "state", model, start_s=first.now_s)
    cut = [frame[:, :-16].copy() for frame in walking_frames(60, seed=2)]
    assert all(frame.is_learning for frame in second.watch(iter(cut)))
    second.pipeline.close()


def test_frames_are_judged_at_many_times_the_rate_of_the_camera(learned: Watching) -> None:
    frames = list(walking_frames(100, seed=2))
    began = time.monotonic()
    learned.watch(iter(frames))
    assert 100 / (time.monotonic() - began) > 2 * FPS
