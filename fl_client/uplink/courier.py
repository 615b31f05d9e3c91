"""Delivers the outbox and fetches feedback in a thread of its own, for as long as it takes.

Deliveries go in order, at least once. While the coordinator cannot be reached everything stays queued; an outage is
logged once when it begins and once when it ends.
"""

import logging
import queue
import threading
from pathlib import Path

from fl_client.errors import CoordinatorError, RefusedError, UnreachableError
from fl_client.recording.clip_files import MEDIA_TYPE_BY_SUFFIX, clip_paths
from fl_client.storage.events import AlertStore
from fl_client.storage.outbox import Delivery, FeedbackCursor, Outbox
from fl_client.uplink.coordinator import Coordinator
from fl_protocol.messages import MAX_CLIP_BYTES, ClipMediaType, FeedbackEntry
from fl_runtime.backoff import Backoff

logger = logging.getLogger(__name__)

POLL_S = 2.0
FIRST_RETRY_S = 1.0
LONGEST_RETRY_S = 60.0


class Courier:
    """Runs between the client's storage and its coordinator.

    Attributes:
        feedback: What the operator said; the frame loop gets it, applies it, advances the cursor, calls ``task_done``.
    """

    def __init__(
        self, coordinator: Coordinator, outbox: Outbox, alerts: AlertStore, clips: Path, cursor: FeedbackCursor
    ) -> None:
        self.feedback: queue.Queue[FeedbackEntry] = queue.Queue()
        self._coordinator = coordinator
        self._outbox = outbox
        self._alerts = alerts
        self._clips = clips
        self._cursor = cursor
        self._stopping = threading.Event()
        self._backoff = Backoff(FIRST_RETRY_S, LONGEST_RETRY_S)
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def close(self) -> None:
        """Ends the thread after a last try to deliver what is queued; the rest waits for the next start."""
        self._stopping.set()
        self._thread.join()

    def run_once(self) -> None:
        """Registers where needed, delivers all that is queued, fetches what is new.

        Raises:
            UnreachableError: Try again later.
            RefusedError: The coordinator refuses this site as a whole.
        """
        self._coordinator.register()
        while (delivery := self._outbox.first()) is not None:
            self._deliver(delivery)
        if self.feedback.unfinished_tasks == 0:  # what is still being applied must not be fetched again
            for entry in self._coordinator.feedback_after(self._cursor.position).items:
                self.feedback.put(entry)

    def _run(self) -> None:
        while True:
            is_last = self._stopping.is_set()
            self._try_once()
            if is_last:
                return
            self._stopping.wait(self._backoff.delay_s or POLL_S)

    def _try_once(self) -> None:
        try:
            self.run_once()
        except CoordinatorError as error:
            if self._backoff.num_failures == 0:
                level = logging.WARNING if isinstance(error, UnreachableError) else logging.ERROR
                facts = {"reason": str(error), "queued": len(self._outbox)}
                logger.log(level, "coordinator does not take deliveries; queueing", extra=facts)
            self._backoff = self._backoff.after_failure()
        except Exception:  # a full disk or a bug here must not end deliveries for ever
            self._backoff = self._backoff.after_failure()
            logger.exception("delivering failed")
        else:
            if self._backoff.num_failures:
                logger.info("coordinator takes deliveries again", extra={"tries": self._backoff.num_failures + 1})
            self._backoff = self._backoff.after_success()

    def _deliver(self, delivery: Delivery) -> None:
        try:
            if delivery.kind == "alert":
                self._coordinator.send_alert(self._alerts.get(delivery.alert_id))
            else:
                clip, media_type = self._read_clip(delivery.alert_id)
                self._coordinator.send_clip(delivery.alert_id, clip, media_type)
        except RefusedError as error:
            self._outbox.mark_refused(delivery, str(error))
            facts = {"alert_id": delivery.alert_id, "kind": delivery.kind, "reason": str(error)}
            logger.error("coordinator refuses a delivery", extra=facts)  # noqa: TRY400 - its answer is the whole story
        else:
            self._outbox.mark_taken(delivery)

    def _read_clip(self, alert_id: str) -> tuple[bytes, ClipMediaType]:
        paths = clip_paths(self._clips, alert_id)
        path = next((one for one in paths if one.exists()), paths[0])
        try:
            size_bytes = path.stat().st_size
            if size_bytes > MAX_CLIP_BYTES:
                raise RefusedError(f"the clip has {size_bytes} bytes, a coordinator takes at most {MAX_CLIP_BYTES}")
            return path.read_bytes(), MEDIA_TYPE_BY_SUFFIX[path.suffix]
        except OSError as error:
            raise RefusedError(f"the clip cannot be read ({error.strerror})") from error
