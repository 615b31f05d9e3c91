"""One run from footage to report, stage by stage.

Everything is made in a folder beside the result folder and moved there at the end: a run that fails or is stopped
leaves an earlier result as it was.
"""

import contextlib
import dataclasses
import functools
import hashlib
import json
import logging
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from rich.console import Console

from fl_protocol.messages import ClosedRound
from fl_server.starting_state import CHECKPOINT_FILE
from fl_server.storage import open_storage
from fl_server.storage.rounds import list_rounds
from fl_server.training_run import FP32_FILE, INT8_FILE
from model_zoo.backbones.parts import WHOLE_NETWORK, PartChoice
from simulation import metrics
from simulation.coordinator_process import running_coordinator
from simulation.errors import OutputError
from simulation.federation import FederationSettings, Initial, enrol_all, local_grid, run_federation
from simulation.footage import Clip, Fleet, real_fleet, synthetic_fleet
from simulation.local_grid import LocalGrid
from simulation.memory_watch import MemoryWatch
from simulation.operator_feedback import FeedbackCounts, collect_feedback
from simulation.pooled_training import PooledSettings, train_pooled
from simulation.progress import Stages
from simulation.report.page import write_report
from simulation.report_content import report_content
from simulation.site_pool import site_pool
from simulation.site_preparation import PreparedSite, prepare_site
from simulation.site_scoring import CHANNELS, ScoredClip, Variant, score_clips

logger = logging.getLogger(__name__)

METRICS_FILE, REPORT_FILE, SCORES_FILE = "metrics.json", "report.html", "scores.npz"
METRICS_SCHEMA_VERSION = 1
_Result = TypeVar("_Result")


