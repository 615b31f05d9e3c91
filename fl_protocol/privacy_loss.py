"""What rounds have given away, in epsilon, without an accounting library: a box checks the coordinator by it."""

import math

_ORDERS = tuple(2.0**power for power in range(-10, 24))
"""Orders less one, where the best one is looked for."""
_HALVINGS = 60


def epsilon_spent(rho: float, distance: float, epsilon: float, delta: float) -> float:
    """Epsilon at ``delta`` of rounds whose costs add up; infinite where nothing can be promised.

    Args:
        rho: Sum of their concentrated differential privacy; see ``fl_protocol.privacy.RoundCost``. At least 0.
        distance: Sum of the drawn noises' distances from what ``rho`` assumes; it is charged to delta.
        epsilon: The promise it is charged under: more is spent only where the promise is broken anyway.
        delta: In (0, 1).

    Source:
        Canonne, Kamath and Steinke, 2020, Corollary 13. https://arxiv.org/abs/2004.00010
    """
    left = delta - (1 + math.exp(epsilon)) * distance
    if left <= 0:
        return math.inf
    return 0.0 if rho == 0 else max(0.0, _least_bound(rho, left))


def _least_bound(rho: float, delta: float) -> float:
    """The bound of the best order. Every order's bound holds, so a search that ends early is never wrong."""
    best = min(_ORDERS, key=lambda more: _bound(rho, delta, more))
    low, high = best / 2, best * 2
    for _ in range(_HALVINGS):
        left, right = low + (high - low) / 3, high - (high - low) / 3
        if _bound(rho, delta, left) < _bound(rho, delta, right):
            high = right
        else:
            low = left
    return _bound(rho, delta, (low + high) / 2)


def _bound(rho: float, delta: float, more: float) -> float:
    """The bound of order 1 + ``more``."""
    order = 1.0 + more
    return order * rho + math.log(more / order) - (math.log(delta) + math.log(order)) / more
