"""Seconds of a round in a real deployment: three SuperNodes, TLS, node keys, proxy; masked rounds beside plain ones.

Takes minutes, so it runs where it is asked for: ``EDGEGUARD_ROUND_TIMES=1``. Prints what it measured.
"""

import contextlib
import itertools
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from fl_client.supervisor import SuperNodeOptions, supernode_supervisor, trainer_supervisor
from fl_protocol.messages import ClosedRound, RoundPage
from tests.fakes.tubelet_sites import fill_site
from tests.integration.secure_federation import ROOT, SecureFederation, wait_for

SITES = ("store42", "store43", "store44")
NUM_ROUNDS = 6
MOST_OF_PLAIN = 1.5
PATIENCE_S = 900.0

pytestmark = [
    pytest.mark.timeout(3600),
    pytest.mark.skipif("EDGEGUARD_ROUND_TIMES" not in os.environ, reason="takes minutes: EDGEGUARD_ROUND_TIMES=1"),
]


def test_masked_round_takes_at_most_half_as_long_again_as_a_plain_one(tmp_path: Path) -> None:
    with SecureFederation(tmp_path) as federation:
        for number, site in enumerate(SITES):
            federation.enrol(site)
            fill_site(federation.box(site) / "state", number)
        federation.apply()
        took_s = {}
        for kind in ("masked", "plain"):
            with contextlib.ExitStack() as stack:
                for site in SITES:
                    stack.enter_context(_running(federation, site, is_secure=kind == "masked"))
                took_s[kind] = _seconds_per_round(federation, tmp_path, kind)
        ratio = statistics.median(took_s["masked"]) / statistics.median(took_s["plain"])
        sys.stdout.write(json.dumps({"seconds": took_s, "ratio_of_medians": ratio}) + "\n")
        assert ratio <= MOST_OF_PLAIN


@contextlib.contextmanager
def _running(federation: SecureFederation, site: str, *, is_secure: bool) -> Iterator[None]:
    box = federation.box(site)
    state, membership = box / "state", box if is_secure else None
    options = SuperNodeOptions(
        f"localhost:{federation.ports.fleet}", site, state, federation.authority, box / "supernode.key", membership
    )
    supervisors = [supernode_supervisor(options)] + ([trainer_supervisor(state, box)] if is_secure else [])
    for supervisor in reversed(supervisors):
        supervisor.start()
    try:
        yield
    finally:
        for supervisor in supervisors:
            supervisor.close()


def _seconds_per_round(federation: SecureFederation, folder: Path, kind: str) -> list[float]:
    """From the end of each round to the end of the next, but for the first: plain ones evaluate in between."""
    known = {one.training_id for one in _closed(federation)}
    options = f"num-rounds={NUM_ROUNDS} num-steps=4 min-sites={len(SITES)}"
    options += "" if kind == "masked" else ' roster="" operator-key=""'
    flower = federation.coordinator_folder / "state" / "flower"
    command = [str(Path(sys.executable).with_name("flwr")), "run", str(federation.coordinator_folder / "flower-app")]
    with (folder / "run.log").open("ab") as log:
        subprocess.run(
            [*command, "fleet", "--run-config", options],
            cwd=ROOT,
            env=os.environ | {"FLWR_HOME": str(flower), "PYTHONPATH": str(ROOT)},
            stdout=log,
            stderr=log,
            check=True,
        )

    def own() -> list[ClosedRound]:
        return [one for one in _closed(federation) if one.training_id not in known]

    wait_for(lambda: len(own()) == NUM_ROUNDS, f"{NUM_ROUNDS} {kind} rounds", PATIENCE_S)
    ends = sorted(one.closed_utc for one in own())
    return [round((later - earlier).total_seconds(), 2) for earlier, later in itertools.pairwise(ends)]


def _closed(federation: SecureFederation) -> tuple[ClosedRound, ...]:
    page = httpx.get(f"http://127.0.0.1:{federation.ports.coordinator}/v1/rounds", timeout=60.0).raise_for_status()
    return RoundPage.model_validate_json(page.content).rounds
