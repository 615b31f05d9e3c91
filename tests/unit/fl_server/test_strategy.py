"""A round over a fleet of sites in memory: what is sent, what is added, what is refused."""

import dataclasses
import logging
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from flwr.app import Array, ArrayRecord, ConfigRecord, Error, Message, MetricRecord, RecordDict

from fl_protocol import records
from fl_server.errors import RoundError
from fl_server.rounds.checkpoint import TrainingState
from fl_server.rounds.round_state import Patience
from fl_server.rounds.server_optimizer import ServerOptimizer
from fl_server.strategy import HeldOut, RoundSettings, evaluate, run_round
from model_zoo.backbones.parts import PartChoice
from tests.fakes.site_fleet import Answer, Contribution, SiteFleet, answering


def floats(values: list[float] | list[list[float]]) -> npt.NDArray[np.float32]:
    return np.array(values, dtype=np.float32)


def doubles(values: list[float]) -> npt.NDArray[np.float64]:
    return np.array(values, dtype=np.float64)


PARAMETERS = {"weight": floats([[1.0, 2.0]]), "bias": floats([3.0])}
STATE = TrainingState(PARAMETERS, doubles([10.0, 20.0]), ServerOptimizer(), 4)
SETTINGS = RoundSettings(
    seed=7, num_steps=16, is_conditioned=True, min_sites=2, deadline_s=60.0, patience=Patience(1.0, 0.2)
)
ONE = Contribution(
    {"weight": floats([[1.0, 0.0]]), "bias": floats([1.0])},
    doubles([1.0, 2.0]),
    0.4,
    1,
    0.6,
)
THREE = Contribution(
    {"weight": floats([[5.0, 4.0]]), "bias": floats([-3.0])},
    doubles([3.0, 4.0]),
    0.8,
    3,
    0.8,
)


GARBAGE = Array(dtype="float64", shape=(2,), stype="numpy.ndarray", data=b"garbage")


def fleet(*answers: Answer) -> SiteFleet:
    return SiteFleet({101 + index: answer for index, answer in enumerate(answers)})


def rewritten(change: Callable[[RecordDict], None], contribution: Contribution = ONE) -> Answer:
    """A site whose answer to ``train`` is changed on its way."""

    def answer(message: Message) -> Message:
        reply = answering(contribution)(message)
        if message.metadata.message_type == "train":
            change(reply.content)
        return reply

    return answer


def without(name: str) -> Answer:
    return rewritten(lambda content: content.__delitem__(name))


def test_round_adds_the_weighted_mean_and_sums_normality() -> None:
    grid = fleet(answering(ONE), answering(THREE))
    state, report = run_round(grid, [101, 102], STATE, SETTINGS)
    assert state.parameters["weight"].tolist() == [[1.0 + (1 * 1 + 3 * 5) / 4, 2.0 + 3 * 4 / 4]]
    assert state.parameters["bias"].tolist() == [3.0 + (1 - 9) / 4]
    assert (state.normality.tolist(), state.round_number) == ([4.0, 6.0], 5)
    assert (report.round_number, report.num_survivors) == (5, 2)
    assert report.loss == pytest.approx((0.4 + 3 * 0.8) / 4)
    told = evaluate(grid, [101, 102], state, SETTINGS)
    assert told is not None
    assert told.auc == pytest.approx((0.6 + 3 * 0.8) / 4)
    assert report.bytes_up == 2 * (3 * 4 + 2 * 8)


def test_training_messages_carry_the_old_state_and_evaluation_the_new_one() -> None:
    grid = fleet(answering(ONE), answering(THREE))
    state, _ = run_round(grid, [101, 102], STATE, SETTINGS)
    evaluate(grid, [101, 102], state, SETTINGS)
    assert [(one.metadata.message_type, one.metadata.dst_node_id) for one in grid.sent] == [
        ("train", 101),
        ("train", 102),
        ("evaluate", 101),
        ("evaluate", 102),
    ]
    for message, sent in ((grid.sent[0], STATE), (grid.sent[2], state)):
        parameters = message.content[records.PARAMETERS]
        assert isinstance(parameters, ArrayRecord)
        assert {name: array.numpy().tolist() for name, array in parameters.items()} == {
            name: array.tolist() for name, array in sent.parameters.items()
        }
        settings = message.content[records.SETTINGS]
        assert isinstance(settings, ConfigRecord)
        facts: dict[str, object] = {
            "round-number": 5,
            "seed": 7,
            "num-steps": 16,
            "is-conditioned": True,
            "tubelet-steps": 12,
        }
        facts |= {"proximal-mu": 0.0, "trained-parts": "all", "personal-parts": "none"}
        assert dict(settings) == facts
    assert {message.metadata.ttl for message in grid.sent} == {60.0}


