"""A released model with a site's own parameters in it is the export of the network that has them."""

import functools
import hashlib
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import pytest

from context.schedule import STATES
from context.site import Camera, Site
from context.zone import ZONE_KINDS
from fl_client.inference.pipeline import CameraPipeline
from fl_client.releases.site_model import load_site_model
from fl_client.storage.personal_parameters import PERSONAL_FILE, PersonalParameters, network_digest, save_personal
from model_zoo.backbones.film_lstm import FilmLstmShape
from model_zoo.backbones.parameters import Parameters, initial_parameters, network_with
from model_zoo.backbones.parts import PARTS_BY_NAME, only, replaced
from model_zoo.errors import ModelFileError
from model_zoo.export.graft import graft
from model_zoo.export.onnx_export import export_onnx
from model_zoo.export.quantize import quantize_int8
from model_zoo.onnx_model import ModelMetadata, OnnxModel
from tests.fakes.networks import exported_int8
from tests.fakes.tubelets import Look, drawn_tubelets

SHAPE = FilmLstmShape()
FILM_AND_HEADS = PARTS_BY_NAME["film-and-heads"]


@functools.cache
def of_the_fleet() -> Parameters:
    """As if trained: no bias is zero."""
    rng = np.random.default_rng(1)
    return {name: _moved(array, rng) for name, array in initial_parameters(SHAPE, 0).items()}


@functools.cache
def own() -> Parameters:
    """Films and heads of a site that has trained them; no value is the fleet's."""
    rng = np.random.default_rng(7)
    return only({name: _moved(array, rng) for name, array in of_the_fleet().items()}, FILM_AND_HEADS)


def _moved(array: npt.NDArray[np.float32], rng: np.random.Generator) -> npt.NDArray[np.float32]:
    return (array + rng.normal(0.0, 0.1, array.shape)).astype(np.float32)


def exported(parameters: Parameters) -> bytes:
    """A network in float32, in a file that says that films and heads are the sites' own."""
    metadata = ModelMetadata(
        1,
        SHAPE.code_size,
        SHAPE.num_context,
        SHAPE.num_steps,
        tuple(ZONE_KINDS),
        tuple(STATES),
        (),
        personal_parts="film-and-heads",
    )
    return export_onnx(network_with(SHAPE, parameters), metadata)


@pytest.fixture(scope="module")
def released() -> bytes:
    """What the fleet released."""
    return exported(of_the_fleet())


@pytest.fixture(scope="module")
def wanted() -> bytes:
    """The fleet's trunk with a site's own films and heads."""
    return exported(replaced(of_the_fleet(), own()))


def tensors(file: bytes) -> dict[str, npt.NDArray[np.generic]]:
    return {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in onnx.load_from_string(file).graph.initializer}


def test_grafting_into_the_int8_file_gives_the_int8_file_of_the_network_that_has_the_parameters(
    released: bytes, wanted: bytes
) -> None:
    assert graft(quantize_int8(released), own()) == quantize_int8(wanted)


def test_grafting_into_the_float32_file_gives_that_of_the_network_that_has_the_parameters(
    released: bytes, wanted: bytes
) -> None:
    assert graft(released, own()) == wanted


def test_parts_are_grafted_one_after_the_other_as_at_once(released: bytes, wanted: bytes) -> None:
    heads, film = (only(own(), PARTS_BY_NAME[name]) for name in ("heads", "film"))
    half = graft(quantize_int8(released), heads)
    assert half not in {quantize_int8(released), quantize_int8(wanted)}
    assert graft(half, film) == quantize_int8(wanted)


def test_biases_of_zeros_that_the_export_left_out_are_put_in_again() -> None:
    untrained = initial_parameters(SHAPE, 0)
    grafted, wanted = (quantize_int8(exported(untrained)), quantize_int8(exported(replaced(untrained, own()))))
    assert len(tensors(grafted)) == len(tensors(wanted)) - 3
    grafted = graft(grafted, own())
    assert tensors(grafted).keys() == tensors(wanted).keys()
    for name, array in tensors(wanted).items():
        np.testing.assert_array_equal(tensors(grafted)[name], array)
    tubelets = drawn_tubelets(6, seed=2, look=Look(spread=0.5))
    one, other = (OnnxModel(file, "m").judge_tubelets(tubelets, 3) for file in (grafted, wanted))
    np.testing.assert_array_equal(one.score, other.score)
    np.testing.assert_array_equal(one.oddity, other.oddity)


