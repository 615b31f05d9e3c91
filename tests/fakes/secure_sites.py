"""Sites of secure rounds in this process, behind a grid: their updates are known numbers."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flwr.app import Array, ArrayRecord, Error, Message, RecordDict

from fl_client.errors import StateError
from fl_client.training.secure_site import MaskingOrder, SecureSite
from fl_protocol import records
from fl_protocol.errors import ProtocolError
from fl_protocol.membership import MadeFederation, make_federation
from fl_protocol.round_vector import RoundSettingsMessage, SiteContribution
from fl_server.secure_rounds import SecureRun, secure_run

NUM_EVALUATION, NUM_NORMALITY = 3, 4
PARAMETERS = {"weight": np.zeros((30, 40), dtype=np.float32), "bias": np.zeros(7, dtype=np.float32)}
FIRST_NODE_ID = 101


def contribution_of(number: int, round_number: int = 1) -> SiteContribution:
    """What the site of that number adds to a round."""
    rng = np.random.default_rng([number, round_number])
    size = sum(array.size for array in PARAMETERS.values())
    return SiteContribution(
        (0.01 * rng.standard_normal(size)).astype(np.float32),
        100 + 10 * number,
        0.5 + 0.01 * number,
        np.array([10.0, 7.0, 6.0 + 0.1 * number]),
        np.arange(NUM_NORMALITY, dtype=np.float64) + number,
    )


@dataclasses.dataclass
class SecureSiteNode:
    """One node; ``process`` is gone and made anew by ``restart``."""

    number: int
    membership_dir: Path
    state_dir: Path
    process: SecureSite
    failing: set[str] = dataclasses.field(default_factory=set)
    """Actions that end in an error."""
    silent: set[str] = dataclasses.field(default_factory=set)
    """Actions that are never answered."""
    change: Callable[[str, dict[str, bytes]], dict[str, bytes]] = lambda _action, answers: answers
    """What happens to its answers on their way."""
    trained: int = 0
    contribution: Callable[[int, int], SiteContribution] = contribution_of
    """Of a site's number to a round."""

    def restart(self) -> None:
        """The process dies and is started again."""
        self.process = SecureSite(self.membership_dir, self.state_dir)

    def __call__(self, message: Message) -> Message | None:
        """Answers as the ClientApp does."""
        action = message.metadata.message_type.partition(".")[2]
        if action in self.silent:
            return None
        if action in self.failing:
            return Message(Error(code=1000, reason="told to fail"), reply_to=message)
        try:
            answers = self._answers(action, message)
        except (StateError, ProtocolError) as error:
            return Message(Error(code=1000, reason=str(error)), reply_to=message)
        arrays = records.byte_arrays(self.change(action, answers))
        record = ArrayRecord({name: Array(part) for name, part in arrays.items()})
        return Message(RecordDict({records.SECURE: record}), reply_to=message)

    def _answers(self, action: str, message: Message) -> dict[str, bytes]:
        sent = secure_parts(message)
        if action == records.SET_UP:
            return {records.ANSWER: self.process.set_up(sent[records.RUN], sent[records.ROSTER])}
        if action == records.KEYS:
            return {records.ANSWER: self.process.keys(sent[records.REQUEST])}
        if action == records.MASKED:
            digest = records.digest_of_arrays(_arrays(message, records.PARAMETERS))
            order = MaskingOrder(sent[records.REQUEST], sent[records.ROUND_SETTINGS], digest)
            return {records.ANSWER: self.process.masked(order, self._contribution)}
        answers = {records.ANSWER: self.process.reveal(sent[records.REQUEST])}
        if records.KEYS_REQUEST in sent:
            answers[records.KEYS_ANSWER] = self.process.keys(sent[records.KEYS_REQUEST])
        return answers

    def _contribution(self, settings: RoundSettingsMessage) -> SiteContribution:
        self.trained += 1
        return self.contribution(self.number, settings.round_number)


def secure_nodes(
    folder: Path, num_sites: int, operator: Ed25519PrivateKey | None = None, sites_per_round: int = 0
) -> tuple[dict[int, SecureSiteNode], SecureRun]:
    """Nodes of a whole federation, by node id, and a run of it."""
    made: MadeFederation = make_federation(
        "test", [f"site-{number:03d}" for number in range(num_sites)], operator, sites_per_round
    )
    nodes = {}
    for number, (site, files) in enumerate(sorted(made.files_by_site.items())):
        membership_dir, state_dir = folder / site / "membership", folder / site / "state"
        membership_dir.mkdir(parents=True)
        state_dir.mkdir()
        for name, content in files.items():
            (membership_dir / name).write_bytes(content)
        process = SecureSite(membership_dir, state_dir)
        nodes[FIRST_NODE_ID + number] = SecureSiteNode(number, membership_dir, state_dir, process)
    return nodes, secure_run(made.signed_roster, made.operator_key)


def secure_parts(message: Message) -> dict[str, bytes]:
    """What a message of secure rounds carries."""
    return records.byte_parts(_arrays(message, records.SECURE))


def _arrays(message: Message, name: str) -> dict[str, npt.NDArray[Any]]:
    record = message.content[name]
    assert isinstance(record, ArrayRecord)
    return {key: array.numpy() for key, array in record.items()}
