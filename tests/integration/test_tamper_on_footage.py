"""Real cameras: an hour's worth of everyday tells nothing; what is done to the same pictures is told."""

import functools
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from fl_client.capture.tamper import Picture, Tamper, TamperWatch

_DATA = Path(__file__).parents[2].parent / "shared" / "data"
VTEST, STREET = _DATA / "vtest", _DATA / "street"
FILMS = [
    VTEST / "vtest.avi",
    *(STREET / f"{name}.mp4" for name in ("bottle-detection", "car-detection", "one-by-one-person-detection")),
]
Change = Callable[[Picture], Picture]


@functools.cache
def pictures(path: Path) -> list[Picture]:
    """Two pictures a second of film."""
    if not path.is_file():
        pytest.skip(f"{path} is absent")
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        every = max(1, round(float(stream.average_rate or 10) / 2))
        frames = [frame for index, frame in enumerate(container.decode(stream)) if index % every == 0]
        return [np.asarray(frame.to_ndarray(format="gray"), np.uint8) for frame in frames]


def told(path: Path, change: Change, *, usual_s: int = 120, changed_s: int = 60) -> list[tuple[Tamper, bool]]:
    """Shows a film round and round, a picture a second, and then what was done to it."""
    watch, film = TamperWatch(), pictures(path)
    found = []
    for second in range(usual_s + changed_s):
        picture = film[second % len(film)]
        shown = picture if second < usual_s else change(picture)
        found += [(one.tamper, one.is_wrong) for one in watch.look(shown, float(second), "open")]
    return found


def _as_it_is(picture: Picture) -> Picture:
    return picture


def _covered(picture: Picture) -> Picture:
    return np.random.default_rng(int(picture.sum())).normal(60, 2, picture.shape).clip(0, 255).astype(np.uint8)


def _knocked(picture: Picture) -> Picture:
    return np.asarray(np.roll(picture, (picture.shape[0] // 12, picture.shape[1] // 9), (0, 1)), np.uint8)


def _sprayed(picture: Picture) -> Picture:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 25.0), np.uint8)


@pytest.mark.parametrize("path", FILMS, ids=lambda path: path.stem)
def test_everyday_of_a_real_camera_is_nothing(path: Path) -> None:
    assert told(path, _as_it_is, changed_s=600) == []


@pytest.mark.parametrize("path", FILMS, ids=lambda path: path.stem)
@pytest.mark.parametrize(
    ("change", "expected"), [(_covered, Tamper.COVERED), (_sprayed, Tamper.COVERED), (_knocked, Tamper.MOVED)]
)
def test_what_is_done_to_a_real_camera_is_told(path: Path, change: Change, expected: Tamper) -> None:
    assert told(path, change) == [(expected, True)]


@pytest.mark.parametrize("path", FILMS, ids=lambda path: path.stem)
def test_frozen_picture_of_a_real_camera_is_told(path: Path) -> None:
    stuck = pictures(path)[0]
    assert told(path, lambda _: stuck) == [(Tamper.FROZEN, True)]


def test_camera_that_shows_what_another_showed_has_moved() -> None:
    elsewhere = pictures(FILMS[3])
    small = iter([cv2.resize(one, (480, 360)) for one in elsewhere])
    assert told(FILMS[0], lambda _: np.asarray(next(small), np.uint8)) == [(Tamper.MOVED, True)]
