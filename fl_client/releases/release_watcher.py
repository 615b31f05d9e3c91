"""Asks for newer models in a thread of its own, checks them, and puts them to use between two frames.

Rules:

1. A model is at most ``MAX_MODEL_BYTES``, as large as announced, and its SHA-256 is the announced one.
2. The pipeline loads it and tries it out before it is current; where that fails the previous model stays.
3. A model that the pipeline refused is not fetched again; one damaged on its way is, after a pause.
"""

import hashlib
import logging
import threading
from pathlib import Path
from typing import Protocol

from fl_client.errors import CoordinatorError, RefusedError, UnreachableError
from fl_client.releases.model_store import ModelStore
from fl_client.uplink.coordinator import Coordinator
from fl_protocol.messages import PublishedModel
from fl_runtime.backoff import Backoff
from model_zoo.errors import ModelFileError

logger = logging.getLogger(__name__)

MAX_MODEL_BYTES = 64 * 1024 * 1024
POLL_S = 5.0
FIRST_POLL_S = 0.5
FIRST_RETRY_S = 5.0
LONGEST_RETRY_S = 300.0


class ModelUser(Protocol):
    """What the watcher asks of the pipeline."""

    @property
    def model_digest(self) -> str:
        """SHA-256 of the model in use."""

    def swap_model(self, model_path: Path) -> str:
        """Loads and checks a model, then uses it from the next frame on; returns its digest."""


class ReleaseWatcher:
    """Keeps a pipeline on the coordinator's latest model."""

    def __init__(self, coordinator: Coordinator, store: ModelStore, pipeline: ModelUser) -> None:
        self._coordinator = coordinator
        self._store = store
        self._pipeline = pipeline
        self._refused: set[str] = set()
        self._stopping = threading.Event()
        self._backoff = Backoff(FIRST_RETRY_S, LONGEST_RETRY_S)
        self._thread = threading.Thread(target=self._run, name="release-watcher", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def close(self) -> None:
        """Ends the thread; a fetch in progress is given up at its time-out."""
        self._stopping.set()
        self._thread.join()

    def poll(self) -> None:
        """Fetches the latest model if it is new, and puts it to use.

        Raises:
            CoordinatorError: The coordinator cannot be asked.
        """
        latest = self._coordinator.latest_model()
        if latest is None or latest.digest == self._pipeline.model_digest or latest.digest in self._refused:
            return
        try:
            self._put_to_use(latest)
        except (RefusedError, ModelFileError) as error:
            self._refused.add(latest.digest)  # rule 3
            facts = {"model_digest": latest.digest, "reason": str(error)}
            logger.error("new model refused; the previous one stays", extra=facts)  # noqa: TRY400 - bad input, not ours

    def _put_to_use(self, latest: PublishedModel) -> None:
        path = self._store.store(latest.digest, self._fetch(latest))
        try:
            digest = self._pipeline.swap_model(path)
        except ModelFileError:
            path.unlink(missing_ok=True)
            raise
        self._store.adopt(digest)
        logger.info("model swapped", extra={"model_digest": digest, "round_number": latest.round_number})

    def _fetch(self, latest: PublishedModel) -> bytes:
        """Rule 1.

        Raises:
            RefusedError: The model is too large, or gone.
            UnreachableError: It could not be fetched whole.
        """
        if latest.size_bytes > MAX_MODEL_BYTES:
            raise RefusedError(f"the model has {latest.size_bytes} bytes, expected at most {MAX_MODEL_BYTES}")
        content = self._coordinator.model(latest.digest, MAX_MODEL_BYTES)
        if len(content) != latest.size_bytes or hashlib.sha256(content).hexdigest() != latest.digest:
            logger.error("new model arrived damaged; the previous one stays", extra={"model_digest": latest.digest})
            raise UnreachableError("the model's bytes do not match its announced size and digest")
        return content

    def _run(self) -> None:
        while not self._stopping.is_set():
            if not self._coordinator.is_registered:
                self._stopping.wait(FIRST_POLL_S)
                continue
            self._poll_safely()
            self._stopping.wait(self._backoff.delay_s or POLL_S)

    def _poll_safely(self) -> None:
        try:
            self.poll()
        except CoordinatorError as error:
            self._backoff = self._backoff.after_failure()
            logger.debug("no word of newer models", extra={"reason": str(error)})
        except Exception:  # a full disk today must not keep the site on its old model for ever
            self._backoff = self._backoff.after_failure()
            logger.exception("looking for newer models failed")
        else:
            self._backoff = self._backoff.after_success()
