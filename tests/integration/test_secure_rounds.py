"""Secure rounds between the coordinator's shell and sites' shells: drop-outs, restarts, joiners, liars, any phase."""

import dataclasses
import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flwr.app import Message

from fl_client.errors import StateError
from fl_client.training.secure_site import EPOCH_FILE, MaskingOrder, SecureSite
from fl_protocol import records
from fl_protocol.errors import RefusedError, RosterError
from fl_protocol.membership import ROSTER_FILE, make_federation
from fl_protocol.roster import Roster, sign_roster
from fl_protocol.round_vector import RoundSettingsMessage, RoundTotals
from fl_protocol.secure_sum.graph import MAX_EPOCH
from fl_protocol.secure_sum.messages import SetUp
from fl_server.errors import RoundError
from fl_server.rounds.round_state import Patience
from fl_server.secure_rounds import SecureRounds
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
from tests.fakes.site_fleet import Answer, SiteFleet

RUN = b"r" * 16
NUM_SITES = 10
"""Seven neighbours of nine open a secret: two sites may drop out."""
PATIENCE = Patience(1.0, straggler_floor_s=0.3)
SIZES = (NUM_EVALUATION, NUM_NORMALITY)
ROUNDING = 4e-4
"""Largest error of a mean update's value: a step of rounding, for updates of this length and these weights."""


def settings(round_number: int, num_sites: int = NUM_SITES) -> RoundSettingsMessage:
    return RoundSettingsMessage(
        round_number=round_number,
        seed=3,
        num_steps=4,
        is_conditioned=True,
        tubelet_steps=12,
        num_sites=num_sites,
        max_norm=0.5,
        max_examples=200,
    )


class Fleet:
    """A fleet, its coordinator, and what it should sum up to."""

    def __init__(self, folder: Path, num_sites: int = NUM_SITES, sites_per_round: int = 0) -> None:
        self.nodes, self.first_run = secure_nodes(folder, num_sites, sites_per_round=sites_per_round)
        self.grid = SiteFleet(dict(self.nodes))
        self.epochs: list[int] = []
        self.rounds = self.begin()
        self.rounds.set_up()

    def begin(self, run: bytes = RUN) -> SecureRounds:
        """Another run of the coordinator."""
        return SecureRounds(
            self.grid, dataclasses.replace(self.first_run, name=run), self.reserve, deadline_s=5.0, patience=PATIENCE
        )

    def reserve(self, newest: int) -> int:
        """An epoch never given before."""
        self.epochs.append(max([newest, *self.epochs]) + 1)
        return self.epochs[-1]

    def node(self, number: int) -> SecureSiteNode:
        """A site's node."""
        return self.nodes[FIRST_NODE_ID + number]

    def run(self, round_number: int) -> RoundTotals:
        """Runs a round."""
        told = settings(round_number, self.rounds.group.parameters.num_sites)
        opened = self.rounds.run_round(PARAMETERS, told, SIZES)
        self.survivors = opened.summed.num_survivors
        return opened.totals

    def actions(self) -> list[str]:
        """What was asked, in order."""
        return [message.metadata.message_type.partition(".")[2] for message in self.grid.sent]


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet(tmp_path)


def check(totals: RoundTotals, survivors: Iterable[int], round_number: int) -> None:
    """Compares with the plain weighted mean of the survivors."""
    told = [contribution_of(number, round_number) for number in survivors]
    weights = np.array([one.num_examples for one in told], dtype=np.float64)
    mean = np.average([one.update for one in told], axis=0, weights=weights)
    assert np.abs(totals.mean_update - mean).max() < ROUNDING
    assert totals.mean_loss == pytest.approx(np.average([one.loss for one in told], weights=weights), rel=1e-3)
    assert totals.examples.mean == pytest.approx(weights.mean(), rel=1e-3)
    assert totals.examples.deviation == pytest.approx(weights.std(), rel=1e-2)
    np.testing.assert_allclose(totals.normality, np.sum([one.normality for one in told], axis=0), atol=1e-3)
    np.testing.assert_allclose(totals.evaluation, np.sum([one.evaluation for one in told], axis=0), atol=1e-3)


