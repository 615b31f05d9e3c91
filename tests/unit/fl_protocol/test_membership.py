"""What makes a box a site: files that belong together are believed, others refused with the reason."""

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fl_protocol.errors import MessageError, RosterError
from fl_protocol.membership import (
    IDENTITY_FILE,
    MEMBERSHIP_FILE,
    ROSTER_FILE,
    PrivacyPromise,
    identity_pem,
    make_federation,
    read_identity,
    rostered_site,
)
from fl_protocol.roster import sign_roster

MADE = make_federation("chain", ["store43", "store42", "store44"])
FILES = MADE.files_by_site["store43"]
THREE = (FILES[IDENTITY_FILE], FILES[MEMBERSHIP_FILE], FILES[ROSTER_FILE])


def test_site_finds_its_position_by_name() -> None:
    rostered = rostered_site(*THREE)
    assert [site.name for site in rostered.roster.sites] == ["store42", "store43", "store44"]
    assert rostered.position == 1
    assert rostered.roster.sites[1].identity_key == rostered.identity.public_key().public_bytes_raw()


def test_identity_is_read_back() -> None:
    identity = Ed25519PrivateKey.generate()
    assert read_identity(identity_pem(identity)).private_bytes_raw() == identity.private_bytes_raw()


def test_other_keys_are_refused() -> None:
    other = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with pytest.raises(RosterError, match=r"^expected an Ed25519 key$"):
        read_identity(other)
    with pytest.raises(RosterError, match=r"^expected a private key in PEM without password$"):
        read_identity(b"none")


def test_box_with_another_key_or_name_is_not_on_the_roster() -> None:
    theirs = MADE.files_by_site["store42"]
    for identity, membership in (
        (theirs[IDENTITY_FILE], FILES[MEMBERSHIP_FILE]),
        (FILES[IDENTITY_FILE], theirs[MEMBERSHIP_FILE]),
    ):
        with pytest.raises(RosterError, match="of chain on it, with the key of this box"):
            rostered_site(identity, membership, FILES[ROSTER_FILE])


def test_damaged_membership_is_refused() -> None:
    with pytest.raises(MessageError, match="expected Membership"):
        rostered_site(THREE[0], b"{}", THREE[2])


def test_roster_older_than_the_one_kept_is_refused_and_another_of_its_version_too() -> None:
    operator = Ed25519PrivateKey.generate()
    made = make_federation("chain", ["store42"], operator)
    files = made.files_by_site["store42"]
    identity, membership = files[IDENTITY_FILE], files[MEMBERSHIP_FILE]
    first = rostered_site(identity, membership, made.signed_roster).roster
    second = first.next_with(first.sites)
    assert rostered_site(identity, membership, sign_roster(second, operator), first).roster == second
    with pytest.raises(RosterError, match="a rollback"):
        rostered_site(identity, membership, made.signed_roster, second)
    with pytest.raises(RosterError, match="another roster of version 2"):
        rostered_site(identity, membership, sign_roster(first.next_with(first.sites), operator), second)


def test_site_may_have_promised_a_privacy_budget() -> None:
    assert rostered_site(*THREE).privacy is None
    promised = (
        b'{"privacy":{"max_epsilon":8.0,"delta":1e-5},' + FILES[MEMBERSHIP_FILE].replace(b',"privacy":null', b"")[1:]
    )
    told = rostered_site(THREE[0], promised, THREE[2]).privacy
    assert told == PrivacyPromise(max_epsilon=8.0, delta=1e-5)
    with pytest.raises(MessageError, match="max_epsilon"):
        rostered_site(THREE[0], promised.replace(b"8.0", b"101.0"), THREE[2])
