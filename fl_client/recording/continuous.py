"""The continuous recording of a site: what is written is noted, kept as long as asked, and no longer."""

import collections
import concurrent.futures
import logging
import shutil
import time

from context.event import Event
from context.recording import RecordingSettings
from context.severity import severity_word
from fl_client.capture.dialogue import Beat, RecordingStopped, Report, SegmentClosed, SegmentOpened
from fl_client.recording.event_recorder import POST_EVENT_S, PRE_EVENT_S
from fl_client.recording.mending import length_of
from fl_client.recording.retention import Tier, expired, most_bytes, tier_of
from fl_client.storage.recordings import RecordingStore

logger = logging.getLogger(__name__)

RETENTION_S = 60.0
"""Seconds between two looks at what has to go."""
_REMEMBERED_MOVES = 600
_BEAT_SLACK_S = 1.5
_BOX_WAS_OFF = "the box was not running"


class ContinuousRecording:
    """Follows the segments of all cameras.

    Args:
        store: What was recorded.
        settings: For how long it is kept.
    """

    def __init__(self, store: RecordingStore, settings: RecordingSettings) -> None:
        self._store, self._settings = store, settings
        self._moved: dict[str, collections.deque[float]] = {}
        self._removal_s = time.monotonic()

    def take(self, camera: str, report: Report, last_failure: str) -> None:
        """Takes what a camera's program reports; why the one before it ended is the cause of a gap."""
        match report:
            case SegmentOpened(name, began_s):
                self._store.open_segment(camera, name, began_s, last_failure or _BOX_WAS_OFF)
            case SegmentClosed(name, began_s, ended_s):
                tier = Tier.MOTION if self._has_moved(camera, began_s, ended_s) else Tier.CONTINUOUS
                self._store.close_segment(camera, name, ended_s, tier)
            case RecordingStopped(reason):
                logger.error("recording stopped", extra={"camera": camera, "reason": reason})
            case Beat():
                moves = self._moved.setdefault(camera, collections.deque(maxlen=_REMEMBERED_MOVES))
                if report.moved_s and (not moves or report.moved_s > moves[-1]):
                    moves.append(report.moved_s)

    def mark(self, camera: str, event: Event) -> None:
        """Has what an event was in kept for longer."""
        began_s, ended_s = event.first.instant_s - PRE_EVENT_S, event.ended_s + POST_EVENT_S
        self._store.mark(camera, began_s, ended_s, tier_of(severity_word(event.peak.severity)))

    def close_left(self, camera: str | None = None) -> None:
        """Closes what a killed program left open, as long as it can be played; of all cameras after a killed client."""
        if camera is None:
            self._store.adopt_unknown()
        for one in self._store.left_open():
            if camera in {None, one.camera}:
                length_s = length_of(self._store.folder / one.camera / one.name)
                self._store.close_segment(one.camera, one.name, one.began_s + length_s, Tier.MOTION)

    def look_after_disk(self, executor: concurrent.futures.Executor) -> None:
        """Has removed what has to go, now and then, beside everything else."""
        if time.monotonic() >= self._removal_s:
            self._removal_s = time.monotonic() + RETENTION_S
            executor.submit(self._remove_expired)

    def _has_moved(self, camera: str, began_s: float, ended_s: float) -> bool:
        """Whether anything moved in a segment; what moved before its end is forgotten."""
        moves = self._moved.get(camera, collections.deque())
        has_moved = any(began_s <= one <= ended_s + _BEAT_SLACK_S for one in moves)
        while moves and moves[0] <= ended_s:
            moves.popleft()
        return has_moved

    def _remove_expired(self) -> None:
        try:
            segments = self._store.segments()
            used_bytes = sum(one.num_bytes for one in segments)
            bound_bytes = most_bytes(self._settings, used_bytes, shutil.disk_usage(self._store.folder).free)
            newest_s = max((one.ended_s or one.began_s for one in segments), default=0.0)  # of a film, long ago
            gone = expired(segments, self._settings, newest_s, bound_bytes)
            self._store.remove(gone)
        except FileNotFoundError:  # nothing was recorded yet
            return
        except Exception:  # a damaged disk must not end the watch
            logger.exception("recordings could not be looked after")
            return
        if gone:
            facts = {"segments": len(gone), "num_bytes": sum(one.num_bytes for one in gone)}
            logger.info("recordings removed", extra=facts)
