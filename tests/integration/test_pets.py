"""``python -m model_zoo evaluate pets``: who is who in drawn footage, and truths that do not fit it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from model_zoo.datasets.pets import NUM_PIECES, TRUTH_FILE, VIDEO_FILE, read_pets
from model_zoo.errors import FootageError
from tests.fakes.drawn_people import HEIGHT_PX, PERSON_PX, WIDTH_PX, floor, with_person

ROOT = Path(__file__).parents[2]
NUM_FRAMES = 160
SCALE = 480 / WIDTH_PX
STEP_PX = 1.5


def people(index: int) -> dict[int, tuple[float, int]]:
    """Left edge and foot of everybody in a frame: somebody walks across at a time, in each of two lanes."""
    walk = WIDTH_PX / STEP_PX
    lanes = ((44, 0, 1.0), (90, 40, 0.9))
    return {
        lane + 2 * int((index + ahead) // walk): (pace * STEP_PX * ((index + ahead) % walk), foot)
        for lane, (foot, ahead, pace) in enumerate(lanes)
    }


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pets")
    rows = ["frame,id,x1,y1,x2,y2"]
    height, width = PERSON_PX
    with av.open(str(folder / VIDEO_FILE), "w") as container:
        stream = container.add_stream("mpeg4", rate=7)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = WIDTH_PX, HEIGHT_PX, "yuv420p", 2_000_000
        for index in range(NUM_FRAMES):
            picture = floor()
            for person, (left, foot) in people(index).items():
                picture = with_person(picture, left, foot)
                box = np.array([left, foot - height, min(left + width, WIDTH_PX), foot]) * SCALE
                rows.append(f"{index},{person}," + ",".join(f"{value:.2f}" for value in box))
            colour = np.repeat(picture[..., None], 3, axis=2)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(colour, format="bgr24")))
        container.mux(stream.encode())
    (folder / TRUTH_FILE).write_text("\n".join(rows) + "\n")
    return folder


def evaluate(root: Path, out: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "model_zoo", "evaluate", "pets", "--root", str(root), "--json", str(out)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300)


def test_walkers_are_followed_and_what_cannot_be_said_is_null(root: Path, tmp_path: Path) -> None:
    done = evaluate(root, tmp_path / "figures.json")
    assert done.returncode == 0, done.stderr
    figures = json.loads((tmp_path / "figures.json").read_text())
    tracks = figures["tracks"]
    assert tracks["num_boxes"] == NUM_FRAMES  # two in each frame of the second half
    assert min(tracks["mota"], tracks["idf1"], tracks["recall"], tracks["precision"]) > 0.7
    assert figures["events"]["false_frames_per_1000"] is not None
    assert [figures["micro"], figures["rbdc"], figures["events"]["recall"]] == [None, None, None]
    assert figures["frames"] == NUM_FRAMES / 2
    assert f"MOTA {100 * tracks['mota']:.1f}, IDF1 {100 * tracks['idf1']:.1f}" in done.stdout
    assert "no frame figures" in done.stdout


def test_the_halves_share_no_frame(root: Path) -> None:
    found = read_pets(root)
    (watched,) = found.testing
    lengths = [len(list(clip.frames)) for clip in found.training]
    assert (len(lengths), sum(lengths), len(list(watched.frames))) == (NUM_PIECES, NUM_FRAMES // 2, NUM_FRAMES // 2)
    assert watched.tracks is not None
    assert watched.tracks[0].track_id.tolist() == list(people(NUM_FRAMES // 2))


def with_truth(root: Path, folder: Path, text: str) -> Path:
    (folder / VIDEO_FILE).symlink_to(root / VIDEO_FILE)
    (folder / TRUTH_FILE).write_text(text)
    return folder


def test_a_truth_of_another_length_is_refused(root: Path, tmp_path: Path) -> None:
    longer = (root / TRUTH_FILE).read_text() + f"{NUM_FRAMES + 19},1,10,10,20,40\n"
    done = evaluate(with_truth(root, tmp_path, longer), tmp_path / "figures.json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1] == "error: clip from 90: expected 90 frames as labelled, watched 70"
    assert not (tmp_path / "figures.json").exists()


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (["0,1,10,10,20"], "expected rows frame, id, x1, y1, x2, y2, got 1x5 values"),
        (["0,1,10,10,20,somewhere"], "expected rows frame, id, x1, y1, x2, y2"),
        ([], "expected rows frame, id, x1, y1, x2, y2: loadtxt: input contained no data"),
        (["0,1,10,10,20,40", "1,1,10,10,5,40"], "row 3: expected a frame, an identity and a box"),
        (["0,1,10,10,nan,40"], "row 2: expected a frame, an identity and a box"),
        (["-1,1,10,10,20,40"], "row 2: expected a frame, an identity and a box"),
        (["3,1,10,10,20,40"], "expected at least 16 frames, got 4"),
    ],
)
def test_a_truth_that_is_none_is_refused(root: Path, tmp_path: Path, rows: list[str], words: str) -> None:
    folder = with_truth(root, tmp_path, "\n".join(["frame,id,x1,y1,x2,y2", *rows]) + "\n")
    with pytest.raises(FootageError) as refused:
        read_pets(folder)
    assert words in str(refused.value)


def test_missing_files_are_named(root: Path, tmp_path: Path) -> None:
    with pytest.raises(FootageError, match=r"vtest\.avi: expected the footage, found none"):
        read_pets(tmp_path)
    (tmp_path / VIDEO_FILE).symlink_to(root / VIDEO_FILE)
    with pytest.raises(FootageError, match=r"gt_480x360\.csv: expected rows"):
        read_pets(tmp_path)
