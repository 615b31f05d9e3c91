"""The program that watches one camera: ``python -m fl_client.capture.camera_program DESCRIPTOR``.

It reads what the camera sends, keeps its packets for clips, decodes, notices tampering, and hands pictures over to the
inference program. Whatever bad video does to it, it does to this one camera alone: the box starts another.

It ends when a live source fails, when it is told to stop, or when the box is gone.
"""

import dataclasses
import os
import sys
import threading
import time
from typing import Any, NamedTuple

import av
import av.logging

from fl_client.capture.dialogue import (
    ORDERS,
    Beat,
    Begin,
    CutClip,
    Digested,
    EndClip,
    Link,
    Opened,
    Order,
    SetState,
    SourceEnded,
    SourceFailed,
    TamperSeen,
    Watch,
)
from fl_client.capture.footage import Footage, Step, Tally, open_footage
from fl_client.capture.frame_sampler import FrameSampler
from fl_client.capture.frame_sender import FrameSender
from fl_client.capture.instants import Instants, Pacer
from fl_client.capture.motion_gate import MotionGate
from fl_client.capture.picture import brightness, colour_picture, grey_picture
from fl_client.capture.tamper import TamperWatch
from fl_client.capture.wire import CapturedFrame
from fl_client.channel import Channel
from fl_client.errors import SourceError
from fl_client.recording.clip_recorder import ClipRecorder
from fl_client.recording.packet_ring import VIDEO
from fl_client.recording.picture_encoder import STORED_AS_THEY_ARE
from fl_client.recording.segment_writer import SegmentWriter
from fl_client.recording.stream_recording import StreamRecording

BEAT_S = 1.0


def main() -> None:
    """Watches what the box says over the channel whose file descriptor is the argument."""
    av.logging.set_level(None)
    channel = Channel.of_descriptor(int(sys.argv[1]))
    first = channel.receive()
    if first is not None:
        watch = ORDERS.parse(first.content)
        if not isinstance(watch, Watch):
            raise RuntimeError(f"expected to be told what to watch, got {type(watch).__name__}")
        CameraProgram(channel, watch).run()


class Seen(NamedTuple):
    """A decoded frame and when it was seen."""

    frame: av.VideoFrame
    instant_s: float


