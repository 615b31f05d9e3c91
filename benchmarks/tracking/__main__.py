"""``python -m benchmarks.tracking --root DIR --detector FILE --json OUT``: both trackers on the same boxes."""

import json
import math
import os
import time
from pathlib import Path
from typing import Annotated, Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import motmetrics
import numpy as np
import numpy.typing as npt
import supervision
import trackers
import typer

from fl_runtime.atomic_file import write_atomically
from fl_runtime.command import run_command
from model_zoo.datasets.clip import Video
from model_zoo.errors import FootageError, ModelZooError
from model_zoo.perception.background import LiveBackground, analysis_picture, grey_picture
from model_zoo.perception.detector import Detections, load_detector
from model_zoo.perception.flow import FlowEstimator
from model_zoo.perception.object_kind import PERSON
from model_zoo.perception.proposer import DetectorProposer, Look
from model_zoo.perception.scene import fit_scene
from model_zoo.perception.tracker import MAX_MISSES, SURE_CONFIDENCE, Tracker, overlaps
from model_zoo.scoring.object_stream import MIN_AGE

TRUTH_FILE, VIDEO_FILE = "gt_480x360.csv", "vtest.avi"
TRUTH_SIZE = (480, 360)
FPS = 7.0
MIN_OVERLAP = 0.5
WIDTHS_PX, EVERY = (416, 640), (1, 3)
_BUFFER_FPS = 30.0  # ByteTrack counts its memory in frames at this rate

app = typer.Typer(add_completion=False)

Identities = npt.NDArray[np.int64]
Tracks = list[tuple[Identities, npt.NDArray[np.float64]]]
"""By frame: identities ``(N,)`` and boxes ``(N, 4)``, xyxy fractions."""


@app.command()
def main(
    root: Annotated[Path, typer.Option(help=f"Folder with {VIDEO_FILE} and {TRUTH_FILE}.")],
    detector: Annotated[Path, typer.Option(help="ONNX object detector.")],
    json_out: Annotated[Path, typer.Option("--json", help="Result.")],
) -> None:
    """Measures MOTA, IDF1 and milliseconds of both trackers."""
    cv2.setNumThreads(1)
    truth, frames = _truth(root / TRUTH_FILE), list(Video(root / VIDEO_FILE))
    rows: list[dict[str, Any]] = []
    for width_px in WIDTHS_PX:
        for every in EVERY:
            found = _people(frames, detector, width_px, every)
            for name, (tracks, ms) in {"ours": _ours(found), "ByteTrack": _byte_track(found)}.items():
                rows.append(
                    {"tracker": name, "width_px": width_px, "every": every, **_figures(truth, tracks), "ms": ms}
                )
                typer.echo(_line(rows[-1]))
    write_atomically(json_out, (json.dumps(rows, indent=2) + "\n").encode())


def _truth(path: Path) -> Tracks:
    try:
        rows = np.loadtxt(path, delimiter=",", skiprows=1, ndmin=2)
    except (OSError, ValueError) as error:
        raise FootageError(f"{path}: expected rows frame, id, x1, y1, x2, y2: {error}") from error
    frames = rows[:, 0].astype(np.int64)
    boxes = rows[:, 2:6] / (TRUTH_SIZE * 2)
    return [(rows[frames == one, 1].astype(np.int64), boxes[frames == one]) for one in range(int(frames.max()) + 1)]


def _people(frames: list[npt.NDArray[np.uint8]], path: Path, width_px: int, every: int) -> list[Detections]:
    """Boxes of people in each frame, detected or carried on."""
    detector = load_detector(path, (frames[0].shape[0], frames[0].shape[1]), width_px)
    scene = fit_scene(frames[::4], detector)
    proposer = DetectorProposer(detector, scene.perspective, every)
    background, flow = LiveBackground(scene.background), FlowEstimator()
    found = []
    for index, frame in enumerate(frames):
        picture = analysis_picture(grey_picture(frame))
        mask = background.subtract(picture, index / FPS)
        if mask is None:
            raise FootageError(f"frame {index}: most of the picture changed at once")
        proposals = proposer.propose(Look(frame, mask, flow.update(picture, mask)))
        found.append(proposals.select(proposals.kind == PERSON))
    return found


def _ours(found: list[Detections]) -> tuple[Tracks, float]:
    tracker, tracks, began = Tracker(), [], time.process_time()
    for one in found:
        tracked, seen = tracker.update(one)
        is_scored = np.array([track.age >= MIN_AGE for track in seen], np.bool_)
        ids = np.array([track.track_id for track in seen], np.int64)
        tracks.append((ids[is_scored], tracked.boxes[is_scored].astype(np.float64)))
    return tracks, 1000 * (time.process_time() - began) / len(found)


def _byte_track(found: list[Detections]) -> tuple[Tracks, float]:
    """With the thresholds and the memory of ours."""
    tracker = trackers.ByteTrackTracker(
        frame_rate=FPS,
        track_activation_threshold=SURE_CONFIDENCE,
        high_conf_det_threshold=SURE_CONFIDENCE,
        lost_track_buffer=math.ceil(_BUFFER_FPS * MAX_MISSES / FPS),
    )
    tracks, began = [], time.process_time()
    for one in found:
        boxes_px = one.boxes * np.array(TRUTH_SIZE * 2, np.float32)
        tracked = tracker.update(
            supervision.Detections(xyxy=boxes_px, confidence=one.confidence, class_id=np.zeros(len(one), np.int64))
        )
        ids = np.asarray(tracked.tracker_id if tracked.tracker_id is not None else [], np.int64)
        boxes = np.asarray(tracked.xyxy, np.float64).reshape(-1, 4) / (TRUTH_SIZE * 2)
        tracks.append((ids[ids >= 0], boxes[ids >= 0]))  # -1: not yet sure that it is a track
    return tracks, 1000 * (time.process_time() - began) / len(found)


def _figures(truth: Tracks, tracks: Tracks) -> dict[str, float]:
    accumulator = motmetrics.MOTAccumulator(auto_id=True)
    for (true_ids, true_boxes), (ids, boxes) in zip(truth, tracks, strict=False):
        overlap = overlaps(true_boxes, boxes)
        distance = np.where(overlap >= MIN_OVERLAP, 1.0 - overlap, np.nan)  # nan: not the same person
        accumulator.update(true_ids.tolist(), ids.tolist(), distance)
    names = ["mota", "idf1", "num_switches", "num_false_positives", "num_misses"]
    summary = motmetrics.metrics.create().compute(accumulator, metrics=names, name="all")
    return {name: float(summary.loc["all", name]) for name in names}


def _line(row: dict[str, Any]) -> str:
    return (
        f"{row['tracker']:<10} width {row['width_px']} every {row['every']}  MOTA {100 * row['mota']:.1f}  "
        f"IDF1 {100 * row['idf1']:.1f}  switches {row['num_switches']:.0f}  {row['ms']:.2f} ms"
    )


if __name__ == "__main__":
    run_command(app, ModelZooError)
