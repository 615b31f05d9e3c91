"""The Flower ServerApp: the same in the simulation and at the coordinator.

Its options are the run's configuration (``flwr run APP --run-config '...'``), see ``RunOptions``. After every round the
training state is committed to ``state``; at the end the model is exported, quantized and published.
"""

import datetime as dt
import logging
import time
import uuid
from pathlib import Path
from typing import Self

import pydantic
from flwr.app import Context
from flwr.serverapp import Grid, ServerApp

from context.schedule import STATES
from context.zone import ZONE_KINDS
from fl_protocol.errors import RosterError
from fl_protocol.messages import ClosedRound
from fl_runtime.atomic_file import write_atomically
from fl_server.errors import RoundError, StartError
from fl_server.part_options import PartOptions
from fl_server.robust_update import RobustName
from fl_server.rounds.checkpoint import TrainingState, load_checkpoint, save_checkpoint
from fl_server.rounds.server_optimizer import ServerOptimizer, StrategyName, server_optimizer
from fl_server.secure_rounds import SecureRounds, SecureRun, secure_run
from fl_server.secure_strategy import SecureStrategy
from fl_server.storage import Storage, open_storage, publish_model, record_round
from fl_server.strategy import RoundReport, RoundSettings, run_round
from model_zoo.architecture import USUAL_NUM_STEPS, NumSteps, empty_fleet_normality
from model_zoo.backbones.film_lstm import FilmLstmShape
from model_zoo.backbones.parameters import initial_parameters, network_with
from model_zoo.default import DEFAULT_CHECKPOINT
from model_zoo.export.onnx_export import export_onnx
from model_zoo.export.quantize import quantize_int8
from model_zoo.onnx_model import ModelMetadata

logger = logging.getLogger(__name__)

CHECKPOINT_FILE, FP32_FILE, INT8_FILE = "training.npz", "model.onnx", "model.int8.onnx"
_POLL_S = 0.5

app = ServerApp()


class RunOptions(PartOptions):
    """Options of one training run."""

    num_rounds: int = pydantic.Field(default=3, alias="num-rounds", ge=1, le=10_000, description="Rounds to train.")
    num_steps: int = pydantic.Field(
        default=16, alias="num-steps", ge=1, le=100_000, description="Local training steps of a site in a round."
    )
    seed: int = pydantic.Field(default=0, ge=0, lt=2**31, description="Seed of all random choices.")
    min_sites: int = pydantic.Field(
        default=2, alias="min-sites", ge=1, le=100_000, description="Sites to wait for, and the quorum of a round."
    )
    deadline_s: float = pydantic.Field(
        default=600.0, alias="deadline-s", gt=0, le=86_400, description="Longest wait for sites, and for one exchange."
    )
    is_conditioned: bool = pydantic.Field(
        default=True, alias="conditioned", description="Whether the network sees the context."
    )
    tubelet_steps: NumSteps = pydantic.Field(
        default=USUAL_NUM_STEPS,
        alias="tubelet-steps",
        description="Last steps of a tubelet that the network looks at: 8, 12 or 16; other than 12 starts from random.",
    )
    strategy: StrategyName = pydantic.Field(
        default="fedavgm", description="What the server does with the mean update: fedavg, fedavgm, fedadam, fedyogi."
    )
    server_lr: float = pydantic.Field(
        default=0.0, alias="server-lr", ge=0, le=100, description="Rate of the server's step; 0: the strategy's usual."
    )
    proximal_mu: float = pydantic.Field(
        default=0.0,
        alias="proximal-mu",
        ge=0,
        le=1000,
        description="Pull of local training towards the global parameters (FedProx); 0: none.",
    )
    robust: RobustName = pydantic.Field(
        default="none",
        description="A rule that a few bad sites cannot bend: krum, multikrum, bulyan, trimmed-mean, median. It looks "
        "at every update, so it gives up masks: with a roster it is an error.",
    )
    num_malicious: int = pydantic.Field(
        default=0, alias="num-malicious", ge=0, le=10_000, description="Bad sites that the robust rule has to stand."
    )
    initial: str = pydantic.Field(
        default="default",
        max_length=4096,
        description="Where to start when the state folder holds no training: default (the shipped model) or random.",
    )
    roster: Path | None = pydantic.Field(
        default=None,
        description="Signed roster, with which rounds are secure: this coordinator sees sums alone. Left out or empty: "
        "rounds are plain, and whoever runs the coordinator can read one site's update.",
    )
    operator_key: Path | None = pydantic.Field(
        default=None, alias="operator-key", description="Public key that the roster is signed with, raw hexadecimal."
    )
    state_folder: Path = pydantic.Field(
        default=Path("state"), alias="state", description="Folder of the coordinator's files."
    )
    database: str | None = pydantic.Field(
        default=None, description="Database of the coordinator; left out or empty: the SQLite file in the state folder."
    )

    @pydantic.model_validator(mode="after")
    def _check_masks(self) -> Self:
        if self.roster and self.robust != "none":
            raise ValueError(
                f"robust: {self.robust} looks at single updates, which a roster masks: leave one of them out"
            )
        return self

    @pydantic.field_validator("roster", "operator_key", mode="before")
    @classmethod
    def _check_empty(cls, path: object) -> object:
        """Flower's run configuration knows no null."""
        return None if path == "" else path


