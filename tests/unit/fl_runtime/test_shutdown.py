"""The stop flag: set once, seen by everyone, safe inside signal handlers."""

import os
import signal
import threading

import pytest

from fl_runtime.shutdown import StopFlag, stop_on_signals


def test_waiting_without_a_stop_returns_false() -> None:
    flag = StopFlag()
    assert not flag.wait(timeout_s=0.001)
    assert not flag.stop_requested


def test_a_requested_stop_is_seen_at_once_and_for_ever() -> None:
    flag = StopFlag()
    flag.request_stop()
    flag.request_stop()
    assert flag.stop_requested
    assert all(flag.wait() for _ in range(5))


def test_a_stop_wakes_all_threads_that_wait() -> None:
    flag = StopFlag()
    seen: list[bool] = []
    threads = [threading.Thread(target=lambda: seen.append(flag.wait(timeout_s=5.0))) for _ in range(3)]
    for thread in threads:
        thread.start()
    flag.request_stop()
    for thread in threads:
        thread.join(timeout=5.0)
    assert seen == [True, True, True]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_sets_the_flag_and_wakes_the_waiting_main_thread(number: signal.Signals) -> None:
    flag = StopFlag()
    with stop_on_signals(flag):
        timer = threading.Timer(0.01, os.kill, args=(os.getpid(), number))
        timer.start()
        assert flag.wait(timeout_s=5.0)
        timer.join()


def test_signals_mean_afterwards_what_they_meant_before() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with stop_on_signals(StopFlag()) as flag:
        assert signal.getsignal(signal.SIGTERM) is not before
        assert not flag.stop_requested
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_negative_timeout_is_a_wrong_call() -> None:
    with pytest.raises(ValueError, match="timeout"):
        StopFlag().wait(timeout_s=-1.0)
