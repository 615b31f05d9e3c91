"""Laws of a round: it ends, it ends once, and no single site can end it."""

import itertools
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from fl_server.rounds.round_state import (
    ASKING,
    LAST,
    Answered,
    Patience,
    Phase,
    RoundEvent,
    RoundPlan,
    RoundState,
    SiteFailed,
    StepDone,
    StepFailed,
    Tick,
    advance,
    open_round,
    plain_plan,
    secure_plan,
)

SITES = range(6)
PHASES = st.sampled_from(list(Phase))
STEPS = st.floats(0, 40)
ORDER = list(Phase)
PLANS = st.builds(
    lambda make, quorum, share, floor_s: make(60.0, quorum, Patience(share, floor_s)),
    st.sampled_from([plain_plan, secure_plan]),
    st.integers(0, 6),
    st.floats(0, 3),
    st.floats(0, 100),
)


@st.composite
def histories(draw: st.DrawFn) -> list[RoundEvent]:
    """Any events, at instants that never run back; sites 0 to 5 take part, 6 and 7 do not."""
    now_s, events = 0.0, list[RoundEvent]()
    for _ in range(draw(st.integers(0, 40))):
        now_s += draw(STEPS)
        site, phase = draw(st.integers(0, 7)), draw(PHASES)
        choices: list[RoundEvent] = [
            Answered(site, phase, now_s),
            SiteFailed(site, phase, "why", now_s),
            Tick(now_s),
            StepDone(phase, now_s),
            StepFailed(phase, "why", now_s),
        ]
        events.append(draw(st.sampled_from(choices)))
    return events


def states(plan: RoundPlan, events: list[RoundEvent]) -> list[RoundState]:
    passed = [open_round(1, SITES, plan, 0.0)]
    for event in events:
        passed.append(advance(passed[-1], event))
    return passed


@given(PLANS, histories())
def test_round_never_runs_back_and_what_is_over_stays_so(plan: RoundPlan, events: list[RoundEvent]) -> None:
    passed = states(plan, events)
    for before, later in itertools.pairwise(passed):
        assert ORDER.index(later.phase) >= ORDER.index(before.phase)
        assert later.cohort <= before.cohort
        assert later.num_ignored >= before.num_ignored
        if before.phase in LAST:
            assert (later.phase, later.reason, later.cohort) == (before.phase, before.reason, before.cohort)
    assert all((state.reason is None) == (state.phase is not Phase.FAILED) for state in passed)


@given(PLANS, histories())
def test_every_phase_that_ended_well_had_its_quorum(plan: RoundPlan, events: list[RoundEvent]) -> None:
    passed = states(plan, events)
    for before, later in itertools.pairwise(passed):
        if later.phase is not before.phase and later.phase is not Phase.FAILED:
            ended = before.phase if before.phase in ASKING else None
            assert ended is None or len(later.cohort) >= plan.limits_of(ended).quorum


@given(PLANS, histories())
def test_a_phase_is_over_after_its_deadline(plan: RoundPlan, events: list[RoundEvent]) -> None:
    for state in states(plan, events):
        if not state.is_over:
            assert state.ends_s <= state.began_s + plan.limits_of(state.phase).deadline_s
            left = advance(state, Tick(state.ends_s))
            assert left.phase is not state.phase or left.num_unmasks > state.num_unmasks


@given(st.sampled_from([plain_plan, secure_plan]), st.integers(0, 5), st.sampled_from(sorted(ASKING)), st.data())
def test_one_failing_site_never_fails_a_round_with_a_quorum_without_it(
    make: Callable[[float, int, Patience], RoundPlan], bad: int, failing_in: Phase, data: st.DataObject
) -> None:
    state = open_round(1, SITES, make(60.0, 5, Patience()), 0.0)
    for now_s in range(1, 8):
        phase = state.phase
        if phase not in ASKING:
            state = advance(state, StepDone(phase, float(now_s)))
            continue
        for site in data.draw(st.permutations(sorted(state.cohort))):  # once more, where shares are missing
            is_failing = site == bad and phase is failing_in
            told = SiteFailed(site, phase, "why", float(now_s)) if is_failing else Answered(site, phase, float(now_s))
            state = advance(state, told)
    assert state.phase is Phase.COMMITTED
    assert state.cohort >= set(SITES) - {bad}