@dataclasses.dataclass(frozen=True)
class Settings:
    """What a run was asked to do."""

    num_clients: int
    num_rounds: int
    num_steps: int
    footage: Path | None
    seed: int
    has_baselines: bool
    num_workers: int
    initial: Initial
    """Baselines always start from nothing."""
    is_secure: bool
    """Whether updates are masked, those of baselines too."""
    out: Path
    parts: PartChoice = WHOLE_NETWORK
    """What the federation trains, and what of it stays at the sites; baselines train and share everything."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """Everything a run measured, before it is written down."""

    settings: Settings
    fleet: Fleet
    rounds: tuple[ClosedRound, ...]
    """Oldest first; the last is the one trained on feedback, where there was any."""
    test: list[ScoredClip]
    feedback: FeedbackCounts | None
    held_out: list[ScoredClip]
    model_digest: str
    prepared: list[PreparedSite]


class _Experiment:
    """The folders, workers and stages of one run."""

    def __init__(self, settings: Settings, fleet: Fleet, work_dir: Path, stages: Stages) -> None:
        self.settings, self.fleet, self.stages = settings, fleet, stages
        self.work_dir = work_dir
        self.coordinator_dir = work_dir / "coordinator"
        self.site_dirs = [work_dir / "sites" / f"{index:04d}" for index in range(len(fleet.sites))]
        self._open = contextlib.ExitStack()

    @functools.cached_property
    def pool(self) -> ProcessPoolExecutor:
        """Workers that watch and score."""
        return self._open.enter_context(site_pool(self.settings.num_workers))

    @functools.cached_property
    def grid(self) -> LocalGrid:
        """Workers that train; started once, for torch takes seconds to load."""
        return self._open.enter_context(local_grid(self.site_dirs, self.settings.num_workers))

    def close(self) -> None:
        """Ends all workers."""
        self._open.close()

    def each_site(self, title: str, work: Callable[..., _Result], *arguments: Sequence[Any]) -> list[_Result]:
        """Runs ``work(footage, *arguments of that site)`` for every site in the workers; results in site order."""
        with self.stages.stage(title, len(self.fleet.sites)) as stage:
            futures: list[Future[_Result]] = []
            for footage, *rest in zip(self.fleet.sites, *arguments, strict=True):
                future = self.pool.submit(work, footage, *rest)
                future.add_done_callback(lambda _: stage.step())
                futures.append(future)
            return [future.result() for future in futures]

    def train(self, title: str, coordinator_dir: Path, num_rounds: int, *, is_conditioned: bool = True) -> None:
        """Runs rounds over all sites; a training state in ``coordinator_dir`` is continued."""
        initial = self.settings.initial if is_conditioned else "random"
        settings = FederationSettings(
            num_rounds,
            self.settings.num_steps,
            self.settings.seed,
            initial,
            self.settings.is_secure,
            is_conditioned,
            parts=self.settings.parts if is_conditioned else WHOLE_NETWORK,
        )
        with self.stages.stage(title, num_rounds) as stage, _on_round(stage.step):
            run_federation(self.grid, coordinator_dir, self.work_dir / "roster", settings)

    def score(
        self, title: str, clips: Sequence[tuple[Clip, ...]], variants: tuple[Variant, ...]
    ) -> list[list[ScoredClip]]:
        """Scores some clips of every site by all variants."""
        return self.each_site(title, score_clips, clips, self.site_dirs, [variants] * len(self.site_dirs))


def run_experiment(settings: Settings) -> str:
    """Does a whole run.

    Returns:
        A line that says where the report is.

    Raises:
        SimulationError: The footage or the result folder cannot be used.
    """
    fleet = _fleet(settings)
    began = time.monotonic()
    stages = Stages(Console(stderr=True))
    with _work_dir(settings.out) as work_dir, MemoryWatch() as memory, stages.shown():
        experiment = _Experiment(settings, fleet, work_dir, stages)
        try:
            outcome = _run_stages(experiment)
        finally:
            experiment.close()
        figures = _figures(outcome, time.monotonic() - began, memory.peak_mb)
        _write_results(experiment, outcome, figures)
    return f"report: {settings.out / REPORT_FILE}\nmetrics: {settings.out / METRICS_FILE}"


def _fleet(settings: Settings) -> Fleet:
    if settings.footage is None:
        return synthetic_fleet(settings.num_clients, settings.seed)
    return real_fleet(settings.footage, settings.num_clients)


def _run_stages(experiment: _Experiment) -> Outcome:
    settings, fleet = experiment.settings, experiment.fleet
    prepared = experiment.each_site("watching training footage", prepare_site, experiment.site_dirs)
    enrol_all(experiment.site_dirs, experiment.work_dir / "roster")
    experiment.train("training together", experiment.coordinator_dir, settings.num_rounds)
    _kept(experiment, CHECKPOINT_FILE)
    variants = [
        Variant("int8", _kept(experiment, INT8_FILE)),
        Variant("fp32", _kept(experiment, FP32_FILE)),
        *(_baselines(experiment) if settings.has_baselines else ()),
    ]
    digest = hashlib.sha256(variants[0].model_path.read_bytes()).hexdigest()
    test = metrics.flattened(
        experiment.score("testing the int8 model", [site.testing for site in fleet.sites], tuple(variants))
    )
    feedback, held_out = _feedback_loop(experiment, variants[0], digest)
    storage = open_storage(None, experiment.coordinator_dir)
    rounds = tuple(reversed(list_rounds(storage, 1000)))
    storage.close()
    return Outcome(settings, fleet, rounds, test, feedback, held_out, digest, prepared)


def _baselines(experiment: _Experiment) -> tuple[Variant, Variant]:
    """Trains the blind model and the pooled one, with the steps and seed of the federated one."""
    settings = experiment.settings
    blind_dir = experiment.work_dir / "blind"
    experiment.train("baseline: blind to context", blind_dir, settings.num_rounds, is_conditioned=False)
    pooled = experiment.work_dir / "pooled.onnx"
    with experiment.stages.stage("baseline: no federation", 1) as stage:
        num_steps = settings.num_rounds * settings.num_steps * settings.num_clients
        experiment.pool.submit(
            train_pooled, experiment.site_dirs, PooledSettings(num_steps, settings.seed), pooled
        ).result()
        stage.step()
    return Variant("blind", blind_dir / INT8_FILE, is_conditioned=False), Variant("pooled", pooled)


def _feedback_loop(
    experiment: _Experiment, int8: Variant, digest: str
) -> tuple[FeedbackCounts | None, list[ScoredClip]]:
    """Alerts, the operator's word, one more round, and what that changed on held-out footage."""
    sites = experiment.fleet.sites
    if not any(site.feedback for site in sites):
        return None, []
    raised = experiment.score("raising alerts for the operator", [site.feedback for site in sites], (int8,))
    with (
        experiment.stages.stage("the operator judges the alerts", len(sites)) as stage,
        running_coordinator(experiment.coordinator_dir, experiment.work_dir / "coordinator.log") as address,
    ):
        counts = []
        for footage, clips, state_dir in zip(sites, raised, experiment.site_dirs, strict=True):
            counts.append(collect_feedback(address, footage, clips, state_dir, digest))
            stage.step(f"{sum(one.num_alerts for one in counts)} alerts")
    experiment.train("training on the feedback", experiment.coordinator_dir, 1)
    variants = (
        Variant("after", experiment.coordinator_dir / INT8_FILE),
        dataclasses.replace(int8, name="before", uses_labels=False),
    )
    held_out = experiment.score("testing on held-out footage", [site.held_out for site in sites], variants)
    return _sum_of(counts), metrics.flattened(held_out)


