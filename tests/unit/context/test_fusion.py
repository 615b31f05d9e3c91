"""Votes of cameras that see the same place."""

from typing import Any

import pydantic
import pytest

from context.fusion import NO_VOTES, VOTE_S, SharedPlace, fuse, vote

THRESHOLD = 0.5
SIGHTED = frozenset[str]()


def place(**fields: Any) -> SharedPlace:  # noqa: ANN401  any field
    views = [
        {"camera": name, "zone": "till", "weight": weight} for name, weight in zip("abc", (0.4, 0.3, 0.3), strict=True)
    ]
    return SharedPlace.model_validate({"name": "till", "views": views, **fields}, strict=False)


@pytest.mark.parametrize(
    ("severities", "expected"),
    [
        ({}, (0.0, False, 0.0)),
        ({"a": 0.9}, (0.4, False, 0.9)),
        ({"b": 0.9, "c": 0.9}, (0.6, True, 0.9)),
        ({"a": 0.9, "b": 0.5}, (0.7, True, (0.4 * 0.9 + 0.3 * 0.5) / 0.7)),
        ({"a": 0.9, "b": 0.49, "c": 0.49}, (0.4, False, 0.9)),
        ({"a": 0.6, "b": 0.6, "c": 0.6}, (1.0, True, 0.6)),
    ],
)
def test_two_of_three_are_a_consensus_and_one_is_none(
    severities: dict[str, float], expected: tuple[float, bool, float]
) -> None:
    votes = NO_VOTES
    for camera, severity in severities.items():
        votes = vote(votes, camera, 0.0, severity)
    assert fuse(place(), votes, 0.0, THRESHOLD, SIGHTED) == pytest.approx(expected)


def test_votes_a_moment_apart_count_together_and_old_ones_do_not() -> None:
    votes = vote(vote(NO_VOTES, "a", 0.0, 0.8), "b", VOTE_S, 0.8)
    assert fuse(place(), votes, VOTE_S, THRESHOLD, SIGHTED).is_alarm
    assert not fuse(place(), votes, VOTE_S + 0.1, THRESHOLD, SIGHTED).is_alarm


def test_highest_of_a_moment_counts_and_is_forgotten_after_it() -> None:
    votes = vote(vote(NO_VOTES, "a", 0.0, 0.8), "a", 1.0, 0.1)
    assert votes.by_camera["a"].severity == 0.8
    assert vote(votes, "a", VOTE_S + 0.1, 0.1).by_camera["a"].severity == 0.1


def test_blind_camera_has_no_vote_and_the_others_decide() -> None:
    votes = vote(vote(NO_VOTES, "a", 0.0, 0.8), "b", 0.0, 0.8)
    alone = fuse(place(), votes, 0.0, THRESHOLD, frozenset({"a"}))
    assert alone.weight == pytest.approx(0.5)
    assert not alone.is_alarm
    assert fuse(place(), votes, 0.0, THRESHOLD, frozenset({"a", "c"})).is_alarm
    assert not fuse(place(), votes, 0.0, THRESHOLD, frozenset("abc")).is_alarm


@pytest.mark.parametrize(
    ("weights", "problem"),
    [
        ((0.4, 0.3), "weights must add up to 1"),
        ((1.0,), "should have at least 2 items"),
        ((1.0, 0.0), "greater than 0"),
    ],
)
def test_place_that_cannot_be_voted_on_is_refused(weights: tuple[float, ...], problem: str) -> None:
    views = [{"camera": name, "zone": "till", "weight": weight} for name, weight in zip("abc", weights, strict=False)]
    with pytest.raises(pydantic.ValidationError, match=problem):
        place(views=views)


def test_camera_votes_once() -> None:
    with pytest.raises(pydantic.ValidationError, match="expected every camera once"):
        place(views=[{"camera": "a", "zone": "till", "weight": 0.5}] * 2)