def test_parameters_of_a_head_that_only_teaches_are_left_out(released: bytes) -> None:
    teaching = {name: array for name, array in own().items() if name.startswith("heads.next_frame.")}
    assert len(teaching) == 6
    assert graft(released, teaching) == released


def test_parameters_that_do_not_fit_are_refused_by_name(released: bytes) -> None:
    with pytest.raises(ModelFileError) as refusal:
        graft(released, {"conv1.weight": np.zeros((16, 1, 6, 6), np.float32)})
    assert str(refusal.value) == "graft: expected parameters of films and heads, got conv1.weight"
    with pytest.raises(ModelFileError) as refusal:
        graft(released, {"head.0.bias": np.zeros(65, np.float32)})
    assert str(refusal.value) == "graft: network.head.0.bias: expected shape [64], got [65]"
    halved = onnx.load_from_string(released)
    (bias,) = (tensor for tensor in halved.graph.initializer if tensor.name == "network.head.0.bias")
    bias.name = "another"
    with pytest.raises(ModelFileError) as refusal:
        graft(halved.SerializeToString(), own())
    assert str(refusal.value) == "graft: expected weight and bias in the model, got one of them: head.0"


def keep(state_dir: Path, parameters: Parameters, num_steps: int = SHAPE.num_steps) -> None:
    save_personal(state_dir, PersonalParameters(parameters, num_steps, network_digest(of_the_fleet(), num_steps)))


@pytest.fixture
def release(tmp_path: Path, released: bytes) -> Path:
    path = tmp_path / "release.onnx"
    path.write_bytes(quantize_int8(released))
    return path


def scores(model: OnnxModel) -> list[float]:
    return [float(score) for score in model.judge_tubelets(drawn_tubelets(3, seed=2), 1).score]


def test_box_runs_the_release_with_its_own_parts_under_the_name_of_the_release(
    tmp_path: Path, release: Path, wanted: bytes
) -> None:
    plain = load_site_model(release, tmp_path)
    keep(tmp_path, own())
    model = load_site_model(release, tmp_path)
    assert scores(model) == scores(OnnxModel(quantize_int8(wanted), "wanted")) != scores(plain)
    assert model.digest == plain.digest == hashlib.sha256(release.read_bytes()).hexdigest()


def test_camera_is_judged_by_the_model_with_own_parts_from_the_start_and_after_a_swap(
    tmp_path: Path, release: Path, wanted: bytes
) -> None:
    camera = Camera(name="door", index=1)
    site = Site(name="store42", cameras=(camera,))
    keep(tmp_path, own())
    before, after = CameraPipeline(site, camera, tmp_path, 40.0, release), CameraPipeline(site, camera, tmp_path, 40.0)
    assert after.swap_model(release) == before.model_digest == hashlib.sha256(release.read_bytes()).hexdigest()
    expected = scores(OnnxModel(quantize_int8(wanted), "wanted"))
    for pipeline in (before, after):
        assert scores(pipeline._model) == expected
        pipeline.close()


def test_release_that_leaves_no_part_to_sites_runs_as_it_came(tmp_path: Path) -> None:
    path = tmp_path / "release.onnx"
    path.write_bytes(exported_int8())
    before = scores(load_site_model(path, tmp_path))
    keep(tmp_path, own())
    assert scores(load_site_model(path, tmp_path)) == before


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda folder: (folder / PERSONAL_FILE).write_bytes(b"damaged"), f"{PERSONAL_FILE}: damaged"),
        (lambda folder: keep(folder, own(), num_steps=8), "own parameters: expected those for 12 steps, got 8"),
        (
            lambda folder: keep(folder, {"head.0.bias": np.zeros(65, np.float32)}),
            "graft: network.head.0.bias: expected shape [64], got [65]",
        ),
    ],
)
def test_own_parts_that_are_of_no_use_are_reported_and_the_release_runs_as_it_came(
    tmp_path: Path,
    release: Path,
    caplog: pytest.LogCaptureFixture,
    spoil: Callable[[Path], object],
    reason: str,
) -> None:
    before = scores(load_site_model(release, tmp_path))
    spoil(tmp_path)
    with caplog.at_level(logging.WARNING):
        assert scores(load_site_model(release, tmp_path)) == before
    (record,) = (record for record in caplog.records if record.name == "fl_client.releases.site_model")
    assert record.message == "release runs without own parameters"
    assert str(record.__dict__["reason"]).endswith(reason)
