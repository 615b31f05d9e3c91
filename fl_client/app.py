"""One client from start to end: opens the sources, then the state folder, watches, and closes in good order.

The sources come first: a mistyped path or a file that is no video leaves nothing behind.
"""

import contextlib
import dataclasses
import datetime as dt
import functools
import logging
import select
import time
from collections.abc import Mapping
from pathlib import Path

from context.context_vector import moment_at
from context.site import Camera, Site
from fl_client.box import Box, FeedbackLine, Watched
from fl_client.capture.dialogue import Watch
from fl_client.capture.source import Source, check_path, with_password
from fl_client.capture.stream_keeper import StreamKeeper
from fl_client.config import ClientConfig, described_site, watched_cameras
from fl_client.inference.dialogue import DetectorChoice, Start
from fl_client.inference.inference_keeper import InferenceKeeper
from fl_client.recording.continuous import ContinuousRecording
from fl_client.recording.event_recorder import PRE_EVENT_S, EventRecorder
from fl_client.releases.model_store import ModelStore
from fl_client.releases.release_watcher import ReleaseWatcher
from fl_client.status.live_line import live_line, status_text
from fl_client.storage.database import open_database
from fl_client.storage.events import AlertStore
from fl_client.storage.outbox import FeedbackCursor, Outbox
from fl_client.storage.recordings import RecordingStore
from fl_client.storage.state_folder import StateFolder, open_state_folder
from fl_client.supervisor import SuperNodeOptions, supernode_supervisor, trainer_supervisor
from fl_client.uplink.coordinator import Coordinator, open_client
from fl_client.uplink.courier import Courier
from fl_client.uplink.site_credential import site_credential
from fl_runtime.atomic_file import write_atomically
from fl_runtime.shutdown import StopFlag
from model_zoo.perception.detector import DetectorFile
from model_zoo.perception.pose import load_pose_model
from model_zoo.perception.tubelet import ANALYSIS_FPS

logger = logging.getLogger(__name__)

_USUAL_PROPORTIONS = (9, 16)
_KEEP_LONGER_S = 3.0
"""An event is known only some frames after it began; its clip begins before it began."""
_RETRY_S = 0.1
INFERENCE_MODULE = "fl_client.inference"


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


def run_client(config: ClientConfig, stop: StopFlag, inference_module: str = INFERENCE_MODULE) -> Summary:
    """Watches the cameras of one site until their sources end or a stop is requested.

    Raises:
        SourceError: A source cannot be watched, or a file's program died; alerts from before that are complete.
        StateError: The state folder is in use or cannot be written.
        SettingsError: The options contradict the site description.
        ModelFileError: The detector or the pose model cannot be used.
    """
    site = described_site(config)
    cameras = watched_cameras(config, site)
    if config.detector is not None:  # one that cannot be used is refused before anything starts
        DetectorFile(config.detector, config.detector_width_px, config.detect_every).open(_USUAL_PROPORTIONS)
    if config.pose is not None:
        load_pose_model(config.pose)
    streams = {camera.name: _streams_of(config, camera) for camera in cameras}
    client = _Client(config, site, inference_module)
    with contextlib.ExitStack() as stack:
        stack.callback(client.kill)
        client.open_sources(streams)
        folder = stack.enter_context(open_state_folder(config.state_dir))
        return client.run(stop, folder)


@dataclasses.dataclass(frozen=True)
class _Streams:
    """What is watched of one camera; ``recorded`` is None where that is the one that is analysed."""

    analysed: Source
    recorded: Source | None = None


