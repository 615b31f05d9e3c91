"""Sending and collecting over Flower's grid, with an end.

A site that answers with an error, or not at all, is logged and left out. Flower reports the error of a dead node as
coming from itself, so replies are told by the message they answer.
"""

import logging
import time
from collections.abc import Callable, Mapping

from flwr.app import ArrayRecord, ConfigRecord, Message, MetricRecord, RecordDict
from flwr.serverapp import Grid

logger = logging.getLogger(__name__)

Content = Mapping[str, ArrayRecord | ConfigRecord | MetricRecord]

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.005, 0.25


def exchange(
    grid: Grid,
    contents: Mapping[int, tuple[str, Content]],
    deadline_s: float,
    take: Callable[[int, Message], None],
    fail: Callable[[int], object],
) -> int:
    """Sends each node its message and hands on replies as they come, until all have come or the time is over.

    Args:
        grid: Where messages go.
        contents: Message type and content, by node.
        deadline_s: Longest wait.
        take: Called with node and reply, for replies without error.
        fail: Called with the node, for replies that are errors.

    Returns:
        Number of replies without error.
    """
    messages = [
        Message(RecordDict(dict(content)), dst_node_id=node_id, message_type=message_type, ttl=deadline_s)
        for node_id, (message_type, content) in contents.items()
    ]
    node_ids = dict(zip(grid.push_messages(messages), contents, strict=True))
    give_up, pause_s, num_answered = time.monotonic() + deadline_s, _FIRST_PAUSE_S, 0
    while node_ids and time.monotonic() < give_up:
        replies = list(grid.pull_messages(list(node_ids)))
        for reply in replies:
            node_id = node_ids.pop(reply.metadata.reply_to_message_id)
            if reply.has_error():
                facts = {"node_id": node_id, "code": reply.error.code, "reason": reply.error.reason}
                logger.warning("site failed", extra=facts)
                fail(node_id)
            else:
                num_answered += 1
                take(node_id, reply)
        pause_s = _FIRST_PAUSE_S if replies else min(2 * pause_s, _LONGEST_PAUSE_S)
        time.sleep(pause_s if node_ids else 0.0)
    if node_ids:
        logger.warning("sites did not answer", extra={"expected": len(contents), "missing": len(node_ids)})
    return num_answered
