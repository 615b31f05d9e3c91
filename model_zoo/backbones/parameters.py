"""Networks as named float32 arrays, the form in which they travel."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch

from model_zoo.backbones.film_lstm import FilmLstm, FilmLstmShape

Parameters = dict[str, npt.NDArray[np.float32]]


def initial_parameters(shape: FilmLstmShape, seed: int) -> Parameters:
    """Parameters of a network never trained; the same for the same seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return parameters_of(FilmLstm(shape))


def parameters_of(network: FilmLstm) -> Parameters:
    """Copies of the network's parameters by name, in a fixed order."""
    return {name: tensor.detach().numpy().copy() for name, tensor in network.state_dict().items()}


def network_with(shape: FilmLstmShape, parameters: Mapping[str, npt.NDArray[np.float32]]) -> FilmLstm:
    """A network of ``shape`` with the given parameters.

    Raises:
        RuntimeError: Names or shapes do not belong to such a network.
    """
    with torch.random.fork_rng(devices=[]):
        network = FilmLstm(shape)
    network.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in parameters.items()})
    return network
