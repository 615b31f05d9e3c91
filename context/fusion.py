"""Several cameras that see the same place: a weighted vote on whether something happens there.

Each camera votes with the highest severity it saw there lately. The place is in alarm once the weights of those at or
above the threshold reach the consensus: with 0.4, 0.3 and 0.3 and a consensus of 0.6, any two of three, and none alone.
A camera that is blind has no vote; the others then count for all.
"""

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple, Self

import pydantic

VOTE_S = 3.0
"""Seconds that a vote counts: cameras see the same thing a moment apart."""
USUAL_CONSENSUS = 0.6


class View(pydantic.BaseModel):
    """One camera's view of a place."""

    model_config = pydantic.ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)

    camera: str = pydantic.Field(max_length=64, description="Name of the camera.")
    zone: str = pydantic.Field(max_length=64, description="Name of the zone that is the place in its picture.")
    weight: float = pydantic.Field(
        gt=0.0, le=1.0, description="Weight of its vote; all weights of a place add up to 1."
    )


class SharedPlace(pydantic.BaseModel):
    """A place that several cameras see."""

    model_config = pydantic.ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = pydantic.Field(min_length=1, max_length=64, description="Name shown in alerts.")
    views: tuple[View, ...] = pydantic.Field(strict=False, min_length=2, max_length=8, description="Who sees it.")
    consensus: float = pydantic.Field(
        default=USUAL_CONSENSUS, gt=0.0, le=1.0, description="Weight of those who agree from which it is an alarm."
    )

    @pydantic.model_validator(mode="after")
    def _check_views(self) -> Self:
        cameras = [view.camera for view in self.views]
        if len(set(cameras)) < len(cameras):
            raise ValueError("expected every camera once")
        if abs(sum(view.weight for view in self.views) - 1.0) > 1e-6:
            raise ValueError("weights must add up to 1")
        return self


class Vote(NamedTuple):
    """What one camera last said of a place: when, and how severe."""

    instant_s: float
    severity: float


class Verdict(NamedTuple):
    """What the cameras say together.

    Attributes:
        weight: Of those who agree, as a share of those who can see.
        is_alarm: Whether it reaches the consensus.
        severity: Mean of those who agree, by weight; 0 where nobody does.
    """

    weight: float
    is_alarm: bool
    severity: float


@dataclasses.dataclass(frozen=True)
class Votes:
    """The votes on one place, by camera."""

    by_camera: Mapping[str, Vote] = dataclasses.field(default_factory=dict)


NO_VOTES = Votes()


def vote(state: Votes, camera: str, instant_s: float, severity: float) -> Votes:
    """Takes what a camera says now; within ``VOTE_S`` its highest severity counts."""
    before = state.by_camera.get(camera)
    if before is not None and before.severity > severity and instant_s - before.instant_s <= VOTE_S:
        return state
    return Votes({**state.by_camera, camera: Vote(instant_s, severity)})


def fuse(place: SharedPlace, state: Votes, now_s: float, threshold: float, blind: frozenset[str]) -> Verdict:
    """What the cameras say together.

    Args:
        place: Who sees it, and with which weight.
        state: Their votes.
        now_s: On the clock of the votes.
        threshold: Severity from which a camera agrees.
        blind: Cameras that see nothing now: covered, frozen or lost.
    """
    able = [view for view in place.views if view.camera not in blind]
    agreeing = []
    for view in able:
        said = state.by_camera.get(view.camera)
        if said is not None and now_s - said.instant_s <= VOTE_S and said.severity >= threshold:
            agreeing.append((view.weight, said.severity))
    weight = sum(one for one, _ in agreeing)
    if not weight:
        return Verdict(0.0, is_alarm=False, severity=0.0)
    share = weight / sum(view.weight for view in able)
    severity = sum(one * severity for one, severity in agreeing) / weight
    return Verdict(share, share >= place.consensus - 1e-9, severity)