def _sum_of(counts: Sequence[FeedbackCounts]) -> FeedbackCounts:
    return FeedbackCounts(*(sum(column) for column in zip(*(dataclasses.astuple(one) for one in counts), strict=True)))


def _kept(experiment: _Experiment, name: str) -> Path:
    """A copy of a published file that later rounds do not replace."""
    target = experiment.work_dir / name
    shutil.copyfile(experiment.coordinator_dir / name, target)
    return target


def _figures(outcome: Outcome, wall_s: float, peak_rss_mb: float) -> dict[str, Any]:
    """The content of ``metrics.json``; every key is described in ``docs/metrics.md``."""
    settings, fleet = outcome.settings, outcome.fleet
    num_clients = settings.num_clients
    test: dict[str, Any] = {
        "int8": metrics.channel_aucs(outcome.test, "int8") if outcome.test else dict.fromkeys(CHANNELS),
        "fp32": {"fused": metrics.frame_auc(outcome.test, "fp32", "fused") if outcome.test else None},
    }
    figures: dict[str, Any] = {
        "schema_version": METRICS_SCHEMA_VERSION,
        "clients": num_clients,
        "rounds": settings.num_rounds,
        "seed": settings.seed,
        "initial": settings.initial,
        "trained_parts": settings.parts.trained_name,
        "personal_parts": settings.parts.personal_name,
        "footage": fleet.title,
        "model_digest": outcome.model_digest,
        "is_masked": settings.is_secure,
        "wall_s": round(wall_s, 2),
        "peak_rss_mb": round(peak_rss_mb, 1),
        "training": {
            "frames": sum(one.num_frames for one in outcome.prepared),
            "tubelets": sum(one.num_tubelets for one in outcome.prepared),
            "loss": [one.loss for one in outcome.rounds],
            "held_out_auc": [one.auc for one in outcome.rounds],
        },
        "bytes": {"up_per_client_round": _bytes_per_site(outcome.rounds)},
        "test": test,
        "feedback": _feedback_figures(outcome),
        "notes": list(_notes(outcome)),
    }
    if settings.has_baselines:
        test["pooled"] = {"fused": metrics.frame_auc(outcome.test, "pooled", "fused")}
        test["blind"] = metrics.channel_aucs(outcome.test, "blind")
        figures["context"] = _context_figures(outcome)
    return figures


