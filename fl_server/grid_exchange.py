"""Sending and collecting over Flower's grid, with an end.

A site that answers with an error, with what is refused, or not at all, is logged and left out. Flower reports the error
of a dead node as coming from itself, so replies are told by the message they answer. It hands out a reply that was only
announced, and waits for the content: minutes where the site has died since, and without bound where it trickles.
"""

import concurrent.futures
import dataclasses
import logging
import math
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import NoReturn, Protocol

from flwr.app import ArrayRecord, ConfigRecord, Message, MetricRecord, RecordDict
from flwr.serverapp import Grid

from fl_server.errors import RoundError
from fl_server.rounds.round_state import (
    Answered,
    Patience,
    Phase,
    RoundEvent,
    RoundPlan,
    RoundState,
    SiteFailed,
    StepDone,
    StepFailed,
    Tick,
    advance,
    open_round,
)

logger = logging.getLogger(__name__)

Content = Mapping[str, ArrayRecord | ConfigRecord | MetricRecord]
Contents = Mapping[int, tuple[str, Content]]
"""Message type and content, by node."""

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.005, 0.25
_FETCHED_AT_ONCE = 16
"""No more of them are in memory, however large the cohort."""
_FETCH_PATIENCE_S = 1.0
"""Replies whose content takes longer are waited for beside the others, not before them."""
_MOST_SLOW = 256
"""Each has a thread."""


@dataclasses.dataclass(frozen=True)
class Handlers:
    """What is done with replies."""

    take: Callable[[int, Message], str | None]
    """Called with node and reply, for replies without error; says why one is refused, and None for one that is not."""
    fail: Callable[[int], object] = lambda _: None
    """Called with the node, for replies that are errors."""


class Waiting(Protocol):
    """Says when enough was heard."""

    def is_late(self, node_id: int, now_s: float) -> bool:
        """Whether an answer of this node comes too late to be taken."""

    def hear(self, node_id: int, problem: str | None, now_s: float) -> None:
        """A node answered; None: as it should."""

    def is_over(self) -> bool:
        """Whether nothing is waited for any more."""


def exchange(grid: Grid, contents: Contents, longest_s: float, handlers: Handlers, waiting: Waiting) -> None:
    """Sends each node its message and hands on replies as they come, until all have come or waiting is over.

    Args:
        grid: Where messages go.
        contents: What is asked.
        longest_s: How long messages live.
        handlers: Of replies.
        waiting: Is told of every reply.
    """
    messages = [
        Message(RecordDict(dict(content)), dst_node_id=node_id, message_type=message_type, ttl=longest_s)
        for node_id, (message_type, content) in contents.items()
    ]
    node_ids = dict(zip(grid.push_messages(messages), contents, strict=True)) if messages else {}
    fetching, pause_s = _Fetching(grid), _pause_s(len(node_ids))
    while node_ids and not waiting.is_over():
        # One instant for all that is there: what came in time is counted, however long the others take.
        now_s, num_before = time.monotonic(), len(node_ids)
        for message_id, reply in fetching.replies(list(node_ids)):
            node_id = node_ids.pop(message_id)
            is_late = waiting.is_late(node_id, now_s) and not reply.has_error()
            waiting.hear(node_id, "too late" if is_late else _taken(node_id, reply, handlers), now_s)
        pause_s = _pause_s(num_before) if len(node_ids) < num_before else min(2 * pause_s, _LONGEST_PAUSE_S)
        time.sleep(pause_s if node_ids else 0.0)
    if node_ids:
        logger.warning("sites did not answer", extra={"expected": len(contents), "missing": len(node_ids)})


def _pause_s(num_missing: int) -> float:
    """Before asking again after a reply: longer with many missing, for asking costs time that sites here could use."""
    return min(_FIRST_PAUSE_S * math.ceil(num_missing / _FETCHED_AT_ONCE), _LONGEST_PAUSE_S)


class _Fetching:
    """Fetches replies, so that one whose content does not come holds up only those it is fetched with.

    Flower hands a reply to whoever asks first, and tells all who ask later that the message is unknown. So what has not
    come is asked for again while others are still being fetched, and an error counts where nobody else is asking.

    Args:
        grid: Where they are.
    """

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self._slow: list[_Fetch] = []

    def replies(self, message_ids: Sequence[str]) -> Iterator[tuple[str, Message]]:
        """Those that are there of the messages that were not answered before, with what they answer."""
        left = set(message_ids)
        for fetch in self._done(message_ids):
            for reply in fetch.replies():
                answered = reply.metadata.reply_to_message_id
                is_known = not reply.has_error() or all(answered not in other.message_ids for other in self._slow)
                if answered in left and is_known:
                    left.remove(answered)
                    yield answered, reply

    def _done(self, message_ids: Sequence[str]) -> Iterator["_Fetch"]:
        """What was slow and is done, then what is asked for now."""
        for fetch in [one for one in self._slow if one.is_done(0.0)]:
            self._slow.remove(fetch)
            yield fetch
        for first in range(0, len(message_ids), _FETCHED_AT_ONCE):
            if len(self._slow) < _MOST_SLOW:
                fetch = _Fetch(self._grid, message_ids[first : first + _FETCHED_AT_ONCE])
                if fetch.is_done(_FETCH_PATIENCE_S):
                    yield fetch
                else:
                    self._slow.append(fetch)


