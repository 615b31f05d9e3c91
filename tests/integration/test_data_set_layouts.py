"""Data sets in every layout that is read, written to disk as their authors publish them."""

import json
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest
import scipy.io

from model_zoo.datasets.clip import LabelledClip
from model_zoo.datasets.frame_folders import read_frame_folders
from model_zoo.datasets.published import read_avenue, read_shanghaitech, read_ucf_crime, read_ucsd
from model_zoo.errors import FootageError

NUM_FRAMES, HEIGHT, WIDTH = 6, 48, 64
ANOMALOUS = [0, 0, 1, 1, 0, 0]


def picture(level: int) -> npt.NDArray[np.uint8]:
    return np.full((HEIGHT, WIDTH, 3), 40 * level, np.uint8)


def masks() -> npt.NDArray[np.uint8]:
    found = np.zeros((NUM_FRAMES, HEIGHT, WIDTH), np.uint8)
    found[2:4, 8:20, 10:30] = 1
    return found


def write_pictures(folder: Path, suffix: str = ".png") -> None:
    folder.mkdir(parents=True)
    for index in range(NUM_FRAMES):
        cv2.imwrite(str(folder / f"{index:03}{suffix}"), picture(index))


def write_video(path: Path, rate: int = 25) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=rate)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for index in range(NUM_FRAMES):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(index), format="bgr24")))
        container.mux(stream.encode())


def levels(clip: LabelledClip) -> list[int]:
    """What ``picture`` was called with, frame by frame."""
    return [round(float(frame.mean()) / 40) for frame in clip.frames]


def write_frame_folders(root: Path, **changes: object) -> None:
    write_pictures(root / "training" / "frames" / "01", ".jpg")
    write_pictures(root / "testing" / "frames" / "01", ".jpg")
    clip = {"frames": NUM_FRAMES, "anomalous": [[2, 3]]} | changes
    (root / "labels.json").write_text(json.dumps({"fps": 5.0, "clips": {"01": clip}}))
    np.savez(root / "masks.npz", allow_pickle=False, **{"01": masks()})


def test_frame_folders(tmp_path: Path) -> None:
    write_frame_folders(tmp_path)
    found = read_frame_folders(tmp_path)
    (training,), (tested,) = found.training, found.testing
    assert (training.labels, training.fps, levels(training)) == (None, 5.0, list(range(NUM_FRAMES)))
    assert tested.labels is not None
    assert tested.masks is not None
    assert tested.labels.tolist() == ANOMALOUS
    np.testing.assert_array_equal(tested.masks(), masks())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"frames": 9}, "expected 9 pictures as labels.json says, found 6"),
        ({"anomalous": [[2, 6]]}, "labels.json: clip 01: expected an interval within 6 frames, got [2, 6]"),
        ({"anomalous": [[2]]}, "clips.01.anomalous.0: List should have at least 2 items"),
        ({"anomalous": "all"}, "clips.01.anomalous: Input should be a valid array (got 'all')"),
        ({"colour": "red"}, "clips.01.colour: Extra inputs are not permitted"),
    ],
)
def test_labels_that_do_not_fit_are_refused(tmp_path: Path, changes: dict[str, object], words: str) -> None:
    write_frame_folders(tmp_path, **changes)
    with pytest.raises(FootageError) as refused:
        read_frame_folders(tmp_path)
    assert words in str(refused.value)


def test_masks_of_another_length_are_refused_when_read(tmp_path: Path) -> None:
    write_frame_folders(tmp_path)
    np.savez(tmp_path / "masks.npz", allow_pickle=False, **{"01": masks()[:3]})
    read = read_frame_folders(tmp_path).testing[0].masks
    assert read is not None
    with pytest.raises(FootageError, match=r"clip 01: expected uint8 masks \(6, h, w\), got \(3, 48, 64\)"):
        read()


def test_broken_picture_is_named(tmp_path: Path) -> None:
    write_frame_folders(tmp_path)
    (tmp_path / "training" / "frames" / "01" / "003.jpg").write_bytes(b"no picture")
    with pytest.raises(FootageError, match=r"003\.jpg: not a picture that can be read"):
        levels(read_frame_folders(tmp_path).training[0])


