"""The pipeline that a user would write first: ``python -m benchmarks.edge.straightforward JOB``.

A thread for each camera: OpenCV reads and decodes, the last five seconds are kept as pictures, a detector (YOLOX by
ONNX Runtime) looks at every frame or at every third, and around what it sees OpenCV encodes a clip.
"""

import collections
import dataclasses
import json
import sys
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime

from benchmarks.edge.films import FPS, HEIGHT_PX, WIDTH_PX

SIDE_PX = 416
PRE_EVENT_FRAMES = 75
POST_EVENT_S = 5.0
LOOKS_TO_OPEN = 3
CONFIDENCE = 0.5
_PERSON = 5  # column of the person's score: box, objectness, classes
_OBJECTNESS = 4

Picture = npt.NDArray[np.uint8]


@dataclasses.dataclass(frozen=True)
class Job:
    """What is run: ``films`` in turn for ``num_cameras`` cameras, looked at every ``every`` frames."""

    films: list[str]
    num_cameras: int
    every: int
    seconds: float
    detector: str
    clips: str


class Camera(threading.Thread):
    """One camera; what it measures stands in its attributes."""

    def __init__(self, job: Job, number: int, session: onnxruntime.InferenceSession, began_s: float) -> None:
        super().__init__(daemon=True)
        self.lags_s: list[float] = []
        self.alerts: list[tuple[float, float]] = []
        self._job, self._number, self._session, self._began_s = job, number, session, began_s

    def run(self) -> None:
        """Watches the film at its pace, and falls behind where it has to."""
        job = self._job
        capture = cv2.VideoCapture(job.films[self._number % len(job.films)])
        ring: collections.deque[Picture] = collections.deque(maxlen=PRE_EVENT_FRAMES)
        writer: cv2.VideoWriter | None = None
        num_seen, last_seen_s = 0, -1e9
        for index in range(round(job.seconds * FPS)):
            due_s = self._began_s + index / FPS
            time.sleep(max(0.0, due_s - time.monotonic()))
            has_frame, frame = capture.read()
            if not has_frame:
                break
            picture = np.asarray(frame, np.uint8)
            ring.append(picture)
            if index % job.every == 0:
                is_seen = _sees_person(self._session, picture)
                num_seen = num_seen + 1 if is_seen else 0
                last_seen_s = index / FPS if is_seen else last_seen_s
            if writer is None and num_seen >= LOOKS_TO_OPEN:
                self.alerts.append((index / FPS, time.monotonic() - due_s))
                writer = self._writer(len(self.alerts))
                for one in ring:
                    writer.write(one)
            elif writer is not None:
                writer.write(picture)
                if index / FPS - last_seen_s > POST_EVENT_S:
                    writer.release()
                    writer = None
            self.lags_s.append(time.monotonic() - due_s)
        if writer is not None:
            writer.release()

    def _writer(self, number: int) -> cv2.VideoWriter:
        path = Path(self._job.clips) / f"{self._number}-{number}.mp4"
        return cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), float(FPS), (WIDTH_PX, HEIGHT_PX))


def _sees_person(session: onnxruntime.InferenceSession, picture: Picture) -> bool:
    scale = min(SIDE_PX / picture.shape[0], SIDE_PX / picture.shape[1])
    fitted = cv2.resize(picture, None, fx=scale, fy=scale)
    padded = np.full((SIDE_PX, SIDE_PX, 3), 114, np.uint8)
    padded[: fitted.shape[0], : fitted.shape[1]] = fitted
    batch = np.ascontiguousarray(padded.transpose(2, 0, 1)[None], dtype=np.float32)
    (found,) = session.run(None, {session.get_inputs()[0].name: batch})
    return bool((found[0, :, _OBJECTNESS] * found[0, :, _PERSON]).max() >= CONFIDENCE)


def main(job: Job) -> None:
    """Runs all cameras and prints what was measured."""
    cv2.setNumThreads(1)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(job.detector, options, providers=["CPUExecutionProvider"])
    began_s = time.monotonic() + 0.5
    cameras = [Camera(job, number, session, began_s) for number in range(job.num_cameras)]
    for camera in cameras:
        camera.start()
    for camera in cameras:
        camera.join()
    sys.stdout.write(json.dumps([{"lags_s": one.lags_s, "alerts": one.alerts} for one in cameras]) + "\n")


if __name__ == "__main__":
    main(Job(**json.loads(sys.argv[1])))
