"""Rules that cannot be are refused with what was expected, and so are sites whose rules name what is not there."""

from typing import Any

import pydantic
import pytest

from context.rule import Rule
from context.site import Site
from context.zone import Line
from tests.fakes.named_site import named_site

ENTER = {"name": "rule", "deed": "enter"}


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"kinds": ["person", "person"]}, "expected every kind once"),
        ({"zones": ["a", "a"]}, "expected every zone once"),
        ({"cameras": ["a", "a"]}, "expected every camera once"),
        ({"severity": "none"}, "severity: expected low, medium, high or critical"),
        ({"line": "threshold"}, "line: expected with line_crossed, and with nothing else"),
        ({"deed": "line_crossed"}, "line: expected with line_crossed, and with nothing else"),
        ({"deed": "dwell"}, "limit: needed for dwell"),
        ({"limit": 3.0}, "limit: enter has none"),
        ({"deed": "unusual", "limit": 1.5}, "limit: expected at most 1 for unusual, got 1.5"),
        ({"deed": "count", "limit": 2.5}, "limit: expected a whole number for count, got 2.5"),
        ({"deed": "count", "limit": 0.0}, "limit: expected at least 1 for count, got 0"),
        ({"comparison": "at_most"}, "comparison: only a count can be at most"),
        ({"lasting_s": 5.0}, "lasting_s: only a count or a crowd has one"),
        ({"deed": "dance"}, "Input should be 'enter'"),
        ({"name": "new\nline"}, "String should match pattern"),
        ({"colour": "red"}, "Extra inputs are not permitted"),
    ],
)
def test_rule_that_cannot_be_is_refused(fields: dict[str, Any], problem: str) -> None:
    with pytest.raises(pydantic.ValidationError, match=problem):
        Rule.model_validate(ENTER | fields, strict=False)


def test_nobody_may_be_counted() -> None:
    nobody = Rule.model_validate(ENTER | {"deed": "count", "limit": 0.0, "comparison": "at_most"}, strict=False)
    assert nobody.limit == 0.0


CLEANERS = {"name": "cleaners", "when": {"days": ["tuesday"]}}


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"rules": [ENTER, ENTER]}, "rule names must differ"),
        ({"rules": [ENTER | {"cameras": ["roof"]}]}, "no camera is called roof; there is entrance, back, tills"),
        ({"rules": [ENTER | {"zones": ["attic"]}]}, "no zone is called attic; there is doors, sidewalk, delivery bay"),
        (
            {"rules": [ENTER | {"cameras": ["back"], "zones": ["doors"]}]},
            "no zone is called doors; there is delivery bay",
        ),
        ({"rules": [{"name": "r", "deed": "line_crossed", "line": "x"}]}, "no line is called x; there is threshold"),
        ({"rules": [ENTER | {"deed": "against_flow", "zones": ["doors"]}]}, "against_flow needs a zone with"),
        (
            {"rules": [ENTER | {"when": {"start": "sunset", "end": "sunrise"}}], "schedule": {}},
            "schedule.location: needed for sunrise and sunset",
        ),
        ({"exemptions": [CLEANERS | {"rules": ["ghost"]}]}, "exemption cleaners: there is no ghost"),
        ({"exemptions": [CLEANERS | {"zones": ["attic"]}]}, "exemption cleaners: there is no attic"),
        (
            {"exemptions": [CLEANERS | {"when": {"start": "sunset", "end": "23:00"}}], "schedule": {}},
            "exemption cleaners: schedule.location is needed",
        ),
    ],
)
def test_site_whose_rules_name_what_is_not_there_is_refused(fields: dict[str, Any], problem: str) -> None:
    with pytest.raises(pydantic.ValidationError, match=problem):
        named_site(**fields)


def test_site_is_written_and_read_the_same() -> None:
    rule = ENTER | {"when": {"start": "sunset-00:30", "end": "06:00", "holidays": False}}
    site = named_site(rules=[rule], exemptions=[CLEANERS | {"first_day": "2026-03-01"}])
    assert Site.model_validate_json(site.model_dump_json()) == site


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"end": (0.5, 0.0)}, "start and end must differ"),
        ({"direction": (0.0, 1.0)}, "direction must lead across the line"),
        ({"direction": (0.0, 0.0)}, "direction must lead across the line"),
    ],
)
def test_line_that_cannot_be_crossed_is_refused(fields: dict[str, Any], problem: str) -> None:
    with pytest.raises(pydantic.ValidationError, match=problem):
        Line.model_validate({"name": "line", "start": (0.5, 0.0), "end": (0.5, 1.0), **fields})


@pytest.mark.parametrize("name", ["doors", "threshold"])
def test_names_of_one_camera_differ(name: str) -> None:
    zone = {"name": "doors", "kind": "entrance", "polygon": [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]]}
    line = {"name": "threshold", "start": [0.0, 0.0], "end": [1.0, 1.0]}
    twice = {"zones": [zone] * 2} if name == "doors" else {"lines": [line] * 2}
    with pytest.raises(pydantic.ValidationError, match=f"{'zone' if name == 'doors' else 'line'} names must differ"):
        named_site(cameras=[{"name": "camera", **twice}])


@pytest.mark.parametrize(
    ("before", "after", "is_crossed"),
    [
        ((0.4, 0.5), (0.6, 0.5), True),
        ((0.6, 0.5), (0.4, 0.5), True),
        ((0.4, 0.5), (0.45, 0.9), False),
        ((0.4, 0.2), (0.4, 0.8), False),
        ((0.4, 1.2), (0.6, 1.2), False),
        ((0.4, 0.5), (0.5, 0.5), False),
        ((0.5, 0.5), (0.6, 0.5), True),
    ],
)
def test_line_is_crossed_between_its_ends(
    before: tuple[float, float], after: tuple[float, float], is_crossed: bool
) -> None:
    assert Line(name="line", start=(0.5, 0.0), end=(0.5, 1.0)).is_crossed(before, after) is is_crossed
