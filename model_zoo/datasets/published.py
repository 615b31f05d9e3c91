"""Data sets in the layouts their authors publish, for users who have them.

Source:
    UCSD Ped1 and Ped2: Mahadevan et al., 2010. http://www.svcl.ucsd.edu/projects/anomaly/dataset.htm
    CUHK Avenue: Lu et al., 2013. http://www.cse.cuhk.edu.hk/leojia/projects/detectabnormal/dataset.html
    ShanghaiTech Campus: Liu et al., 2018. https://svip-lab.github.io/dataset/campus_dataset.html
    UCF-Crime: Sultani et al., 2018. https://www.crcv.ucf.edu/projects/real-world/
"""

import functools
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import scipy.io

from model_zoo.datasets.clip import VIDEO_SUFFIXES, DataSet, LabelledClip, PictureFolder, PixelMasks, Video, video_fps
from model_zoo.datasets.frame_folders import clip_folders, interval_labels, read_frame_folders
from model_zoo.errors import FootageError

UCSD_FPS, AVENUE_FPS, SHANGHAITECH_FPS, UCF_CRIME_FPS = 10.0, 25.0, 24.0, 30.0
UCF_CRIME_LABELS = "Temporal_Anomaly_Annotation_for_Testing_Videos.txt"


def read_ucsd(root: Path) -> DataSet:
    """UCSD Ped1 or Ped2: ``Train/Train001/*.tif``, ``Test/Test001/*.tif``, ``Test/Test001_gt/*.bmp``.

    A folder in this project's own layout is read as that.

    Raises:
        FootageError: The folder is missing or empty, or masks do not fit their clip.
    """
    if not (root / "Train").is_dir():
        data = read_frame_folders(root)
        if not data.testing:
            raise FootageError(f"{root / 'testing' / 'frames'}: expected folders of pictures, found none")
        return data
    training = [LabelledClip(path.name, PictureFolder(path), UCSD_FPS) for path in clip_folders(root / "Train")]
    folders = [path for path in clip_folders(root / "Test") if not path.name.endswith("_gt")]
    return _complete(root, training, [_ucsd_clip(path) for path in folders])


def _ucsd_clip(folder: Path) -> LabelledClip:
    frames, masks = PictureFolder(folder), folder.with_name(f"{folder.name}_gt")
    if not masks.is_dir():
        return LabelledClip(folder.name, frames, UCSD_FPS)
    read = functools.partial(_picture_masks, masks, len(frames.paths()))
    return LabelledClip(folder.name, frames, UCSD_FPS, labels=_labels_of(read()), masks=read)


def read_avenue(root: Path) -> DataSet:
    """CUHK Avenue: ``training_videos/01.avi``, ``testing_videos/01.avi``, ``testing_label_mask/1_label.mat`` below.

    Raises:
        FootageError: The folder is missing or empty, or a mask file cannot be read.
    """
    training = [
        LabelledClip(path.stem, Video(path), video_fps(path, AVENUE_FPS)) for path in _videos(root / "training_videos")
    ]
    masks = {path.name: path for path in root.rglob("*_label.mat")}
    testing = []
    for path in _videos(root / "testing_videos"):
        of_clip = masks.get(f"{path.stem.lstrip('0')}_label.mat")
        read = functools.partial(_matlab_masks, of_clip) if of_clip else None
        labels = _labels_of(read()) if read else None
        fps = video_fps(path, AVENUE_FPS)
        testing.append(LabelledClip(path.stem, Video(path), fps, labels=labels, masks=read))
    return _complete(root, training, testing)


