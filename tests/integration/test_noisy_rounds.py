"""Rounds with noise between the coordinator's shell and sites' shells: what is paid, refused, and never opened."""

import dataclasses
import json
import logging
import math
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flwr.app import Message
from scipy import stats

from fl_client.errors import StateError
from fl_client.training.site_privacy import SPENT_FILE
from fl_protocol import records
from fl_protocol.membership import MEMBERSHIP_FILE, ROSTER_FILE
from fl_protocol.noisy_vector import NoisyContribution, bounded_values
from fl_protocol.round_noise import RoundNoise
from fl_protocol.round_vector import RoundSettingsMessage, noisy_round_vector
from fl_server.errors import BudgetError, RoundError, StartError
from fl_server.noisy_strategy import NoisyRun, NoisyStrategy
from fl_server.rounds.checkpoint import TrainingState, decode_state, encode_state
from fl_server.rounds.privacy_budget import PrivacyBudget
from fl_server.rounds.update_bounds import UpdateBounds
from fl_server.run_options import RunOptions
from fl_server.secure_strategy import terms_of
from fl_server.storage import open_storage
from fl_server.storage.trainings import stored_accountant
from fl_server.training_run import train_and_publish
from simulation.federation import OPERATOR_KEY_FILE
from tests.fakes.noisy_coordinator import FIRST_STATE, FRESH, NUM_PARAMETERS, SETTINGS, NoisyFleet, storing
from tests.fakes.secure_sites import (
    FIRST_NODE_ID,
    NUM_EVALUATION,
    NUM_NORMALITY,
    PARAMETERS,
    SecureSiteNode,
    contribution_of,
    secure_nodes,
    secure_parts,
)
from tests.fakes.site_fleet import SiteFleet

ROOT = Path(__file__).parents[2]
RARE = 1e-9


@pytest.fixture
def fleet(tmp_path: Path) -> NoisyFleet:
    return NoisyFleet(tmp_path)


def told(fleet: NoisyFleet, noise: RoundNoise | None, round_number: int = 1) -> RoundSettingsMessage:
    """Settings of a round, as the coordinator tells them."""
    return RoundSettingsMessage(
        round_number=round_number,
        seed=3,
        num_steps=4,
        is_conditioned=True,
        tubelet_steps=12,
        num_sites=fleet.cohort.num_sites,
        max_norm=0.5,
        max_examples=1,
        noise=noise,
    )


def promise(node: SecureSiteNode, max_epsilon: float) -> None:
    """Has the site promise a budget, as of its next start."""
    path = node.membership_dir / MEMBERSHIP_FILE
    kept = json.loads(path.read_text()) | {"privacy": {"max_epsilon": max_epsilon, "delta": 1e-5}}
    path.write_text(json.dumps(kept))
    node.restart()


def told_bound(fleet: NoisyFleet, strategy: NoisyStrategy, state: TrainingState) -> float:
    """The norm bound that sites are told for the round after ``state``."""
    fleet.grid.sent.clear()
    strategy.run_round(state)
    sent = next(message for message in fleet.grid.sent if message.metadata.message_type == "train.masked")
    return RoundSettingsMessage.decode(secure_parts(sent)[records.ROUND_SETTINGS]).max_norm


def begin_again(fleet: NoisyFleet) -> None:
    """Another run of the coordinator, for which every site is set up."""
    fleet.rounds = type(fleet.rounds)(
        fleet.grid,
        dataclasses.replace(fleet.run, name=b"n" * 16),
        lambda newest: newest + 1,
        deadline_s=SETTINGS.deadline_s,
    )
    fleet.rounds.set_up()


def test_two_rounds_move_the_model_and_are_paid_for(fleet: NoisyFleet, caplog: pytest.LogCaptureFixture) -> None:
    strategy = fleet.strategy()
    with caplog.at_level(logging.INFO):
        first, report = strategy.run_round(FIRST_STATE)
        second, _ = strategy.run_round(first)
    assert (second.round_number, report.num_survivors, strategy.budget.num_rounds) == (2, 5, 2)
    assert (second.normality == FIRST_STATE.normality).all()  # sums that are not noised do not travel
    assert report.before is None  # mostly noise, with five sites
    assert 0.0 <= report.loss <= 2.0
    assert fleet.stored == [FRESH.after_round(fleet.plan.cost).to_json(), strategy.budget.to_json()]
    assert 0 < strategy.budget.spent() < 8.0
    facts = [vars(record) for record in caplog.records if record.message == "privacy spent"]
    assert [fact["epsilon"] for fact in facts] == [FRESH.after_round(fleet.plan.cost).spent(), strategy.budget.spent()]
    spent = json.loads((fleet.node(0).state_dir / SPENT_FILE).read_text())
    assert spent == {"schema_version": 1, "rho": strategy.budget.rho, "distance": strategy.budget.distance}


