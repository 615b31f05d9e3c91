"""Keypoints of one person, by an ONNX pose model that looks at the person's crop.

Pictures go in as ``(1, 3, H, W)``, RGB, normalised as ImageNet is. Two kinds of export are read, told apart by their
outputs for the 17 keypoints of COCO:

* SimCC (RTMPose): ``(1, 17, s W)`` and ``(1, 17, s H)``, for each keypoint a curve along each axis.
* Heatmaps (ViTPose, HRNet): one output ``(1, 17, h, w)``.

Letters in shapes: K keypoints, H and W input size, h and w heatmap size, s steps a pixel.

Source:
    RTMPose: Jiang et al., 2023. https://arxiv.org/abs/2303.07399
    SimCC: Li et al., 2022. https://arxiv.org/abs/2107.03332
    ViTPose: Xu et al., 2022. https://arxiv.org/abs/2204.12484
"""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime

from model_zoo.errors import ModelFileError
from model_zoo.onnx_file import open_session, read_model_file
from model_zoo.perception.background import Frame
from model_zoo.perception.tubelet import Box

Keypoints = npt.NDArray[np.float32]  # (K, 3) x right and y down in heights of the picture, confidence
Curves = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]  # (K, columns), (K, rows)

NUM_KEYPOINTS = 17
MAX_FILE_BYTES = 512 * 1024 * 1024

_MARGIN = 1.25
_MEAN, _DEVIATION = np.array([[123.675, 116.28, 103.53], [58.395, 57.12, 57.375]], np.float32)
_SIDE_BOUNDS_PX = (32, 1024)


class PoseModel:
    """A loaded pose model; holds no state between calls."""

    def __init__(self, model_bytes: bytes, origin: str, num_threads: int = 1) -> None:
        """Loads a pose model and runs it once, so that a file that cannot run is refused here.

        Args:
            model_bytes: The file.
            origin: Where it came from, for error messages.
            num_threads: Threads of ONNX Runtime.

        Raises:
            ModelFileError: The file is damaged, no pose model that is known here, or does not run.
        """
        self._session = open_session(model_bytes, origin, num_threads)
        self._height_px, self._width_px = _input_size(self._session, origin)
        self._input = self._session.get_inputs()[0].name
        try:
            outputs = self._run(np.zeros((self._height_px, self._width_px, 3), np.uint8))
        except Exception as error:  # ONNX Runtime raises a class of its own for every way to fail
            raise ModelFileError(f"{origin}: the pose model does not run on one picture") from error
        _check_outputs(outputs, (self._height_px, self._width_px), origin)

    def keypoints(self, frame: Frame, box: Box) -> Keypoints:
        """Finds the keypoints of the person in a box, in the order of COCO.

        Args:
            frame: ``(H, W)`` grey or ``(H, W, 3)`` BGR, uint8.
            box: ``(4,)`` fractions of the frame.

        Returns:
            ``(17, 3)``; the confidence is what the model says, mostly in ``[0, 1]``.
        """
        scale_px = np.array([frame.shape[1], frame.shape[0]], np.float64)
        centre_px = (box[:2] + box[2:]) / 2 * scale_px
        size_px = self._crop_size_px((box[2:] - box[:2]) * scale_px)
        columns, rows = _curves(self._run(self._crop(frame, centre_px - size_px / 2, size_px)))
        place = np.stack([_peak(columns), _peak(rows)], axis=1)  # (K, 2) fractions of the crop
        confidence = np.minimum(columns.max(axis=1), rows.max(axis=1))
        found = (centre_px + (place - 0.5) * size_px) / scale_px[1]
        return np.column_stack([found, confidence]).astype(np.float32)

    def _crop_size_px(self, box_px: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Width and height of what is looked at: the box and some margin, in the input's proportions."""
        scale = _MARGIN * max(box_px[0] / self._width_px, box_px[1] / self._height_px, 1 / self._height_px)
        return np.array([self._width_px * scale, self._height_px * scale])

    def _crop(
        self, frame: Frame, corner_px: npt.NDArray[np.float64], size_px: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.uint8]:
        scale = self._height_px / size_px[1]
        shift = (0.5 - corner_px) * scale - 0.5  # pixels are counted by their middles
        matrix = np.array([[scale, 0.0, shift[0]], [0.0, scale, shift[1]]])
        colour = cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR) if frame.ndim == 2 else frame
        return np.asarray(cv2.warpAffine(colour, matrix, (self._width_px, self._height_px)), np.uint8)

    def _run(self, picture: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.float32]]:
        values = (picture[..., ::-1].astype(np.float32) - _MEAN) / _DEVIATION  # (H, W, 3) RGB
        feed = {self._input: np.ascontiguousarray(values.transpose(2, 0, 1)[None])}
        return [np.asarray(output, np.float32) for output in self._session.run(None, feed)]


def _input_size(session: onnxruntime.InferenceSession, origin: str) -> tuple[int, int]:
    shapes = [value.shape for value in session.get_inputs()]
    low, high = _SIDE_BOUNDS_PX
    if len(shapes) == 1 and len(shapes[0]) == 4 and shapes[0][1] == 3:
        height, width = shapes[0][2:]
        if (
            isinstance(height, int)
            and isinstance(width, int)
            and low <= min(height, width) <= max(height, width) <= high
        ):
            return height, width
    raise ModelFileError(
        f"{origin}: expected a pose model with one input (1, 3, H, W) of {low} to {high} px a side, got {shapes}"
    )


def _check_outputs(outputs: list[npt.NDArray[np.float32]], size: tuple[int, int], origin: str) -> None:
    """Refuses what is neither SimCC of 17 keypoints for this input size nor heatmaps of them."""
    shapes = [output.shape for output in outputs]
    heads = [shape[:2] for shape in shapes]
    if heads == [(1, NUM_KEYPOINTS)] and len(shapes[0]) == 4 and min(shapes[0]) > 0:
        return
    if heads == [(1, NUM_KEYPOINTS)] * 2 and all(len(shape) == 3 for shape in shapes):
        columns, rows = shapes[0][2], shapes[1][2]
        if columns >= size[1] and columns * size[0] == rows * size[1]:
            return
    raise ModelFileError(
        f"{origin}: expected keypoints as SimCC (1, 17, s W) and (1, 17, s H), or as heatmaps (1, 17, h, w), "
        f"got outputs {shapes} for an input of {size[1]}x{size[0]}"
    )


def _curves(outputs: list[npt.NDArray[np.float32]]) -> Curves:
    """What is said of each keypoint along each axis; a heatmap's are its greatest values by column and by row."""
    if len(outputs) == 2:
        return outputs[0][0], outputs[1][0]
    return outputs[0][0].max(axis=1), outputs[0][0].max(axis=2)


def _peak(curves: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Middle of the highest step of each curve, as a fraction of its length. ``(K,)``."""
    return np.asarray((curves.argmax(axis=1) + 0.5) / curves.shape[1])


def load_pose_model(path: Path) -> PoseModel:
    """Loads a pose model.

    Raises:
        ModelFileError: The file is missing, too large, damaged, no pose model that is known here, or does not run.
    """
    return PoseModel(read_model_file(path, MAX_FILE_BYTES), str(path))
