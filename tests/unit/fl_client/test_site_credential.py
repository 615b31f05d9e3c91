"""What a client proves itself with: a token it keeps, or what follows from its identity key."""

import stat
from pathlib import Path

import pytest

from fl_client.errors import SettingsError, StateError
from fl_client.uplink.site_credential import site_credential
from fl_protocol.membership import IDENTITY_FILE, MEMBERSHIP_FILE, make_federation
from fl_protocol.messages import SiteRegistration
from fl_protocol.registration import check_registration
from fl_protocol.roster import verify_roster

_MADE = make_federation("chain", ["store42", "store43"])


@pytest.fixture
def box(tmp_path: Path) -> Path:
    for name, content in _MADE.files_by_site["store42"].items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def test_token_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "token"
    first = site_credential("store42", path, None)
    assert site_credential("store42", path, None) == first
    assert (first.proof, path.read_text(), stat.S_IMODE(path.stat().st_mode)) == (None, first.token, 0o600)


def test_credential_of_a_box_is_what_its_roster_admits_and_needs_no_file(box: Path) -> None:
    credential = site_credential("store42", box / "token", box)
    roster = verify_roster(_MADE.signed_roster, _MADE.operator_key, newest_version=1)
    registration = SiteRegistration(name="store42", proof=credential.proof)
    assert check_registration(roster, registration, credential.token) == roster.sites[0].identity_key
    assert not (box / "token").exists()


def test_membership_of_another_site_is_refused(box: Path) -> None:
    with pytest.raises(SettingsError, match=r"^membership: expected that of store43, got that of store42$"):
        site_credential("store43", box / "token", box)


def test_membership_that_cannot_be_read_is_named(box: Path) -> None:
    (box / IDENTITY_FILE).write_bytes(b"none")
    with pytest.raises(StateError, match="expected a private key in PEM without password"):
        site_credential("store42", box / "token", box)
    (box / MEMBERSHIP_FILE).unlink()
    with pytest.raises(StateError, match=r"membership\.json: cannot be read: No such file or directory"):
        site_credential("store42", box / "token", box)
