"""Test clips without anomalies of their own: a person cut out of one training clip crosses another, wrongly.

Model selection must not see test labels, and training footage holds no anomaly. So a standing person is cut out along
the foreground, widened or enlarged as a cyclist or a cart would be, and glides across a normal clip without moving a
limb, at a pace that a walker seldom or never has. Nothing of it is read off any test clip.

Letters in shapes: T frames, h and w pixels of the frames.
"""

import dataclasses
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from model_zoo.perception.background import Frame, Picture, foreground, grey_picture
from model_zoo.perception.object_kind import PERSON
from model_zoo.perception.perspective import upright
from model_zoo.perception.proposer import ObjectDetector
from model_zoo.perception.scene import Scene
from model_zoo.perception.tracker import overlaps

Labels = npt.NDArray[np.int64]  # (T,) 1 where the pasted object is, else 0


@dataclasses.dataclass(frozen=True)
class Intruder:
    """What a pasted object is like, as ranges to draw from."""

    pace: tuple[float, float]
    """As multiples of the pace people usually have there."""
    width: tuple[float, float]
    height: tuple[float, float]
    """As multiples of the person cut out."""


INTRUDERS: dict[str, Intruder] = {
    "gliding": Intruder((1.0, 1.6), (1.0, 1.0), (1.0, 1.0)),
    "fast": Intruder((1.6, 2.6), (1.0, 1.0), (1.0, 1.0)),
    "cyclist": Intruder((1.2, 2.2), (1.3, 1.9), (1.0, 1.15)),
    "cart": Intruder((0.8, 1.6), (1.8, 2.6), (1.4, 2.0)),
}

_MIN_CONFIDENCE = 0.6
_MIN_FILL, _MIN_TALL = 0.35, 0.85
_FIRST_FRAME = (0.2, 0.4)
_FOOT_ROWS = (0.5, 0.9)
_MOST_CLIMB = 0.15
_NOISE = 1.5
_LEAST_SHOWN = 0.3
_MAX_TRIES = 400


@dataclasses.dataclass(frozen=True)
class Cutout:
    """One person, and how opaque each pixel is."""

    picture: npt.NDArray[np.float32]  # (h, w) grey levels
    opacity: npt.NDArray[np.float32]  # (h, w) in [0, 1]
    expected_px: float
    """Height that a person has where this one stood, in pixels."""


@dataclasses.dataclass(frozen=True)
class Place:
    """What a camera looks at, and how fast people walk there."""

    scene: Scene
    pace: float
    """Distance that people briskly cover, in expected heights a frame."""


@dataclasses.dataclass(frozen=True)
class PastedClip:
    """A clip with one pasted object."""

    frames: tuple[Picture, ...]
    labels: Labels  # (T,)
    kind: str


def cut_out(
    clips: Sequence[Sequence[Frame]], scene: Scene, detector: ObjectDetector, random: np.random.Generator
) -> Cutout | None:
    """A person who stands alone somewhere in the clips; ``None`` where none is found in reasonable time.

    Args:
        clips: Frames by clip, of the scene's size.
        scene: Their background and perspective.
        detector: Finds people.
        random: Draws clip, frame and person.
    """
    for _ in range(_MAX_TRIES):
        clip = clips[int(random.integers(len(clips)))]
        grey = grey_picture(clip[int(random.integers(len(clip)))])
        found = detector.detect(grey)
        alone = (overlaps(found.boxes, found.boxes) > 0).sum(axis=1) == 1
        clear = (found.kind == PERSON) & (found.confidence > _MIN_CONFIDENCE)
        rows = np.flatnonzero(alone & clear & upright(found.boxes, grey.shape[1] / grey.shape[0]))
        if len(rows):
            cutout = _cut(grey, found.boxes[random.choice(rows)], scene)
            if cutout is not None:
                return cutout
    return None


