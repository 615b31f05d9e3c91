"""Flower's grid on one machine: long-lived worker processes that call the ClientApp.

The ServerApp and the ClientApp are those of a real deployment. Each worker keeps its libraries and memory and serves
its nodes one after the other. A node always belongs to the same worker, and a reply depends on the message alone, so
the number of workers changes no result. Messages cross the process border in Flower's own wire format. Without workers
the nodes live in this process: the least memory, for clients that do next to nothing.

Flower's internals are used here and nowhere else: ``TaskIdentity``, ``Run`` and the message serialization.
"""

import importlib
import multiprocessing
import os
import time
import traceback
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self

from flwr.app import Context, Error, Message, RecordDict
from flwr.app.user_config import UserConfig
from flwr.common.serde import message_from_proto, message_to_proto
from flwr.proto.message_pb2 import Message as MessageProto
from flwr.proto.node_pb2 import NodeInfo
from flwr.serverapp import Grid, ServerApp
from flwr.supercore.run import Run
from flwr.supercore.task_identity import TaskIdentity

SERVER_NODE_ID, RUN_ID = 1, 1
FIRST_NODE_ID = 100
CLIENT_FAILED = 2
"""Error code of a ClientApp that raised, as Flower's own runtimes report it."""


class LocalGrid(Grid):
    """A grid over worker processes.

    Args:
        client_app: Where the ClientApp is, as ``module:attribute``.
        node_configs: Node configuration of each node, from ``FIRST_NODE_ID`` on.
        num_workers: Worker processes; 0: this process serves all nodes.
    """

    def __init__(self, client_app: str, node_configs: list[UserConfig], num_workers: int) -> None:
        TaskIdentity.run_id = RUN_ID
        TaskIdentity.node_id = SERVER_NODE_ID
        TaskIdentity.task_id = 0
        self._run = Run.create_empty(RUN_ID)
        self._node_ids = [FIRST_NODE_ID + index for index in range(len(node_configs))]
        configs = dict(zip(self._node_ids, node_configs, strict=True))
        self._workers: list[_Worker] | list[_ThisProcess] = (
            [
                _Worker(client_app, {node_id: configs[node_id] for node_id in self._node_ids[first::num_workers]})
                for first in range(min(num_workers, len(node_configs)))
            ]
            if num_workers
            else [_ThisProcess(client_app, configs)]
        )
        self._pending: dict[str, Future[Message]] = {}
        self._num_messages = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def worker_pids(self) -> list[int]:
        """Process ids of the workers."""
        return [worker.pid for worker in self._workers if isinstance(worker, _Worker)]

    @property
    def run(self) -> Run:
        """The one run of this grid."""
        return self._run

    def set_run(self, run: Run) -> None:
        """Sets the run."""
        self._run = run

    def create_message(  # Flower's signature
        self, content: RecordDict, message_type: str, dst_node_id: int, group_id: str, ttl: float | None = None
    ) -> Message:
        """Makes a message to a node."""
        return Message(content, dst_node_id=dst_node_id, message_type=message_type, group_id=group_id, ttl=ttl)

    def get_node_ids(self) -> Iterable[int]:
        """Ids of all nodes."""
        return list(self._node_ids)

    def get_nodes(self) -> Iterable[NodeInfo]:
        """All nodes."""
        return [NodeInfo(node_id=node_id) for node_id in self._node_ids]

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        """Hands messages to the workers; returns their ids."""
        message_ids = []
        for message in messages:
            self._num_messages += 1
            message_id = f"message-{self._num_messages}"
            message.metadata.__dict__["_message_id"] = message_id
            worker = self._workers[(message.metadata.dst_node_id - FIRST_NODE_ID) % len(self._workers)]
            self._pending[message_id] = worker.submit(message)
            message_ids.append(message_id)
        return message_ids

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        """Replies that have come among ``message_ids``; each is returned once."""
        ready = [message_id for message_id in message_ids if message_id in self._pending]
        return [self._pending.pop(message_id).result() for message_id in ready if self._pending[message_id].done()]

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float | None = None) -> Iterable[Message]:
        """Sends messages and waits for all replies, or until ``timeout`` seconds have passed."""
        waiting = list(self.push_messages(messages))
        give_up = time.monotonic() + (float("inf") if timeout is None else timeout)
        replies: list[Message] = []
        while waiting and time.monotonic() < give_up:
            replies += self.pull_messages(waiting)
            waiting = [message_id for message_id in waiting if message_id in self._pending]
            time.sleep(0.005)
        return replies

    def run_server_app(self, server_app: ServerApp, run_config: UserConfig) -> None:
        """Runs a ServerApp over this grid, to its end."""
        server_app(self, Context(RUN_ID, SERVER_NODE_ID, {}, RecordDict(), run_config))

    def close(self) -> None:
        """Ends the workers."""
        for worker in self._workers:
            worker.close()


