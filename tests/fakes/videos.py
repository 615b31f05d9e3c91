"""Small videos made on the spot: dark, with bright intervals."""

from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np


def write_video(  # noqa: PLR0917  every one named where it is given
    path: Path,
    duration_s: float,
    bright: Sequence[tuple[float, float]] = (),
    fps: int = 10,
    codec: str = "libvpx",
    still_from_s: float = float("inf"),
) -> Path:
    """Writes a video of 320x240 that is bright in the given intervals (seconds) and dark elsewhere.

    Every picture differs from the one before, but those from ``still_from_s`` on are all the same.
    """
    random = np.random.default_rng(7)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps)
        if not isinstance(stream, av.VideoStream):
            raise TypeError(f"{codec} is no video codec")
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        stream.gop_size, stream.bit_rate = 10, 400_000
        if codec == "libvpx":
            stream.options = {"deadline": "realtime", "cpu-used": "8"}
        for index in range(round(duration_s * fps)):
            is_bright = any(start <= index / fps < end for start, end in bright)
            low, high = (200, 240) if is_bright else (20, 40)
            if index / fps <= still_from_s:
                blocks = random.integers(low, high, (15, 20, 3)).astype(np.uint8)
            picture = blocks.repeat(16, axis=0).repeat(16, axis=1)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode(None))
    return path


def decoded_times(path: Path) -> list[float]:
    """The time of every frame that decodes, in seconds."""
    with av.open(str(path)) as container:
        return [float(frame.time or 0.0) for frame in container.decode(video=0)]
