"""``python -m benchmarks.edge --footage VIDEO --detector FILE --json OUT``: cameras that one box sustains."""

import dataclasses
import functools
import json
import os
import platform
import shutil
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from benchmarks.edge.cuts import clip_cut_speedup, prebuffer_ratio
from benchmarks.edge.films import make_films
from benchmarks.edge.ours import learn
from benchmarks.edge.theirs import straightforward_trial
from benchmarks.edge.trial import Trial, best, most_sustained
from fl_runtime.atomic_file import write_atomically
from fl_runtime.command import run_command

_CONFIG = Path(__file__).with_name("config.yaml")
_EVERY = {"every_frame": 1, "5fps": 3}

app = typer.Typer(add_completion=False)


@app.command()
def main(
    footage: Annotated[Path, typer.Option(help="Video of people who move, such as OpenCV's vtest.avi.")],
    detector: Annotated[Path, typer.Option(help="YOLOX, ONNX, for the pipeline beside ours.")],
    json_out: Annotated[Path, typer.Option("--json", help="Result.")],
    work: Annotated[Path, typer.Option(help="Folder for films; kept.")] = Path("build/edge"),
    config: Annotated[Path, typer.Option(help="Sizes.")] = _CONFIG,
) -> None:
    """Finds how many cameras a box sustains, beside the straightforward pipeline, and what clips cost."""
    sizes = yaml.safe_load(config.read_text(encoding="utf-8"))
    films = make_films(footage, work, sizes["films"], sizes["seconds"], sizes["seed"])
    shutil.rmtree(work / "learned", ignore_errors=True)
    boxes = learn(films, work, os.cpu_count() or 1)
    result: dict[str, Any] = {"machine": platform.processor(), "cores": os.cpu_count(), "sizes": sizes}
    result["prebuffer_ratio"] = prebuffer_ratio(films[0])
    result["clips"] = clip_cut_speedup(films[0])
    result["clip_cut_speedup"] = result["clips"]["clip_cut_speedup"]
    for cores in sizes["cores"]:
        found: dict[str, Any] = {}
        ours = most_sustained(dataclasses.replace(boxes, cores=cores).trial, **sizes["ours"])
        found["ours"] = _told(f"ours, {cores} cores", ours)
        for name, every in _EVERY.items():
            run = functools.partial(straightforward_trial, films, str(detector), cores, every)
            found[name] = _told(f"{name}, {cores} cores", most_sustained(run, **sizes[name]))
        most = best(ours)
        if most is not None:
            found["anomaly"] = dataclasses.asdict(
                dataclasses.replace(boxes, cores=cores).trial(most.num_cameras, "anomaly")
            )
        result[f"on_{cores}"] = found
        write_atomically(json_out, (json.dumps(result | _keys(result), indent=2) + "\n").encode())


def _told(what: str, trials: list[Trial]) -> dict[str, Any]:
    for one in trials:
        typer.echo(f"{what}: {'sustained' if one.is_sustained else 'too many'}: {dataclasses.asdict(one)}", err=True)
    most = best(trials)
    tried = [dataclasses.asdict(one) for one in trials]
    return {"best": None if most is None else dataclasses.asdict(most), "trials": tried}


def _keys(result: dict[str, Any]) -> dict[str, Any]:
    """The figures by the names that they are asked for."""
    found = result.get("on_2")
    if found is None or not all(found[name]["best"] for name in ("ours", *_EVERY)):
        return {}
    ours = found["ours"]["best"]
    return {
        "cameras_two_cores": ours["num_cameras"],
        "cameras_ratio": ours["num_cameras"] / found["every_frame"]["best"]["num_cameras"],
        "cameras_ratio_5fps": ours["num_cameras"] / found["5fps"]["best"]["num_cameras"],
        "alert_p95_s": {"rule": ours["alert_p95_s"], "anomaly": found["anomaly"]["alert_p95_s"]},
        "memory_mb_per_camera": ours["memory_mb"] / ours["num_cameras"],
    }


if __name__ == "__main__":
    run_command(app)
