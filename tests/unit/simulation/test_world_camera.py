"""Emulated cameras: layouts in turn, zones where the picture shows them, optics with perspective."""

import dataclasses
import datetime as dt
import json

import numpy as np
import pytest
import shapely

from context.schedule import OperationalState
from context.site import Site
from simulation.world.camera import EmulatedCamera, emulated_camera
from simulation.world.layouts import LAYOUTS
from simulation.world.outline import rods_outline
from simulation.world.person import Posture, civilian, person
from simulation.world.route import Route, Waypoint, move


def _closing(camera: EmulatedCamera) -> dt.datetime:
    """A quarter of an hour after a Wednesday's closing time."""
    hours = camera.site.schedule.weekly["wednesday"]
    minute = hours.closes.minutes + 15
    instant = dt.datetime(2026, 7, 15, minute // 60, minute % 60, tzinfo=dt.UTC)
    offset = camera.local_time(instant).utcoffset()
    assert offset is not None
    return instant - offset


def test_layouts_take_turns_with_the_camera_index() -> None:
    names = [emulated_camera(0, index).layout for index in range(len(LAYOUTS))]
    assert names == list(LAYOUTS)
    assert len(names) >= 5


def test_cameras_of_one_layout_hang_differently() -> None:
    first, second = emulated_camera(0, 0), emulated_camera(0, len(LAYOUTS))
    assert first.layout == second.layout
    assert first.optics != second.optics
    assert first.texture_seed != second.texture_seed


def test_camera_index_wraps_after_sixty_three_and_is_never_zero() -> None:
    assert [emulated_camera(0, index).index for index in (0, 62, 63)] == [1, 63, 1]


@pytest.mark.parametrize(("seed", "index"), [(-1, 0), (0, -1)])
def test_negative_seed_or_index_is_refused(seed: int, index: int) -> None:
    with pytest.raises(ValueError, match="expected seed and index of at least 0"):
        emulated_camera(seed, index)


@pytest.mark.parametrize("index", range(len(LAYOUTS)))
def test_every_area_of_a_layout_becomes_a_zone(index: int) -> None:
    camera = emulated_camera(0, index)
    zones = {zone.name: zone.kind for zone in camera.site.cameras[0].zones}
    assert zones == {area.name: area.kind for area in camera.ground_plan.areas}


@pytest.mark.parametrize("index", range(len(LAYOUTS)))
def test_zone_holds_the_picture_of_its_ground_and_no_other(index: int) -> None:
    camera = emulated_camera(0, index)
    for zone, area in zip(camera.site.cameras[0].zones, camera.ground_plan.areas, strict=True):
        polygon = shapely.Polygon(zone.polygon)
        visible = camera.optics.ground_in_view().intersection(shapely.box(*area.low, *area.high))
        inside = visible.representative_point()
        spot = camera.optics.project_fraction(np.array([inside.x, inside.y, 0.0]))
        assert polygon.buffer(0.01).contains(shapely.Point(spot))
        beside = camera.optics.project_fraction(np.array([area.low[0] - 1.0, (area.low[1] + area.high[1]) / 2, 0.0]))
        assert not polygon.contains(shapely.Point(beside))


def test_flow_of_a_zone_turns_round_with_the_hour() -> None:
    camera = emulated_camera(0, 1)
    hours = camera.site.schedule.weekly["wednesday"]
    opening = _closing(camera) - dt.timedelta(minutes=hours.closes.minutes - hours.opens.minutes + 30)
    assert camera.state_at(opening) is OperationalState.OPENING
    assert camera.state_at(_closing(camera)) is OperationalState.CLOSING
    inwards, outwards = camera.flow_at("doors", opening), camera.flow_at("doors", _closing(camera))
    assert inwards is not None
    assert outwards is not None
    assert inwards[1] > 0.9  # towards the camera is down in the picture
    assert np.allclose(inwards, np.negative(outwards), atol=0.1)


def test_unknown_zone_is_refused() -> None:
    camera = emulated_camera(0, 1)
    with pytest.raises(ValueError, match="expected a zone of this camera, got 'roof'"):
        camera.flow_at("roof", _closing(camera))


def test_mirrored_optics_swap_left_and_right() -> None:
    optics = emulated_camera(0, 0).optics
    mirrored = dataclasses.replace(optics, is_mirrored=not optics.is_mirrored)
    points = np.array([[1.0, 6.0, 0.0], [-2.0, 9.0, 1.7]])
    spots, flipped = optics.project_fraction(points), mirrored.project_fraction(points)
    assert np.allclose(spots[:, 0], 1 - flipped[:, 0])
    assert np.allclose(spots[:, 1], flipped[:, 1])


def test_rays_come_back_to_the_places_they_left_from() -> None:
    optics = emulated_camera(0, 3).optics
    places = np.array([[0.1, 0.2], [0.5, 0.5], [0.9, 0.95]])
    points = optics.position + 7.0 * optics.rays(places)
    assert np.allclose(optics.project_fraction(points), places)
    assert np.allclose(optics.project(points)[1], 7.0)


def test_the_same_person_is_larger_nearby() -> None:
    optics, look = emulated_camera(0, 0).optics, civilian(np.random.default_rng(5))
    heights = []
    for distance in (5.0, 10.0):
        route = Route((Waypoint(0.0, distance), Waypoint(2.0, distance)), 1.2)
        motion = move(route, np.array([0.5]))
        box = rods_outline(person(look, motion, Posture.FREE, optics), motion, optics).boxes()[0]
        heights.append(box[3] - box[1])
    assert 1.5 < heights[0] / heights[1] < 2.2


def test_people_are_thirty_to_ninety_pixels_tall_where_they_walk() -> None:
    for index, middle in enumerate([(1.85, 8.0), (0.7, 8.0), (4.0, 5.6), (0.0, 4.0), (3.0, 5.6), (2.0, 5.6)]):
        optics = emulated_camera(0, index).optics
        ends = optics.project_fraction(np.array([[*middle, 0.0], [*middle, 1.72]]))
        assert 30 <= 240 * (ends[0, 1] - ends[1, 1]) <= 90


def test_site_description_is_read_back_as_the_same_site() -> None:
    site = emulated_camera(3, 4).site
    assert Site.model_validate_json(json.dumps(site.model_dump(mode="json"))) == site
