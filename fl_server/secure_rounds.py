"""Secure rounds over Flower's grid: the coordinator adds masked vectors and sees their sum alone.

A steady round is two exchanges: sites train and send masked vectors; survivors reveal shares, and everybody sends the
keys of the next epoch along. The first round, and one after a failed round, costs one exchange of keys more. Sites that
come later are set up beside the masked exchange and enter with the next epoch.
"""

import dataclasses
import functools
import logging
import secrets
from collections.abc import Callable, Collection, Mapping

import numpy as np
import numpy.typing as npt
from flwr.app import Array, ArrayRecord, Message
from flwr.serverapp import Grid

from fl_protocol import records
from fl_protocol.errors import PrivacyError, ProtocolError, RecordError, SealError, UnmaskError
from fl_protocol.roster import Roster, verify_roster
from fl_protocol.round_vector import RoundSettingsMessage, RoundTotals, round_totals, round_vector
from fl_protocol.secure_sum.binding import RUN_BYTES, EpochName, RoundBinding, digest_of
from fl_protocol.secure_sum.channel import ChannelOffer, check_offer
from fl_protocol.secure_sum.epoch_keys import EpochKeys, KeyCollector, keys_request
from fl_protocol.secure_sum.group import SumGroup
from fl_protocol.secure_sum.masked_sum import MaskedSum
from fl_protocol.secure_sum.messages import Positions, SetUp
from fl_protocol.secure_sum.parameters import CORRUPT_FRACTION_DENOMINATOR, tolerated_dropouts
from fl_protocol.secure_sum.vector import Layout, Values
from fl_server.errors import RoundError
from fl_server.grid_exchange import Content, Handlers, QuorumWaiting, RunningRound, exchange
from fl_server.rounds.round_state import USUAL_PATIENCE, Patience, Phase, secure_plan
from model_zoo.backbones.parts import PartChoice, only

logger = logging.getLogger(__name__)

Arrays = Mapping[str, npt.NDArray[np.float32]]


@dataclasses.dataclass(frozen=True)
class SummedRound:
    """The survivors' sum, whatever it is of."""

    values: tuple[Values, ...]
    """Of every segment."""
    num_survivors: int
    bytes_up: int
    cohort: Positions
    """Who masked with each other, as places on the roster."""
    epoch: int
    running: RunningRound
    """Aggregated, not committed yet."""


