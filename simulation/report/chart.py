"""Charts as geometry: everything the SVG template needs, already in the pixels of the drawing."""

import dataclasses
import itertools
import math

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.floating]  # (N,) NaN where there is no value


@dataclasses.dataclass(frozen=True)
class Frame:
    """Size of a drawing and of the margins around its plot, in drawing pixels."""

    width: int
    height: int
    left: int = 52
    top: int = 14
    right_margin: int = 12
    bottom_margin: int = 40

    @property
    def right(self) -> int:
        """Right edge of the plot."""
        return self.width - self.right_margin

    @property
    def bottom(self) -> int:
        """Lower edge of the plot."""
        return self.height - self.bottom_margin


@dataclasses.dataclass(frozen=True)
class Scale:
    """A linear map from values to drawing pixels."""

    low: float
    high: float
    low_px: float
    high_px: float

    def px(self, values: npt.ArrayLike) -> Values:
        """Where ``values`` are drawn; values outside the range are drawn at its ends."""
        share = np.clip((np.asarray(values, dtype=np.float64) - self.low) / (self.high - self.low), 0.0, 1.0)
        return self.low_px + share * (self.high_px - self.low_px)


@dataclasses.dataclass(frozen=True)
class Tick:
    """A labelled place on an axis."""

    at_px: float
    text: str


@dataclasses.dataclass(frozen=True)
class Axis:
    """One axis: what it measures, with unit, and its ticks."""

    label: str
    scale: Scale
    ticks: tuple[Tick, ...]


@dataclasses.dataclass(frozen=True)
class Line:
    """One curve, as an SVG path, and the marks on it where there are few points."""

    path: str
    colour: int = 0
    name: str = ""
    marks: tuple[tuple[float, float], ...] = ()


@dataclasses.dataclass(frozen=True)
class Band:
    """A shaded interval of the x axis."""

    left_px: float
    width_px: float
    label: str


@dataclasses.dataclass(frozen=True)
class Chart:
    """One drawing; ``threshold_px`` is the height of a dashed line above which values are alarms."""

    title: str
    description: str
    frame: Frame
    x_axis: Axis
    y_axis: Axis
    lines: tuple[Line, ...]
    bands: tuple[Band, ...] = ()
    threshold_px: float | None = None
    has_diagonal: bool = False


def axis(label: str, low: float, high: float, ends_px: tuple[float, float], num_ticks: int) -> Axis:
    """An axis over ``[low, high]``, widened where both are equal, with about ``num_ticks`` round ticks."""
    if high <= low:
        low, high = low - max(0.5, abs(low) / 10), low + max(0.5, abs(low) / 10)
    scale = Scale(low, high, *ends_px)
    step = _round_step((high - low) / num_ticks)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    values = step * np.arange(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)
    ticks = tuple(
        Tick(float(at_px), f"{value:.{decimals}f}") for at_px, value in zip(scale.px(values), values + 0.0, strict=True)
    )
    return Axis(label, scale, ticks)


def _round_step(least: float) -> float:
    """The smallest of 1, 2, 5 times a power of ten that is at least ``least``."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(step * power for step in (1.0, 2.0, 5.0, 10.0) if step * power >= least * (1 - 1e-9))


def line(x_px: Values, y_px: Values, colour: int = 0, name: str = "", *, has_marks: bool = False) -> Line:
    """A curve through the points ``(x_px, y_px)``, both ``(N,)``; broken where ``y_px`` is NaN."""
    points = list(zip(x_px.tolist(), y_px.tolist(), strict=True))
    steps, is_drawing = [], False
    for x, y in points:
        if math.isfinite(y):
            steps.append(f"{'L' if is_drawing else 'M'}{x:.1f} {y:.1f}")
        is_drawing = math.isfinite(y)
    marks = tuple(point for point in points if math.isfinite(point[1])) if has_marks else ()
    return Line("".join(steps), colour, name, marks)


def highest_of_bins(values: Values, num_bins: int) -> tuple[Values, Values]:
    """Shortens a series for drawing without losing its peaks.

    Returns:
        Index of the highest value of each bin, and that value; both at most ``(num_bins,)``.
    """
    if len(values) <= num_bins:
        return np.arange(len(values), dtype=np.float64), values
    comparable = np.nan_to_num(values, nan=-np.inf)
    edges = np.linspace(0, len(values), num_bins + 1).astype(np.int64)
    best = [low + int(np.argmax(comparable[low:high])) for low, high in itertools.pairwise(edges)]
    return np.array(best, dtype=np.float64), values[best]


def runs_of(flags: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and last index of every run of true values in ``(N,)``."""
    steps = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(first), int(end) - 1) for first, end in zip(steps[::2], steps[1::2], strict=True)]
