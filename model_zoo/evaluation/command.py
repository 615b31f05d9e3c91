"""What ``python -m model_zoo evaluate`` does between the command line and the printed figures."""

import io
import os
import sys
import time
from pathlib import Path

import cv2
import numpy as np

from fl_runtime.atomic_file import write_atomically
from fl_runtime.config_file import load_config
from model_zoo.errors import FootageError
from model_zoo.evaluation.data_sets import READERS
from model_zoo.evaluation.experiment import Evaluation, run_evaluation
from model_zoo.evaluation.settings import EvaluationSettings

DEFAULT_DETECTOR = "yolox_nano_416x416.onnx"


def evaluate_data_set(name: str, root: Path, config: Path | None, detector: Path | None) -> Evaluation:
    """Evaluates on one core.

    Args:
        name: Of the data set.
        root: Its folder.
        config: YAML file of ``EvaluationSettings``; the frozen configuration when absent.
        detector: Object detector, over the configuration's; when neither names one, a file ``DEFAULT_DETECTOR`` in a
            folder ``models`` beside the data sets.

    Raises:
        ConfigError: The configuration does not fit.
        ModelZooError: The data set, the detector or the network cannot be used.
    """
    if name not in READERS:
        raise FootageError(f"data set: expected one of {', '.join(READERS)}, got {name!r}")
    settings = load_config(config, EvaluationSettings) if config else EvaluationSettings()
    beside = root.resolve().parent.parent / "models" / DEFAULT_DETECTOR
    if detector is not None or (config is None and beside.is_file()):
        settings = settings.model_copy(update={"detector": detector or beside})
    if settings.detector is None:
        _say("no object detector configured: objects come from the foreground alone")
    data = READERS[name](root)
    _pin_to_one_core()
    began = time.monotonic()
    return run_evaluation(data, settings, lambda done: _say(f"{done}: {time.monotonic() - began:.1f} s"))


def write_scores(evaluation: Evaluation, path: Path) -> None:
    """Writes the raw causal score of every test frame, one array by clip."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **{one.clip.name: one.scores for one in evaluation.tested})
    write_atomically(path, buffer.getvalue())


def _pin_to_one_core() -> None:
    cv2.setNumThreads(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
