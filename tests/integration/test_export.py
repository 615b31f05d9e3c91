"""The exported graph says what the network says, step by step, and is the same file in any process."""

import hashlib
import json
import os
import subprocess
import sys

import numpy as np
import onnx
import pytest
import torch

from model_zoo.architecture import STEPS_READ, USUAL_NUM_STEPS
from model_zoo.backbones.film_lstm import FilmLstmShape
from model_zoo.export.onnx_export import INPUT_NAMES, OUTPUT_NAMES
from model_zoo.onnx_model import METADATA_KEY, OnnxModel
from model_zoo.perception.tubelet import Tubelets
from tests.fakes.networks import exported_fp32, exported_int8, untrained_network
from tests.fakes.tubelets import CLOSED, Look, drawn_tubelets

PROGRAM = """
import hashlib
from tests.fakes.networks import exported_fp32, exported_int8
print(*(hashlib.sha256(file).hexdigest() for file in (exported_fp32(), exported_int8())))
"""


@pytest.fixture(scope="module")
def model() -> OnnxModel:
    return OnnxModel(exported_fp32(), "exported")


@pytest.fixture(scope="module")
def tubelets() -> Tubelets:
    return drawn_tubelets(6, seed=2, state=CLOSED, look=Look(spread=0.5, zone_kind=4))


def test_streaming_step_by_step_equals_the_whole_tubelet(model: OnnxModel, tubelets: Tubelets) -> None:
    network, rows, last = untrained_network(), len(tubelets), tubelets.last_steps(USUAL_NUM_STEPS)
    with torch.inference_mode():
        condition = network.condition(
            torch.from_numpy(tubelets.context), torch.from_numpy(tubelets.zone_kind), torch.full((rows,), 7)
        )
        crops = torch.from_numpy(last.crops[:, STEPS_READ]).float() / 255
        num_read = crops.shape[1]
        features = network.features(crops.flatten(0, 1)[:, None])
        codes = network.code(features, condition.repeat_interleave(num_read, dim=0)).view(rows, num_read, -1)
        motion = torch.from_numpy(last.motion[:, STEPS_READ])
        whole = network.score(codes, motion, condition).numpy()
        odd = network.oddity(network.view(codes, motion, condition)).numpy()
    judged = model.judge_tubelets(tubelets, camera_index=7)
    np.testing.assert_allclose(judged.score, whole, atol=1e-4)
    np.testing.assert_allclose(judged.oddity, odd, atol=1e-4)
    assert odd.std() > 1e-3
    assert np.ptp(whole) > 1e-3


def test_graph_has_the_inputs_and_outputs_that_sites_feed_and_read() -> None:
    graph = onnx.load_from_string(exported_fp32()).graph
    assert tuple(entry.name for entry in graph.input) == INPUT_NAMES
    assert tuple(entry.name for entry in graph.output) == OUTPUT_NAMES


def test_file_holds_our_facts_and_no_trace_of_the_machine_that_made_it() -> None:
    model = onnx.load_from_string(exported_fp32())
    assert [entry.key for entry in model.metadata_props] == [METADATA_KEY]
    assert json.loads(model.metadata_props[0].value)["code_size"] == FilmLstmShape().code_size
    assert b"/" + b"site-packages" not in exported_fp32()
    assert not any(node.metadata_props or node.doc_string for node in model.graph.node)


def test_batch_of_one_and_of_many_run_through_the_same_graph(model: OnnxModel, tubelets: Tubelets) -> None:
    alone = [model.judge_tubelets(tubelets.select(np.array([row])), 7).score[0] for row in range(len(tubelets))]
    np.testing.assert_allclose(model.judge_tubelets(tubelets, 7).score, alone, atol=1e-5)


def test_export_is_byte_identical_in_another_process_with_another_hash_seed() -> None:
    environment = os.environ | {"PYTHONHASHSEED": "12345"}
    output = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, stdout=subprocess.PIPE, check=True).stdout
    here = [hashlib.sha256(file).hexdigest() for file in (exported_fp32(), exported_int8())]
    assert output.decode().split() == here
