"""Secure rounds over Flower's grid: the coordinator adds masked vectors and sees their sum alone.

A steady round is two exchanges: sites train and send masked vectors; survivors reveal shares, and everybody sends the
keys of the next epoch along. The first round, and one after a failed round, costs one exchange of keys more. Sites that
come later are set up beside the masked exchange and enter with the next epoch.
"""

import dataclasses
import functools
import logging
import secrets
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
from flwr.app import Array, ArrayRecord, Message
from flwr.serverapp import Grid

from fl_protocol import records
from fl_protocol.errors import ProtocolError, RecordError, SealError, UnmaskError
from fl_protocol.roster import Roster, verify_roster
from fl_protocol.round_vector import RoundSettingsMessage, RoundTotals, round_totals, round_vector
from fl_protocol.secure_sum.binding import RUN_BYTES, EpochName, RoundBinding, digest_of
from fl_protocol.secure_sum.channel import ChannelOffer, check_offer
from fl_protocol.secure_sum.epoch_keys import EpochKeys, KeyCollector, keys_request
from fl_protocol.secure_sum.graph import MAX_EPOCH
from fl_protocol.secure_sum.group import SumGroup, sum_group
from fl_protocol.secure_sum.masked_sum import MaskedSum
from fl_protocol.secure_sum.messages import SetUp
from fl_server.errors import RoundError
from fl_server.grid_exchange import Content, exchange
from model_zoo.backbones.parts import PartChoice, only

logger = logging.getLogger(__name__)

_MOST_UNMASK_EXCHANGES = 3
"""Once as a rule; again for each time that survivors vanish in between."""
_LARGEST_EPOCH_LEAD = 10_000
"""A site that says it is further ahead than this is left out: it would use up the epochs of the roster."""

Arrays = Mapping[str, npt.NDArray[np.float32]]


@dataclasses.dataclass(frozen=True)
class OpenedRound:
    """What a secure round gave."""

    totals: RoundTotals
    num_survivors: int
    bytes_up: int


@dataclasses.dataclass(frozen=True)
class SecureRun:
    """One training run of secure rounds."""

    name: bytes
    """16 random bytes."""
    roster: Roster
    signed_roster: bytes
    """The same as the operator signed it; it goes to every site."""


def secure_run(signed_roster: bytes, operator_key: bytes) -> SecureRun:
    """A new run over a roster.

    Raises:
        RosterError: The roster is not the operator's.
        ValueError: ``operator_key`` is no key.
    """
    roster = verify_roster(signed_roster, operator_key, newest_version=1)
    return SecureRun(secrets.token_bytes(RUN_BYTES), roster, signed_roster)