def read_shanghaitech(root: Path) -> DataSet:
    """ShanghaiTech Campus: ``training/videos/01_001.avi``, ``testing/frames/01_0014``, ``testing/test_frame_mask``.

    The number before the underscore is the camera.

    Raises:
        FootageError: The folder is missing or empty, or labels do not fit their clip.
    """
    videos = _videos(root / "training" / "videos")
    training = [
        LabelledClip(path.stem, Video(path), video_fps(path, SHANGHAITECH_FPS), _camera_of(path.stem))
        for path in videos
    ]
    testing = []
    for folder in clip_folders(root / "testing" / "frames"):
        frames, name = PictureFolder(folder), folder.name
        labels_file = root / "testing" / "test_frame_mask" / f"{name}.npy"
        masks_file = root / "testing" / "test_pixel_mask" / f"{name}.npy"
        labels = _loaded(labels_file).astype(np.int64) if labels_file.exists() else None
        if labels is not None and labels.shape != (len(frames.paths()),):
            raise FootageError(f"{labels_file}: expected {len(frames.paths())} labels, got shape {labels.shape}")
        masks = functools.partial(_loaded, masks_file) if masks_file.exists() else None
        testing.append(LabelledClip(name, frames, SHANGHAITECH_FPS, _camera_of(name), labels, masks))
    return _complete(root, training, testing)


def read_ucf_crime(root: Path) -> DataSet:
    """UCF-Crime: videos anywhere below, and ``Temporal_Anomaly_Annotation_for_Testing_Videos.txt``.

    Every video is another camera, so the normal training videos teach what is normal anywhere.

    Raises:
        FootageError: The labels are missing or malformed, or no video is there.
    """
    path = root / UCF_CRIME_LABELS
    try:
        rows = [line.split() for line in path.read_text().splitlines() if line.strip()]
        intervals = {row[0]: [[int(row[k]), int(row[k + 1])] for k in (2, 4) if int(row[k]) >= 0] for row in rows}
    except (OSError, ValueError, IndexError) as error:
        raise FootageError(f"{path}: expected lines 'VIDEO CLASS FIRST LAST FIRST LAST': {error}") from error
    training, testing = [], []
    for video in sorted(one for one in root.rglob("*") if one.suffix.lower() in VIDEO_SUFFIXES):
        if video.name in intervals:
            labels = interval_labels(_num_frames(video), intervals[video.name], f"{path}: {video.name}")
            fps = video_fps(video, UCF_CRIME_FPS)
            testing.append(LabelledClip(video.stem, Video(video), fps, video.stem, labels))
        elif video.name.startswith("Normal"):
            training.append(LabelledClip(video.stem, Video(video), video_fps(video, UCF_CRIME_FPS), video.stem))
    return _complete(root, training, testing)


def _complete(root: Path, training: Sequence[LabelledClip], testing: Sequence[LabelledClip]) -> DataSet:
    if not training or not testing:
        raise FootageError(f"{root}: expected training and testing clips, found {len(training)} and {len(testing)}")
    return DataSet(root.name, tuple(training), tuple(testing))


def _videos(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise FootageError(f"{folder}: expected a folder of videos, got nothing")
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in VIDEO_SUFFIXES)


def _camera_of(name: str) -> str:
    return name.partition("_")[0]


def _labels_of(masks: PixelMasks) -> npt.NDArray[np.int64]:
    return np.asarray(masks.reshape(len(masks), -1).any(axis=1), np.int64)


def _picture_masks(folder: Path, num_frames: int) -> PixelMasks:
    pictures = [picture[..., 0] for picture in PictureFolder(folder)]
    if len(pictures) != num_frames:
        raise FootageError(f"{folder}: expected {num_frames} masks, found {len(pictures)}")
    return np.stack(pictures)


def _matlab_masks(path: Path) -> PixelMasks:
    try:
        cells = scipy.io.loadmat(path)["volLabel"].ravel()
        return np.stack([np.asarray(cell, np.uint8) for cell in cells])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FootageError(f"{path}: expected a cell array volLabel of masks: {error}") from error


def _loaded(path: Path) -> npt.NDArray[np.uint8]:
    try:
        return np.asarray(np.load(path, allow_pickle=False)).astype(np.uint8)
    except (OSError, ValueError) as error:
        raise FootageError(f"{path}: expected an array: {error}") from error


def _num_frames(path: Path) -> int:
    video = cv2.VideoCapture(str(path))
    count = int(video.get(cv2.CAP_PROP_FRAME_COUNT))
    video.release()
    if count <= 0:
        raise FootageError(f"{path}: not a video that can be decoded")
    return count
