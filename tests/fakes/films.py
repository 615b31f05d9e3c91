"""Films for cameras to watch: real footage where the project has it beside it, else the synthetic world's.

A film is cut from clips: each is encoded once and may appear many times, with a gap in time after it. A gap tells
whoever watches that the camera was away, so a cut is not mistaken for movement.
"""

import dataclasses
import fractions
from collections.abc import Iterable, Sequence
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.stream import Stream

from context.schedule import OperationalState
from simulation.world import AnomalyKind, ClipPlan, EmulatedCamera, emulated_camera, plan_footage, render_clip

Picture = npt.NDArray[np.uint8]  # (H, W, 3) BGR

FPS = 10
FRAME_S = 1 / FPS
GAP_S = 1.0
_REAL = Path(__file__).parents[2] / ".." / "shared" / "data"
_PED2 = _REAL / "ped2"
_VTEST = _REAL / "vtest" / "vtest.avi"
_VTEST_CLIP_FRAMES = 300
_YARD, _AISLE = "yard", "aisle"
_WORLD_CAMERAS = 12
_JPEG_QUALITY = 90


@dataclasses.dataclass(frozen=True)
class Shot:
    """One clip in a film: frames as JPEG at ``FPS``, and the seconds from its end to the next shot."""

    frames: tuple[bytes, ...]
    gap_s: float = GAP_S


@dataclasses.dataclass(frozen=True)
class Scenes:
    """What one camera sees: two shots or more of its usual life, and of something out of the ordinary."""

    usual: tuple[Shot, ...]
    unusual: tuple[Shot, ...] = ()


def pedestrian_scenes() -> Scenes:
    """People walking, then somebody with a cart or on a bicycle among them: UCSD Ped2, or a van in a shop's yard."""
    if not _PED2.is_dir():
        return _world_scenes(_YARD, AnomalyKind.VEHICLE)
    usual = tuple(_ped2_shot("training", name) for name in ("01", "02", "03", "04"))
    return Scenes(usual, (_ped2_shot("testing", "04"), _ped2_shot("testing", "07")))


def street_scenes() -> Scenes:
    """People walking and nothing else: OpenCV's vtest, or a shop's aisle."""
    if not _VTEST.is_file():
        return _world_scenes(_AISLE)
    with av.open(str(_VTEST)) as container:
        pictures = (
            frame.to_ndarray(format="bgr24").astype(np.uint8, copy=False) for frame in container.decode(video=0)
        )
        frames = _encoded(picture for picture, _ in zip(pictures, range(2 * _VTEST_CLIP_FRAMES), strict=False))
    return Scenes((Shot(frames[:_VTEST_CLIP_FRAMES]), Shot(frames[_VTEST_CLIP_FRAMES:])))


def write_film(path: Path, shots: Sequence[Shot]) -> Path:
    """Writes the shots, one after the other, as motion JPEG in Matroska; all are of one size."""
    with av.open(str(path), "w", format="matroska") as container:
        stream = container.add_stream("mjpeg", rate=FPS)
        if not isinstance(stream, av.VideoStream):
            raise TypeError("mjpeg is no video codec")
        stream.height, stream.width = _decoded(shots[0].frames[0]).shape[:2]
        stream.pix_fmt = "yuvj420p"
        index = 0
        for shot in shots:
            for frame in shot.frames:
                container.mux(_packet(stream, frame, index))
                index += 1
            index += round(shot.gap_s * FPS)
    return path


def _packet(stream: av.VideoStream, frame: bytes, index: int) -> "av.Packet[Stream]":
    packet = av.Packet(frame)
    packet.stream, packet.time_base = stream, fractions.Fraction(1, FPS)
    packet.pts = packet.dts = index
    packet.duration, packet.is_keyframe = 1, True
    return packet


def _ped2_shot(split: str, name: str) -> Shot:
    paths = sorted((_PED2 / split / "frames" / name).iterdir())
    return Shot(_encoded(_decoded(path.read_bytes()) for path in paths))


def _world_scenes(layout: str, anomaly: AnomalyKind | None = None) -> Scenes:
    """A shop during opening hours, and ``anomaly`` there."""
    cameras = (emulated_camera(0, index) for index in range(_WORLD_CAMERAS))
    camera = next(camera for camera in cameras if camera.layout == layout)
    plan = next(plan for plan in plan_footage(camera, 0, 180).training if _is_open(camera, plan))
    usual = tuple(_world_shot(camera, dataclasses.replace(plan, seed=seed)) for seed in range(1, 4))
    if anomaly is None:
        return Scenes(usual)
    return Scenes(usual, (_world_shot(camera, dataclasses.replace(plan, seed=9, anomalies=(anomaly,))),))


def _is_open(camera: EmulatedCamera, plan: ClipPlan) -> bool:
    return camera.state_at(plan.start_utc) is OperationalState.OPEN


def _world_shot(camera: EmulatedCamera, plan: ClipPlan) -> Shot:
    return Shot(_encoded(render_clip(camera, plan).frames))


def _decoded(picture: bytes) -> Picture:
    decoded = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
    return np.asarray(decoded, np.uint8)


def _encoded(pictures: Iterable[Picture]) -> tuple[bytes, ...]:
    options = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    return tuple(cv2.imencode(".jpg", picture, options)[1].tobytes() for picture in pictures)
