"""A site of secure rounds whose update is a known vector: all of the protocol, no training."""

import functools
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from flwr.app import Array, ArrayRecord, Context, Message, RecordDict
from flwr.clientapp import ClientApp

from fl_client.training.secure_site import MaskingOrder, SecureSite
from fl_protocol import records
from fl_protocol.round_vector import RoundSettingsMessage, SiteContribution

NUM_EVALUATION = 3

client_app = ClientApp()


def direction(num_parameters: int, settings: RoundSettingsMessage) -> npt.NDArray[np.float32]:
    """What all sites' updates of a round point to. ``(P,)``, of length 1 about."""
    rng = np.random.default_rng([settings.seed, settings.round_number])
    towards: npt.NDArray[np.float32] = rng.standard_normal(num_parameters, dtype=np.float32)
    return towards / np.float32(np.sqrt(num_parameters))


def share_of(number: int, num_clients: int) -> float:
    """How far a site's update goes there: each site has its own length, from above 0 to 0.9."""
    return 0.9 * (number + 1) / num_clients


@client_app.query(records.SET_UP)
def set_up(message: Message, run_context: Context) -> Message:
    """Begins a run."""
    sent = _parts(message)
    return _reply(message, {records.ANSWER: _site(run_context).set_up(sent[records.RUN], sent[records.ROSTER])})


@client_app.query(records.KEYS)
def keys(message: Message, run_context: Context) -> Message:
    """Makes the keys of an epoch."""
    return _reply(message, {records.ANSWER: _site(run_context).keys(_parts(message)[records.REQUEST])})


@client_app.train(records.MASKED)
def train_masked(message: Message, run_context: Context) -> Message:
    """Masks the known update."""
    sent, model = _parts(message), _arrays(message, records.PARAMETERS)
    order = MaskingOrder(sent[records.REQUEST], sent[records.ROUND_SETTINGS], records.digest_of_arrays(model))
    num_parameters = sum(array.size for array in model.values())
    config = run_context.node_config
    share = share_of(int(config["number"]), int(config["clients"]))

    def contribute(settings: RoundSettingsMessage) -> SiteContribution:
        update = np.float32(share) * direction(num_parameters, settings)
        return SiteContribution(update, 1, 0.0, np.zeros(NUM_EVALUATION), np.ones(int(config["moments"])))

    return _reply(message, {records.ANSWER: _site(run_context).masked(order, contribute)})


@client_app.query(records.UNMASK)
def unmask(message: Message, run_context: Context) -> Message:
    """Reveals shares, and makes the next epoch's keys."""
    sent, site = _parts(message), _site(run_context)
    answers = {records.ANSWER: site.reveal(sent[records.REQUEST])}
    if records.KEYS_REQUEST in sent:
        answers[records.KEYS_ANSWER] = site.keys(sent[records.KEYS_REQUEST])
    return _reply(message, answers)


def _site(run_context: Context) -> SecureSite:
    return _site_in(str(run_context.node_config["folder"]))


@functools.cache
def _site_in(folder: str) -> SecureSite:
    """The one of this process."""
    return SecureSite(Path(folder), Path(folder))


def _reply(message: Message, answers: dict[str, bytes]) -> Message:
    record = ArrayRecord({name: Array(part) for name, part in records.byte_arrays(answers).items()})
    return Message(RecordDict({records.SECURE: record}), reply_to=message)


def _parts(message: Message) -> dict[str, bytes]:
    return records.byte_parts(_arrays(message, records.SECURE))


def _arrays(message: Message, name: str) -> dict[str, npt.NDArray[Any]]:
    record = message.content[name]
    if not isinstance(record, ArrayRecord):
        raise TypeError(f"{name}: expected an array record")
    return {key: array.numpy() for key, array in record.items()}
