"""One round as a state machine: open, training, masked, unmask, aggregated, committed, or failed with the reason.

Rules:

1. ``advance`` is pure. It is told what happened and when, in seconds of a clock that never runs back, and asks nobody.
2. Every phase ends: when all who were asked have answered or failed; some time after its quorum and as many as are
   awaited are there; at the latest at its deadline. What comes with an instant at or after that end comes too late.
3. A phase that ends below its quorum fails the round; so does one whose quorum has become out of reach.
4. A site that fails, or does not answer, leaves the round. It fails the round only where the quorum needs it.
5. An answer belongs to a phase. Late, repeated and foreign ones change nothing but the count of what was ignored.
6. A round that is committed or failed stays so.
7. Shares open nothing unless all who were asked reveal theirs. An unmask phase that ends with a quorum but not with all
   begins anew among those that answered, a few times at most.
8. A round that was stored is committed, however long storing took: nothing takes it out of the database again.

Sites are asked in open (who takes part; in a secure round: their keys), in training (their update) and in unmask (their
shares). In masked and aggregated nobody is asked: the coordinator works by itself, and says when it is done.
"""

import dataclasses
import enum
import math
from collections.abc import Collection


class Phase(enum.StrEnum):
    """Where a round stands."""

    OPEN = "open"
    TRAINING = "training"
    MASKED = "masked"
    """Masked updates are in: who survived is settled."""
    UNMASK = "unmask"
    AGGREGATED = "aggregated"
    """The sum is known and not yet on the disk."""
    COMMITTED = "committed"
    FAILED = "failed"


ASKING = frozenset({Phase.OPEN, Phase.TRAINING, Phase.UNMASK})
"""Phases in which sites are asked; in the others the coordinator works by itself."""
LAST = frozenset({Phase.COMMITTED, Phase.FAILED})
MOST_UNMASKS = 3
"""Survivors that vanish in between are rare, and each time costs an exchange."""
_PLAIN = (Phase.OPEN, Phase.TRAINING, Phase.AGGREGATED)
_SECURE = (Phase.OPEN, Phase.TRAINING, Phase.MASKED, Phase.UNMASK, Phase.AGGREGATED)


@dataclasses.dataclass(frozen=True)
class PhaseLimits:
    """How long a phase may take, and how many answers it needs.

    Raises:
        ValueError: The deadline is not positive and finite, or the quorum is negative.
    """

    deadline_s: float
    quorum: int = 0
    """Fewest answers; 0 where nobody is asked."""
    awaited: int = 0
    """Answers before which no straggler's time begins, where that is more than the quorum."""

    def __post_init__(self) -> None:
        if not (self.deadline_s > 0 and math.isfinite(self.deadline_s)):
            raise ValueError(f"deadline_s: expected a positive number of seconds, got {self.deadline_s}")
        if self.quorum < 0:
            raise ValueError(f"quorum: expected 0 or more, got {self.quorum}")


@dataclasses.dataclass(frozen=True)
class Patience:
    """How long stragglers are waited for once the quorum is there.

    Raises:
        ValueError: A number is negative.
    """

    straggler_share: float = 1.0
    """They get this share of the time the quorum took,"""
    straggler_floor_s: float = 0.0
    """and no less than this."""

    def __post_init__(self) -> None:
        for name, value in dataclasses.asdict(self).items():
            if not (value >= 0 and math.isfinite(value)):
                raise ValueError(f"{name}: expected 0 or more, got {value}")

    def ends_s(self, began_s: float, quorum_s: float) -> float:
        """When waiting that began at ``began_s`` ends, with a quorum that was there at ``quorum_s``."""
        return quorum_s + max(self.straggler_floor_s, self.straggler_share * (quorum_s - began_s))


USUAL_PATIENCE = Patience(straggler_share=1.0, straggler_floor_s=15.0)
"""A SuperNode asks for messages every 3 s, and starts a process for each: an answer may be so much later by chance."""


@dataclasses.dataclass(frozen=True)
class RoundPlan:
    """The phases of a round up to its commit, in their order, and how patient it is with stragglers.

    Raises:
        ValueError: The phases are not those of a plain or a secure round.
    """

    limits: tuple[tuple[Phase, PhaseLimits], ...]
    patience: "Patience"

    def __post_init__(self) -> None:
        phases = tuple(phase for phase, _ in self.limits)
        if phases not in (_PLAIN, _SECURE):
            raise ValueError(f"limits: expected the phases of a plain or a secure round, got {', '.join(phases)}")

    def limits_of(self, phase: Phase) -> PhaseLimits:
        """Deadline and quorum of a phase."""
        return dict(self.limits)[phase]

    def after(self, phase: Phase) -> Phase:
        """The phase that follows one that ended well."""
        phases = [one for one, _ in self.limits] + [Phase.COMMITTED]
        return phases[phases.index(phase) + 1]


