"""A training with noise through the real ServerApp, ClientApp, trainers and worker processes."""

from pathlib import Path

import numpy as np
import pytest

from fl_client.training.site_privacy import load_spent
from fl_server.errors import StartError
from fl_server.rounds.checkpoint import load_checkpoint
from fl_server.rounds.privacy_budget import PrivacyBudget
from fl_server.rounds.server_optimizer import server_optimizer
from fl_server.starting_state import CHECKPOINT_FILE
from fl_server.storage import open_storage
from fl_server.storage.rounds import list_rounds
from fl_server.storage.trainings import stored_accountant
from fl_server.training_run import INT8_FILE
from model_zoo.default import DEFAULT_CHECKPOINT
from simulation.federation import FederationSettings, enrol_all, local_grid, run_federation
from tests.fakes.tubelet_sites import fill_site

NUM_SITES = 5
RUN = FederationSettings(num_rounds=2, num_steps=1, seed=3, initial="default", is_secure=True, target_epsilon=8.0)


@pytest.fixture(scope="module")
def site_dirs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Five sites with a few tubelets each."""
    return [fill_site(tmp_path_factory.mktemp(f"site{index}"), index, 2) for index in range(NUM_SITES)]


def test_two_rounds_with_noise_use_the_budget_up_and_publish_a_model(site_dirs: list[Path], tmp_path: Path) -> None:
    enrol_all(site_dirs, tmp_path / "roster")
    coordinator = tmp_path / "coordinator"
    with local_grid(site_dirs, 2) as grid:
        run_federation(grid, coordinator, tmp_path / "roster", RUN)
        with pytest.raises(StartError, match="target-epsilon: 8 at delta 1e-05, 8 spent, is too little for 2 rounds"):
            run_federation(grid, coordinator, tmp_path / "roster", RUN)
    storage = open_storage(None, coordinator)
    stored, rounds = stored_accountant(storage), list_rounds(storage, 10)
    storage.close()
    assert stored is not None
    budget = PrivacyBudget.from_json(stored)
    assert budget.num_rounds == 2
    assert budget.spent() == pytest.approx(8.0, rel=1e-6)
    assert [(one.num_sites, one.auc) for one in rounds] == [(NUM_SITES, None)] * 2
    assert {load_spent(folder).rho for folder in site_dirs} == {budget.rho}
    assert (coordinator / INT8_FILE).stat().st_size > 0
    optimizer = server_optimizer("fedavgm", None)
    trained, shipped = (
        load_checkpoint(path, optimizer) for path in (coordinator / CHECKPOINT_FILE, DEFAULT_CHECKPOINT)
    )
    assert trained.round_number == shipped.round_number + 2
    np.testing.assert_array_equal(trained.normality, shipped.normality)
    assert any((array != shipped.parameters[name]).any() for name, array in trained.parameters.items())
