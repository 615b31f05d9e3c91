"""Trainings over the API: wanted, watched, ended."""

from pathlib import Path
from typing import Any

import pytest

from fl_server.config import ServerConfig, TrainingSupervision
from fl_server.errors import StartError
from fl_server.storage import Storage
from fl_server.storage.training_starts import put_outcome, put_start
from fl_server.storage.trainings import find_training
from tests.unit.fl_server.memory_storage import memory_storage
from tests.unit.fl_server.test_api import Coordinator

BUNDLE = Path(__file__).parents[3] / "deploy" / "flower-app"
SETTINGS = TrainingSupervision(app=BUNDLE, connection="fleet", home=Path("/nonexistent"))
WANTED = {"num_rounds": 5, "options": {"min-sites": 3, "strategy": "fedadam"}}


@pytest.fixture
def storage() -> Storage:
    return memory_storage()


@pytest.fixture
def coordinator(storage: Storage) -> Coordinator:
    return Coordinator(storage, ServerConfig(training=SETTINGS))


def _want(coordinator: Coordinator) -> dict[str, Any]:
    response = coordinator.call("POST", "/v1/trainings", json=WANTED)
    assert response.status_code == 201
    wanted: dict[str, Any] = response.json()
    return wanted


def test_training_is_wanted_and_watched(coordinator: Coordinator, storage: Storage) -> None:
    first, second = _want(coordinator), _want(coordinator)
    assert {name: first[name] for name in ("status", "num_rounds", "num_committed", "reason", "num_starts")} == {
        "status": "wanted",
        "num_rounds": 5,
        "num_committed": 0,
        "reason": None,
        "num_starts": 0,
    }
    assert first["options"] == WANTED["options"]
    put_outcome(storage, put_start(storage, find_training(storage, first["training_id"])), "7", "failed: no roster")
    seen = coordinator.call("GET", f"/v1/trainings/{first['training_id']}").json()
    assert (seen["num_starts"], seen["run_id"], seen["problem"]) == (1, "7", "failed: no roster")
    assert seen["last_start_utc"] == first["wanted_utc"]
    page = coordinator.call("GET", "/v1/trainings").json()
    assert page["trainings"] == [second, seen]
    assert page["problem"] is None
    assert coordinator.call("GET", "/v1/trainings?limit=1").json()["trainings"] == [second]


def test_training_is_ended_once(coordinator: Coordinator) -> None:
    address = f"/v1/trainings/{_want(coordinator)['training_id']}/end"
    ended = coordinator.call("POST", address)
    assert (ended.status_code, ended.json()["status"], ended.json()["reason"]) == (
        200,
        "failed",
        "ended by an operator",
    )
    again = coordinator.call("POST", address)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "conflict")


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"num_rounds": 0}, "body.num_rounds: Input should be greater than or equal to 1"),
        ({"num_rounds": "5"}, "body.num_rounds: Input should be a valid integer"),
        ({"num_rounds": 5, "options": {"seed": [1]}}, "body.options.seed.bool: Input should be a valid boolean"),
        ({"num_rounds": 5, "options": {"seed": -1}}, "options: seed: Input should be greater than or equal to 0"),
        ({"num_rounds": 5, "options": {"state": "elsewhere"}}, "options: expected some of "),
        ({"num_rounds": 5, "rounds": 5}, "body.rounds: Extra inputs are not permitted"),
    ],
)
def test_bad_request_is_refused_with_its_place(coordinator: Coordinator, body: dict[str, Any], problem: str) -> None:
    refused = coordinator.call("POST", "/v1/trainings", json=body)
    assert refused.status_code == 422
    assert refused.json()["error"]["message"].startswith(problem)
    assert coordinator.call("GET", "/v1/trainings").json()["trainings"] == []


def test_coordinator_that_starts_no_runs_takes_no_trainings() -> None:
    refused = Coordinator().call("POST", "/v1/trainings", json=WANTED)
    assert refused.status_code == 409
    assert "there is no 'training' in its configuration" in refused.json()["error"]["message"]
    assert Coordinator().call("GET", "/v1/trainings").json() == {"schema_version": 1, "trainings": [], "problem": None}


def test_training_nobody_wanted_is_not_found(coordinator: Coordinator) -> None:
    assert coordinator.call("GET", f"/v1/trainings/{'0' * 32}").status_code == 404
    assert coordinator.call("GET", "/v1/trainings/seven").status_code == 422
    assert coordinator.call("POST", f"/v1/trainings/{'0' * 32}/end").status_code == 404


def test_coordinator_does_not_start_without_its_flower_app() -> None:
    config = ServerConfig(training=SETTINGS.model_copy(update={"app": Path("/nonexistent")}))
    with pytest.raises(StartError, match=r"/nonexistent/pyproject.toml: No such file or directory"):
        Coordinator(memory_storage(), config)