def test_momentum_carries_on_over_rounds() -> None:
    grid = fleet(answering(ONE), answering(ONE))
    state, _ = run_round(grid, [101, 102], STATE, SETTINGS)
    state, _ = run_round(grid, [101, 102], state, SETTINGS)
    assert state.parameters["bias"].tolist() == [3.0 + 1.0 + 1.5]


def not_a_number(contribution: Contribution) -> Contribution:
    return dataclasses.replace(
        contribution,
        update={"weight": floats([[np.nan, 0.0]]), "bias": floats([1.0])},
    )


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (answering(not_a_number(ONE)), "update weight: expected finite values"),
        (
            answering(
                dataclasses.replace(
                    ONE,
                    update={
                        "weight": floats([1.0, 0.0]),
                        "bias": floats([1.0]),
                    },
                )
            ),
            "update weight: expected float32[1, 2], got float32[2]",
        ),
        (
            answering(
                dataclasses.replace(
                    ONE,
                    update={
                        "weight": floats([[1.0, 0.0]]),
                        "tail": floats([1.0]),
                    },
                )
            ),
            "update: expected 2 arrays in our order, got 2; unlike: ['bias', 'tail']",
        ),
        (
            answering(dataclasses.replace(ONE, normality=doubles([1.0]))),
            "normality sums: expected float64[2], got float64[1]",
        ),
        (without(records.UPDATE), "update: expected an array record"),
        (without(records.NORMALITY), "normality: expected an array record"),
        (without(records.METRICS), "metrics: expected a metric record"),
        (
            rewritten(lambda content: content.update({records.NORMALITY: ArrayRecord()})),
            "normality: expected sums",
        ),
        (
            answering(dataclasses.replace(ONE, num_examples=0)),
            "metrics: expected finite values and a positive num-examples",
        ),
        (
            answering(dataclasses.replace(ONE, loss=float("inf"))),
            "metrics: expected finite values and a positive num-examples",
        ),
        (
            rewritten(lambda content: content.update({records.NORMALITY: ArrayRecord({"sums": GARBAGE})})),
            "normality: expected arrays that can be read",
        ),
        (
            rewritten(
                lambda content: content.update({records.METRICS: MetricRecord({"num-examples": 0.5, "loss": 1})})
            ),
            "metrics: expected finite values and a positive num-examples",
        ),
        (
            rewritten(lambda content: content.update({records.METRICS: MetricRecord({"num-examples": 3})})),
            "metrics: expected loss",
        ),
    ],
)
def test_update_that_cannot_be_added_is_refused_named_and_left_out(
    bad: Answer, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    state, report = run_round(fleet(answering(ONE), bad, answering(ONE)), [101, 102, 103], STATE, SETTINGS)
    assert report.num_survivors == 2
    assert state.parameters["bias"].tolist() == [4.0]
    refused = [record.__dict__ for record in caplog.records if record.getMessage() == "update refused"]
    assert [(facts["node_id"], facts["reason"]) for facts in refused] == [(102, reason)]


def test_site_that_fails_and_site_that_stays_silent_are_left_out_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    def failing(message: Message) -> Message:
        return Message(Error(code=1000, reason="site not ready"), reply_to=message)

    grid = fleet(failing, answering(ONE), lambda _: None, answering(ONE))
    state, report = run_round(grid, [101, 102, 103, 104], STATE, SETTINGS)
    assert (report.num_survivors, state.parameters["bias"].tolist()) == (2, [4.0])
    facts = {record.getMessage(): record.__dict__ for record in caplog.records if record.levelno == logging.WARNING}
    assert (facts["site failed"]["code"], facts["site failed"]["reason"]) == (1000, "site not ready")
    assert (facts["sites did not answer"]["expected"], facts["sites did not answer"]["missing"]) == (4, 1)


def test_site_that_took_another_number_of_steps_of_a_tubelet_is_left_out_by_name(
    caplog: pytest.LogCaptureFixture,
) -> None:
    eight = dataclasses.replace(ONE, tubelet_steps=8)
    sites = fleet(answering(eight), answering(ONE), answering(eight))
    state, report = run_round(sites, [101, 102, 103], dataclasses.replace(STATE, tubelet_steps=8), SETTINGS)
    settings = sites.sent[0].content[records.SETTINGS]
    assert isinstance(settings, ConfigRecord)
    assert settings[records.TUBELET_STEPS] == state.tubelet_steps == 8
    assert (report.num_survivors, evaluate(sites, [101, 102, 103], state, SETTINGS)) == (2, HeldOut(0.6))
    refused = {record.getMessage(): record.__dict__ for record in caplog.records}
    for message in ("update refused", "evaluation refused"):
        facts = refused[message]
        assert (facts["node_id"], facts["reason"]) == (102, "metrics: expected tubelet-steps 8, got 12")


def test_round_below_its_quorum_fails_and_says_how_far() -> None:
    with pytest.raises(RoundError) as failure:
        run_round(fleet(answering(ONE), answering(not_a_number(ONE))), [101, 102], STATE, SETTINGS)
    assert str(failure.value) == "round 5: training: expected at least 2 of 2 sites, got 1 in 0 s"


def test_round_whose_sites_cannot_evaluate_has_no_auc() -> None:
    def only_trains(message: Message) -> Message | None:
        return answering(ONE)(message) if message.metadata.message_type == "train" else None

    grid = fleet(only_trains, only_trains)
    state, report = run_round(grid, [101, 102], STATE, SETTINGS)
    quick = dataclasses.replace(SETTINGS, deadline_s=0.2)
    assert (evaluate(grid, [101, 102], state, quick), report.num_survivors) == (None, 2)


def test_evaluation_without_auc_is_refused_and_the_others_count(caplog: pytest.LogCaptureFixture) -> None:
    def forgets_auc(message: Message) -> Message:
        if message.metadata.message_type == "train":
            return answering(ONE)(message)
        return Message(RecordDict({records.METRICS: MetricRecord({"loss": 0.1, "num-examples": 9})}), reply_to=message)

    grid = fleet(forgets_auc, answering(THREE))
    told = evaluate(grid, [101, 102], STATE, dataclasses.replace(SETTINGS, min_sites=1))
    assert told is not None
    assert told.auc == pytest.approx(0.8)
    (refused,) = [record.__dict__ for record in caplog.records if record.getMessage() == "evaluation refused"]
    assert (refused["node_id"], refused["reason"]) == (101, "metrics: expected auc")


def test_only_summed_parts_are_taken_and_the_others_stay_bit_for_bit(caplog: pytest.LogCaptureFixture) -> None:
    parameters = {"conv1.bias": floats([1.0, 2.0]), "films.third": floats([5.0]), "head.0.bias": floats([3.0])}
    state = dataclasses.replace(STATE, parameters=parameters)
    settings = dataclasses.replace(SETTINGS, parts=PartChoice("film-and-heads", "film"))
    right = dataclasses.replace(ONE, update={"head.0.bias": floats([1.0])})
    whole = dataclasses.replace(ONE, update={name: np.ones_like(array) for name, array in parameters.items()})
    with caplog.at_level(logging.WARNING):
        new, report = run_round(
            fleet(answering(right), answering(whole), answering(right)), [101, 102, 103], state, settings
        )
    assert report.num_survivors == 2
    assert {name: array.tolist() for name, array in new.parameters.items()} == {
        "conv1.bias": [1.0, 2.0],
        "films.third": [5.0],
        "head.0.bias": [4.0],
    }
    assert "update refused" in [record.message for record in caplog.records]
