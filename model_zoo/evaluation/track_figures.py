"""How well tracks keep to the people in the truth.

Source:
    MOTA: Bernardin and Stiefelhagen, 2008. https://doi.org/10.1155/2008/246309
    IDF1: Ristani et al., 2016. https://arxiv.org/abs/1609.01775
"""

import dataclasses
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from model_zoo.datasets.clip import TrueTracks
from model_zoo.perception.perspective import Boxes
from model_zoo.perception.tracker import overlaps

MIN_OVERLAP = 0.5
"""Intersection over union of a box and the person it is counted for."""

_NO_MATCH = 1e6

Pair = tuple[int, int]
"""A true identity and the track it was matched with."""


@dataclasses.dataclass(frozen=True)
class FoundTracks:
    """The tracked objects of one frame."""

    track_id: npt.NDArray[np.int64]  # (N,)
    boxes: Boxes  # (N, 4)


@dataclasses.dataclass(frozen=True)
class TrackFigures:
    """Boxes and identities against the truth; shares as fractions.

    Attributes:
        mota: 1 - (misses + false boxes + switches) / true boxes; below 0 where there are more errors than boxes.
        idf1: How long one track stays with one person.
        recall: Share of true boxes found.
        precision: Share of found boxes that are true; ``None`` where none was found.
        num_switches: How often a person went on under another identity.
        num_boxes: True boxes.
    """

    mota: float
    idf1: float
    recall: float
    precision: float | None
    num_switches: int
    num_boxes: int


def track_figures(clip: Sequence[tuple[TrueTracks, FoundTracks]]) -> TrackFigures:
    """Counts over the frames of one clip.

    A person keeps the track of the frame before while they overlap; all others are matched so that most are, with the
    largest overlaps.

    Args:
        clip: Truth and tracks of each frame.

    Raises:
        ValueError: there is no true box.
    """
    num_true = sum(len(truth.track_id) for truth, _ in clip)
    num_found = sum(len(found.track_id) for _, found in clip)
    if not num_true:
        raise ValueError("expected at least one true box")
    last: dict[int, int] = {}
    num_matches, num_switches = 0, 0
    together: Counter[Pair] = Counter()
    for truth, found in clip:
        overlap = overlaps(truth.boxes, found.boxes)
        matches = _matched(truth, found, overlap, last)
        num_switches += sum(last.get(person, track) != track for person, track in matches.items())
        num_matches += len(matches)
        last |= matches
        near = zip(*np.nonzero(overlap >= MIN_OVERLAP), strict=True)
        together.update((int(truth.track_id[row]), int(found.track_id[column])) for row, column in near)
    errors = num_true + num_found - 2 * num_matches + num_switches
    return TrackFigures(
        mota=1.0 - errors / num_true,
        idf1=2.0 * _longest_together(together) / (num_true + num_found),
        recall=num_matches / num_true,
        precision=num_matches / num_found if num_found else None,
        num_switches=num_switches,
        num_boxes=num_true,
    )


def _matched(
    truth: TrueTracks, found: FoundTracks, overlap: npt.NDArray[np.float64], last: dict[int, int]
) -> dict[int, int]:
    """The track of each person of one frame who has any."""
    cost = np.where(overlap >= MIN_OVERLAP, 1.0 - overlap, _NO_MATCH)
    before = np.array([last.get(int(person), -1) for person in truth.track_id], np.int64)
    goes_on = (before[:, None] == found.track_id[None]) & (cost < _NO_MATCH)
    for row, column in np.argwhere(goes_on):  # who goes on is taken out of the assignment by a price below all others
        cost[row, column] = -_NO_MATCH
    rows, columns = linear_sum_assignment(cost)
    is_match = cost[rows, columns] < _NO_MATCH
    pairs = zip(truth.track_id[rows[is_match]].tolist(), found.track_id[columns[is_match]].tolist(), strict=True)
    return dict(pairs)


def _longest_together(together: Counter[Pair]) -> int:
    """Boxes on which people and tracks agree when each is given one of the other for the whole clip."""
    people, tracks = (sorted({pair[place] for pair in together}) for place in (0, 1))
    boxes = np.zeros((len(people), len(tracks)))
    for (person, track), count in together.items():
        boxes[people.index(person), tracks.index(track)] = count
    rows, columns = linear_sum_assignment(-boxes)
    return int(boxes[rows, columns].sum())
