"""Watching an emulated site's training footage: what its client would have learned over weeks, in seconds."""

import dataclasses
import datetime as dt
import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from context.context_vector import moment_at
from context.schedule import OperationalState
from fl_client.inference.learning import BlockBuilder, save_scenes
from fl_client.inference.perceived import CameraView, Perceived
from fl_client.storage.tubelet_store import HELD_OUT_EVERY, TubeletStore
from model_zoo.perception.background import Picture, analysis_picture, fit_background, grey_picture
from model_zoo.perception.perspective import fit_perspective
from model_zoo.perception.scene import Scene, upright_boxes
from simulation.footage import Clip, SiteFootage

SCENE_FRAMES_PER_CLIP = 40


@dataclasses.dataclass(frozen=True)
class PreparedSite:
    """Facts on one prepared site."""

    num_frames: int
    num_tubelets: int


def prepare_site(footage: SiteFootage, state_dir: Path) -> PreparedSite:
    """Learns scenes and stores tubelets of one site, as its client would.

    Where the footage has validation clips these are held out; otherwise the last quarter of every training clip.
    """
    site, camera = footage.site, footage.site.cameras[0]
    folder = state_dir / "cameras" / camera.name
    scenes = fit_scenes(footage)
    save_scenes(folder, scenes)
    store = TubeletStore(folder)
    store.describe(camera)
    view = CameraView(site, camera, scenes)
    num_frames = num_tubelets = 0
    for number, seen in _blocks(view, footage):
        builder = BlockBuilder(block_s=float("inf"))
        for one in seen:
            builder.add(one, np.ones(len(one.tubelets), dtype=np.bool_))
        block = builder.take()
        num_frames += len(seen)
        if block is not None:
            num_tubelets += len(block.tubelets)
            store.append(block, number)
    return PreparedSite(num_frames, num_tubelets)


def _blocks(view: CameraView, footage: SiteFootage) -> Iterator[tuple[int, list[Perceived]]]:
    """What was perceived, with the number of the block it belongs to: the number decides what is held out."""
    if not footage.validation:
        quarters = (quarter for clip in footage.training for quarter in _quarters(list(watch(view, clip))))
        yield from enumerate(quarters)
        return
    for clips, is_held_out in ((footage.training, False), (footage.validation, True)):
        for number, clip in zip(_block_numbers(is_held_out=is_held_out), clips, strict=False):
            yield number, list(watch(view, clip))


def fit_scenes(footage: SiteFootage) -> dict[OperationalState, Scene]:
    """One background per operational state, one perspective for all."""
    pictures: dict[OperationalState, list[Picture]] = {}
    for clip in footage.training:
        state = moment_at(footage.site, dt.datetime.fromtimestamp(clip.start_s, dt.UTC)).state
        frames = [analysis_picture(grey_picture(frame)) for frame in clip.open().frames]
        stride = max(1, len(frames) // SCENE_FRAMES_PER_CLIP)
        pictures.setdefault(state, []).extend(frames[::stride])
    backgrounds = {state: fit_background(frames) for state, frames in pictures.items()}
    boxes = [upright_boxes(frames, backgrounds[state]) for state, frames in pictures.items()]
    perspective = fit_perspective(np.concatenate(boxes))
    return {state: Scene(background, perspective) for state, background in backgrounds.items()}


def watch(view: CameraView, clip: Clip) -> Iterator[Perceived]:
    """Looks at a clip's frames, as if nothing had been seen before it."""
    view.reset()
    for index, frame in enumerate(clip.open().frames):
        yield view.look(frame, clip.start_s + index / clip.fps)


def _quarters(seen: list[Perceived]) -> list[list[Perceived]]:
    edges = [round(len(seen) * part / HELD_OUT_EVERY) for part in range(HELD_OUT_EVERY + 1)]
    return [seen[first:last] for first, last in itertools.pairwise(edges)]


def _block_numbers(*, is_held_out: bool) -> Iterator[int]:
    """Block numbers that the store holds out from training, or trains on."""
    for number in range(10**6):
        if (number % HELD_OUT_EVERY == HELD_OUT_EVERY - 1) == is_held_out:
            yield number
