"""A thousand sites on one machine: worker processes do the sites' work, this process is the coordinator alone."""

import dataclasses
import multiprocessing
import queue
import resource
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from benchmarks.secure_round.site_bench import (
    Federation,
    binding_of,
    federation,
    join_all,
    masked_vector,
    site_vector,
)
from fl_protocol.secure_sum import site as sum_site
from fl_protocol.secure_sum.binding import EpochName
from fl_protocol.secure_sum.channel import ChannelOffer
from fl_protocol.secure_sum.epoch_keys import EpochKeys, KeyCollector, keys_request
from fl_protocol.secure_sum.masked_sum import MaskedSum
from fl_protocol.secure_sum.update_code import decode_sum

_LARGEST_ERROR = 0.05
"""Of a mean's value, in standard deviations of an update's values; five times what rounding does to a thousand."""


@dataclasses.dataclass(frozen=True)
class FleetFigures:
    """Two rounds of a fleet."""

    setup_s: float
    """Channel keys, channels among the neighbours of two rounds, and the first round's keys."""
    round_s: float
    """A steady round: vectors, shares, the next round's keys, the sum decoded."""
    new_neighbours_round_s: float
    """A round that also agrees on channels with the next round's neighbours, as the first rounds of a run do."""
    server_rss_mb: float
    """The coordinator's peak, libraries and all."""
    survivors: int
    largest_error: float
    """As of ``SiteFigures``, in the steady round."""


def fleet_rounds(num_sites: int, size: int, num_moments: int, num_dropouts: int, num_workers: int) -> FleetFigures:
    """Runs two rounds of a fleet over worker processes.

    Raises:
        ArithmeticError: The opened mean is not the sites' mean.
    """
    told = federation(num_sites, size, num_moments)
    fleet = _Fleet(told, num_workers, num_dropouts)
    try:
        began_s = time.perf_counter()
        fleet.set_up(epochs=(1, 2))
        keys = fleet.keys(EpochName(told.run, 1, 1))
        setup_s = time.perf_counter() - began_s
        keys, round_s, error = fleet.round(keys)
        _, later_s, _ = fleet.round(keys)
    finally:
        fleet.close()
    rss_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return FleetFigures(setup_s, round_s, later_s, rss_mb, num_sites - num_dropouts, error)


class _Fleet:
    """The coordinator of worker processes that hold the sites."""

    def __init__(self, told: Federation, num_workers: int, num_dropouts: int) -> None:
        self._told, self._num_dropouts = told, num_dropouts
        self._workers = [_Worker(told, range(first, len(told.identities), num_workers)) for first in range(num_workers)]
        self._offers: dict[int, ChannelOffer] = {}

    def set_up(self, epochs: tuple[int, ...]) -> None:
        """Exchanges channel keys; lets sites agree with their neighbours of some epochs."""
        for worker in self._workers:
            self._offers |= worker.call("offers")
        self._everywhere(lambda worker: worker.call("agree", self._offers, epochs))

    def keys(self, name: EpochName) -> EpochKeys:
        """Asks everybody for the keys of an epoch."""
        collector = KeyCollector(self._told.group, name, self._offers)
        self._exchange(
            "advertise",
            list(self._offers),
            lambda site: (keys_request(self._told.group, name, self._offers, site),),
            collector.add,
        )
        return collector.close()

    def round(self, keys: EpochKeys) -> tuple[EpochKeys, float, float]:
        """One steady round; returns the next epoch's keys, its seconds, and the error of the mean."""
        told, name = self._told, keys.name
        began_s = time.perf_counter()
        masked_sum = MaskedSum(keys, told.layout, binding_of(told, name))
        delivering = [site for site in keys.cohort if site >= self._num_dropouts]
        self._exchange("mask", delivering, lambda site: (keys.mask_request(site), name), masked_sum.add)
        survivors = masked_sum.close()
        following = EpochName(name.run, name.epoch + 1, name.round_number + 1)
        collector = KeyCollector(told.group, following, self._offers)

        def take(answer: tuple[bytes, bytes]) -> None:
            masked_sum.add_shares(answer[0])
            collector.add(answer[1])

        unmask_request = masked_sum.unmask_request()

        def ask(site: int) -> tuple[bytes, bytes]:
            return unmask_request, keys_request(told.group, following, self._offers, site)

        self._exchange("reveal", list(survivors), ask, take)
        mean = decode_sum(masked_sum.open().values[0], told.code) / len(survivors)
        round_s = time.perf_counter() - began_s
        return collector.close(), round_s, _checked_error(told, mean, survivors, name.epoch)

    def close(self) -> None:
        """Ends the workers."""
        for worker in self._workers:
            worker.close()

    def _exchange(
        self, kind: str, sites: list[int], ask: Callable[[int], tuple[Any, ...]], take: Callable[[Any], object]
    ) -> None:
        """Asks every site, each worker's one after the other; answers are taken as they come."""
        answers: queue.SimpleQueue[Any] = queue.SimpleQueue()

        def serve(worker: "_Worker") -> None:
            for site in sites:
                if site in worker.sites:
                    answers.put(worker.call(kind, site, *ask(site)))

        with ThreadPoolExecutor(len(self._workers)) as threads:
            served = [threads.submit(serve, worker) for worker in self._workers]
            for _ in sites:
                take(answers.get(timeout=600))
            for one in served:
                one.result()

    def _everywhere(self, work: Callable[["_Worker"], object]) -> None:
        with ThreadPoolExecutor(len(self._workers)) as threads:
            list(threads.map(work, self._workers))


