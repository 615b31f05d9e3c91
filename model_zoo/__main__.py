"""The models' own commands: ``python -m model_zoo evaluate ped2 --root DIR``."""

import io
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy and ONNX Runtime start: figures are those of one core

import cv2
import numpy as np
import typer

from fl_runtime.atomic_file import write_atomically
from fl_runtime.command import run_command
from fl_runtime.config_file import load_config
from model_zoo.datasets.published import read_ucsd
from model_zoo.datasets.synthetic import is_world_footage, read_world_footage
from model_zoo.errors import FootageError, ModelZooError
from model_zoo.evaluation.context_swap import evaluate_context_swap, swap_text
from model_zoo.evaluation.data_sets import READERS
from model_zoo.evaluation.exact_swaps import evaluate_exact_swaps, exact_swaps_text
from model_zoo.evaluation.experiment import Evaluation, run_evaluation
from model_zoo.evaluation.report import as_json, as_text
from model_zoo.evaluation.settings import EvaluationSettings

DEFAULT_DETECTOR = Path("models") / "yolox_nano_416x416.onnx"
"""Looked for beside the folder that data sets lie in, where neither configuration nor command line names one."""

CONTEXT_SWAP = "context-swap"

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.callback()
def main() -> None:
    """Evaluates detection on real footage."""


@app.command()
def evaluate(  # noqa: PLR0913, PLR0917  one parameter for each option
    data_set: Annotated[str, typer.Argument(help="ped2, avenue, shanghaitech, ucf-crime or context-swap.")],
    root: Annotated[Path, typer.Option(help="Folder of the data set, as its authors publish it.")],
    config: Annotated[Path | None, typer.Option(help="YAML file; the frozen configuration when absent.")] = None,
    detector: Annotated[Path | None, typer.Option(help="ONNX object detector, over the configuration's.")] = None,
    json_out: Annotated[Path | None, typer.Option("--json", help="File to write all figures to.")] = None,
    scores: Annotated[Path | None, typer.Option(help="NPZ file for the raw score of every test frame.")] = None,
) -> None:
    """Learns from a data set's training clips and tests on its test clips."""
    for path in filter(None, (json_out, scores)):
        if not path.absolute().parent.is_dir():
            raise typer.BadParameter(f"{path}: expected a folder to write to, {path.parent} is none")
    settings = _settings(root, config, detector)
    if data_set == CONTEXT_SWAP:
        _context_swap(root, settings, json_out)
        return
    evaluation = _evaluated(data_set, root, settings)
    if scores is not None:
        _write_scores(evaluation, scores)
    if json_out is not None:
        write_atomically(json_out, (json.dumps(as_json(evaluation), indent=2) + "\n").encode())
    typer.echo(as_text(evaluation))


def _settings(root: Path, config: Path | None, detector: Path | None) -> EvaluationSettings:
    settings = load_config(config, EvaluationSettings) if config else EvaluationSettings()
    beside = root.resolve().parent.parent / DEFAULT_DETECTOR
    if detector is not None or (config is None and beside.is_file()):
        settings = settings.model_copy(update={"detector": detector or beside})
    if settings.detector is None:
        _say("no object detector configured: objects come from the foreground alone")
    return settings


def _evaluated(name: str, root: Path, settings: EvaluationSettings) -> Evaluation:
    """The evaluation, on one core."""
    if name not in READERS:
        raise FootageError(f"data set: expected one of {', '.join(READERS)}, {CONTEXT_SWAP}, got {name!r}")
    data = READERS[name](root)
    _pin_to_one_core()
    return run_evaluation(data, settings, _stopwatch())


def _context_swap(root: Path, settings: EvaluationSettings, json_out: Path | None) -> None:
    if is_world_footage(root):
        footage = read_world_footage(root)
        _pin_to_one_core()
        figures = evaluate_exact_swaps(footage, settings, _stopwatch())
        text = exact_swaps_text(figures)
    else:
        data = read_ucsd(root)
        _pin_to_one_core()
        figures = evaluate_context_swap(data, settings, _stopwatch())
        text = swap_text(figures)
    if json_out is not None:
        write_atomically(json_out, (json.dumps(figures, indent=2) + "\n").encode())
    typer.echo(text)


def _stopwatch() -> Callable[[str], None]:
    """Says what is done, and after how long."""
    began = time.monotonic()
    return lambda done: _say(f"{done}: {time.monotonic() - began:.1f} s")


def _write_scores(evaluation: Evaluation, path: Path) -> None:
    """The raw causal score of every test frame, one array by clip."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **{one.clip.name: one.scores for one in evaluation.tested})
    write_atomically(path, buffer.getvalue())


def _pin_to_one_core() -> None:
    cv2.setNumThreads(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def _say(text: str) -> None:
    typer.echo(text, err=True)


if __name__ == "__main__":
    run_command(app, ModelZooError)
