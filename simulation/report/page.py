"""Writes a report: one HTML file that opens from disk and loads nothing."""

from pathlib import Path

import jinja2

from fl_runtime.atomic_file import write_atomically
from simulation.report.content import Headlines, ReportContent
from simulation.report.figures import NUM_COLOURS, roc_chart, roc_curve, timeline_chart, training_charts
from simulation.report.picture import picture_of

NUM_OPEN_TIMELINES = 12


def write_report(content: ReportContent, path: Path) -> None:
    """Writes ``content`` as one self-contained HTML file; the file is there whole or not at all.

    The first ``NUM_OPEN_TIMELINES`` timelines are shown, the others folded: order them by interest.

    Raises:
        OSError: The folder is absent or not writable.
        ValueError: A sample's image is not a colour picture.
    """
    write_atomically(path, render_report(content).encode("utf-8"))


def render_report(content: ReportContent) -> str:
    """The HTML text of a report.

    Raises:
        ValueError: As ``write_report``.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    curves = [roc_curve(roc) for roc in content.rocs]
    charts = [timeline_chart(timeline) for timeline in content.timelines]
    return environment.get_template("report.html.jinja").render(
        content=content,
        tiles=_tiles(content.headlines),
        training=training_charts(content.rounds) if content.rounds else [],
        has_auc_by_round=any(point.auc is not None for point in content.rounds),
        curves=curves,
        roc=roc_chart(curves),
        num_colours=NUM_COLOURS,
        open_timelines=charts[:NUM_OPEN_TIMELINES],
        folded_timelines=charts[NUM_OPEN_TIMELINES:],
        pictures=[picture_of(sample) for sample in content.samples],
    )


def _tiles(headlines: Headlines) -> list[tuple[str, str, str]]:
    """Label, figure and meaning of every headline that was measured."""
    auc = headlines.int8_fused_auc
    tiles = [
        ("Detection, shipped model", auc, _auc_in_words(auc)),
        ("Network alone", headlines.int8_network_auc, "The same AUC from the FiLM CNN+LSTM only."),
        ("Statistics alone", headlines.int8_statistics_auc, "The same AUC from speed, size and dwell only."),
        ("Before quantization", headlines.fp32_fused_auc, "The same AUC of the fp32 model: what int8 costs."),
    ]
    shown = [(label, f"{figure:.3f}", meaning) for label, figure, meaning in tiles if figure is not None]
    if headlines.context_gain is not None:
        meaning = "AUC that knowing place and time adds on anomalies that depend on them."
        shown.append(("Gain from context", f"{headlines.context_gain:+.3f}", meaning))
    changes = [
        ("False alarms", headlines.false_alarms, "On held-out footage, before and after the operator's feedback."),
        ("Anomalies found", headlines.anomalies_found, "On the same footage, before and after."),
    ]
    shown += [(label, f"{pair[0]} → {pair[1]}", meaning) for label, pair, meaning in changes if pair is not None]
    return shown


def _auc_in_words(auc: float | None) -> str:
    share = "" if auc is None else f"{100 * auc:.0f} times in 100"
    return f"Frame AUC of the fused int8 model: an unusual frame scores above a usual one {share}."
