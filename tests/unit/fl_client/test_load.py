"""How many pictures a second are asked for."""

import pytest

from fl_client.inference.load import CALM_S, LATE_S, PATIENCE_S, PROMPT_S, RATES_FPS, Load


def after(load: Load, age_s: float, seconds: float, began_s: float = 100.0) -> Load:
    """The load after pictures of one age, ten a second."""
    for index in range(round(seconds * 10) + 1):
        load = load.after(age_s, began_s + index / 10)
    return load


def test_rates_go_down() -> None:
    assert list(RATES_FPS) == sorted(RATES_FPS, reverse=True)
    assert Load().rate_fps == RATES_FPS[0]


def test_pictures_that_are_late_for_a_while_lower_the_rate_step_by_step() -> None:
    assert after(Load(), LATE_S + 0.1, PATIENCE_S - 0.2).rate_fps == RATES_FPS[0]
    assert after(Load(), LATE_S + 0.1, PATIENCE_S).rate_fps == RATES_FPS[1]
    assert after(Load(), LATE_S + 0.1, 10 * PATIENCE_S).rate_fps == RATES_FPS[-1]


@pytest.mark.parametrize("age_s", [0.0, (LATE_S + PROMPT_S) / 2, LATE_S])
def test_single_late_picture_changes_nothing(age_s: float) -> None:
    load = Load()
    for round_number in range(20):
        load = after(load, LATE_S + 1.0, PATIENCE_S / 2, 100.0 * round_number)
        load = load.after(age_s, 100.0 * round_number + PATIENCE_S)
    assert load.rate_fps == RATES_FPS[0]


def test_rate_rises_again_only_after_a_long_calm() -> None:
    low = after(Load(), LATE_S + 0.1, PATIENCE_S)
    assert after(low, PROMPT_S / 2, CALM_S - 0.2, 200.0).rate_fps == RATES_FPS[1]
    assert after(low, PROMPT_S / 2, CALM_S, 200.0).rate_fps == RATES_FPS[0]
    assert after(low, (LATE_S + PROMPT_S) / 2, 10 * CALM_S, 200.0).rate_fps == RATES_FPS[1]
