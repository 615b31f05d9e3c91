"""``python -m benchmarks.simulation_scale --json OUT``: many sites on one machine, beside Flower's on Ray."""

import dataclasses
import json
import os
import platform
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from benchmarks.simulation_scale.job import Engine, Job
from benchmarks.simulation_scale.measured import EngineError, measured
from fl_runtime.atomic_file import write_atomically
from fl_runtime.command import run_command

_CONFIG = Path(__file__).with_name("config.yaml")
_ENGINES: tuple[Engine, ...] = ("secure", "plain", "ray")

app = typer.Typer(add_completion=False)


@app.command()
def main(
    json_out: Annotated[Path, typer.Option("--json", help="Result.")],
    config: Annotated[Path, typer.Option(help="Sizes.")] = _CONFIG,
    ray_python: Annotated[str | None, typer.Option(help="Interpreter with flwr[simulation]; left out: no Ray.")] = None,
) -> None:
    """Runs rounds of many trivial sites on this machine and measures time and memory."""
    sizes = yaml.safe_load(config.read_text(encoding="utf-8"))
    if ray_python is None:
        typer.echo("ray: skipped; --ray-python PATH names an interpreter that has it", err=True)
    pythons = {"secure": sys.executable, "plain": sys.executable, "ray": ray_python}
    result: dict[str, Any] = {"machine": platform.machine(), "cores": os.cpu_count(), "sizes": sizes}
    for engine in _ENGINES:
        python = pythons[engine]
        result[engine] = {} if python is None else _by_clients(engine, python, sizes)
    write_atomically(json_out, (json.dumps(result | ratios(result["plain"], result["ray"]), indent=2) + "\n").encode())


def _by_clients(engine: Engine, python: str, sizes: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for num_clients in sizes[engine]:
        figures = dataclasses.asdict(measured(python, _job(engine, num_clients, sizes)))
        typer.echo(f"{engine}, {num_clients} clients: {json.dumps(figures)}", err=True)
        found[str(num_clients)] = figures
    return found


def _job(engine: Engine, num_clients: int, sizes: dict[str, Any]) -> Job:
    return Job(
        engine=engine,
        num_clients=num_clients,
        num_parameters=sizes["parameters"][engine],
        num_moments=sizes["moments"],
        num_rounds=sizes["rounds"],
        num_workers=sizes["workers"][engine],
        num_cpus=sizes["cpus"],
        seed=sizes["seed"],
        deadline_s=sizes["deadline_s"],
        folder="",
    )


def ratios(plain: dict[str, Any], ray: dict[str, Any]) -> dict[str, float]:
    """How many times as long, and as much memory, Ray takes; of those numbers of clients that both ran."""
    wanted = (
        ("first_result_ratio_20", "20", "first_result_s"),
        ("memory_ratio_500", "500", "peak_mb"),
        ("memory_shared_once_ratio_500", "500", "peak_shared_once_mb"),
    )
    return {
        name: ray[clients][figure] / plain[clients][figure]
        for name, clients, figure in wanted
        if clients in ray and clients in plain
    }


if __name__ == "__main__":
    run_command(app, EngineError)
