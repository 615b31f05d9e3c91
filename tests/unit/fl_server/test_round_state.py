"""A round as a state machine, event by event."""

import math
from collections.abc import Callable

import pytest

from fl_server.rounds.round_state import (
    Answered,
    Patience,
    Phase,
    PhaseLimits,
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

PLAIN = plain_plan(deadline_s=60.0, quorum=2, patience=Patience(0.5))
SECURE = secure_plan(deadline_s=60.0, quorum=2, patience=Patience(0.5))
SITES = (1, 2, 3)


def after(state: RoundState, *events: RoundEvent) -> RoundState:
    for event in events:
        state = advance(state, event)
    return state


def all_answer(state: RoundState, now_s: float) -> RoundState:
    phase = state.phase
    return after(state, *(Answered(site, phase, now_s) for site in sorted(state.cohort)))


def training(plan: RoundPlan = PLAIN) -> RoundState:
    return all_answer(open_round(7, SITES, plan, 0.0), 10.0)


def test_secure_round_goes_through_every_phase() -> None:
    state = open_round(7, SITES, SECURE, 0.0)
    seen = [state.phase]
    for now_s in (1.0, 2.0, 3.0, 4.0, 5.0):
        is_asking = state.phase in {Phase.OPEN, Phase.TRAINING, Phase.UNMASK}
        state = all_answer(state, now_s) if is_asking else advance(state, StepDone(state.phase, now_s))
        seen.append(state.phase)
    assert seen == ["open", "training", "masked", "unmask", "aggregated", "committed"]
    assert (state.cohort, state.reason, state.num_ignored) == (frozenset(SITES), None, 0)


def test_plain_round_has_nothing_to_unmask() -> None:
    assert all_answer(training(), 20.0).phase is Phase.AGGREGATED


def test_site_that_fails_leaves_the_round_and_does_not_end_it() -> None:
    state = advance(training(SECURE), SiteFailed(2, Phase.TRAINING, "no memory", 11.0))
    assert (state.phase, state.failed) == (Phase.TRAINING, ((2, "no memory"),))
    assert state.outstanding == {1, 3}
    state = after(state, Answered(1, Phase.TRAINING, 12.0), Answered(3, Phase.TRAINING, 13.0))
    assert state.phase is Phase.MASKED
    assert state.cohort == {1, 3}


def test_stragglers_get_a_share_of_the_time_that_the_quorum_took() -> None:
    state = after(training(), Answered(1, Phase.TRAINING, 14.0), Answered(2, Phase.TRAINING, 30.0))
    assert (state.phase, state.quorum_s, state.ends_s) == (Phase.TRAINING, 30.0, 40.0)
    assert advance(state, Tick(39.9)).phase is Phase.TRAINING
    assert advance(state, Tick(40.0)).cohort == {1, 2}
    assert advance(state, Answered(3, Phase.TRAINING, 39.9)).cohort == {1, 2, 3}
    late = advance(state, Answered(3, Phase.TRAINING, 40.0))
    assert (late.phase, late.num_ignored) == (Phase.AGGREGATED, 1)
    assert late.cohort == {1, 2}


def test_stragglers_get_no_less_than_the_floor() -> None:
    state = training(plain_plan(60.0, 2, Patience(0.5, straggler_floor_s=4.0)))
    state = after(state, *(Answered(site, Phase.TRAINING, 10.5) for site in (1, 2)))
    assert state.ends_s == 14.5


def test_stragglers_time_begins_when_all_who_are_awaited_have_answered() -> None:
    plan = secure_plan(60.0, 1, Patience(0.5), awaited=2)
    state = all_answer(open_round(7, SITES, plan, 0.0), 10.0)
    one = advance(state, Answered(1, Phase.TRAINING, 14.0))
    assert (one.quorum_s, one.ends_s) == (None, 70.0)
    assert advance(one, Tick(70.0)).phase is Phase.MASKED  # one is enough at the deadline
    two = advance(one, Answered(2, Phase.TRAINING, 30.0))
    assert (two.quorum_s, two.ends_s) == (30.0, 40.0)


def unmasking(quorum: int) -> RoundState:
    """A secure round of four that asks for shares."""
    state = open_round(7, (1, 2, 3, 4), secure_plan(60.0, 3, Patience(0.5), unmask_quorum=quorum), 0.0)
    state = all_answer(all_answer(state, 1.0), 2.0)
    return advance(state, StepDone(Phase.MASKED, 3.0))


def test_shares_are_asked_for_again_without_a_site_that_vanished() -> None:
    state = after(unmasking(2), *(Answered(site, Phase.UNMASK, 4.0) for site in (1, 2, 3)))
    state = advance(state, SiteFailed(4, Phase.UNMASK, "gone", 4.0))
    assert (state.phase, state.num_unmasks, state.began_s) == (Phase.UNMASK, 2, 4.0)
    assert state.cohort == {1, 2, 3}
    assert not state.answered
    state = after(state, *(Answered(site, Phase.UNMASK, 5.0) for site in (1, 2)), Tick(64.9))
    assert (state.phase, state.num_unmasks) == (Phase.UNMASK, 3)
    assert state.cohort == {1, 2}
    assert all_answer(state, 65.0).phase is Phase.AGGREGATED
    state = after(state, Answered(1, Phase.UNMASK, 65.0), SiteFailed(2, Phase.UNMASK, "gone", 65.0))
    assert state.reason == "round 7: unmask: expected at least 2 of 2 sites, got 1 in 0 s"


def test_shares_are_not_asked_for_without_end() -> None:
    state = unmasking(1)
    for now_s, bad in ((4.0, 4), (5.0, 3), (6.0, 2)):
        answers = [Answered(site, Phase.UNMASK, now_s) for site in sorted(state.cohort - {bad})]
        state = after(state, *answers, SiteFailed(bad, Phase.UNMASK, "gone", now_s))
    assert state.reason == "round 7: unmask: expected all sites to answer, got 1 of 2"


def test_grace_never_reaches_past_the_deadline() -> None:
    state = after(training(), Answered(1, Phase.TRAINING, 60.0), Answered(2, Phase.TRAINING, 65.0))
    assert state.ends_s == 70.0


def test_phase_below_its_quorum_at_the_deadline_names_phase_expected_and_got() -> None:
    state = after(training(), Answered(1, Phase.TRAINING, 14.0), Tick(70.0))
    assert state.phase is Phase.FAILED
    assert state.reason == "round 7: training: expected at least 2 of 3 sites, got 1 in 60 s"
    assert state.ends_s == math.inf


def test_round_fails_as_soon_as_its_quorum_is_out_of_reach() -> None:
    state = after(training(), *(SiteFailed(site, Phase.TRAINING, "gone", 11.0) for site in (1, 2)))
    assert state.reason == "round 7: training: expected at least 2 of 3 sites, got 0 in 1 s"


def test_cohort_below_the_quorum_fails_at_once() -> None:
    assert open_round(7, [1], PLAIN, 0.0).reason == "round 7: open: expected at least 2 of 1 sites, got 0 in 0 s"
    assert open_round(7, [], plain_plan(60.0, 0, Patience()), 0.0).phase is Phase.FAILED


def test_late_repeated_and_foreign_messages_change_nothing_and_are_counted() -> None:
    state = advance(training(), Answered(1, Phase.TRAINING, 14.0))
    for ignored in (
        Answered(1, Phase.TRAINING, 15.0),
        SiteFailed(1, Phase.TRAINING, "again", 15.0),
        Answered(2, Phase.OPEN, 15.0),
        Answered(9, Phase.TRAINING, 15.0),
        StepDone(Phase.TRAINING, 15.0),
        StepDone(Phase.AGGREGATED, 15.0),
        StepFailed(Phase.AGGREGATED, "disk", 15.0),
    ):
        told = advance(state, ignored)
        assert told.num_ignored == 1
        assert (told.phase, told.answered, told.failed) == (state.phase, state.answered, state.failed)


def test_coordinator_that_cannot_commit_fails_the_round() -> None:
    state = advance(all_answer(training(), 20.0), StepFailed(Phase.AGGREGATED, "another run has taken over", 21.0))
    assert state.reason == "round 7: aggregated: another run has taken over"
    assert advance(state, StepDone(Phase.AGGREGATED, 22.0)).phase is Phase.FAILED


def test_round_that_was_stored_is_committed_however_long_that_took() -> None:
    aggregated = all_answer(training(), 20.0)
    assert advance(aggregated, StepDone(Phase.AGGREGATED, 500.0)).phase is Phase.COMMITTED
    assert advance(aggregated, Tick(500.0)).reason == "round 7: aggregated: expected to be done within 60 s"


def test_coordinator_that_is_never_done_is_not_waited_for() -> None:
    state = advance(all_answer(training(SECURE), 20.0), Tick(80.0))
    assert state.reason == "round 7: masked: expected to be done within 60 s"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: PhaseLimits(0.0, 1), "deadline_s: expected a positive number of seconds, got 0.0"),
        (lambda: PhaseLimits(math.inf, 1), "deadline_s: expected a positive number of seconds, got inf"),
        (lambda: PhaseLimits(1.0, -1), "quorum: expected 0 or more, got -1"),
        (lambda: Patience(-0.5), "straggler_share: expected 0 or more, got -0.5"),
        (lambda: Patience(1.0, math.inf), "straggler_floor_s: expected 0 or more, got inf"),
        (
            lambda: RoundPlan(PLAIN.limits[1:], Patience()),
            "limits: expected the phases of a plain or a secure round, got training, aggregated",
        ),
    ],
)
def test_plan_that_makes_no_sense_is_refused(make: Callable[[], object], said: str) -> None:
    with pytest.raises(ValueError, match="expected") as error:
        make()
    assert str(error.value) == said
