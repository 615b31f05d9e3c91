"""Model files: what a site runs, and what it refuses with one line."""

import base64
import dataclasses
import json
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from model_zoo.default import DEFAULT_MODEL
from model_zoo.errors import ModelFileError
from model_zoo.onnx_model import METADATA_KEY, OnnxModel, load_model
from tests.fakes.onnx_models import METADATA, Weights, drawn_model, score_by_hand
from tests.fakes.tubelets import drawn_tubelets

WEIGHTS = Weights(brightness=0.7, motion=0.1, context=tuple(float(index) for index in range(10)), offset=-2.0)


def refusal(model_bytes: bytes) -> str:
    """What the loader says of a file called ``a.onnx``."""
    with pytest.raises(ModelFileError) as error:
        OnnxModel(model_bytes, "a.onnx")
    assert "\n" not in str(error.value)
    return str(error.value)


def packed(value: float) -> str:
    """One value as a file holds the fleet's normality."""
    return base64.b64encode(np.array([value], dtype="<f4").tobytes()).decode()


def labelled(fields: object) -> bytes:
    """A good graph with other facts in the file."""
    model = onnx.load_from_string(drawn_model())
    helper.set_model_props(model, {METADATA_KEY: json.dumps(fields)})
    return bytes(model.SerializeToString())


def test_score_is_that_of_the_steps_in_their_order_whatever_the_batch_size() -> None:
    tubelets, model = drawn_tubelets(7, seed=1), OnnxModel(drawn_model(WEIGHTS), "drawn")
    expected = score_by_hand(WEIGHTS, tubelets.crops, tubelets.motion, tubelets.context)
    for batch_size in (1, 3, 256):
        np.testing.assert_allclose(model.judge_tubelets(tubelets, 0, batch_size).score, expected, rtol=1e-5)


def test_no_tubelets_give_no_scores() -> None:
    scores = OnnxModel(drawn_model(), "drawn").judge_tubelets(drawn_tubelets(0, seed=1), 0).score
    assert (scores.shape, scores.dtype.name) == ((0,), "float32")


def test_camera_and_zone_kind_reach_the_model() -> None:
    tubelets = drawn_tubelets(2, seed=1)
    placed = dataclasses.replace(tubelets, zone_kind=np.array([3, 4], dtype=np.int64))
    model = OnnxModel(drawn_model(Weights(brightness=0.0, zone_kind=1.0, camera=100.0)), "drawn")
    assert model.judge_tubelets(placed, 5).score.tolist() == [503.0, 504.0]


def test_metadata_is_read_back_and_the_digest_is_that_of_the_file() -> None:
    first, second = OnnxModel(drawn_model(), "a"), OnnxModel(drawn_model(WEIGHTS), "b")
    assert first.metadata == METADATA
    assert len(first.digest) == 64
    assert first.digest != second.digest


@pytest.mark.parametrize("kept", [0.0, 0.5, 0.999])
def test_truncated_file_is_refused(kept: float) -> None:
    whole = drawn_model()
    assert refusal(whole[: int(kept * len(whole))]) == "a.onnx: not an ONNX model, or damaged"


def test_foreign_file_is_refused() -> None:
    assert refusal(b"GIF89a" + bytes(100)) == "a.onnx: not an ONNX model, or damaged"