def plain_plan(deadline_s: float, quorum: int, patience: Patience) -> RoundPlan:
    """A round whose updates travel as they are: masked and unmask are left out."""
    return _plan(_PLAIN, PhaseLimits(deadline_s, quorum), patience)


def secure_plan(
    deadline_s: float, quorum: int, patience: Patience, unmask_quorum: int | None = None, awaited: int = 0
) -> RoundPlan:
    """A round of masked updates; with ``unmask_quorum`` sites it opens, as many as of every phase if left out."""
    plan = _plan(_SECURE, PhaseLimits(deadline_s, quorum, awaited), patience)
    unmask = PhaseLimits(deadline_s, quorum if unmask_quorum is None else unmask_quorum, awaited)
    limits = tuple((phase, unmask if phase is Phase.UNMASK else limits) for phase, limits in plan.limits)
    return dataclasses.replace(plan, limits=limits)


def _plan(phases: tuple[Phase, ...], asking: PhaseLimits, patience: Patience) -> RoundPlan:
    alone = PhaseLimits(asking.deadline_s)
    return RoundPlan(tuple((phase, asking if phase in ASKING else alone) for phase in phases), patience)


@dataclasses.dataclass(frozen=True)
class Answered:
    """A site answered what it was asked in ``phase``, and the answer was accepted."""

    site: int
    phase: Phase
    now_s: float


@dataclasses.dataclass(frozen=True)
class SiteFailed:
    """A site answered with an error, or with something that is refused."""

    site: int
    phase: Phase
    reason: str
    now_s: float


@dataclasses.dataclass(frozen=True)
class Tick:
    """Time has passed."""

    now_s: float


@dataclasses.dataclass(frozen=True)
class StepDone:
    """The coordinator has done its own part of a phase in which nobody is asked."""

    phase: Phase
    now_s: float


@dataclasses.dataclass(frozen=True)
class StepFailed:
    """The coordinator cannot do its own part: the sum does not open, the database refuses."""

    phase: Phase
    reason: str
    now_s: float


RoundEvent = Answered | SiteFailed | Tick | StepDone | StepFailed


@dataclasses.dataclass(frozen=True)
class RoundState:
    """A round at an instant."""

    round_number: int
    plan: RoundPlan
    phase: Phase
    cohort: frozenset[int]
    """Sites that are asked in this phase; those that failed or were silent in an earlier one are not among them."""
    began_s: float
    """When the phase began."""
    answered: frozenset[int] = frozenset()
    failed: tuple[tuple[int, str], ...] = ()
    """Sites that failed in this phase, with the reason, in their order."""
    quorum_s: float | None = None
    """When the phase's quorum, and all who are awaited, had answered; None before."""
    num_ignored: int = 0
    """Late, repeated and foreign messages of the whole round."""
    num_unmasks: int = 1
    """How often shares were asked for, this time included; of use in unmask alone."""
    reason: str | None = None
    """Why the round failed."""

    @property
    def is_over(self) -> bool:
        """Whether nothing can happen to the round any more."""
        return self.phase in LAST

    @property
    def outstanding(self) -> frozenset[int]:
        """Sites that have neither answered nor failed in this phase."""
        return self.cohort - self.answered - {site for site, _ in self.failed} if self.phase in ASKING else frozenset()

    @property
    def ends_s(self) -> float:
        """When the phase ends at the latest, as far as is known now; infinite once the round is over."""
        if self.is_over:
            return math.inf
        deadline = self.began_s + self.plan.limits_of(self.phase).deadline_s
        if self.quorum_s is None:
            return deadline
        return min(deadline, self.plan.patience.ends_s(self.began_s, self.quorum_s))


def open_round(round_number: int, cohort: Collection[int], plan: RoundPlan, now_s: float) -> RoundState:
    """A round that begins now; one whose cohort is below the quorum has failed already."""
    opened = RoundState(round_number, plan, Phase.OPEN, frozenset(cohort), now_s)
    return _settled(_with_quorum(opened, now_s), now_s)


