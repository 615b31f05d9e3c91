"""Flower's own SecAgg+ on vectors of the same size: its functions, called as its workflow does, without a network.

Client figures are the CPU time of its four stages at one client; server figures are its unmask stage. Its legacy API
is here to be compared with, not to be used.
"""

import dataclasses
import importlib
import time
from typing import Any

import numpy as np
from flwr.common import bytes_to_ndarray, ndarrays_to_parameters
from flwr.common.secure_aggregation.crypto.shamir import combine_shares
from flwr.common.secure_aggregation.crypto.symmetric_encryption import generate_shared_key
from flwr.common.secure_aggregation.ndarrays_arithmetic import (
    factor_extract,
    get_parameters_shape,
    parameters_addition,
    parameters_mod,
    parameters_subtraction,
)
from flwr.common.secure_aggregation.quantization import dequantize
from flwr.common.secure_aggregation.secaggplus_constants import Key
from flwr.common.secure_aggregation.secaggplus_utils import pseudo_rand_gen
from flwr.supercore.primitives.asymmetric import bytes_to_private_key, bytes_to_public_key

CLIPPING_RANGE, QUANTIZATION_RANGE, MODULUS, MAX_WEIGHT = 8.0, 2**22, 2**32, 1000.0
"""The defaults of its workflow."""
FIRST_NODE_ID = 1


@dataclasses.dataclass(frozen=True)
class FlowerFigures:
    """One round of its protocol; as ``SiteFigures``."""

    client_cpu_ms: float
    unmask_s: float
    upload_bytes: int


def flower_round(num_clients: int, size: int, threshold: int, num_dropouts: int, seed: int) -> FlowerFigures:
    """Runs all stages of one round with everybody as everybody's neighbour."""
    client = importlib.import_module("flwr.client.mod.secure_aggregation.secaggplus_mod")  # its package hides it
    node_ids = list(range(FIRST_NODE_ID, FIRST_NODE_ID + num_clients))
    states = {node_id: client.SecAggPlusState() for node_id in node_ids}
    cpu_s, upload = dict.fromkeys(node_ids, 0.0), dict.fromkeys(node_ids, 0)

    def timed(node_id: int, stage: Any, *arguments: Any) -> Any:  # noqa: ANN401  # its stages differ
        began_s = time.process_time()
        answer = stage(states[node_id], *arguments)
        cpu_s[node_id] += time.process_time() - began_s
        upload[node_id] += _num_bytes(answer)
        return answer

    settings = {
        Key.SAMPLE_NUMBER: num_clients,
        Key.SHARE_NUMBER: num_clients,
        Key.THRESHOLD: threshold,
        Key.CLIPPING_RANGE: CLIPPING_RANGE,
        Key.TARGET_RANGE: QUANTIZATION_RANGE,
        Key.MOD_RANGE: MODULUS,
        Key.MAX_WEIGHT: MAX_WEIGHT,
    }
    for node_id in node_ids:
        states[node_id].nid = node_id
    public = {node_id: timed(node_id, client._setup, settings) for node_id in node_ids}  # noqa: SLF001
    named = {str(node_id): (keys[Key.PUBLIC_KEY_1], keys[Key.PUBLIC_KEY_2]) for node_id, keys in public.items()}
    shared = {node_id: timed(node_id, client._share_keys, named) for node_id in node_ids}  # noqa: SLF001
    survivors, total = node_ids[num_dropouts:], None
    for node_id in survivors:
        sources = [other for other in node_ids if other != node_id]
        sealed = [
            shared[other][Key.CIPHERTEXT_LIST][shared[other][Key.DESTINATION_LIST].index(node_id)] for other in sources
        ]
        relayed = {Key.CIPHERTEXT_LIST: sealed, Key.SOURCE_LIST: sources}
        update = np.random.default_rng([seed, node_id]).standard_normal(size).astype(np.float32)
        parameters = ndarrays_to_parameters([update])
        answer = timed(node_id, client._collect_masked_vectors, relayed, 1000, parameters)  # noqa: SLF001
        vector = [bytes_to_ndarray(part) for part in answer[Key.MASKED_PARAMETERS]]
        total = vector if total is None else parameters_addition(total, vector)
    asked = {Key.ACTIVE_NODE_ID_LIST: survivors, Key.DEAD_NODE_ID_LIST: node_ids[:num_dropouts]}
    revealed = [timed(node_id, client._unmask, asked) for node_id in survivors]  # noqa: SLF001
    began_s = time.perf_counter()
    _unmask(parameters_mod(total or [], MODULUS), revealed, public, survivors)
    unmask_s = time.perf_counter() - began_s
    return FlowerFigures(
        1000 * float(np.median([cpu_s[node_id] for node_id in survivors])),
        unmask_s,
        max(upload[node_id] for node_id in survivors),
    )


def _unmask(masked: list[Any], revealed: list[Any], public: dict[int, Any], survivors: list[int]) -> None:
    """What its server does with the shares."""
    shares: dict[int, list[bytes]] = {}
    for answer in revealed:
        for owner, share in zip(answer[Key.NODE_ID_LIST], answer[Key.SHARE_LIST], strict=True):
            shares.setdefault(owner, []).append(share)
    for owner, held in shares.items():
        secret = combine_shares(held)
        if owner in survivors:
            mask = pseudo_rand_gen(secret, MODULUS, get_parameters_shape(masked))
            masked = parameters_subtraction(masked, mask)
            continue
        for other in public:
            if other != owner:
                key = generate_shared_key(
                    bytes_to_private_key(secret), bytes_to_public_key(public[other][Key.PUBLIC_KEY_1])
                )
                mask = pseudo_rand_gen(key, MODULUS, get_parameters_shape(masked))
                combine = parameters_addition if owner > other else parameters_subtraction
                masked = combine(masked, mask)
    _, summed = factor_extract(parameters_mod(masked, MODULUS))
    dequantize(summed, CLIPPING_RANGE, QUANTIZATION_RANGE)


def _num_bytes(answer: dict[str, Any]) -> int:
    values = [value if isinstance(value, list) else [value] for value in answer.values()]
    return sum(len(part) for parts in values for part in parts if isinstance(part, bytes))