def _cut(grey: Picture, box: npt.NDArray[np.float32], scene: Scene) -> Cutout | None:
    height_px, width_px = grey.shape
    left, top, right, bottom = np.rint(box * [width_px, height_px, width_px, height_px]).astype(int)
    background = cv2.resize(scene.background, (width_px, height_px))
    mask = foreground(grey, np.asarray(background, np.uint8))[top:bottom, left:right]
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    if count < 2:
        return None
    largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    body = (labels == largest).astype(np.float32)
    if body.mean() < _MIN_FILL or stats[largest, cv2.CC_STAT_HEIGHT] < _MIN_TALL * (bottom - top):
        return None
    expected = float(scene.perspective.expected_height(box[3:])[0]) * height_px
    opacity = np.asarray(cv2.GaussianBlur(body, (3, 3), 0), np.float32)
    return Cutout(grey[top:bottom, left:right].astype(np.float32), opacity, expected)


def paste(frames: Sequence[Frame], cutout: Cutout, kind: str, place: Place, random: np.random.Generator) -> PastedClip:
    """Lets a cutout cross a clip, from one side to the other.

    Args:
        frames: Of one normal clip.
        cutout: Who crosses.
        kind: One of ``INTRUDERS``.
        place: Where it is.
        random: Draws pace, size, path and noise.
    """
    scene, pace = place.scene, place.pace
    intruder = INTRUDERS[kind]
    wide, tall = random.uniform(*intruder.width), random.uniform(*intruder.height)
    pictures = [grey_picture(frame).copy() for frame in frames]
    height_px, width_px = pictures[0].shape
    sign, climb = random.choice([-1.0, 1.0]), random.uniform(-_MOST_CLIMB, _MOST_CLIMB)
    pace *= random.uniform(*intruder.pace)
    foot_x = -12.0 if sign > 0 else width_px + 12.0
    foot_y = random.uniform(*_FOOT_ROWS) * height_px
    labels = np.zeros(len(pictures), np.int64)
    for index in range(int(len(pictures) * random.uniform(*_FIRST_FRAME)), len(pictures)):
        expected = float(scene.perspective.expected_height(np.array([foot_y / height_px]))[0]) * height_px
        scale = expected / cutout.expected_px
        size = (
            max(3, round(cutout.picture.shape[1] * wide * scale)),
            max(6, round(cutout.picture.shape[0] * tall * scale)),
        )
        corner = (round(foot_x - size[0] / 2), round(foot_y - size[1]))
        labels[index] = _blend(pictures[index], cutout, (corner, size), is_mirrored=sign < 0, random=random)
        foot_x, foot_y = foot_x + sign * pace * expected, foot_y + climb * pace * expected
    return PastedClip(tuple(pictures), labels, kind)


def _blend(
    picture: Picture,
    cutout: Cutout,
    place: tuple[tuple[int, int], tuple[int, int]],
    *,
    is_mirrored: bool,
    random: np.random.Generator,
) -> bool:
    """Draws the cutout into the picture; False where too little of it would show."""
    (left, top), (width, height) = place
    first_x, first_y = max(left, 0), max(top, 0)
    last_x, last_y = min(left + width, picture.shape[1]), min(top + height, picture.shape[0])
    if last_x - first_x < max(2.0, _LEAST_SHOWN * width) or last_y <= first_y:
        return False
    body, opacity = (cv2.resize(part, (width, height)) for part in (cutout.picture, cutout.opacity))
    if is_mirrored:
        body, opacity = body[:, ::-1], opacity[:, ::-1]
    shown = np.s_[first_y - top : last_y - top, first_x - left : last_x - left]
    below = picture[first_y:last_y, first_x:last_x].astype(np.float32)
    drawn = below * (1 - opacity[shown]) + body[shown] * opacity[shown]
    drawn += opacity[shown] * random.normal(0.0, _NOISE, drawn.shape)
    picture[first_y:last_y, first_x:last_x] = np.clip(drawn, 0, 255).astype(np.uint8)
    return True
