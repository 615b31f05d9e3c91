"""``python -m benchmarks.network_speed``: the figures it writes are of the file that ships."""

import json
import subprocess
import sys
from pathlib import Path

from model_zoo.default import DEFAULT_MODEL

ROOT = Path(__file__).parents[2]


def test_both_models_are_timed_and_the_file_that_ships_is_less_than_a_third_of_the_other(tmp_path: Path) -> None:
    out = tmp_path / "speed.json"
    command = [sys.executable, "-m", "benchmarks.network_speed", "--json", str(out), "--repeats", "10", "--crops", "3"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    figures = json.loads(out.read_text())
    assert figures["bytes"]["int8"] == DEFAULT_MODEL.stat().st_size < 0.3 * figures["bytes"]["fp32"]
    ms = figures["ms"]
    assert all(0 < ms[name]["least"] <= ms[name]["median"] for name in ("int8", "fp32"))
    assert figures["int8_over_fp32"] == ms["int8"]["median"] / ms["fp32"]["median"]
    assert f"int8 takes {figures['int8_over_fp32']:.2f} of the time" in done.stdout