def test_the_unmasked_sum_holds_the_noise_of_all_survivors(fleet: NoisyFleet) -> None:
    settings = told(fleet, fleet.plan.noise)
    vector = noisy_round_vector(settings, fleet.plan.noise, NUM_PARAMETERS)
    fleet.node(4).silent = {records.MASKED}
    summed = fleet.rounds.sum_round(PARAMETERS, settings, vector.layout)
    assert summed.num_survivors == 4
    exact = np.zeros(vector.update.segment.size)
    for number in range(4):
        site = contribution_of(number)
        exact += bounded_values(NoisyContribution(site.update, site.loss, 0.6), vector)[0] / vector.update.step
    noise = summed.values[0] - exact
    deviation = vector.update.sigma * math.sqrt(4)
    squares = float(noise @ noise) / deviation**2
    assert stats.chi2.ppf(RARE, noise.size) < squares < stats.chi2.isf(RARE, noise.size)
    assert stats.kstest(noise / deviation, "norm").pvalue > RARE
    honest = vector.update.sigma * math.sqrt(4 - fleet.cohort.max_corrupt)
    assert honest == pytest.approx(fleet.plan.noise.update.noise_multiplier * vector.update.sensitivity)


def test_epsilon_that_is_stored_after_a_drop_out_is_the_accounting_librarys(fleet: NoisyFleet) -> None:
    """Of the noise that sites were told to add, as far as the fewest honest survivors add it."""
    fleet.node(4).silent = {records.MASKED}
    strategy = fleet.strategy()
    _, report = strategy.run_round(FIRST_STATE)
    assert report.num_survivors == 4

    from dp_accounting import ComposedDpEvent, GaussianDpEvent
    from dp_accounting.rdp import RdpAccountant

    sent = next(message for message in fleet.grid.sent if message.metadata.message_type == "train.masked")
    settings = RoundSettingsMessage.decode(secure_parts(sent)[records.ROUND_SETTINGS])
    assert settings.noise is not None
    vector = noisy_round_vector(settings, settings.noise, NUM_PARAMETERS)
    num_honest = report.num_survivors - fleet.cohort.max_corrupt
    multipliers = [part.sigma * math.sqrt(num_honest) / part.sensitivity for part in vector.parts]
    accountant = RdpAccountant()
    accountant.compose(ComposedDpEvent([GaussianDpEvent(multiplier) for multiplier in multipliers]))
    stored = PrivacyBudget.from_json(fleet.stored[-1])
    assert stored.spent() == pytest.approx(accountant.get_epsilon(stored.target_delta), rel=1e-6)


def test_norm_bound_follows_the_sites(fleet: NoisyFleet) -> None:
    strategy = fleet.strategy()
    state, _ = strategy.run_round(FIRST_STATE)
    bound = told_bound(fleet, strategy, state)
    assert bound != 0.5
    assert abs(math.log(bound / 0.5)) <= 0.1 + 1e-9  # half of the rate, from all inside to the median


def test_run_after_a_kill_bounds_updates_as_the_killed_one_would_have(fleet: NoisyFleet) -> None:
    state, _ = fleet.strategy().run_round(FIRST_STATE)
    assert state.bounds is not None
    committed = decode_state(encode_state(state), state.optimizer, "round 1")
    begin_again(fleet)
    assert told_bound(fleet, fleet.strategy(), committed) == state.bounds.max_norm != 0.5


@pytest.mark.parametrize(
    ("changed", "first_max_norm"), [({"num_steps": 5}, 0.5), ({"proximal_mu": 0.1}, 0.5), ({}, 0.75)]
)
def test_noise_under_other_terms_begins_with_the_bound_that_its_options_say(
    fleet: NoisyFleet, changed: dict[str, Any], first_max_norm: float
) -> None:
    state, _ = fleet.strategy().run_round(FIRST_STATE)
    run = NoisyRun(fleet.plan, FRESH, fleet.stored.append, first_max_norm)
    strategy = NoisyStrategy(fleet.rounds, dataclasses.replace(SETTINGS, **changed), run)
    assert told_bound(fleet, strategy, state) == first_max_norm


def test_noise_takes_no_bound_from_sums_that_nothing_noised(fleet: NoisyFleet) -> None:
    plain = UpdateBounds(max_norm=0.02, max_examples=400, terms=terms_of(SETTINGS))
    assert told_bound(fleet, fleet.strategy(), dataclasses.replace(FIRST_STATE, bounds=plain)) == 0.5


