"""The models' own commands: ``python -m model_zoo evaluate ped2 --root DIR``."""

import json
import os
from pathlib import Path
from typing import Annotated

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy and ONNX Runtime start: figures are those of one core

import typer

from fl_runtime.atomic_file import write_atomically
from fl_runtime.command import run_command
from model_zoo.errors import ModelZooError

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.callback()
def main() -> None:
    """Evaluates detection on real footage."""


@app.command()
def evaluate(
    data_set: Annotated[str, typer.Argument(help="ped2, avenue, shanghaitech or ucf-crime.")],
    root: Annotated[Path, typer.Option(help="Folder of the data set, as its authors publish it.")],
    config: Annotated[Path | None, typer.Option(help="YAML file; the frozen configuration when absent.")] = None,
    detector: Annotated[Path | None, typer.Option(help="ONNX object detector, over the configuration's.")] = None,
    json_out: Annotated[Path | None, typer.Option("--json", help="File to write all figures to.")] = None,
    scores: Annotated[Path | None, typer.Option(help="NPZ file for the raw score of every test frame.")] = None,
) -> None:
    """Learns from a data set's training clips and tests on its test clips."""
    from model_zoo.evaluation.command import evaluate_data_set, write_scores
    from model_zoo.evaluation.report import as_json, as_text

    evaluation = evaluate_data_set(data_set, root, config, detector)
    if scores is not None:
        write_scores(evaluation, scores)
    if json_out is not None:
        write_atomically(json_out, (json.dumps(as_json(evaluation), indent=2) + "\n").encode())
    typer.echo(as_text(evaluation))


if __name__ == "__main__":
    run_command(app, ModelZooError)