@dataclasses.dataclass(frozen=True)
class OpenedRound:
    """What a secure round gave."""

    totals: RoundTotals
    summed: SummedRound


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
        min_sites: The quorum, where it is more than what can be opened.
        patience: With stragglers.
    """

    def __init__(  # noqa: PLR0913  one parameter for each thing a run is told
        self,
        grid: Grid,
        run: SecureRun,
        reserve_epoch: Callable[[int], int],
        *,
        deadline_s: float,
        min_sites: int = 0,
        patience: Patience = USUAL_PATIENCE,
    ) -> None:
        self._grid, self._reserve_epoch, self._deadline_s = grid, reserve_epoch, deadline_s
        self._min_sites, self._patience = min_sites, patience
        self._run, self._signed_roster, roster = run.name, run.signed_roster, run.roster
        self.group: SumGroup = roster.sum_group()
        self._dropout_percent = roster.dropout_percent
        self._site_of: dict[int, int] = {}
        self._offers: dict[int, ChannelOffer] = {}
        self._newest_reserved, self._newest_told = 0, dict[int, int]()
        """By site, the last epoch that it says it has seen; a site that is forgotten has still said it."""
        self._keys: EpochKeys | None = None

    @property
    def num_set_up(self) -> int:
        """Sites that can take part."""
        return len(self._offers)

    def set_up(self) -> None:
        """Sets up every node that is not yet."""
        awaited = max(0, self._awaited_of(len(self.group.identities)) - self.num_set_up)
        waiting = QuorumWaiting(self._deadline_s, awaited, self._patience)
        exchange(self._grid, self._set_ups(), self._deadline_s, self._handlers(self._take_set_up), waiting)

    def run_round(self, parameters: Arrays, settings: RoundSettingsMessage, sizes: tuple[int, int]) -> OpenedRound:
        """Runs one round without noise.

        Args:
            parameters: Global parameters that sites train from.
            settings: Of the round.
            sizes: Values of evaluation and of normality that a site adds.

        Raises:
            RoundError: Too few sites had keys, delivered or revealed; the next round begins with new keys.
        """
        parts = PartChoice(settings.trained_parts, settings.personal_parts)
        num_summed = sum(array.size for array in only(parameters, parts.summed).values())
        vector = round_vector(settings, num_summed, *sizes)
        summed = self.sum_round(parameters, settings, vector.layout)
        try:
            totals = round_totals(summed.values, summed.num_survivors, vector)
        except RecordError as error:
            raise RoundError(f"round {settings.round_number}: {error}") from error
        return OpenedRound(totals, summed)

    def sum_round(
        self,
        parameters: Arrays,
        settings: RoundSettingsMessage,
        layout: Layout,
        before_unmask: Callable[[int], None] = lambda _: None,
    ) -> SummedRound:
        """Runs one round, and leaves what its sum means to the caller.

        Args:
            parameters: Global parameters that sites train from.
            settings: Of the round.
            layout: Of the vectors, as it follows from the settings.
            before_unmask: Called with the number of survivors before anything is asked that opens their sum; the round
                goes no further where it raises.

        Raises:
            RoundError: Too few sites had keys, delivered or revealed; the next round begins with new keys.
        """
        keys, self._keys = self._keys, None
        if keys is None or keys.name.round_number != settings.round_number:
            self.set_up()
            running, keys = self._keyed(settings.round_number)
        else:
            running = self._running(settings.round_number, self._nodes(keys.cohort))
            running.all_have_answered()
        try:
            return self._masked_round(running, keys, parameters, settings, layout, before_unmask)
        except (UnmaskError, PrivacyError) as error:
            running.fail(str(error))

    def _awaited_of(self, num_sites: int) -> int:
        """Answers before which stragglers' time does not begin: what opens a sum where all are neighbours.

        With random neighbours fewer than the tolerated drop-outs leave are of no use: each site needs most of its own.
        """
        if self.group.parameters.is_complete and num_sites == self.group.parameters.num_sites:
            return self.group.parameters.fewest_survivors
        return num_sites - tolerated_dropouts(num_sites, self._dropout_percent)

    def _running(self, round_number: int, cohort: Collection[int]) -> RunningRound:
        fewest = self.group.parameters.fewest_survivors
        quorum, awaited = max(self._min_sites, fewest), self._awaited_of(self.group.parameters.num_sites)
        plan = secure_plan(self._deadline_s, quorum, self._patience, fewest, awaited)
        return RunningRound(self._grid, round_number, cohort, plan)

    def _masked_round(  # noqa: PLR0913, PLR0917  what the round is about, and what happens in the middle of it
        self,
        running: RunningRound,
        keys: EpochKeys,
        parameters: Arrays,
        settings: RoundSettingsMessage,
        layout: Layout,
        before_unmask: Callable[[int], None],
    ) -> SummedRound:
        told = settings.encode()
        binding = RoundBinding(
            keys.name, self.group.roster_digest, records.digest_of_arrays(parameters), digest_of(told)
        )
        masked_sum = MaskedSum(keys, layout, binding)
        num_bytes = self._collect_masked(running, masked_sum, keys, parameters, told)
        survivors = masked_sum.close()
        before_unmask(len(survivors))
        running.done(Phase.MASKED)
        next_round = settings.round_number + (1 if settings.num_steps else 0)  # without training the same comes again
        num_bytes += self._collect_shares(running, masked_sum, next_round)
        return SummedRound(masked_sum.open().values, len(survivors), num_bytes, keys.cohort, keys.name.epoch, running)

    def _collect_masked(
        self, running: RunningRound, masked_sum: MaskedSum, keys: EpochKeys, parameters: Arrays, told: bytes
    ) -> int:
        model = ArrayRecord({name: Array(np.asarray(array)) for name, array in parameters.items()})
        counter = _ByteCounter()

        def take(node_id: int, reply: Message) -> str | None:
            if node_id in joining:
                return self._take_set_up(node_id, reply)
            return counter.take(reply, {records.ANSWER: masked_sum.add})

        joining = self._set_ups()
        contents: dict[int, tuple[str, Content]] = {
            node_id: (
                _type("train", records.MASKED),
                _content({records.REQUEST: keys.mask_request(site), records.ROUND_SETTINGS: told})
                | {records.PARAMETERS: model},
            )
            for node_id, site in self._nodes(keys.cohort).items()
        }
        running.ask(contents | joining, self._handlers(take))
        return counter.num_bytes

    def _collect_shares(self, running: RunningRound, masked_sum: MaskedSum, next_round: int) -> int:
        """Asks survivors for shares, and everybody for the keys of the next round's epoch.

        Survivors that have vanished since cost one more exchange: their shares are part of what all others revealed.
        """
        name = self._next_name(next_round)
        collector, counter = KeyCollector(self.group, name, self._offers), _ByteCounter()
        contents: dict[int, tuple[str, Content]] = {}
        drawn, request = set(self._drawn(name)), masked_sum.unmask_request()
        for node_id, site in sorted(self._site_of.items()):
            asked = keys_request(self.group, name, self._offers, site) if site in drawn else None
            if node_id in running.state.cohort:
                parts = {records.REQUEST: request} | ({} if asked is None else {records.KEYS_REQUEST: asked})
                contents[node_id] = (_type("query", records.UNMASK), _content(parts))
            elif asked is not None:
                contents[node_id] = (_type("query", records.KEYS), _content({records.REQUEST: asked}))
        revealing = running.state.cohort

        def take(node_id: int, reply: Message) -> str | None:
            if node_id in revealing:
                return counter.take(reply, {records.ANSWER: masked_sum.add_shares, records.KEYS_ANSWER: collector.add})
            return counter.take(reply, {records.ANSWER: collector.add})

        running.ask(contents, self._handlers(take))
        while running.state.phase is Phase.UNMASK:
            self._ask_again(running, masked_sum, counter)
        if len(collector.sites) >= self.group.parameters.fewest_survivors:
            self._keys = collector.close()
        return counter.num_bytes

    def _ask_again(self, running: RunningRound, masked_sum: MaskedSum, counter: "_ByteCounter") -> None:
        """Asks those survivors again that have revealed their shares, without those that have not."""
        logger.warning("survivors asked again", extra={"without": list(masked_sum.silent)})
        masked_sum.ask_again()
        content = _content({records.REQUEST: masked_sum.unmask_request()})
        running.ask(
            {node_id: (_type("query", records.UNMASK), content) for node_id in self._nodes(masked_sum.responders)},
            self._handlers(lambda _, reply: counter.take(reply, {records.ANSWER: masked_sum.add_shares})),
        )

    def _keyed(self, round_number: int) -> tuple[RunningRound, EpochKeys]:
        """A round that begins with an exchange of keys."""
        name = self._next_name(round_number)
        collector, counter = KeyCollector(self.group, name, self._offers), _ByteCounter()
        contents: dict[int, tuple[str, Content]] = {
            node_id: (
                _type("query", records.KEYS),
                _content({records.REQUEST: keys_request(self.group, name, self._offers, site)}),
            )
            for node_id, site in self._nodes(self._drawn(name)).items()
        }
        running = self._running(round_number, contents)
        running.ask(contents, self._handlers(lambda _, reply: counter.take(reply, {records.ANSWER: collector.add})))
        return running, collector.close()

    def _handlers(self, take: Callable[[int, Message], str | None]) -> Handlers:
        return Handlers(take, self._forget)

    def _forget(self, node_id: int) -> None:
        """A site that fails may have lost its secrets with its process: it is set up again beside the next exchange."""
        site = self._site_of.pop(node_id, None)
        if site is not None:
            del self._offers[site]

    def _next_name(self, round_number: int) -> EpochName:
        self._newest_reserved = self._reserve_epoch(max(self._newest_reserved, self._newest_believed()))
        return EpochName(self._run, self._newest_reserved, round_number)

    def _newest_believed(self) -> int:
        """An epoch that some honest site has seen, close to the newest: what a coordinator that lost its database has.

        One more site says so than may be corrupt. Were each believed, a single one could use up a roster's epochs.
        """
        num_corrupt = len(self.group.identities) // CORRUPT_FRACTION_DENOMINATOR
        told = sorted(self._newest_told.values(), reverse=True)
        return told[num_corrupt] if num_corrupt < len(told) else 0

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

    def _take_set_up(self, node_id: int, reply: Message) -> str | None:
        return _ByteCounter().take(reply, {records.ANSWER: functools.partial(self._add_site, node_id)})

    def _add_site(self, node_id: int, answer: bytes) -> None:
        told = SetUp.decode(answer, self.group.identities)
        if told.run != self._run:
            raise RecordError("set-up: expected an answer of this run")
        check_offer(told.offer, self.group.identities[told.site], self._run, self.group.roster_digest)
        if told.site in self._offers:
            raise SealError(f"set-up: site {told.site} answers from another node already")
        self._site_of[node_id], self._offers[told.site] = told.site, told.offer
        self._newest_told[told.site] = told.newest_epoch


class _ByteCounter:
    """Takes answers apart, counts their bytes, and logs those that are refused."""

    def __init__(self) -> None:
        self.num_bytes = 0

    def take(self, reply: Message, takers: Mapping[str, Callable[[bytes], object]]) -> str | None:
        """Hands each part of a reply to its taker; a part that is refused is logged, the others go on.

        Returns:
            Why the first part was refused; None if it was taken.
        """
        record = reply.content.get(records.SECURE)
        try:
            if not isinstance(record, ArrayRecord):
                raise RecordError(f"{records.SECURE}: expected an array record")
            parts = records.byte_parts({name: array.numpy() for name, array in record.items()})
        except (ProtocolError, ValueError, TypeError, EOFError, OSError) as error:
            logger.warning("answer refused", extra={"reason": str(error)})
            return str(error)
        problems = [self._hand_on(parts.get(name), take) for name, take in takers.items()]
        return problems[0]

    def _hand_on(self, part: bytes | None, take: Callable[[bytes], object]) -> str | None:
        if part is None:
            return "expected an answer"
        try:
            take(part)
        except ProtocolError as error:
            logger.warning("answer refused", extra={"reason": str(error)})
            return str(error)
        self.num_bytes += len(part)
        return None


def _content(parts: Mapping[str, bytes]) -> dict[str, ArrayRecord]:
    return {records.SECURE: ArrayRecord({name: Array(part) for name, part in records.byte_arrays(parts).items()})}


def _type(category: str, action: str) -> str:
    return f"{category}.{action}"