def advance(state: RoundState, event: RoundEvent) -> RoundState:
    """The state after ``event``."""
    if event == StepDone(Phase.AGGREGATED, event.now_s) and state.phase is Phase.AGGREGATED:  # rule 8
        return _next_phase(state, event.now_s)
    state = _at(state, event.now_s)
    match event:
        case Tick():
            return state
        case Answered(site, phase, now_s):
            return _with_answer(state, site, now_s) if _is_awaited(state, site, phase) else _ignoring(state)
        case SiteFailed(site, phase, reason, now_s):
            return _with_failure(state, site, reason, now_s) if _is_awaited(state, site, phase) else _ignoring(state)
        case StepDone(phase, now_s):
            is_due = phase is state.phase and phase not in ASKING and not state.is_over
            return _next_phase(state, now_s) if is_due else _ignoring(state)
        case StepFailed(phase, reason):
            is_due = phase is state.phase and not state.is_over
            return _given_up(state, reason) if is_due else _ignoring(state)


def _is_awaited(state: RoundState, site: int, phase: Phase) -> bool:
    return phase is state.phase and site in state.outstanding


def _ignoring(state: RoundState) -> RoundState:
    return dataclasses.replace(state, num_ignored=state.num_ignored + 1)


def _with_answer(state: RoundState, site: int, now_s: float) -> RoundState:
    answered = dataclasses.replace(state, answered=state.answered | {site})
    return _settled(_with_quorum(answered, now_s), now_s)


def _with_quorum(state: RoundState, now_s: float) -> RoundState:
    limits = state.plan.limits_of(state.phase)
    is_new = state.quorum_s is None and len(state.answered) >= max(limits.quorum, limits.awaited) > 0
    return dataclasses.replace(state, quorum_s=now_s) if is_new else state


def _with_failure(state: RoundState, site: int, reason: str, now_s: float) -> RoundState:
    failed = tuple(sorted((*state.failed, (site, reason))))
    return _settled(dataclasses.replace(state, failed=failed), now_s)


def _at(state: RoundState, now_s: float) -> RoundState:
    """Lets time pass: ends the phase where its end has come."""
    if state.is_over or now_s < state.ends_s:
        return state
    if state.phase not in ASKING:
        return _given_up(state, f"expected to be done within {state.plan.limits_of(state.phase).deadline_s:g} s")
    return _closed(state, now_s)


def _settled(state: RoundState, now_s: float) -> RoundState:
    """Ends the phase where nobody is left to wait for, or waiting is of no use."""
    within_reach = len(state.answered) + len(state.outstanding)
    if state.outstanding and within_reach >= state.plan.limits_of(state.phase).quorum:
        return state
    return _closed(state, now_s)


def _closed(state: RoundState, now_s: float) -> RoundState:
    quorum, got = state.plan.limits_of(state.phase).quorum, len(state.answered)
    if got < max(quorum, 1):
        waited = f"{max(0.0, now_s - state.began_s):.0f} s"
        return _given_up(
            state, f"expected at least {max(quorum, 1)} of {len(state.cohort)} sites, got {got} in {waited}"
        )
    if state.phase is Phase.UNMASK and state.answered != state.cohort:
        return _unmasked_again(state, now_s)
    return _next_phase(dataclasses.replace(state, cohort=state.answered), now_s)


def _unmasked_again(state: RoundState, now_s: float) -> RoundState:
    """Rule 7."""
    if state.num_unmasks == MOST_UNMASKS:
        return _given_up(state, f"expected all sites to answer, got {len(state.answered)} of {len(state.cohort)}")
    begun = _phase_of(state, Phase.UNMASK, now_s)
    return dataclasses.replace(begun, cohort=state.answered, num_unmasks=state.num_unmasks + 1)


def _next_phase(state: RoundState, now_s: float) -> RoundState:
    return _phase_of(state, state.plan.after(state.phase), now_s)


def _phase_of(state: RoundState, phase: Phase, now_s: float) -> RoundState:
    """The beginning of a phase."""
    return RoundState(state.round_number, state.plan, phase, state.cohort, now_s, num_ignored=state.num_ignored)


def _given_up(state: RoundState, reason: str) -> RoundState:
    told = f"round {state.round_number}: {state.phase}: {reason}"
    return dataclasses.replace(state, phase=Phase.FAILED, reason=told)
