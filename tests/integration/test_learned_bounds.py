"""What a secure round taught the next is in the database: the run after a kill tells sites the same."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flwr.app import Message

from context.schedule import STATES
from fl_protocol import records
from fl_protocol.roster import sign_roster
from fl_protocol.round_vector import RoundSettingsMessage, SiteContribution
from fl_server.rounds.checkpoint import TrainingState, encode_state
from fl_server.run_options import RunOptions
from fl_server.secure_strategy import FIRST_MAX_EXAMPLES, FIRST_MAX_NORM, NUM_EVALUATION
from fl_server.starting_state import starting_state
from fl_server.storage import open_storage
from fl_server.storage.rounds import list_rounds
from fl_server.storage.trainings import want_training
from fl_server.training_run import train_and_publish
from model_zoo.architecture import empty_fleet_normality
from model_zoo.backbones.film_lstm import FilmLstmShape
from model_zoo.backbones.parameters import initial_parameters
from tests.fakes.secure_sites import FIRST_NODE_ID, secure_nodes, secure_parts
from tests.fakes.site_fleet import SiteFleet

NUM_PARAMETERS = sum(array.size for array in initial_parameters(FilmLstmShape(), 0).values())
NUM_ROUNDS = 3

EVALUATION = np.zeros((NUM_EVALUATION // 3, 3))
"""Examples, losses, AUC of a site: of all, then of each state."""
EVALUATION[0], EVALUATION[1 + STATES.index("closed")], EVALUATION[1 + STATES.index("open")] = (
    (4.0, 2.0, 3.0),
    (1.0, 1.0, 0.5),
    (3.0, 1.0, 2.5),
)


class KilledError(Exception):
    """The coordinator's process ends here."""


def contribution(number: int, round_number: int) -> SiteContribution:
    """A small update of the whole network, by a site with many tubelets."""
    update = 1e-4 * np.random.default_rng([number, round_number]).standard_normal(NUM_PARAMETERS, dtype=np.float32)
    return SiteContribution(update, 100 + number, 0.5, EVALUATION.ravel(), empty_fleet_normality() + number)


class Federation:
    """Sites, and a database that outlives the coordinator's runs.

    Args:
        folder: For all files.
        num_sites: How many.
    """

    def __init__(self, folder: Path, num_sites: int = 3) -> None:
        operator = Ed25519PrivateKey.from_private_bytes(bytes(32))
        self.nodes, run = secure_nodes(folder / "sites", num_sites, operator)
        self._roster, self._operator = run.roster, operator
        for node in self.nodes.values():
            node.contribution = contribution
        (folder / "roster.json").write_bytes(run.signed_roster)
        (folder / "operator.pub").write_text(operator.public_key().public_bytes_raw().hex())
        self.folder, self.storage = folder, open_storage(None, folder)
        self._training = want_training(self.storage, NUM_ROUNDS, {}).training_id
        self.told: list[RoundSettingsMessage] = []
        """Settings that the first site got, round by round."""
        self.asked: list[str] = []
        """What it was asked, in order."""

    def options(self, **given: object) -> RunOptions:
        """Options of a run that goes on with the training."""
        usual = {"training": self._training, "state": self.folder, "deadline-s": 30.0, "min-sites": 3}
        files = {"roster": self.folder / "roster.json", "operator-key": self.folder / "operator.pub"}
        return RunOptions.model_validate(usual | files | given)

    def train(self, options: RunOptions, killed_in: int = 0) -> None:
        """One run; the coordinator is gone when the first site is asked for an update of round ``killed_in``."""

        def listening(message: Message) -> Message | None:
            self.asked.append(message.metadata.message_type.partition(".")[2])
            if message.metadata.message_type == "train.masked":
                settings = RoundSettingsMessage.decode(secure_parts(message)[records.ROUND_SETTINGS])
                if settings.round_number == killed_in:
                    raise KilledError
                self.told.append(settings)
            return self.nodes[FIRST_NODE_ID](message)

        train_and_publish(SiteFleet(dict(self.nodes) | {FIRST_NODE_ID: listening}), options, self.storage)

    def revoke_last(self) -> None:
        """The operator signs the next roster, without the last site."""
        del self.nodes[max(self.nodes)]
        smaller = self._roster.next_with(self._roster.sites[:-1])
        (self.folder / "roster.json").write_bytes(sign_roster(smaller, self._operator))

    def state(self) -> TrainingState:
        """What the next run would begin with."""
        return starting_state(self.options(), self.storage)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    """A training that nobody kills."""
    federation = Federation(tmp_path_factory.mktemp("whole"))
    federation.train(federation.options())
    yield federation
    federation.storage.close()


