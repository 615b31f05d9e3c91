"""Means that a few sites cannot bend, by Flower's own strategies; they look at every update, so masks must be off.

Only the update is robust. Normality sums, losses and evaluation are added as in any plain round.
"""

import logging
from collections.abc import Callable, Iterable
from typing import Literal

import numpy as np
from flwr.app import ArrayRecord, Message, MetricRecord, RecordDict
from flwr.serverapp.strategy import Bulyan, FedAvg, FedMedian, FedTrimmedAvg, Krum, MultiKrum

from fl_protocol import records
from fl_server.errors import RoundError
from fl_server.rounds.server_optimizer import Parameters

RobustName = Literal["none", "krum", "multikrum", "bulyan", "trimmed-mean", "median"]

_STRATEGIES: dict[RobustName, Callable[[int, int], FedAvg]] = {
    "krum": lambda _, bad: Krum(num_malicious_nodes=bad),
    "multikrum": lambda sites, bad: MultiKrum(num_malicious_nodes=bad, num_nodes_to_select=max(1, sites - bad)),
    "bulyan": lambda _, bad: Bulyan(num_malicious_nodes=bad),
    # Flower rounds beta * sites down, and bad / sites may be a last bit too small: a quarter more keeps the number.
    "trimmed-mean": lambda sites, bad: FedTrimmedAvg(beta=(bad + 0.25) / sites),
    "median": lambda *_: FedMedian(),
}
_FEWEST: dict[RobustName, Callable[[int], int]] = {
    "krum": lambda bad: 2 * bad + 3,
    "multikrum": lambda bad: 2 * bad + 3,
    "bulyan": lambda bad: 4 * bad + 3,
    "trimmed-mean": lambda bad: 2 * bad + 1,
    "median": lambda bad: 2 * bad + 1,
}
"""Updates that each needs against so many bad ones, by its paper."""


def robust_update(name: RobustName, num_malicious: int, replies: Iterable[Message]) -> Parameters:
    """The update that a robust rule makes of checked replies.

    Args:
        name: Which rule; not "none".
        num_malicious: Bad sites that it has to stand.
        replies: Training replies, each checked to hold an update and metrics.

    Raises:
        RoundError: There are fewer replies than the rule needs.
    """
    kept = [_as_flower_wants(reply) for reply in replies]
    needed = _FEWEST[name](num_malicious)
    if len(kept) < needed:
        raise RoundError(
            f"{name}: expected at least {needed} updates against {num_malicious} bad ones, got {len(kept)}"
        )
    logging.getLogger("flwr").setLevel(logging.WARNING)  # its own lines for every round say less than ours
    arrays, _ = _STRATEGIES[name](len(kept), num_malicious).aggregate_train(1, kept)
    if arrays is None:
        raise RoundError(f"{name}: Flower made no update of {len(kept)} replies")
    return {name: array.numpy().astype(np.float32, copy=False) for name, array in arrays.items()}


def _as_flower_wants(reply: Message) -> Message:
    """A reply with one array record and one metric record, and a weight among the metrics."""
    update, metrics = reply.content[records.UPDATE], reply.content[records.METRICS]
    if not (isinstance(update, ArrayRecord) and isinstance(metrics, MetricRecord)):
        raise TypeError("expected a checked reply")
    weight = MetricRecord({records.NUM_EXAMPLES: metrics[records.NUM_EXAMPLES]})
    return Message(RecordDict({"arrays": update, "metrics": weight}), reply_to=reply)