def all_but(*numbers: int) -> list[int]:
    return [number for number in range(NUM_SITES) if number not in numbers]


def identities(roster: Roster) -> tuple[bytes, ...]:
    return tuple(site.identity_key for site in roster.sites)


def test_a_round_gives_the_weighted_mean_and_all_sums(fleet: Fleet) -> None:
    check(fleet.run(1), range(NUM_SITES), 1)
    assert fleet.survivors == NUM_SITES


def test_a_steady_round_is_two_exchanges(fleet: Fleet) -> None:
    fleet.run(1)
    first = fleet.actions()
    fleet.grid.sent.clear()
    check(fleet.run(2), range(NUM_SITES), 2)
    assert first == ["set_up"] * NUM_SITES + ["keys"] * NUM_SITES + ["masked"] * NUM_SITES + ["unmask"] * NUM_SITES
    assert fleet.actions() == ["masked"] * NUM_SITES + ["unmask"] * NUM_SITES


@pytest.mark.parametrize("way", ["failing", "silent"])
def test_drop_outs_while_training_are_taken_out(fleet: Fleet, way: str) -> None:
    for number in (1, 4):
        setattr(fleet.node(number), way, {"masked"})
    check(fleet.run(1), all_but(1, 4), 1)
    assert fleet.survivors == NUM_SITES - 2


def test_drop_outs_while_unmasking_are_in_the_sum(fleet: Fleet) -> None:
    fleet.node(2).silent = {"unmask"}
    fleet.node(5).failing = {"unmask"}
    check(fleet.run(1), range(NUM_SITES), 1)
    assert fleet.actions().count("unmask") == NUM_SITES + (NUM_SITES - 2)  # the others are asked once more


def vanishing(at: int) -> Callable[[str, dict[str, bytes]], dict[str, bytes]]:
    """Changes a site's answers: none the ``at``-th time that it is asked for shares."""
    asked: list[str] = []

    def change(action: str, answers: dict[str, bytes]) -> dict[str, bytes]:
        asked.extend([action] * (action == records.UNMASK))
        return {} if action == records.UNMASK and len(asked) == at else answers

    return change


def test_drop_outs_while_unmasking_again_are_in_the_sum(fleet: Fleet) -> None:
    fleet.node(2).change, fleet.node(5).change = vanishing(1), vanishing(2)
    check(fleet.run(1), range(NUM_SITES), 1)
    assert fleet.actions().count("unmask") == 10 + 9 + 8


def test_shares_are_not_asked_for_without_end(fleet: Fleet) -> None:
    fleet.node(2).change, fleet.node(5).change, fleet.node(7).change = vanishing(1), vanishing(2), vanishing(3)
    with pytest.raises(RoundError, match="round 1: unmask: expected at least 8 of 8 sites, got"):
        fleet.run(1)


def test_drop_outs_of_one_round_take_part_in_the_next(fleet: Fleet) -> None:
    fleet.node(1).silent = {"masked"}
    fleet.run(1)
    fleet.node(1).silent = set()
    check(fleet.run(2), range(NUM_SITES), 2)


def test_site_whose_process_was_killed_is_set_up_again_and_comes_back(fleet: Fleet) -> None:
    fleet.run(1)
    fleet.node(3).restart()  # its keys for round 2 are gone
    check(fleet.run(2), all_but(3), 2)
    check(fleet.run(3), all_but(3), 3)  # set up beside this round's masked exchange
    check(fleet.run(4), range(NUM_SITES), 4)


def test_joiner_is_set_up_beside_a_round_and_enters_the_next(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path)
    late = fleet.grid.answers[FIRST_NODE_ID + 9]
    fleet.grid.answers = {node: answer for node, answer in fleet.grid.answers.items() if node != FIRST_NODE_ID + 9}
    fleet.rounds = fleet.begin(b"s" * 16)
    fleet.rounds.set_up()
    check(fleet.run(1), all_but(9), 1)
    fleet.grid.answers = {**fleet.grid.answers, FIRST_NODE_ID + 9: late}
    check(fleet.run(2), all_but(9), 2)
    check(fleet.run(3), range(NUM_SITES), 3)


