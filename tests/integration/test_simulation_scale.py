"""``python -m benchmarks.simulation_scale``: a few sites, from the start of a process to its figures."""

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from benchmarks.simulation_scale.__main__ import app, ratios
from benchmarks.simulation_scale.job import Job
from benchmarks.simulation_scale.measured import EngineError, measured

CONFIG = {
    "seed": 0,
    "parameters": {"secure": 1000, "plain": 10, "ray": 10},
    "moments": 5,
    "rounds": 2,
    "workers": {"secure": 2, "plain": 0, "ray": 0},
    "cpus": 2,
    "deadline_s": 120,
    "secure": [3],
    "plain": [3],
    "ray": [3],
}


def test_rounds_of_both_kinds_are_measured_and_ray_is_skipped_without_an_interpreter(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    ended = CliRunner().invoke(app, ["--json", str(tmp_path / "out.json"), "--config", str(tmp_path / "config.yaml")])
    assert ended.exit_code == 0, ended.output
    assert "ray: skipped; --ray-python PATH names an interpreter that has it" in ended.stderr
    result = json.loads((tmp_path / "out.json").read_text())
    assert result["ray"] == {}
    for engine in ("secure", "plain"):
        figures = result[engine]["3"]
        assert 0 < figures["round_s"] < figures["first_result_s"]
        assert 20 < figures["peak_shared_once_mb"] < figures["peak_mb"]


def test_ratios_are_of_the_numbers_that_both_engines_ran() -> None:
    plain = {"20": {"first_result_s": 2.0}, "1000": {"peak_mb": 1.0}}
    assert ratios(plain, {"20": {"first_result_s": 9.0}}) == {"first_result_ratio_20": 4.5}
    sizes = {"500": {"peak_mb": 100.0, "peak_shared_once_mb": 50.0}}
    larger = {"500": {"peak_mb": 300.0, "peak_shared_once_mb": 200.0}}
    assert ratios(sizes, larger) == {"memory_ratio_500": 3.0, "memory_shared_once_ratio_500": 4.0}


def job(deadline_s: float, num_clients: int = 3) -> Job:
    return Job(
        "plain", num_clients, 10, 0, num_rounds=2, num_workers=1, num_cpus=1, seed=0, deadline_s=deadline_s, folder=""
    )


def test_run_that_takes_too_long_is_ended() -> None:
    with pytest.raises(EngineError, match="plain, 3 clients: not done after 0 s"):
        measured("python3", job(0.0))


def test_interpreter_that_is_none_is_named() -> None:
    with pytest.raises(EngineError, match="nowhere/python: expected an interpreter, cannot be started: No such file"):
        measured("nowhere/python", job(60.0))


def test_run_without_its_rounds_is_an_error_that_says_what_it_said(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho no such engine here\nexit 3\n")
    python.chmod(0o700)
    with pytest.raises(EngineError, match="plain, 3 clients: ended with status 3: no such engine here"):
        measured(str(python), job(60.0))
