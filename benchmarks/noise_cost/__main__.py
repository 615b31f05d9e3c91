"""``python -m benchmarks.noise_cost --json OUT``: what noise costs the mean of updates, and a model."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("FLWR_TELEMETRY_ENABLED", "0")
os.environ.setdefault("FLWR_DISABLE_UPDATE_CHECK", "1")

import json
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from benchmarks.noise_cost.mean_error import mean_error
from fl_runtime.atomic_file import write_atomically
from fl_runtime.command import run_command
from fl_server.rounds.privacy_budget import PrivacyBudget

_CONFIG = Path(__file__).with_name("config.yaml")

app = typer.Typer(add_completion=False)


@app.command()
def main(
    json_out: Annotated[Path, typer.Option("--json", help="Result.")],
    config: Annotated[Path, typer.Option(help="Sizes.")] = _CONFIG,
) -> None:
    """Measures means of noised updates, and models trained on them."""
    sizes = yaml.safe_load(config.read_text(encoding="utf-8"))
    result: dict[str, Any] = {"sizes": sizes, "mean": {}}
    for num_sites in sizes["fleets"]:
        for epsilon in sizes["epsilons"]:
            budget = PrivacyBudget(epsilon, sizes["delta"])
            figures = mean_error(num_sites, sizes["parameters"], budget, sizes["rounds"], sizes["seed"])
            result["mean"][f"{num_sites} sites, epsilon {epsilon:g}"] = figures
            typer.echo(f"{num_sites} sites, epsilon {epsilon:g}: {figures}", err=True)
    if "training" in sizes:
        from benchmarks.noise_cost.trained import held_out_aucs

        result["auc"] = held_out_aucs(sizes["training"], sizes["seed"])
        typer.echo(f"auc by epsilon: {result['auc']}", err=True)
    write_atomically(json_out, (json.dumps(result, indent=2) + "\n").encode())


if __name__ == "__main__":
    run_command(app)
