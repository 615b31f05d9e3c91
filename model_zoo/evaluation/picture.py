"""Draws what the model sees of one clip: frames, the score over time, where the surprise lies, and why."""

import io

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure, SubFigure
from matplotlib.patches import Rectangle

from model_zoo.evaluation.frame_auc import ema
from model_zoo.evaluation.sight import Oddest, Shown, Sight
from model_zoo.perception.perceiver import CROP_MARGIN
from model_zoo.perception.tubelet import CROP_SIDE
from model_zoo.scoring.frame_score import MOST_SURPRISE

SIZE_INCHES, DOTS_PER_INCH = (12.0, 8.0), 110
MOST_DRAWN = 5.0
"""Surprise at the end of the colours: one normal object in a hundred thousand."""

_INK, _FAINT, _GROUND, _ALARM = "#1f2933", "#7b8794", "#f5f7fa", "#c81e1e"
_TRUTH, _TRUE_BOX = "#c9b6e4", "#6b46c1"
_COLOURS = ("#9fb3c8", "#829ab1", "#f0b429", "#e8590c", "#a61b1b", "#5c0a0a")
_NAMED_ABOVE = 2.0
"""Surprise from which a box carries its number: one in a hundred."""


def draw(sight: Sight, *, has_footage: bool = True) -> bytes:
    """The picture as a PNG file.

    Args:
        sight: What the model made of the clip.
        has_footage: Whether pictures of the camera are drawn, or boxes on blank ground.
    """
    with mpl.rc_context(rc={"font.size": 9.0, "axes.edgecolor": _FAINT, "axes.labelcolor": _INK, "text.color": _INK}):
        figure = Figure(figsize=SIZE_INCHES, dpi=DOTS_PER_INCH, facecolor="white", layout="constrained")
        above, middle, below = figure.subfigures(3, 1, squeeze=False, height_ratios=(2.6, 2.3, 3.2))[:, 0]
        figure.suptitle(f"Clip {sight.clip.name}: what the model sees", fontsize=13, fontweight="bold", color=_INK)
        _draw_frames(above, sight, has_footage)
        _draw_timeline(middle.subplots(), sight)
        _draw_reasons(below, sight, has_footage)
        content = io.BytesIO()
        figure.savefig(content, format="png", metadata={"Software": None})
    return content.getvalue()


def _colours() -> ScalarMappable:
    """From the surprise to a colour."""
    return ScalarMappable(Normalize(0.0, MOST_DRAWN), LinearSegmentedColormap.from_list("surprise", _COLOURS))


def _draw_frames(part: SubFigure, sight: Sight, has_footage: bool) -> None:
    all_axes = part.subplots(1, len(sight.shown), squeeze=False)[0]
    colours = _colours()
    for axes, shown in zip(all_axes, sight.shown, strict=True):
        _draw_ground(axes, shown.frame, has_footage)
        _draw_boxes(axes, shown, colours)
        axes.set_title(f"frame {shown.index}", fontsize=9)
        if sight.oddest is not None and sight.oddest.index == shown.index:
            _point_at(axes, sight.oddest, shown)
    bar = part.colorbar(colours, ax=list(all_axes), shrink=0.8, aspect=16, pad=0.01, extend="max")
    bar.set_label("surprise: one normal object in", fontsize=8)
    bar.set_ticks(list(range(int(MOST_DRAWN) + 1)), labels=[f"$10^{power}$" for power in range(int(MOST_DRAWN) + 1)])
    bar.outline.set_visible(False)


def _draw_ground(axes: Axes, frame: npt.NDArray[np.uint8], has_footage: bool) -> None:
    """The frame, or ground of its proportions; coordinates are pixels of the frame."""
    height, width = frame.shape[:2]
    if has_footage:
        axes.imshow(frame[..., ::-1] if frame.ndim == 3 else frame, cmap="gray", alpha=0.75)
    axes.set(xlim=(0, width), ylim=(height, 0), aspect="equal", xticks=[], yticks=[], facecolor=_GROUND)


def _draw_boxes(axes: Axes, shown: Shown, colours: ScalarMappable) -> None:
    height, width = shown.frame.shape[:2]
    scale = np.array([width, height, width, height])
    for left, top, right, bottom in shown.truth * scale:
        size = (right - left + 6, bottom - top + 6)
        axes.add_patch(Rectangle((left - 3, top - 3), *size, fill=False, edgecolor=_TRUE_BOX, lw=1.2, ls=(0, (3, 2))))
    for (left, top, right, bottom), surprise in sorted(
        zip(shown.boxes * scale, shown.surprise, strict=True), key=_last
    ):
        colour = colours.to_rgba(surprise)
        width_pt = 1.0 + 0.4 * min(surprise, MOST_DRAWN)
        axes.add_patch(Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=colour, lw=width_pt))
        if surprise >= _NAMED_ABOVE:
            axes.text(
                (left + right) / 2,
                bottom + 4,
                f"{surprise:.1f}",
                color=colour,
                fontsize=8,
                ha="center",
                va="top",
                fontweight="bold",
                clip_on=True,
            )


def _point_at(axes: Axes, oddest: Oddest, shown: Shown) -> None:
    height, width = shown.frame.shape[:2]
    left, top, right, _ = oddest.box * np.array([width, height, width, height])
    axes.plot((left + right) / 2, top - 0.05 * height, "v", color=_INK, ms=5)
    axes.set_title(f"frame {shown.index}: the most unusual (▼)", fontsize=9)