class _Worker:
    """One worker process, asked one message at a time."""

    def __init__(self, client_app: str, node_configs: Mapping[int, UserConfig]) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, child = context.Pipe()
        arguments = (child, client_app, dict(node_configs))
        self._process = context.Process(target=_serve, args=arguments, daemon=True)
        self._process.start()
        child.close()
        self._thread = ThreadPoolExecutor(max_workers=1)

    @property
    def pid(self) -> int:
        """The worker's process id."""
        return self._process.pid or 0

    def submit(self, message: Message) -> Future[Message]:
        """Queues a message; the reply is an error when the worker died."""
        return self._thread.submit(self._call, message)

    def _call(self, message: Message) -> Message:
        try:
            self._connection.send_bytes(message_to_proto(message).SerializeToString())
            reply = self._connection.recv_bytes()
        except (EOFError, OSError):
            return Message(Error(code=CLIENT_FAILED, reason="the worker process died"), reply_to=message)
        return message_from_proto(MessageProto.FromString(reply))

    def close(self) -> None:
        """Lets the worker end its message, then makes it end."""
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._connection.close()
        self._process.join(timeout=5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


class _ThisProcess:
    """Serves nodes in a thread of this process, one message at a time."""

    def __init__(self, client_app: str, node_configs: Mapping[int, UserConfig]) -> None:
        self._nodes = _Nodes(client_app, node_configs)
        self._thread = ThreadPoolExecutor(max_workers=1)

    def submit(self, message: Message) -> Future[Message]:
        """Queues a message."""
        return self._thread.submit(self._call, message)

    def _call(self, message: Message) -> Message:
        """As over a pipe: neither side can change what the other holds."""
        reply = self._nodes.answer(message_to_proto(message).SerializeToString())
        return message_from_proto(MessageProto.FromString(reply))

    def close(self) -> None:
        """Ends the message that is served."""
        self._thread.shutdown(wait=True, cancel_futures=True)


class _Nodes:
    """Nodes that live in one process, behind one ClientApp."""

    def __init__(self, client_app: str, node_configs: Mapping[int, UserConfig]) -> None:
        module, _, attribute = client_app.partition(":")
        self._app = getattr(importlib.import_module(module), attribute)
        self._contexts = {
            node_id: Context(RUN_ID, node_id, dict(config), RecordDict(), {})
            for node_id, config in node_configs.items()
        }

    def answer(self, asked: bytes) -> bytes:
        """Calls the ClientApp; message and reply are in Flower's wire format."""
        message = message_from_proto(MessageProto.FromString(asked))
        try:
            reply = self._app(message, self._contexts[message.metadata.dst_node_id])
        except Exception:  # noqa: BLE001  # whatever a ClientApp raises becomes an error reply, as in Flower's runtimes
            traceback.print_exc()
            reply = Message(Error(code=CLIENT_FAILED, reason="the ClientApp raised"), reply_to=message)
        return bytes(message_to_proto(reply).SerializeToString())


def _serve(connection: Connection, client_app: str, node_configs: Mapping[int, UserConfig]) -> None:
    """A worker's life: reads messages, calls the ClientApp, until the pipe closes."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    nodes = _Nodes(client_app, node_configs)
    while True:
        try:
            asked = connection.recv_bytes()
        except (EOFError, OSError):
            return
        connection.send_bytes(nodes.answer(asked))
