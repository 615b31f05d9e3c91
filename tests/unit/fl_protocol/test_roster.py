"""Rosters: what comes back, and every attack on them that is refused."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from fl_protocol.errors import RosterError
from fl_protocol.roster import (
    BEACON_BYTES,
    KEY_BYTES,
    MAX_ROSTER_BYTES,
    MAX_SITES,
    MAX_VERSION,
    Roster,
    RosterSite,
    new_beacon,
    sign_roster,
    verify_roster,
)
from fl_protocol.secure_sum.group import sum_group

_OPERATOR = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
_PUBLIC = _OPERATOR.public_key().public_bytes_raw()
_BEACON = bytes(BEACON_BYTES)


def _site(name: str, number: int) -> RosterSite:
    return RosterSite(name, number.to_bytes(KEY_BYTES, "big"))


_SITES = (_site("store42", 1), _site("store43", 2))
_ROSTER = Roster(3, _BEACON, "chain", _SITES)
_SIGNED = sign_roster(_ROSTER, _OPERATOR)


def _refusal(signed: bytes, newest_version: int = 0, newest_digest: bytes | None = None) -> str:
    with pytest.raises(RosterError) as refused:
        verify_roster(signed, _PUBLIC, newest_version=newest_version, newest_digest=newest_digest)
    return str(refused.value)


def _resigned(change: Callable[[dict[str, Any]], object]) -> bytes:
    """A roster signed by the operator's own key over fields that no honest operator would sign."""
    fields = json.loads(_SIGNED)["roster"]
    change(fields)
    canonical = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    signature = _OPERATOR.sign(b"edgeguard roster v1\x00" + canonical.encode()).hex()
    return f'{{"roster":{canonical},"signature":"{signature}"}}'.encode()


_names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", fullmatch=True)
_sites = st.builds(RosterSite, _names, st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES))
_site_sets = st.lists(_sites, unique_by=(lambda site: site.name, lambda site: site.identity_key), max_size=8)


@given(
    st.integers(1, MAX_VERSION),
    st.binary(min_size=BEACON_BYTES, max_size=BEACON_BYTES),
    _names,
    _site_sets,
    st.tuples(st.one_of(st.just(0), st.integers(3, MAX_SITES)), st.integers(0, 30)),
)
def test_signed_roster_comes_back_as_it_was(
    version: int, beacon: bytes, federation: str, sites: list[RosterSite], numbers: tuple[int, int]
) -> None:
    roster = Roster(version, beacon, federation, tuple(sorted(sites)), *numbers)
    signed = sign_roster(roster, _OPERATOR)
    assert verify_roster(signed, _PUBLIC, newest_version=version, newest_digest=roster.digest) == roster
    assert verify_roster(signed, _PUBLIC, newest_version=version - 1) == roster


@given(st.integers(0, len(_SIGNED) - 1), st.integers(1, 255))
def test_any_altered_byte_is_refused(position: int, flip: int) -> None:
    altered = bytearray(_SIGNED)
    altered[position] ^= flip
    assert _refusal(bytes(altered)).startswith("roster: ")


@given(st.binary(max_size=300))
def test_garbage_is_refused(garbage: bytes) -> None:
    assert _refusal(garbage).startswith("roster: ")


@pytest.mark.parametrize("ending", [b"", b"\n", b"x"])
def test_truncated_or_lengthened_file_is_refused(ending: bytes) -> None:
    assert _refusal((_SIGNED[:-1] if not ending else _SIGNED) + ending).startswith("roster: ")


def test_roster_signed_by_the_coordinator_is_refused() -> None:
    forged = sign_roster(_ROSTER, Ed25519PrivateKey.generate())
    assert _refusal(forged) == "roster: expected a signature by the operator's key over exactly these bytes"


def test_signature_of_the_operator_for_another_purpose_is_refused() -> None:
    signature = _OPERATOR.sign(_ROSTER.canonical_bytes).hex()
    moved = _SIGNED.replace(json.loads(_SIGNED)["signature"].encode(), signature.encode())
    assert "signature by the operator's key" in _refusal(moved)


