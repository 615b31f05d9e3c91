"""Scenes on disk."""

import pathlib

import numpy as np
import pytest

from model_zoo.errors import ModelFileError
from model_zoo.perception.perspective import Perspective
from model_zoo.perception.scene import Scene, load_scene


def scene() -> Scene:
    background = np.random.default_rng([1]).integers(0, 255, (80, 100)).astype(np.uint8)
    return Scene(background, Perspective(0.25, -0.03))


def test_scene_survives_a_round_trip_and_leaves_nothing_else(tmp_path: pathlib.Path) -> None:
    scene().save(tmp_path / "scene.npz")
    loaded = load_scene(tmp_path / "scene.npz")
    assert loaded.perspective == scene().perspective
    assert loaded.background.tolist() == scene().background.tolist()
    assert [path.name for path in tmp_path.iterdir()] == ["scene.npz"]


@pytest.mark.parametrize("keep", [0, 1, 100, 0.5, 0.99])
def test_cut_off_file_is_refused(tmp_path: pathlib.Path, keep: float) -> None:
    path = tmp_path / "scene.npz"
    scene().save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep if keep >= 1 else keep * len(whole))])
    with pytest.raises(ModelFileError, match="expected a scene file, got"):
        load_scene(path)


def test_flipped_byte_is_refused(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "scene.npz"
    scene().save(path)
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 0xFF
    path.write_bytes(whole)
    with pytest.raises(ModelFileError, match="expected a scene file, got"):
        load_scene(path)


def test_other_schema_and_wrong_arrays_are_refused(tmp_path: pathlib.Path) -> None:
    path, line, background = tmp_path / "scene.npz", np.zeros(2), np.zeros((64, 64), np.uint8)
    np.savez(path, schema_version=9, background=background, perspective=line)
    with pytest.raises(ModelFileError, match=r"expected scene schema 1 in .*, got 9"):
        load_scene(path)
    np.savez(path, schema_version=1, background=background.astype(np.float64), perspective=line)
    with pytest.raises(ModelFileError, match="expected a grey background and a perspective line"):
        load_scene(path)
    np.savez(path, schema_version=1, background=background, perspective=line * np.nan)
    with pytest.raises(ModelFileError, match="expected a grey background and a perspective line"):
        load_scene(path)