def _checked_error(told: Federation, mean: np.ndarray, survivors: tuple[int, ...], epoch: int) -> float:
    expected = np.zeros(told.code.num_parameters)
    for site in survivors:
        expected += site_vector(told, site, epoch, 0)[0]
    error = float(np.abs(mean - expected / len(survivors)).max() * np.sqrt(len(mean)))
    if error > _LARGEST_ERROR:
        raise ArithmeticError(f"expected the opened mean within {_LARGEST_ERROR} of the sites' mean, got {error}")
    return error


class _Worker:
    """A process that does the work of some sites."""

    def __init__(self, told: Federation, sites: range) -> None:
        self.sites = sites
        context = multiprocessing.get_context("spawn")
        self._connection, child = context.Pipe()
        self._process = context.Process(target=_work, args=(child, told, sites), daemon=True)
        self._process.start()
        child.close()

    def call(self, kind: str, *arguments: Any) -> Any:  # noqa: ANN401  # what the function of that name takes and gives
        """Has one piece of work done."""
        self._connection.send((kind, arguments))
        return self._connection.recv()

    def close(self) -> None:
        """Ends the process."""
        self._connection.close()
        self._process.join(timeout=10)


class _Sites:
    """What a worker does, by name."""

    def __init__(self, told: Federation, sites: range) -> None:
        self._told = told
        self._states, self._own_offers = join_all(told, sites)

    def offers(self) -> dict[int, ChannelOffer]:
        return self._own_offers

    def agree(self, offers: dict[int, ChannelOffer], epochs: tuple[int, ...]) -> None:
        graphs = [self._told.group.graph(epoch) for epoch in epochs]
        for site, state in self._states.items():
            near = {other for graph in graphs for other in graph.neighbours(site)}
            self._states[site] = sum_site.agree_channels(state, {other: offers[other] for other in near})

    def advertise(self, site: int, request: bytes) -> bytes:
        self._states[site], answer = sum_site.advertise(self._states[site], request)
        return answer

    def mask(self, site: int, request: bytes, name: EpochName) -> bytes:
        vector = site_vector(self._told, site, name.epoch, 0)
        self._states[site], answer = masked_vector(self._states[site], self._told, request, vector, name)
        return answer

    def reveal(self, site: int, request: bytes, keys: bytes) -> tuple[bytes, bytes]:
        self._states[site], shares = sum_site.reveal(self._states[site], request)
        return shares, self.advertise(site, keys)


def _work(connection: Connection, told: Federation, sites: range) -> None:
    work = _Sites(told, sites)
    while True:
        try:
            kind, arguments = connection.recv()
        except EOFError:
            return
        connection.send(getattr(work, kind)(*arguments))
