"""The site description that the documents show is one that the client reads."""

from pathlib import Path

from context.site import Site
from fl_runtime.config_file import load_config

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "site.example.yaml"


def test_documented_site_is_read_with_its_zones_and_hours() -> None:
    site = load_config(EXAMPLE, Site)
    (camera,) = site.cameras
    assert [zone.name for zone in camera.zones] == ["doors", "aisle"]
    assert "sunday" not in site.schedule.weekly
    assert camera.zones[1].flow_direction == (0.0, 1.0)
    assert (site.behaviours.dwell.limit_s, site.behaviours.metres_per_height) == (90.0, 1.7)
