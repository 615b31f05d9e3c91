"""What the report of a run shows."""

import platform
from collections.abc import Iterator
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from context.severity import severity_word
from model_zoo.evaluation.frame_auc import ema
from simulation.report.content import (
    Headlines,
    Interval,
    ReportContent,
    Roc,
    Role,
    RoundPoint,
    Sample,
    SampleBox,
    Timeline,
)
from simulation.site_scoring import ScoredClip

if TYPE_CHECKING:
    from simulation.experiment import Outcome

NUM_SAMPLES = 8
ALERT_SEVERITY = 0.5


def report_content(outcome: "Outcome", figures: dict[str, Any]) -> ReportContent:
    """Arranges a run's outcome for its report.

    Args:
        outcome: What was measured.
        figures: The content of ``metrics.json``.
    """
    test, feedback = figures["test"], figures["feedback"]
    clips = sorted(outcome.test, key=_interest, reverse=True)
    return ReportContent(
        title=f"EdgeGuard: {figures['clients']} cameras learn together",
        summary=(
            f"{figures['clients']} emulated sites trained one model on {outcome.fleet.title} in {figures['rounds']} "
            "rounds without sharing footage; the int8 model was then tested on footage it had never seen."
        ),
        facts=_facts(figures),
        headlines=Headlines(
            int8_fused_auc=test["int8"]["fused"],
            int8_network_auc=test["int8"]["network"],
            int8_statistics_auc=test["int8"]["statistics"],
            fp32_fused_auc=test["fp32"]["fused"],
            context_gain=figures.get("context", {}).get("gain"),
            false_alarms=_before_and_after(feedback, "false_alarms"),
            anomalies_found=_before_and_after(feedback, "anomalies_found"),
        ),
        notes=tuple(figures["notes"]),
        rounds=tuple(RoundPoint(one.round_number, one.loss, one.auc, one.bytes_up) for one in outcome.rounds),
        timelines=tuple(_timeline(clip) for clip in clips),
        rocs=tuple(_rocs(outcome.test)),
        samples=tuple(_samples(clips)),
    )


def _before_and_after(feedback: dict[str, int | None], name: str) -> tuple[int, int] | None:
    before, after = feedback[f"{name}_before"], feedback[f"{name}_after"]
    return None if before is None or after is None else (before, after)


def _facts(figures: dict[str, Any]) -> dict[str, str]:
    up_kb = figures["bytes"]["up_per_client_round"] / 1e3
    return {
        "Clients": str(figures["clients"]),
        "Rounds": str(figures["rounds"]),
        "Seed": str(figures["seed"]),
        "Trained, and kept at the sites": f"{figures['trained_parts']}, {figures['personal_parts']}",
        "Footage": figures["footage"],
        "Wall time": f"{figures['wall_s']:.0f} s",
        "Peak memory, all processes": f"{figures['peak_rss_mb'] / 1000:.2f} GB",
        "Sent by a client in a round": f"{up_kb:.0f} kB",
        "Training frames, tubelets": f"{figures['training']['frames']}, {figures['training']['tubelets']}",
        "Model (SHA-256)": figures["model_digest"],
        "Versions": ", ".join(f"{name} {version(name)}" for name in ("edgeguard", "flwr", "torch", "onnxruntime")),
        "Machine": f"{platform.machine()}, Python {platform.python_version()}",
    }


def _interest(clip: ScoredClip) -> tuple[bool, float]:
    """Clips with an anomaly first, those with the highest scores before others."""
    has_anomaly = bool(clip.labels is not None and clip.labels.any())
    return has_anomaly, float(clip.by_variant["int8"].by_channel["fused"].max(initial=0.0))


def _timeline(clip: ScoredClip) -> Timeline:
    kinds = tuple(Interval(one.first_frame, one.last_frame, one.kind or "anomaly") for one in clip.intervals)
    return Timeline(
        title=f"{clip.site}, {clip.name}, {clip.states[0].replace('_', ' ')}",
        fps=clip.fps,
        scores=clip.by_variant["int8"].severity,
        truth=None if clip.labels is None else clip.labels.astype(np.bool_),
        kinds=kinds,
        alert_threshold=ALERT_SEVERITY,
    )


def _rocs(clips: list[ScoredClip]) -> Iterator[Roc]:
    """One curve for all frames and one for each operational state."""
    labelled = [(clip, clip.labels) for clip in clips if clip.labels is not None]
    if not labelled:
        return
    scores = np.concatenate([ema(clip.by_variant["int8"].by_channel["fused"]) for clip, _ in labelled])
    labels = np.concatenate([one for _, one in labelled]).astype(np.bool_)
    states = np.array([state for clip, _ in labelled for state in clip.states])
    yield Roc("all", labels, scores)
    for state in sorted(set(states.tolist())):
        yield Roc(state, labels[states == state], scores[states == state])


def _samples(clips: list[ScoredClip]) -> Iterator[Sample]:
    """The most unusual frame of the most interesting clip of each site."""
    first_of_site = {clip.site: clip for clip in reversed(clips)}
    for clip in sorted(first_of_site.values(), key=_interest, reverse=True)[:NUM_SAMPLES]:
        picture = clip.by_variant["int8"].picture
        if picture is None:
            continue
        truth = [
            SampleBox(_corners(one.boxes[picture.frame_index - one.first_frame]), one.kind, Role.TRUTH)
            for one in clip.intervals
            if len(one.boxes) and one.first_frame <= picture.frame_index <= one.last_frame
        ]
        found = [
            SampleBox(
                _corners(np.clip(one.box, 0.0, 1.0)),
                severity_word(one.severity).value if one.severity >= ALERT_SEVERITY else "",
                Role.ALARM if one.severity >= ALERT_SEVERITY else Role.NORMAL,
            )
            for one in picture.scored.objects
        ]
        caption = f"{clip.site}, {clip.name}, {picture.scored.operational_state}, frame {picture.frame_index}"
        yield Sample(picture.image, (*found, *truth), caption)


def _corners(box: "np.ndarray[Any, np.dtype[np.float32]]") -> tuple[float, float, float, float]:
    left, top, right, bottom = (float(side) for side in box)
    return left, top, right, bottom
