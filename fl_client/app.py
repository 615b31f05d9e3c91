"""One client from start to end: opens the source, then the state folder, watches, and closes in good order.

The source comes first: a mistyped path or a file that is no video leaves nothing behind.
"""

import contextlib
import dataclasses
import datetime as dt
import logging
from collections.abc import Callable
from pathlib import Path

import cv2

from context.site import Camera, Site
from fl_client.capture.camera_feed import CameraFeed
from fl_client.capture.source import Source, check_path
from fl_client.config import ClientConfig, site_and_camera
from fl_client.recording.clip_writer import ClipWriter, FinishedClip
from fl_client.recording.event_recorder import EventRecorder
from fl_client.releases.model_store import ModelStore
from fl_client.releases.release_watcher import ReleaseWatcher
from fl_client.status.live_line import live_line, status_text
from fl_client.storage.database import open_database
from fl_client.storage.events import AlertStore
from fl_client.storage.outbox import FeedbackCursor, Outbox
from fl_client.storage.state_folder import StateFolder, open_state_folder
from fl_client.supervisor import SuperNodeOptions, supernode_supervisor, trainer_supervisor
from fl_client.uplink.coordinator import Coordinator, open_client
from fl_client.uplink.courier import Courier
from fl_client.uplink.site_credential import site_credential
from fl_client.watch import FeedbackLine, Pipeline, Progress, Watch
from fl_runtime.shutdown import StopFlag
from model_zoo.errors import ModelFileError
from model_zoo.perception.detector import DetectorFile
from model_zoo.perception.pose import load_pose_model
from model_zoo.perception.tubelet import ANALYSIS_FPS

logger = logging.getLogger(__name__)

_USUAL_PROPORTIONS = (9, 16)


@dataclasses.dataclass(frozen=True)
class PipelineOrder:
    """What a pipeline is to be built for; ``model_path`` None means the model that ships with the client."""

    site: Site
    camera: Camera
    state_dir: Path
    learn_for_s: float
    model_path: Path | None
    detector: DetectorFile | None = None
    pose_path: Path | None = None


PipelineFactory = Callable[[PipelineOrder], Pipeline]


@dataclasses.dataclass(frozen=True)
class Summary:
    """What one run did. ``fps`` is source frames decoded a second of wall time, from the first frame to the last.

    ``frames`` counts all frames of the source, ``analysed`` those scored (at most ``ANALYSIS_FPS`` a second of video),
    ``dropped`` those that came too late to be.
    """

    frames: int
    analysed: int
    fps: float
    alerts: int
    clips: int
    dropped: int
    restarts: int
    learning_s: float
    decode_warnings: int
    slowest_recording_ms: float
    model_digest: str


def camera_pipeline(order: PipelineOrder) -> Pipeline:
    """The pipeline of the client: perception, the ONNX model, and the camera's own statistics.

    Raises:
        ModelFileError: The model is damaged.
    """
    from fl_client.pipeline import CameraPipeline

    return CameraPipeline(
        order.site, order.camera, order.state_dir, order.learn_for_s, order.model_path, order.detector, order.pose_path
    )


def run_client(config: ClientConfig, stop: StopFlag, build_pipeline: PipelineFactory = camera_pipeline) -> Summary:
    """Watches one source until it ends or a stop is requested.

    Raises:
        SourceError: The source cannot be watched, or a file's decoder died; alerts from before that are complete.
        StateError: The state folder is in use or cannot be written.
        SettingsError: The options contradict the site description.
        ModelFileError: The detector or the pose model cannot be used.
    """
    site, camera = site_and_camera(config)
    detector = _detector_file(config)
    if detector is not None:
        detector.open(_USUAL_PROPORTIONS)  # one that cannot be used is refused before anything starts
    if config.pose is not None:
        load_pose_model(config.pose)
    source = Source(config.source, ANALYSIS_FPS, config.start_s(dt.datetime.now(dt.UTC)), config.is_fast)
    check_path(source)
    cv2.setNumThreads(1)
    feed = CameraFeed(source)
    with contextlib.ExitStack() as stack:
        stack.callback(feed.close)
        feed.start()
        folder = stack.enter_context(open_state_folder(config.state_dir))
        client = _Client(config, folder, feed)
        return client.run(stop, site, camera, build_pipeline)


def _detector_file(config: ClientConfig) -> DetectorFile | None:
    return DetectorFile(config.detector, config.detector_width_px, config.detect_every) if config.detector else None


