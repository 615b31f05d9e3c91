"""Robust rules over a fleet in which one site sends an update that would bend any mean."""

import dataclasses
import typing

import numpy as np
import pydantic
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

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
    plain = {"robust": "krum", "num-malicious": 1, "roster": "", "operator-key": ""}
    assert RunOptions.model_validate(plain).roster is None


@pytest.mark.parametrize("rule", RULES)
def test_rule_against_no_bad_site_is_refused_where_it_needs_their_number(rule: RobustName) -> None:
    if rule == "median":
        assert RunOptions.model_validate({"robust": rule}).num_malicious == 0
        return
    with pytest.raises(pydantic.ValidationError, match=f"num-malicious: expected 1 or more with {rule}"):
        RunOptions.model_validate({"robust": rule})


@given(num_bad=st.integers(1, 9), num_more=st.integers(0, 60))
@settings(max_examples=60, deadline=None)
@example(num_bad=1, num_more=46)  # 1 / 49 * 49 is less than 1
def test_trimmed_mean_leaves_out_as_many_bad_ones_as_it_is_told(num_bad: int, num_more: int) -> None:
    honest = [1.0] * (num_bad + 1 + num_more)
    contributions = [
        Contribution({"weight": np.full((2, 3), value, dtype=np.float32)}, np.ones(2), num_examples=10)
        for value in [*honest, *[1000.0] * num_bad]
    ]
    grid = SiteFleet({101 + index: answering(one) for index, one in enumerate(contributions)})
    told = dataclasses.replace(SETTINGS, robust="trimmed-mean", num_malicious=num_bad)
    state, _ = run_round(grid, sorted(grid.answers), STATE, told)
    assert np.abs(state.parameters["weight"] - 1.0).max() < 1e-6
