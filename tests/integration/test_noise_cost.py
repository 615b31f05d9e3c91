"""``python -m benchmarks.noise_cost``: more sites and a larger epsilon make the mean better, as they must."""

import json
from pathlib import Path

import yaml
from typer.testing import CliRunner

from benchmarks.noise_cost.__main__ import app

CONFIG = {"seed": 0, "delta": 1e-5, "rounds": 2, "parameters": 1000, "epsilons": [1.0, 8.0], "fleets": [5, 20]}


def test_means_of_noised_updates_are_measured(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    ended = CliRunner().invoke(app, ["--json", str(tmp_path / "out.json"), "--config", str(tmp_path / "config.yaml")])
    assert ended.exit_code == 0, ended.output
    mean = json.loads((tmp_path / "out.json").read_text())["mean"]
    error = {name: figures["error"] for name, figures in mean.items()}
    assert error["20 sites, epsilon 8"] < error["20 sites, epsilon 1"] < error["5 sites, epsilon 1"]
    assert error["20 sites, epsilon 8"] < error["5 sites, epsilon 8"]
