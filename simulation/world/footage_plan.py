"""Which clips a camera delivers: normal ones of a whole day to learn from, others to test with.

Clips of anomalies that only look wrong are planned apart, from a stream and days of their own: they never change what
the everyday plan holds.
"""

import dataclasses
import datetime as dt
import zoneinfo
from collections.abc import Iterator

import numpy as np

from context.schedule import WEEKDAYS, OperationalState
from simulation.world.appearance import appearance_kinds_in
from simulation.world.behaviour import misdeeds_in
from simulation.world.camera import EmulatedCamera
from simulation.world.clip import MIN_HEIGHT, MIN_WIDTH, ClipPlan
from simulation.world.kinds import APPEARANCE_KINDS, CONTEXT_DEPENDENT_KINDS, AnomalyKind
from simulation.world.layout import CLOSED, CLOSING, OPEN, OPENING, Layout

_PLAN_STREAM, _APPEARANCE_STREAM = 31, 32
_FIRST_DAY = dt.date(2026, 3, 2)
_NUM_DAYS = 84
_MAX_CLIPS = 64
_MAX_APPEARANCE_EACH = 10


@dataclasses.dataclass(frozen=True)
class FootagePlan:
    """The clips of one camera by what they are for."""

    training: tuple[ClipPlan, ...]
    validation: tuple[ClipPlan, ...]
    testing: tuple[ClipPlan, ...]
    feedback: tuple[ClipPlan, ...]
    held_out: tuple[ClipPlan, ...]

    @property
    def parts(self) -> dict[str, tuple[ClipPlan, ...]]:
        """The clips by the name of their part."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}


@dataclasses.dataclass(frozen=True)
class _Shape:
    num_frames: int
    fps: float
    size: tuple[int, int]


@dataclasses.dataclass(frozen=True)
class _Slot:
    """A time of day: minutes after midnight, opening or closing, drawn between two bounds."""

    state: OperationalState
    earliest: int
    latest: int
    after_opening: bool = False
    after_closing: bool = False


_NIGHT = _Slot(CLOSED, 40, 4 * 60 + 30)
_BEFORE = _Slot(OPENING, -50, -12, after_opening=True)
_MORNING = _Slot(OPEN, 40, 150, after_opening=True)
_AFTERNOON = _Slot(OPEN, 13 * 60, 16 * 60 + 30)
_AFTER = _Slot(CLOSING, 10, 45, after_closing=True)

_TRAINING = (_NIGHT, _BEFORE, _MORNING, _AFTERNOON, _AFTER)
_VALIDATION = (_AFTERNOON,)
_TESTING = (_NIGHT, _BEFORE, _MORNING, _AFTER)
_NOVELTIES = (_NIGHT, _MORNING, _AFTER)
_APPEARANCES = (_BEFORE, _MORNING, _AFTERNOON, _AFTER)


class _Clips:
    """Makes clip plans with ever fresh days, hours and seeds."""

    def __init__(
        self, camera: EmulatedCamera, rng: np.random.Generator, shape: _Shape, first_day: dt.date = _FIRST_DAY
    ) -> None:
        self._camera = camera
        self._rng = rng
        self._shape = shape
        self._seeds: Iterator[int] = iter(rng.choice(2**31, _MAX_CLIPS, replace=False).tolist())
        days = rng.permutation(_NUM_DAYS).tolist()
        self._days: Iterator[dt.date] = iter([first_day + dt.timedelta(days=day) for day in days])

    def _start(self, slot: _Slot) -> dt.datetime:
        """An instant in the slot on the next day the store is open."""
        weekly = self._camera.site.schedule.weekly
        day = next(day for day in self._days if WEEKDAYS[day.weekday()] in weekly)
        hours = weekly[WEEKDAYS[day.weekday()]]
        minute = int(self._rng.integers(slot.earliest, slot.latest + 1))
        minute += hours.opens.minutes * slot.after_opening + hours.closes.minutes * slot.after_closing
        zone = zoneinfo.ZoneInfo(self._camera.site.time_zone)
        local = dt.datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=zone)
        return local.astimezone(dt.UTC)

    def make(self, slot: _Slot, anomalies: tuple[AnomalyKind, ...] = (), has_novelty: bool = False) -> ClipPlan:
        """One clip in a slot."""
        shape = self._shape
        start = self._start(slot)
        return ClipPlan(start, shape.num_frames, shape.fps, *shape.size, anomalies, has_novelty, next(self._seeds))


def fitting_kinds(layout: Layout, state: OperationalState) -> tuple[AnomalyKind, ...]:
    """The kinds of anomalies that make sense in a layout and state, in the order of their definition."""
    possible = {misdeed.anomaly for misdeed in misdeeds_in(layout, state)}
    return tuple(kind for kind in AnomalyKind if kind in possible)


def _choose_anomalies(layout: Layout, slots: tuple[_Slot, ...], rng: np.random.Generator) -> dict[int, AnomalyKind]:
    """Two clips of ``slots`` with an anomaly each: one whose kind depends on context, and another kind."""
    options = [(index, kind) for index, slot in enumerate(slots) for kind in fitting_kinds(layout, slot.state)]
    dependent = [option for option in options if option[1] in CONTEXT_DEPENDENT_KINDS]
    first = _pick(dependent, rng)
    second = _pick([option for option in options if option[0] != first[0] and option[1] != first[1]], rng)
    return dict((first, second))


def _pick(options: list[tuple[int, AnomalyKind]], rng: np.random.Generator) -> tuple[int, AnomalyKind]:
    """A kind first, each as likely as another, then a clip for it."""
    kinds = sorted({kind for _, kind in options})
    chosen = kinds[rng.integers(len(kinds))]
    places = [option for option in options if option[1] is chosen]
    return places[rng.integers(len(places))]


def _with_novelties(clips: _Clips, layout: Layout, rng: np.random.Generator) -> tuple[ClipPlan, ...]:
    """Three clips with something harmless but new, one of them also with an anomaly."""
    bad_clip = int(rng.integers(len(_NOVELTIES)))
    kinds = fitting_kinds(layout, _NOVELTIES[bad_clip].state)
    anomaly = kinds[rng.integers(len(kinds))]
    return tuple(
        clips.make(slot, (anomaly,) if index == bad_clip else (), has_novelty=True)
        for index, slot in enumerate(_NOVELTIES)
    )


def plan_footage(
    camera: EmulatedCamera, seed: int, frames_per_clip: int = 90, fps: float = 10.0, size: tuple[int, int] = (360, 240)
) -> FootagePlan:
    """Plans all clips of one camera: days, hours, seeds, and anomalies that fit its layout.

    Args:
        camera: The camera.
        seed: Decides everything that is drawn, together with the camera's index.
        frames_per_clip: Length of each clip.
        fps: Frames a second.
        size: Width and height in pixels.
    """
    rng = np.random.default_rng([seed, _PLAN_STREAM, camera.index])
    clips = _Clips(camera, rng, _Shape(frames_per_clip, fps, size))
    layout = camera.ground_plan
    busy = (_BEFORE, _AFTER)[camera.index % 2]
    anomaly_by_clip = _choose_anomalies(layout, _TESTING, rng)
    return FootagePlan(
        training=tuple(clips.make(slot) for slot in (*_TRAINING, busy)),
        validation=tuple(clips.make(slot) for slot in _VALIDATION),
        testing=tuple(
            clips.make(slot, (anomaly_by_clip[index],) if index in anomaly_by_clip else ())
            for index, slot in enumerate(_TESTING)
        ),
        feedback=_with_novelties(clips, layout, rng),
        held_out=_with_novelties(clips, layout, rng),
    )


def plan_appearance_clips(
    camera: EmulatedCamera, seed: int, num_each: int = 1, frames_per_clip: int = 90, fps: float = 10.0
) -> tuple[ClipPlan, ...]:
    """Plans clips with anomalies that only look wrong, each followed by a normal clip of the same time of day.

    Args:
        camera: The camera.
        seed: Decides everything that is drawn, together with the camera's index.
        num_each: Anomalous clips of each kind, 1 to 10.
        frames_per_clip: Length of each clip.
        fps: Frames a second.

    Raises:
        ValueError: ``num_each`` is out of range.
    """
    if not 1 <= num_each <= _MAX_APPEARANCE_EACH:
        raise ValueError(f"expected 1 to {_MAX_APPEARANCE_EACH} clips of each kind, got {num_each}")
    rng = np.random.default_rng([seed, _APPEARANCE_STREAM, camera.index])
    first_day = _FIRST_DAY + dt.timedelta(days=_NUM_DAYS)
    clips = _Clips(camera, rng, _Shape(frames_per_clip, fps, (MIN_WIDTH, MIN_HEIGHT)), first_day)
    planned: list[ClipPlan] = []
    for kind in sorted(APPEARANCE_KINDS) * num_each:
        slots = [slot for slot in _APPEARANCES if kind in appearance_kinds_in(camera.ground_plan, slot.state)]
        slot = slots[rng.integers(len(slots))]
        planned += clips.make(slot, (kind,)), clips.make(slot)
    return tuple(planned)
