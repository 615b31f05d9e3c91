"""From a cast to frames: lit scenery, shadows, actors from far to near, and the sensor's noise.

Letters in shapes: N frames of the clip, F frames one actor is near the picture in, P parts, K corners.
"""

import dataclasses
import functools

import cv2
import numpy as np
import numpy.typing as npt

from simulation.world.actor import Actor, outline_of, shadow_of, torch_of
from simulation.world.behaviour import Cast, cast_of
from simulation.world.camera import EmulatedCamera, lamp_places
from simulation.world.clip import ActorTrack, AnomalyTruth, Boxes, ClipPlan, Frames, RenderedClip
from simulation.world.kinds import ActorKind, AnomalyKind
from simulation.world.layouts import LAYOUTS
from simulation.world.light import Light, light_at
from simulation.world.optics import Floats, Pinhole
from simulation.world.outline import Outline
from simulation.world.route import Motion, Route, Waypoint, move
from simulation.world.scenery import Panel, Picture, Stage, cast

_SUBPIXEL_BITS = 4
_SHADE_UNIT = 64
_SHADE_SCALE = 4
_SHADOW, _SUN_SHADOW, _TORCH = 46, 40, 125
_NOISE_BANK = 96
_NOISE_ZERO = 128
_NOISE_STREAM, _PARKED_STREAM = 21, 22
_OCCLUSION_MARGIN_M = 0.25
_LEAST_VISIBLE = 0.3
_DARK_BELOW = 0.55


@dataclasses.dataclass(frozen=True)
class _Set:
    """One camera's scene under the light of one clip."""

    backdrop: Picture
    occluders: npt.NDArray[np.float32]  # (H, W) depth of what may hide actors, far away elsewhere
    nearest_occluder: float
    is_upright: npt.NDArray[np.bool_]  # (H, W) takes no shadow
    light: Light
    lamps: Floats
    optics: Pinhole


@dataclasses.dataclass(frozen=True)
class _Figure:
    """One actor ready to be drawn; arrays over the F frames listed in ``frames``."""

    actor: Actor
    frames: npt.NDArray[np.int64]  # (F,)
    polygons: npt.NDArray[np.int32]  # (F, P, K, 2) sub-pixels
    sequence: npt.NDArray[np.int64]  # (F, P) order to draw in
    is_shown: npt.NDArray[np.bool_]  # (F, P)
    colours: Floats  # (F, P, 3)
    boxes: Floats  # (F, 4) fractions, not cut
    speed_m_s: Floats  # (F,)
    depth: Floats  # (F,) of its nearest part
    foot_depth: Floats  # (F,)
    shadow: npt.NDArray[np.int32]  # (F, K, 2) sub-pixels of the shade map
    torch: npt.NDArray[np.int32] | None


@functools.lru_cache(maxsize=2)
def _panels(layout_name: str, texture_seed: int) -> tuple[Panel, ...]:
    return tuple(LAYOUTS[layout_name].build(np.random.default_rng(texture_seed)))


@functools.lru_cache(maxsize=4)
def _stage(layout_name: str, optics: Pinhole, texture_seed: int, size: tuple[int, int]) -> Stage:
    layout = LAYOUTS[layout_name]
    rng = np.random.default_rng([texture_seed, _PARKED_STREAM])
    stage = cast(_panels(layout_name, texture_seed), optics, size)
    for x, y, heading in sorted(layout.parked, key=lambda spot: -spot[1]):
        _park((x, y, heading), int(rng.integers(2**31)), optics, stage)
    return stage


def _park(spot: tuple[float, float, float], look_seed: int, optics: Pinhole, stage: Stage) -> None:
    """Paints a parked car and its depth onto a stage."""
    x, y, heading = spot
    one = np.ones(1)
    motion = Motion(0 * one, np.array([[x, y]]), heading * one, 0 * one, 0 * one, one)
    actor = Actor(0, ActorKind.CAR, Route((Waypoint(x, y),), 1.0), look_seed)
    outline = outline_of(actor, motion, optics)
    size = (stage.albedo.shape[1], stage.albedo.shape[0])
    shade = np.zeros(stage.depth.shape, np.uint8)
    cv2.fillConvexPoly(shade, _subpixels(shadow_of(actor, motion, optics, (0, 0)), size)[0], 90, cv2.LINE_AA, 4)
    shade = np.asarray(cv2.blur(shade, (7, 7)))
    stage.albedo[:] = stage.albedo * (1 - shade[..., None] / 255.0)
    mask = np.zeros(stage.depth.shape, np.uint8)
    polygons = _subpixels(outline.polygons, size)[0]
    for part in np.argsort(-outline.order[0], kind="stable"):
        if outline.is_shown[0, part]:
            colour = outline.colours[part].tolist()
            cv2.fillConvexPoly(stage.albedo, polygons[part], colour, cv2.LINE_AA, _SUBPIXEL_BITS)
            cv2.fillConvexPoly(mask, polygons[part], 1, cv2.LINE_8, _SUBPIXEL_BITS)
    stage.depth[mask > 0] = outline.order.mean()
    stage.is_ground[mask > 0] = False


