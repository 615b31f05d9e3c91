"""Robust rules over a fleet in which one site sends an update that would bend any mean."""

import dataclasses
import typing

import numpy as np
import pydantic
import pytest

from fl_server.errors import RoundError
from fl_server.robust_update import RobustName
from fl_server.rounds.checkpoint import TrainingState
from fl_server.rounds.server_optimizer import server_optimizer
from fl_server.run_options import RunOptions
from fl_server.strategy import RoundSettings, run_round
from tests.fakes.site_fleet import Contribution, SiteFleet, answering

PARAMETERS = {"weight": np.zeros((2, 3), dtype=np.float32)}
STATE = TrainingState(PARAMETERS, np.zeros(2), server_optimizer("fedavg"), 0)
SETTINGS = RoundSettings(seed=0, num_steps=1, is_conditioned=True, min_sites=1, deadline_s=60.0, num_malicious=1)
RULES = [rule for rule in typing.get_args(RobustName) if rule != "none"]


def fleet(num_honest: int) -> SiteFleet:
    """Honest sites about 1; one site that sends a thousand."""
    values = [1.0 + 0.01 * number for number in range(num_honest)] + [1000.0]
    contributions = [
        Contribution({"weight": np.full((2, 3), value, dtype=np.float32)}, np.ones(2), num_examples=10)
        for value in values
    ]
    return SiteFleet({101 + index: answering(one) for index, one in enumerate(contributions)})


@pytest.mark.parametrize("rule", RULES)
def test_one_bad_site_does_not_bend_the_update(rule: RobustName) -> None:
    grid = fleet(7)
    state, report = run_round(grid, sorted(grid.answers), STATE, dataclasses.replace(SETTINGS, robust=rule))
    assert report.num_survivors == 8
    assert np.abs(state.parameters["weight"] - 1.03).max() < 0.05
    assert state.parameters["weight"].dtype == np.float32
    assert state.normality.tolist() == [8.0, 8.0]


def test_plain_mean_is_bent() -> None:
    grid = fleet(7)
    state, _ = run_round(grid, sorted(grid.answers), STATE, SETTINGS)
    assert state.parameters["weight"].min() > 100.0


@pytest.mark.parametrize(("rule", "needed"), [("krum", 5), ("multikrum", 5), ("bulyan", 7), ("median", 3)])
def test_too_few_updates_for_the_rule_fail_the_round(rule: RobustName, needed: int) -> None:
    grid = fleet(needed - 2)
    with pytest.raises(RoundError, match=f"{rule}: expected at least {needed} updates against 1 bad ones"):
        run_round(grid, sorted(grid.answers), STATE, dataclasses.replace(SETTINGS, robust=rule))


def test_robust_rule_with_masks_is_refused() -> None:
    with pytest.raises(pydantic.ValidationError, match="robust: krum looks at single updates, which a roster masks"):
        RunOptions.model_validate({"robust": "krum", "roster": "roster.json", "operator-key": "operator.pub"})
    assert RunOptions.model_validate({"robust": "krum", "roster": "", "operator-key": ""}).roster is None