def test_key_exchanged_for_the_coordinators_own_is_refused() -> None:
    swapped = _SIGNED.replace(_SITES[0].identity_key.hex().encode(), b"f" * 64)
    assert "signature by the operator's key" in _refusal(swapped)


def test_rollback_to_a_roster_with_a_revoked_site_is_refused() -> None:
    assert _refusal(_SIGNED, newest_version=4) == "roster: expected version 4 or newer, got 3: a rollback"


def test_two_rosters_of_one_version_are_refused() -> None:
    other = Roster(3, _BEACON, "chain", _SITES[:1])
    message = _refusal(_SIGNED, newest_version=3, newest_digest=other.digest)
    assert message == "roster: another roster of version 3 was seen before"


def test_group_is_of_the_numbers_on_the_roster() -> None:
    sites = tuple(_site(f"{number:03}", number) for number in range(100))
    whole, drawn = (Roster(1, _BEACON, "chain", sites, count, 5) for count in (0, 60))
    identities = tuple(site.identity_key for site in sites)
    assert whole.sum_group() == sum_group(whole.digest, _BEACON, identities, dropout_percent=5)
    assert drawn.sum_group() == sum_group(drawn.digest, _BEACON, identities, dropout_percent=5, num_drawn=60)
    assert drawn.next_with(sites[:80]).sum_group().parameters.num_sites == 60


def test_the_same_roster_again_is_taken() -> None:
    seen = {"newest_version": 3, "newest_digest": _ROSTER.digest}
    assert verify_roster(_SIGNED, _PUBLIC, **seen) == _ROSTER  # type: ignore[arg-type]  # mixed values
    assert verify_roster(_SIGNED, _PUBLIC, newest_version=3) == _ROSTER


def test_a_newer_roster_is_taken_whatever_the_digest_of_the_one_before() -> None:
    assert verify_roster(_SIGNED, _PUBLIC, newest_version=2, newest_digest=bytes(32)) == _ROSTER


def test_oversize_file_is_refused_before_it_is_parsed() -> None:
    flood = b"[" * (MAX_ROSTER_BYTES + 1)
    assert _refusal(flood) == f"roster: expected at most {MAX_ROSTER_BYTES} bytes, got {MAX_ROSTER_BYTES + 1}"


def test_deeply_nested_file_is_refused() -> None:
    assert _refusal(b"[" * MAX_ROSTER_BYTES).startswith("roster: file: Invalid JSON")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda fields: fields["sites"].reverse(), "roster: sites: expected them sorted by name"),
        (lambda fields: fields["sites"].append(fields["sites"][1]), "roster: sites: expected every name once"),
        (
            lambda fields: fields["sites"].append(fields["sites"][1] | {"name": "store44"}),
            "roster: sites: expected every identity key once",
        ),
        (lambda fields: fields.update(admin=1), "roster: roster.admin: Extra inputs are not permitted"),
        (lambda fields: fields.pop("beacon"), "roster: roster.beacon: Field required"),
        (lambda fields: fields.update(schema_version=1), "roster: roster.schema_version: Input should be 2"),
        (lambda fields: fields.update(version=0), "roster: roster.version: Input should be greater than or equal to 1"),
        (lambda fields: fields.update(version=True), "roster: roster.version: Input should be a valid integer"),
        (lambda fields: fields.update(version="4"), "roster: roster.version: Input should be a valid integer"),
        (lambda fields: fields.update(beacon="0" * 62), "roster: roster.beacon: String should match pattern"),
        (lambda fields: fields.update(beacon="A" * 64), "roster: roster.beacon: String should match pattern"),
        (lambda fields: fields.update(federation="a/b"), "roster: roster.federation: String should match pattern"),
        (
            lambda fields: fields.update(sites=fields["sites"] * (MAX_SITES // 2 + 1)),
            f"roster: roster.sites: Tuple should have at most {MAX_SITES} items",
        ),
        (
            lambda fields: fields["sites"][0].update(name="../../etc"),
            "roster: roster.sites.0.name: String should match pattern",
        ),
    ],
)
def test_malformed_roster_is_refused_even_with_the_operators_signature(
    change: Callable[[dict[str, Any]], object], problem: str
) -> None:
    assert _refusal(_resigned(change)).startswith(problem)


