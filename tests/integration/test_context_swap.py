"""The context benchmark on drawn footage that shows what Ped2's clips show, when they show it."""

import json
from pathlib import Path

import numpy as np
import pytest

from model_zoo.datasets.clip import DataSet, LabelledClip
from model_zoo.errors import FootageError
from model_zoo.evaluation import context_swap
from model_zoo.evaluation.context_swap import evaluate_context_swap, swap_text
from model_zoo.evaluation.settings import EvaluationSettings
from tests.fakes.drawn_people import floor, with_person

OBJECTS = json.loads(Path(context_swap.__file__).with_name("ped2_objects.json").read_text())["clips"]
SIZE = {"bicycle": (30, 24), "cart": (50, 60), "skateboard": (30, 12)}
SETTINGS = EvaluationSettings(normality="gaussian", network=False, num_sites=2)


def clip(name: str, num_frames: int, seed: int) -> LabelledClip:
    """Two walkers to and fro, and who else is marked in the clip of Ped2 with that name, twice as fast."""
    random = np.random.default_rng([seed])
    starts = random.uniform(0, 100, 2)
    frames = []
    for index in range(num_frames):
        picture = floor()
        for start, foot in zip(starts, (42, 74), strict=True):
            picture = with_person(picture, _to_and_fro(start + 1.6 * index), foot)
        for number, one in enumerate(OBJECTS.get(name, ())):
            if one["first"] <= index <= one["last"]:
                place = _to_and_fro(40.0 * number + 4.0 * (index - one["first"]))
                picture = with_person(picture, place, 116, SIZE[one["kind"]])
        frames.append(np.clip(picture + random.normal(0, 1.5, picture.shape), 0, 255).astype(np.uint8))
    labels = np.zeros(num_frames, np.int64)
    return LabelledClip(name, frames, 10.0, labels=labels)


def _to_and_fro(way_px: float) -> float:
    return 130 - abs(130 - way_px % 260)


@pytest.fixture(scope="module")
def drawn() -> DataSet:
    training = tuple(clip(f"train{number}", 60, number) for number in range(6))
    return DataSet("drawn", training, tuple(clip(name, 180, 100 + int(name)) for name in OBJECTS))


def test_knowing_the_context_is_right_both_times_where_a_blind_model_cannot_be(drawn: DataSet) -> None:
    said: list[str] = []
    figures = evaluate_context_swap(drawn, SETTINGS, said.append)
    conditioned, blind = figures["conditioned"], figures["blind"]
    assert blind["swap_auc"] == 0.5
    assert figures["swap_auc"] == conditioned["swap_auc"] > 0.8
    assert conditioned["union_auc"] > blind["union_auc"] + 0.1
    assert len(figures["rotations"]) == 3
    teachers = [set(rotation["taught_by"]) for rotation in figures["rotations"]]
    assert set.union(*teachers) == {"01", "02", "03", "05", "06", "09", "10"}, "only bicycles are in these"
    assert not set.intersection(*teachers)
    means = [rotation["conditioned"]["union_auc"] for rotation in figures["rotations"]]
    assert conditioned["union_auc"] == pytest.approx(np.mean(means))
    assert f"{100 * conditioned['union_auc']:.1f}" in swap_text(figures)
    assert said[-1] == "rotation 3 of 3"


def test_other_footage_is_refused(drawn: DataSet) -> None:
    few = DataSet("few", drawn.training, drawn.testing[:3])
    with pytest.raises(FootageError, match=r"^expected the 12 test clips of UCSD Ped2, got 01, 02, 03$"):
        evaluate_context_swap(few, SETTINGS, print)
