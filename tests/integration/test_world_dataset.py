"""Datasets on disk: a round trip, refusal of used folders, and the same bytes from another process."""

import dataclasses
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from context.site import Site
from simulation.world import (
    APPEARANCE_KINDS,
    OutputFolderError,
    emulated_camera,
    plan_appearance_clips,
    plan_footage,
    render_clip,
    write_dataset,
)

_DIGEST = """
import hashlib
from simulation.world import emulated_camera, plan_footage, render_clip
camera = emulated_camera(4, 1)
clip = render_clip(camera, plan_footage(camera, 4, frames_per_clip=3).testing[1])
print(hashlib.sha256(clip.frames.tobytes()).hexdigest())
"""


def test_another_process_renders_the_same_bytes() -> None:
    camera = emulated_camera(4, 1)
    clip = render_clip(camera, plan_footage(camera, 4, frames_per_clip=3).testing[1])
    other = subprocess.run([sys.executable, "-c", _DIGEST], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == hashlib.sha256(clip.frames.tobytes()).hexdigest()


def test_dataset_is_read_back_as_planned(tmp_path: Path) -> None:
    camera = emulated_camera(0, 2)
    plan = plan_footage(camera, 0, frames_per_clip=12, fps=1.5)
    write_dataset(tmp_path / "street", camera, plan)
    assert [path.name for path in tmp_path.iterdir()] == ["street"]
    labels = json.loads((tmp_path / "street" / "labels.json").read_text())
    planned = (*plan.testing, *plan.feedback, *plan.held_out)
    assert [clip["start_utc"] for clip in labels["clips"].values()] == [clip.start_utc.isoformat() for clip in planned]
    assert len(labels["training"]) == len(plan.training) + len(plan.validation)
    for name, clip_plan in zip(labels["clips"], planned, strict=True):
        clip, described = render_clip(camera, clip_plan), labels["clips"][name]
        assert described["anomalous"] == [[truth.first_frame, truth.last_frame] for truth in clip.truth]
        assert [anomaly["kind"] for anomaly in described["anomalies"]] == [str(truth.kind) for truth in clip.truth]
        for anomaly, truth in zip(described["anomalies"], clip.truth, strict=True):
            assert np.allclose(anomaly["boxes"], truth.boxes, atol=1e-4)
        paths = sorted((tmp_path / "street" / "testing" / "frames" / name).iterdir())
        assert [path.name for path in paths] == [f"{number:03d}.jpg" for number in range(12)]
        frame = cv2.imread(str(paths[5]))
        assert frame is not None
        assert np.abs(frame.astype(int) - clip.frames[5]).mean() < 4
    described_site = yaml.safe_load((tmp_path / "street" / "site.yaml").read_text())
    assert Site.model_validate_json(json.dumps(described_site)) == camera.site


def test_clips_of_what_only_looks_wrong_are_written_as_testing_clips(tmp_path: Path) -> None:
    camera = emulated_camera(0, 4)
    plan = plan_footage(camera, 0, frames_per_clip=3, fps=1.0)
    odd = plan_appearance_clips(camera, 0, frames_per_clip=18, fps=2.0)
    write_dataset(tmp_path / "parking", camera, dataclasses.replace(plan, testing=odd))
    labels = json.loads((tmp_path / "parking" / "labels.json").read_text())
    clips = list(labels["clips"].values())[: len(odd)]
    assert {clip["part"] for clip in clips} == {"testing"}
    for wrong, normal, planned in zip(clips[0::2], clips[1::2], odd[0::2], strict=True):
        assert [anomaly["kind"] for anomaly in wrong["anomalies"]] == [str(planned.anomalies[0])]
        (first, last) = wrong["anomalous"][0]
        assert 0 < first <= last < 18
        assert len(wrong["anomalies"][0]["boxes"]) == last - first + 1
        assert normal["anomalous"] == normal["anomalies"] == []


def test_command_writes_them_when_asked(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "simulation.world", str(tmp_path / "out"), "--appearance"]
    subprocess.run(command, capture_output=True, text=True, check=True)
    labels = json.loads((tmp_path / "out" / "labels.json").read_text())
    everyday = plan_footage(emulated_camera(0, 0), 0)
    tested = [clip for clip in labels["clips"].values() if clip["part"] == "testing"]
    kinds = {anomaly["kind"] for clip in tested for anomaly in clip["anomalies"]}
    assert len(tested) == len(everyday.testing) + 2 * len(APPEARANCE_KINDS)
    assert {*APPEARANCE_KINDS} <= kinds


def test_used_folder_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("mine")
    camera = emulated_camera(0, 0)
    with pytest.raises(OutputFolderError, match="expected a new or empty folder"):
        write_dataset(tmp_path, camera, plan_footage(camera, 0))
    assert [path.name for path in tmp_path.iterdir()] == ["note.txt"]


def test_command_names_the_cause_in_one_line_and_exits_with_two(tmp_path: Path) -> None:
    used = tmp_path / "file"
    used.write_text("mine")
    command = [sys.executable, "-m", "simulation.world", str(used)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert run.stderr == f"error: {used}: expected a new or empty folder\n"
    assert run.stdout == ""
