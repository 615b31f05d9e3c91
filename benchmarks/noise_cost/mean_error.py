"""How far the noised mean of updates is from the mean: real encoding, real noise, no masks, which change nothing."""

import numpy as np

from fl_protocol.noise import keystream
from fl_protocol.noisy_vector import NoisyContribution, noisy_lanes, noisy_totals, noisy_vector
from fl_protocol.secure_sum.group import sum_group
from fl_protocol.secure_sum.vector import empty_lanes, from_lanes
from fl_server.rounds.noise_plan import cohort_bounds, noise_plan
from fl_server.rounds.privacy_budget import PrivacyBudget


def mean_error(
    num_sites: int, num_parameters: int, budget: PrivacyBudget, num_rounds: int, seed: int
) -> dict[str, float]:
    """One round of a run, in which every site's update is as long as the bound and all are alike.

    Args:
        num_sites: All deliver, and all have to.
        num_parameters: Of an update.
        budget: The promise.
        num_rounds: That the budget has to last for.
        seed: Of the update; noise is the same every time, too.

    Returns:
        Multiplier, bits of a value, and error and cosine of the mean: 1 is the length of an update.
    """
    identities = tuple(site.to_bytes(32) for site in range(num_sites))
    cohort = cohort_bounds(sum_group(bytes(32), bytes(32), identities, dropout_percent=10), num_sites)
    plan = noise_plan(budget, num_rounds, cohort, num_parameters)
    vector = noisy_vector(plan.noise, num_sites, num_parameters, 1.0, seed.to_bytes(8))
    update = np.random.default_rng(seed).standard_normal(num_parameters).astype(np.float32)
    update /= np.linalg.norm(update)
    total, source = empty_lanes(vector.layout), keystream(seed.to_bytes(32))
    for _ in range(num_sites):
        added = noisy_lanes(NoisyContribution(update, 0.7, 0.5), vector, source)
        for lanes, one in zip(total, added, strict=True):
            np.add(lanes, one, out=lanes)
    values = tuple(from_lanes(part, lanes) for part, lanes in zip(vector.layout, total, strict=True))
    mean = noisy_totals(values, num_sites, vector).mean_update
    return {
        "noise_multiplier": plan.noise.update.noise_multiplier,
        "bits": vector.update.segment.num_bits,
        "error": float(np.linalg.norm(mean - update)),
        "cosine": float(mean @ update / np.linalg.norm(mean)),
    }
