"""Runs of training at the SuperLink: listed and started by Flower's own commands.

Rules:

1. A command is a process of its own, without a shell, and is killed when its time is over or the coordinator stops.
2. What it prints is checked: the SuperLink is another program, of another version one day.
3. Which runs are ours is told by the app they run. A run's number is known only once Flower has answered, so a
   coordinator killed before that would not know its own.
"""

import asyncio
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

import pydantic

from fl_runtime.errors import FlowerCommandError
from fl_runtime.flower_command import answer_of, flower_environment, flower_program
from fl_server.config import TrainingSupervision
from fl_server.storage.trainings import Training
from fl_server.supervision.next_step import FlowerRun
from fl_server.supervision.run_config import run_config

NUM_LISTED = 100
_FINISHED, _COMPLETED = "finished", "finished:completed"


class _ListedRun(pydantic.BaseModel):
    """The fields that count of a run in ``flwr ls --format json``."""

    run_id: str = pydantic.Field(alias="run-id", pattern=r"^[0-9]{1,20}$")
    app_id: str = pydantic.Field(alias="fab-id")
    status: str
    details: str = pydantic.Field(alias="status-details")


class _Listing(pydantic.BaseModel):
    runs: list[_ListedRun]


class _Started(pydantic.BaseModel):
    run_id: str = pydantic.Field(alias="run-id", pattern=r"^[0-9]{1,20}$")


class FlowerRuns:
    """The SuperLink's runs, through ``flwr``.

    Args:
        settings: Where its configuration and the bundle are, and how long a command may take.
    """

    def __init__(self, settings: TrainingSupervision) -> None:
        self._settings = settings

    async def newest(self) -> tuple[FlowerRun, ...]:
        """The newest ``NUM_LISTED`` runs.

        Raises:
            FlowerCommandError: The SuperLink does not answer, or not as expected.
        """
        return runs_in(await self._ask("ls", self._settings.connection, "--limit", str(NUM_LISTED)))

    async def start(self, training: Training) -> str:
        """Starts a run of a training; returns Flower's number of the run.

        Raises:
            FlowerCommandError: The SuperLink does not answer, or refuses.
        """
        words = ("run", str(self._settings.app), self._settings.connection, "--run-config", run_config(training))
        return run_started(await self._ask(*words))

    async def _ask(self, *words: str) -> Mapping[str, Any]:
        command = [flower_program(), *words, "--format", "json"]
        ended = await _run(command, flower_environment(self._settings.home), self._settings.command_timeout_s)
        return answer_of(ended, f"flwr {words[0]}")


def runs_in(answer: Mapping[str, Any]) -> tuple[FlowerRun, ...]:
    """The runs that ``flwr ls`` printed.

    Raises:
        FlowerCommandError: It printed something else.
    """
    try:
        listed = _Listing.model_validate(answer).runs
    except pydantic.ValidationError as error:
        problem = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(str(step) for step in problem["loc"])
        raise FlowerCommandError(f"flwr ls: {place}: {problem['msg']}") from error
    return tuple(_seen(run) for run in listed)


def run_started(answer: Mapping[str, Any]) -> str:
    """The number of the run that ``flwr run`` started.

    Raises:
        FlowerCommandError: It printed something else.
    """
    try:
        return _Started.model_validate(answer).run_id
    except pydantic.ValidationError as error:
        raise FlowerCommandError("flwr run: expected the number of a run, got none") from error


def _seen(run: _ListedRun) -> FlowerRun:
    is_live = run.status.partition(":")[0] != _FINISHED
    if is_live or run.status == _COMPLETED:
        return FlowerRun(run.run_id, run.app_id, is_live)
    details = " ".join(run.details.split())
    return FlowerRun(run.run_id, run.app_id, is_live, f"{run.status.partition(':')[2]}: {details}")


async def _run(
    command: Sequence[str], environment: Mapping[str, str], timeout_s: float
) -> "subprocess.CompletedProcess[str]":
    """Runs a command to its end; kills it when the time is over or the caller is cancelled."""
    pipe, what = asyncio.subprocess.PIPE, f"flwr {command[1]}"
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe, env=environment
        )
    except OSError as error:
        raise FlowerCommandError(f"{what}: cannot be run: {error}") from error
    try:
        async with asyncio.timeout(timeout_s):
            output, problems = await process.communicate()
    except TimeoutError as error:
        raise FlowerCommandError(f"{what}: no answer within {timeout_s:g} s") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    status = process.returncode or 0
    return subprocess.CompletedProcess(
        command, status, output.decode(errors="replace"), problems.decode(errors="replace")
    )
