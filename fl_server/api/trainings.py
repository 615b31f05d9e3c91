"""Operators want trainings, watch them and end them; the coordinator keeps them running."""

import dataclasses
from typing import Annotated, Any

import fastapi
import pydantic

from fl_protocol.messages import MAX_PAGE, Message, UtcInstant
from fl_server.api.access import Config, OpenStorage, TrainingSupervisor
from fl_server.storage import trainings
from fl_server.storage.training_starts import starts_of
from fl_server.supervision.run_config import OptionValue
from fl_server.supervision.wanting import want

router = fastapi.APIRouter(prefix="/v1/trainings", tags=["trainings"])
TrainingPath = Annotated[str, fastapi.Path(pattern=r"^[0-9a-f]{32}$", description="The training.")]
_ABANDONED = "ended by an operator"


class TrainingRequest(Message):
    """Asks for rounds."""

    num_rounds: int = pydantic.Field(ge=1, le=10_000, description="Rounds to commit.")
    options: dict[str, OptionValue] = pydantic.Field(
        default={}, max_length=50, description="Options of its runs, such as min-sites; the rest is as set up."
    )


class WantedTraining(Message):
    """Rounds that are or were wanted, and how far they have come."""

    training_id: str = pydantic.Field(description="32 hexadecimal characters.")
    status: trainings.TrainingStatus = pydantic.Field(description="'wanted' until it is done or has failed.")
    num_rounds: int = pydantic.Field(description="Rounds that are wanted.")
    num_committed: int = pydantic.Field(description="Rounds that are there.")
    options: dict[str, Any] = pydantic.Field(description="Options of its runs.")
    is_supervised: bool = pydantic.Field(description="Whether the coordinator starts its runs.")
    reason: str | None = pydantic.Field(description="Why it failed.")
    wanted_utc: UtcInstant = pydantic.Field(description="Since when.")
    num_starts: int = pydantic.Field(description="Runs started since a round was committed last.")
    last_start_utc: UtcInstant | None = pydantic.Field(description="When a run was started last.")
    run_id: str | None = pydantic.Field(description="Flower's number of that run: see 'flwr log'.")
    problem: str | None = pydantic.Field(description="Why that run failed, or could not be started.")


class TrainingPage(Message):
    """Trainings, newest first."""

    trainings: tuple[WantedTraining, ...] = pydantic.Field(description="Newest first.")
    problem: str | None = pydantic.Field(description="Why no run can be started at present; null where one could.")


@router.post("", status_code=201)
def want_training(request: TrainingRequest, storage: OpenStorage, config: Config) -> WantedTraining:
    """Puts down that rounds are wanted; the coordinator starts a run, and starts it again until they are there."""
    return _shown(storage, want(storage, config.training, request.num_rounds, request.options))


@router.get("")
def list_trainings(
    storage: OpenStorage,
    supervisor: TrainingSupervisor,
    limit: Annotated[int, fastapi.Query(ge=1, le=MAX_PAGE)] = 20,
) -> TrainingPage:
    """The trainings that were wanted last, the newest first."""
    shown = tuple(_shown(storage, training) for training in trainings.list_trainings(storage, limit))
    return TrainingPage(trainings=shown, problem=None if supervisor is None else supervisor.problem)


@router.get("/{training_id}")
def read_training(training_id: TrainingPath, storage: OpenStorage) -> WantedTraining:
    """One training."""
    return _shown(storage, trainings.find_training(storage, training_id))


@router.post("/{training_id}/end")
def end_training(training_id: TrainingPath, storage: OpenStorage) -> WantedTraining:
    """Ends a training early; the rounds that are committed stay, but no model is published for them."""
    return _shown(storage, trainings.abandon_training(storage, training_id, _ABANDONED))


def _shown(storage: OpenStorage, training: trainings.Training) -> WantedTraining:
    starts = starts_of(storage, training)
    return WantedTraining(
        **dataclasses.asdict(training),
        num_starts=starts.num_in_row,
        last_start_utc=starts.last_utc,
        run_id=starts.run_id,
        problem=starts.problem,
    )
