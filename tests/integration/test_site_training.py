"""One round at one site: what is trained on, and that a site without footage says so."""

from pathlib import Path

import numpy as np
import pytest

from context.schedule import OperationalState
from context.site import Camera
from fl_client.errors import StateError
from fl_client.inference.learning import save_scenes
from fl_client.storage.tubelet_store import HELD_OUT_EVERY, LABELS, TubeletStore
from fl_client.training.normality_sums import fleet_sums
from fl_client.training.site_training import Assignment, evaluate_site, train_site, training_footage
from model_zoo.architecture import NumSteps
from model_zoo.backbones.film_lstm import FilmLstmShape
from model_zoo.backbones.parameters import initial_parameters
from model_zoo.perception.perspective import Perspective
from model_zoo.perception.scene import Scene
from tests.fakes.cutouts import striped_scene
from tests.fakes.tubelets import OPEN, Look, drawn_block, drawn_tubelets

TILL = Camera.model_validate(
    {"name": "c", "index": 7, "zones": [{"name": "T", "kind": "till", "polygon": [[0, 0], [1, 0], [1, 1]]}]}
)
AT_TILL = Look(zone_slot=1, zone_kind=3)


def assignment(round_number: int = 1) -> Assignment:
    shape = FilmLstmShape()
    return Assignment(initial_parameters(shape, 0), round_number, seed=4, num_steps=1, shape=shape)


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    """A site with one camera: 6 tubelets to train on, 2 held out."""
    store = TubeletStore(tmp_path / "cameras" / "c")
    store.describe(TILL)
    for number in range(HELD_OUT_EVERY):
        store.append(drawn_block(2, number, look=AT_TILL))
    return tmp_path


def store_of(state_dir: Path) -> TubeletStore:
    return TubeletStore(state_dir / "cameras" / "c")


@pytest.mark.parametrize(("is_held_out", "what"), [(False, "training"), (True, "held-out")])
def test_site_without_footage_says_so(tmp_path: Path, is_held_out: bool, what: str) -> None:
    with pytest.raises(StateError) as error:
        training_footage(tmp_path, 12, is_held_out=is_held_out)
    assert str(error.value) == f"{tmp_path}: no {what} tubelets yet"


def test_training_sees_labelled_tubelets_and_evaluation_only_what_was_held_out(state_dir: Path) -> None:
    store_of(state_dir).keep_pending("alert", drawn_tubelets(3, 9))
    store_of(state_dir).label("alert", "confirmed")
    (training,), (held_out,) = (training_footage(state_dir, 12, is_held_out=flag) for flag in (False, True))
    assert sorted(training.tubelets.label.tolist()) == [0] * 6 + [LABELS["confirmed"]] * 3
    assert held_out.tubelets.label.tolist() == [0, 0]
    assert (training.camera_index, training.zone_kinds.tolist()) == (7, [0, 3])


@pytest.mark.parametrize("num_steps", [8, 16])
def test_footage_is_cut_to_the_steps_that_the_network_looks_at(state_dir: Path, num_steps: NumSteps) -> None:
    (whole,) = training_footage(state_dir, 16, is_held_out=False)
    (cut,) = training_footage(state_dir, num_steps, is_held_out=False)
    np.testing.assert_array_equal(cut.tubelets.crops, whole.tubelets.crops[:, -num_steps:])
    np.testing.assert_array_equal(cut.tubelets.motion, whole.tubelets.motion[:, -num_steps:])


def test_empty_scenes_come_with_the_footage_by_state(state_dir: Path) -> None:
    scene = Scene(striped_scene(), Perspective(0.5, 0.0))
    save_scenes(store_of(state_dir).folder, {OperationalState.OPEN: scene})
    (footage,) = training_footage(state_dir, 12, is_held_out=False)
    np.testing.assert_array_equal(footage.backgrounds[OPEN], scene.background)
    assert list(footage.backgrounds) == [OPEN]


def test_update_is_local_minus_global_and_the_same_for_the_same_assignment(state_dir: Path) -> None:
    first, second, later = (train_site(state_dir, assignment(number)) for number in (1, 1, 2))
    assert all(first.update[name].tobytes() == second.update[name].tobytes() for name in first.update)
    assert any(not np.array_equal(first.update[name], later.update[name]) for name in first.update)
    assert 0 < max(float(np.abs(array).max()) for array in first.update.values()) < 0.1
    assert first.num_examples == 6
    assert first.loss == pytest.approx(np.log(2), abs=0.2)


def test_fleet_sums_count_training_blocks_by_zone_kind_and_state(state_dir: Path) -> None:
    sums = fleet_sums(state_dir)
    till, outside = 3 * 5 + OPEN, OPEN
    assert sums.count.tolist() == [6.0 if context == till else 0.0 for context in range(len(sums.count))]
    assert np.nonzero(sums.exposure_s)[0].tolist() == [outside, till]
    assert sums.exposure_s[till] == 60.0 * 3


def test_evaluation_reports_what_was_held_out(state_dir: Path) -> None:
    report = evaluate_site(state_dir, assignment())
    assert report.num_examples == 2
    assert 0.0 <= report.auc <= 1.0
