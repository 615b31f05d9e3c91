"""One cohort in one process: every site does its work in turn, and each kind of work is timed apart."""

import dataclasses
import functools
import hashlib
import secrets
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fl_protocol.secure_sum import site as sum_site
from fl_protocol.secure_sum.binding import EpochName, RoundBinding
from fl_protocol.secure_sum.channel import ChannelOffer
from fl_protocol.secure_sum.epoch_keys import EpochKeys, KeyCollector, keys_request
from fl_protocol.secure_sum.fixed_point import to_fixed
from fl_protocol.secure_sum.group import SumGroup, sum_group
from fl_protocol.secure_sum.masked_sum import MaskedSum
from fl_protocol.secure_sum.messages import SetUp
from fl_protocol.secure_sum.update_code import UpdateCode, decode_sum, encode_update, update_code
from fl_protocol.secure_sum.vector import WIDE_BITS, Layout, segment_for, to_lanes

DROPOUT_PERCENT = 5
MAX_NORM = 1.0

SiteVector = tuple[npt.NDArray[np.float32], npt.NDArray[np.float64]]
"""An update, and moments."""


@dataclasses.dataclass(frozen=True)
class Federation:
    """A roster with all its private keys, and how its vectors are written."""

    group: SumGroup
    identities: tuple[bytes, ...]
    """Private identity keys, raw."""
    run: bytes
    code: UpdateCode
    layout: Layout


def federation(num_sites: int, size: int, num_moments: int) -> Federation:
    """Makes the keys of a federation."""
    private = [Ed25519PrivateKey.generate() for _ in range(num_sites)]
    public = tuple(identity.public_key().public_bytes_raw() for identity in private)
    roster_digest = hashlib.sha256(b"".join(public)).digest()
    group = sum_group(roster_digest, secrets.token_bytes(32), public, dropout_percent=DROPOUT_PERCENT)
    code = update_code(size, MAX_NORM, num_sites, b"benchmark")
    return Federation(
        group,
        tuple(identity.private_bytes_raw() for identity in private),
        secrets.token_bytes(16),
        code,
        (code.segment, segment_for("moments", num_moments, WIDE_BITS, num_sites)),
    )


def join_all(told: Federation, sites: range) -> tuple[dict[int, sum_site.SiteState], dict[int, ChannelOffer]]:
    """Sets up some sites of a federation."""
    states = {
        site: sum_site.join_run(
            told.group, site, Ed25519PrivateKey.from_private_bytes(told.identities[site]), told.run, 0
        )
        for site in sites
    }
    offers = {site: SetUp.decode(sum_site.set_up(state), told.group.identities).offer for site, state in states.items()}
    return states, offers


def binding_of(told: Federation, name: EpochName) -> RoundBinding:
    """What a round of this benchmark is about."""
    nothing = hashlib.sha256(b"").digest()
    return RoundBinding(name, told.group.roster_digest, nothing, nothing)


def site_vector(told: Federation, site: int, epoch: int, seed: int) -> SiteVector:
    """What a site would have trained: noise."""
    rng = np.random.default_rng([seed, site, epoch])
    update = rng.standard_normal(told.code.num_parameters, dtype=np.float32)
    update *= np.float32(MAX_NORM / np.sqrt(len(update)))
    return update, rng.standard_normal(told.layout[1].size) * 1000.0


def masked_vector(
    state: sum_site.SiteState, told: Federation, request: bytes, vector: SiteVector, name: EpochName
) -> tuple[sum_site.SiteState, bytes]:
    """All that a site does between its trained update and the message that leaves it."""
    update, moments = vector
    coded = encode_update(update, 1.0, told.code, np.random.default_rng(secrets.randbits(64)))
    fixed, _ = to_fixed(moments, told.layout[1])
    lanes = [to_lanes(told.layout[0], coded.values), to_lanes(told.layout[1], fixed)]
    opened = sum_site.open_round(state, request)
    return sum_site.mask(state, opened, lanes, told.layout, binding_of(told, name))


@dataclasses.dataclass(frozen=True)
class SiteFigures:
    """One round of a cohort in one process."""

    site_cpu_ms: float
    """Of one site: keys, rounding, masks and shares; the median of the survivors."""
    add_ms: float
    """At the coordinator, for one masked vector as it comes."""
    unmask_s: float
    """At the coordinator: secrets opened, masks taken off, update decoded."""
    upload_bytes: int
    """Of one site in a steady round: masked vector, shares, keys of the next round; the largest."""
    largest_error: float
    """Of the mean update, against the mean in double precision, in standard deviations of an update's values."""


class Cohort:
    """All sites of a federation in this process.

    Args:
        told: The federation.
        seed: Of the vectors.
    """

    def __init__(self, told: Federation, seed: int) -> None:
        self.told, self._seed = told, seed
        self._states, self._offers = join_all(told, range(len(told.identities)))
        self._cpu_s, self._upload = dict.fromkeys(self._states, 0.0), dict.fromkeys(self._states, 0)

    def timed_round(self, epoch: int, num_dropouts: int) -> SiteFigures:
        """Runs one epoch; the first sites give their keys and then drop out."""
        told, name = self.told, EpochName(self.told.run, epoch, epoch)
        self._cpu_s, self._upload = dict.fromkeys(self._states, 0.0), dict.fromkeys(self._states, 0)
        keys = self._keys(name)
        masked_sum = MaskedSum(keys, told.layout, binding_of(told, name))
        expected, add_s = np.zeros(told.code.num_parameters), 0.0
        for site in list(self._states)[num_dropouts:]:
            vector = site_vector(told, site, epoch, self._seed)
            expected += vector[0]
            request = keys.mask_request(site)
            work = functools.partial(masked_vector, told=told, request=request, vector=vector, name=name)
            answer = self._timed(site, work)
            began_s = time.perf_counter()
            masked_sum.add(answer)
            add_s += time.perf_counter() - began_s
        survivors = masked_sum.close()
        request = masked_sum.unmask_request()
        for site in survivors:
            masked_sum.add_shares(self._timed(site, functools.partial(sum_site.reveal, message=request)))
        began_s = time.perf_counter()
        mean = decode_sum(masked_sum.open().values[0], told.code) / len(survivors)
        unmask_s = time.perf_counter() - began_s
        error = np.abs(mean - expected / len(survivors)).max() * np.sqrt(len(mean)) / MAX_NORM
        return SiteFigures(
            1000 * float(np.median([self._cpu_s[site] for site in survivors])),
            1000 * add_s / len(survivors),
            unmask_s,
            max(self._upload[site] for site in survivors),
            float(error),
        )

    def _keys(self, name: EpochName) -> EpochKeys:
        """The keys of an epoch; agreeing on channels is set-up, done before the clock starts."""
        collector = KeyCollector(self.told.group, name, self._offers)
        graph = self.told.group.graph(name.epoch)
        for site, state in self._states.items():
            near = {other: self._offers[other] for other in graph.neighbours(site)}
            self._states[site] = sum_site.agree_channels(state, near)
            request = keys_request(self.told.group, name, self._offers, site)
            collector.add(self._timed(site, functools.partial(sum_site.advertise, message=request)))
        return collector.close()

    def _timed(self, site: int, work: Callable[[sum_site.SiteState], tuple[sum_site.SiteState, bytes]]) -> bytes:
        began_s = time.process_time()
        self._states[site], answer = work(self._states[site])
        self._cpu_s[site] += time.process_time() - began_s
        self._upload[site] += len(answer)
        return answer
