"""The models' own commands: ``python -m model_zoo fetch yolox_nano``, ``... evaluate ped2 --root DIR``."""

import io
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy and ONNX Runtime start: figures are those of one core

import cv2
import numpy as np
import typer

from fl_runtime.atomic_file import write_atomically
from fl_runtime.command import FAILED, run_command
from fl_runtime.config_file import load_config
from fl_runtime.log_setup import set_up_logging
from model_zoo.datasets.clip import DataSet
from model_zoo.datasets.published import read_ucsd
from model_zoo.datasets.synthetic import is_world_footage, read_world_footage
from model_zoo.downloads import DOWNLOADS, Download
from model_zoo.errors import FetchError, FootageError, ModelZooError
from model_zoo.evaluation.context_swap import evaluate_context_swap, swap_text
from model_zoo.evaluation.data_sets import READERS
from model_zoo.evaluation.exact_swaps import evaluate_exact_swaps, exact_swaps_text
from model_zoo.evaluation.experiment import Evaluation, run_evaluation
from model_zoo.evaluation.report import as_json, as_text
from model_zoo.evaluation.settings import EvaluationSettings
from model_zoo.evaluation.sight import clip_named, see
from model_zoo.fetching import fetch as fetch_content
from model_zoo.fetching import is_right

DEFAULT_DETECTOR = Path("models") / "yolox_nano_416x416.onnx"
"""Looked for beside the folder that data sets lie in, where neither configuration nor command line names one."""

CONTEXT_SWAP = "context-swap"

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.callback()
def main() -> None:
    """Evaluates detection on real footage, shows what it sees, and fetches an object detector for it."""
    set_up_logging("warning")


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help=f"{', '.join(DOWNLOADS)}: the file NAME.onnx.")],
    out: Annotated[Path, typer.Option(help="Folder to put it in.")] = Path(),
    url: Annotated[str | None, typer.Option(help="A mirror's HTTPS address; the file must be the same.")] = None,
) -> None:
    """Fetches yolox_nano or yolox_tiny, checks that it is the published file, and prints where it is."""
    if name not in DOWNLOADS:
        raise typer.BadParameter(f"expected one of {', '.join(DOWNLOADS)}, got {name!r}")
    path, download = out / f"{name}.onnx", DOWNLOADS[name]
    _check_folder_of(path)
    try:
        fetch_to(path, download, url or download.url)
    except FetchError as error:
        _say(f"error: {error}")
        raise typer.Exit(FAILED) from error
    typer.echo(path)


def fetch_to(path: Path, download: Download, url: str) -> None:
    """Fetches a file to ``path``; leaves it alone where it is there already.

    Raises:
        FetchError: The file could not be had, or another one has its name.
    """
    try:
        if path.exists():
            if path.stat().st_size != download.num_bytes or not is_right(path.read_bytes(), download):
                raise FetchError(f"{path}: another file than the one published; remove it or choose another folder")
            _say(f"{path} is there already")
            return
        _say(f"fetching {url} ({download.num_bytes} bytes, {download.licence})")
        with typer.progressbar(length=download.num_bytes, label=path.name, file=sys.stderr) as bar:
            content = fetch_content(download, url, bar.update)
        write_atomically(path, content)
    except OSError as error:
        raise FetchError(f"{path}: {error.strerror or error}") from error


