"""Who gets a site's place at a coordinator with a roster, and who keeps it while the roster changes."""

import logging
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fl_protocol.messages import SiteRegistration
from fl_protocol.registration import SiteCredential, member_credential
from fl_protocol.roster import Roster, RosterSite, new_beacon, sign_roster
from fl_server.config import ServerConfig
from fl_server.errors import StartError
from fl_server.storage.database import Storage
from fl_server.storage.sites import register_site
from fl_server.watched_roster import WatchedRoster
from tests.unit.fl_server.memory_storage import memory_storage, report
from tests.unit.fl_server.test_api import Coordinator

_OPERATOR = Ed25519PrivateKey.generate()
_BOX, _OTHER_BOX, _STRANGER = (Ed25519PrivateKey.generate() for _ in range(3))


def _site(name: str, identity: Ed25519PrivateKey) -> RosterSite:
    return RosterSite(name, identity.public_key().public_bytes_raw())


_BOTH = (_site("store42", _BOX), _site("store43", _OTHER_BOX))
_FIRST = Roster(3, new_beacon(), "chain", _BOTH)


class Operator:
    """Puts rosters where the coordinator reads them."""

    def __init__(self, folder: Path) -> None:
        self.path, self.key_file = folder / "roster.json", folder / "operator.pub"
        self.key_file.write_text(_OPERATOR.public_key().public_bytes_raw().hex() + "\n")
        self.put(_FIRST)

    def put(self, roster: Roster, key: Ed25519PrivateKey = _OPERATOR) -> Roster:
        """Signs a roster, puts it there and returns it."""
        self.path.write_bytes(sign_roster(roster, key))
        return roster

    @property
    def config(self) -> ServerConfig:
        """Of a coordinator that asks this roster."""
        return ServerConfig(roster=self.path, operator_key=self.key_file)


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    return Operator(tmp_path)


@pytest.fixture
def storage() -> Iterator[Storage]:
    opened = memory_storage()
    yield opened
    opened.close()


@pytest.fixture
def coordinator(operator: Operator, storage: Storage) -> Coordinator:
    return Coordinator(storage, operator.config)


def _register(coordinator: Coordinator, credential: SiteCredential, name: str = "store42") -> httpx.Response:
    body = SiteRegistration(name=name, proof=credential.proof).model_dump(mode="json")
    return coordinator.call("POST", "/v1/sites", credential.token, json=body)


def _refused(response: httpx.Response) -> str:
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (403, "unproven_site")
    return str(error["message"])


def _report_status(coordinator: Coordinator, credential: SiteCredential) -> int:
    body = report().model_dump(mode="json")
    return coordinator.call("POST", "/v1/alerts", credential.token, json=body).status_code


_OWN = member_credential(_BOX, "chain", "store42")
_FORGED = member_credential(_STRANGER, "chain", "store42")


def test_impostor_before_the_box_leaves_nothing_and_the_box_comes_through(coordinator: Coordinator) -> None:
    not_proved = "site store42: expected a proof by the identity key on the roster, for this token"
    assert _refused(_register(coordinator, _FORGED)) == not_proved
    assert _refused(_register(coordinator, SiteCredential("t" * 43, _OWN.proof))) == not_proved
    assert _refused(_register(coordinator, SiteCredential("t" * 43))).endswith("a proof by its identity key")
    assert _report_status(coordinator, _FORGED) == 401
    assert [_register(coordinator, _OWN).status_code for _ in range(2)] == [201, 200]
    assert _report_status(coordinator, _OWN) == 201


def test_name_that_is_not_on_the_roster_is_refused(coordinator: Coordinator) -> None:
    stranger = member_credential(_STRANGER, "chain", "store44")
    assert (
        _refused(_register(coordinator, stranger, "store44"))
        == "site store44: expected a name on the roster (version 3)"
    )


def test_who_held_the_name_before_there_was_a_roster_gives_way_to_the_box(operator: Operator, storage: Storage) -> None:
    squatter = SiteCredential("s" * 43)
    without_roster = Coordinator(storage)
    assert _register(without_roster, squatter).status_code == 201
    assert _register(without_roster, _OWN).status_code == 409
    coordinator = Coordinator(storage, operator.config)
    assert _report_status(coordinator, squatter) == 401
    assert _refused(_register(coordinator, squatter)).endswith("a proof by its identity key")
    assert _register(coordinator, _OWN).status_code == 200
    assert [_report_status(coordinator, one) for one in (_OWN, squatter)] == [201, 401]


