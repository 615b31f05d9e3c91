"""Whether labels and masks can be true of the clips they belong to, asked before anything is learned."""

import itertools

from model_zoo.datasets.clip import DataSet, LabelledClip, Labels, PixelMasks
from model_zoo.errors import FootageError

MAX_STRETCH = 0.02
"""By how much the proportions of masks may differ from those of the frames."""


def check_truth(data: DataSet) -> None:
    """Reads the masks of every labelled test clip once.

    Raises:
        FootageError: Masks of another count or proportions than the frames, or labels and masks of a clip that
            contradict each other: one of them says that it shows something anomalous, the other that it does not.
    """
    for clip in data.testing:
        if clip.labels is not None and clip.masks is not None:
            masks = clip.masks()
            try:
                _check_masks(clip, clip.labels, masks)
            except FootageError as error:
                raise FootageError(f"clip {clip.name}: {error}") from error


def _check_masks(clip: LabelledClip, labels: Labels, masks: PixelMasks) -> None:
    if masks.ndim != 3 or not masks.size or len(masks) != len(labels):
        raise FootageError(f"expected masks ({len(labels)}, h, w), got {masks.shape}")
    for frame in itertools.islice(clip.frames, 1):
        (height, width), (frame_height, frame_width) = masks.shape[1:], frame.shape[:2]
        if abs(width / height * frame_height / frame_width - 1.0) > MAX_STRETCH:
            raise FootageError(
                f"expected masks of the proportions of {frame_width}x{frame_height}, got {width}x{height}"
            )
    if labels.any() and not masks.any():
        raise FootageError(f"labels call {int(labels.sum())} frames anomalous, but its masks mark nothing")
    if masks.any() and not labels.any():
        raise FootageError("its masks mark something, but labels call no frame anomalous")