def _streams_of(config: ClientConfig, camera: Camera) -> _Streams:
    """The streams of a camera, with their passwords.

    Raises:
        SourceError: A path or a password file is not there.
    """
    start_s, described = config.start_s(dt.datetime.now(dt.UTC)), camera.source
    if config.source is not None or described is None:
        return _Streams(_checked(Source(config.source or "", ANALYSIS_FPS, start_s, config.is_fast)))
    folder = config.site_file.parent if config.site_file else Path()
    addresses = [one for one in (described.address, described.record_address) if one is not None]
    if described.user is not None and described.password_file is not None:
        secret = folder / described.password_file
        addresses = [with_password(one, described.user, secret) for one in addresses]
    addresses = [one if "://" in one else str(folder / one) for one in addresses]
    return _Streams(*(_checked(Source(one, ANALYSIS_FPS, start_s, config.is_fast)) for one in addresses))


def _checked(source: Source) -> Source:
    check_path(source)
    return source


@dataclasses.dataclass(frozen=True)
class _Kept:
    """The keepers of one camera: the same where it has one stream."""

    recording: StreamKeeper
    analysing: StreamKeeper


class _Client:
    """The parts of a running client and the order in which they start and end."""

    def __init__(self, config: ClientConfig, site: Site, inference_module: str) -> None:
        self._config, self._site, self._module = config, site, inference_module
        self._streams: dict[str, _Kept] = {}
        self._inference: InferenceKeeper | None = None

    def open_sources(self, streams: Mapping[str, _Streams]) -> None:
        """Starts the cameras' programs; for files and folders returns when their first frames are there.

        Raises:
            SourceError: A file or folder that does not decode. A live source never fails here: it is tried again.
        """
        for camera, one in streams.items():
            if one.recorded is None:
                both = self._keeper(camera, one.analysed)
                self._streams[camera] = _Kept(both, both)
            else:
                analysing = self._keeper(camera, one.analysed, is_recorded=False)
                self._streams[camera] = _Kept(self._keeper(camera, one.recorded, is_analysed=False), analysing)
        for keeper in self._keepers():
            keeper.start()
        for keeper in self._keepers():
            while not (keeper.is_live or keeper.has_opened or keeper.failure):
                keeper.receive()
            if keeper.failure:
                raise keeper.failure

    def _keeper(
        self, camera: str, source: Source, *, is_recorded: bool = True, is_analysed: bool = True
    ) -> StreamKeeper:
        instant = dt.datetime.fromtimestamp(time.time() if source.is_live else source.start_s, dt.UTC)
        state, clips = moment_at(self._site, instant).state.value, (self._config.state_dir / "clips").resolve()
        is_coloured = self._config.detector is not None or self._config.pose is not None
        recordings = None
        if self._site.recording is not None and is_recorded:
            recordings = (self._config.state_dir / "recordings" / camera).resolve()
        watch = Watch(
            source, clips, PRE_EVENT_S + _KEEP_LONGER_S, state, is_recorded, is_analysed, is_coloured, recordings
        )
        return StreamKeeper(camera, watch, functools.partial(self._link, camera))

    def _keepers(self) -> list[StreamKeeper]:
        """All keepers, each once."""
        return [one for kept in self._streams.values() for one in dict.fromkeys((kept.recording, kept.analysing))]

    def run(self, stop: StopFlag, folder: StateFolder) -> Summary:
        """Watches until the sources end or a stop is requested.

        Raises:
            SourceError: A file's program died.
            ModelFileError: The inference program cannot start with what it is given.
        """
        with contextlib.ExitStack() as stack:  # ends in reverse: what others still use is closed last
            database = open_database(folder.database_path)
            stack.callback(database.close)
            alerts, cursor = AlertStore(database, folder.alerts), FeedbackCursor(database)
            models = ModelStore(folder.models)
            inference = self._inference = self._start_inference(folder, models, stop)
            watched = {
                name: Watched(
                    EventRecorder(name, kept.recording, inference, alerts, self._config.event_rules),
                    kept.recording,
                    kept.analysing,
                    kept.analysing.watch.state,
                )
                for name, kept in self._streams.items()
            }
            box = Box(watched, inference, alerts, folder.clips)
            if self._site.recording is not None:
                store = RecordingStore(database, folder.path / "recordings")
                box.record_continuously(ContinuousRecording(store, self._site.recording))
            box.mend_interrupted()
            if self._config.coordinator is not None:
                box.feedback = self._start_uplink(stack, folder, Outbox(database), alerts, cursor, models)
            self._start_supernode(stack, folder)
            for keeper in self._keepers():
                keeper.begin()
            with live_line(lambda: status_text(box)):
                box.run(stop)
            return _summary(box, inference)

    def kill(self) -> None:
        """Ends all programs at once; those that have ended in good order are not there any more."""
        for keeper in self._keepers():
            keeper.kill()
        if self._inference is not None:
            self._inference.kill()

    def _link(self, camera: str) -> int | None:
        return None if self._inference is None else self._inference.link(camera)

    def _start_inference(self, folder: StateFolder, models: ModelStore, stop: StopFlag) -> InferenceKeeper:
        """Starts the inference program; where a file is watched, waits until it is ready.

        Live cameras are recorded meanwhile: whatever is wrong with inference, a stop is obeyed and nothing is missed.

        Raises:
            ModelFileError: It cannot start with what it is given.
        """
        config = self._config
        site_file = folder.path / "site.json"
        write_atomically(site_file, self._site.model_dump_json(indent=2).encode())
        detector = None
        if config.detector is not None:
            detector = DetectorChoice(config.detector, config.detector_width_px, config.detect_every)
        start = Start(
            site_file,
            tuple(self._streams),
            folder.path,
            config.learn_for_s,
            models.current_model(),
            detector,
            config.pose,
            logging.getLevelName(logging.getLogger().level).lower(),
        )
        keeper = InferenceKeeper(self._module, start, models.forget)
        self._inference = keeper
        keeper.start()
        has_file = any(not one.is_live for one in self._keepers())
        while has_file and not (keeper.is_ready or stop.stop_requested):
            keeper.tick()
            if keeper.program is None:
                time.sleep(_RETRY_S)
            elif select.select([keeper.program.channel], [], [], _RETRY_S)[0]:
                keeper.receive()
        return keeper

    def _start_uplink(  # noqa: PLR0913, PLR0917  all that is stored
        self,
        stack: contextlib.ExitStack,
        folder: StateFolder,
        outbox: Outbox,
        alerts: AlertStore,
        cursor: FeedbackCursor,
        models: ModelStore,
    ) -> FeedbackLine:
        config, token_file = self._config, folder.path / "token"
        credential = site_credential(config.site, token_file, config.membership)
        client = open_client(config.coordinator or "", config.root_certificates)
        coordinator = Coordinator(client, config.site, credential)
        stack.callback(coordinator.close)
        courier = Courier(coordinator, outbox, alerts, folder.clips, cursor)
        courier.start()
        stack.callback(courier.close)
        if self._inference is not None:
            watcher = ReleaseWatcher(coordinator, models, self._inference)
            watcher.start()
            stack.callback(watcher.close)
        return FeedbackLine(courier, cursor)

    def _start_supernode(self, stack: contextlib.ExitStack, folder: StateFolder) -> None:
        if self._config.superlink is None:
            return
        options = SuperNodeOptions(
            self._config.superlink,
            self._config.site,
            folder.path,
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


def _summary(box: Box, inference: InferenceKeeper) -> Summary:
    totals = box.totals
    return Summary(
        frames=totals.counts.num_decoded,
        analysed=totals.num_analysed,
        fps=round(totals.frames_per_s, 1),
        alerts=totals.num_alerts,
        clips=box.num_clips,
        dropped=totals.counts.num_dropped,
        restarts=totals.num_restarts,
        learning_s=round(totals.learning_s, 1),
        decode_warnings=totals.counts.num_warnings,
        slowest_recording_ms=round(totals.slowest_s * 1000, 1),
        model_digest=inference.model_digest,
    )