def test_round_beyond_the_budget_is_trained_but_never_opened(fleet: NoisyFleet) -> None:
    strategy = fleet.strategy()
    state = FIRST_STATE
    for _ in range(3):
        state, _ = strategy.run_round(state)
    fleet.grid.sent.clear()
    with pytest.raises(BudgetError, match="round 4: expected epsilon of at most 8 at delta 1e-05"):
        strategy.run_round(state)
    assert (fleet.sent(records.MASKED), fleet.sent(records.UNMASK), len(fleet.stored)) == (5, 0, 3)


def test_coordinator_killed_after_it_paid_has_paid_for_a_round_that_nobody_saw(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "tests.fakes.noisy_coordinator", str(tmp_path)], cwd=ROOT, check=False
    )
    assert ended.returncode == -signal.SIGKILL
    sent = (tmp_path / "sent").read_text().splitlines()
    assert sent.count("train.masked") == 5
    assert "query.unmask" not in sent
    storage = open_storage(None, tmp_path / "state")
    stored = stored_accountant(storage)
    assert stored is not None
    paid = PrivacyBudget.from_json(stored)
    assert paid.num_rounds == 1
    fleet = NoisyFleet(tmp_path / "again")
    strategy = fleet.strategy(paid, storing(storage))
    strategy.run_round(FIRST_STATE)
    strategy.run_round(dataclasses.replace(FIRST_STATE, round_number=1))
    with pytest.raises(BudgetError):
        strategy.run_round(dataclasses.replace(FIRST_STATE, round_number=2))
    assert stored_accountant(storage) == strategy.budget.to_json()
    storage.close()


def test_budget_that_cannot_be_stored_opens_nothing(fleet: NoisyFleet) -> None:
    def failing(_accountant: Mapping[str, Any]) -> None:
        raise OSError("disk full")

    strategy = fleet.strategy(store=failing)
    with pytest.raises(OSError, match="disk full"):
        strategy.run_round(FIRST_STATE)
    assert fleet.sent(records.UNMASK) == 0
    assert strategy.budget == FRESH


def test_with_too_many_drop_outs_nothing_is_opened_and_nothing_is_paid(tmp_path: Path) -> None:
    fleet = NoisyFleet(tmp_path, num_sites=8)  # six open a sum
    assert fleet.cohort.fewest_survivors == 6
    fleet.plan = dataclasses.replace(fleet.plan, cohort=dataclasses.replace(fleet.cohort, max_dropouts=1))
    for number in (2, 6):
        fleet.node(number).silent = {records.MASKED}
    with pytest.raises(RoundError, match="round 1: masked: unmasking: expected 7 to 8 survivors, got 6"):
        fleet.strategy().run_round(FIRST_STATE)
    assert (fleet.sent(records.UNMASK), fleet.stored) == (0, [])


def test_sites_open_nothing_for_a_coordinator_that_does_not_count_survivors(tmp_path: Path) -> None:
    fleet = NoisyFleet(tmp_path, num_sites=8)  # six open a sum
    noise = fleet.plan.noise.model_copy(update={"max_dropouts": 1})
    settings = told(fleet, noise)
    vector = noisy_round_vector(settings, noise, NUM_PARAMETERS)
    for number in (2, 6):
        fleet.node(number).silent = {records.MASKED}
    with pytest.raises(RoundError, match="round 1: unmask: expected at least 6 of 6 sites, got 0"):
        fleet.rounds.sum_round(PARAMETERS, settings, vector.layout)
    refused = [refusal(fleet, "query.unmask", node_id) for node_id, node in fleet.nodes.items() if node.trained]
    assert refused == ["unmasking: expected 7 to 8 survivors, got 6"] * 6


def test_site_that_promised_is_not_talked_out_of_noise(fleet: NoisyFleet) -> None:
    for number in range(5):
        promise(fleet.node(number), 8.0)
    begin_again(fleet)
    with pytest.raises(RoundError, match="training: expected at least 4 of 5 sites, got 0"):
        fleet.rounds.run_round(PARAMETERS, told(fleet, None), (NUM_EVALUATION, NUM_NORMALITY))
    assert [node.trained for node in fleet.nodes.values()] == [0] * 5
    fleet.rounds.set_up()
    _, report = fleet.strategy().run_round(FIRST_STATE)
    assert report.num_survivors == 5