def _bytes_per_site(rounds: Sequence[ClosedRound]) -> float:
    """What a site sent in a round, in the mean over all of them."""
    return sum(one.bytes_up for one in rounds) / sum(one.num_sites for one in rounds)


def _feedback_figures(outcome: Outcome) -> dict[str, int | None]:
    names = ("false_alarms", "anomalies_found", "anomalies")
    figures: dict[str, int | None] = {}
    for variant in ("before", "after"):
        counts = metrics.alert_counts(outcome.held_out, variant) if outcome.feedback else (None, None, None)
        figures |= {f"{name}_{variant}": count for name, count in zip(names[:2], counts[:2], strict=True)}
        figures["anomalies"] = counts[2]
    said = dataclasses.asdict(outcome.feedback) if outcome.feedback else {}
    return figures | {f"operator_{name.removeprefix('num_')}": count for name, count in said.items()}


def _context_figures(outcome: Outcome) -> dict[str, float | None]:
    """AUC of the conditioned minus the retrained blind model where context decides."""
    figures: dict[str, float | None] = {}
    for key, channel in (("gain", "fused"), ("gain_network", "network"), ("gain_statistics", "statistics")):
        conditioned, blind = (
            metrics.context_auc(outcome.test, variant, channel, outcome.fleet.context_dependent_kinds)
            for variant in ("int8", "blind")
        )
        figures |= {key: metrics.difference(conditioned, blind)}
        figures |= {f"conditioned_{channel}": conditioned, f"blind_{channel}": blind}
    return figures


def _notes(outcome: Outcome) -> Iterator[str]:
    if not outcome.settings.is_secure:
        yield "Updates were not masked: whoever runs the coordinator can read each site's."
    if outcome.settings.parts.personal and outcome.feedback is not None:
        yield "What is the sites' own had learned from the feedback, too, when the model before it was tested again."
    if outcome.settings.initial == "default":
        yield "Rounds went on from the model that ships; with --initial random they start from nothing."
    yield from outcome.fleet.notes
    if outcome.feedback is None:
        yield "No feedback was simulated: without labels there is no operator who knows the truth."


def _write_results(experiment: _Experiment, outcome: Outcome, figures: dict[str, Any]) -> None:
    result_dir = experiment.work_dir / "results"
    result_dir.mkdir()
    (result_dir / METRICS_FILE).write_text(json.dumps(figures, indent=2, allow_nan=False) + "\n")
    write_report(report_content(outcome, figures), result_dir / REPORT_FILE)
    for name in (INT8_FILE, FP32_FILE, CHECKPOINT_FILE):
        shutil.copyfile(experiment.work_dir / name, result_dir / name)
    if experiment.settings.footage is not None and outcome.test:
        scores = {clip.name: clip.by_variant["int8"].by_channel["fused"] for clip in outcome.test}
        np.savez(result_dir / SCORES_FILE, allow_pickle=False, **scores)
    out = experiment.settings.out
    for path in result_dir.iterdir():
        path.replace(out / path.name)


@contextmanager
def _work_dir(out: Path) -> Iterator[Path]:
    """A folder beside the results' files, removed in the end."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        work_dir = Path(tempfile.mkdtemp(prefix=".running-", dir=out))
    except OSError as error:
        raise OutputError(f"{out}: cannot write results there: {error.strerror}") from error
    try:
        yield work_dir
    finally:
        shutil.rmtree(work_dir, ignore_errors=True)


@contextmanager
def _on_round(step: Callable[[str], None]) -> Iterator[None]:
    """Follows the ServerApp's own log for closed rounds."""

    class Follower(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage() == "round closed":
                step(f"loss {record.__dict__['loss']:.3f}")

    source, follower = logging.getLogger("fl_server.training_run"), Follower()
    level = source.level
    source.setLevel(logging.INFO)
    source.addHandler(follower)
    try:
        yield
    finally:
        source.removeHandler(follower)
        source.setLevel(level)
