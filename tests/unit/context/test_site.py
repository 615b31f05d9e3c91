"""Site descriptions: what is read, and what is refused by name."""

from typing import Any

import pydantic
import pytest

from context.site import MAX_CAMERA_INDEX, Camera, Site
from context.zone import ZoneKind

TRIANGLE = [[0, 0], [1, 0], [1, 1]]
SITE: dict[str, Any] = {"name": "store42", "cameras": [{"name": "till-1"}]}


def test_site_without_hours_is_in_utc_and_always_closed() -> None:
    site = Site.model_validate(SITE)
    assert (site.time_zone, site.schedule.weekly, site.cameras[0].index) == ("UTC", {}, 0)


def test_zone_slots_count_from_one_and_slot_zero_is_everything_outside() -> None:
    zones = [{"name": "A", "kind": "till", "polygon": TRIANGLE}, {"name": "B", "kind": "aisle", "polygon": TRIANGLE}]
    camera = Camera.model_validate({"name": "c", "zones": zones})
    assert camera.zone_kinds() == (ZoneKind.OTHER, ZoneKind.TILL, ZoneKind.AISLE)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"time_zone": "Mars/Olympus"}, "expected an IANA time zone, got 'Mars/Olympus'"),
        ({"time_zone": "../etc/passwd"}, "expected an IANA time zone, got '../etc/passwd'"),
        ({"cameras": [{"name": "a"}, {"name": "a"}]}, "camera names must differ"),
        ({"cameras": []}, "at least 1 item"),
        ({"cameras": [{"name": "a/b"}]}, "String should match pattern"),
        ({"cameras": [{"name": "a", "index": MAX_CAMERA_INDEX + 1}]}, "less than or equal to 63"),
        ({"name": "-x"}, "String should match pattern"),
        ({"colour": "red"}, "Extra inputs are not permitted"),
        (
            {"cameras": [{"name": "a", "zones": [{"name": "Z", "kind": "till", "polygon": TRIANGLE}] * 2}]},
            "zone names must differ",
        ),
    ],
)
def test_description_error_names_what_is_wrong(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(pydantic.ValidationError) as refusal:
        Site.model_validate(SITE | change)
    assert problem in str(refusal.value)
