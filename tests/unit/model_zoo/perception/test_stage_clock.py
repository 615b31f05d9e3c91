"""Time by stage."""

import pytest

from model_zoo.perception.stage_clock import StageClock


def test_stages_are_means_over_frames_in_the_order_they_came_even_if_one_fails() -> None:
    clock = StageClock()
    assert clock.ms_per_frame() == {}
    for _ in range(4):
        with clock.stage("flow"):
            pass
        clock.next_frame()
    with pytest.raises(KeyError), clock.stage("tracks"):
        raise KeyError
    found = clock.ms_per_frame()
    assert list(found) == ["flow", "tracks"]
    assert all(0 < ms < 10 for ms in found.values())
    assert clock.num_frames == 4
