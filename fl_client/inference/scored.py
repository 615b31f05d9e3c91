"""What recording reads of a scored frame, and how it becomes an observation of the event rules."""

import dataclasses
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from context.alarm import Outcome
from context.behaviour.finding import Finding, strongest
from context.event import Observation
from fl_client.inference.rules import Told

SHOWN_SEVERITY = 0.4
"""Severity from which an object's behaviours are told of: events go on down to here."""
UNUSUAL_SCENE = "The scene as a whole is unusual for this camera at this time."


class ScoredObjectView(Protocol):
    """One object of a scored frame; ``box`` is ``(4,)`` xyxy fractions of the frame, ``zone`` "" outside every zone."""

    @property
    def box(self) -> npt.NDArray[np.float32]: ...  # noqa: D102 - described by the class
    @property
    def severity(self) -> float: ...  # noqa: D102
    @property
    def zone(self) -> str: ...  # noqa: D102
    @property
    def why(self) -> str: ...  # noqa: D102
    @property
    def behaviours(self) -> tuple[Finding, ...]: ...  # noqa: D102


class ScoredFrameView(Protocol):
    """A scored frame; while ``is_learning`` no learned alert may be raised.

    ``unscored`` is what things too low to be scored do beyond the limits.
    """

    @property
    def instant_s(self) -> float: ...  # noqa: D102
    @property
    def objects(self) -> Sequence[ScoredObjectView]: ...  # noqa: D102
    @property
    def score(self) -> float: ...  # noqa: D102
    @property
    def severity(self) -> float: ...  # noqa: D102
    @property
    def operational_state(self) -> str: ...  # noqa: D102
    @property
    def is_learning(self) -> bool: ...  # noqa: D102
    @property
    def unscored(self) -> tuple[Finding, ...]: ...  # noqa: D102
    @property
    def told(self) -> tuple[Told, ...]: ...  # noqa: D102


def observation_of(scored: ScoredFrameView) -> Observation:
    """What a scored frame says to the event rules: its severity, and its most severe object.

    A rule that a person is to be told of speaks first: it opens an event at once, whatever the model thinks.
    """
    raised = [one for one in scored.told if one.outcome is Outcome.RAISED]
    seen = _seen(scored)
    if not raised:
        return seen
    first = max(raised, key=lambda one: one.severity)
    why = " ".join(one.why for one in raised)
    severity = max(first.severity, seen.severity)
    return dataclasses.replace(seen, severity=severity, box=first.box, zone=first.zone, why=why, is_told=True)


def _seen(scored: ScoredFrameView) -> Observation:
    peak = max(scored.objects, key=lambda one: one.severity, default=None)
    return Observation(
        instant_s=scored.instant_s,
        severity=0.0 if scored.is_learning else scored.severity,
        score=scored.score,
        box=(0.0, 0.0, 1.0, 1.0) if peak is None else fractions(peak.box),
        zone="" if peak is None else peak.zone,
        why=UNUSUAL_SCENE if peak is None else peak.why,
        operational_state=scored.operational_state,
        behaviours=_shown(scored),
    )


def _shown(scored: ScoredFrameView) -> tuple[Finding, ...]:
    """What the unusual objects of a frame do beyond the limits, and all that is low in it."""
    unusual = [one for one in scored.objects if one.severity >= SHOWN_SEVERITY]
    told = tuple(finding for one in unusual for finding in one.behaviours if finding.holds)
    return strongest((), (*told, *scored.unscored))


def fractions(box: npt.NDArray[np.float32]) -> tuple[float, float, float, float]:
    """A tracker's box cut to the frame: its prediction may reach beyond the edge."""
    left, top, right, bottom = (float(side) for side in np.clip(box, 0.0, 1.0))
    return (left, top, max(left, right), max(top, bottom))
