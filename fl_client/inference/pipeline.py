"""One camera, frame in, scores out: what the client's frame loop calls.

A camera never seen first learns its empty scene, then its normality; for ``learn_for_s`` seconds in all every frame is
marked as learning. Afterwards it goes on learning from what raises no alarm. New scorers (another model,
an operator's word, more footage) are built beside the frame loop and taken over between two frames.
"""

import collections
import dataclasses
import datetime as dt
import logging
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt

from context.context_vector import Moment, moment_at
from context.schedule import STATES, OperationalState
from context.site import Camera, Site
from context.zone import ZONE_KINDS
from fl_client.errors import ClientError
from fl_client.inference.judging import FrameJudge, ScoredFrame, ScoredObject
from fl_client.inference.learning import BlockBuilder, SceneLearner, forget_scenes, load_scenes, save_scenes
from fl_client.inference.neighbours import leave_sums, neighbours_sums
from fl_client.inference.perceived import CameraView, Perceived
from fl_client.inference.rules import CameraRules, Told
from fl_client.inference.scored import fractions
from fl_client.inference.scorer_fitting import fit_camera
from fl_client.inference.scoring import CameraScorer
from fl_client.releases.site_model import load_site_model
from fl_client.storage.tubelet_store import TubeletStore
from model_zoo.default import DEFAULT_MODEL
from model_zoo.errors import ModelFileError, ModelZooError
from model_zoo.onnx_model import OnnxModel
from model_zoo.perception.background import Frame
from model_zoo.perception.detector import DetectorFile
from model_zoo.perception.pose import load_pose_model
from model_zoo.perception.scene import Scene
from model_zoo.perception.tubelet import Tubelets, concatenate

logger = logging.getLogger(__name__)

ALARMING_SEVERITY = 0.5
"""Objects at or above are not learned as normal, and are kept for the operator's word."""

SCENE_S = 20.0
BLOCK_S = 60.0
BLOCKS_TO_LEARN = 8
REFIT_S = 600.0
RECENT_S = 180.0


@dataclasses.dataclass(frozen=True)
class _Alarming:
    instant_s: float
    tubelets: Tubelets


