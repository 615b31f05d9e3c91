"""``python -m benchmarks.secure_round --json OUT``: what a secure round costs, beside Flower's own."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import dataclasses
import json
import platform
import statistics
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from benchmarks.secure_round.fleet_bench import fleet_rounds
from benchmarks.secure_round.flower_bench import flower_round
from benchmarks.secure_round.site_bench import Cohort, SiteFigures, federation
from fl_runtime.atomic_file import write_atomically
from fl_runtime.command import run_command

_CONFIG = Path(__file__).with_name("config.yaml")

app = typer.Typer(add_completion=False)


@app.command()
def main(
    json_out: Annotated[Path, typer.Option("--json", help="Result.")],
    config: Annotated[Path, typer.Option(help="Sizes.")] = _CONFIG,
) -> None:
    """Runs secure rounds in memory and times what each party does."""
    sizes = yaml.safe_load(config.read_text(encoding="utf-8"))
    result: dict[str, Any] = {"machine": platform.machine(), "cores": os.cpu_count(), "sizes": sizes}
    large = sizes["large"]
    figures = fleet_rounds(large["sites"], large["size"], sizes["moments"], large["dropouts"], large["workers"])
    result[large["name"]] = dataclasses.asdict(figures)
    _tell(large["name"], result[large["name"]])
    for cohort in sizes["small"]:
        result[cohort["name"]] = _cohort(cohort, sizes)
        _tell(cohort["name"], result[cohort["name"]])
    for training in sizes.get("trainings", []):
        _keep(json_out, result)
        from benchmarks.secure_round.training_bench import beside_plain  # loads torch: not before memory is measured

        result[training["name"]] = beside_plain(training)
        _tell(training["name"], result[training["name"]])
    _keep(json_out, result)


def _keep(path: Path, result: dict[str, Any]) -> None:
    """What is there so far: the trainings take an hour."""
    write_atomically(path, (json.dumps(result, indent=2) + "\n").encode())


def _cohort(cohort: dict[str, Any], sizes: dict[str, Any]) -> dict[str, Any]:
    """One small cohort, with Flower's own beside it where asked."""
    told = federation(cohort["sites"], cohort["size"], sizes["moments"])
    sites = Cohort(told, sizes["seed"])
    repeats = sizes["repeats"] if cohort["has_flower"] else 1
    epoch = 0
    rounds: dict[int, list[SiteFigures]] = {}
    for dropouts in cohort["dropouts"]:
        for _ in range(repeats + (repeats > 1)):  # the first warms up
            epoch += 1
            rounds.setdefault(dropouts, []).append(sites.timed_round(epoch, dropouts))
    timed = {dropouts: found[-repeats:] for dropouts, found in rounds.items()}
    first = timed[cohort["dropouts"][0]]
    parameters = told.group.parameters
    result: dict[str, Any] = {
        "degree": parameters.degree,
        "share_threshold": parameters.share_threshold,
        "bits": told.code.segment.num_bits,
        "upload_ratio": max(one.upload_bytes for one in first) / (4 * cohort["size"]),
        "site_cpu_ms": statistics.median(one.site_cpu_ms for one in first),
        "add_ms": statistics.median(one.add_ms for one in first),
        "unmask_s": {f"drop{many}": statistics.median(one.unmask_s for one in found) for many, found in timed.items()},
        "largest_error": max(one.largest_error for found in timed.values() for one in found),
    }
    if cohort["has_flower"]:
        theirs = {
            many: flower_round(cohort["sites"], cohort["size"], parameters.share_threshold, many, sizes["seed"])
            for many in cohort["dropouts"]
        }
        own = theirs[cohort["dropouts"][0]]
        result["flower"] = {
            "upload_ratio": own.upload_bytes / (4 * cohort["size"]),
            "site_cpu_ms": own.client_cpu_ms,
            "unmask_s": {f"drop{many}": one.unmask_s for many, one in theirs.items()},
        }
        result["speedup_over_flower"] = {
            name: result["flower"]["unmask_s"][name] / ours for name, ours in result["unmask_s"].items()
        } | {"site": own.client_cpu_ms / result["site_cpu_ms"]}
    return result


def _tell(name: str, figures: dict[str, Any]) -> None:
    typer.echo(f"{name}: {json.dumps(figures, default=str)}")


if __name__ == "__main__":
    run_command(app)