@pytest.mark.parametrize(
    "rewritten",
    [
        _SIGNED.replace(b":", b": ", 1),
        _SIGNED.replace(b'"version":3', b'"version":2,"version":3'),
        json.dumps(dict(reversed(json.loads(_SIGNED).items())), separators=(",", ":")).encode(),
        _SIGNED.replace(b"chain", b"\\u0063hain"),
    ],
)
def test_the_same_meaning_in_other_bytes_is_refused(rewritten: bytes) -> None:
    assert rewritten != _SIGNED
    assert _refusal(rewritten) == "roster: expected the canonical form: sorted keys, no spaces, nothing twice"


def test_the_largest_roster_fits() -> None:
    sites = sorted(RosterSite(f"{n:064d}", n.to_bytes(KEY_BYTES, "big")) for n in range(MAX_SITES))
    signed = sign_roster(Roster(MAX_VERSION, _BEACON, "f" * 64, tuple(sites)), _OPERATOR)
    assert len(signed) < MAX_ROSTER_BYTES
    assert len(verify_roster(signed, _PUBLIC, newest_version=1).sites) == MAX_SITES


def test_next_version_has_a_new_beacon_and_sorted_sites() -> None:
    following = _ROSTER.next_with([_site("store44", 3), *_SITES])
    assert [site.name for site in following.sites] == ["store42", "store43", "store44"]
    assert (following.version, following.federation) == (4, "chain")
    assert following.beacon not in {_ROSTER.beacon, _ROSTER.next_with(_SITES).beacon}
    assert len(new_beacon()) == BEACON_BYTES


def test_site_is_found_by_name() -> None:
    assert _ROSTER.site("store43") == _SITES[1]
    assert _ROSTER.site("store4") is None


def test_digest_is_of_what_is_signed() -> None:
    assert _ROSTER.canonical_bytes in _SIGNED
    assert _ROSTER.digest != _ROSTER.next_with(_SITES).digest


@pytest.mark.parametrize(
    ("build", "problem"),
    [
        (lambda: RosterSite("a b", bytes(32)), "expected a name of letters, digits, _ . and -, got 'a b'"),
        (lambda: RosterSite("a", bytes(31)), "identity_key: expected 32 bytes, got 31"),
        (lambda: Roster(0, _BEACON, "chain", ()), "version: expected 1 to 2^53, got 0"),
        (lambda: Roster(1, b"", "chain", ()), "beacon: expected 32 bytes, got 0"),
        (lambda: Roster(1, _BEACON, "chain", (), 2), "sites_per_round: expected 0 or 3 to 5000, got 2"),
        (lambda: Roster(1, _BEACON, "chain", (), 5001), "sites_per_round: expected 0 or 3 to 5000, got 5001"),
        (lambda: Roster(1, _BEACON, "chain", (), 0, 31), "dropout_percent: expected 0 to 30, got 31"),
        (lambda: Roster(1, _BEACON, "", ()), "expected a name of letters, digits, _ . and -, got ''"),
        (
            lambda: Roster(1, _BEACON, "chain", tuple(_site(f"{n:05}", n) for n in range(MAX_SITES + 1))),
            f"sites: expected at most {MAX_SITES}, got {MAX_SITES + 1}",
        ),
        (lambda: verify_roster(_SIGNED, b"short", newest_version=0), "An Ed25519 public key is 32 bytes long"),
    ],
)
def test_what_can_be_no_roster_is_a_wrong_call(build: Callable[[], object], problem: str) -> None:
    with pytest.raises(ValueError, match=re.escape(problem)):
        build()
