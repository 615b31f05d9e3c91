"""Perception, statistics and calibration on real footage, against its frame labels."""

import json
import pathlib

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from model_zoo.calibration import fit_calibration
from model_zoo.evaluation.frame_auc import frame_scores, micro_auc
from model_zoo.normality.features import NUM_FEATURES, Features, object_features
from model_zoo.normality.intensity import NormalitySums, fit_intensity
from model_zoo.perception.background import Picture
from model_zoo.perception.collector import TubeletCollector
from model_zoo.perception.perceiver import Perceiver
from model_zoo.perception.scene import Scene, fit_scene
from model_zoo.perception.tubelet import ANALYSIS_FPS

PED2 = pathlib.Path(__file__).parents[2] / "../shared/data/ped2"

pytestmark = pytest.mark.skipif(not PED2.is_dir(), reason="UCSD Ped2 is not beside the project")


def clip_pictures(part: str, name: str) -> list[Picture]:
    paths = sorted((PED2 / part / "frames" / name).glob("*.jpg"))
    return [np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), np.uint8) for path in paths]


def clip_features(scene: Scene, pictures: list[Picture]) -> tuple[npt.NDArray[np.int64], Features]:
    """Frame and features of every object that is old enough."""
    perceiver, collector = Perceiver(scene), TubeletCollector()
    frames, motion = [], []
    for index, picture in enumerate(pictures):
        collector.update(perceiver.update(picture, index / ANALYSIS_FPS))
        windows = collector.latest()
        frames += [index] * len(windows)
        motion += [window.motion for window in windows]
    return np.array(frames), object_features(np.array(motion))


def test_statistics_of_normal_walkers_tell_anomalous_frames_from_normal_ones() -> None:
    training = {name: clip_pictures("training", name) for name in ("01", "03", "05", "07", "09", "11", "13", "15")}
    scene = fit_scene([picture for pictures in training.values() for picture in pictures])
    assert scene.perspective.expected_height(np.array([0.5, 0.9])) * 240 == pytest.approx([28.6, 40.8], rel=0.15)
    sums, held_out = NormalitySums.zeros(1, NUM_FEATURES), []
    for index, pictures in enumerate(training.values()):
        _, features = clip_features(scene, pictures)
        if index % 2:
            held_out.append(features)
        else:
            sums = sums.observe(features, np.zeros(len(features), np.int64)).watched(0, len(pictures) / ANALYSIS_FPS)
    intensity, normal = fit_intensity(sums), np.concatenate(held_out)
    here = np.zeros(len(normal), np.int64)
    calibration = fit_calibration(intensity.scores(normal, here), here, 1)
    clips = []
    for name, truth in json.loads((PED2 / "labels.json").read_text())["clips"].items():
        frames, features = clip_features(scene, clip_pictures("testing", name))
        here = np.zeros(len(features), np.int64)
        surprise = calibration.surprise(intensity.scores(features, here), here)
        labels = np.zeros(truth["frames"], np.int64)
        for first, last in truth["anomalous"]:
            labels[first : last + 1] = 1
        clips.append((labels, frame_scores(len(labels), frames, surprise)))
    assert micro_auc(clips) > 0.82
