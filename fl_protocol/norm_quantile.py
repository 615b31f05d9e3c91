"""Moving the norm bound of updates to where a wanted share of the sites is inside it.

Each site tells in one noised number whether its update was inside: ``bit_steps`` if it was, ``-bit_steps`` if not. Both
signs make the sensitivity ``bit_steps``, half of what 0 and 1 twice as far apart would have.
"""

import math


def fraction_below(noisy_sum: int, num_survivors: int, bit_steps: int) -> float:
    """Share of survivors whose update was inside the bound; noise may put it outside [0, 1].

    Args:
        noisy_sum: Sum of the survivors' noised numbers, in steps.
        num_survivors: How many were added, at least 1.
        bit_steps: What one site adds or subtracts, at least 1.

    Raises:
        ValueError: A count is less than 1.
    """
    if num_survivors < 1 or bit_steps < 1:
        raise ValueError(f"num_survivors, bit_steps: expected at least 1, got {num_survivors}, {bit_steps}")
    return 0.5 + noisy_sum / (2 * num_survivors * bit_steps)


def next_max_norm(max_norm: float, noisy_fraction_below: float, quantile: float, learning_rate: float) -> float:
    """Moves the norm bound towards a quantile of the sites' update norms.

    Args:
        max_norm: Bound of this round, in parameter units. Must be > 0.
        noisy_fraction_below: Share of survivors whose update was inside it, as the noisy sum says; noise may put it
            outside [0, 1], and it is then taken as the nearer end.
        quantile: Share of updates that shall be inside, in [0, 1].
        learning_rate: Largest change of the bound's logarithm in one round. Must be > 0.

    Returns:
        Bound of the next round. Positive.

    Raises:
        ValueError: An argument is outside its range.

    Source:
        Andrew et al., 2021, Section 2.1. https://arxiv.org/abs/1905.03871
    """
    if not (0.0 < max_norm < math.inf and 0.0 < learning_rate < math.inf):
        raise ValueError(f"max_norm, learning_rate: expected positive numbers, got {max_norm}, {learning_rate}")
    if not 0.0 <= quantile <= 1.0 or not math.isfinite(noisy_fraction_below):
        raise ValueError(f"expected a quantile in [0, 1] of a finite share, got {quantile}, {noisy_fraction_below}")
    share_below = min(max(noisy_fraction_below, 0.0), 1.0)
    return max_norm * math.exp(-learning_rate * (share_below - quantile))
