"""Clips with something low in them: who falls across the line of sight, and a bag that somebody put down.

The world's own falls go along the line of sight and what is left there is as large as a person, so that nothing but
its look gives it away. These two measure unlike anybody, and are lower than what is scored.
"""

import dataclasses
import itertools
import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from benchmarks.behaviours.world_tracks import SCENE_FRAMES, Footage
from context.behaviour.finding import Behaviour
from context.behaviour.settings import BehaviourSettings
from fl_client.inference.perceived import CameraView
from model_zoo.perception.background import analysis_picture, foreground, grey_picture
from model_zoo.perception.scene import fit_scene
from model_zoo.perception.tracker import overlaps
from simulation.world import ClipPlan, EmulatedCamera, emulated_camera, plan_appearance_clips, render_clip
from simulation.world.actor import Actor
from simulation.world.behaviour import cast_of
from simulation.world.clip import ActorTrack, RenderedClip
from simulation.world.fall import Manner
from simulation.world.kinds import ActorKind, AnomalyKind
from simulation.world.render import render_cast

Box = npt.NDArray[np.float32]  # (4,)

BEHAVIOUR_BY_EVENT = {AnomalyKind.FALL: Behaviour.FALL, AnomalyKind.ABANDONED_OBJECT: Behaviour.LEFT_OBJECT}
BAG_SIDE, BAG_LEVEL = 0.35, 25
"""Side of a bag in heights of who put it down, and its grey level."""

_PUT_DOWN = (0.2, 0.4)  # when, as shares of the clip
_WALKERS = (ActorKind.SHOPPER, ActorKind.STAFF)
_MARGIN = 0.1


@dataclasses.dataclass(frozen=True)
class LowClip:
    """A clip, and where in it something low is at the end."""

    footage: Footage
    event: AnomalyKind
    place: Box
    """``(4,)``; empty, at the origin, in a normal clip."""


@dataclasses.dataclass(frozen=True)
class Shown:
    """In how many frames an event's behaviour was beyond its limit, by where and by what.

    ``scored`` and ``low`` are at the place of the event, by scored objects and by low things; ``elsewhere`` is false.
    """

    scored: int = 0
    low: int = 0
    elsewhere: int = 0


def low_clips(
    event: AnomalyKind, seed: int, index: int, num_frames: int, *, is_busy: bool
) -> Iterator[tuple[LowClip, LowClip]]:
    """The clip of a camera with the event, and the normal clip of the same hours that follows it.

    Unless ``is_busy``, nobody else is in the first; the second is always as busy as the hour has it.
    """
    camera = emulated_camera(seed, index)
    plans = plan_appearance_clips(camera, seed, frames_per_clip=num_frames)
    for plan, usual in zip(plans[::2], plans[1::2], strict=True):
        if plan.anomalies != (event,):
            continue
        normal = _footage(camera, usual, render_clip(camera, usual))
        if event is AnomalyKind.FALL:
            yield _fall_across(camera, plan, is_busy), LowClip(normal, event, np.zeros(4, np.float32))
        for with_bag in _with_bag(normal, is_busy):
            if event is AnomalyKind.ABANDONED_OBJECT:
                yield with_bag, LowClip(normal, event, np.zeros(4, np.float32))


def shown_in(clip: LowClip, settings: BehaviourSettings) -> Shown:
    """What a site perceives of the event's behaviour."""
    footage, behaviour = clip.footage, BEHAVIOUR_BY_EVENT[clip.event]
    site = footage.camera.site.model_copy(update={"behaviours": settings})
    view = CameraView(site, site.cameras[0], {footage.camera.state_at(footage.plan.start_utc): footage.scene})
    scored = low = elsewhere = 0
    for number, frame in enumerate(footage.clip.frames):
        seen = view.look(frame, footage.instant_s(number))
        told = [
            (box, is_low)
            for boxes, behaviours, is_low in (
                (seen.boxes, seen.behaviours, False),
                ([thing.box for thing in seen.low_things], seen.low_behaviours, True),
            )
            for box, findings in zip(boxes, behaviours, strict=True)
            if any(one.behaviour is behaviour and one.holds for one in findings)
        ]
        here = [is_low for box, is_low in told if overlaps(box[None], clip.place[None])[0, 0] > _MARGIN]
        scored, low = scored + (not all(here)), low + any(here)
        elsewhere += len(told) > len(here)
    return Shown(scored, low, elsewhere)


