"""Epsilon as a box computes it, against the accounting library."""

import math

import pytest

from fl_protocol.privacy_loss import epsilon_spent


@pytest.fixture(scope="module", autouse=True)
def _accounting_library() -> None:
    """Imported once, for it takes a second or two."""
    import dp_accounting.rdp  # noqa: F401


@pytest.mark.parametrize("rho", [1e-6, 1e-3, 0.05, 0.7, 1.3, 20.0])
@pytest.mark.parametrize("delta", [1e-10, 1e-5, 0.01])
def test_box_finds_no_more_spent_than_the_library_and_hardly_less(rho: float, delta: float) -> None:
    from dp_accounting import ZCDpEvent
    from dp_accounting.rdp import RdpAccountant

    accountant = RdpAccountant()
    accountant.compose(ZCDpEvent(rho))
    library = accountant.get_epsilon(delta)
    assert epsilon_spent(rho, 0.0, 1.0, delta) <= library
    finer = RdpAccountant([1 + math.exp(place / 50) for place in range(-400, 800)])
    finer.compose(ZCDpEvent(rho))
    assert epsilon_spent(rho, 0.0, 1.0, delta) == pytest.approx(finer.get_epsilon(delta), rel=1e-3, abs=1e-12)


def test_nothing_is_spent_before_the_first_round() -> None:
    assert epsilon_spent(0.0, 0.0, 8.0, 1e-5) == 0.0


def test_distance_is_charged_to_delta() -> None:
    near = epsilon_spent(1.0, 1e-9, 8.0, 1e-5)
    assert near == epsilon_spent(1.0, 0.0, 8.0, 1e-5 - (1 + math.exp(8.0)) * 1e-9) > epsilon_spent(1.0, 0.0, 8.0, 1e-5)
    assert epsilon_spent(1.0, 1e-8, 8.0, 1e-5) == math.inf