class SecureRounds:
    """The secure rounds of one run.

    Args:
        grid: Where messages go.
        run: Which, and who may take part.
        reserve_epoch: Gives an epoch greater than its argument that was never given before, stored before it returns.
        deadline_s: Longest wait for one exchange.
    """

    def __init__(self, grid: Grid, run: SecureRun, reserve_epoch: Callable[[int], int], deadline_s: float) -> None:
        self._grid, self._reserve_epoch, self._deadline_s = grid, reserve_epoch, deadline_s
        self._run, self._signed_roster, roster = run.name, run.signed_roster, run.roster
        identities = tuple(site.identity_key for site in roster.sites)
        self.group: SumGroup = sum_group(roster.digest, roster.beacon, identities)
        self._site_of: dict[int, int] = {}
        self._offers: dict[int, ChannelOffer] = {}
        self._newest_epoch = 0
        self._keys: EpochKeys | None = None

    @property
    def num_set_up(self) -> int:
        """Sites that can take part."""
        return len(self._offers)

    def set_up(self) -> None:
        """Sets up every node that is not yet."""
        self._exchange(self._set_ups(), self._take_set_up)

    def run_round(self, parameters: Arrays, settings: RoundSettingsMessage, sizes: tuple[int, int]) -> OpenedRound:
        """Runs one round.

        Args:
            parameters: Global parameters that sites train from.
            settings: Of the round.
            sizes: Values of evaluation and of normality that a site adds.

        Raises:
            RoundError: Too few sites had keys, delivered or revealed; the next round begins with new keys.
        """
        keys, self._keys = self._keys, None
        if keys is None or keys.name.round_number != settings.round_number:
            keys = self._exchange_keys(settings.round_number)
        try:
            return self._masked_round(keys, parameters, settings, sizes)
        except (UnmaskError, RecordError) as error:
            raise RoundError(f"round {settings.round_number}: {error}") from error

    def _masked_round(
        self, keys: EpochKeys, parameters: Arrays, settings: RoundSettingsMessage, sizes: tuple[int, int]
    ) -> OpenedRound:
        told = settings.encode()
        binding = RoundBinding(
            keys.name, self.group.roster_digest, records.digest_of_arrays(parameters), digest_of(told)
        )
        parts = PartChoice(settings.trained_parts, settings.personal_parts)
        num_parameters = sum(array.size for array in only(parameters, parts.summed).values())
        vector = round_vector(settings, num_parameters, *sizes)
        masked_sum = MaskedSum(keys, vector.layout, binding)
        num_bytes = self._collect_masked(masked_sum, keys, parameters, told)
        survivors = masked_sum.close()
        num_bytes += self._collect_shares(masked_sum, settings.round_number + 1)
        opened = masked_sum.open()
        return OpenedRound(round_totals(opened.values, len(survivors), vector), len(survivors), num_bytes)

    def _collect_masked(self, masked_sum: MaskedSum, keys: EpochKeys, parameters: Arrays, told: bytes) -> int:
        model = ArrayRecord({name: Array(np.asarray(array)) for name, array in parameters.items()})
        counter = _ByteCounter()

        def take(node_id: int, reply: Message) -> None:
            if node_id in joining:
                self._take_set_up(node_id, reply)
            else:
                counter.take(reply, {records.ANSWER: masked_sum.add})

        joining = self._set_ups()
        contents: dict[int, tuple[str, Content]] = {
            node_id: (
                _type("train", records.MASKED),
                _content({records.REQUEST: keys.mask_request(site), records.ROUND_SETTINGS: told})
                | {records.PARAMETERS: model},
            )
            for node_id, site in self._nodes(keys.cohort).items()
        }
        self._exchange(contents | joining, take)
        return counter.num_bytes

    def _collect_shares(self, masked_sum: MaskedSum, next_round: int) -> int:
        """Asks survivors for shares, and everybody for the keys of the next round's epoch.

        Survivors that have vanished since cost one more exchange: their shares are part of what all others revealed.
        """
        name = self._next_name(next_round)
        collector, counter = KeyCollector(self.group, name, self._offers), _ByteCounter()
        survivors, revealing = set(masked_sum.delivered), set[int]()
        contents: dict[int, tuple[str, Content]] = {}
        drawn, request = set(self._drawn(name)), masked_sum.unmask_request()
        for node_id, site in sorted(self._site_of.items()):
            asked = keys_request(self.group, name, self._offers, site) if site in drawn else None
            if site in survivors:
                revealing.add(node_id)
                parts = {records.REQUEST: request}
                parts |= {} if asked is None else {records.KEYS_REQUEST: asked}
                contents[node_id] = (_type("query", records.UNMASK), _content(parts))
            elif asked is not None:
                contents[node_id] = (_type("query", records.KEYS), _content({records.REQUEST: asked}))

        def take(node_id: int, reply: Message) -> None:
            if node_id in revealing:
                counter.take(reply, {records.ANSWER: masked_sum.add_shares, records.KEYS_ANSWER: collector.add})
            else:
                counter.take(reply, {records.ANSWER: collector.add})

        self._exchange(contents, take)
        for _ in range(_MOST_UNMASK_EXCHANGES - 1):
            if masked_sum.silent:
                self._ask_again(masked_sum, counter)
        if len(collector.sites) >= self.group.parameters.fewest_survivors:
            self._keys = collector.close()
        return counter.num_bytes

    def _ask_again(self, masked_sum: MaskedSum, counter: "_ByteCounter") -> None:
        """Asks those survivors again that have revealed their shares, without those that have not."""
        logger.warning("survivors asked again", extra={"without": list(masked_sum.silent)})
        masked_sum.ask_again()
        content = _content({records.REQUEST: masked_sum.unmask_request()})
        nodes = self._nodes(masked_sum.responders)
        self._exchange(
            {node_id: (_type("query", records.UNMASK), content) for node_id in nodes},
            lambda _, reply: counter.take(reply, {records.ANSWER: masked_sum.add_shares}),
        )

    def _exchange_keys(self, round_number: int) -> EpochKeys:
        name = self._next_name(round_number)
        collector, counter = KeyCollector(self.group, name, self._offers), _ByteCounter()
        contents: dict[int, tuple[str, Content]] = {
            node_id: (
                _type("query", records.KEYS),
                _content({records.REQUEST: keys_request(self.group, name, self._offers, site)}),
            )
            for node_id, site in self._nodes(self._drawn(name)).items()
        }
        self._exchange(contents, lambda _, reply: counter.take(reply, {records.ANSWER: collector.add}))
        needed, got = self.group.parameters.fewest_survivors, len(collector.sites)
        if got < needed:
            raise RoundError(f"round {round_number}: expected keys of at least {needed} sites, got {got}")
        return collector.close()

    def _exchange(self, contents: Mapping[int, tuple[str, Content]], take: Callable[[int, Message], None]) -> None:
        exchange(self._grid, contents, self._deadline_s, take, self._forget)

    def _forget(self, node_id: int) -> None:
        """A site that fails may have lost its secrets with its process: it is set up again beside the next exchange."""
        site = self._site_of.pop(node_id, None)
        if site is not None:
            del self._offers[site]

    def _next_name(self, round_number: int) -> EpochName:
        self._newest_epoch = self._reserve_epoch(self._newest_epoch)
        if self._newest_epoch > MAX_EPOCH:
            raise RoundError(f"round {round_number}: this roster's {MAX_EPOCH} epochs are used up: sign a new one")
        return EpochName(self._run, self._newest_epoch, round_number)

    def _drawn(self, name: EpochName) -> tuple[int, ...]:
        """Sites that are set up and drawn for an epoch."""
        circle = set(self.group.graph(name.epoch).circle.tolist())
        return tuple(site for site in sorted(self._offers) if site in circle)

    def _nodes(self, sites: tuple[int, ...]) -> dict[int, int]:
        """Sites by their node."""
        return {node_id: site for node_id, site in sorted(self._site_of.items()) if site in set(sites)}

    def _set_ups(self) -> dict[int, tuple[str, Content]]:
        """What sets up the nodes that are not yet."""
        content = _content({records.RUN: self._run, records.ROSTER: self._signed_roster})
        node_ids = sorted(set(self._grid.get_node_ids()) - set(self._site_of))
        return {node_id: (_type("query", records.SET_UP), content) for node_id in node_ids}

    def _take_set_up(self, node_id: int, reply: Message) -> None:
        _ByteCounter().take(reply, {records.ANSWER: functools.partial(self._add_site, node_id)})

    def _add_site(self, node_id: int, answer: bytes) -> None:
        told = SetUp.decode(answer, self.group.identities)
        if told.run != self._run:
            raise RecordError("set-up: expected an answer of this run")
        check_offer(told.offer, self.group.identities[told.site], self._run, self.group.roster_digest)
        if told.site in self._offers:
            raise SealError(f"set-up: site {told.site} answers from another node already")
        if told.newest_epoch > self._newest_epoch + _LARGEST_EPOCH_LEAD:
            raise RecordError(f"set-up: site {told.site} is at epoch {told.newest_epoch}, too far ahead")
        self._site_of[node_id], self._offers[told.site] = told.site, told.offer
        self._newest_epoch = max(self._newest_epoch, told.newest_epoch)


