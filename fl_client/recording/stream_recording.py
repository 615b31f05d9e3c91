"""What is recorded of one connection: the camera's own packets where they are worth it, else its pictures encoded."""

from collections.abc import Sequence
from typing import Any

import av
import av.audio
import av.stream

from fl_client.capture.wire import Picture
from fl_client.recording.clip_recorder import ClipRecorder
from fl_client.recording.packet_ring import VIDEO
from fl_client.recording.picture_encoder import STORED_AS_THEY_ARE, PictureEncoder
from fl_client.recording.sound_encoder import STORED_AS_IT_IS, SoundEncoder
from fl_client.recording.take import Take

MAX_UNTIMED = 32
"""Packets at the start of a connection that may wait for one that says when it is shown."""


class StreamRecording:
    """Gives a recorder the packets of one connection.

    Args:
        recorder: Cuts the clips.
        frames_per_s: Roughly how many pictures come a second, where those are what is recorded.
    """

    def __init__(self, recorder: ClipRecorder, frames_per_s: float) -> None:
        self._recorder, self._frames_per_s = recorder, frames_per_s
        self._take: Take | None = None
        self._has_packets = False
        self._pictures: PictureEncoder | None = None
        self._sound: SoundEncoder | None = None
        self._untimed: list[av.Packet[Any]] = []

    def take_packet(
        self, streams: Sequence[av.stream.Stream], stream: int, packet: "av.Packet[Any]", instant_s: float | None
    ) -> None:
        """Records a packet where such packets are worth storing.

        Args:
            streams: Of the connection.
            stream: Index of the packet's among them.
            packet: As it came.
            instant_s: When it was seen; None where it does not say.
        """
        self._has_packets = streams[VIDEO].codec_context.name in STORED_AS_THEY_ARE
        if not self._has_packets:
            return
        if self._take is None:
            self._take = self._take_of(streams)
            self._recorder.begin(self._take)
        if stream >= self._take.num_streams:
            return
        if instant_s is None:
            if stream == VIDEO and packet.size and len(self._untimed) < MAX_UNTIMED:
                self._untimed.append(packet)  # cameras send the first keyframe before they say what time it is
            return
        if stream != VIDEO and self._sound is not None:
            for one in self._sound.packets_of(packet):
                self._store(self._take, stream, one, instant_s)
            return
        if stream == VIDEO and self._untimed:
            self._store_untimed(self._take, packet, instant_s)
        self._store(self._take, stream, packet, instant_s)

    @property
    def wants_pictures(self) -> bool:
        """Whether pictures are what is recorded."""
        return not self._has_packets

    def take_picture(self, picture: Picture, instant_s: float) -> None:
        """Records a picture, where packets are not."""
        if self._pictures is None:
            self._pictures = PictureEncoder(picture, self._frames_per_s)
            self._recorder.begin(self._pictures.take)
        for packet in self._pictures.packets_of(picture, instant_s):
            self._recorder.add(packet)

    def _take_of(self, streams: Sequence[av.stream.Stream]) -> Take:
        video, *rest = streams
        sound = rest[0] if rest else None
        if isinstance(sound, av.audio.AudioStream) and sound.codec_context.name not in STORED_AS_IT_IS:
            try:
                self._sound = SoundEncoder(sound)
                sound = self._sound.stream
            except (av.FFmpegError, ValueError, OSError):  # sound that nobody can decode is no reason to record nothing
                sound = None
        return Take([video] if sound is None else [video, sound])

    def _store(self, take: Take, stream: int, packet: "av.Packet[Any]", instant_s: float) -> None:
        stored = take.stored(packet, stream, instant_s)
        if stored is not None:
            self._recorder.add(stored)

    def _store_untimed(self, take: Take, next_one: "av.Packet[Any]", instant_s: float) -> None:
        """What came before the first packet with a time was shown right before it."""
        step = take.frame_duration(VIDEO)
        shown = next_one.dts if next_one.pts is None else next_one.pts
        waiting, self._untimed = self._untimed, []
        for back, packet in zip(range(len(waiting), 0, -1), waiting, strict=True):
            packet.pts = packet.dts = (shown or 0) - back * step
            before_s = float(back * step * take.time_bases[VIDEO])
            self._store(take, VIDEO, packet, instant_s - before_s)
