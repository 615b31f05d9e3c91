"""From frames to the alert on disk: a rule of the site raises it, from the first minute on."""

import datetime as dt
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from context.context_vector import moment_at
from context.language import understand
from context.site import Site
from fl_runtime.config_file import load_config
from tests.fakes.drawn_scene import walking_frames
from tests.fakes.watched_camera import alerts_of

EVENING = dt.datetime(2026, 1, 7, 22, 30, tzinfo=dt.UTC)
ONE_AISLE = "name: s\ncameras: [{name: c, zones: [{name: aisle, kind: aisle, polygon: [[0,0],[1,0],[1,1]]}]}]\n"
RIGHT_HALF = [[0.5, 0.0], [1.0, 0.0], [1.0, 1.0], [0.5, 1.0]]


def described(*rules: dict[str, Any]) -> Site:
    camera = {"name": "door", "zones": [{"name": "aisle", "kind": "aisle", "polygon": RIGHT_HALF}]}
    return Site.model_validate({"name": "store42", "cameras": [camera], "rules": list(rules)}, strict=False)


def alerts_of_walkers(folder: Path, site: Site, began: dt.datetime) -> list[dict[str, Any]]:
    """A walker every ten seconds for a minute, in which nothing is learned yet."""
    return alerts_of(folder, site, began.timestamp(), 600.0, [walking_frames(600, seed=1, walkers_every=100)])


def test_rule_said_in_english_alerts_while_nothing_is_learned(tmp_path: Path) -> None:
    rule = understand("Alert me if a person enters the aisle after 10 PM, as high", described()).rule
    alerts = alerts_of_walkers(tmp_path, described(rule.model_dump(mode="json")), EVENING)
    assert alerts, "nobody was seen to enter"
    for alert in alerts:
        assert alert["why"] == "Rule 'person enter aisle': enter (in aisle)."
        assert (alert["zone"], alert["operational_state"]) == ("aisle", "closed")
        assert 0.7 <= alert["severity_score"] < 0.8
        box = alert["peak_box"]
        assert 0.5 <= (box[0] + box[2]) / 2 < 0.75  # where the right half begins
    assert len(alerts) == 1  # a walker every ten seconds, and a cooldown of a minute


def test_same_walkers_raise_nothing_before_the_hours_of_the_rule(tmp_path: Path) -> None:
    rule = understand("Alert me if a person enters the aisle after 10 PM", described()).rule
    site = described(rule.model_dump(mode="json"))
    assert alerts_of_walkers(tmp_path, site, EVENING - dt.timedelta(hours=2)) == []
    assert moment_at(site, EVENING).state.value == "closed"


def _rule_command(sentence: str, config: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fl_client", "rule", sentence, "--config", str(config)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_rule_command_prints_what_can_be_put_into_the_site_description(tmp_path: Path) -> None:
    config = tmp_path / "site.yaml"
    config.write_text(ONE_AISLE)
    sentence = "people in the aisle between 10:30 pm and 6 am on Sundays"
    printed = _rule_command(sentence, config)
    assert (printed.returncode, printed.stderr) == (0, "")
    config.write_text(f"{ONE_AISLE}rules:\n{printed.stdout}")
    site = load_config(config, Site)
    assert site.rules == (understand(sentence, site).rule,)


@pytest.mark.parametrize(
    ("sentence", "error"),
    [
        ("a unicorn in the aisle", "error: this word is not known: a >>unicorn<< in the aisle\n"),
        ("people enter at 10 PM", "error: did not expect this here: people enter at >>10 PM<<\n"),
    ],
)
def test_rule_command_points_at_what_it_did_not_understand(tmp_path: Path, sentence: str, error: str) -> None:
    config = tmp_path / "site.yaml"
    config.write_text(
        "name: s\ncameras: [{name: c, zones: [{name: aisle, kind: aisle, polygon: [[0,0],[1,0],[1,1]]}]}]\n"
    )
    printed = _rule_command(sentence, config)
    assert (printed.returncode, printed.stdout, printed.stderr) == (2, "", error)