def _last(pair: tuple[npt.NDArray[np.float64], float]) -> float:
    return pair[1]


def _draw_timeline(axes: Axes, sight: Sight) -> None:
    frames, causal = np.arange(len(sight.scores)), ema(sight.scores)
    if sight.clip.labels is not None:
        is_anomalous = sight.clip.labels > 0
        axes.fill_between(
            frames,
            0,
            MOST_SURPRISE,
            where=is_anomalous,
            step="mid",
            color=_TRUTH,
            alpha=0.45,
            lw=0,
            label="labelled anomalous",
        )
    axes.plot(frames, sight.scores, color=_FAINT, lw=0.7, label="score of the frame")
    axes.plot(frames, causal, color=_INK, lw=1.8, label="causal mean")
    axes.axhline(sight.alarm_threshold, color=_ALARM, lw=1.1, ls="--", label="alarm threshold")
    if any(len(shown.truth) for shown in sight.shown):
        axes.plot([], [], color=_TRUE_BOX, lw=1.2, ls=(0, (3, 2)), label="marked in the truth")
    is_alarm = causal > sight.alarm_threshold
    axes.fill_between(
        frames, sight.alarm_threshold, causal, where=is_alarm, color=_ALARM, alpha=0.35, lw=0, label="alarm"
    )
    marks = [shown.index for shown in sight.shown]
    axes.plot(
        marks, np.full(len(marks), 1.04 * MOST_SURPRISE), "v", color=_INK, ms=6, clip_on=False, label="shown above"
    )
    axes.set(xlim=(0, max(len(frames) - 1, 1)), ylim=(0, 1.04 * MOST_SURPRISE), xlabel="frame", ylabel="score")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(ncols=7, loc="upper center", bbox_to_anchor=(0.5, 1.2), frameon=False, fontsize=8)


def _draw_reasons(part: SubFigure, sight: Sight, has_footage: bool) -> None:
    place, heat, parts = part.subplots(1, 3, width_ratios=(1.5, 1.1, 1.0))
    _draw_map(place, sight, has_footage)
    oddest = sight.oddest
    if oddest is None:
        for axes in (heat, parts):
            axes.text(0.5, 0.5, "no object was seen for long enough", ha="center", va="center")
            axes.set_axis_off()
        return
    _draw_heat(part, heat, oddest, has_footage)
    _draw_parts(parts, oddest)


def _draw_map(axes: Axes, sight: Sight, has_footage: bool) -> None:
    height, width = sight.background.shape
    _draw_ground(axes, sight.background, has_footage)
    seen = np.ma.masked_less_equal(sight.surprise_map, 0.0)
    axes.imshow(
        seen,
        cmap=_colours().get_cmap(),
        norm=Normalize(0.0, MOST_DRAWN),
        extent=(0, width, height, 0),
        alpha=0.75 if has_footage else 1.0,
        interpolation="nearest",
    )
    axes.set_title("where: highest surprise over the clip", fontsize=9)


def _draw_heat(part: SubFigure, axes: Axes, oddest: Oddest, has_footage: bool) -> None:
    axes.set(xticks=[], yticks=[], facecolor=_GROUND)
    if oddest.occlusion is None:
        axes.text(0.5, 0.5, "the network does not count", ha="center", va="center")
        return
    heat = oddest.occlusion.heat
    if has_footage:
        axes.imshow(oddest.crop, cmap="gray")
    most = max(float(np.abs(heat).max()), 1e-6)
    image = axes.imshow(
        heat, cmap="PuOr_r", vmin=-most, vmax=most, alpha=0.6 if has_footage else 1.0, interpolation="bilinear"
    )
    bar = part.colorbar(image, ax=axes, shrink=0.85, aspect=16, pad=0.02)
    bar.set_label("fall of the network's score when covered", fontsize=8)
    bar.outline.set_visible(False)
    _draw_outline(axes, oddest)
    axes.set_title(f"what in its picture (network's score {oddest.occlusion.score:.2f})", fontsize=9)


def _draw_outline(axes: Axes, oddest: Oddest) -> None:
    """The object's box, in pixels of the crop around it."""
    height_px, width_px = oddest.size_px
    longer = CROP_MARGIN * max(height_px, width_px)
    wide, high = CROP_SIDE * width_px / longer, CROP_SIDE * height_px / longer
    corner = ((CROP_SIDE - wide) / 2 - 0.5, (CROP_SIDE - high) / 2 - 0.5)
    axes.add_patch(Rectangle(corner, wide, high, fill=False, edgecolor=_INK, linewidth=0.8))


def _draw_parts(axes: Axes, oddest: Oddest) -> None:
    names = list(oddest.parts)
    values = [oddest.parts[name] for name in names]
    bars = axes.barh(names, values, color=_COLOURS[1], height=0.55)
    axes.bar_label(bars, fmt="%.1f", padding=3, fontsize=8)
    axes.invert_yaxis()
    axes.set(xlim=(0, 1.15 * max(*values, 1.0)), xlabel="surprise that each channel adds")
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.set_title(f"why: together {oddest.surprise:.1f} after calibration", fontsize=9)
