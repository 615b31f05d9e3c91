"""Objects in one picture, by an ONNX object detector.

Three kinds of export are read, told apart by their outputs:

* YOLOX: one output ``(1, A, 5 + C)``, offsets within the cells of three grids, objectness and class shares.
* RT-DETR and D-FINE with their post-processing inside: ``labels``, ``boxes``, ``scores`` and a second input for the
  picture's size.
* DETR-like without: ``logits (1, Q, C)`` and ``pred_boxes (1, Q, 4)``.

Letters in shapes: A cells, C classes, Q queries, N detections.

Source:
    YOLOX: Ge et al., 2021. https://arxiv.org/abs/2107.08430
    RT-DETR: Zhao et al., 2023. https://arxiv.org/abs/2304.08069
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime

from model_zoo.errors import ModelFileError
from model_zoo.onnx_file import open_session, read_model_file
from model_zoo.perception.background import Frame
from model_zoo.perception.object_kind import BICYCLE, OTHER, PERSON, VEHICLE, Kinds
from model_zoo.perception.perspective import Boxes

Floats = npt.NDArray[np.float32]
Outputs = dict[str, npt.NDArray[np.generic]]

MIN_CONFIDENCE = 0.15
MAX_DETECTIONS = 128
MAX_FILE_BYTES = 512 * 1024 * 1024

_KIND_OF_COCO = {0: PERSON, 1: BICYCLE, 2: VEHICLE, 3: VEHICLE, 5: VEHICLE, 6: VEHICLE, 7: VEHICLE}
_STRIDES = (8, 16, 32)
_MAX_NMS_OVERLAP = 0.6
_MAX_LOG_SIDE = 8.0
_MIN_WIDTH_PX, _MAX_WIDTH_PX = 128, 1920


@dataclasses.dataclass(frozen=True)
class Detections:
    """Boxes of one picture, the most confident first."""

    boxes: Boxes  # (N, 4)
    confidence: Floats  # (N,)
    kind: Kinds  # (N,) index into KINDS

    def __len__(self) -> int:
        return len(self.boxes)

    def select(self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> "Detections":
        """The detections at ``rows`` (indices or mask), in that order."""
        return Detections(self.boxes[rows], self.confidence[rows], self.kind[rows])


class Detector:
    """A loaded detector for pictures of one shape; holds no state between calls."""

    def __init__(self, model_bytes: bytes, origin: str, input_size: tuple[int, int], num_threads: int = 1) -> None:
        """Loads a detector and runs it once, so that a file that cannot run is refused here.

        Args:
            model_bytes: The file.
            origin: Where it came from, for error messages.
            input_size: Height and width the picture is scaled to.
            num_threads: Threads of ONNX Runtime.

        Raises:
            ModelFileError: The file is damaged, no detector that is known here, or does not run at this size.
        """
        self._height_px, self._width_px = input_size
        self._session = open_session(model_bytes, origin, num_threads)
        self._read, self._prepare = _layout_of(self._session, origin)
        self._inputs = [value.name for value in self._session.get_inputs()]
        self._outputs = [value.name for value in self._session.get_outputs()]
        try:
            self.detect(np.zeros((self._height_px, self._width_px, 3), np.uint8))
        except Exception as error:  # ONNX Runtime raises a class of its own for every way to fail
            raise ModelFileError(
                f"{origin}: the detector does not run on {self._width_px}x{self._height_px}"
            ) from error

    def detect(self, frame: Frame, min_confidence: float = MIN_CONFIDENCE) -> Detections:
        """Finds objects of all classes.

        Args:
            frame: ``(H, W)`` grey or ``(H, W, 3)`` BGR, uint8.
            min_confidence: Least confidence of a detection, in ``(0, 1)``.
        """
        colour = cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR) if frame.ndim == 2 else frame
        picture = cv2.resize(colour, (self._width_px, self._height_px), interpolation=cv2.INTER_LINEAR)
        size = (self._height_px, self._width_px)
        feed = dict(zip(self._inputs, self._prepare(np.asarray(picture, np.uint8)), strict=True))
        outputs = dict(zip(self._outputs, self._session.run(None, feed), strict=True))
        boxes, shares = self._read(outputs, size)
        return _strongest(boxes, shares, min_confidence)


Reader = Callable[[Outputs, tuple[int, int]], tuple[Floats, Floats]]
"""From outputs and input size to boxes ``(A, 4)`` in fractions and shares of all classes ``(A, C)``."""
Preparer = Callable[[npt.NDArray[np.uint8]], tuple[npt.NDArray[np.generic], ...]]


def _layout_of(session: onnxruntime.InferenceSession, origin: str) -> tuple[Reader, Preparer]:
    outputs = {value.name: value.shape for value in session.get_outputs()}
    num_inputs = len(session.get_inputs())
    if set(outputs) == {"labels", "boxes", "scores"} and num_inputs == 2:
        return _read_post_processed, _rgb_and_size
    if {"logits", "pred_boxes"} <= set(outputs) and num_inputs == 1:
        return _read_queries, _rgb
    if len(outputs) == 1 and num_inputs == 1 and len(next(iter(outputs.values()))) == 3:
        return _read_cells, _bgr
    raise ModelFileError(f"{origin}: expected a detector like YOLOX, RT-DETR or D-FINE, got outputs {sorted(outputs)}")


def _bgr(picture: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.generic], ...]:
    return (picture.transpose(2, 0, 1)[None].astype(np.float32),)


def _rgb(picture: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.generic], ...]:
    return (picture[..., ::-1].transpose(2, 0, 1)[None].astype(np.float32) / np.float32(255),)


def _rgb_and_size(picture: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.generic], ...]:
    height, width = picture.shape[:2]
    return (*_rgb(picture), np.array([[width, height]], np.int64))


def _read_cells(outputs: Outputs, size: tuple[int, int]) -> tuple[Floats, Floats]:
    cells = next(iter(outputs.values()))[0].astype(np.float32)  # (A, 5 + C)
    corner, stride = _cells(size)
    centre = (cells[:, :2] + corner) * stride
    side = np.exp(np.minimum(cells[:, 2:4], _MAX_LOG_SIDE)) * stride
    boxes = np.concatenate([centre - side / 2, centre + side / 2], axis=1) / _corner_scale(size)
    return np.asarray(boxes, np.float32), np.asarray(cells[:, 4:5] * cells[:, 5:], np.float32)


def _cells(size: tuple[int, int]) -> tuple[Floats, Floats]:
    """Left top corner in cells ``(A, 2)`` and side in pixels ``(A, 1)`` of every cell."""
    corners, strides = [], []
    for stride in _STRIDES:
        rows, columns = np.mgrid[: size[0] // stride, : size[1] // stride]
        corners.append(np.stack([columns.ravel(), rows.ravel()], axis=1))
        strides.append(np.full((rows.size, 1), stride))
    return np.concatenate(corners).astype(np.float32), np.concatenate(strides).astype(np.float32)


def _read_post_processed(outputs: Outputs, size: tuple[int, int]) -> tuple[Floats, Floats]:
    labels, boxes, scores = (outputs[name][0] for name in ("labels", "boxes", "scores"))
    shares = np.zeros((len(labels), int(labels.max(initial=0)) + 1), np.float32)
    shares[np.arange(len(labels)), labels.astype(np.int64)] = scores
    return np.asarray(boxes / _corner_scale(size), np.float32), shares


def _read_queries(outputs: Outputs, size: tuple[int, int]) -> tuple[Floats, Floats]:
    del size  # boxes are fractions already
    logits, boxes = (outputs[name][0].astype(np.float32) for name in ("logits", "pred_boxes"))
    centre, side = boxes[:, :2], boxes[:, 2:]
    corners = np.concatenate([centre - side / 2, centre + side / 2], axis=1)
    return corners, np.asarray(1.0 / (1.0 + np.exp(-logits)), np.float32)


def _corner_scale(size: tuple[int, int]) -> Floats:
    height, width = size
    return np.array([width, height, width, height], np.float32)


def _strongest(boxes: Floats, shares: Floats, min_confidence: float) -> Detections:
    """Drops what is no box, not confident, or mostly covered by something more confident."""
    confidence = shares.max(axis=1, initial=0.0)
    rows = np.flatnonzero((confidence > min_confidence) & np.isfinite(boxes).all(axis=1))  # NaN would drop others, too
    corners = np.clip(boxes[rows], 0.0, 1.0)
    sized = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
    kept = cv2.dnn.NMSBoxes(sized.tolist(), confidence[rows].tolist(), min_confidence, _MAX_NMS_OVERLAP)
    best = np.asarray(kept, np.int64).ravel()[:MAX_DETECTIONS]
    kind = [_KIND_OF_COCO.get(int(index), OTHER) for index in shares[rows[best]].argmax(axis=1)]
    return Detections(corners[best], confidence[rows[best]], np.array(kind, np.int64))


def load_detector(path: Path, picture_size: tuple[int, int], width_px: int | None = None) -> Detector:
    """Loads a detector for pictures of one size.

    A convolutional export (YOLOX) is run at any size: a small picture scaled up shows people the detector would
    overlook, at a cost that grows with the square of the width.

    Args:
        path: ONNX file.
        picture_size: Height and width of the pictures to come; the input keeps their proportions.
        width_px: Width to scale to; the file's own input size, proportions included, when absent.

    Raises:
        ModelFileError: The file is missing, too large, damaged, no detector that is known here, or does not run.
        ValueError: ``width_px`` is less than 128 or more than 1920.
    """
    model_bytes, input_size = _sized(read_model_file(path, MAX_FILE_BYTES), str(path), picture_size, width_px)
    return Detector(model_bytes, str(path), input_size)


@dataclasses.dataclass(frozen=True)
class DetectorFile:
    """A detector to be run, before the size of the pictures is known."""

    path: Path
    width_px: int | None = None
    """As for ``load_detector``."""
    every: int = 1
    """Frames from detection to detection."""

    def open(self, picture_size: tuple[int, int]) -> Detector:
        """Loads it for pictures of these proportions; raises as ``load_detector``."""
        return load_detector(self.path, picture_size, self.width_px)


def _sized(
    model_bytes: bytes, origin: str, picture_size: tuple[int, int], width_px: int | None
) -> tuple[bytes, tuple[int, int]]:
    """The model with its picture sizes left open, and the size to run it at."""
    import onnx

    try:
        model = onnx.load_from_string(model_bytes)
        channels_height_width = [dimension.dim_value for dimension in model.graph.input[0].type.tensor_type.shape.dim]
    except Exception as error:  # protobuf raises a class of its own
        raise ModelFileError(f"{origin}: not an ONNX model, or damaged") from error
    if len(channels_height_width) != 4:
        raise ModelFileError(f"{origin}: expected a picture (1, 3, H, W) as first input")
    if width_px is None:
        height, width = channels_height_width[2:]
        if not height or not width:
            raise ModelFileError(f"{origin}: takes pictures of any size; expected a width to run it at")
        return model_bytes, (height, width)
    if not _MIN_WIDTH_PX <= width_px <= _MAX_WIDTH_PX:
        raise ValueError(f"expected a width from {_MIN_WIDTH_PX} to {_MAX_WIDTH_PX} px, got {width_px}")
    cell = _STRIDES[-1]
    width = cell * round(width_px / cell)
    height = max(cell, cell * round(width * picture_size[0] / picture_size[1] / cell))
    for value in (*model.graph.input, *model.graph.output):
        for dimension in value.type.tensor_type.shape.dim[1 if value in model.graph.output else 2 :]:
            dimension.Clear()
    return model.SerializeToString(), (height, width)