class _Fetch:
    """Replies that are being fetched in a thread, which may outlive the exchange.

    Args:
        grid: Where they are.
        message_ids: What they answer.
    """

    def __init__(self, grid: Grid, message_ids: Sequence[str]) -> None:
        self.message_ids = tuple(message_ids)
        self._grid = grid
        self._fetched: concurrent.futures.Future[list[Message]] = concurrent.futures.Future()
        threading.Thread(target=self._fetch, name="fetch", daemon=True).start()

    def is_done(self, patience_s: float) -> bool:
        """Whether they are there, at the latest after so many seconds."""
        return bool(concurrent.futures.wait([self._fetched], patience_s).done)

    def replies(self) -> list[Message]:
        """The replies, once they are there. Raises what the grid raised."""
        return self._fetched.result()

    def _fetch(self) -> None:
        try:
            self._fetched.set_result(list(self._grid.pull_messages(self.message_ids)))
        except BaseException as error:  # noqa: BLE001  handed to the thread that asks
            self._fetched.set_exception(error)


def _taken(node_id: int, reply: Message, handlers: Handlers) -> str | None:
    if not reply.has_error():
        return handlers.take(node_id, reply)
    facts = {"node_id": node_id, "code": reply.error.code, "reason": reply.error.reason}
    logger.warning("site failed", extra=facts)
    handlers.fail(node_id)
    return reply.error.reason


class QuorumWaiting:
    """Waits for all; once a quorum is there, no longer than patience says.

    Args:
        deadline_s: Longest wait.
        quorum: Fewest answers; 0 if those are there already.
        patience: With stragglers.
    """

    def __init__(self, deadline_s: float, quorum: int, patience: Patience) -> None:
        self._began_s, self._quorum, self._patience, self._num_answered = time.monotonic(), quorum, patience, 0
        self._deadline_s = self._ends_s = self._began_s + deadline_s
        self._settle(self._began_s)

    def is_late(self, node_id: int, now_s: float) -> bool:  # noqa: ARG002  whoever and whenever it is
        """Nothing is."""
        return False

    def hear(self, node_id: int, problem: str | None, now_s: float) -> None:  # noqa: ARG002  whoever it is
        """Counts an answer."""
        if problem is None:
            self._num_answered += 1
            self._settle(now_s)

    def _settle(self, now_s: float) -> None:
        if self._num_answered == self._quorum:
            self._ends_s = min(self._deadline_s, self._patience.ends_s(self._began_s, now_s))

    def is_over(self) -> bool:
        """Whether the time is over."""
        return time.monotonic() >= self._ends_s


@dataclasses.dataclass(frozen=True)
class _PhaseWaiting:
    """Waits until the round goes on, and for nodes beside it as long as stragglers are waited for."""

    running: "RunningRound"
    phase: RoundState
    """As it began."""
    beside: set[int]

    def hear(self, node_id: int, problem: str | None, now_s: float) -> None:
        """Tells the round."""
        self.beside.discard(node_id)
        name = self.phase.phase
        heard = Answered(node_id, name, now_s) if problem is None else SiteFailed(node_id, name, problem, now_s)
        if node_id in self.phase.cohort and not self._is_left():
            self.running.tell(heard)

    def is_late(self, node_id: int, now_s: float) -> bool:
        """Whether the round has gone on without this site of its cohort."""
        if not self._is_left():
            self.running.tell(Tick(now_s))
        return node_id in self.phase.cohort and self._is_left()

    def is_over(self) -> bool:
        """Whether the phase is over, and nobody beside it is worth the wait."""
        now_s = time.monotonic()
        if not self._is_left():
            self.running.tell(Tick(now_s))
        if not self._is_left():
            return False
        left = self.running.state
        return left.is_over or not self.beside or now_s >= left.plan.patience.ends_s(self.phase.began_s, left.began_s)

    def _is_left(self) -> bool:
        return self.running.state.began_s != self.phase.began_s or self.running.state.phase is not self.phase.phase


class RunningRound:
    """One round at the grid: sites are asked, and the state machine says when to go on.

    Args:
        grid: Where messages go.
        round_number: Of the round.
        cohort: Nodes that are asked.
        plan: Deadlines, quorums, patience.

    Raises:
        RoundError: The cohort is below the quorum.
    """

    def __init__(self, grid: Grid, round_number: int, cohort: Collection[int], plan: RoundPlan) -> None:
        self._grid = grid
        self.state = open_round(round_number, cohort, plan, time.monotonic())
        self._check()

    def tell(self, event: RoundEvent) -> None:
        """Goes on by an event."""
        self.state = advance(self.state, event)

    def ask(self, contents: Contents, handlers: Handlers) -> None:
        """Asks in the phase that the round is in, until it is over; nodes beyond the cohort are asked beside it.

        Raises:
            RoundError: The round failed.
        """
        began = self.state
        waiting = _PhaseWaiting(self, began, set(contents) - began.cohort)
        exchange(self._grid, contents, began.plan.limits_of(began.phase).deadline_s, handlers, waiting)
        for node_id in sorted(began.cohort - set(contents)):
            waiting.hear(node_id, "it is not there any more", time.monotonic())
        self._check()

    def all_have_answered(self) -> None:
        """What this phase asks for is known of the whole cohort."""
        phase, now_s = self.state.phase, time.monotonic()
        for node_id in sorted(self.state.cohort):
            self.tell(Answered(node_id, phase, now_s))

    def done(self, phase: Phase) -> None:
        """The coordinator has done its own part of a phase.

        Raises:
            RoundError: It took too long.
        """
        self.tell(StepDone(phase, time.monotonic()))
        self._check()

    def fail(self, reason: str) -> NoReturn:
        """The coordinator cannot do its own part of the phase that the round is in.

        Raises:
            RoundError: Always; with the reason for which it had failed before, if it had.
        """
        self.tell(StepFailed(self.state.phase, reason, time.monotonic()))
        raise RoundError(self.state.reason)

    def _check(self) -> None:
        if self.state.reason is not None:
            raise RoundError(self.state.reason)