@app.main()
def main(grid: Grid, run_context: Context) -> None:
    """Runs the configured rounds and publishes the result."""
    options = RunOptions.model_validate(run_context.run_config)
    storage = open_storage(options.database or None, options.state_folder)
    try:
        train_and_publish(grid, options, storage)
    finally:
        storage.close()


def train_and_publish(grid: Grid, options: RunOptions, storage: Storage) -> None:
    """Trains ``options.num_rounds`` rounds from where the state folder stands, then publishes the model.

    Raises:
        RoundError: Too few sites came, or too few delivered in a round; earlier rounds stay committed.
    """
    settings = RoundSettings(
        options.seed,
        options.num_steps,
        options.is_conditioned,
        options.min_sites,
        options.deadline_s,
        options.proximal_mu,
        options.robust,
        options.num_malicious,
        options.part_choice,
    )
    state, training_id = _starting_state(options), uuid.uuid4().hex
    node_ids = _wait_for_sites(grid, options.min_sites, options.deadline_s)
    secure = _secure_strategy(grid, options, settings)
    closed = None
    for _ in range(options.num_rounds):
        if secure is None:
            state, report = run_round(grid, node_ids, state, settings)
        else:
            state, report = secure.run_round(state)
            _tell_auc(storage, closed, report.auc_before)
        save_checkpoint(state, options.state_folder / CHECKPOINT_FILE)
        closed = _closed(report, training_id)
        record_round(storage, closed)
        facts = {"round_number": report.round_number, "loss": report.loss, "auc": report.auc}
        logger.info("round closed", extra=facts | {"survivors": report.num_survivors, "bytes_up": report.bytes_up})
    if secure is not None:
        _tell_last_auc(storage, closed, secure, state)
    _publish(state, options, storage)


def _secure_strategy(grid: Grid, options: RunOptions, settings: RoundSettings) -> SecureStrategy | None:
    """Secure rounds with all sites set up; None without a roster."""
    if options.roster is None:
        return None
    run = _secure_run(options)
    rounds = SecureRounds(grid, run, lambda newest: newest + 1, options.deadline_s)
    rounds.set_up()
    logger.info("sites set up", extra={"sites": rounds.num_set_up, "rostered": len(run.roster.sites)})
    return SecureStrategy(rounds, settings)


def _secure_run(options: RunOptions) -> SecureRun:
    """A run over the roster that the options name.

    Raises:
        StartError: A file cannot be read, or the roster is not the operator's.
    """
    if options.roster is None or options.operator_key is None:
        raise StartError("roster: expected operator-key, the public key it is signed with")
    try:
        operator_key = bytes.fromhex(options.operator_key.read_text().strip())
        return secure_run(options.roster.read_bytes(), operator_key)
    except (OSError, ValueError, RosterError) as error:
        raise StartError(f"{options.roster}: {error}") from error


