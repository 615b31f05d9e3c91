"""Laws of perception."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from model_zoo.perception.background import foreground
from model_zoo.perception.detector import Detections
from model_zoo.perception.perceiver import crop_around
from model_zoo.perception.perspective import Perspective, fit_perspective
from model_zoo.perception.proposals import blob_boxes, components
from model_zoo.perception.tracker import MAX_MISSES, SURE_CONFIDENCE, Tracker
from tests.fakes.drawn_people import HEIGHT_PX, WIDTH_PX, floor, with_person

MASKS = hnp.arrays(np.uint8, (32, 40), elements=st.integers(0, 1)).map(lambda small: small.repeat(4, 0).repeat(4, 1))
LINES = st.builds(Perspective, st.floats(0, 1), st.floats(-0.2, 0.5))
FRACTIONS = st.floats(0, 1, width=32)


@given(mask=MASKS, line=LINES)
@settings(max_examples=40, deadline=None)
def test_boxes_lie_in_the_picture_and_hold_foreground(mask: np.ndarray, line: Perspective) -> None:
    boxes = blob_boxes(components(mask), line)
    assert (boxes >= 0).all()
    assert (boxes <= 1).all()
    height, width = mask.shape
    for left, top, right, bottom in np.rint(boxes * [width, height, width, height]).astype(int):
        assert mask[top:bottom, left:right].any()


@given(gain=st.floats(0.6, 1.4), left=st.floats(5, WIDTH_PX - 20), foot=st.floats(40, HEIGHT_PX - 5))
@settings(max_examples=40, deadline=None)
def test_light_up_to_forty_percent_never_fires_outside_people(gain: float, left: float, foot: float) -> None:
    picture = np.clip(with_person(floor(), left, foot) * gain, 0, 255).astype(np.uint8)
    mask = foreground(picture, floor())
    top, first = round(foot) - 30, round(left)
    mask[max(top - 3, 0) : round(foot) + 3, max(first - 3, 0) : first + 15] = 0
    assert not mask.any()


@given(center=st.tuples(FRACTIONS, FRACTIONS), size=st.tuples(st.floats(0.02, 1), st.floats(0.02, 1)))
@settings(max_examples=60, deadline=None)
def test_crop_shows_only_values_of_the_picture(center: tuple[float, float], size: tuple[float, float]) -> None:
    low = np.clip(np.array(center) - np.array(size) / 2, 0, 0.98)
    high = np.clip(np.array(center) + np.array(size) / 2, low + 0.02, 1)
    grey = np.random.default_rng([1]).integers(50, 200, (90, 120)).astype(np.uint8)
    crop = crop_around(grey, np.concatenate([low, high]).astype(np.float32))
    assert crop.shape == (64, 64)
    assert crop.min() >= 50
    assert crop.max() < 200


@st.composite
def found_boxes(draw: st.DrawFn) -> Detections:
    corner = draw(hnp.arrays(np.float32, st.tuples(st.integers(0, 6), st.just(2)), elements=FRACTIONS))
    confidence = draw(hnp.arrays(np.float32, len(corner), elements=st.sampled_from([0.0, 0.2, 0.5, 1.0])))
    boxes = np.concatenate([corner, corner + np.float32(0.1)], axis=1)
    return Detections(boxes, confidence, np.zeros(len(boxes), np.int64))


@given(frames=st.lists(found_boxes(), max_size=8))
@settings(max_examples=50, deadline=None)
def test_sure_boxes_get_a_track_each_unsure_ones_an_old_track_or_none(frames: list[Detections]) -> None:
    tracker, ages = Tracker(), dict[int, int]()
    for found in frames:
        kept, tracks = tracker.update(found)
        assert len({track.track_id for track in tracks}) == len(kept) == len(tracks)
        is_sure = found.confidence >= SURE_CONFIDENCE
        assert (kept.confidence >= SURE_CONFIDENCE).sum() == is_sure.sum()
        for confidence, track in zip(kept.confidence, tracks, strict=True):
            assert track.age == ages.get(track.track_id, 0) + 1
            assert track.age > 1 or confidence >= SURE_CONFIDENCE
            ages[track.track_id] = track.age
        assert all(track.misses <= MAX_MISSES for track in tracker.tracks)


@given(boxes=hnp.arrays(np.float32, st.tuples(st.integers(0, 12), st.just(4)), elements=st.floats(0, 1, width=32)))
@settings(max_examples=25, deadline=None)
def test_perspective_never_shrinks_people_towards_the_camera(boxes: np.ndarray) -> None:
    ordered = np.concatenate([np.minimum(boxes[:, :2], boxes[:, 2:]), np.maximum(boxes[:, :2], boxes[:, 2:])], axis=1)
    ordered[:, 3] = np.maximum(ordered[:, 3], ordered[:, 1] + np.float32(0.01))
    heights = fit_perspective(ordered).expected_height(np.linspace(0, 1, 20))
    assert (np.diff(heights) >= 0).all()
    assert (heights > 0).all()
    assert (heights < 2).all()
