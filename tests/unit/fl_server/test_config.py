"""The coordinator's configuration."""

import pydantic
import pytest

from fl_server.config import ServerConfig


def test_default_listens_on_this_machine_only() -> None:
    config = ServerConfig()
    assert config.host == "127.0.0.1"
    assert config.host_names == {"127.0.0.1", "localhost", "::1"}


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"host": "192.168.1.5"}, "host 192.168.1.5 can be reached from other machines and the operator's page has no"),
        ({"host": "store.example"}, "host store.example can be reached from other machines"),
        ({"host": "0.0.0.0", "allow_remote_operators": True}, "host 0.0.0.0 needs allowed_hosts"),  # noqa: S104  refused
        ({"port": 70000}, "less than or equal to 65535"),
        ({"database": "postgresql+psycopg://me:secret@db/edgeguard"}, "expected no password in the address"),
        ({"database": "postgresql+psycopg://me@db/edgeguard?password=secret"}, "expected no password in the address"),
        ({"database": "no address"}, "expected a database address such as sqlite:///edgeguard.db"),
        ({"time_zone": "Mars/Olympus"}, "expected an IANA time zone such as Europe/Berlin, got 'Mars/Olympus'"),
        ({"roster": "roster.json"}, "roster and operator_key: expected both or neither"),
        ({"operator_key": "operator.pub"}, "roster and operator_key: expected both or neither"),
        ({"colour": "red"}, "Extra inputs are not permitted"),
    ],
)
def test_bad_configuration_is_refused(given: dict[str, object], problem: str) -> None:
    with pytest.raises(pydantic.ValidationError) as caught:
        ServerConfig.model_validate(given)
    assert problem in str(caught.value)


def test_remote_operators_can_be_allowed() -> None:
    config = ServerConfig.model_validate(
        {"host": "::", "allow_remote_operators": True, "allowed_hosts": ["Coordinator.example"]}
    )
    assert "coordinator.example" in config.host_names
    assert ServerConfig(host="::1").host == "::1"
    assert ServerConfig(host="localhost").host == "localhost"
