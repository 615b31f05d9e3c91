"""Detector exports of every kind, and files that are none."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from model_zoo.errors import ModelFileError
from model_zoo.perception.detector import Detector, load_detector
from model_zoo.perception.object_kind import BICYCLE, OTHER, PERSON, VEHICLE
from tests.fakes import detectors
from tests.fakes.detectors import Found

SIZE = (256, 384)
EXPORTS = [detectors.cells, detectors.post_processed, detectors.queries]
Export = Callable[[tuple[int, int], Sequence[Found]], bytes]

WALKER = ((0.1, 0.2, 0.2, 0.6), 0, 0.9)
CYCLE = ((0.4, 0.5, 0.6, 0.8), 1, 0.5)
VAN = ((0.55, 0.1, 0.95, 0.45), 7, 0.7)
CHAIR = ((0.05, 0.7, 0.15, 0.95), 56, 0.3)
FAINT = ((0.75, 0.7, 0.85, 0.95), 0, 0.1)


@pytest.mark.parametrize("export", EXPORTS)
def test_objects_come_with_kind_and_the_most_confident_first(export: Export) -> None:
    detector = Detector(export(SIZE, [CHAIR, WALKER, FAINT, VAN, CYCLE]), "test", SIZE)
    found = detector.detect(np.zeros((120, 180), np.uint8))
    assert found.kind.tolist() == [PERSON, VEHICLE, BICYCLE, OTHER]
    assert found.confidence == pytest.approx([0.9, 0.7, 0.5, 0.3], abs=1e-5)
    assert found.boxes == pytest.approx(np.array([box for box, *_ in (WALKER, VAN, CYCLE, CHAIR)]), abs=1e-5)


@pytest.mark.parametrize("export", EXPORTS)
def test_of_boxes_on_one_object_the_most_confident_stays(export: Export) -> None:
    left, top, right, bottom = WALKER[0]
    again = ((left + 0.01, top, right + 0.01, bottom), 0, 0.6)
    found = Detector(export(SIZE, [again, WALKER]), "test", SIZE).detect(np.zeros((120, 180, 3), np.uint8))
    assert found.confidence == pytest.approx([0.9], abs=1e-5)


@pytest.mark.parametrize("export", EXPORTS)
def test_an_empty_picture_has_no_object(export: Export) -> None:
    found = Detector(export(SIZE, [FAINT]), "test", SIZE).detect(np.zeros((120, 180, 3), np.uint8))
    assert len(found) == 0
    assert found.boxes.shape == (0, 4)


def test_boxes_end_at_the_border() -> None:
    beyond = ((-0.1, 0.5, 0.2, 1.2), 0, 0.8)
    found = Detector(detectors.queries(SIZE, [beyond]), "test", SIZE).detect(np.zeros((120, 180), np.uint8))
    assert found.boxes == pytest.approx(np.array([[0.0, 0.5, 0.2, 1.0]]))


def test_a_box_without_numbers_is_dropped_and_takes_no_other_with_it() -> None:
    nowhere = ((np.nan, 0.2, 0.2, 0.6), 0, 0.95)
    found = Detector(detectors.queries(SIZE, [nowhere, VAN]), "test", SIZE).detect(np.zeros((120, 180), np.uint8))
    assert found.kind.tolist() == [VEHICLE]


def test_what_is_no_detector_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"detector\.onnx: cannot be read: No such file"):
        load_detector(tmp_path / "detector.onnx", (240, 360))
    with pytest.raises(ModelFileError, match="here: not an ONNX model, or damaged"):
        Detector(b"no model", "here", SIZE)
    (tmp_path / "detector.onnx").write_bytes(b"no model")
    with pytest.raises(ModelFileError, match=r"detector\.onnx: not an ONNX model, or damaged"):
        load_detector(tmp_path / "detector.onnx", (240, 360))
    strange = detectors._file([detectors._picture(SIZE)], {"depth": np.zeros((1, 4), np.float32)})
    with pytest.raises(ModelFileError, match=r"here: expected a detector like YOLOX, RT-DETR or D-FINE, got outputs"):
        Detector(strange, "here", SIZE)
    with pytest.raises(ModelFileError, match="here: the detector does not run on 96x96"):
        Detector(detectors.cells(SIZE, [WALKER]), "here", (96, 96))