@pytest.fixture
def federation(tmp_path: Path) -> Iterator[Federation]:
    made = Federation(tmp_path)
    yield made
    made.storage.close()


def test_rounds_learn_their_bounds(undisturbed: Federation) -> None:
    asking, first, second, third, last = undisturbed.told
    assert [one.num_steps for one in (asking, last)] == [0, 0]  # they train nothing
    assert [one.round_number for one in undisturbed.told] == [1, 1, 2, 3, 4]
    assert (asking.max_norm, asking.max_examples) == (FIRST_MAX_NORM, FIRST_MAX_EXAMPLES)
    assert (first.max_norm, first.max_examples) == (FIRST_MAX_NORM, second.max_examples)
    assert second.max_norm == pytest.approx(1.25 * 1e-4 * NUM_PARAMETERS**0.5, rel=0.01)
    assert second.max_examples == third.max_examples == last.max_examples == math.ceil(1.25 * 101)
    assert second.max_norm != third.max_norm != last.max_norm


def test_rounds_ask_for_keys_of_their_own_once(undisturbed: Federation) -> None:
    assert undisturbed.asked == ["set_up", "keys"] + ["masked", "unmask"] * len(undisturbed.told)


def test_rounds_keep_how_good_their_model_is_in_every_state_that_was_watched(undisturbed: Federation) -> None:
    for closed in list_rounds(undisturbed.storage, NUM_ROUNDS):
        assert closed.auc == pytest.approx(0.75, abs=1e-4)
        assert closed.auc_by_state == pytest.approx({"closed": 0.5, "open": 2.5 / 3}, abs=1e-4)


def test_first_round_tells_of_the_bytes_it_took_to_ask_for_examples(undisturbed: Federation) -> None:
    third, second, first = (one.bytes_up for one in list_rounds(undisturbed.storage, 3))
    assert third == second < first
    assert first == pytest.approx(2 * second, rel=0.1)


def test_killed_training_ends_with_the_same_bytes(federation: Federation, undisturbed: Federation) -> None:
    for killed_in in (2, 3):
        with pytest.raises(KilledError):
            federation.train(federation.options(), killed_in)
    federation.train(federation.options())
    assert federation.told == undisturbed.told
    assert encode_state(federation.state()) == encode_state(undisturbed.state())


def test_run_with_other_steps_begins_with_the_first_bounds(federation: Federation) -> None:
    with pytest.raises(KilledError):
        federation.train(federation.options(), killed_in=2)
    federation.train(federation.options(**{"num-steps": 4}))
    told = [(one.num_steps, one.round_number, one.max_norm) for one in federation.told]
    first = [(0, 1, FIRST_MAX_NORM), (16, 1, FIRST_MAX_NORM)]
    assert told[:4] == [*first, (0, 2, FIRST_MAX_NORM), (4, 2, FIRST_MAX_NORM)]
    assert told[4][2] < 1.0


def test_other_roster_and_other_server_step_go_on_with_what_was_learned(tmp_path: Path) -> None:
    federation = Federation(tmp_path, num_sites=4)
    with pytest.raises(KilledError):
        federation.train(federation.options(), killed_in=2)
    learned = federation.state().bounds
    assert learned is not None
    federation.revoke_last()
    federation.train(federation.options(strategy="fedadam", seed=5))
    second = federation.told[2]
    assert (second.round_number, second.num_sites) == (2, 3)
    assert (second.max_norm, second.max_examples) == (learned.max_norm, learned.max_examples)
    assert second.max_norm < FIRST_MAX_NORM
    federation.storage.close()
