"""What Flower lists, and what it is sent."""

import json
from pathlib import Path
from typing import Any

import pytest

from fl_runtime.errors import FlowerCommandError
from fl_server.supervision.bundle import read_bundle
from fl_server.supervision.flower_runs import run_started, runs_in
from fl_server.supervision.next_step import FlowerRun

BUNDLE = Path(__file__).parents[3] / "deploy" / "flower-app"


def _listed(**fields: str) -> dict[str, Any]:
    usual = {"run-id": "9672328770346757013", "fab-id": "edgeguard/edgeguard", "fab-hash": "b904", "status": "running"}
    given = {name.replace("_", "-"): value for name, value in fields.items()}
    return {"success": True, "runs": [usual | {"status-details": "N/A"} | given]}


@pytest.mark.parametrize("status", ["pending", "starting", "running", "what-comes-next"])
def test_run_that_has_not_finished_is_live(status: str) -> None:
    assert runs_in(_listed(status=status)) == (FlowerRun("9672328770346757013", "edgeguard/edgeguard", is_live=True),)


@pytest.mark.parametrize(
    ("status", "details", "problem"),
    [
        ("finished:completed", "N/A", None),
        ("finished:failed", "ServerApp failed with\n exception: x", "failed: ServerApp failed with exception: x"),
        ("finished:stopped", "N/A", "stopped: N/A"),
    ],
)
def test_finished_run_says_how(status: str, details: str, problem: str | None) -> None:
    (run,) = runs_in(_listed(status=status, status_details=details))
    assert (run.is_live, run.problem) == (False, problem)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({"success": True}, "flwr ls: runs: Field required"),
        (_listed(run_id="seven"), "flwr ls: runs.0.run-id: String should match pattern"),
        ({"runs": [{"run-id": "7", "fab-id": "a/b", "status": "running"}]}, "flwr ls: runs.0.status-details: Field"),
    ],
)
def test_listing_of_another_form_is_refused(answer: dict[str, Any], problem: str) -> None:
    with pytest.raises(FlowerCommandError) as refused:
        runs_in(json.loads(json.dumps(answer)))
    assert str(refused.value).startswith(problem)


def test_number_of_a_started_run_is_read() -> None:
    assert run_started({"success": True, "run-id": "9672328770346757013"}) == "9672328770346757013"
    for answer in ({"success": True, "run-id": None}, {"success": True}):
        with pytest.raises(FlowerCommandError, match=r"^flwr run: expected the number of a run, got none$"):
            run_started(answer)


def test_bundle_that_ships_is_read() -> None:
    bundle = read_bundle(BUNDLE)
    assert bundle.app_id == "edgeguard/edgeguard"
    assert bundle.options["num-rounds"] == 3