class _ByteCounter:
    """Takes answers apart, counts their bytes, and logs those that are refused."""

    def __init__(self) -> None:
        self.num_bytes = 0

    def take(self, reply: Message, takers: Mapping[str, Callable[[bytes], object]]) -> None:
        """Hands each part of a reply to its taker; a part that is refused is logged, the others go on."""
        record = reply.content.get(records.SECURE)
        try:
            if not isinstance(record, ArrayRecord):
                raise RecordError(f"{records.SECURE}: expected an array record")
            parts = records.byte_parts({name: array.numpy() for name, array in record.items()})
        except (ProtocolError, ValueError, TypeError, EOFError, OSError) as error:
            logger.warning("answer refused", extra={"reason": str(error)})
            return
        for name, take in takers.items():
            if name in parts:
                self._hand_on(parts[name], take)

    def _hand_on(self, part: bytes, take: Callable[[bytes], object]) -> None:
        try:
            take(part)
            self.num_bytes += len(part)
        except ProtocolError as error:
            logger.warning("answer refused", extra={"reason": str(error)})


def _content(parts: Mapping[str, bytes]) -> dict[str, ArrayRecord]:
    return {records.SECURE: ArrayRecord({name: Array(part) for name, part in records.byte_arrays(parts).items()})}


def _type(category: str, action: str) -> str:
    return f"{category}.{action}"
