"""``python -m benchmarks.network_speed --json OUT``: the model that ships in int8 and in float32, turn by turn."""

import json
import os
import platform
import time
from pathlib import Path
from typing import Annotated

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import numpy.typing as npt
import typer

from fl_runtime.atomic_file import write_atomically
from fl_runtime.command import run_command
from fl_server.rounds.checkpoint import load_checkpoint
from fl_server.rounds.server_optimizer import ServerOptimizer
from model_zoo.backbones.film_lstm import FilmLstmShape
from model_zoo.backbones.parameters import network_with
from model_zoo.default import DEFAULT_CARD, DEFAULT_CHECKPOINT, DEFAULT_MODEL
from model_zoo.errors import ModelZooError
from model_zoo.export.onnx_export import export_onnx
from model_zoo.onnx_model import Floats, Indices, ModelMetadata, OnnxModel
from model_zoo.perception.tubelet import CROP_SIDE, NUM_MOTION

Frame = tuple[npt.NDArray[np.uint8], Floats, Floats, tuple[Floats, Indices, Indices]]
"""What ``OnnxModel.step`` takes."""

app = typer.Typer(add_completion=False)


@app.command()
def main(
    json_out: Annotated[Path, typer.Option("--json", help="Result.")],
    crops: Annotated[int, typer.Option(min=1, max=256, help="Objects in one frame.")] = 20,
    repeats: Annotated[int, typer.Option(min=10, max=100_000, help="Frames that each model judges.")] = 400,
) -> None:
    """Times both models on the same frames, one after the other in turn, on one thread."""
    int8 = DEFAULT_MODEL.read_bytes()
    shipped = OnnxModel(int8, str(DEFAULT_MODEL))
    parameters = load_checkpoint(DEFAULT_CHECKPOINT, ServerOptimizer()).parameters
    shape = FilmLstmShape(num_steps=shipped.metadata.num_steps)
    fp32 = export_onnx(network_with(shape, parameters), shipped.metadata)
    ms = {"int8": _Timed(shipped), "fp32": _Timed(OnnxModel(fp32, "float32"))}
    random = np.random.default_rng(0)
    for _ in range(repeats):
        frame = _noise(crops, shipped.metadata, random)
        for timed in ms.values():
            timed.judge(frame)
    fused = {name: json.loads(DEFAULT_CARD.read_text())["test"][name]["fused"] for name in ms}
    result = {
        "machine": platform.machine(),
        "crops": crops,
        "repeats": repeats,
        "ms": {name: timed.figures() for name, timed in ms.items()},
        "int8_over_fp32": ms["int8"].figures()["median"] / ms["fp32"].figures()["median"],
        "bytes": {"int8": len(int8), "fp32": len(fp32)},
        "card_auc": fused,
    }
    write_atomically(json_out, (json.dumps(result, indent=2) + "\n").encode())
    for name, timed in ms.items():
        found = timed.figures()
        typer.echo(
            f"{name}: {crops} crops in {found['median']:.2f} ms (median of {repeats}; least {found['least']:.2f}), "
            f"AUC on the card {fused[name]:.4f}"
        )
    typer.echo(
        f"int8 takes {result['int8_over_fp32']:.2f} of the time and {len(int8) / len(fp32):.3f} of the bytes "
        f"({len(int8)} of {len(fp32)})"
    )


def _noise(crops: int, size: ModelMetadata, random: np.random.Generator) -> Frame:
    """The time does not depend on what a frame shows."""
    none = np.zeros(crops, np.int64)
    return (
        random.integers(0, 256, (crops, CROP_SIDE, CROP_SIDE), dtype=np.uint8),
        random.normal(size=(crops, size.num_steps - 1, size.code_size)).astype(np.float32),
        random.normal(size=(crops, size.num_steps, NUM_MOTION)).astype(np.float32),
        (random.normal(size=(crops, size.num_context)).astype(np.float32), none, none),
    )


class _Timed:
    """A model and how long each frame took."""

    def __init__(self, model: OnnxModel) -> None:
        self._model, self._seconds = model, list[float]()

    def judge(self, frame: Frame) -> None:
        """One frame more."""
        began_s = time.perf_counter()
        self._model.step(*frame)
        self._seconds.append(time.perf_counter() - began_s)

    def figures(self) -> dict[str, float]:
        """Milliseconds a frame."""
        return {"median": 1000 * float(np.median(self._seconds)), "least": 1000 * min(self._seconds)}


if __name__ == "__main__":
    run_command(app, ModelZooError)
