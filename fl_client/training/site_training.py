"""One round at one site: train on its cameras' tubelets, or tell how well a model does there.

A site trains on tubelets of its training blocks and on what the operator has labelled; no network is trained on
the held-out blocks.

Where a round leaves parts of the network to the site, its own values stand in for the received ones before anything is
trained or evaluated, and what training makes of them stays in its folder.
"""

import contextlib
import dataclasses
import logging
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from context.schedule import STATES
from fl_client.errors import StateError
from fl_client.inference.learning import load_scenes
from fl_client.storage.personal_parameters import (
    PersonalParameters,
    load_personal,
    network_digest,
    save_personal,
)
from fl_client.storage.tubelet_store import TubeletStore, join_blocks
from fl_client.training.normality_sums import camera_stores, fleet_sums
from fl_protocol.round_vector import SiteContribution
from model_zoo.architecture import NumSteps
from model_zoo.backbones.film_lstm import FilmLstmShape
from model_zoo.backbones.parameters import Parameters, network_with, parameters_of
from model_zoo.backbones.parts import WHOLE_NETWORK, PartChoice, only, replaced
from model_zoo.normality.intensity import NormalitySums
from model_zoo.perception.background import Picture
from model_zoo.perception.tubelet import concatenate
from model_zoo.training.batch import CameraFootage
from model_zoo.training.local_training import (
    HeldOutReport,
    LocalTrainer,
    TrainingSettings,
    evaluate_held_out,
)

logger = logging.getLogger(__name__)

_TRAINING_STREAM, _EVALUATION_STREAM = 1, 2


@dataclasses.dataclass(frozen=True)
class Assignment:
    """What the coordinator asks of a site in one round."""

    parameters: Parameters
    round_number: int
    seed: int
    num_steps: int
    shape: FilmLstmShape
    """Of the network that has the parameters."""
    proximal_mu: float = 0.0
    """Pull towards where training begins (FedProx)."""
    parts: PartChoice = WHOLE_NETWORK


@dataclasses.dataclass(frozen=True)
class SiteUpdate:
    """What a site answers: local minus global parameters that are summed, its normality sums, its loss."""

    update: Parameters
    normality: NormalitySums
    loss: float
    num_examples: int


def train_site(state_dir: Path, assignment: Assignment) -> SiteUpdate:
    """Trains one round on everything the site's cameras have, and keeps what is the site's own.

    Raises:
        StateError: The site has no tubelet to train on yet, or what is its own cannot be kept.
    """
    cameras = training_footage(state_dir, assignment.shape.num_steps, is_held_out=False)
    parts, start = assignment.parts, _with_own_parts(state_dir, assignment)
    network = network_with(assignment.shape, start)
    rng = np.random.default_rng(
        [assignment.seed, _TRAINING_STREAM, assignment.round_number, *(camera.camera_index for camera in cameras)]
    )
    settings = TrainingSettings(proximal_mu=assignment.proximal_mu, parts=parts.trained)
    trainer = LocalTrainer(network, settings)
    losses = [trainer.step(cameras[step % len(cameras)], rng) for step in range(assignment.num_steps)]
    trained = parameters_of(network)
    update = {name: array - start[name] for name, array in only(trained, parts.summed).items()}
    if parts.personal and losses:
        num_steps = assignment.shape.num_steps
        own = PersonalParameters(only(trained, parts.personal), num_steps, network_digest(start, num_steps))
        save_personal(state_dir, own)
    num_examples = sum(len(footage.tubelets) for footage in cameras)
    return SiteUpdate(update, fleet_sums(state_dir), float(np.mean(losses)) if losses else 0.0, num_examples)


def evaluate_site(state_dir: Path, assignment: Assignment) -> HeldOutReport:
    """Evaluates the received parameters on the site's held-out blocks.

    Raises:
        StateError: The site has no held-out tubelet yet.
    """
    network = network_with(assignment.shape, _with_own_parts(state_dir, assignment))
    reports = []
    for index, footage in enumerate(training_footage(state_dir, assignment.shape.num_steps, is_held_out=True)):
        rng = np.random.default_rng([assignment.seed, _EVALUATION_STREAM, footage.camera_index, index])
        reports.append(evaluate_held_out(network, footage, rng))
    return HeldOutReport(np.sum([report.sums for report in reports], axis=0))


def site_contribution(state_dir: Path, assignment: Assignment) -> SiteContribution:
    """What the site adds to a secure round: evaluates the received parameters, then trains from them.

    A site without held-out blocks yet adds nothing to the evaluation; with no steps to train, nothing to the update.

    Raises:
        StateError: The site has no tubelet to train on yet.
    """
    evaluation = np.zeros((1 + len(STATES), 3))
    with contextlib.suppress(StateError):
        evaluation = evaluate_site(state_dir, assignment).sums
    result = train_site(state_dir, assignment)
    return SiteContribution(
        np.concatenate([array.ravel() for array in result.update.values()]),
        result.num_examples,
        result.loss,
        evaluation.ravel(),
        result.normality.vector,
    )


def _with_own_parts(state_dir: Path, assignment: Assignment) -> Parameters:
    """The received parameters with the site's own in place; all are the received ones where it has none of use."""
    wanted = only(assignment.parameters, assignment.parts.personal)
    if not wanted:
        return assignment.parameters
    try:
        own = load_personal(state_dir)
    except StateError as error:
        logger.warning("own parameters begin anew", extra={"reason": str(error)})
        return assignment.parameters
    if own is None:
        return assignment.parameters
    digest = network_digest(assignment.parameters, assignment.shape.num_steps)
    if own.network_digest != digest or _shapes(own.parameters) != _shapes(wanted):
        logger.warning("own parameters begin anew", extra={"reason": "they are of another network or of other parts"})
        return assignment.parameters
    return replaced(assignment.parameters, own.parameters)


def _shapes(parameters: Mapping[str, npt.NDArray[np.float32]]) -> dict[str, tuple[int, ...]]:
    return {name: array.shape for name, array in parameters.items()}


def training_footage(state_dir: Path, num_steps: NumSteps, *, is_held_out: bool) -> list[CameraFootage]:
    """What each camera of a site offers, by name: training blocks with the operator's labels, or held-out blocks.

    Args:
        state_dir: The site's folder.
        num_steps: Last steps of each tubelet that the network looks at.
        is_held_out: Which blocks.

    Raises:
        StateError: No camera has a tubelet yet.
    """
    # Objects are cut out of crops so small that sharing one among threads takes longer than the work.
    cv2.setNumThreads(1)
    cameras = []
    for store in camera_stores(state_dir):
        block = join_blocks(store.blocks(is_held_out=is_held_out))
        if block is None:
            continue
        kinds, camera_index = store.zone_kinds_and_index()
        tubelets = block.tubelets if is_held_out else concatenate([block.tubelets, store.labelled()])
        if len(tubelets):
            looked_at = tubelets.last_steps(num_steps)
            cameras.append(CameraFootage(looked_at, block.exposure, kinds, camera_index, _backgrounds(store)))
    if not cameras:
        raise StateError(f"{state_dir}: no {'held-out' if is_held_out else 'training'} tubelets yet")
    return cameras


def _backgrounds(store: TubeletStore) -> dict[int, Picture]:
    """The empty scene of a camera by index of the operational state."""
    return {STATES.index(state): scene.background for state, scene in load_scenes(store.folder).items()}
