"""What a box and its inference program say to each other.

Orders go to the program, reports come from it. The first order is ``Start``; the program is of use after ``Ready``.
"""

import dataclasses
import pathlib

from context.event import Observation
from fl_client.channel import Dialogue


@dataclasses.dataclass(frozen=True)
class DetectorChoice:
    """An object detector: its file, the width pictures are scaled to for it, and on every which frame it looks."""

    path: pathlib.Path
    width_px: int
    every: int


@dataclasses.dataclass(frozen=True)
class Start:
    """The first order.

    Attributes:
        site_file: Site description, YAML or JSON; checked by the box.
        cameras: Those of its cameras that are watched.
        state_dir: The client's folder.
        learn_for_s: Seconds a new camera learns.
        model_path: Model to score with; None: the one that ships with the client.
        detector: None: objects come from the foreground alone.
        pose_path: None: postures come from boxes alone.
        log_level: Of what it logs.
    """

    site_file: pathlib.Path
    cameras: tuple[str, ...]
    state_dir: pathlib.Path
    learn_for_s: float
    model_path: pathlib.Path | None
    detector: DetectorChoice | None
    pose_path: pathlib.Path | None
    log_level: str


@dataclasses.dataclass(frozen=True)
class LookAt:
    """Looks at a camera from now on; the descriptor is the link to its program, and replaces one from before."""

    camera: str


@dataclasses.dataclass(frozen=True)
class SwapModel:
    """Loads a model, tries it, and uses it; ``number`` comes back with the answer."""

    number: int
    path: pathlib.Path


@dataclasses.dataclass(frozen=True)
class KeepTubelets:
    """Keeps what a camera saw in an interval until the operator says what it was."""

    camera: str
    alert_id: str
    started_s: float
    ended_s: float


@dataclasses.dataclass(frozen=True)
class ApplyFeedback:
    """What the operator said of an alert; ``sequence`` comes back with the answer."""

    sequence: int
    camera: str
    alert_id: str
    label: str


@dataclasses.dataclass(frozen=True)
class Finish:
    """Saves what was learned and ends."""


Order = Start | LookAt | SwapModel | KeepTubelets | ApplyFeedback | Finish
ORDERS: Dialogue[Order] = Dialogue(Start, LookAt, SwapModel, KeepTubelets, ApplyFeedback, Finish)


@dataclasses.dataclass(frozen=True)
class Ready:
    """The model is loaded."""

    model_digest: str


@dataclasses.dataclass(frozen=True)
class Refused:
    """It cannot start: the model, the detector or the pose model cannot be used."""

    reason: str
    is_the_model: bool


@dataclasses.dataclass(frozen=True)
class Observed:
    """One frame was looked at.

    Attributes:
        camera: Whose.
        observation: What it says to the event rules.
        is_learning: Whether it was one to learn from.
        captured_s: ``time.monotonic()`` when the camera's program had decoded it.
        model_digest: Of the model that scored it.
    """

    camera: str
    observation: Observation
    is_learning: bool
    captured_s: float
    model_digest: str


@dataclasses.dataclass(frozen=True)
class Unscored:
    """A frame of a camera could not be looked at."""

    camera: str


@dataclasses.dataclass(frozen=True)
class Swapped:
    """The answer to ``SwapModel``: its digest, or "" and why it was refused."""

    number: int
    digest: str
    problem: str = ""


@dataclasses.dataclass(frozen=True)
class FeedbackApplied:
    """The answer to ``ApplyFeedback``; ``is_known`` is False where nothing was kept for that alert."""

    sequence: int
    is_known: bool


Report = Ready | Refused | Observed | Unscored | Swapped | FeedbackApplied
REPORTS: Dialogue[Report] = Dialogue(Ready, Refused, Observed, Unscored, Swapped, FeedbackApplied)
