"""``python -m benchmarks.behaviours --json OUT``: who shows which behaviour in the synthetic world, and the cost."""

import json
import os
import platform
import statistics
import time
from pathlib import Path
from typing import Annotated, Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import numpy as np
import pydantic
import typer

from benchmarks.behaviours.low_clips import BEHAVIOUR_BY_EVENT, low_clips, shown_in
from benchmarks.behaviours.world_tracks import BEHAVIOUR_BY_ANOMALY, WAYS, WatchedActor, footage_with, watched_actors
from context.behaviour.settings import BehaviourSettings, DwellSettings, LeftObjectSettings
from context.site import Camera
from fl_client.inference.behaviours import BehaviourWatch, PlacedObjects, expected_units
from fl_runtime.atomic_file import write_atomically
from fl_runtime.command import run_command
from fl_runtime.config_file import load_config
from model_zoo.perception.object_kind import KINDS, OTHER, PERSON
from model_zoo.perception.perspective import DEFAULT_PERSPECTIVE
from model_zoo.perception.tubelet import CROP_SIDE, ObservedObject
from simulation.world.kinds import ActorKind, AnomalyKind

CONFIG = Path(__file__).with_name("config.yaml")
NUM_OBJECTS, NUM_COST_FRAMES, NUM_REPEATS = 20, 200, 5

_AISLE = {"name": "a", "kind": "aisle", "polygon": [[0, 0], [1, 0], [1, 1], [0, 1]], "flow_direction": [1, 0]}
_ON_WHEELS = {ActorKind.CAR, ActorKind.VAN, ActorKind.BICYCLE}
_AT_A_POST = {ActorKind.STAFF, ActorKind.GUARD}

app = typer.Typer(add_completion=False)


class BehaviourConfig(pydantic.BaseModel, strict=True, frozen=True, extra="forbid", allow_inf_nan=False):
    """The clips that behaviours are looked for in."""

    seeds: Annotated[list[int], pydantic.Field(min_length=1, description="worlds")]
    num_cameras: Annotated[int, pydantic.Field(ge=1, le=60, description="cameras of each world")]
    num_frames: Annotated[dict[str, int], pydantic.Field(description="length of a clip, by anomaly")]
    left_limit_s: Annotated[float, pydantic.Field(gt=0.0, le=3600.0, description="seconds unattended that are long")]
    dwell_limit_s: Annotated[float, pydantic.Field(gt=0.0, le=3600.0, description="seconds in a zone that are long")]


@app.command()
def main(
    json_out: Annotated[Path, typer.Option("--json", help="Result.")],
    config: Annotated[Path, typer.Option(help="Clips.")] = CONFIG,
    low_only: Annotated[bool, typer.Option("--low-only", help="Only falls and left objects.")] = False,
) -> None:
    """Counts who shows each behaviour among those who should and those who should not."""
    cv2.setNumThreads(1)
    chosen = load_config(config, BehaviourConfig)
    result: dict[str, Any] = {**_facts(chosen), "low": _low_shares(chosen)}
    if not low_only:
        result |= {"cost_ms": _cost_ms(), "shares": _shares(chosen)}
    write_atomically(json_out, (json.dumps(result, indent=2) + "\n").encode())
    typer.echo(json.dumps({name: result[name] for name in ("shares", "low") if name in result}, indent=2))
    if not low_only:
        typer.echo(f"milliseconds a frame with {NUM_OBJECTS} objects: {result['cost_ms']}")


def _low_shares(config: BehaviourConfig) -> dict[str, dict[str, str]]:
    """In how many clips each event is found at its place, and in how many another one is found."""
    settings = BehaviourSettings(left_object=LeftObjectSettings(limit_s=config.left_limit_s))
    return {
        f"{event.value}, {'busy' if is_busy else 'alone'}": _low_counts(config, settings, event, is_busy=is_busy)
        for event in BEHAVIOUR_BY_EVENT
        for is_busy in (False, True)
    }


def _low_counts(
    config: BehaviourConfig, settings: BehaviourSettings, event: AnomalyKind, *, is_busy: bool
) -> dict[str, str]:
    pairs = [
        (shown_in(clip, settings), shown_in(usual, settings))
        for seed in config.seeds
        for index in range(config.num_cameras)
        for clip, usual in low_clips(event, seed, index, config.num_frames[event.value], is_busy=is_busy)
    ]
    return {
        "found by scored objects": f"{sum(one.scored > 0 for one, _ in pairs)} of {len(pairs)}",
        "found at all": f"{sum(one.scored + one.low > 0 for one, _ in pairs)} of {len(pairs)}",
        "another in the same clip": f"{sum(one.elsewhere > 0 for one, _ in pairs)} of {len(pairs)}",
        "in a normal clip": f"{sum(usual.elsewhere > 0 for _, usual in pairs)} of {len(pairs)}",
    }


