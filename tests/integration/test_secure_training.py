"""Secure rounds for real: SuperLink, SuperNodes and trainers are processes of their own, and every message starts one.

Where it is asked for, the trainer of one site is killed between two rounds: it drops out of the next, and comes back.
"""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from fl_client.supervisor import ProcessSupervisor
from fl_protocol.membership import make_federation
from fl_protocol.messages import ClosedRound, PublishedModel, RoundPage
from tests.integration.federation_processes import Federation, site_supervisors


@pytest.mark.timeout(900)
def test_masked_rounds_of_real_processes_train_and_publish_a_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with enrolled_sites(tmp_path, monkeypatch, num_sites=3) as (federation, trainers, options):
        run = federation.train(2, 3, options)
        model = federation.wait_for(lambda: published(federation), "published model", run)
        closed = closed_rounds(federation)
    assert model.card["is_masked"] is True
    assert sorted((one.round_number, one.num_sites, one.auc is not None) for one in closed) == [
        (1, 3, True),
        (2, 3, True),
    ]
    assert [trainer.num_restarts for trainer in trainers] == [0, 0, 0]


@pytest.mark.timeout(1800)
@pytest.mark.skipif("EDGEGUARD_CRASH_MINUTES" not in os.environ, reason="takes minutes: make crashes")
def test_masked_rounds_go_on_when_a_trainer_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three neighbours of four open a secret, so one of five sites may drop out."""
    num_sites, num_rounds = 5, 4
    with enrolled_sites(tmp_path, monkeypatch, num_sites) as (federation, trainers, options):
        run = federation.train(num_rounds, num_sites - 1, options)
        federation.wait_for(lambda: closed_rounds(federation), "first round", run)
        killed = trainers[0].pid
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        federation.wait_for(lambda: published(federation), "published model", run)
        closed = closed_rounds(federation)
    assert len({one.round_number for one in closed}) == len(closed) == num_rounds
    assert {one.num_sites for one in closed} <= {num_sites - 1, num_sites}
    assert all(one.auc is not None for one in closed)
    assert trainers[0].num_restarts == 1


@contextlib.contextmanager
def enrolled_sites(
    folder: Path, monkeypatch: pytest.MonkeyPatch, num_sites: int
) -> Iterator[tuple[Federation, list[ProcessSupervisor], str]]:
    """A federation with so many sites; gives their trainers, and the options of its secure runs, too."""
    monkeypatch.setenv("FLWR_SUPEREXEC_TASK_POLL_INTERVAL", "0.1")
    monkeypatch.setenv("FLWR_HOME", str(folder / "federation" / "flower"))  # whatever outlives us is found by it
    made = make_federation("test", [f"site{number}" for number in range(num_sites)])
    roster, operator_key = folder / "roster.json", folder / "operator.pub"
    roster.write_bytes(made.signed_roster)
    operator_key.write_text(made.operator_key.hex())
    with Federation(folder / "federation") as federation, contextlib.ExitStack() as stack:
        trainers = [
            stack.enter_context(running_site(folder / "federation" / name, files, federation.superlink))
            for name, files in made.files_by_site.items()
        ]
        yield federation, trainers, f'roster="{roster}" operator-key="{operator_key}"'


@contextlib.contextmanager
def running_site(folder: Path, membership: dict[str, bytes], superlink: str) -> Iterator[ProcessSupervisor]:
    """A site with a few tubelets, its trainer and its SuperNode; gives the trainer."""
    trainer, supernode = site_supervisors(folder, membership, superlink)
    trainer.start()
    supernode.start()
    try:
        yield trainer
    finally:
        supernode.close()
        trainer.close()


def closed_rounds(federation: Federation) -> tuple[ClosedRound, ...]:
    page = federation.get("/v1/rounds")
    return RoundPage.model_validate_json(page or b"").rounds


def published(federation: Federation) -> PublishedModel | None:
    latest = federation.get("/v1/models/latest")
    return PublishedModel.model_validate_json(latest) if latest else None
