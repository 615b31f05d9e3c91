"""The trainer as a process of its own: it keeps secrets between messages, and loses them when it is killed."""

import contextlib
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from fl_client.errors import StateError
from fl_client.supervisor import ProcessSupervisor, trainer_supervisor
from fl_client.training.trainer_process import SOCKET_FILE, ask_trainer
from fl_protocol import records
from fl_protocol.membership import ROSTER_FILE
from fl_protocol.secure_sum.binding import EpochName
from fl_protocol.secure_sum.channel import ChannelOffer
from fl_protocol.secure_sum.epoch_keys import keys_request
from fl_protocol.secure_sum.group import SumGroup
from fl_protocol.secure_sum.messages import Advertisement, SetUp
from tests.fakes.secure_sites import FIRST_NODE_ID, SecureSiteNode, secure_nodes

RUN = b"r" * 16
PATIENCE_S = 60.0


@contextlib.contextmanager
def trainer_of(node: SecureSiteNode) -> Iterator[ProcessSupervisor]:
    supervisor = trainer_supervisor(node.state_dir, node.membership_dir)
    supervisor.start()
    try:
        wait_for_trainer(node.state_dir)
        yield supervisor
    finally:
        supervisor.close()


def wait_for_trainer(state_dir: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with contextlib.suppress(StateError):
            ask_trainer(state_dir, records.SET_UP, {records.RUN: RUN, records.ROSTER: roster_of(state_dir)}, {})
            return
        time.sleep(0.1)
    raise AssertionError(f"no trainer within {PATIENCE_S} s: {(state_dir / 'trainer.log').read_text()}")


def roster_of(state_dir: Path) -> bytes:
    return (state_dir.parent / "membership" / ROSTER_FILE).read_bytes()


def keys_for(nodes: dict[int, SecureSiteNode], group: SumGroup, epoch: int) -> bytes:
    """What asks the first site for keys, with the channel keys of all others."""
    offers: dict[int, ChannelOffer] = {}
    for node in nodes.values():
        roster = roster_of(node.state_dir)
        offers[node.number] = SetUp.decode(node.process.set_up(RUN, roster), group.identities).offer
    return keys_request(group, EpochName(RUN, epoch, 1), offers, 0)


def test_trainer_keeps_its_secrets_between_messages_and_loses_them_with_its_process(tmp_path: Path) -> None:
    nodes, run = secure_nodes(tmp_path / ("long " * 20), 5)  # longer than Unix allows a socket's name
    group, node = run.roster.sum_group(), nodes[FIRST_NODE_ID]
    first, second = (keys_for(nodes, group, epoch) for epoch in (1, 2))
    with trainer_of(node) as trainer:
        answer = ask_trainer(node.state_dir, records.KEYS, {records.REQUEST: first}, {})[records.ANSWER]
        assert Advertisement.decode(answer, group.identities).site == 0
        again = ask_trainer(node.state_dir, records.KEYS, {records.REQUEST: first}, {})[records.ANSWER]
        assert again == answer
        assert (node.state_dir / SOCKET_FILE).stat().st_mode & 0o777 == 0o600
        killed = trainer.pid
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        wait_for_trainer(node.state_dir)
        assert trainer.pid != killed
        with pytest.raises(StateError, match="expected an epoch after 1, got 1"):
            ask_trainer(node.state_dir, records.KEYS, {records.REQUEST: first}, {})
        ask_trainer(node.state_dir, records.KEYS, {records.REQUEST: second}, {})
    with pytest.raises(StateError, match="does not answer"):
        ask_trainer(node.state_dir, records.SET_UP, {records.RUN: RUN, records.ROSTER: run.signed_roster}, {})


def test_trainer_refuses_what_it_cannot_read_and_goes_on(tmp_path: Path) -> None:
    nodes, _ = secure_nodes(tmp_path, 3)
    node = nodes[FIRST_NODE_ID]
    with trainer_of(node) as trainer:
        for sent in (b"\x00\x00\x00\x05hello", b"\xff\xff\xff\xff", b"\x00", b""):
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(str(node.state_dir / SOCKET_FILE))
                connection.sendall(sent)
        with pytest.raises(StateError, match="expected an action of secure rounds, got 'dance'"):
            ask_trainer(node.state_dir, "dance", {}, {})
        with pytest.raises(StateError, match="secure: expected run"):
            ask_trainer(node.state_dir, records.SET_UP, {}, {})
        for action in (records.KEYS, records.MASKED, records.UNMASK):
            parts = dict.fromkeys((records.REQUEST, records.ROUND_SETTINGS), b"rubbish")
            with pytest.raises(StateError, match="message EG"):
                ask_trainer(node.state_dir, action, parts, {"weight": np.zeros(3, dtype=np.float32)})
        assert trainer.num_restarts == 0
