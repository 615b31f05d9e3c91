"""The server's step, against the formula of its paper."""

import numpy as np
import numpy.typing as npt
import pytest

from fl_server.rounds.server_optimizer import ServerOptimizer


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
