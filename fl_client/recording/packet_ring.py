"""The last seconds of a camera as its own encoded packets: a clip that begins before its event costs no encoding.

Packets go in whole groups, each from a keyframe to the next, for nothing can be decoded from the middle of one.
"""

import collections

from fl_client.recording.take import StoredPacket

VIDEO = 0
"""Index of the video among the streams of a take."""


class PacketRing:
    """Packets of one take.

    Args:
        keep_s: Seconds that a clip may begin before now.
        max_bytes: Most bytes of packets; beyond it the oldest groups go, and clips begin later.
    """

    def __init__(self, keep_s: float, max_bytes: int) -> None:
        self._keep_s, self._max_bytes = keep_s, max_bytes
        self._groups: collections.deque[list[StoredPacket]] = collections.deque()
        self.num_bytes = 0

    def __len__(self) -> int:
        return sum(len(group) for group in self._groups)

    @property
    def began_s(self) -> float | None:
        """Instant of the oldest keyframe; None while there is none."""
        return self._groups[0][0].instant_s if self._groups else None

    def add(self, packet: StoredPacket) -> None:
        """Keeps a packet, and lets go of groups that no clip can begin in any more.

        What comes before the first keyframe is lost.
        """
        if packet.stream == VIDEO and packet.is_keyframe:
            self._groups.append([])
        if not self._groups:
            return
        self._groups[-1].append(packet)
        self.num_bytes += len(packet.content)
        oldest_s = packet.instant_s - self._keep_s
        while len(self._groups) > 1 and (self._groups[1][0].instant_s <= oldest_s or self.num_bytes > self._max_bytes):
            self.num_bytes -= sum(len(one.content) for one in self._groups.popleft())

    def packets_from(self, instant_s: float) -> list[StoredPacket]:
        """Packets from the last keyframe at or before an instant on; from the oldest where all are later."""
        first = 0
        for index, group in enumerate(self._groups):
            if group[0].instant_s <= instant_s:
                first = index
        return [packet for index, group in enumerate(self._groups) if index >= first for packet in group]