@app.command()
def evaluate(  # noqa: PLR0913, PLR0917  one parameter for each option
    data_set: Annotated[str, typer.Argument(help=f"{', '.join(READERS)} or {CONTEXT_SWAP}.")],
    root: Annotated[Path, typer.Option(help="Folder of the data set, as its authors publish it.")],
    config: Annotated[Path | None, typer.Option(help="YAML file; the frozen configuration when absent.")] = None,
    detector: Annotated[Path | None, typer.Option(help="ONNX object detector, over the configuration's.")] = None,
    json_out: Annotated[Path | None, typer.Option("--json", help="File to write all figures to.")] = None,
    scores: Annotated[Path | None, typer.Option(help="NPZ file for the raw score of every test frame.")] = None,
) -> None:
    """Learns from a data set's training clips and tests on its test clips.

    DATA_SET is ped2, avenue, shanghaitech, ucf-crime, pets (tracks and false alarms: all of it is normal) or
    context-swap.
    """
    for path in filter(None, (json_out, scores)):
        _check_folder_of(path)
    if data_set == CONTEXT_SWAP and scores is not None:
        raise typer.BadParameter(f"--scores {scores}: {CONTEXT_SWAP} scores each frame in two contexts; use --json")
    settings = _settings(root, config, detector)
    if data_set == CONTEXT_SWAP:
        _context_swap(root, settings, json_out)
        return
    evaluation = run_evaluation(_data_set(data_set, root, CONTEXT_SWAP), settings, _stopwatch())
    if scores is not None:
        _write_scores(evaluation, scores)
    if json_out is not None:
        write_atomically(json_out, (json.dumps(as_json(evaluation), indent=2) + "\n").encode())
    typer.echo(as_text(evaluation))


@app.command()
def picture(  # noqa: PLR0913, PLR0917  one parameter for each option
    data_set: Annotated[str, typer.Argument(help=", ".join(READERS))],
    root: Annotated[Path, typer.Option(help="Folder of the data set, as its authors publish it.")],
    clip: Annotated[str, typer.Option(help="Name of a test clip.")],
    out: Annotated[Path, typer.Option(help="PNG file to write.")],
    config: Annotated[Path | None, typer.Option(help="YAML file; the frozen configuration when absent.")] = None,
    detector: Annotated[Path | None, typer.Option(help="ONNX object detector, over the configuration's.")] = None,
    without_footage: Annotated[bool, typer.Option("--without-footage", help="Boxes on blank ground alone.")] = False,
) -> None:
    """Draws what the model sees of one test clip.

    DATA_SET is ped2, avenue, shanghaitech, ucf-crime or pets.
    """
    _check_folder_of(out)
    if out.suffix != ".png":
        raise typer.BadParameter(f"{out}: expected a file name that ends in .png")
    draw, settings = _drawing(), _settings(root, config, detector)
    data = _data_set(data_set, root)
    sight = see(data, clip_named(data, clip), settings, _stopwatch())
    write_atomically(out, draw(sight, has_footage=not without_footage))
    typer.echo(out)


def _drawing() -> Callable[..., bytes]:
    """What draws; matplotlib comes with the simulation alone.

    Raises:
        ModelZooError: It is not installed.
    """
    try:
        from model_zoo.evaluation.picture import draw
    except ImportError as error:
        raise ModelZooError(f"pictures need matplotlib ({error}): pip install 'edgeguard[sim]'") from error
    return draw


def _check_folder_of(path: Path) -> None:
    if not path.absolute().parent.is_dir():
        raise typer.BadParameter(f"{path}: expected a folder to write to, {path.parent} is none")


def _settings(root: Path, config: Path | None, detector: Path | None) -> EvaluationSettings:
    settings = load_config(config, EvaluationSettings) if config else EvaluationSettings()
    beside = root.resolve().parent.parent / DEFAULT_DETECTOR
    if detector is not None or (config is None and beside.is_file()):
        settings = settings.model_copy(update={"detector": detector or beside})
    if settings.detector is None:
        _say("no object detector configured: objects come from the foreground alone")
    else:
        _say(f"objects come from {settings.detector}")
    return settings


def _data_set(name: str, root: Path, *others: str) -> DataSet:
    """The data set, to be watched on one core; ``others`` are what the command takes beside data sets."""
    if name not in READERS:
        raise FootageError(f"data set: expected one of {', '.join([*READERS, *others])}, got {name!r}")
    _pin_to_one_core()
    return READERS[name](root)


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