def test_sites_that_take_turns_are_all_in_a_round_of_random_neighbours(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, num_sites=70)
    slow = SlowFleet(dict(fleet.nodes), per_pull=20)
    fleet.rounds = SecureRounds(
        slow,
        dataclasses.replace(fleet.first_run, name=b"q" * 16),
        fleet.reserve,
        deadline_s=60.0,
        patience=Patience(0.0),
    )
    fleet.rounds.set_up()
    fleet.run(1)
    assert fleet.survivors >= 63  # but for the tolerated tenth


class SlowFleet(SiteFleet):
    """Answers come a few at a time, as where many sites share a worker."""

    def __init__(self, answers: dict[int, Answer], per_pull: int) -> None:
        super().__init__(answers)
        self._per_pull = per_pull

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        """The next few."""
        return super().pull_messages([one for one in message_ids if one in self.waiting][: self._per_pull])


def test_beacon_draws_the_sites_of_every_round(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, num_sites=12, sites_per_round=9)
    drawn = []
    for round_number in (1, 2, 3):
        totals = fleet.run(round_number)
        sites = fleet.rounds.group.graph(fleet.epochs[round_number - 1]).circle.tolist()
        check(totals, sites, round_number)
        drawn.append(frozenset(sites))
    assert fleet.survivors == 9
    assert len(set(drawn)) > 1
    assert fleet.actions().count("masked") == fleet.actions().count("unmask") == 3 * 9


def test_round_below_the_threshold_fails_and_the_next_one_starts_with_new_keys(fleet: Fleet) -> None:
    needed = fleet.rounds.group.parameters.fewest_survivors
    for number in range(NUM_SITES - needed + 1):
        fleet.node(number).silent = {"masked"}
    with pytest.raises(RoundError, match=f"round 1: training: expected at least {needed} of 10 sites, got 7"):
        fleet.run(1)
    for number in range(NUM_SITES):
        fleet.node(number).silent = set()
    fleet.grid.sent.clear()
    check(fleet.run(1), range(NUM_SITES), 1)
    assert fleet.actions()[:NUM_SITES] == ["keys"] * NUM_SITES
    assert fleet.epochs == sorted(set(fleet.epochs))


def test_too_few_shares_fail_the_round_and_nothing_is_opened(fleet: Fleet) -> None:
    for number in range(4):
        fleet.node(number).silent = {"unmask"}
    with pytest.raises(RoundError, match="round 1: unmask: expected at least 8 of 10 sites, got 6"):
        fleet.run(1)


def test_too_few_keys_fail_the_round(fleet: Fleet) -> None:
    for number in range(4):
        fleet.node(number).silent = {"keys"}
    with pytest.raises(RoundError, match="round 1: open: expected at least 8 of 10 sites, got 6"):
        fleet.run(1)


def test_a_site_that_answers_rubbish_is_a_drop_out(fleet: Fleet) -> None:
    fleet.node(2).change = lambda _action, answers: dict.fromkeys(answers, b"rubbish")
    fleet.rounds = fleet.begin(b"t" * 16)
    fleet.rounds.set_up()
    check(fleet.run(1), all_but(2), 1)


def test_a_masked_vector_that_was_altered_is_left_out(fleet: Fleet) -> None:
    def flip(action: str, answers: dict[str, bytes]) -> dict[str, bytes]:
        if action != records.MASKED:
            return answers
        answer = bytearray(answers[records.ANSWER])
        answer[100] ^= 1
        return {records.ANSWER: bytes(answer)}

    fleet.node(5).change = flip
    check(fleet.run(1), all_but(5), 1)


def test_two_nodes_with_one_identity_count_once(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path)
    twin = SecureSiteNode(0, fleet.node(0).membership_dir, tmp_path, SecureSite(fleet.node(0).membership_dir, tmp_path))
    fleet.grid.answers = {**fleet.grid.answers, 999: twin}
    fleet.rounds = fleet.begin(b"u" * 16)
    fleet.rounds.set_up()
    assert fleet.rounds.num_set_up == NUM_SITES


