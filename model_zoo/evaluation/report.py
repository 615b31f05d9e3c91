"""An evaluation as text for people and as plain values for a file."""

import dataclasses
from typing import Any

from model_zoo.evaluation.experiment import Evaluation
from model_zoo.evaluation.frame_figures import FRAME_FIGURES, SMOOTHINGS


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """All figures as plain values; AUC and shares as fractions, ``null`` where there are no labels."""
    figures = evaluation.figures or dict.fromkeys(FRAME_FIGURES)
    alarms, regions = evaluation.alarms, evaluation.regions
    return {
        **figures,
        "events": {
            "threshold": evaluation.trained.alarm_threshold,
            "recall": alarms.recall if alarms else None,
            "false_frames_per_1000": alarms.false_frames_per_1000 if alarms else None,
            "median_delay_frames": alarms.median_delay_frames if alarms else None,
            "clips_found": alarms.clips_found if alarms else None,
        },
        "rbdc": regions.rbdc if regions else None,
        "tbdc": regions.tbdc if regions else None,
        "tracks": dataclasses.asdict(evaluation.tracks) if evaluation.tracks else None,
        "caveats": dataclasses.asdict(evaluation.caveats),
        "pooled": {"micro": evaluation.pooled_micro},
        "fps_one_core": evaluation.fps,
        "stages_ms": evaluation.clock.ms_per_frame(),
        "frames": evaluation.clock.num_frames,
        "configuration": evaluation.settings.model_dump(mode="json"),
    }


def as_text(evaluation: Evaluation) -> str:
    """The figures as a table."""
    parts = (_frame_lines, _alarm_lines, _region_lines, _track_lines, _time_lines)
    lines = [line for part in parts for line in part(evaluation)]
    return "\n".join([*lines, *evaluation.caveats.sentences()])


def _frame_lines(evaluation: Evaluation) -> list[str]:
    figures = evaluation.figures
    if figures is None:
        return ["no frame figures: the test clips hold no labels of both classes"]
    lines = [f"{'frame AUC, % [95 %]':<22}{'micro':>20}{'macro':>20}{'average precision':>22}"]
    for name, note in zip(SMOOTHINGS, ("raw", "causal (EMA)", "smoothed (Gaussian)"), strict=True):
        micro, macro, precision = (
            _with_interval(figures[measure][name], figures[interval][name])
            for measure, interval in (
                ("micro", "ci95"),
                ("macro", "ci95_macro"),
                ("average_precision", "ci95_average_precision"),
            )
        )
        lines.append(f"{note:<22}{micro:>20}{macro:>20}{precision:>22}")
    if evaluation.pooled_micro is not None:
        pooled = ", ".join(_percent(evaluation.pooled_micro[name]) for name in SMOOTHINGS)
        lines.append(f"{evaluation.settings.num_sites} sites above; all clips pooled: {pooled}")
    return lines


def _alarm_lines(evaluation: Evaluation) -> list[str]:
    threshold = f"{evaluation.trained.alarm_threshold:.6f}"
    budget = f"{evaluation.settings.alarms_per_1000:g} training frames in 1000"
    alarms = evaluation.alarms
    if alarms is None:
        return [f"alarm threshold {threshold} on the EMA ({budget})"]
    found = []
    if alarms.recall is not None:
        delay = "none found" if alarms.median_delay_frames is None else f"{alarms.median_delay_frames:g} frames"
        found += [f"recall {alarms.recall:.3f}, median delay {delay}, {alarms.clips_found} clips found"]
    if alarms.false_frames_per_1000 is not None:
        found += [f"{alarms.false_frames_per_1000:.1f} false in 1000 normal frames"]
    return [f"alarms on the EMA above {threshold} ({budget}): {', '.join(found)}"]


def _region_lines(evaluation: Evaluation) -> list[str]:
    regions = evaluation.regions
    return [f"RBDC {_percent(regions.rbdc)}, TBDC {_percent(regions.tbdc)}"] if regions else []


def _track_lines(evaluation: Evaluation) -> list[str]:
    tracks = evaluation.tracks
    if tracks is None:
        return []
    found = f"recall {_percent(tracks.recall)}, precision {_percent(tracks.precision)} of {tracks.num_boxes} true boxes"
    return [
        f"tracks: MOTA {_percent(tracks.mota)}, IDF1 {_percent(tracks.idf1)}, {found}, {tracks.num_switches} switches"
    ]


def _time_lines(evaluation: Evaluation) -> list[str]:
    stages = ", ".join(f"{name} {ms:.2f}" for name, ms in evaluation.clock.ms_per_frame().items())
    return [
        f"{evaluation.fps:.1f} frames/s on one core over {evaluation.clock.num_frames} frames; ms a frame: {stages}"
    ]


def _with_interval(share: float | None, interval: list[float] | None) -> str:
    if interval is None:
        return _percent(share)
    return f"{_percent(share)} [{', '.join(_percent(bound) for bound in interval)}]"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f}"
