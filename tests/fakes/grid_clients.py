"""ClientApps for the local grid: one that answers, one that raises, one whose process dies."""

import os
import signal

from flwr.app import Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

PRIVATE = "camera at rtsp://admin:hunter2@10.0.0.7"
"""What an exception may say and no reply may."""

answering, raising, dying = ClientApp(), ClientApp(), ClientApp()


@answering.train()
def answer(message: Message, run_context: Context) -> Message:
    """Tells the node's number from its configuration, and the process that serves it."""
    facts: dict[str, int | float | list[int] | list[float]] = {
        "number": int(run_context.node_config["number"]),
        "pid": os.getpid(),
    }
    return Message(RecordDict({"facts": MetricRecord(facts)}), reply_to=message)


@raising.train()
def fail(_message: Message, _context: Context) -> Message:
    """Fails with something that must not leave the site."""
    raise ValueError(PRIVATE)


@dying.train()
def die(message: Message, run_context: Context) -> Message:
    """Dies on node 0 as of a fault in native code; answers elsewhere."""
    if run_context.node_config["number"] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return answer(message, run_context)
