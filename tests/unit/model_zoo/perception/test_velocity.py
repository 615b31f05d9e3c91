"""Velocity of a track: flow and box edges outvote each other."""

import numpy as np
import pytest

from model_zoo.perception.perspective import Boxes
from model_zoo.perception.tracker import Track
from model_zoo.perception.velocity import MIN_STEPS, EdgeTracker, fused_velocity


def boxes_at(step: int, *, speed: float = 0.02, width: float = 0.1) -> Boxes:
    return np.array([[0.1 + speed * step, 0.2, 0.1 + width + speed * step, 0.6]], np.float32)


def follow(edges: EdgeTracker, boxes: list[Boxes], track_id: int = 7) -> list[list[float]]:
    track = Track(track_id, np.zeros(4), np.zeros(2))
    return [edges.update([track], {track_id}, one, 0.1 * step)[0].tolist() for step, one in enumerate(boxes)]


def test_edges_of_a_steady_walker_move_at_its_speed() -> None:
    speeds = follow(EdgeTracker(), [boxes_at(step) for step in range(10)])
    assert speeds[-1] == pytest.approx([0.2, 0.0, 0.2, 0.0], abs=1e-5)


def test_young_track_has_no_edge_speeds() -> None:
    speeds = follow(EdgeTracker(), [boxes_at(step) for step in range(MIN_STEPS)])
    assert np.isnan(speeds[: MIN_STEPS - 1]).all()
    assert np.isfinite(speeds[-1]).all()


def test_track_that_ended_is_forgotten() -> None:
    edges = EdgeTracker()
    follow(edges, [boxes_at(step) for step in range(MIN_STEPS)])
    edges.update([], set(), np.zeros((0, 4), np.float32), 0.5)
    assert np.isnan(follow(edges, [boxes_at(0)])).all()


def test_flow_that_loses_a_runner_is_outvoted() -> None:
    velocity = fused_velocity(np.array([[0.5, 0.0]]), np.array([[1.9, 0.05, 2.1, -0.05]]))
    assert velocity.tolist() == [[1.9, 0.0]]


def test_edge_that_jumps_where_blobs_merge_is_outvoted() -> None:
    velocity = fused_velocity(np.array([[0.5, 0.1]]), np.array([[0.6, 0.1, 9.0, -7.0]]))
    assert velocity.tolist() == [[0.6, 0.1]]


def test_without_edges_the_flow_stands() -> None:
    velocity = fused_velocity(np.array([[0.5, 0.1]]), np.full((1, 4), np.nan))
    assert velocity.tolist() == [[0.5, 0.1]]
