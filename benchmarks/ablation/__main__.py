"""``python -m benchmarks.ablation --json OUT --work FOLDER``: resumable."""

import json
import os
import platform
import time
from pathlib import Path
from typing import Annotated, Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import typer

from benchmarks.ablation.variants import AblationConfig, Seed, run_seed
from fl_runtime.atomic_file import write_atomically
from fl_runtime.command import run_command
from fl_runtime.config_file import load_config
from simulation.errors import OutputError, SimulationError

CONFIG = Path(__file__).with_name("config.yaml")

app = typer.Typer(add_completion=False)


@app.command()
def main(
    json_out: Annotated[Path, typer.Option("--json", help="Result; seeds already in it are not run again.")],
    work: Annotated[Path, typer.Option(help="Folder for footage and models, kept for the next run.")],
    config: Annotated[Path, typer.Option(help="What is compared.")] = CONFIG,
) -> None:
    """Trains networks that differ in one thing, over several seeds, and prints what each is worth."""
    chosen = load_config(config, AblationConfig)
    result = _read(json_out, chosen) if json_out.exists() else _facts(chosen)
    for number in chosen.seeds:
        if str(number) not in result["seeds"]:
            began = time.monotonic()
            seed = Seed(number, chosen.cameras, work / f"seed{number}")
            figures = run_seed(seed, chosen.variants, chosen.steps, os.cpu_count() or 1)
            result["seeds"][str(number)] = {"figures": figures, "wall_s": time.monotonic() - began}
            write_atomically(json_out, (json.dumps(result, indent=2) + "\n").encode())
    typer.echo(_table([one["figures"] for one in result["seeds"].values()]))


def _read(path: Path, config: AblationConfig) -> dict[str, Any]:
    """An earlier result of the same comparison, on whatever seeds.

    Raises:
        OutputError: The file holds something else.
    """
    try:
        result: dict[str, Any] = json.loads(path.read_bytes())
        before = AblationConfig.model_validate(result["config"])
    except (ValueError, LookupError, TypeError) as error:
        raise OutputError(f"{path}: expected a result of this command, got {type(error).__name__}: {error}") from error
    if before.model_copy(update={"seeds": config.seeds}) != config:
        raise OutputError(f"{path}: expected results of this configuration, got those of another; use a new file")
    return result


def _facts(config: AblationConfig) -> dict[str, Any]:
    machine = {"machine": platform.machine(), "python": platform.python_version(), "cpus": os.cpu_count()}
    return {**machine, "config": config.model_dump(mode="json"), "seeds": {}}


def _table(seeds: list[dict[str, dict[str, float]]]) -> str:
    """Mean and deviation over seeds, in per cent, and how much less or more than the first row appearance is found."""
    first, columns = next(iter(seeds[0])), list(next(iter(seeds[0].values())))
    lines = [f"{'':<20}" + "".join(f"{column:>14}" for column in (*columns, "less first"))]
    for name in seeds[0]:
        less = np.array([figures[name]["appearance"] - figures[first]["appearance"] for figures in seeds]) * 100
        cells = [np.array([figures[name][column] for figures in seeds], dtype=np.float64) * 100 for column in columns]
        spread = [
            *((cell.mean(), cell.std()) for cell in cells),
            (less.mean(), less.std() / max(1, len(less) - 1) ** 0.5),
        ]
        lines.append(f"{name:<20}" + "".join(f"{mean:>8.1f} ± {either_way:<3.1f}" for mean, either_way in spread))
    return "\n".join(lines)


if __name__ == "__main__":
    run_command(app, SimulationError)
