"""``python -m benchmarks.detection_selection --root DIR --detector FILE --json OUT``: resumable."""

import json
import os
import platform
import time
from pathlib import Path
from typing import Annotated, Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import pydantic
import typer

from benchmarks.detection_selection.selection import Footage, candidate_figures, paste_clips
from fl_runtime.atomic_file import write_atomically
from fl_runtime.command import run_command
from fl_runtime.config_file import load_config
from model_zoo.datasets.published import read_ucsd
from model_zoo.errors import ModelZooError
from model_zoo.evaluation.settings import EvaluationSettings

CANDIDATES = Path(__file__).with_name("config.yaml")

app = typer.Typer(add_completion=False)


class SelectionConfig(pydantic.BaseModel, strict=True, frozen=True, extra="forbid", allow_inf_nan=False):
    """The candidates, and the clips they are judged on."""

    pasted_per_clip: Annotated[int, pydantic.Field(ge=1, le=100, description="pasted clips from each training clip")]
    seed: Annotated[int, pydantic.Field(ge=0, description="of every draw")]
    candidates: Annotated[
        dict[str, dict[str, Any]],
        pydantic.Field(min_length=1, description="changes to the frozen configuration, by name"),
    ]


@app.command()
def main(
    root: Annotated[Path, typer.Option(help="Folder in the Ped2 layout; only its training clips are read.")],
    detector: Annotated[Path, typer.Option(help="ONNX object detector.")],
    json_out: Annotated[Path, typer.Option("--json", help="Result; candidates already in it are not run again.")],
    config: Annotated[Path, typer.Option(help="Candidates.")] = CANDIDATES,
) -> None:
    """Ranks configurations on training clips into which somebody unusual was pasted."""
    cv2.setNumThreads(1)
    chosen = load_config(config, SelectionConfig)
    settings = {name: _changed(detector, changes) for name, changes in chosen.candidates.items()}
    result = json.loads(json_out.read_text()) if json_out.exists() else _facts(chosen)
    footage: Footage | None = None
    for name, one in settings.items():
        if name not in result["candidates"]:
            footage = footage or paste_clips(
                read_ucsd(root).training, EvaluationSettings(detector=detector), chosen.pasted_per_clip, chosen.seed
            )
            began = time.monotonic()
            result["candidates"][name] = candidate_figures(footage, one) | {"wall_s": time.monotonic() - began}
            write_atomically(json_out, (json.dumps(result, indent=2) + "\n").encode())
        typer.echo(_line(name, result["candidates"][name]))


def _changed(detector: Path, changes: dict[str, Any]) -> EvaluationSettings:
    return EvaluationSettings.model_validate({"detector": detector, **changes})


def _facts(config: SelectionConfig) -> dict[str, Any]:
    machine = {"machine": platform.machine(), "python": platform.python_version(), "cpus": os.cpu_count()}
    return {**machine, "seed": config.seed, "pasted_per_clip": config.pasted_per_clip, "candidates": {}}


def _line(name: str, figures: dict[str, Any]) -> str:
    micro = ", ".join(f"{100 * figures['micro'][key]:.1f}" for key in ("raw", "causal", "smoothed"))
    found = ", ".join(f"{kind} {share:.2f}" for kind, share in figures["recall_by_kind"].items())
    return (
        f"{name:<26} AUC {micro}  recall {figures['recall']:.3f} ({found})  "
        f"false {figures['false_frames_per_1000']:.1f}  delay {figures['median_delay_frames']}"
    )


if __name__ == "__main__":
    run_command(app, ModelZooError)