def test_box_registered_before_there_was_a_roster_proves_itself_once(operator: Operator, storage: Storage) -> None:
    register_site(storage, "store42", _OWN.token)
    coordinator = Coordinator(storage, operator.config)
    assert _report_status(coordinator, _OWN) == 401
    assert _register(coordinator, _OWN).status_code == 200
    assert _report_status(coordinator, _OWN) == 201


def test_revoked_site_is_shut_out_at_once_and_may_not_register(operator: Operator, coordinator: Coordinator) -> None:
    _register(coordinator, _OWN)
    operator.put(_FIRST.next_with(_BOTH[1:]))
    refused = coordinator.call("GET", "/v1/feedback", _OWN.token)
    expected = "site store42: expected a token registered with its identity key on the roster"
    assert (refused.status_code, refused.json()["error"]["message"]) == (401, expected)
    assert _refused(_register(coordinator, _OWN)) == "site store42: expected a name on the roster (version 4)"


def test_box_enrolled_anew_takes_the_place_and_its_alerts_from_the_old_one(
    operator: Operator, coordinator: Coordinator
) -> None:
    _register(coordinator, _OWN)
    _report_status(coordinator, _OWN)
    new_box = Ed25519PrivateKey.generate()
    operator.put(_FIRST.next_with([_site("store42", new_box), _BOTH[1]]))
    renewed = member_credential(new_box, "chain", "store42")
    assert _report_status(coordinator, _OWN) == 401
    assert _register(coordinator, renewed).status_code == 200
    assert _refused(_register(coordinator, _OWN)).startswith("site store42: expected a proof by the identity key")
    assert _report_status(coordinator, renewed) == 201
    assert len(coordinator.call("GET", "/v1/alerts?site=store42").json()["alerts"]) == 2


def test_site_may_not_register_the_token_of_another(coordinator: Coordinator, storage: Storage) -> None:
    other = member_credential(_OTHER_BOX, "chain", "store43")
    register_site(storage, "store42", other.token)
    assert _register(coordinator, other, "store43").status_code == 409


def test_roster_that_is_not_to_be_believed_leaves_the_one_before_and_is_told_once(
    operator: Operator, caplog: pytest.LogCaptureFixture
) -> None:
    watched = WatchedRoster(operator.path, operator.key_file)
    newer = operator.put(_FIRST.next_with(_BOTH[:1]))
    assert watched.newest() == newer
    with caplog.at_level(logging.ERROR):
        operator.put(_FIRST)
        assert [watched.newest() for _ in range(2)] == [newer, newer]
        operator.put(newer.next_with(_BOTH), _STRANGER)
        assert watched.newest() == newer
        operator.path.unlink()
        assert watched.newest() == newer
        operator.put(_FIRST.next_with(_BOTH))
        assert watched.newest() == newer
    assert [record.__dict__["reason"] for record in caplog.records] == [
        "roster: expected version 4 or newer, got 3: a rollback",
        "roster: expected a signature by the operator's key over exactly these bytes",
        "cannot be read: No such file or directory",
        "roster: another roster of version 4 was seen before",
    ]
    assert {record.message for record in caplog.records} == {"roster refused; the one before stays"}
    caplog.clear()
    newest = operator.put(newer.next_with(_BOTH))
    assert watched.newest() == newest
    operator.put(_FIRST)
    assert watched.newest() == newest
    assert len(caplog.records) == 1  # told again: a good one came in between


@pytest.mark.parametrize(
    ("roster", "key", "problem"),
    [
        (None, None, r"roster\.json: No such file or directory$"),
        (b"{}", None, r"roster\.json: roster: roster: Field required$"),
        (None, "12", r"operator\.pub: expected a public key, 64 hex digits$"),
    ],
)
def test_coordinator_does_not_start_without_a_roster_to_believe(
    operator: Operator, roster: bytes | None, key: str | None, problem: str
) -> None:
    if key is not None:
        operator.key_file.write_text(key)
    elif roster is None:
        operator.path.unlink()
    else:
        operator.path.write_bytes(roster)
    with pytest.raises(StartError, match=problem):
        Coordinator(config=operator.config)
