"""The ablation command: trains what differs, scores it, and goes on where it was."""

import json
from pathlib import Path

import pytest
import yaml
from click.testing import Result
from typer.testing import CliRunner

from benchmarks.ablation.__main__ import app
from simulation.errors import OutputError

RUNNER = CliRunner()
CONFIG = {
    "cameras": 1,
    "seeds": [0],
    "steps": 2,
    "variants": {"as it ships": {}, "blind": {"conditioning": "none", "heads": [], "strange_looks": False}},
}


def run(folder: Path, config: dict[str, object]) -> Result:
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    options = {"--json": "out.json", "--work": "work", "--config": "config.yaml"}
    return RUNNER.invoke(app, [part for name, file in options.items() for part in (name, str(folder / file))])


def test_every_variant_has_figures_and_a_second_run_trains_nothing(tmp_path: Path) -> None:
    first = run(tmp_path, CONFIG)
    assert first.exit_code == 0, first.output
    figures = json.loads((tmp_path / "out.json").read_text())["seeds"]["0"]["figures"]
    assert list(figures) == ["as it ships", "blind", "fp32", "model_zoo/default", "statistics"]
    assert all(0 < value < 1 for one in figures.values() for value in one.values())
    assert figures["as it ships"] != figures["blind"]
    models = {path: path.stat().st_mtime_ns for path in (tmp_path / "work").rglob("*.onnx")}
    assert len(models) == 2 * len(CONFIG["variants"])  # type: ignore[arg-type]  # int8 and float32
    again = run(tmp_path, CONFIG)
    assert again.output == first.output
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "work").rglob("*.onnx")} == models
    other = run(tmp_path, CONFIG | {"steps": 3})
    assert isinstance(other.exception, OutputError)
    assert "expected results of this configuration" in str(other.exception)


@pytest.mark.parametrize("text", ["", "[]", '{"config": 3}'])
def test_file_that_is_no_result_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "out.json").write_text(text)
    refused = run(tmp_path, CONFIG)
    assert isinstance(refused.exception, OutputError)
    assert "expected a result of this command" in str(refused.exception)


def test_rows_tell_mean_and_spread_and_how_they_differ_from_the_first_world_by_world(tmp_path: Path) -> None:
    def seed(first: float, second: float) -> dict[str, object]:
        return {"figures": {"one": {"appearance": first}, "other": {"appearance": second}}, "wall_s": 1.0}

    config = CONFIG | {"seeds": [0, 1]}
    result = {"config": config, "seeds": {"0": seed(0.7, 0.6), "1": seed(0.9, 0.6)}}
    (tmp_path / "out.json").write_text(json.dumps(result))
    assert [line.split() for line in run(tmp_path, config).output.splitlines()] == [
        ["appearance", "less", "first"],
        ["one", "80.0", "±", "10.0", "0.0", "±", "0.0"],
        ["other", "60.0", "±", "0.0", "-20.0", "±", "10.0"],
    ]
