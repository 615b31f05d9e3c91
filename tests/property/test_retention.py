"""What goes of the continuous recording, for any segments and settings."""

from hypothesis import given
from hypothesis import strategies as st

from context.recording import RecordingSettings
from fl_client.recording.retention import RESERVE_BYTES, Segment, Tier, expired, most_bytes

DAY_S = 86400.0
NOW_S = 100 * DAY_S

_days = st.lists(st.floats(0.0, 40.0), min_size=4, max_size=4).map(sorted)
_segments = st.lists(
    st.builds(
        lambda number, age, length, size, tier, is_open: Segment(
            "door",
            f"{number}.mp4",
            NOW_S - age * DAY_S - length,
            None if is_open else NOW_S - age * DAY_S,
            size,
            Tier(tier),
        ),
        st.integers(0, 10**9),
        st.floats(0.0, 60.0),
        st.floats(0.0, 60.0),
        st.integers(0, 10**9),
        st.integers(0, 3),
        st.booleans(),
    ),
    max_size=30,
    unique_by=lambda one: one.name,
)


@given(_segments, _days, st.floats(-1e9, 2e10))
def test_what_stays_is_young_enough_fits_and_is_of_no_less_interest_than_what_goes_for_space(
    segments: list[Segment], days: list[float], bound_bytes: float
) -> None:
    settings = RecordingSettings(
        budget_gb=1.0, continuous_days=days[0], motion_days=days[1], event_days=days[2], alert_days=days[3]
    )
    gone = expired(segments, settings, NOW_S, bound_bytes)
    assert len(gone) == len(set(gone))
    stays = [one for one in segments if one not in gone]
    assert [one for one in gone if one.ended_s is None] == []
    whole = [(one, one.ended_s) for one in stays if one.ended_s is not None]
    assert all(NOW_S - ended_s <= days[one.tier] * DAY_S for one, ended_s in whole)
    assert not whole or sum(one.num_bytes for one, _ in whole) <= max(bound_bytes, 0)
    for_space = [one for one in gone if one.ended_s is not None and NOW_S - one.ended_s <= days[one.tier] * DAY_S]
    for out in for_space:
        assert all((one.tier, one.began_s) >= (out.tier, out.began_s) for one, _ in whole)
    if for_space:  # no more goes than has to
        last = max(for_space, key=lambda one: (one.tier, one.began_s))
        assert sum(one.num_bytes for one, _ in whole) + last.num_bytes > bound_bytes


@given(st.integers(0, 10**13), st.integers(0, 10**13))
def test_recordings_take_no_more_than_their_budget_and_leave_the_reserve(used: int, free: int) -> None:
    bound = most_bytes(RecordingSettings(budget_gb=100.0), used, free)
    assert bound <= 100e9
    assert bound <= used + free - RESERVE_BYTES