def test_node_that_never_sets_up_holds_no_round_back(fleet: Fleet) -> None:
    fleet.node(9).silent = {"set_up"}
    fleet.rounds = fleet.begin(b"z" * 16)
    fleet.rounds.set_up()
    began_s = time.monotonic()
    check(fleet.run(1), all_but(9), 1)
    assert time.monotonic() - began_s < 4.0  # below the deadline of one exchange


def test_node_outside_the_roster_is_not_set_up(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path / "ours")
    strangers, _ = secure_nodes(tmp_path / "strangers", 3)
    fleet.grid.answers = {**fleet.grid.answers, 999: strangers[FIRST_NODE_ID]}
    fleet.rounds = fleet.begin(b"v" * 16)
    fleet.rounds.set_up()
    assert fleet.rounds.num_set_up == NUM_SITES
    check(fleet.run(1), range(NUM_SITES), 1)


def test_site_stores_the_epoch_before_it_answers_and_refuses_it_after_a_restart(fleet: Fleet) -> None:
    node = fleet.node(0)
    fleet.run(1)
    asked = next(message for message in fleet.grid.sent if message.metadata.message_type == "query.keys")
    request = secure_parts(asked)[records.REQUEST]
    kept = json.loads((node.state_dir / EPOCH_FILE).read_text())
    assert (kept["epoch"], kept["round"]) == (2, 2)  # the keys of round 2 left with the shares of round 1
    node.restart()
    node.process.set_up(RUN, fleet.first_run.signed_roster)
    with pytest.raises(RefusedError, match="expected an epoch after 2, got 1"):
        node.process.keys(request)


def test_site_that_cannot_read_its_epoch_begins_no_run(fleet: Fleet) -> None:
    node = fleet.node(0)
    (node.state_dir / EPOCH_FILE).mkdir()
    fleet.rounds = fleet.begin(b"w" * 16)
    with pytest.raises(StateError, match="expected the last epoch of this site"):
        node.process.set_up(b"w" * 16, fleet.first_run.signed_roster)


def test_site_that_cannot_store_its_epoch_gives_no_keys_however_often_it_is_asked(fleet: Fleet) -> None:
    node = fleet.node(0)
    (node.state_dir / EPOCH_FILE).mkdir()
    check(fleet.run(1), all_but(0), 1)
    asked = next(message for message in fleet.grid.sent if message.metadata.message_type == "query.keys")
    request = secure_parts(asked)[records.REQUEST]
    for _ in range(2):
        with pytest.raises(StateError, match="cannot be written"):
            node.process.keys(request)
    (node.state_dir / EPOCH_FILE).rmdir()
    assert node.process.keys(request)
    assert json.loads((node.state_dir / EPOCH_FILE).read_text())["epoch"] == 1


@pytest.mark.parametrize("other", [settings(2), settings(1, NUM_SITES - 1)])
def test_site_masks_nothing_for_settings_of_another_round_or_of_other_sites(
    fleet: Fleet, other: RoundSettingsMessage
) -> None:
    node = fleet.node(0)
    node.silent = {records.MASKED}
    fleet.run(1)
    asked = next(message for message in fleet.grid.sent if message.metadata.message_type == "train.masked")
    order = MaskingOrder(secure_parts(asked)[records.REQUEST], other.encode(), b"m" * 32)
    with pytest.raises(RefusedError, match="settings of the round that is masked, for as many sites as take part"):
        node.process.masked(order, lambda _: contribution_of(0))


def test_run_whose_name_has_another_length_is_refused(fleet: Fleet) -> None:
    with pytest.raises(RefusedError, match="expected a run named by 16 bytes, got 5"):
        fleet.node(0).process.set_up(b"short", fleet.first_run.signed_roster)


def test_site_that_answers_for_another_run_is_not_set_up(fleet: Fleet, caplog: pytest.LogCaptureFixture) -> None:
    node = fleet.node(0)
    old = node.process.set_up(RUN, fleet.first_run.signed_roster)
    node.change = lambda action, answers: {records.ANSWER: old} if action == records.SET_UP else answers
    fleet.rounds = fleet.begin(b"s" * 16)
    fleet.rounds.set_up()
    assert fleet.rounds.num_set_up == NUM_SITES - 1
    assert "set-up: expected an answer of this run" in [vars(record).get("reason") for record in caplog.records]


