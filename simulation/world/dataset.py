"""Writes footage to disk: the Ped2 layout with labels that also say what, where and when."""

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import cv2
import yaml

from simulation.world.actor_labels import track_labels
from simulation.world.behaviour import cast_of
from simulation.world.camera import EmulatedCamera
from simulation.world.clip import ClipPlan, Frames, RenderedClip
from simulation.world.errors import OutputFolderError
from simulation.world.footage_plan import FootagePlan
from simulation.world.render import render_clip

_NORMAL_PARTS = ("training", "validation")
_NOTE = (
    "clips: testing/frames; training: training/frames, all normal. anomalous: inclusive 0-based [first, last] frames; "
    "boxes: one for each of those frames, xyxy as fractions of the frame"
)
_TRACKS_NOTE = (
    "tracks: everybody in a clip; frames, boxes, seen (share of it) and speed_m_s have an entry for each frame that "
    "shows any of it; usual_in and wrong_in: states in which the same actor on the same way is usual, or wrong"
)
_JPEG_QUALITY = 92


def clip_labels(part: str, camera: EmulatedCamera, plan: ClipPlan, clip: RenderedClip) -> dict[str, Any]:
    """What ``labels.json`` says of one clip."""
    cast = cast_of(camera, plan)
    return {
        "frames": len(clip.frames),
        "anomalous": [[truth.first_frame, truth.last_frame] for truth in clip.truth],
        "part": part,
        "fps": plan.fps,
        "start_utc": plan.start_utc.isoformat(),
        "anomalies": [
            {
                "kind": truth.kind.value,
                "track": truth.track_id,
                "anomalous": [truth.first_frame, truth.last_frame],
                "boxes": [[round(float(side), 5) for side in box] for box in truth.boxes],
            }
            for truth in clip.truth
        ],
        "start_local": camera.local_time(plan.start_utc).isoformat(),
        "state": camera.state_at(plan.start_utc).value,
        "tracks": [track_labels(track, cast, camera.ground_plan) for track in clip.tracks],
    }


def _write_frames(folder: Path, frames: Frames) -> None:
    folder.mkdir(parents=True)
    digits = max(3, len(str(len(frames) - 1)))
    for number, frame in enumerate(frames):
        path = folder / f"{number:0{digits}d}.jpg"
        if not cv2.imwrite(str(path), frame, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]):
            raise OSError(f"could not write {path.name}")


def _fill(folder: Path, camera: EmulatedCamera, plan: FootagePlan) -> None:
    labels: dict[str, dict[str, Any]] = {"training": {}, "testing": {}}
    for part, plans in plan.parts.items():
        side = "training" if part in _NORMAL_PARTS else "testing"
        for clip_plan in plans:
            name = f"{len(labels[side]) + 1:02d}"
            clip = render_clip(camera, clip_plan)
            _write_frames(folder / side / "frames" / name, clip.frames)
            labels[side][name] = clip_labels(part, camera, clip_plan, clip)
    described = {
        "note": _NOTE,
        "clips": labels["testing"],
        "training": labels["training"],
        "tracks_note": _TRACKS_NOTE,
        "zones": [zone.model_dump(mode="json") for zone in camera.site.cameras[0].zones],
    }
    (folder / "labels.json").write_text(json.dumps(described, indent=1) + "\n", encoding="utf-8")
    text = yaml.safe_dump(camera.site.model_dump(mode="json"), sort_keys=False)
    (folder / "site.yaml").write_text(text, encoding="utf-8")


def write_dataset(root: Path, camera: EmulatedCamera, plan: FootagePlan) -> None:
    """Renders all clips of a plan into a new folder; it appears only when complete.

    ``training/frames/NN/FFF.jpg`` holds the training and validation clips, ``testing/frames`` the testing, feedback and
    held-out ones; ``labels.json`` describes both, with everybody in every frame; ``site.yaml`` is the site description.

    Raises:
        OutputFolderError: ``root`` is a file or a folder that is not empty.
        OSError: the disk cannot be written.
    """
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise OutputFolderError(f"{root}: expected a new or empty folder")
    root.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{root.name}.", dir=root.parent))
    try:
        unfinished.chmod(0o755)
        _fill(unfinished, camera, plan)
        os.replace(unfinished, root)  # noqa: PTH105  # replaces an empty folder, too
    except BaseException:
        shutil.rmtree(unfinished)
        raise
