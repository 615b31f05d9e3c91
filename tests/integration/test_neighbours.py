"""What cameras of one site learn from one another."""

import json
import logging
from pathlib import Path

import numpy as np
import pytest

from context.schedule import STATES
from context.site import Camera
from fl_client.inference.neighbours import FILE_NAME, leave_sums, neighbours_sums
from fl_client.inference.scorer_fitting import fit_camera
from fl_client.storage.tubelet_store import TubeletStore
from fl_client.training.normality_sums import no_kind_sums
from model_zoo.normality.features import object_features
from model_zoo.onnx_model import OnnxModel
from tests.fakes.onnx_models import drawn_model
from tests.fakes.tubelets import OPEN, WALKING, Look, drawn_block, drawn_tubelets

TILL_KIND, DOOR_KIND = 3, 1
TILL = [{"name": "T", "kind": "till", "polygon": [[0, 0], [1, 0], [1, 1]]}]
RUNNING = (4.0, 0.0, 4.0, *WALKING[3:])


@pytest.fixture
def model() -> OnnxModel:
    return OnnxModel(drawn_model(), "drawn")


def camera(site: Path, name: str, num_blocks: int, motion: tuple[float, ...]) -> TubeletStore:
    """A camera with one till, at which thirty objects a block move so."""
    store = TubeletStore(site / "cameras" / name)
    store.describe(Camera.model_validate({"name": name, "index": 1, "zones": TILL}))
    for number in range(num_blocks):
        store.append(drawn_block(30, number, look=Look(motion=motion, zone_slot=1, zone_kind=TILL_KIND)))
    return store


def test_sums_left_by_the_other_cameras_add_up_without_ones_own(tmp_path: Path, model: OnnxModel) -> None:
    stores = [camera(tmp_path, name, blocks, WALKING) for name, blocks in (("a", 1), ("b", 2), ("c", 4))]
    for store in stores:
        leave_sums(store.folder, fit_camera(model, store).seen)
    row = TILL_KIND * len(STATES) + OPEN
    for store, expected in zip(stores, (6, 5, 3), strict=True):
        sums = neighbours_sums(store.folder)
        assert sums.count[row] == sums.count.sum() == 30 * expected
        assert sums.exposure_s[row] == 60 * expected


def test_camera_with_little_footage_finds_usual_what_is_usual_at_its_neighbours(
    tmp_path: Path, model: OnnxModel
) -> None:
    young, old = camera(tmp_path, "young", 1, WALKING), camera(tmp_path, "old", 20, RUNNING)
    leave_sums(old.folder, fit_camera(model, old).seen)
    runner = object_features(drawn_tubelets(1, 99, look=Look(motion=RUNNING)).motion)
    context = np.array([len(STATES) + OPEN])
    alone = fit_camera(model, young).scorer.statistics.scores(runner, context)
    among = fit_camera(model, young, neighbours_sums(young.folder)).scorer.statistics.scores(runner, context)
    assert among[0] < alone[0] - 1.0


def test_only_camera_of_a_site_leans_on_nobody(tmp_path: Path, model: OnnxModel) -> None:
    store = camera(tmp_path, "only", 2, WALKING)
    leave_sums(store.folder, fit_camera(model, store).seen)
    np.testing.assert_array_equal(neighbours_sums(store.folder).vector, no_kind_sums().vector)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "Expecting property name"),
        (b"[1]", "list indices must be integers"),
        (json.dumps({"schema_version": 2, "sums": []}).encode(), "expected schema version 1"),
        (json.dumps({"schema_version": 1, "sums": [1.0]}).encode(), "values of normality sums"),
        (b" " * (1 << 21), "expected at most 1048576 bytes"),
    ],
)
def test_damaged_sums_of_a_neighbour_are_skipped_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes, reason: str
) -> None:
    stores = [camera(tmp_path, name, 0, WALKING) for name in ("a", "b")]
    (stores[1].folder / FILE_NAME).write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert neighbours_sums(stores[0].folder).count.sum() == 0
    (record,) = caplog.records
    assert record.message == "damaged normality sums skipped"
    assert reason in record.__dict__["reason"]


def test_sums_that_cannot_be_written_are_no_reason_to_stop(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    leave_sums(tmp_path / "absent", no_kind_sums())
    assert [record.message for record in caplog.records] == ["normality sums not left to the neighbours"]