class _Client:
    """The parts of a running client and the order in which they start and end."""

    def __init__(self, config: ClientConfig, folder: StateFolder, feed: CameraFeed) -> None:
        self._config = config
        self._folder = folder
        self._feed = feed
        self._database = open_database(folder.database_path)
        self._alerts = AlertStore(self._database, folder.alerts)
        self._outbox = Outbox(self._database)
        self._cursor = FeedbackCursor(self._database)
        self._models = ModelStore(folder.models)
        self._num_clips = 0

    def run(self, stop: StopFlag, site: Site, camera: Camera, build_pipeline: PipelineFactory) -> Summary:
        self._alerts.complete_interrupted()
        progress = Progress()
        with contextlib.ExitStack() as stack:  # ends in reverse: what others still use is closed last
            stack.callback(self._database.close)
            pipeline = self._build_pipeline(site, camera, build_pipeline)
            stack.callback(pipeline.close)
            line = self._start_uplink(stack, pipeline)
            self._start_supernode(stack)
            clips = ClipWriter(self._folder.clips, ANALYSIS_FPS, self._complete_alert)
            recorder = EventRecorder(camera.name, pipeline, self._alerts, clips, self._config.event_rules)
            stack.callback(recorder.close)
            watch = Watch(self._feed, pipeline, recorder, progress, line)
            with live_line(lambda: status_text(self._feed, progress, recorder)):
                watch.run(stop)
            recorder.close()
            return self._summary(progress, recorder, pipeline)

    def _build_pipeline(self, site: Site, camera: Camera, build_pipeline: PipelineFactory) -> Pipeline:
        """Builds on the last good model; where the pipeline refuses that one, on the shipped default."""
        folder, config = self._folder.path, self._config
        model_path, detector = self._models.current_model(), _detector_file(config)
        order = PipelineOrder(site, camera, folder, config.learn_for_s, model_path, detector, config.pose)
        try:
            return build_pipeline(order)
        except ModelFileError as error:
            if order.model_path is None:
                raise
            logger.warning("stored model is refused; using the shipped default", extra={"reason": str(error)})
            self._models.forget()
            return build_pipeline(dataclasses.replace(order, model_path=None))

    def _start_uplink(self, stack: contextlib.ExitStack, pipeline: Pipeline) -> FeedbackLine | None:
        if self._config.coordinator is None:
            return None
        config, token_file = self._config, self._folder.path / "token"
        credential = site_credential(config.site, token_file, config.membership)
        client = open_client(self._config.coordinator, self._config.root_certificates)
        coordinator = Coordinator(client, config.site, credential)
        stack.callback(coordinator.close)
        courier = Courier(coordinator, self._outbox, self._alerts, self._folder.clips, self._cursor)
        courier.start()
        stack.callback(courier.close)
        watcher = ReleaseWatcher(coordinator, self._models, pipeline)
        watcher.start()
        stack.callback(watcher.close)
        return FeedbackLine(courier, self._cursor)

    def _start_supernode(self, stack: contextlib.ExitStack) -> None:
        if self._config.superlink is None:
            return
        options = SuperNodeOptions(
            self._config.superlink,
            self._config.site,
            self._folder.path,
            self._config.root_certificates,
            self._config.supernode_key,
            self._config.membership,
        )
        supervisors = [supernode_supervisor(options)]
        if options.membership_dir:
            supervisors.insert(0, trainer_supervisor(options.state_dir, options.membership_dir))
        for supervisor in supervisors:
            supervisor.start()
            stack.callback(supervisor.close)

    def _complete_alert(self, clip: FinishedClip) -> None:
        self._alerts.complete(clip.alert_id, clip.digest)
        self._num_clips += int(clip.digest is not None)

    def _summary(self, progress: Progress, recorder: EventRecorder, pipeline: Pipeline) -> Summary:
        feed = self._feed
        return Summary(
            frames=feed.num_decoded,
            analysed=progress.num_analysed,
            fps=round(feed.num_decoded / progress.watched_s, 1) if progress.watched_s else 0.0,
            alerts=recorder.num_alerts,
            clips=self._num_clips,
            dropped=feed.num_dropped,
            restarts=feed.num_restarts,
            learning_s=round(progress.learning_s, 1),
            decode_warnings=feed.num_warnings,
            slowest_recording_ms=round(recorder.slowest_s * 1000, 1),
            model_digest=pipeline.model_digest,
        )
