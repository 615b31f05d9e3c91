"""A coordinator of rounds with noise over sites in this process; run as a program, it is killed as soon as it has paid.

``python -m tests.fakes.noisy_coordinator FOLDER`` keeps its database in ``FOLDER/state``, and the kinds of messages it
sent, one a line, in ``FOLDER/sent``.
"""

import functools
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fl_protocol.privacy import CohortBounds
from fl_server.noisy_strategy import NoisyRun, NoisyStrategy, StoreAccountant
from fl_server.rounds.checkpoint import TrainingState
from fl_server.rounds.noise_plan import NoisePlan, cohort_bounds, noise_plan
from fl_server.rounds.privacy_budget import PrivacyBudget
from fl_server.rounds.server_optimizer import server_optimizer
from fl_server.secure_rounds import SecureRounds
from fl_server.storage import Storage, open_storage
from fl_server.storage.trainings import store_accountant, take_lease, want_training
from fl_server.strategy import RoundSettings
from tests.fakes.secure_sites import FIRST_NODE_ID, NUM_NORMALITY, PARAMETERS, SecureSiteNode, secure_nodes
from tests.fakes.site_fleet import SiteFleet

FRESH = PrivacyBudget(8.0, 1e-5)
NUM_PARAMETERS = sum(array.size for array in PARAMETERS.values())
SETTINGS = RoundSettings(seed=3, num_steps=4, is_conditioned=True, min_sites=4, deadline_s=2.0)
FIRST_STATE = TrainingState(dict(PARAMETERS), np.arange(float(NUM_NORMALITY)), server_optimizer("fedavg"), 0)


class NoisyFleet:
    """Sites, and what asks them.

    Args:
        folder: Of the sites' files.
        num_sites: How many.
        num_rounds: That the budget is planned for.
    """

    def __init__(self, folder: Path, num_sites: int = 5, num_rounds: int = 3) -> None:
        self.nodes, self.run = secure_nodes(folder, num_sites)
        self.grid = SiteFleet(dict(self.nodes))
        self.rounds = SecureRounds(self.grid, self.run, lambda newest: newest + 1, deadline_s=SETTINGS.deadline_s)
        self.rounds.set_up()
        self.cohort: CohortBounds = cohort_bounds(self.rounds.group, SETTINGS.min_sites)
        self.plan: NoisePlan = noise_plan(FRESH, num_rounds, self.cohort, NUM_PARAMETERS)
        self.stored: list[Mapping[str, Any]] = []

    def node(self, number: int) -> SecureSiteNode:
        """A site's node."""
        return self.nodes[FIRST_NODE_ID + number]

    def strategy(self, budget: PrivacyBudget = FRESH, store: StoreAccountant | None = None) -> NoisyStrategy:
        """Rounds under a budget, of which ``stored`` tells unless it is kept elsewhere."""
        return NoisyStrategy(self.rounds, SETTINGS, NoisyRun(self.plan, budget, store or self.stored.append, 0.5))

    def sent(self, action: str) -> int:
        """How many messages of an action went out."""
        kinds = [message.metadata.message_type.partition(".")[2] for message in self.grid.sent]
        return kinds.count(action)


def storing(storage: Storage) -> StoreAccountant:
    """Keeps a budget in the real database, under a lease of its own."""
    lease = take_lease(storage, want_training(storage, 1, {}, is_supervised=False).training_id)
    return functools.partial(store_accountant, storage, lease)


def main(folder: Path) -> None:
    """Pays for a round, and is gone."""
    fleet, keep = NoisyFleet(folder), storing(open_storage(None, folder / "state"))

    def pay_and_die(accountant: Mapping[str, Any]) -> None:
        keep(accountant)
        kinds = [message.metadata.message_type for message in fleet.grid.sent]
        (folder / "sent").write_text("\n".join(kinds))
        os.kill(os.getpid(), signal.SIGKILL)

    fleet.strategy(store=pay_and_die).run_round(FIRST_STATE)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
