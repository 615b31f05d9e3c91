"""What a box and the program that watches one camera say to each other.

Orders go to the program, reports come from it. A file's program waits after its first frame for ``Begin``, so that a
path that is no video leaves nothing behind; at the end of its file it waits for ``Stop``, for clips may still be cut.
"""

import dataclasses
import pathlib
from typing import Annotated

import pydantic

from fl_client.capture.source import Source
from fl_client.capture.tamper import Tamper
from fl_client.channel import Dialogue

Text = Annotated[str, pydantic.Field(max_length=4096)]
Identifier = Annotated[str, pydantic.Field(pattern=r"^[0-9a-f-]{36}$")]
Digest = Annotated[str, pydantic.Field(pattern=r"^[0-9a-f]{64}$")]
FileName = Annotated[str, pydantic.Field(pattern=r"^[0-9TZ.-]{1,64}\.(mp4|webm)$")]
Count = Annotated[int, pydantic.Field(ge=0, lt=2**63)]


@dataclasses.dataclass(frozen=True)
class Watch:
    """The first order: what to watch, and what for.

    Attributes:
        source: What to watch.
        clips: Folder that clips are written to; it need not be there yet.
        keep_s: Seconds before now that a clip may begin.
        state: The site's operational state.
        is_recorded: Whether clips can be cut of it.
        is_analysed: Whether its frames are handed over for analysis.
        recordings: Folder of its continuous recording; None: there is none.
        is_coloured: Whether they are handed over in colour: detectors and pose models want it, nothing else does.
    """

    source: Source
    clips: pathlib.Path
    keep_s: float
    state: str
    is_recorded: bool = True
    is_analysed: bool = True
    is_coloured: bool = False
    recordings: pathlib.Path | None = None


@dataclasses.dataclass(frozen=True)
class Begin:
    """Goes on after the first frame; with the link to the inference program, where frames are analysed."""


@dataclasses.dataclass(frozen=True)
class Link:
    """The inference program was started again; the descriptor is the new link to it."""


@dataclasses.dataclass(frozen=True)
class CutClip:
    """Begins a clip at the last keyframe at or before ``from_s``, seconds since 1970 UTC."""

    alert_id: str
    from_s: float


@dataclasses.dataclass(frozen=True)
class EndClip:
    """Ends a clip with the last packet before ``until_s``, which may lie in the future."""

    alert_id: str
    until_s: float


@dataclasses.dataclass(frozen=True)
class Digested:
    """One more frame of a file watched at full speed has been scored."""


@dataclasses.dataclass(frozen=True)
class SetState:
    """The site's operational state: what is usual in the picture depends on it."""

    state: str


@dataclasses.dataclass(frozen=True)
class Stop:
    """Ends the clips and then the program."""


Order = Watch | Begin | Link | CutClip | EndClip | Digested | SetState | Stop
ORDERS: Dialogue[Order] = Dialogue(Watch, Begin, Link, CutClip, EndClip, Digested, SetState, Stop)


@dataclasses.dataclass(frozen=True)
class Opened:
    """The source was opened and its first frame decoded."""

    width_px: Count
    height_px: Count


@dataclasses.dataclass(frozen=True)
class Beat:
    """The program is well; said once a second while packets come. Counts are since its start.

    Attributes:
        num_decoded: Frames decoded.
        num_sampled: Frames handed over for analysis.
        num_dropped: Of those chosen, how many were not handed over because analysis was late.
        num_warnings: Packets or pictures that did not decode.
        num_bytes: Of packets.
        moved_s: Instant at which anything moved last, seconds since 1970 UTC; 0 before.
    """

    num_decoded: Count
    num_sampled: Count
    num_dropped: Count
    num_warnings: Count
    num_bytes: Count
    moved_s: pydantic.FiniteFloat = 0.0


@dataclasses.dataclass(frozen=True)
class TamperSeen:
    """A camera shows no longer what it should, or does again."""

    tamper: Tamper
    is_wrong: bool
    instant_s: pydantic.FiniteFloat


@dataclasses.dataclass(frozen=True)
class ClipFinished:
    """What became of a clip.

    Attributes:
        alert_id: Its alert.
        digest: SHA-256 of the file; None where there is none.
        num_frames: Pictures in it.
        problem: Why there is none; "" where there is one.
    """

    alert_id: Identifier
    digest: Digest | None
    num_frames: Count
    problem: Text = ""


@dataclasses.dataclass(frozen=True)
class SourceEnded:
    """The source has ended; ``is_cut_off`` where less could be decoded than it promised."""

    is_cut_off: bool


@dataclasses.dataclass(frozen=True)
class SourceFailed:
    """The source cannot be decoded, or not any longer, with the reason in one line."""

    reason: Text


@dataclasses.dataclass(frozen=True)
class SegmentOpened:
    """A segment of the continuous recording begins."""

    name: FileName
    began_s: pydantic.FiniteFloat


@dataclasses.dataclass(frozen=True)
class SegmentClosed:
    """A segment is complete."""

    name: FileName
    began_s: pydantic.FiniteFloat
    ended_s: pydantic.FiniteFloat


@dataclasses.dataclass(frozen=True)
class RecordingStopped:
    """Nothing can be recorded now, with the reason in one line; it is tried again."""

    reason: Text


Report = (
    Opened
    | Beat
    | TamperSeen
    | ClipFinished
    | SegmentOpened
    | SegmentClosed
    | RecordingStopped
    | SourceEnded
    | SourceFailed
)
REPORTS: Dialogue[Report] = Dialogue(
    Opened,
    Beat,
    TamperSeen,
    ClipFinished,
    SegmentOpened,
    SegmentClosed,
    RecordingStopped,
    SourceEnded,
    SourceFailed,
)
