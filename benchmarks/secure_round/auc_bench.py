"""What masks, rounding and bounding cost a detector: the same federation trained with and without them."""

import json
import tempfile
from pathlib import Path
from typing import Any

from simulation.experiment import METRICS_FILE, Settings, run_experiment


def auc_beside_plain(sizes: dict[str, Any]) -> dict[str, Any]:
    """Trains each seed twice from nothing and tests both models on the same clips.

    Args:
        sizes: ``clients``, ``rounds``, ``steps``, ``seeds``.

    Returns:
        AUC in percent by seed, masked and plain, and the differences in points: of the whole detector (int8) and of the
        network alone, which every update goes into.
    """
    found: dict[str, Any] = {"masked": {}, "plain": {}}
    for seed in sizes["seeds"]:
        for name, by_seed in found.items():
            by_seed[str(seed)] = _test_aucs(sizes, seed, is_secure=name == "masked")
    channels = ("fused", "network")
    differences = {
        channel: [found["masked"][str(seed)][channel] - found["plain"][str(seed)][channel] for seed in sizes["seeds"]]
        for channel in channels
    }
    mean = {channel: sum(values) / len(values) for channel, values in differences.items()}
    return found | {"points": differences, "mean_points": mean}


def _test_aucs(sizes: dict[str, Any], seed: int, *, is_secure: bool) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        settings = Settings(
            num_clients=sizes["clients"],
            num_rounds=sizes["rounds"],
            num_steps=sizes["steps"],
            footage=None,
            seed=seed,
            has_baselines=False,
            num_workers=sizes["workers"],
            initial="random",
            is_secure=is_secure,
            out=out,
        )
        run_experiment(settings)
        test = json.loads((out / METRICS_FILE).read_text(encoding="utf-8"))["test"]["int8"]
    return {channel: 100 * float(test[channel]) for channel in ("fused", "network")}
