"""A fleet of sites in memory: Flower's grid, with a function in the place of each site."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping

import numpy as np
import numpy.typing as npt
from flwr.app import Array, ArrayRecord, ConfigRecord, Message, MetricRecord, RecordDict
from flwr.proto.node_pb2 import NodeInfo
from flwr.serverapp import Grid
from flwr.supercore.run import Run
from flwr.supercore.task_identity import TaskIdentity

from fl_protocol import records

Answer = Callable[[Message], Message | None]


@dataclasses.dataclass
class SiteFleet(Grid):
    """Calls ``answers[node_id]`` with each message; one that returns ``None`` never answers."""

    answers: Mapping[int, Answer]
    sent: list[Message] = dataclasses.field(default_factory=list)
    waiting: dict[str, Message] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        TaskIdentity.run_id = TaskIdentity.node_id = 1
        TaskIdentity.task_id = 0

    @property
    def run(self) -> Run:
        """A run of no app."""
        return Run.create_empty(1)

    def set_run(self, run: Run) -> None:
        """There is only one run."""
        raise NotImplementedError

    def create_message(
        self, content: RecordDict, message_type: str, dst_node_id: int, group_id: str, ttl: float | None = None
    ) -> Message:
        """Makes a message to a node."""
        return Message(content, dst_node_id=dst_node_id, message_type=message_type, group_id=group_id, ttl=ttl)

    def get_node_ids(self) -> Iterable[int]:
        """Ids of all sites."""
        return list(self.answers)

    def get_nodes(self) -> Iterable[NodeInfo]:
        """All sites."""
        return [NodeInfo(node_id=node_id) for node_id in self.answers]

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        """Calls the sites, the last one first: order must not matter."""
        message_ids = []
        for message in messages:
            self.sent.append(message)
            message_ids.append(f"message-{len(self.sent)}")
            message.metadata.__dict__["_message_id"] = message_ids[-1]
        for message in reversed(self.sent[len(self.sent) - len(message_ids) :]):
            reply = self.answers[message.metadata.dst_node_id](message)
            if reply is not None:
                self.waiting[message.metadata.message_id] = reply
        return message_ids

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        """Replies that have not been pulled before."""
        return [self.waiting.pop(message_id) for message_id in message_ids if message_id in self.waiting]

    def send_and_receive(
        self,
        messages: Iterable[Message],
        *,
        timeout: float | None = None,  # noqa: ARG002  answers come at once
    ) -> Iterable[Message]:
        """The replies of all sites that answer, the last site's first: order must not matter."""
        sent = list(messages)
        self.sent += sent
        replies = [self.answers[message.metadata.dst_node_id](message) for message in reversed(sent)]
        return [reply for reply in replies if reply is not None]


@dataclasses.dataclass(frozen=True)
class Contribution:
    """What a site answers to ``train``, and the AUC it answers to ``evaluate``."""

    update: Mapping[str, npt.NDArray[np.generic]]
    normality: npt.NDArray[np.generic]
    loss: float = 0.5
    num_examples: int = 1
    auc: float = 0.5
    tubelet_steps: int | None = None
    """As the site repeats it; a site of before networks could differ says nothing."""


def answering(contribution: Contribution) -> Callable[[Message], Message]:
    """A site that always answers the same."""

    def answer(message: Message) -> Message:
        counts: dict[str, int | float | list[int] | list[float]] = {
            records.LOSS: contribution.loss,
            records.NUM_EXAMPLES: contribution.num_examples,
        }
        if contribution.tubelet_steps is not None:
            counts[records.TUBELET_STEPS] = contribution.tubelet_steps
        if message.metadata.message_type == "evaluate":
            metrics = MetricRecord(counts | {records.AUC: contribution.auc})
            return Message(RecordDict({records.METRICS: metrics}), reply_to=message)
        content: dict[str, ArrayRecord | MetricRecord | ConfigRecord] = {
            records.UPDATE: ArrayRecord({name: Array(values) for name, values in contribution.update.items()}),
            records.NORMALITY: ArrayRecord({records.NORMALITY_SUMS: Array(contribution.normality)}),
            records.METRICS: MetricRecord(counts),
        }
        return Message(RecordDict(content), reply_to=message)

    return answer
