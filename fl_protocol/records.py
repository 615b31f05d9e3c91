"""What travels in a Flower message between the ServerApp and a ClientApp.

1. A ``train`` or ``evaluate`` message carries the global parameters and the settings.
2. A ``train`` reply carries the update (local minus global), the site's normality sums and metrics.
3. An ``evaluate`` reply carries metrics alone.
4. Both sides refuse arrays of an unexpected name, shape or type, and values that are not finite.
5. Parameters fit networks that look at more steps of a tubelet or fewer: settings say how many, and a site repeats in
   its metrics how many it took. A coordinator refuses a reply for another number.

These are plain rounds: whoever runs the coordinator can read one site's update. In secure rounds an update travels
masked, in the ``SECURE`` record (``fl_protocol.secure_sum.messages``).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from fl_protocol.errors import RecordError
from fl_protocol.secure_sum.binding import digest_of

PARAMETERS, UPDATE, NORMALITY, SETTINGS, METRICS = "parameters", "update", "normality", "settings", "metrics"
"""Record names."""

NORMALITY_SUMS = "sums"
"""Name of the one array in the normality record: float64, the flat sums by zone kind and state."""

NUM_EXAMPLES, LOSS, AUC = "num-examples", "loss", "auc"
"""Metric names; a loss or AUC is the site's mean over its ``num-examples``."""

ROUND_NUMBER, SEED, NUM_STEPS, IS_CONDITIONED = "round-number", "seed", "num-steps", "is-conditioned"
"""Setting names."""

PROXIMAL_MU = "proximal-mu"
"""Setting: pull of local training towards the global parameters; none where it is not said."""

TRAINED_PARTS, PERSONAL_PARTS = "trained-parts", "personal-parts"
"""Settings: parts of the network that are trained, and those of them that stay at the site; all and none where it is
not said. An update holds the parameters of the first without the second."""

TUBELET_STEPS = "tubelet-steps"
"""Setting and metric: steps of a tubelet that the network looks at; 12 where it is not said (rule 5)."""

SET_UP, KEYS, MASKED, UNMASK = "set_up", "keys", "masked", "unmask"
"""Actions of secure rounds: ``query`` for all but ``MASKED``, which is ``train``."""

SECURE = "secure"
"""Name of the record that carries what the secure sum says, as arrays of bytes by these names."""
RUN, ROSTER = "run", "roster"
REQUEST, KEYS_REQUEST, ROUND_SETTINGS = "request", "keys-request", "round-settings"
ANSWER, KEYS_ANSWER = "answer", "keys-answer"

Arrays = Mapping[str, npt.NDArray[np.float32]]


def check_arrays(received: Mapping[str, npt.NDArray[np.generic]], expected: Arrays, what: str) -> None:
    """Checks that ``received`` could be added to ``expected`` (rule 4).

    Raises:
        RecordError: Names, shapes or types differ, or a value is not finite.
    """
    if list(received) != list(expected):
        unlike = sorted(set(received) ^ set(expected))
        raise RecordError(
            f"{what}: expected {len(expected)} arrays in our order, got {len(received)}; unlike: {unlike}"
        )
    for name, array in received.items():
        check_array(array, expected[name], f"{what} {name}")


def byte_arrays(parts: Mapping[str, bytes]) -> dict[str, npt.NDArray[np.uint8]]:
    """Bytes as arrays: a long record of other bytes would travel in one piece."""
    return {name: np.frombuffer(part, dtype=np.uint8) for name, part in parts.items()}


def byte_parts(arrays: Mapping[str, npt.NDArray[Any]]) -> dict[str, bytes]:
    """Reads what ``byte_arrays`` wrote.

    Raises:
        RecordError: An array is not one of bytes.
    """
    for name, array in arrays.items():
        if array.dtype != np.uint8 or array.ndim != 1:
            raise RecordError(f"{name}: expected bytes, got {array.dtype}{list(array.shape)}")
    return {name: array.tobytes() for name, array in arrays.items()}


def digest_of_arrays(arrays: Arrays) -> bytes:
    """SHA-256 over names, shapes and values, in their order: the same for who sent them and who received them."""
    parts: list[bytes] = []
    for name, array in arrays.items():
        parts += [name.encode(), repr(array.shape).encode(), np.ascontiguousarray(array, dtype="<f4").tobytes()]
    return digest_of(*parts)


def check_array(received: npt.NDArray[np.generic], expected: npt.NDArray[np.floating], what: str) -> None:
    """Checks one array against one of the expected shape and type (rule 4).

    Raises:
        RecordError: Shape or type differ, or a value is not finite.
    """
    if received.shape != expected.shape or received.dtype != expected.dtype:
        wanted = f"{expected.dtype}{list(expected.shape)}"
        raise RecordError(f"{what}: expected {wanted}, got {received.dtype}{list(received.shape)}")
    if not np.isfinite(received).all():
        raise RecordError(f"{what}: expected finite values")
