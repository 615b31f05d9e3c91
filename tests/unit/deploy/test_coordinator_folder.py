"""What is written for the coordinator: everything on loopback but the proxy, nothing left to fill in."""

import re
import tomllib
from pathlib import Path

import pytest

from deploy.coordinator_folder import coordinator_files
from deploy.errors import DeployError
from deploy.settings import checked_settings, parse_settings
from deploy.templates import filled
from fl_runtime.config_file import load_config
from fl_server.config import ServerConfig

_SETTINGS = checked_settings(hosts=("c.example", "d.example"), ips=("192.0.2.7", "2001:db8::7"))
_TEXT_BY_NAME = {name: planned.content.decode() for name, planned in coordinator_files(_SETTINGS).items()}


def test_no_place_is_left_unfilled() -> None:
    assert [name for name, text in _TEXT_BY_NAME.items() if re.search(r"@[A-Z_]+@", text)] == []


def test_superlink_listens_on_loopback_with_tls_node_keys_and_process_isolation() -> None:
    script = _TEXT_BY_NAME["bin/superlink"]
    for words in (
        "--host 127.0.0.1 --port 8000",
        "--ssl-certfile",
        "--enable-supernode-auth",
        "--isolation process",
        "--database",
        "--superexec-auth-secret-file",
        "--disable-runtime-dependency-installation",
    ):
        assert words in script
    assert "--insecure" not in "".join(_TEXT_BY_NAME.values())


def test_nothing_reports_to_anyone() -> None:
    environment = _TEXT_BY_NAME["bin/environment"]
    assert "FLWR_TELEMETRY_ENABLED=0" in environment
    assert "FLWR_DISABLE_UPDATE_CHECK=1" in environment
    for script in ("superlink", "superexec", "coordinator", "train", "apply"):
        assert '. "/opt/edgeguard/coordinator/bin/environment"' in _TEXT_BY_NAME[f"bin/{script}"]


def test_only_the_unit_of_the_proxy_may_be_reached_from_outside() -> None:
    open_to_others = [
        name for name, text in _TEXT_BY_NAME.items() if name.endswith(".service") and "IPAddressDeny=any" not in text
    ]
    assert open_to_others == ["systemd/edgeguard-proxy.service"]


def test_coordinator_is_called_by_the_names_of_its_certificate() -> None:
    listed = 'allowed_hosts: ["c.example", "d.example", "192.0.2.7", "2001:db8::7"]'
    assert listed in _TEXT_BY_NAME["coordinator.yaml"]


def test_coordinator_asks_the_roster_and_starts_runs_of_its_own_app_at_its_own_superlink(tmp_path: Path) -> None:
    (tmp_path / "coordinator.yaml").write_text(_TEXT_BY_NAME["coordinator.yaml"])
    config = load_config(tmp_path / "coordinator.yaml", ServerConfig)
    folder = Path("/opt/edgeguard/coordinator")
    assert config.state_folder == folder / "state" / "coordinator"
    assert (config.roster, config.operator_key) == (folder / "roster.json", folder / "operator.pub")
    assert config.training is not None
    assert (config.training.app, config.training.home) == (folder / "flower-app", folder / "state" / "flower")
    assert config.training.connection in tomllib.loads(_TEXT_BY_NAME["state/flower/config.toml"])["superlink"]


def test_training_runs_publish_where_the_coordinator_looks() -> None:
    app = tomllib.loads(_TEXT_BY_NAME["flower-app/pyproject.toml"])
    assert app["tool"]["flwr"]["app"]["config"]["state"] == "/opt/edgeguard/coordinator/state/coordinator"
    connection = tomllib.loads(_TEXT_BY_NAME["state/flower/config.toml"])["superlink"]["fleet"]
    assert connection == {"address": "127.0.0.1:8000", "root-certificates": "/opt/edgeguard/coordinator/ca.pem"}


def test_proxy_listens_on_an_ipv6_address_in_brackets() -> None:
    plan = coordinator_files(checked_settings(hosts=("c.example",), listen="::"))
    assert "listen [::]:9443 ssl;" in plan["proxy.conf"].content.decode()


def test_settings_survive_a_round_trip() -> None:
    assert parse_settings(_SETTINGS.file_content, Path("settings.json")) == _SETTINGS
    with pytest.raises(DeployError, match=r"settings\.json: Invalid JSON"):
        parse_settings(b"", Path("settings.json"))


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"hosts": ()}, "hosts: Tuple should have at least 1 item"),
        ({"hosts": ("a b",)}, "hosts: 0: String should match pattern"),
        ({"hosts": ("c.example",), "ips": ("300.1.1.1",)}, "ips: expected an IP address, got '300.1.1.1'"),
        ({"hosts": ("c.example",), "installed_at": "/a b"}, "installed_at: String should match pattern"),
        ({"hosts": ("c.example",), "environment": '/a";rm'}, "environment: String should match pattern"),
        ({"hosts": ("c.example",), "api_port": 0}, "api_port: Input should be greater than or equal to 1"),
        (
            {"hosts": ("c.example",), "api_port": 8000},
            "ports: expected four different ones, got 9443, 8000, 8000, 8080",
        ),
    ],
)
def test_bad_settings_are_named_in_one_line(options: dict[str, object], problem: str) -> None:
    with pytest.raises(DeployError) as refused:
        checked_settings(**options)
    assert str(refused.value).startswith(problem)


def test_template_without_its_value_is_a_wrong_call() -> None:
    with pytest.raises(KeyError, match="FOLDER"):
        filled("environment.sh", {"ENVIRONMENT": "/v"})
