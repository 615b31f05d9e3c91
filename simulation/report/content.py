"""What a report shows: the figures of one run, as plain values. Letters in shapes: N frames, H x W pixels."""

import dataclasses
import enum
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.floating]  # (N,) higher is more unusual
Truth = npt.NDArray[np.bool_]  # (N,) whether the frame holds an anomaly
Image = npt.NDArray[np.uint8]  # (H, W, 3) BGR


@dataclasses.dataclass(frozen=True)
class Headlines:
    """The figures a reader looks at first; ``None`` where the run did not measure one.

    AUC is the micro frame AUC on the test footage, in ``[0, 1]``.
    """

    int8_fused_auc: float | None = None
    int8_network_auc: float | None = None
    int8_statistics_auc: float | None = None
    fp32_fused_auc: float | None = None
    context_gain: float | None = None
    """AUC on context-dependent anomalies of the conditioned minus that of the retrained blind model."""
    false_alarms: tuple[int, int] | None = None
    """On held-out footage, before and after the operator's feedback."""
    anomalies_found: tuple[int, int] | None = None
    """On the same footage, before and after."""


@dataclasses.dataclass(frozen=True)
class RoundPoint:
    """One training round."""

    round_number: int
    loss: float
    auc: float | None
    """How well held-out normal tubelets are told from pseudo-anomalies made of them; needs no labels."""
    bytes_up: int
    """What all clients together sent to the server."""


@dataclasses.dataclass(frozen=True)
class Interval:
    """Ground truth with a name: frames ``first`` to ``last``, both included."""

    first: int
    last: int
    label: str


@dataclasses.dataclass(frozen=True)
class Timeline:
    """Scores of one test clip, in the unit of ``alert_threshold``; ``truth`` is ``None`` for footage without labels."""

    title: str
    fps: float
    scores: Scores  # (N,)
    truth: Truth | None  # (N,)
    kinds: tuple[Interval, ...]
    alert_threshold: float

    def __post_init__(self) -> None:
        if self.fps <= 0 or len(self.scores) == 0:
            raise ValueError(f"{self.title}: expected at least one frame and fps above 0, got fps {self.fps}")
        if self.truth is not None and len(self.truth) != len(self.scores):
            raise ValueError(f"{self.title}: expected {len(self.scores)} truth values, got {len(self.truth)}")


@dataclasses.dataclass(frozen=True)
class Roc:
    """Frames of one context: whether each is an anomaly, and its score."""

    context: str
    labels: Truth  # (N,)
    scores: Scores  # (N,)

    def __post_init__(self) -> None:
        if len(self.labels) != len(self.scores):
            raise ValueError(f"{self.context}: expected as many labels as scores, got {len(self.labels)}")


class Role(enum.StrEnum):
    """What a box in a picture stands for."""

    ALARM = "alarm"
    TRUTH = "truth"
    NORMAL = "normal"


@dataclasses.dataclass(frozen=True)
class SampleBox:
    """A box in a picture."""

    xyxy: tuple[float, float, float, float]
    """Fractions of the frame."""
    caption: str
    role: Role


@dataclasses.dataclass(frozen=True)
class Sample:
    """One frame with boxes."""

    image: Image  # (H, W, 3) BGR
    boxes: tuple[SampleBox, ...]
    caption: str


@dataclasses.dataclass(frozen=True)
class ReportContent:
    """Everything a report shows, in the order it is shown."""

    title: str
    summary: str
    """One or two sentences: what was run, on what."""
    facts: Mapping[str, str]
    headlines: Headlines
    notes: tuple[str, ...] = ()
    rounds: tuple[RoundPoint, ...] = ()
    timelines: tuple[Timeline, ...] = ()
    rocs: tuple[Roc, ...] = ()
    samples: tuple[Sample, ...] = ()