class CameraPipeline:
    """Watches one camera.

    Args:
        site: The site's description.
        camera: One of its cameras.
        state_dir: The site's folder.
        learn_for_s: Seconds to watch before the first learned alert.
        model_path: Model to score with; the shipped one when absent.
        detector: Finds objects; they come from the foreground alone when absent.
        pose_path: Pose model that tells who has fallen; boxes do when absent.

    Raises:
        ModelFileError: The model, the detector or the pose model cannot be used.
    """

    def __init__(  # noqa: PLR0913, PLR0917  the parts of a pipeline order
        self,
        site: Site,
        camera: Camera,
        state_dir: Path,
        learn_for_s: float,
        model_path: Path | None = None,
        detector: DetectorFile | None = None,
        pose_path: Path | None = None,
    ) -> None:
        self._site, self._camera, self._detector = site, camera, detector
        self._pose = None if pose_path is None else load_pose_model(pose_path)
        self._scene_s = min(SCENE_S, learn_for_s / 3)
        self._learn_for_s = learn_for_s - self._scene_s
        self._model = _load(model_path or DEFAULT_MODEL, state_dir)
        self._state_dir, self._folder = state_dir, state_dir / "cameras" / camera.name
        self._store = TubeletStore(self._folder)
        self._store.describe(camera)
        scenes = load_scenes(self._folder)
        self._view = self._view_of(scenes) if scenes else None
        self._scene_learner = SceneLearner(self._scene_s, detector)
        self._blocks = BlockBuilder(min(BLOCK_S, self._learn_for_s / BLOCKS_TO_LEARN))
        self._frame_shape: tuple[int, ...] | None = None
        self._watched_s = self._store.watched_s()
        self._rules = CameraRules(site, camera)
        self._judge_at_work: FrameJudge | None = None
        self._has_asked_for_scorer = False
        self._fitted_at_s = 0.0
        self._alarming: collections.deque[_Alarming] = collections.deque()
        self._fitter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="fit")
        self._lock = threading.Lock()
        # After a restart nothing has to be learned: the first frame is judged.
        self._next_scorer: CameraScorer | None = None if self.is_learning else self._fitted(self._model)

    @property
    def model_digest(self) -> str:
        """Digest of the model that scores the next frame."""
        return self._model.digest

    @property
    def is_learning(self) -> bool:
        """Whether too little has been watched for learned alerts."""
        return self._watched_s < self._learn_for_s

    @property
    def is_busy(self) -> bool:
        """Whether there is anything in the last frame, or the empty scene is still being learned."""
        return self._view is None or not self._view.is_empty

    def process(self, frame: Frame, instant_s: float) -> ScoredFrame:
        """Takes the next frame, at ``ANALYSIS_FPS`` or less.

        Args:
            frame: ``(H, W)`` grey or ``(H, W, 3)`` BGR, uint8.
            instant_s: Seconds since 1970 UTC.

        Raises:
            FootageError: The frame cannot be used.
        """
        self._look_afresh_at(frame.shape)
        if self._view is None:
            scene = self._scene_learner.add(frame, instant_s)
            moment = self._moment(instant_s)
            if scene is not None:
                save_scenes(self._folder, {moment.state: scene})
                self._view = self._view_of({moment.state: scene})
            return ScoredFrame(instant_s, (), 0.0, 0.0, moment.state.value, is_learning=True)
        seen = self._view.look(frame, instant_s)
        judge = None if self.is_learning else self._current_judge()
        if judge is None:
            self._learn(seen, np.ones(len(seen.tubelets), dtype=np.bool_))
            state, told = seen.moment.state.value, self._told(seen, ())
            return ScoredFrame(instant_s, (), 0.0, 0.0, state, is_learning=True, told=told)
        scored = self._judge(judge, seen)
        return dataclasses.replace(scored, told=self._told(seen, scored.objects))

    def swap_model(self, model_path: Path) -> str:
        """Prepares another model; the next frame is scored with it. Call it from any thread.

        Returns:
            The digest of the new model.

        Raises:
            ModelFileError: The file cannot be used; the model at work stays.
        """
        model = _load(model_path, self._state_dir)
        scorer = None if self.is_learning else self._fitted(model)
        with self._lock:
            self._model, self._next_scorer = model, scorer
        return model.digest

    def keep_event_tubelets(self, alert_id: str, started_s: float, ended_s: float) -> None:
        """Keeps what was alarming in the interval until an operator has judged the alert."""
        batches = [entry.tubelets for entry in self._alarming if started_s <= entry.instant_s <= ended_s]
        if batches:
            self._store.keep_pending(alert_id, concatenate(batches))

    def apply_feedback(self, alert_id: str, label: str) -> bool:
        """Files an alert's tubelets under the operator's word.

        Args:
            alert_id: The alert.
            label: ``false``: normal for its context from now on; ``confirmed``: an anomaly for the next local training.

        Returns:
            False when nothing is kept for that alert.
        """
        is_known = self._store.label(alert_id, label) is not None
        if is_known and not self.is_learning:
            self._refit()
        return is_known

    def close(self) -> None:
        """Saves what was learned."""
        self._fitter.shutdown(wait=True)
        if self._view is not None:
            save_scenes(self._folder, self._view.scenes())
        self._store_block()

    def _view_of(self, scenes: dict[OperationalState, Scene]) -> CameraView:
        return CameraView(self._site, self._camera, scenes, self._detector, self._pose)

    def _judge(self, judge: FrameJudge, seen: Perceived) -> ScoredFrame:
        frame, _ = judge.judge(seen)
        alarming = [scored.track_id for scored in frame.objects if scored.severity >= ALARMING_SEVERITY]
        is_alarming = np.isin(seen.tubelet_track_ids, alarming)
        self._remember(seen, is_alarming)
        self._learn(seen, ~is_alarming)
        return frame

    def _told(self, seen: Perceived, scored: Sequence[ScoredObject]) -> tuple[Told, ...]:
        """What rules say of a frame, with what the model thinks of its objects."""
        if not seen.seen_by_track:
            return () if seen.seen_by_track is None else self._rules.look((), (), seen.instant_s)
        severity = {one.track_id: one.severity for one in scored}
        boxes = {int(number): box for number, box in zip(seen.track_ids, seen.boxes, strict=True)}
        boxes |= {one.track_id: one.box for one in seen.low_things}
        objects = [one._replace(severity=severity.get(key)) for key, one in seen.seen_by_track.items()]
        return self._rules.look(objects, [fractions(boxes[key]) for key in seen.seen_by_track], seen.instant_s)

    def _current_judge(self) -> FrameJudge | None:
        """The judge with the newest scorer; ``None`` while the first is being fitted beside the frame loop."""
        with self._lock:
            scorer, self._next_scorer = self._next_scorer, None
        if scorer is None:
            if self._judge_at_work is None and not self._has_asked_for_scorer:
                self._refit()
            return self._judge_at_work
        if self._judge_at_work is None:
            self._judge_at_work = FrameJudge(scorer, self._camera)
        else:
            self._judge_at_work.take_over(scorer)
        return self._judge_at_work

    def _look_afresh_at(self, shape: tuple[int, ...]) -> None:
        """A camera that comes back in another size shows another picture: its empty scene is learned again."""
        if shape == self._frame_shape:
            return
        is_first_fitting = self._frame_shape is None and (self._view is None or self._view.fits(*shape[:2]))
        if not is_first_fitting:
            logger.warning("picture size changed", extra={"before": str(self._frame_shape), "now": str(shape)})
            forget_scenes(self._folder)
            self._view, self._scene_learner = None, SceneLearner(self._scene_s, self._detector)
        self._frame_shape = shape

    def _moment(self, instant_s: float) -> Moment:
        return moment_at(self._site, dt.datetime.fromtimestamp(instant_s, dt.UTC))

    def _refit(self) -> None:
        """Has a scorer fitted to what is stored by now, beside the frame loop."""
        self._has_asked_for_scorer, self._fitted_at_s = True, self._watched_s
        self._fitter.submit(self._fit_beside)

    def _fit_beside(self) -> None:
        model = self._model
        try:
            scorer = self._fitted(model)
        except (ClientError, ModelZooError, OSError):
            logger.exception("scorer not renewed")
            return
        with self._lock:
            if model is self._model:
                self._next_scorer = scorer

    def _fitted(self, model: OnnxModel) -> CameraScorer:
        """A scorer fitted to what is stored here and what the neighbours left; leaves them what was seen here."""
        fitted = fit_camera(model, self._store, neighbours_sums(self._folder))
        leave_sums(self._folder, fitted.seen)
        return fitted.scorer

    def _learn(self, seen: Perceived, normal: npt.NDArray[np.bool_]) -> None:
        self._watched_s += self._blocks.add(seen, normal)
        if self._blocks.is_full:
            self._store_block()
        if not self.is_learning and self._watched_s - self._fitted_at_s >= REFIT_S:
            self._refit()

    def _store_block(self) -> None:
        block = self._blocks.take()
        if block is not None:
            self._store.append(block)

    def _remember(self, seen: Perceived, is_alarming: npt.NDArray[np.bool_]) -> None:
        if is_alarming.any():
            self._alarming.append(_Alarming(seen.instant_s, seen.tubelets.select(is_alarming)))
        while self._alarming and self._alarming[0].instant_s < seen.instant_s - RECENT_S:
            self._alarming.popleft()


def _load(path: Path, state_dir: Path) -> OnnxModel:
    """Loads a model that counts zones and states as this program does, with the site's own parts in place."""
    model = load_site_model(path, state_dir)
    if (model.metadata.zone_kinds, model.metadata.states) != (ZONE_KINDS, STATES):
        raise ModelFileError(f"{path}: the model knows other zone kinds or states than this version")
    return model
