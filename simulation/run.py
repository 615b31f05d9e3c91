"""Many sites on one machine: ``python simulation/run.py --clients 20``.

Prepares emulated sites, trains them together over Flower, exports and tests the int8 model, lets a simulated operator
judge its alerts, trains one more round on that, and writes ``metrics.json``, ``report.html`` and the models.
"""

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

if __name__ == "__main__":  # run as a file: the packages lie beside this folder
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

os.environ["OMP_NUM_THREADS"] = "1"  # before torch and its workers start: two workers on two cores
os.environ["FLWR_TELEMETRY_ENABLED"] = "0"
os.environ["FLWR_DISABLE_UPDATE_CHECK"] = "1"

import typer

from model_zoo.backbones.parts import PartChoice, PersonalParts, TrainedParts

STEPS_OF_ALL = {"default": 240, "random": 400}
"""By what a run starts from. Few clients train longer each: a round takes as long, and the model learns as much."""
MOST_SHARING = 20
"""More clients train as long as so many do."""

app = typer.Typer(add_completion=False)


@app.command()
def main(  # noqa: PLR0913  one parameter for each option
    *,
    clients: Annotated[int, typer.Option(min=1, max=1000, help="Emulated sites, one camera each.")] = 20,
    rounds: Annotated[int, typer.Option(min=1, max=1000, help="Training rounds before the test.")] = 5,
    steps: Annotated[
        int | None,
        typer.Option(
            min=1, max=10_000, help="Local steps of a client in a round; else 240 are shared, from nothing 400."
        ),
    ] = None,
    footage: Annotated[Path | None, typer.Option(help="Real footage instead of the synthetic world.")] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, help="Seed of every random choice.")] = 0,
    baselines: Annotated[bool, typer.Option("--baselines", help="Also train blind and pooled baselines.")] = False,
    initial: Annotated[
        Literal["default", "random"] | None,
        typer.Option(help="Start from the model that ships, or from nothing; else random with --baselines only."),
    ] = None,
    secure: Annotated[
        bool | None,
        typer.Option("--secure/--plain", help="Mask updates, or let the coordinator read each; else masked from 3 on."),
    ] = None,
    trained_parts: Annotated[TrainedParts, typer.Option(help="What rounds train; the rest stays as it is.")] = "all",
    personal_parts: Annotated[
        PersonalParts,
        typer.Option(help="What sites train and keep to themselves."),
    ] = "none",
    workers: Annotated[int, typer.Option(min=1, max=64, help="Worker processes.")] = os.cpu_count() or 1,
    out: Annotated[Path, typer.Option(help="Folder for the results; earlier ones are replaced.")] = Path("out/run"),
) -> None:
    """Runs a federation of emulated sites on this machine and reports on it."""
    from fl_protocol.secure_sum.parameters import SMALLEST_ROUND
    from simulation.experiment import Settings, run_experiment

    initial = initial or ("random" if baselines else "default")  # as the baselines do, or as stores do
    steps = steps or STEPS_OF_ALL[initial] // min(clients, MOST_SHARING)
    if secure and clients < SMALLEST_ROUND:
        raise typer.BadParameter(f"--secure: expected at least {SMALLEST_ROUND} clients, got {clients}")
    secure = clients >= SMALLEST_ROUND if secure is None else secure
    try:
        parts = PartChoice(trained_parts, personal_parts)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    settings = Settings(clients, rounds, steps, footage, seed, baselines, workers, initial, secure, out, parts)
    results = run_experiment(settings)
    typer.echo(results)


if __name__ == "__main__":
    from fl_runtime.command import run_command
    from model_zoo.errors import FootageError
    from simulation.errors import SimulationError

    run_command(app, SimulationError, FootageError)
