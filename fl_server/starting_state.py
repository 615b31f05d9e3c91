"""Where a training run begins: after the newest committed round, or where its options say."""

import dataclasses

from fl_server.errors import StartError
from fl_server.rounds.checkpoint import TrainingState, decode_state, load_checkpoint
from fl_server.rounds.server_optimizer import ServerOptimizer, server_optimizer
from fl_server.run_options import RunOptions
from fl_server.storage import Storage
from fl_server.storage.trainings import last_committed
from model_zoo.architecture import empty_fleet_normality
from model_zoo.backbones.film_lstm import FilmLstmShape
from model_zoo.backbones.parameters import initial_parameters
from model_zoo.default import DEFAULT_CHECKPOINT

CHECKPOINT_FILE = "training.npz"
"""In the state folder: what coordinators wrote before rounds were in the database, and the simulation puts there."""


def starting_state(options: RunOptions, storage: Storage, *, is_restarted: bool = False) -> TrainingState:
    """The state after the newest committed round; before the first: the file, or what the options say.

    Args:
        options: Of the run.
        storage: The open storage.
        is_restarted: Begins as the options say, whatever was trained; round numbers go on all the same.

    Raises:
        StartError: It is of another network than the options, or they name no start.
        CheckpointError: It is damaged, or of another schema.
    """
    optimizer, committed = server_optimizer(options.strategy, options.server_lr or None), last_committed(storage)
    if committed is not None and not is_restarted:
        name = f"round {committed.round_number} in the database"
        return _checked(decode_state(committed.arrays, optimizer, name), options, name)
    own = options.state_folder / CHECKPOINT_FILE
    if own.exists() and not is_restarted:
        return _checked(load_checkpoint(own, optimizer), options, str(own))
    return dataclasses.replace(_initial(options, optimizer), round_number=committed.round_number if committed else 0)


def _initial(options: RunOptions, optimizer: ServerOptimizer) -> TrainingState:
    if options.initial == "default":
        return _checked(load_checkpoint(DEFAULT_CHECKPOINT, optimizer), options, str(DEFAULT_CHECKPOINT))
    if options.initial == "random":
        parameters = initial_parameters(shape_of(options), options.seed)
        return TrainingState(parameters, empty_fleet_normality(), optimizer, 0, options.tubelet_steps)
    raise StartError(f"initial: expected default or random, got {options.initial!r}")


def shape_of(options: RunOptions) -> FilmLstmShape:
    """The network that the options ask for."""
    return FilmLstmShape.conditioned(options.is_conditioned, options.tubelet_steps)


def _checked(state: TrainingState, options: RunOptions, name: str) -> TrainingState:
    if state.tubelet_steps != options.tubelet_steps:
        raise StartError(f"{name}: expected tubelet-steps {options.tubelet_steps}, got {state.tubelet_steps}")
    expected, got = (
        {key: array.shape for key, array in parameters.items()}
        for parameters in (initial_parameters(shape_of(options), options.seed), state.parameters)
    )
    if expected != got:
        kind = "a network that knows contexts" if options.is_conditioned else "a network blind to contexts"
        raise StartError(f"{name}: expected parameters of {kind}, of this version; got others")
    return state
