"""Trials of the straightforward pipeline."""

import dataclasses
import json
import os
import statistics
import sys
import tempfile

from benchmarks.edge.films import FPS, LEAD_S, Film
from benchmarks.edge.measured import measured
from benchmarks.edge.straightforward import Job
from benchmarks.edge.trial import Trial


def straightforward_trial(films: list[Film], detector: str, cores: int, every: int, num_cameras: int) -> Trial:
    """Runs the straightforward pipeline for the length of the films.

    Args:
        films: Taken in turn.
        detector: YOLOX, ONNX.
        cores: That it may use.
        every: Frames from one look to the next.
        num_cameras: Cameras.
    """
    length_s = films[0].length_s
    with tempfile.TemporaryDirectory() as clips:
        job = Job([str(film.path) for film in films], num_cameras, every, length_s, detector, clips)
        command = [sys.executable, "-m", "benchmarks.edge.straightforward", json.dumps(dataclasses.asdict(job))]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENCV_FFMPEG_CAPTURE_OPTIONS": "threads;1"}
        run = measured(command, cores, LEAD_S, length_s, environment)
    if run.status != 0:
        raise RuntimeError(f"{num_cameras} cameras: exit status {run.status}: {run.log[-2000:]}")
    cameras = json.loads(run.output)
    last = round(5 * FPS)
    found = 0
    for number, camera in enumerate(cameras):
        began_s, ended_s = films[number % len(films)].moving_s
        found += any(began_s <= time_s <= ended_s for time_s, _ in camera["alerts"])
    waits = [
        wait_s + time_s - films[number % len(films)].moving_s[0]
        for number, camera in enumerate(cameras)
        for time_s, wait_s in camera["alerts"]
    ]
    return Trial(
        num_cameras=num_cameras,
        dropped_share=0.0,  # it drops nothing: it falls behind
        late_s=max(statistics.median(camera["lags_s"][-last:]) for camera in cameras),
        least_fps=FPS / every,
        recall=found / num_cameras,
        alert_p95_s=statistics.quantiles(waits, n=20)[-1] if len(waits) > 1 else None,
        cores=run.cores,
        memory_mb=run.memory_mb,
    )
