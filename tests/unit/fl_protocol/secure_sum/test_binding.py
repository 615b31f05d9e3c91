"""Names and bindings: what is bound cannot be read as anything else."""

import dataclasses
import hashlib

import pytest

from fl_protocol.secure_sum.binding import EpochName, RoundBinding, digest_of

_NAME = EpochName(b"R" * 16, 3, 2)
_BINDING = RoundBinding(_NAME, b"r" * 32, b"m" * 32, b"c" * 32)


def test_name_is_the_run_and_two_numbers() -> None:
    assert _NAME.encoded == b"R" * 16 + (3).to_bytes(8) + (2).to_bytes(8)


@pytest.mark.parametrize(
    "other",
    [
        dataclasses.replace(_BINDING, name=EpochName(b"S" * 16, 3, 2)),
        dataclasses.replace(_BINDING, name=EpochName(b"R" * 16, 4, 2)),
        dataclasses.replace(_BINDING, name=EpochName(b"R" * 16, 3, 3)),
        dataclasses.replace(_BINDING, roster_digest=b"s" * 32),
        dataclasses.replace(_BINDING, model_digest=b"n" * 32),
        dataclasses.replace(_BINDING, config_digest=b"d" * 32),
        dataclasses.replace(_BINDING, model_digest=b"c" * 32, config_digest=b"m" * 32),
    ],
)
def test_binding_that_differs_in_one_thing_is_another(other: RoundBinding) -> None:
    assert other.encoded != _BINDING.encoded
    assert len(other.encoded) == len(_BINDING.encoded) == 128


def test_epochs_are_ordered_within_a_run() -> None:
    assert EpochName(b"R" * 16, 2, 9) < EpochName(b"R" * 16, 3, 1)


def test_digest_changes_when_a_border_moves() -> None:
    assert digest_of(b"ab", b"c") != digest_of(b"a", b"bc")
    assert digest_of(b"abc") != digest_of(b"abc", b"")
    assert digest_of(b"ab") == hashlib.sha256((2).to_bytes(8) + b"ab").digest()