def _shares(config: BehaviourConfig) -> dict[str, dict[str, dict[str, str]]]:
    settings = BehaviourSettings(dwell=DwellSettings(limit_s=config.dwell_limit_s))
    actors: dict[tuple[str, AnomalyKind], list[WatchedActor]] = {}
    for anomaly in BEHAVIOUR_BY_ANOMALY:
        for seed in config.seeds:
            for index in range(config.num_cameras):
                footage = footage_with(anomaly, seed, index, config.num_frames[anomaly.value])
                if footage is None:
                    continue
                for name, watch in WAYS.items():
                    actors.setdefault((name, anomaly), []).extend(watched_actors(footage, settings, watch))
    return {
        name: {anomaly.value: _counts(actors[name, anomaly], anomaly) for anomaly in BEHAVIOUR_BY_ANOMALY}
        for name in WAYS
    }


def _counts(actors: list[WatchedActor], anomaly: AnomalyKind) -> dict[str, str]:
    """How many of those who did it showed its behaviour, and how many of the others."""
    behaviour = BEHAVIOUR_BY_ANOMALY[anomaly]
    usual = [one for one in actors if one.anomaly is None]
    groups = {
        "who did it": [one for one in actors if one.anomaly is anomaly],
        "others on foot": [one for one in usual if one.kind not in _ON_WHEELS | _AT_A_POST],
        "staff and guards": [one for one in usual if one.kind in _AT_A_POST],
        "cars and bicycles": [one for one in usual if one.kind in _ON_WHEELS],
    }
    return {name: f"{sum(behaviour in one.shown for one in group)} of {len(group)}" for name, group in groups.items()}


def _cost_ms() -> dict[str, float]:
    """Processor milliseconds a frame at 10 frames a second, of which every other one is looked at.

    The mean over the frames of a run, and the 95th percentile; of both the median over ``NUM_REPEATS`` runs.
    """
    camera = Camera.model_validate({"name": "c", "zones": [_AISLE]})
    frames = [_objects_at(index / 10) for index in range(NUM_COST_FRAMES)]
    means, slow = [], []
    for _ in range(NUM_REPEATS + 1):
        watch, spent_ms = BehaviourWatch(camera, BehaviourSettings()), []
        for index, placed in enumerate(frames):
            began = time.process_time()
            watch.look(placed, index / 10)
            spent_ms.append(1000 * (time.process_time() - began))
        means.append(statistics.mean(spent_ms))
        slow.append(statistics.quantiles(spent_ms, n=20)[-1])
    return {"mean": round(statistics.median(means[1:]), 3), "p95": round(statistics.median(slow[1:]), 3)}


def _objects_at(instant_s: float) -> PlacedObjects:
    """People who walk or stand in a zone with a direction; one in five of the objects is a still thing."""
    objects, boxes = [], []
    for number in range(NUM_OBJECTS):
        is_thing, walks = number % 5 == 0, number % 5 in {1, 2}
        x = 0.02 + 0.045 * number + 0.02 * instant_s * walks
        height = 0.4 if is_thing else 1.0
        motion = np.array([0.0, 0.0, 0.7 * walks, 0.1, height, 0.4, 0.0], np.float32)
        boxes.append([x - 0.02, 0.5 - 0.2 * height, x + 0.02, 0.5])
        votes = np.eye(len(KINDS))[OTHER if is_thing else PERSON]
        crop = np.zeros((CROP_SIDE, CROP_SIDE), np.uint8)
        objects.append(ObservedObject(number, np.array(boxes[-1], np.float32), crop, motion, 1, votes))
    array = np.array(boxes, np.float32)
    units = expected_units(array, DEFAULT_PERSPECTIVE, 1.5)
    return PlacedObjects(objects, array, units, np.ones(NUM_OBJECTS, np.int64))


def _facts(config: BehaviourConfig) -> dict[str, Any]:
    machine = {"machine": platform.machine(), "python": platform.python_version(), "cpus": os.cpu_count()}
    return {**machine, "config": config.model_dump()}


if __name__ == "__main__":
    run_command(app, OSError)
