"""Options of the client: what contradicts is refused in one line, before anything starts."""

import datetime as dt
from pathlib import Path

import pytest

from fl_client.config import DEFAULT_CAMERA, checked_config, described_site, watched_cameras
from fl_client.errors import SettingsError
from fl_client.supervisor import SuperNodeOptions, is_loopback, supernode_command

GOOD = {"site": "store42", "source": "video.mp4", "state_dir": Path("state")}


def test_client_without_site_description_has_one_camera() -> None:
    config = checked_config(**GOOD)
    site = described_site(config)
    assert (site.name, [camera.name for camera in watched_cameras(config, site)]) == ("store42", [DEFAULT_CAMERA])


TWO_CAMERAS = """
name: store42
cameras:
  - name: door
    source: {address: rtsp://10.0.0.21/sub, record_address: rtsp://10.0.0.21/main}
  - name: till
"""


@pytest.mark.parametrize(
    ("options", "watched"),
    [
        ({"camera": "door"}, ["door"]),
        ({"camera": "door", "source": "video.mp4"}, ["door"]),
        ({"camera": "till", "source": "video.mp4"}, ["till"]),
    ],
)
def test_sources_are_those_of_the_description_or_the_one_that_is_given(
    tmp_path: Path, options: dict[str, object], watched: list[str]
) -> None:
    (tmp_path / "site.yaml").write_text(TWO_CAMERAS)
    config = checked_config(**{**GOOD, "source": None, "site_file": tmp_path / "site.yaml", **options})
    assert [camera.name for camera in watched_cameras(config, described_site(config))] == watched


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "site.yaml: camera till: expected a source, got none"),
        ({"source": "video.mp4"}, "camera: expected one of door, till, got none"),
        ({"camera": "back"}, "camera: expected one of door, till, got back"),
    ],
)
def test_camera_without_a_source_and_source_without_a_camera_are_refused(
    tmp_path: Path, options: dict[str, object], words: str
) -> None:
    (tmp_path / "site.yaml").write_text(TWO_CAMERAS)
    config = checked_config(**{**GOOD, "source": None, "site_file": tmp_path / "site.yaml", **options})
    with pytest.raises(SettingsError, match=words):
        watched_cameras(config, described_site(config))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"site": "../store"}, "^site: "),
        ({"source": ""}, "^source: "),
        ({"learn_for_s": -1.0}, "^learn_for_s: "),
        ({"learn_for_s": float("nan")}, "^learn_for_s: "),
        ({"alert_threshold": 0.4}, "^alert_threshold: "),
        ({"start": dt.datetime(2026, 3, 2)}, "^start: "),  # noqa: DTZ001 - wrong on purpose
        ({"camera": "door"}, "^camera: needs a site description"),
        ({"source": None}, "^source: expected a source, or a site description"),
        ({"coordinator": "coordinator:8080"}, "^coordinator: expected a URL"),
        ({"coordinator": "http://coordinator.example"}, "^coordinator: https is needed"),
        ({"coordinator": "https://user:secret@coordinator.example"}, "^coordinator: expected neither user"),
        ({"superlink": "superlink.example:9092"}, "^superlink: root_certificates are needed"),
        ({"superlink": "superlink.example"}, "^superlink: "),
        ({"root_certificates": Path("missing.pem")}, "^root_certificates: missing.pem is not a file"),
        ({"supernode_key": Path("missing.key")}, "^supernode_key: missing.key is not a file"),
    ],
)
def test_contradictory_options_are_refused(options: dict[str, object], words: str) -> None:
    with pytest.raises(SettingsError, match=words) as refusal:
        checked_config(**{**GOOD, **options})
    assert "secret" not in str(refusal.value)


def test_loopback_needs_no_tls() -> None:
    config = checked_config(**GOOD, coordinator="http://127.0.0.1:8080", superlink="[::1]:9092")
    assert config.superlink == "[::1]:9092"


def test_start_of_a_file_is_now_unless_given() -> None:
    now = dt.datetime(2026, 3, 2, 10, tzinfo=dt.UTC)
    assert checked_config(**GOOD).start_s(now) == now.timestamp()
    assert checked_config(**GOOD, start=now).start_s(now + dt.timedelta(days=1)) == now.timestamp()


@pytest.mark.parametrize("threshold", [0.5, 0.7, 1.0])
def test_every_alert_threshold_gives_rules_that_hold_together(threshold: float) -> None:
    rules = checked_config(**GOOD, alert_threshold=threshold).event_rules
    assert 0.0 < rules.release_threshold <= rules.alert_threshold == threshold


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("localhost", True), ("[::1]", True), ("127.0.0.1.evil.example", False), ("10.0.0.1", False)],
)
def test_loopback_is_this_machine_only(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_plain_text_is_for_loopback_only() -> None:
    options = SuperNodeOptions("127.0.0.1:9092", "store42", Path("/state/store 42"))
    command = supernode_command(options, 9999)
    assert "--insecure" in command
    assert command[-1] == 'site="store42" state="/state/store 42"'
    away = supernode_command(SuperNodeOptions("link.example:9092", "store42", Path("/s"), Path("ca.pem")), 9999)
    assert "--insecure" not in away
    assert away[away.index("--root-certificates") + 1] == "ca.pem"
    assert "--insecure" not in supernode_command(SuperNodeOptions("link.example:9092", "s", Path("/s")), 9999)


def test_supernode_is_given_its_key() -> None:
    options = SuperNodeOptions("link.example:9092", "s", Path("/s"), Path("ca.pem"), Path("/keys/supernode.key"))
    command = supernode_command(options, 9999)
    assert command[command.index("--auth-supernode-private-key") + 1] == "/keys/supernode.key"


def test_membership_needs_its_files_and_a_superlink() -> None:
    for options in ({"membership": Path("/nowhere")}, {"membership": Path("/nowhere"), "superlink": "127.0.0.1:9092"}):
        with pytest.raises(SettingsError, match=r"membership: expected identity\.key in it, and a superlink"):
            checked_config(**GOOD, **options)


def test_supernode_of_a_member_hands_secure_rounds_to_the_trainer() -> None:
    options = SuperNodeOptions("127.0.0.1:9092", "store42", Path("/state/store42"), membership_dir=Path("/keys"))
    assert supernode_command(options, 9999)[-1] == 'site="store42" state="/state/store42" trainer="process"'
