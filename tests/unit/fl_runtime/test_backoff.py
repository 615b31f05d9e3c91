"""Delays between tries."""

from fl_runtime.backoff import Backoff


def test_delays_double_up_to_the_longest_and_start_over_after_a_success() -> None:
    backoff, delays = Backoff(1.0, 60.0), []
    for _ in range(8):
        backoff = backoff.after_failure()
        delays.append(backoff.delay_s)
    assert delays == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]
    assert backoff.after_success().delay_s == 0.0
    assert Backoff(1.0, 60.0, num_failures=10_000).delay_s == 60.0
