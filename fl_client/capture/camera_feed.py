"""Frames of one source, whatever becomes of its decoder: restart, watchdog, bounded queue.

A file ends or fails once. A live source is tried again for ever: after a decoder's death, an error, an end, or
``NO_FRAME_S`` seconds without a frame. Where the reader falls behind, frames of a paced or live source are dropped,
oldest first, and counted; of a fast source none is.
"""

import contextlib
import logging
import queue
import threading

from fl_client.capture.decoder_process import DecoderProcess
from fl_client.capture.source import Source
from fl_client.capture.wire import CapturedFrame, SourceEnd, SourceFailure
from fl_client.errors import ChannelError, SourceError
from fl_runtime.backoff import Backoff

logger = logging.getLogger(__name__)

NO_FRAME_S = 20.0
FIRST_RESTART_S = 1.0
LONGEST_RESTART_S = 60.0
QUEUE_FRAMES = 32
"""Three seconds of frames, 22 MB at 640x360: the loop may pause for a moment without losing one."""
_STOP_POLL_S = 0.2


class CameraFeed:
    """Captured frames of one source, decoded in a child process and read in a thread.

    Args:
        source: What to watch.
        no_frame_s: Seconds without a frame after which a live source's decoder is started again.

    Attributes:
        num_decoded: Source frames decoded so far, by all decoders together.
        num_dropped: Frames that were handed over but not analysed, because the reader was late.
        num_restarts: Times the decoder of a live source was started again.
        num_warnings: Packets or pictures that did not decode.
    """

    def __init__(self, source: Source, no_frame_s: float = NO_FRAME_S) -> None:
        self.num_decoded = 0
        self.num_dropped = 0
        self.num_restarts = 0
        self.num_warnings = 0
        self._source = source
        self._no_frame_s = no_frame_s
        self._is_lossless = source.is_fast and not source.is_live
        self._frames: queue.Queue[CapturedFrame] = queue.Queue(QUEUE_FRAMES)
        self._stopping = threading.Event()
        self._ended = threading.Event()
        self._has_begun = threading.Event()
        self._failure: SourceError | None = None
        self._decoder: DecoderProcess | None = None
        self._is_released = source.is_live
        self._thread = threading.Thread(target=self._run, name="camera-feed", daemon=True)

    def start(self) -> None:
        """Starts decoding; for a file or folder returns when its first frame is there.

        Raises:
            SourceError: A file or folder that does not decode. A live source never fails here: it is tried again.
        """
        self._thread.start()
        if not self._source.is_live:
            self._has_begun.wait()
            if self._failure and self._has_no_more:
                raise self._failure

    @property
    def decoder_pid(self) -> int | None:
        """Process number of the running decoder, for tests and messages."""
        return self._decoder.pid if self._decoder else None

    @property
    def is_finished(self) -> bool:
        """Whether the source has ended in good order and every frame of it was read; else ``next_frame`` raises."""
        return self._has_no_more and self._failure is None

    @property
    def _has_no_more(self) -> bool:
        return self._ended.is_set() and self._frames.empty()

    def next_frame(self, timeout_s: float) -> CapturedFrame | None:
        """The next frame, or None if there is none within ``timeout_s`` seconds or the source has ended.

        Raises:
            SourceError: A file's decoder died or sent nonsense; frames from before that were returned first.
        """
        self._release_decoder()
        with contextlib.suppress(queue.Empty):
            return self._frames.get(timeout=0.0 if self._ended.is_set() else timeout_s)
        if self._failure and self._has_no_more:
            raise self._failure
        return None

    def close(self) -> None:
        """Ends decoding; frames not yet read are lost."""
        self._stopping.set()
        if self._decoder:
            self._decoder.stop()
        if self._thread.is_alive():
            self._thread.join()

    def _release_decoder(self) -> None:
        if not self._is_released and self._decoder:
            self._is_released = True
            self._decoder.go_on()

    def _run(self) -> None:
        try:
            self._decode_until_stopped()
        finally:  # nobody may wait for frames that will never come
            self._ended.set()
            self._has_begun.set()

    def _decode_until_stopped(self) -> None:
        backoff = Backoff(FIRST_RESTART_S, LONGEST_RESTART_S)
        while not self._stopping.is_set():
            decoded_before = self.num_decoded
            failure = self._decode_once()
            if not self._source.is_live:
                self._failure = failure
                break
            backoff = backoff.after_success() if self.num_decoded > decoded_before else backoff
            backoff = backoff.after_failure()
            self._note_restart(failure, backoff)
            self._stopping.wait(backoff.delay_s)

    def _note_restart(self, failure: SourceError | None, backoff: Backoff) -> None:
        if not self._stopping.is_set():
            self.num_restarts += 1
            reason = str(failure) if failure else f"{self._source.shown_name}: the stream ended"
            logger.warning("decoder restarts", extra={"reason": reason, "delay_s": backoff.delay_s})

    def _decode_once(self) -> SourceError | None:
        """Runs one decoder to its end; why it failed, or None where its source simply ended."""
        try:
            self._decoder = decoder = DecoderProcess(self._source)
        except OSError as error:
            return SourceError(f"{self._source.shown_name}: no decoder can be started ({error.strerror})")
        if self._stopping.is_set():  # `close` may have looked before the decoder was there
            decoder.stop()
        problem: str | None = None
        try:
            has_closed = self._read_all(decoder)
        except (ChannelError, TimeoutError) as error:
            has_closed, problem = False, str(error)
            decoder.stop()
        except SourceError as error:
            decoder.cause_of_end()
            return error
        cause = decoder.cause_of_end()
        if has_closed or self._stopping.is_set():
            return None
        reason = problem or f"the decoder {cause or 'ended without a word'}"
        return SourceError(f"{self._source.shown_name}: {reason}")

    def _read_all(self, decoder: DecoderProcess) -> bool:
        """Queues frames until the decoder ends; whether it said good-bye.

        Raises:
            SourceError: The decoder says the source cannot be decoded.
        """
        before = self.num_decoded
        while (message := decoder.read(self._no_frame_s if self._source.is_live else None)) is not None:
            if isinstance(message, SourceFailure):
                raise SourceError(message.reason)
            self.num_decoded = before + message.num_decoded
            if isinstance(message, SourceEnd):
                self._note_end(message)
                return True
            self._queue(message)
        return False

    def _note_end(self, end: SourceEnd) -> None:
        self.num_warnings += end.num_warnings + int(end.is_cut_off)
        if end.is_cut_off or end.num_warnings:
            facts = {"source": self._source.shown_name, "is_cut_off": end.is_cut_off, "warnings": end.num_warnings}
            logger.warning("source is damaged; watched as far as it decodes", extra=facts)

    def _queue(self, frame: CapturedFrame) -> None:
        while not self._stopping.is_set():
            try:
                self._frames.put(frame, timeout=_STOP_POLL_S if self._is_lossless else 0.0)
            except queue.Full:
                self._drop_oldest()
            else:
                break
        self._has_begun.set()

    def _drop_oldest(self) -> None:
        if not self._is_lossless:
            with contextlib.suppress(queue.Empty):
                self._frames.get_nowait()
                self.num_dropped += 1
