"""Films of emulated cameras: a quiet scene with sensor noise, and one interval of real movement at a seeded instant.

640x360 pixels, 15 frames a second, H.264 at 700 kbit/s, two seconds between keyframes, no B-frames: a store camera's
smaller stream. The movement is footage of people; the quiet scene is that footage's median picture.
"""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

WIDTH_PX, HEIGHT_PX = 640, 360
FPS = 15
BITS_PER_S = 700_000
KEYFRAME_EVERY = 30
NOISE = 2.0
"""Standard deviation of the sensor's noise, in grey levels."""
LEAD_S = 15.0
"""Quiet seconds before what is measured begins."""
MOVING_SHARE = 0.3
_NUM_NOISES = 16

Picture = npt.NDArray[np.uint8]  # (HEIGHT_PX, WIDTH_PX, 3)


@dataclasses.dataclass(frozen=True)
class Film:
    """One camera's film; ``moving_s`` is when movement begins and ends, in seconds of it."""

    path: Path
    quiet_path: Path
    length_s: float
    moving_s: tuple[float, float]


def make_films(footage: Path, folder: Path, num_films: int, seconds: float, seed: int) -> list[Film]:
    """Makes films, each with a second one in which nothing moves, to learn from.

    Args:
        footage: Video of people who move.
        folder: Where films go; those that are there already are taken as they are.
        num_films: How many.
        seconds: Length of what is measured, after ``LEAD_S``.
        seed: Of intervals, noise and footage.
    """
    folder.mkdir(parents=True, exist_ok=True)
    moving: list[Picture] = []
    films = []
    for number in range(num_films):
        random = np.random.default_rng([seed, number])
        length_s = MOVING_SHARE * seconds
        began_s = LEAD_S + float(random.uniform(5.0, seconds - length_s - 5.0))
        path, quiet = folder / f"{seed}-{number}-{seconds:.0f}.mp4", folder / f"{seed}-{number}-quiet.mp4"
        film = Film(path, quiet, LEAD_S + seconds, (began_s, began_s + length_s))
        films.append(film)
        if path.exists() and quiet.exists():
            continue
        moving = moving or list(_pictures(footage))
        scene = np.median(np.stack(moving[:: max(1, len(moving) // 60)]), axis=0).astype(np.uint8)
        _write(quiet, (scene for _ in range(60 * FPS)), random)
        _write(path, _shown(film, moving, scene, random), random)
    return films


def _pictures(footage: Path) -> Iterator[Picture]:
    with av.open(str(footage)) as container:
        for frame in container.decode(video=0):
            picture = cv2.resize(frame.to_ndarray(format="bgr24"), (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_AREA)
            yield picture.astype(np.uint8, copy=False)


def _shown(film: Film, moving: list[Picture], scene: Picture, random: np.random.Generator) -> Iterator[Picture]:
    """The film's pictures, without noise; every second camera is mirrored."""
    place, is_mirrored = int(random.integers(len(moving))), bool(random.integers(2))
    began_s, ended_s = film.moving_s
    for index in range(round(film.length_s * FPS)):
        if began_s <= index / FPS < ended_s:
            picture, place = moving[place % len(moving)], place + 1
            yield picture[:, ::-1] if is_mirrored else picture
        else:
            yield scene[:, ::-1] if is_mirrored else scene


def _write(path: Path, pictures: Iterator[Picture], random: np.random.Generator) -> None:
    noises = [random.normal(0.0, NOISE, (HEIGHT_PX, WIDTH_PX, 3)).astype(np.int16) for _ in range(_NUM_NOISES)]
    part = path.with_suffix(".part.mp4")
    with av.open(str(part), "w") as container:
        options = {"preset": "veryfast", "tune": "zerolatency"}
        stream = container.add_stream("libx264", rate=FPS, options=options)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = WIDTH_PX, HEIGHT_PX, "yuv420p", BITS_PER_S
        stream.gop_size = KEYFRAME_EVERY
        for picture in pictures:
            noisy = np.clip(picture + noises[int(random.integers(_NUM_NOISES))], 0, 255).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(noisy, format="bgr24")))
        container.mux(stream.encode(None))
    part.replace(path)
