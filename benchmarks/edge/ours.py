"""A box with many cameras: the client as users run it, on films at their pace."""

import dataclasses
import datetime as dt
import json
import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any, Literal

from benchmarks.edge.films import LEAD_S, Film
from benchmarks.edge.measured import Measured, measured
from benchmarks.edge.trial import Trial
from model_zoo.perception.tubelet import ANALYSIS_FPS

START = dt.datetime(2026, 3, 2, 10, tzinfo=dt.UTC)
LEARN_FOR_S = 45.0
Alarm = Literal["rule", "anomaly"]
_WHOLE = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]
_RULE = {"name": "anybody", "deed": "enter", "zones": ["all"], "severity": "high"}


@dataclasses.dataclass(frozen=True)
class Boxes:
    """Films that boxes have learned the quiet scene of.

    Attributes:
        films: The films.
        learned: Folder with what was learned of each, by number.
        cores: Cores that a trial may use.
    """

    films: list[Film]
    learned: Path
    cores: int

    def trial(self, num_cameras: int, alarm: Alarm = "rule") -> Trial:
        """Runs a box for the length of its films.

        Args:
            num_cameras: Cameras; those beyond the number of films show one of them once more.
            alarm: What raises alerts: a zone rule, or what is unusual to a model that has seen nobody.
        """
        with tempfile.TemporaryDirectory() as folder:
            state = Path(folder) / "state"
            for number in range(num_cameras):
                shutil.copytree(self.learned / str(number % len(self.films)), state / "cameras" / f"c{number}")
            site_file = _site_file(Path(folder), [self._film(number).path for number in range(num_cameras)], alarm)
            threshold = "1.0" if alarm == "rule" else "0.5"
            command = [*_client(site_file, state), "--alert-threshold", threshold]
            length_s = self.films[0].length_s
            run = measured(command, self.cores, LEAD_S, length_s, _environment())
            if run.status != 0:
                raise RuntimeError(f"{num_cameras} cameras: exit status {run.status}: {run.log[-2000:]}")
            alerts = [json.loads(path.read_text()) for path in (state / "alerts").glob("*.json")]
        return self._judged(num_cameras, run, alerts)

    def _film(self, number: int) -> Film:
        return self.films[number % len(self.films)]

    def _judged(self, num_cameras: int, run: Measured, alerts: list[dict[str, Any]]) -> Trial:
        summary, lines = json.loads(run.output), [json.loads(line) for line in run.log.splitlines()]
        rates = [line["frames_per_s"] for line in lines if "frames_per_s" in line]
        waited_s = {line["alert_id"]: line["since_first_frame_s"] for line in lines if "since_first_frame_s" in line}
        begun = {(one["camera"], _seconds(one["started_utc"])) for one in alerts}
        waits = [
            waited_s[one["alert_id"]] + _seconds(one["started_utc"]) - self._film(int(one["camera"][1:])).moving_s[0]
            for one in alerts
            if one["alert_id"] in waited_s
        ]
        found = 0
        for number in range(num_cameras):
            began_s, ended_s = self._film(number).moving_s
            found += any(camera == f"c{number}" and began_s <= time_s <= ended_s for camera, time_s in begun)
        chosen = summary["analysed"] + summary["dropped"]
        return Trial(
            num_cameras=num_cameras,
            dropped_share=summary["dropped"] / chosen,
            late_s=0.0,  # what waits is bounded: a backlog cannot grow, frames are dropped or fewer asked for
            least_fps=min([ANALYSIS_FPS, *rates]),
            recall=found / num_cameras,
            alert_p95_s=statistics.quantiles(waits, n=20)[-1] if len(waits) > 1 else None,
            cores=run.cores,
            memory_mb=run.memory_mb,
        )


def learn(films: list[Film], folder: Path, cores: int) -> Boxes:
    """Has a box learn the quiet scene of every film, at full speed."""
    learned = folder / "learned"
    for number, film in enumerate(films):
        if (learned / str(number)).exists():
            continue
        with tempfile.TemporaryDirectory() as temporary:
            state = Path(temporary) / "state"
            command = [*_client(_site_file(Path(temporary), [film.quiet_path], "anomaly"), state), "--fast"]
            run = measured(command, cores, 0.0, 1.0, _environment())
            if run.status != 0:
                raise RuntimeError(f"{film.quiet_path}: exit status {run.status}: {run.log[-2000:]}")
            shutil.copytree(state / "cameras" / "c0", learned / str(number))
    return Boxes(films, learned, cores)


def _seconds(instant_utc: str) -> float:
    return (dt.datetime.fromisoformat(instant_utc) - START).total_seconds()


def _client(site_file: Path, state: Path) -> list[str]:
    options = ["--site", "store42", "--config", str(site_file), "--state", str(state), "--learn-for", str(LEARN_FOR_S)]
    return [sys.executable, "-m", "fl_client", *options, "--start", START.isoformat()]


def _site_file(folder: Path, films: list[Path], alarm: Alarm) -> Path:
    zone = {"name": "all", "kind": "other", "polygon": _WHOLE}
    cameras = [
        {"name": f"c{number}", "source": {"address": str(path.resolve())}, "zones": [zone]}
        for number, path in enumerate(films)
    ]
    site: dict[str, Any] = {"name": "store42", "cameras": cameras, "rules": [_RULE] if alarm == "rule" else []}
    path = folder / "site.yaml"
    path.write_text(json.dumps(site))
    return path


def _environment() -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1"}