class CameraProgram:
    """Watches one source.

    Args:
        channel: To the box.
        watch: What to watch, and what for.
    """

    def __init__(self, channel: Channel, watch: Watch) -> None:
        source = self._source = watch.source
        self._channel, self._is_analysed, self._is_coloured = channel, watch.is_analysed, watch.is_coloured
        self._tally, self._num_bytes, self._beat_s = Tally(), 0, time.monotonic()
        self._segments = SegmentWriter(watch.recordings, channel.send) if watch.recordings else None
        self._recorder = ClipRecorder(watch.clips, watch.keep_s, channel.send, self._segments)
        self._recording = StreamRecording(self._recorder, source.frames_per_s) if watch.is_recorded else None
        self._sender = FrameSender(is_lossless=source.is_lossless)
        self._sampler, self._pacer, self._instants = FrameSampler(source.frames_per_s), Pacer(source), Instants(source)
        self._tamper, self._state = TamperWatch(), watch.state
        self._gate = MotionGate()
        self._held: Seen | None = None
        self._has_opened = False
        self._has_begun = threading.Event()

    def run(self) -> None:
        """Watches until the source ends or fails; clips of a recorded one may still be cut until it is told to stop."""
        orders = threading.Thread(target=self._obey, name="orders", daemon=True)
        orders.start()
        try:
            with open_footage(self._source, self._tally, self._is_decoded) as footage:
                self._watch(footage)
        except SourceError as error:
            self._beat()
            self._channel.send(SourceFailed(str(error)))
        else:
            self._sender.flush()
            self._beat()
            self._channel.send(SourceEnded(self._tally.is_cut_off))
            if not self._source.is_live:
                orders.join()
        self._end()

    def _watch(self, footage: Footage) -> None:
        for step in footage.steps:
            instant_s = self._instant(step)
            if step.packet is not None:
                self._num_bytes += step.packet.size
            if step.packet is not None and self._recording is not None:
                self._recording.take_packet(footage.streams, step.stream, step.packet, instant_s)
            for frame in step.frames:
                self._take_frame(frame)
            if not self._has_opened and self._tally.num_undecoded:
                self._open(0, 0)
            if time.monotonic() - self._beat_s >= BEAT_S:
                self._beat()

    def _instant(self, step: Step) -> float | None:
        """When a packet was seen; None where it does not say when it is shown."""
        packet = step.packet
        time_s = None if packet is None else _seconds(packet)
        if time_s is None:
            return None
        if step.stream == VIDEO:
            if self._tally.num_undecoded:
                self._pacer.wait_until(time_s)
            return self._instants.arrived(time_s)
        return self._instants.of(time_s) if self._instants.has_begun else None

    def _is_decoded(self, codec: str) -> bool:
        """Whether frames are wanted: to be analysed, or because packets of this codec are not stored."""
        return self._is_analysed or codec not in STORED_AS_THEY_ARE

    def _take_frame(self, frame: av.VideoFrame) -> None:
        if not self._has_opened:
            self._open(frame.width, frame.height)
        time_s = self._time_in_source(frame)
        self._sampler, is_chosen = self._sampler.choose(time_s)
        if not is_chosen:
            return
        self._pacer.wait_until(time_s)
        seen = Seen(frame, self._instants.of(time_s))
        if self._recording is not None and self._recording.wants_pictures:
            self._recording.take_picture(colour_picture(seen.frame), seen.instant_s)
        if not self._is_analysed:
            return
        self._heed_wish()
        if not self._passes(seen):
            self._held = seen
            return
        if self._held is not None and self._gate.moved_s == seen.instant_s:  # movement needs two
            self._analyse(self._held)
        self._held = None
        self._analyse(seen)

    def _heed_wish(self) -> None:
        if self._source.is_lossless:
            return
        wish = self._sender.wish()
        if wish is not None:
            self._gate.is_busy = wish.is_busy
            rate_fps = min(wish.rate_fps, self._source.frames_per_s)
            self._sampler = dataclasses.replace(self._sampler, frames_per_s=rate_fps)

    def _passes(self, seen: Seen) -> bool:
        """Whether a frame is worth analysing; of a file watched at full speed every one is."""
        luma = None if self._source.is_lossless else brightness(seen.frame)
        if luma is None:
            self._gate.moved_s = seen.instant_s
            return True
        return self._gate.passes(luma, seen.instant_s)

    def _analyse(self, seen: Seen) -> None:
        instant_s = seen.instant_s
        picture = colour_picture(seen.frame) if self._is_coloured else grey_picture(seen.frame)
        for change in self._tamper.look(picture, instant_s, self._state):
            self._channel.send(TamperSeen(change.tamper, change.is_wrong, instant_s))
        self._sender.put(CapturedFrame(picture, instant_s, time.monotonic()))

    def _open(self, width_px: int, height_px: int) -> None:
        self._has_opened = True
        self._channel.send(Opened(width_px, height_px))
        self._has_begun.wait()

    def _time_in_source(self, frame: av.VideoFrame) -> float:
        if frame.time is not None:
            return float(frame.time)
        return time.monotonic() if self._source.is_live else (self._tally.num_decoded - 1) / self._source.frames_per_s

    def _beat(self) -> None:
        self._beat_s = time.monotonic()
        sender, tally = self._sender, self._tally
        counts = tally.num_decoded, sender.num_sent, sender.num_dropped, tally.num_warnings
        self._channel.send(Beat(*counts, self._num_bytes, self._gate.moved_s))

    def _obey(self) -> None:
        """Follows orders until there are no more: then the box is gone, and what was written of clips is enough."""
        while (received := self._channel.receive()) is not None:
            order = ORDERS.parse(received.content)
            if received.descriptors:
                self._sender.use(received.descriptors[0])
            if isinstance(order, Begin | Link):
                self._has_begun.set()
            elif not self._has_followed(order):
                self._end()
        os._exit(0)

    def _has_followed(self, order: Order) -> bool:
        """Follows an order; False for the one to stop."""
        match order:
            case CutClip(alert_id, from_s):
                self._recorder.cut(alert_id, from_s)
            case EndClip(alert_id, until_s):
                self._recorder.end(alert_id, until_s)
            case Digested():
                self._sender.note_digested()
            case SetState(state):
                self._state = state
            case _:
                return False
        return True

    def _end(self) -> None:
        self._recorder.close()
        os._exit(0)  # a decoder that hangs must not keep the program


def _seconds(packet: "av.Packet[Any]") -> float | None:
    shown = packet.dts if packet.pts is None else packet.pts
    return None if shown is None else float(shown * packet.time_base)


if __name__ == "__main__":
    main()
