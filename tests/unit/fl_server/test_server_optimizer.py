"""The server's step, against the formula of its paper."""

import numpy as np
import numpy.typing as npt
import pytest

from fl_server.rounds.server_optimizer import ServerOptimizer, StrategyName, server_optimizer


def floats(values: list[float]) -> npt.NDArray[np.float32]:
    return np.array(values, dtype=np.float32)


UPDATES = [
    floats([1.0, -2.0]),
    floats([0.5, 0.25]),
    floats([-3.0, 1.0]),
]


def test_velocity_is_momentum_times_the_last_plus_the_update() -> None:
    optimizer, parameters = (
        ServerOptimizer(server_lr=0.8, momentum=0.5),
        {"w": floats([10.0, 20.0])},
    )
    weights, velocity = [10.0, 20.0], [0.0, 0.0]
    for update in UPDATES:
        parameters, optimizer = optimizer.step(parameters, {"w": update})
        for place in range(2):
            velocity[place] = 0.5 * velocity[place] + float(update[place])
            weights[place] += 0.8 * velocity[place]
        assert parameters["w"].tolist() == pytest.approx(weights)
        assert optimizer.velocity["w"].tolist() == pytest.approx(velocity)
    assert parameters["w"].dtype == np.float32


def test_first_step_goes_the_mean_update_and_no_further() -> None:
    parameters, _ = ServerOptimizer().step({"w": floats([1.0, 1.0])}, {"w": UPDATES[0]})
    assert parameters["w"].tolist() == [2.0, -1.0]


def test_step_changes_neither_parameters_nor_optimizer() -> None:
    optimizer, parameters = ServerOptimizer(), {"w": floats([1.0, 1.0])}
    optimizer.step(parameters, {"w": UPDATES[0]})
    assert (parameters["w"].tolist(), dict(optimizer.velocity)) == ([1.0, 1.0], {})


@pytest.mark.parametrize("name", ["fedadam", "fedyogi"])
def test_adaptive_steps_follow_their_paper(name: StrategyName) -> None:
    optimizer, parameters = server_optimizer(name), {"w": floats([10.0, 20.0])}
    weights, first, second = [10.0, 20.0], [0.0, 0.0], [1e-6, 1e-6]
    for update in UPDATES:
        parameters, optimizer = optimizer.step(parameters, {"w": update})
        for place in range(2):
            delta = float(update[place])
            first[place] = 0.9 * first[place] + 0.1 * delta
            if name == "fedadam":
                second[place] = 0.99 * second[place] + 0.01 * delta**2
            else:
                sign = 1.0 if second[place] - delta**2 > 0 else -1.0
                second[place] = second[place] - 0.01 * delta**2 * sign
            weights[place] += 0.01 * first[place] / (second[place] ** 0.5 + 1e-3)
        assert parameters["w"].tolist() == pytest.approx(weights, rel=1e-5)
        assert optimizer.second_moment["w"].tolist() == pytest.approx(second, rel=1e-4)
    for array in (parameters["w"], optimizer.second_moment["w"]):
        assert array.dtype == np.float32


def test_plain_averaging_has_no_memory() -> None:
    optimizer, parameters = server_optimizer("fedavg"), {"w": floats([1.0, 1.0])}
    for update in UPDATES:
        before = parameters["w"]
        parameters, optimizer = optimizer.step(parameters, {"w": update})
        assert parameters["w"].tolist() == (before + update).tolist()


def test_rate_that_is_given_is_taken() -> None:
    parameters, _ = server_optimizer("fedavg", 0.5).step({"w": floats([1.0, 1.0])}, {"w": UPDATES[0]})
    assert parameters["w"].tolist() == [1.5, 0.0]


@pytest.mark.parametrize("name", ["fedavgm", "fedadam", "fedyogi"])
def test_parameters_without_an_update_stay_as_they_are_with_their_moments(name: StrategyName) -> None:
    parameters = {"w": floats([1.0, 2.0]), "v": floats([3.0, 4.0])}
    parameters, before = server_optimizer(name).step(parameters, {"w": UPDATES[0], "v": UPDATES[1]})
    moved, after = before.step(parameters, {"w": UPDATES[2]})
    assert moved["v"].tobytes() == parameters["v"].tobytes()
    assert list(moved) == ["w", "v"]
    assert moved["w"].tolist() != parameters["w"].tolist()
    for moments_before, moments_after in (
        (before.velocity, after.velocity),
        (before.second_moment, after.second_moment),
    ):
        assert moments_before.keys() == moments_after.keys()
        if "v" in moments_before:
            assert moments_after["v"].tobytes() == moments_before["v"].tobytes()
