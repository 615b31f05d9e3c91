"""Sample frames as pictures that live inside the page."""

import base64
import dataclasses

import cv2
import numpy as np

from simulation.report.content import Image, Sample, SampleBox

_MAX_WIDTH_PX = 480
_JPEG_QUALITY = 80


@dataclasses.dataclass(frozen=True)
class PlacedBox:
    """A box in the pixels of the picture; its caption stands above it, or inside where there is no room."""

    left: float
    top: float
    width: float
    height: float
    caption_x: float
    caption_y: float
    anchor: str
    box: SampleBox


@dataclasses.dataclass(frozen=True)
class Picture:
    """A frame as a ``data:`` address with boxes in its pixels."""

    address: str
    width: int
    height: int
    boxes: tuple[PlacedBox, ...]
    caption: str
    alternative: str
    """The picture in words, for readers who cannot see it."""


def picture_of(sample: Sample) -> Picture:
    """Shrinks a frame to at most 480 pixels across, encodes it and places its boxes.

    Raises:
        ValueError: The image is not ``(H, W, 3)`` uint8.
    """
    image = sample.image
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
        raise ValueError(f"expected an image (H, W, 3) of uint8, got {image.shape} of {image.dtype}")
    width = min(_MAX_WIDTH_PX, image.shape[1])
    height = max(1, round(image.shape[0] * width / image.shape[1]))
    boxes = tuple(_placed(box, width, height) for box in sample.boxes)
    named = "; ".join(f"{box.role}: {box.caption}" for box in sample.boxes) or "no boxes"
    return Picture(
        _jpeg_address(image, width, height), width, height, boxes, sample.caption, f"{sample.caption} ({named})"
    )


def _jpeg_address(image: Image, width: int, height: int) -> str:
    shrunk = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    is_encoded, jpeg = cv2.imencode(".jpg", shrunk, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    if not is_encoded:
        raise RuntimeError("the image library cannot write JPEG")
    return "data:image/jpeg;base64," + base64.b64encode(jpeg.tobytes()).decode("ascii")


def _placed(box: SampleBox, width: int, height: int) -> PlacedBox:
    left, top, right, bottom = (
        side * size
        for side, size in zip(np.clip(box.xyxy, 0.0, 1.0).tolist(), (width, height, width, height), strict=True)
    )
    is_right_half = left + right > width
    caption_y = top - 5 if top >= 18 else min(bottom + 14, height - 4)
    return PlacedBox(
        left,
        top,
        right - left,
        bottom - top,
        right if is_right_half else left,
        caption_y,
        "end" if is_right_half else "start",
        box,
    )
