"""Collecting answers: what is taken is counted, and the other way round."""

import threading
import time
from collections.abc import Iterable

import numpy as np
import pytest
from flwr.app import Error, Message
from flwr.common.constant import ErrorCode

from fl_server import grid_exchange
from fl_server.grid_exchange import Contents, Handlers, QuorumWaiting, RunningRound, exchange
from fl_server.rounds.round_state import Patience, Phase, plain_plan
from tests.fakes.site_fleet import Answer, Contribution, SiteFleet, answering

_SITE = answering(Contribution({}, np.zeros(1)))
_SITES: dict[int, Answer] = {101: _SITE, 102: _SITE, 103: _SITE}


class OneAtATime(SiteFleet):
    """Hands over one reply at a time, however many there are."""

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        """The first reply that was not pulled before."""
        first = [message_id for message_id in message_ids if message_id in self.waiting][:1]
        return super().pull_messages(first)


class Measuring(SiteFleet):
    """Knows how many replies it handed over at once."""

    most_at_once = 0

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        """As ever."""
        replies = list(super().pull_messages(message_ids))
        self.most_at_once = max(self.most_at_once, len(replies))
        return replies


class Trickling(OneAtATime):
    """Flower's way with a site that has announced a reply and sends its content only when the test lets it."""

    def __init__(self, sites: dict[int, Answer], trickler: int) -> None:
        super().__init__(sites)
        self.may_come, self._trickler, self._handed_out = threading.Event(), trickler, set[str]()

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        """The first reply that nobody has asked for yet, and errors about those that somebody has."""
        asked = sorted(message_ids)
        unknown = [self._error(message_id) for message_id in asked if message_id in self._handed_out]
        replies = list(super().pull_messages(asked))
        self._handed_out |= {reply.metadata.reply_to_message_id for reply in replies}
        if any(reply.metadata.src_node_id == self._trickler for reply in replies):
            assert self.may_come.wait(60.0)
        return replies + unknown

    def _error(self, message_id: str) -> Message:
        answered = next(message for message in self.sent if message.metadata.message_id == message_id)
        return Message(Error(ErrorCode.MESSAGE_UNAVAILABLE, "unknown"), reply_to=answered)


class Broken(SiteFleet):
    """A grid whose SuperLink refuses."""

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        """Raises."""
        raise PermissionError(f"{len(list(message_ids))} messages of a run that has ended")


def test_site_whose_answer_is_announced_and_does_not_come_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grid_exchange, "_FETCH_PATIENCE_S", 0.05)
    grid = Trickling(_SITES, trickler=102)
    running = RunningRound(grid, 1, list(_SITES), plain_plan(30.0, 2, Patience(0.0, 0.5)))
    running.all_have_answered()
    running.ask(dict.fromkeys(_SITES, ("train", {})), Handlers(lambda _node, _reply: None))
    grid.may_come.set()
    assert running.state.phase is Phase.AGGREGATED
    assert running.state.cohort == {101, 103}


def test_answer_that_comes_slowly_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grid_exchange, "_FETCH_PATIENCE_S", 0.05)
    grid = Trickling(_SITES, trickler=102)
    taken = []

    def take(node_id: int, _reply: Message) -> None:
        taken.append(node_id)
        if node_id == 103:
            grid.may_come.set()

    contents: Contents = dict.fromkeys(_SITES, ("train", {}))
    exchange(grid, contents, 30.0, Handlers(take), QuorumWaiting(30.0, 3, Patience()))
    assert taken == [101, 103, 102]


def test_what_the_grid_raises_ends_the_exchange() -> None:
    contents: Contents = dict.fromkeys(_SITES, ("train", {}))
    nobody = Handlers(lambda _node, _reply: None)
    with pytest.raises(PermissionError, match="3 messages of a run that has ended"):
        exchange(Broken(_SITES), contents, 30.0, nobody, QuorumWaiting(30.0, 3, Patience()))


def test_replies_are_fetched_a_few_at_a_time() -> None:
    sites = dict.fromkeys(range(1, 101), _SITE)
    taken: list[int] = []
    waiting = QuorumWaiting(30.0, 100, Patience(1.0, 1.0))
    contents: Contents = dict.fromkeys(sites, ("train", {}))
    grid = Measuring(sites)
    exchange(grid, contents, 30.0, Handlers(lambda node, _reply: taken.append(node)), waiting)
    assert sorted(taken) == sorted(sites)
    assert grid.most_at_once == 16


@pytest.mark.parametrize(("fleet", "num_in_time"), [(SiteFleet, 3), (OneAtATime, 2)])
def test_answers_are_late_when_they_come_late_and_not_when_others_are_taken_slowly(
    fleet: type[SiteFleet], num_in_time: int
) -> None:
    taken = []

    def take(node_id: int, reply: Message) -> None:
        assert not reply.has_error()
        taken.append(node_id)
        time.sleep(0.3)

    running = RunningRound(fleet(_SITES), 1, list(_SITES), plain_plan(30.0, 2, Patience(0.0, 0.2)))
    running.all_have_answered()
    running.ask(dict.fromkeys(_SITES, ("train", {})), Handlers(take))
    assert running.state.phase is Phase.AGGREGATED
    assert running.state.cohort == set(taken)
    assert len(taken) == num_in_time


def test_waiting_for_more_than_a_quorum_that_is_there_is_short() -> None:
    grid = SiteFleet(_SITES | {103: lambda _: None})
    began_s = time.monotonic()
    waiting = QuorumWaiting(30.0, 0, Patience(1.0, 0.2))
    exchange(grid, dict.fromkeys(_SITES, ("train", {})), 30.0, Handlers(lambda _node, _reply: None), waiting)
    assert 0.2 <= time.monotonic() - began_s < 5.0


def test_node_that_is_gone_leaves_the_round() -> None:
    running = RunningRound(SiteFleet(_SITES), 1, [101, 102, 999], plain_plan(30.0, 2, Patience()))
    running.all_have_answered()
    running.ask(dict.fromkeys([101, 102], ("train", {})), Handlers(lambda _node, _reply: None))
    assert running.state.cohort == {101, 102}
