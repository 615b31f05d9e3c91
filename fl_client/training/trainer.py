"""What a site does in secure rounds, asked by the names of their actions."""

import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fl_client.training.secure_site import MaskingOrder, SecureSite
from fl_client.training.site_training import Assignment, site_contribution
from fl_protocol import records
from fl_protocol.errors import ProtocolError, RecordError
from fl_protocol.round_vector import RoundSettingsMessage, SiteContribution
from model_zoo.architecture import checked_num_steps
from model_zoo.backbones.film_lstm import FilmLstmShape
from model_zoo.backbones.parameters import initial_parameters
from model_zoo.backbones.parts import PartChoice

logger = logging.getLogger(__name__)

Parts = Mapping[str, bytes]
Parameters = Mapping[str, npt.NDArray[np.float32]]


class Trainer:
    """One site in secure rounds. Its secrets live as long as this object, so it lives as long as a process.

    Args:
        membership_dir: Holds identity key, membership and roster.
        state_dir: The site's folder.
    """

    def __init__(self, membership_dir: Path, state_dir: Path) -> None:
        self._site, self._state_dir = SecureSite(membership_dir, state_dir), state_dir

    def answer(self, action: str, parts: Parts, parameters: Parameters) -> dict[str, bytes]:
        """Does what a message of the coordinator asks.

        Args:
            action: One of ``records.SET_UP``, ``KEYS``, ``MASKED`` and ``UNMASK``.
            parts: What the message carries, by name.
            parameters: Global parameters; empty but for ``MASKED``.

        Raises:
            ProtocolError: The message breaks a rule of the secure sum, or cannot be read.
            StateError: The site has nothing to train on yet, or its folders cannot be used.
        """
        if action == records.SET_UP:
            return {records.ANSWER: self._site.set_up(_part(parts, records.RUN), _part(parts, records.ROSTER))}
        if action == records.KEYS:
            return {records.ANSWER: self._site.keys(_part(parts, records.REQUEST))}
        if action == records.MASKED:
            return {records.ANSWER: self._masked(parts, parameters)}
        if action == records.UNMASK:
            return self._reveal(parts)
        raise RecordError(f"expected an action of secure rounds, got {action!r}")

    def _masked(self, parts: Parts, parameters: Parameters) -> bytes:
        digest = records.digest_of_arrays(parameters)
        order = MaskingOrder(_part(parts, records.REQUEST), _part(parts, records.ROUND_SETTINGS), digest)

        def contribute(settings: RoundSettingsMessage) -> SiteContribution:
            try:
                steps = checked_num_steps(settings.tubelet_steps)
                parts = PartChoice(settings.trained_parts, settings.personal_parts)
            except ValueError as error:
                raise RecordError(f"settings: {error}") from error
            shape = FilmLstmShape.conditioned(settings.is_conditioned, steps)
            records.check_arrays(parameters, initial_parameters(shape, 0), "parameters")
            assignment = Assignment(
                dict(parameters),
                settings.round_number,
                settings.seed,
                settings.num_steps,
                shape,
                settings.proximal_mu,
                parts,
            )
            return site_contribution(self._state_dir, assignment)

        return self._site.masked(order, contribute)

    def _reveal(self, parts: Parts) -> dict[str, bytes]:
        answers = {records.ANSWER: self._site.reveal(_part(parts, records.REQUEST))}
        if records.KEYS_REQUEST in parts:
            try:
                answers[records.KEYS_ANSWER] = self._site.keys(parts[records.KEYS_REQUEST])
            except ProtocolError as error:  # the round under way needs the shares all the same
                logger.warning("keys refused", extra={"reason": str(error)})
        return answers


def _part(parts: Parts, name: str) -> bytes:
    if name not in parts:
        raise RecordError(f"{records.SECURE}: expected {name}")
    return parts[name]