def test_model_of_another_project_is_refused() -> None:
    model = onnx.load_from_string(drawn_model())
    del model.metadata_props[:]
    assert refusal(model.SerializeToString()) == "a.onnx: not a model of this project, or damaged"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema_version": 2}, "expected model schema 3 or 4, got 2"),
        ({"schema_version": None}, "expected model schema 3 or 4, got None"),
        ({"num_steps": 10}, "model metadata: expected 8, 12 or 16 steps of a tubelet, got 10"),
        ({"num_steps": 12.0}, "model metadata: expected 8, 12 or 16 steps of a tubelet, got 12.0"),
        ({"num_steps": 8}, "the model's graph does not take our inputs"),
        ({"code_size": -1}, "model metadata: expected small counts, got (3, -1, 10)"),
        ({"code_size": 1.5}, "model metadata: expected small counts, got (3, 1.5, 10)"),
        ({"fleet_normality": packed(float("nan"))}, "model metadata: fleet normality is not finite"),
        ({"fleet_normality": packed(1.0)}, "model metadata: 1 values of fleet normality do not fit"),
        (
            {"fleet_normality": "!"},
            "model metadata is incomplete: Only base64 data is allowed",
        ),
        (
            {"fleet_normality": [1.0]},
            "model metadata is incomplete: argument should be a bytes-like object or ASCII string, not 'list'",
        ),
        (
            {"num_context": 9},
            "model metadata: expected 10 context values, 10 zone kinds and 5 states, got (9, 10, 5)",
        ),
        (
            {"states": ["open"]},
            "model metadata: expected 10 context values, 10 zone kinds and 5 states, got (10, 10, 1)",
        ),
    ],
)
def test_facts_that_do_not_fit_are_refused_by_name(change: dict[str, Any], message: str) -> None:
    assert refusal(labelled(METADATA.as_json() | change)) == f"a.onnx: {message}"


def test_facts_that_are_missing_unknown_or_no_facts_at_all_are_refused() -> None:
    known = METADATA.as_json()
    without = {name: value for name, value in known.items() if name != "zone_kinds"}
    assert refusal(labelled(without)) == "a.onnx: model metadata is incomplete: 'zone_kinds'"
    assert "unexpected keyword argument 'colour'" in refusal(labelled(known | {"colour": "red"}))
    assert refusal(labelled([1, 2])) == "a.onnx: expected model schema 3 or 4, got None"


def test_parts_that_are_left_to_sites_are_read_back_and_named_only_where_there_are_any() -> None:
    assert "personal_parts" not in METADATA.as_json()
    personal = dataclasses.replace(METADATA, personal_parts="heads")
    model = OnnxModel(labelled(personal.as_json()), "a.onnx", digest="d" * 64)
    assert (model.metadata, model.digest) == (personal, "d" * 64)


@pytest.mark.parametrize("other", ["trunk", ["heads"], None])
def test_parts_that_no_network_has_are_refused(other: object) -> None:
    known = "['none', 'heads', 'film', 'film-and-heads']"
    said = refusal(labelled(METADATA.as_json() | {"personal_parts": other}))
    assert said == f"a.onnx: model metadata: expected personal_parts in {known}, got {other!r}"


def test_file_of_the_schema_before_is_read_as_of_twelve_steps() -> None:
    before = {name: value for name, value in METADATA.as_json().items() if name != "num_steps"}
    assert OnnxModel(labelled(before | {"schema_version": 3}), "a.onnx").metadata == METADATA
    assert refusal(labelled(before)).startswith("a.onnx: model metadata is incomplete: ")


def test_model_that_ships_loads_and_looks_at_twelve_steps() -> None:
    assert load_model(DEFAULT_MODEL).metadata.num_steps == 12


@pytest.mark.parametrize("offset", [float("nan"), float("inf")])
def test_model_without_a_finite_score_is_refused(offset: float) -> None:
    assert (
        refusal(drawn_model(Weights(offset=offset)))
        == "a.onnx: expected one finite score, one finite oddity and one code of 1 values"
    )


def test_model_with_other_inputs_is_refused() -> None:
    node = helper.make_node("Identity", ["picture"], ["score"])
    tensor = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("picture", "score")]
    graph = helper.make_graph([node], "other", tensor[:1], tensor[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    helper.set_model_props(model, {METADATA_KEY: json.dumps(METADATA.as_json())})
    assert refusal(model.SerializeToString()) == "a.onnx: the model's graph does not take our inputs"


def test_code_of_another_size_than_announced_is_refused() -> None:
    wrong = dataclasses.replace(METADATA, code_size=2)
    assert refusal(drawn_model(Weights(), wrong)) == "a.onnx: the model's graph does not take our inputs"