def test_coordinator_that_lost_its_count_goes_on_after_the_sites(fleet: Fleet) -> None:
    fleet.run(1)
    fleet.run(2)
    fleet.epochs.clear()  # restored from an old backup
    fleet.rounds = fleet.begin(b"x" * 16)
    fleet.rounds.set_up()
    check(fleet.run(3), range(NUM_SITES), 3)
    assert min(fleet.epochs) > 3


def test_site_that_says_it_is_far_ahead_drops_out_and_uses_up_no_epochs(fleet: Fleet) -> None:
    fleet.run(1)
    node = fleet.node(4)
    path = node.state_dir / EPOCH_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | {"epoch": MAX_EPOCH - 1}))
    node.restart()
    for round_number in (2, 3, 4):
        check(fleet.run(round_number), all_but(4), round_number)
    assert fleet.actions().count("set_up") == NUM_SITES + 2  # it fails, and is set up again beside the next exchange
    assert fleet.epochs == list(range(1, len(fleet.epochs) + 1))


def test_a_repeated_request_trains_once_and_gets_the_same_bytes(fleet: Fleet) -> None:
    fleet.run(1)
    node = fleet.node(0)
    sent = next(message for message in fleet.grid.sent if message.metadata.message_type == "query.unmask")
    first, again = node(sent), node(sent)
    assert first is not None
    assert again is not None
    assert secure_parts(first) == secure_parts(again)
    assert node.trained == 1


def test_site_takes_no_roster_of_another_operator(fleet: Fleet) -> None:
    node = fleet.node(0)
    other = make_federation("test", [f"site-{number:03d}" for number in range(NUM_SITES)])
    with pytest.raises(RosterError, match="signature by the operator's key"):
        node.process.set_up(b"y" * 16, other.signed_roster)
    (node.membership_dir / ROSTER_FILE).unlink()
    with pytest.raises(StateError, match=r"roster\.json: cannot be read"):
        node.process.set_up(b"y" * 16, fleet.first_run.signed_roster)


def test_newer_roster_reaches_every_site_with_the_set_up_and_no_older_one_after_it(tmp_path: Path) -> None:
    operator = Ed25519PrivateKey.generate()
    nodes, run = secure_nodes(tmp_path, 4, operator)
    newer = sign_roster(run.roster.next_with(run.roster.sites), operator)
    node = nodes[FIRST_NODE_ID]
    first = SetUp.decode(node.process.set_up(RUN, run.signed_roster), identities(run.roster))
    second = SetUp.decode(node.process.set_up(RUN, newer), identities(run.roster))
    assert (node.membership_dir / ROSTER_FILE).read_bytes() == run.signed_roster  # a service may not write there
    node.restart()
    assert first.offer.public != second.offer.public  # epochs and channels are of one roster
    with pytest.raises(RosterError, match="expected version 2 or newer, got 1: a rollback"):
        node.process.set_up(RUN, run.signed_roster)
    without = run.roster.next_with(run.roster.sites).next_with(run.roster.sites[1:])
    with pytest.raises(RosterError, match="expected site-000 of test on it"):
        node.process.set_up(RUN, sign_roster(without, operator))


def test_roster_that_was_accepted_since_wins_over_one_that_was_brought_before(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    operator = Ed25519PrivateKey.generate()
    nodes, run = secure_nodes(tmp_path, 4, operator)
    node, second = nodes[FIRST_NODE_ID], run.roster.next_with(run.roster.sites)
    third = sign_roster(second.next_with(second.sites), operator)
    node.process.set_up(RUN, sign_roster(second, operator))
    (node.membership_dir / ROSTER_FILE).write_bytes(third)
    with pytest.raises(RosterError, match="expected version 3 or newer, got 2: a rollback"):
        node.process.set_up(RUN, sign_roster(second, operator))
    node.process.set_up(RUN, third)
    assert "roster brought earlier left out" in [record.message for record in caplog.records]


def test_nothing_is_asked_of_a_site_that_was_never_set_up(fleet: Fleet) -> None:
    fleet.node(0).restart()
    with pytest.raises(RefusedError, match="not set up for a run"):
        fleet.node(0).process.keys(b"")