def _footage(camera: EmulatedCamera, plan: ClipPlan, clip: RenderedClip) -> Footage:
    usual = dataclasses.replace(plan, anomalies=(), seed=plan.seed + 1, num_frames=SCENE_FRAMES)
    return Footage(camera, plan, clip, fit_scene(render_clip(camera, usual).frames))


def _fall_across(camera: EmulatedCamera, plan: ClipPlan, is_busy: bool) -> LowClip:
    cast = cast_of(camera, plan)
    faller = next(actor for actor in cast.actors if actor.fall is not None)
    turned = tuple(_across(actor) if actor is faller else actor for actor in cast.actors if is_busy or actor is faller)
    clip = render_cast(camera, plan, dataclasses.replace(cast, actors=turned))
    track = next(track for track in clip.tracks if track.track_id == faller.track_id)
    return LowClip(_footage(camera, plan, clip), AnomalyKind.FALL, track.boxes[-1])


def _across(actor: Actor) -> Actor:
    """Somebody who falls at full length, a quarter turn from where the world has them fall."""
    if actor.fall is None:
        raise ValueError("expected somebody who falls")
    *way, last = actor.route.waypoints
    face_rad = None if last.face_rad is None else last.face_rad + math.pi / 2
    route = dataclasses.replace(actor.route, waypoints=(*way, dataclasses.replace(last, face_rad=face_rad)))
    return dataclasses.replace(actor, route=route, fall=dataclasses.replace(actor.fall, manner=Manner.ONTO_FRONT))


def _with_bag(normal: Footage, is_busy: bool) -> Iterator[LowClip]:
    """A normal clip in which a walker puts a bag down; none where nobody walks wholly in the picture then."""
    first, last = (round(share * normal.plan.num_frames) for share in _PUT_DOWN)
    rows = (
        (track, row)
        for track in normal.clip.tracks
        for row, frame in enumerate(track.frames.tolist())
        if track.kind in _WALKERS and first <= frame <= last and _is_inside(track, row)
    )
    for track, row in itertools.islice(rows, 1):
        cast = cast_of(normal.camera, normal.plan)
        owner = tuple(actor for actor in cast.actors if actor.track_id == track.track_id)
        alone = dataclasses.replace(cast, actors=owner)
        clip = normal.clip if is_busy else render_cast(normal.camera, normal.plan, alone)
        yield _bag_from(dataclasses.replace(normal, clip=clip), track, row)


def _is_inside(track: ActorTrack, row: int) -> bool:
    box = track.boxes[row]
    is_whole = (box > _MARGIN).all() and (box < 1 - _MARGIN).all() and track.seen[row] > 1 - _MARGIN
    return bool(is_whole and track.speed_m_s[row] > _MARGIN)


def _bag_from(normal: Footage, track: ActorTrack, row: int) -> LowClip:
    """Draws the bag where a walker's feet are, behind whatever hides the ground there."""
    frames, (height_px, width_px) = normal.clip.frames.copy(), normal.clip.frames.shape[1:3]
    left, top, right, bottom = track.boxes[row].tolist()
    side_px = max(4, round(BAG_SIDE * (bottom - top) * height_px))
    low_px, left_px = round(bottom * height_px), round((left + right) / 2 * width_px - side_px / 2)
    here = np.s_[low_px - side_px : low_px, left_px : left_px + side_px]
    for number in range(int(track.frames[row]), len(frames)):
        hidden = foreground(analysis_picture(grey_picture(normal.clip.frames[number])), normal.scene.background)
        frames[number][here][hidden[here] == 0] = BAG_LEVEL
    place = np.array([left_px, low_px - side_px, left_px + side_px, low_px]) / ([width_px, height_px] * 2)
    clip = dataclasses.replace(normal.clip, frames=frames)
    footage = dataclasses.replace(normal, clip=clip)
    return LowClip(footage, AnomalyKind.ABANDONED_OBJECT, place.astype(np.float32))