def _subpixels(fractions: Floats, size: tuple[int, int]) -> npt.NDArray[np.int32]:
    scaled = (fractions * size - 0.5) * (1 << _SUBPIXEL_BITS)
    return np.clip(np.round(scaled), -(2**18), 2**18).astype(np.int32)


def _prepare(camera: EmulatedCamera, plan: ClipPlan) -> _Set:
    layout, lamps = camera.ground_plan, lamp_places(camera.ground_plan)
    size = (plan.width, plan.height)
    stage = _stage(camera.layout, camera.optics, camera.texture_seed, size)
    state, local = camera.state_at(plan.start_utc), camera.local_time(plan.start_utc)
    light = light_at(state, local, layout.is_indoor, camera.keeps_lamps_on)
    bright = light.on(stage.places.astype(np.float64), lamps, camera.optics.position)
    lit = light.colour(stage.albedo.astype(np.float64)) * bright[..., None] * (1 - light.floor_level / 255)
    backdrop = np.clip(lit + light.floor_level, 0, 255).astype(np.uint8)
    backdrop = np.asarray(cv2.GaussianBlur(backdrop, (3, 3), 0.55), dtype=np.uint8)
    occluders = np.where(stage.is_ground, np.float32(1e4), stage.depth).astype(np.float32)
    return _Set(backdrop, occluders, float(occluders.min()), ~stage.is_ground, light, lamps, camera.optics)


def _near_picture(motion: Motion, optics: Pinhole) -> npt.NDArray[np.int64]:
    """Frames in which an actor is present and not far beside, above or below the picture."""
    ground = np.concatenate([motion.place, np.zeros((len(motion.place), 1))], axis=1)
    forward = (ground - optics.position) @ optics.axes[2]
    spots = optics.project_fraction(ground)
    inside = (spots[:, 0] > -0.8) & (spots[:, 0] < 1.8) & (spots[:, 1] > 0) & (spots[:, 1] < 1.9)
    return np.flatnonzero((motion.is_present > 0) & (forward > 1.0) & inside)