def test_ucsd_as_published(tmp_path: Path) -> None:
    write_pictures(tmp_path / "Train" / "Train001", ".tif")
    write_pictures(tmp_path / "Test" / "Test001", ".tif")
    (tmp_path / "Test" / "Test001_gt").mkdir()
    for index, mask in enumerate(masks()):
        cv2.imwrite(str(tmp_path / "Test" / "Test001_gt" / f"{index:03}.bmp"), 255 * mask)
    (tested,) = read_ucsd(tmp_path).testing
    assert tested.labels is not None
    assert tested.labels.tolist() == ANOMALOUS
    assert levels(tested) == list(range(NUM_FRAMES))


def test_ucsd_in_our_own_layout(tmp_path: Path) -> None:
    write_frame_folders(tmp_path)
    assert read_ucsd(tmp_path).testing[0].fps == 5.0


def test_avenue(tmp_path: Path) -> None:
    write_video(tmp_path / "training_videos" / "01.avi")
    write_video(tmp_path / "testing_videos" / "01.avi")
    cells = np.empty((1, NUM_FRAMES), object)
    cells[0] = list(masks())
    (tmp_path / "ground_truth_demo" / "testing_label_mask").mkdir(parents=True)
    scipy.io.savemat(tmp_path / "ground_truth_demo" / "testing_label_mask" / "1_label.mat", {"volLabel": cells})
    found = read_avenue(tmp_path)
    (tested,) = found.testing
    assert tested.labels is not None
    assert tested.masks is not None
    assert tested.labels.tolist() == ANOMALOUS
    np.testing.assert_array_equal(tested.masks(), masks())
    assert levels(found.training[0]) == list(range(NUM_FRAMES))


def test_a_video_is_watched_at_the_rate_it_states(tmp_path: Path) -> None:
    write_video(tmp_path / "training_videos" / "01.avi")
    write_video(tmp_path / "testing_videos" / "01.avi", rate=8)
    found = read_avenue(tmp_path)
    assert (found.training[0].fps, found.testing[0].fps) == (25.0, 8.0)


def test_shanghaitech(tmp_path: Path) -> None:
    write_video(tmp_path / "training" / "videos" / "01_001.avi")
    write_pictures(tmp_path / "testing" / "frames" / "02_0014", ".jpg")
    for name, values in (("test_frame_mask", np.array(ANOMALOUS)), ("test_pixel_mask", masks())):
        (tmp_path / "testing" / name).mkdir()
        np.save(tmp_path / "testing" / name / "02_0014.npy", values)
    found = read_shanghaitech(tmp_path)
    assert (found.training[0].camera, found.testing[0].camera) == ("01", "02")
    labels = found.testing[0].labels
    assert labels is not None
    assert labels.tolist() == ANOMALOUS
    np.save(tmp_path / "testing" / "test_frame_mask" / "02_0014.npy", np.zeros(4))
    with pytest.raises(FootageError, match=r"02_0014\.npy: expected 6 labels, got shape \(4,\)"):
        read_shanghaitech(tmp_path)


def test_ucf_crime(tmp_path: Path) -> None:
    write_video(tmp_path / "Training_Normal_Videos_Anomaly" / "Normal_Videos001_x264.mp4")
    write_video(tmp_path / "Abuse" / "Abuse028_x264.mp4")
    write_video(tmp_path / "Abuse" / "Abuse001_x264.mp4")  # anomalous training video, of no use here
    labels = tmp_path / "Temporal_Anomaly_Annotation_for_Testing_Videos.txt"
    labels.write_text("Abuse028_x264.mp4  Abuse  2  3  -1  -1\n")
    found = read_ucf_crime(tmp_path)
    assert [clip.name for clip in found.training] == ["Normal_Videos001_x264"]
    (tested,) = found.testing
    assert tested.labels is not None
    assert tested.labels.tolist() == ANOMALOUS
    labels.write_text("Abuse028_x264.mp4  Abuse\n")
    with pytest.raises(FootageError, match="expected lines 'VIDEO CLASS FIRST LAST FIRST LAST'"):
        read_ucf_crime(tmp_path)


@pytest.mark.parametrize("read", [read_ucsd, read_frame_folders, read_avenue, read_shanghaitech, read_ucf_crime])
def test_an_empty_folder_is_refused(tmp_path: Path, read: object) -> None:
    assert callable(read)
    with pytest.raises(FootageError, match="expected"):
        read(tmp_path)


def test_video_that_is_none_is_named(tmp_path: Path) -> None:
    write_video(tmp_path / "testing_videos" / "01.avi")
    (tmp_path / "training_videos").mkdir()
    (tmp_path / "training_videos" / "01.avi").write_bytes(b"no video")
    with pytest.raises(FootageError, match=r"01\.avi: not a video that can be decoded"):
        levels(read_avenue(tmp_path).training[0])
