"""A training run that trains nothing: the server asks every node for its site, and writes down who answered."""

import json
import time
from pathlib import Path

from flwr.app import ConfigRecord, Context, Message, MessageType, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid, ServerApp

_POLL_S = 0.2

server_app = ServerApp()
client_app = ClientApp()


@server_app.main()
def main(grid: Grid, run_context: Context) -> None:
    """Waits for ``num-sites`` nodes, asks each, writes the sorted names to ``out``."""
    config = run_context.run_config
    deadline = time.monotonic() + float(config["patience-s"])
    while len(nodes := list(grid.get_node_ids())) < int(config["num-sites"]) and time.monotonic() < deadline:
        time.sleep(_POLL_S)
    calls = [Message(RecordDict(), dst_node_id=node, message_type=MessageType.QUERY) for node in nodes]
    replies = grid.send_and_receive(calls, timeout=float(config["patience-s"]))
    answers = [reply.content["answer"] for reply in replies if not reply.has_error()]
    sites = sorted(str(answer["site"]) for answer in answers if isinstance(answer, ConfigRecord))
    Path(str(config["out"])).write_text(json.dumps(sites))


@client_app.query()
def say_name(message: Message, run_context: Context) -> Message:
    """Answers with the name of the site."""
    answer = ConfigRecord({"site": str(run_context.node_config["site"])})
    return Message(RecordDict({"answer": answer}), reply_to=message)