def _figure(actor: Actor, scene: _Set, plan: ClipPlan) -> _Figure | None:
    """An actor's polygons, or None when it is never near the picture."""
    motion = move(actor.route, plan.times_s)
    frames = _near_picture(motion, scene.optics)
    if len(frames) == 0:
        return None
    motion = motion.select(frames)
    outline = outline_of(actor, motion, scene.optics)
    boxes = outline.boxes()
    in_picture = (boxes[:, 0] < 1) & (boxes[:, 1] < 1) & (boxes[:, 2] > 0) & (boxes[:, 3] > 0)
    if not in_picture.any():
        return None
    size, small = (plan.width, plan.height), (plan.width // _SHADE_SCALE, plan.height // _SHADE_SCALE)
    sun = (scene.light.sun_elevation, scene.light.sun_bearing_rad)
    torch = torch_of(actor.kind, motion, scene.optics) if scene.light.ambient < _DARK_BELOW else None
    ground = np.concatenate([motion.place, np.zeros((len(frames), 1))], axis=1)
    return _Figure(
        actor,
        frames,
        _subpixels(outline.polygons, size),
        np.argsort(-outline.order, axis=1, kind="stable"),
        outline.is_shown,
        _lit_colours(outline, motion, scene),
        boxes,
        motion.speed,
        outline.order.min(axis=1),
        scene.optics.project(ground)[1],
        _subpixels(shadow_of(actor, motion, scene.optics, sun), small),
        None if torch is None else _subpixels(torch, small),
    )


def _lit_colours(outline: Outline, motion: Motion, scene: _Set) -> Floats:
    light = scene.light
    chest = np.concatenate([motion.place, np.ones((len(motion.place), 1))], axis=1)
    bright = light.on(chest, scene.lamps, scene.optics.position)
    lit = light.colour(outline.colours) * bright[:, None, None] * (1 - light.floor_level / 255)
    return np.clip(lit + light.floor_level, 0, 255)


def _shade(figures: list[tuple[_Figure, int]], scene: _Set) -> Picture:
    """The backdrop with the shadows and light spots of one frame on its ground."""
    if not figures:
        return scene.backdrop
    height, width = scene.backdrop.shape[:2]
    shade = np.full((height // _SHADE_SCALE, width // _SHADE_SCALE), _SHADE_UNIT, dtype=np.uint8)
    for figure, row in figures:
        if figure.torch is not None:
            cv2.fillConvexPoly(shade, figure.torch[row], _TORCH, cv2.LINE_AA, _SUBPIXEL_BITS)
    depth = _SUN_SHADOW if scene.light.sun_elevation else _SHADOW
    for figure, row in figures:
        cv2.fillConvexPoly(shade, figure.shadow[row], depth, cv2.LINE_AA, _SUBPIXEL_BITS)
    grown = np.asarray(cv2.resize(cv2.blur(shade, (3, 3)), (width, height), interpolation=cv2.INTER_LINEAR))
    np.copyto(grown, np.uint8(_SHADE_UNIT), where=scene.is_upright)
    factors = cv2.cvtColor(grown, cv2.COLOR_GRAY2BGR)
    return np.asarray(cv2.multiply(scene.backdrop, factors, scale=1 / _SHADE_UNIT), dtype=np.uint8)


def _draw(frame: Picture, figure: _Figure, row: int) -> None:
    sequence = figure.sequence[row]
    sequence = sequence[figure.is_shown[row, sequence]]
    colours = figure.colours[row, sequence].tolist()
    for polygon, colour in zip(figure.polygons[row, sequence], colours, strict=True):
        cv2.fillConvexPoly(frame, polygon, colour, cv2.LINE_AA, _SUBPIXEL_BITS)


def _window(box: Floats, size: tuple[int, int]) -> tuple[slice, slice]:
    """Rows and columns of the part of a box inside the picture, with a border of a pixel."""
    width, height = size
    left, right = int(max(0, np.floor(box[0] * width) - 1)), int(min(width, np.ceil(box[2] * width) + 1))
    top, bottom = int(max(0, np.floor(box[1] * height) - 1)), int(min(height, np.ceil(box[3] * height) + 1))
    return slice(top, max(top, bottom)), slice(left, max(left, right))


def _hide(frame: Picture, ground: Picture, figure: _Figure, row: int, scene: _Set) -> float:
    """Puts nearer scenery back over an actor; returns the share of it that can be seen."""
    box, depth = figure.boxes[row], figure.depth[row] - _OCCLUSION_MARGIN_M
    window = _window(box, (frame.shape[1], frame.shape[0]))
    if window[0].start >= window[0].stop or window[1].start >= window[1].stop:
        return 0.0
    left, top, right, bottom = box.tolist()
    inside = (min(right, 1.0) - max(left, 0.0)) * (min(bottom, 1.0) - max(top, 0.0))
    share = float(inside / max((right - left) * (bottom - top), 1e-9))
    if depth < scene.nearest_occluder:
        return share
    nearer = scene.occluders[window] < depth
    hidden = cv2.countNonZero(nearer.view(np.uint8))
    if hidden:
        np.copyto(frame[window], ground[window], where=nearer[..., None])
    return share * float(1 - hidden / nearer.size)


@functools.lru_cache(maxsize=6)
def _noise_bank(size: tuple[int, int], deviation: float, colourfulness: float) -> Picture:
    """One large picture of sensor noise around a middle grey; each frame takes a part of it at random."""
    rng = np.random.default_rng(_NOISE_STREAM)
    rows, columns = size[1] + _NOISE_BANK, size[0] + _NOISE_BANK
    grey = rng.standard_normal((rows, columns, 1), dtype=np.float32)
    colour = rng.standard_normal((rows, columns, 3), dtype=np.float32)
    noise = deviation * (grey + colourfulness * colour)
    return np.clip(np.round(noise) + _NOISE_ZERO, 0, 255).astype(np.uint8)


def _expose(frame: Picture, bank: Picture, rng: np.random.Generator, drift: float) -> Picture:
    """Flickers and adds noise."""
    gain = 1.0 + drift + float(rng.normal(0, 0.004))
    top, left = rng.integers(0, _NOISE_BANK, 2)
    noise = bank[top : top + frame.shape[0], left : left + frame.shape[1]]
    return np.asarray(cv2.addWeighted(frame, gain, noise, 1.0, -_NOISE_ZERO), dtype=np.uint8)


def paint_frames(scene: _Set, figures: list[_Figure], plan: ClipPlan) -> tuple[Frames, list[Floats]]:
    """Draws every frame; returns them and, for each figure, the share of it seen in each of its frames."""
    rng = np.random.default_rng([plan.seed, _NOISE_STREAM])
    bank = _noise_bank((plan.width, plan.height), scene.light.noise, 0.4 * scene.light.saturation)
    frames = np.empty((plan.num_frames, plan.height, plan.width, 3), dtype=np.uint8)
    seen = [np.zeros(len(figure.frames)) for figure in figures]
    row_by_frame = [dict(zip(figure.frames.tolist(), range(len(figure.frames)), strict=True)) for figure in figures]
    phase = rng.uniform(0, 2 * np.pi)
    for number, clock in enumerate(plan.times_s.tolist()):
        present = [(index, rows[number]) for index, rows in enumerate(row_by_frame) if number in rows]
        present.sort(key=lambda pair: -figures[pair[0]].foot_depth[pair[1]])
        ground = _shade([(figures[index], row) for index, row in present], scene)
        frame = ground.copy()
        for index, row in present:
            _draw(frame, figures[index], row)
            seen[index][row] = _hide(frame, ground, figures[index], row, scene)
        frames[number] = _expose(frame, bank, rng, 0.008 * float(np.sin(clock / 3.0 + phase)))
    return frames, seen


def _cut(boxes: Floats) -> Boxes:
    return np.clip(boxes, 0, 1).astype(np.float32)


def _runs(is_seen: npt.NDArray[np.bool_], frames: npt.NDArray[np.int64]) -> list[npt.NDArray[np.int64]]:
    """Rows of unbroken stretches of seen frames."""
    rows = np.flatnonzero(is_seen)
    return np.split(rows, np.flatnonzero(np.diff(frames[rows]) != 1) + 1) if len(rows) else []


def _truth(kind: AnomalyKind, figure: _Figure, is_seen: npt.NDArray[np.bool_]) -> list[AnomalyTruth]:
    found = []
    for rows in _runs(is_seen, figure.frames):
        first, last = int(figure.frames[rows[0]]), int(figure.frames[rows[-1]])
        found.append(AnomalyTruth(kind, figure.actor.track_id, first, last, _cut(figure.boxes[rows])))
    return found


def render_cast(camera: EmulatedCamera, plan: ClipPlan, everybody: Cast) -> RenderedClip:
    """Renders a clip with a given cast; ``plan`` gives time, size and noise only."""
    scene = _prepare(camera, plan)
    candidates = (_figure(actor, scene, plan) for actor in everybody.actors)
    figures = [figure for figure in candidates if figure is not None]
    frames, seen = paint_frames(scene, figures, plan)
    truth: list[AnomalyTruth] = []
    tracks: list[ActorTrack] = []
    for figure, share in zip(figures, seen, strict=True):
        rows = share > 0
        columns = (figure.frames[rows], _cut(figure.boxes[rows]), share[rows], figure.speed_m_s[rows])
        tracks.append(ActorTrack(figure.actor.track_id, figure.actor.kind, *columns))
        kind = everybody.anomaly_by_track.get(figure.actor.track_id)
        has_begun = plan.times_s[figure.frames] >= everybody.begins_s_by_track.get(figure.actor.track_id, 0.0)
        truth += [] if kind is None else _truth(kind, figure, (share >= _LEAST_VISIBLE) & has_begun)
    return RenderedClip(frames, tuple(truth), tuple(track for track in tracks if len(track.frames)))


def render_clip(camera: EmulatedCamera, plan: ClipPlan) -> RenderedClip:
    """Renders a clip. A pure function: the same camera and plan give the same bytes in any process.

    Raises:
        ValueError: an anomaly does not fit the camera's layout in the state the clip falls in.
    """
    return render_cast(camera, plan, cast_of(camera, plan))