def _tell_auc(storage: Storage, closed: ClosedRound | None, auc: float | None) -> None:
    """Completes the record of a round by what the round after it told."""
    if closed is not None and auc is not None:
        record_round(storage, closed.model_copy(update={"auc": auc}))
        logger.info("round evaluated", extra={"round_number": closed.round_number, "auc": auc})


def _tell_last_auc(storage: Storage, closed: ClosedRound | None, secure: SecureStrategy, state: TrainingState) -> None:
    """Completes the record of the last round; a round that only evaluates and fails keeps no model back."""
    try:
        _tell_auc(storage, closed, secure.evaluate(state))
    except RoundError as error:
        logger.warning("last model not evaluated", extra={"reason": str(error)})


def _starting_state(options: RunOptions) -> TrainingState:
    checkpoint = options.state_folder / CHECKPOINT_FILE
    if checkpoint.exists():
        return _continued(checkpoint, options)
    if options.initial == "default":
        return _continued(DEFAULT_CHECKPOINT, options)
    if options.initial == "random":
        parameters = initial_parameters(_shape(options), options.seed)
        return TrainingState(parameters, empty_fleet_normality(), _optimizer(options), 0, options.tubelet_steps)
    raise StartError(f"initial: expected default or random, got {options.initial!r}")


def _continued(checkpoint: Path, options: RunOptions) -> TrainingState:
    state = load_checkpoint(checkpoint, _optimizer(options))
    if state.tubelet_steps != options.tubelet_steps:
        raise StartError(f"{checkpoint}: expected tubelet-steps {options.tubelet_steps}, got {state.tubelet_steps}")
    expected, got = (
        {name: array.shape for name, array in parameters.items()}
        for parameters in (initial_parameters(_shape(options), options.seed), state.parameters)
    )
    if expected != got:
        kind = "a network that knows contexts" if options.is_conditioned else "a network blind to contexts"
        raise StartError(f"{checkpoint}: expected parameters of {kind}, of this version; got others")
    return state


def _optimizer(options: RunOptions) -> ServerOptimizer:
    return server_optimizer(options.strategy, options.server_lr or None)


def _shape(options: RunOptions) -> FilmLstmShape:
    return FilmLstmShape.conditioned(options.is_conditioned, options.tubelet_steps)


def _wait_for_sites(grid: Grid, min_sites: int, deadline_s: float) -> list[int]:
    give_up = time.monotonic() + deadline_s
    while len(node_ids := sorted(grid.get_node_ids())) < min_sites:
        if time.monotonic() > give_up:
            raise RoundError(f"expected at least {min_sites} sites within {deadline_s:g} s, got {len(node_ids)}")
        time.sleep(_POLL_S)
    return node_ids


def _closed(report: RoundReport, training_id: str) -> ClosedRound:
    return ClosedRound(
        training_id=training_id,
        round_number=report.round_number,
        closed_utc=dt.datetime.now(dt.UTC),
        num_sites=report.num_survivors,
        loss=report.loss,
        auc=report.auc,
        bytes_up=report.bytes_up,
        model_digest=None,
    )


def _publish(state: TrainingState, options: RunOptions, storage: Storage) -> None:
    network = network_with(_shape(options), state.parameters)
    metadata = ModelMetadata(
        state.round_number,
        network.shape.code_size,
        network.shape.num_context,
        network.shape.num_steps,
        tuple(ZONE_KINDS),
        tuple(STATES),
        tuple(state.normality.tolist()),
        personal_parts=options.personal_parts,
    )
    fp32 = export_onnx(network, metadata)
    int8 = quantize_int8(fp32)
    write_atomically(options.state_folder / FP32_FILE, fp32)
    write_atomically(options.state_folder / INT8_FILE, int8)
    card = {
        "round_number": state.round_number,
        "precision": "int8",
        "is_masked": options.roster is not None,
        "seed": options.seed,
    }
    publish_model(storage, int8, card, state.round_number)