def test_site_is_not_talked_out_of_noise_within_a_run(fleet: NoisyFleet) -> None:
    fleet.strategy().run_round(FIRST_STATE)
    with pytest.raises(RoundError, match="training: expected at least 4 of 5 sites, got 0"):
        fleet.rounds.run_round(PARAMETERS, told(fleet, None, 2), (NUM_EVALUATION, NUM_NORMALITY))
    begin_again(fleet)
    fleet.rounds.run_round(PARAMETERS, told(fleet, None), (NUM_EVALUATION, NUM_NORMALITY))


def test_site_keeps_its_own_budget_over_runs_and_restarts(fleet: NoisyFleet) -> None:
    epsilon = FRESH.after_round(fleet.plan.cost).spent()
    for number in range(5):
        promise(fleet.node(number), 1.01 * epsilon)
    begin_again(fleet)
    fleet.strategy().run_round(FIRST_STATE)
    for number in range(5):
        fleet.node(number).restart()
    begin_again(fleet)
    with pytest.raises(RoundError, match="training: expected at least 4 of 5 sites, got 0"):
        fleet.strategy().run_round(FIRST_STATE)  # a coordinator that forgot what it spent
    reason = refusal(fleet, "train.masked", FIRST_NODE_ID)
    assert reason.startswith(f"this site: expected epsilon of at most {1.01 * epsilon:g} at delta 1e-05")


def test_repeated_request_is_paid_for_once(fleet: NoisyFleet) -> None:
    strategy = fleet.strategy()
    strategy.run_round(FIRST_STATE)
    kept = (fleet.node(0).state_dir / SPENT_FILE).read_bytes()
    fleet.node(0)(_last(fleet, "query.unmask", FIRST_NODE_ID))
    assert (fleet.node(0).state_dir / SPENT_FILE).read_bytes() == kept


@pytest.mark.parametrize("content", ["", "{}", '{"rho": -1, "distance": 0}', '{"rho": NaN, "distance": 0}', "[]"])
def test_site_that_does_not_know_what_it_spent_takes_no_part(fleet: NoisyFleet, content: str) -> None:
    node = fleet.node(0)
    (node.state_dir / SPENT_FILE).write_text(content)
    node.restart()
    with pytest.raises(StateError, match=r"privacy\.json: expected what privacy this site has spent"):
        node.process.set_up(b"z" * 16, fleet.run.signed_roster)


def test_site_that_cannot_store_what_it_spends_sends_nothing(fleet: NoisyFleet) -> None:
    (fleet.node(3).state_dir / SPENT_FILE).mkdir()
    _, report = fleet.strategy().run_round(FIRST_STATE)
    assert report.num_survivors == 4
    assert "privacy.json: cannot be written" in refusal(fleet, "train.masked", FIRST_NODE_ID + 3)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (
            {"target-epsilon": 0.01, "num-rounds": 1000},
            "target-epsilon: 0.01 at delta 1e-05, 0 spent, is too little for",
        ),
        ({"target-epsilon": 8.0, "min-sites": 6}, "min-sites: expected at most 5, as many as are on the roster, got 6"),
    ],
)
def test_promise_that_cannot_be_kept_ends_the_run_before_a_site_trains(
    tmp_path: Path, options: dict[str, object], problem: str
) -> None:
    nodes, run = secure_nodes(tmp_path, 5)
    (tmp_path / ROSTER_FILE).write_bytes(run.signed_roster)
    made_by = json.loads((nodes[FIRST_NODE_ID].membership_dir / MEMBERSHIP_FILE).read_text())["operator_key"]
    (tmp_path / OPERATOR_KEY_FILE).write_text(made_by)
    given = {"roster": tmp_path / ROSTER_FILE, "operator-key": tmp_path / OPERATOR_KEY_FILE, "state": tmp_path}
    storage = open_storage(None, tmp_path)
    grid = SiteFleet({**nodes, 999: lambda _message: None})  # six nodes, of which five are on the roster
    try:
        with pytest.raises(StartError, match=problem):
            train_and_publish(grid, RunOptions.model_validate(given | {"deadline-s": 0.2} | options), storage)
    finally:
        storage.close()
    assert [node.trained for node in nodes.values()] == [0] * 5


def refusal(fleet: NoisyFleet, kind: str, node_id: int) -> str:
    """What a node says to the last message of a kind when it comes again."""
    reply = fleet.nodes[node_id](_last(fleet, kind, node_id))
    assert reply is not None
    return reply.error.reason or ""


def _last(fleet: NoisyFleet, kind: str, node_id: int) -> Message:
    """The last message of a kind to a node."""
    return [
        message
        for message in fleet.grid.sent
        if message.metadata.message_type == kind and message.metadata.dst_node_id == node_id
    ][-1]
