"""This site's part in secure rounds: secrets in memory, the epochs they were made for on the disk.

1. Keys of an epoch are made at most once: the epoch is on the disk, flushed, before its first byte leaves.
2. Secrets are lost with the process. The site then has no keys for the epoch under way and is a drop-out of it; it
   comes back with the next.
3. The coordinator brings the signed roster with every set-up. It is believed if the operator signed it and it is not
   older than the newest one known, and is kept then: in the state folder, for a service may not write among its keys.
   Epochs are counted by roster: its beacon is new with every version.
4. What a round gives away is weighed, and on the disk, before its vector leaves (``site_privacy``).
"""

import dataclasses
import json
import logging
import secrets
from collections.abc import Callable
from pathlib import Path

import numpy as np

from fl_client.errors import StateError
from fl_client.training.site_privacy import SitePrivacy, load_spent, store_spent
from fl_protocol.errors import RefusedError, RosterError
from fl_protocol.membership import IDENTITY_FILE, MEMBERSHIP_FILE, ROSTER_FILE, RosteredSite, rostered_site
from fl_protocol.noise import keystream
from fl_protocol.privacy import RoundCost
from fl_protocol.roster import Roster
from fl_protocol.round_vector import RoundSettingsMessage, SiteContribution, site_vector
from fl_protocol.secure_sum import site as sums
from fl_protocol.secure_sum.binding import RUN_BYTES, RoundBinding, digest_of
from fl_protocol.secure_sum.messages import MaskRequest, UnmaskRequest
from fl_runtime.atomic_file import write_atomically

logger = logging.getLogger(__name__)

EPOCH_FILE = "secure_sum.json"
_SCHEMA_VERSION = 1
_ROUNDING_STREAM = 3
"""Rounding is no secret: what is rounded leaves under masks."""


@dataclasses.dataclass(frozen=True)
class MaskingOrder:
    """What the coordinator asks of a site in one secure round."""

    request: bytes
    """Sealed shares of its neighbours."""
    settings: bytes
    model: bytes
    """Digest of the parameters as this site received them."""


class SecureSite:
    """One site in secure rounds, for as long as this process lives.

    Args:
        membership_dir: Holds identity key, membership, and the roster that was accepted; nothing is written there.
        state_dir: Where epochs and a newer roster are kept.
    """

    def __init__(self, membership_dir: Path, state_dir: Path) -> None:
        self._membership_dir, self._state_dir = membership_dir, state_dir
        self._epoch_file, self._roster_file = state_dir / EPOCH_FILE, state_dir / ROSTER_FILE
        self._state: sums.SiteState | None = None
        self._privacy = SitePrivacy(None, 0, RoundCost(0.0, 0.0))

    def set_up(self, run: bytes, signed_roster: bytes) -> bytes:
        """Begins a run, or tells its channel key again.

        Args:
            run: The run.
            signed_roster: The coordinator's; kept where it is newer than this site's.

        Raises:
            StateError: The membership or the epochs cannot be read.
            RosterError: The roster is not to be believed, or this site is not on it.
            SumParameterError: No secure round is possible with so many sites.
        """
        if len(run) != RUN_BYTES:
            raise RefusedError(f"expected a run named by {RUN_BYTES} bytes, got {len(run)}")
        rostered = self._rostered(signed_roster)
        roster = rostered.roster
        state = self._state
        if state is None or (state.run, state.group.roster_digest) != (run, roster.digest):
            group = roster.sum_group()
            newest = self._newest_epoch(roster.digest)
            self._privacy = SitePrivacy(rostered.privacy, len(roster.sites), load_spent(self._state_dir))
            self._state = state = sums.join_run(group, rostered.position, rostered.identity, run, newest)
            logger.info("secure rounds begin", extra={"sites": len(roster.sites), "newest_epoch": newest})
        return sums.set_up(state)

    def keys(self, request: bytes) -> bytes:
        """Makes and shares the keys of an epoch.

        Raises:
            SecureSumError: The request breaks a rule of the secure sum.
            StateError: The epoch cannot be stored.
        """
        state, answer = sums.advertise(self._joined(), request)
        if state.newest_epoch != self._joined().newest_epoch:
            self._store_epoch(state)
        self._state = state
        return answer

    def masked(self, order: MaskingOrder, contribute: Callable[[RoundSettingsMessage], SiteContribution]) -> bytes:
        """Computes what this site adds, and masks it.

        Args:
            order: What was asked.
            contribute: Trains and evaluates; not called when the request was answered before.

        Raises:
            ProtocolError: The request breaks a rule, or gives away more than this site agreed to.
            StateError: The site has nothing to add yet, or cannot store what it gives away.
        """
        name = MaskRequest.decode(order.request).name
        state = self._joined()
        binding = RoundBinding(name, state.group.roster_digest, order.model, digest_of(order.settings))
        before = sums.masked_before(state, order.request, binding)
        if before is not None:
            return before
        settings = RoundSettingsMessage.decode(order.settings)
        if settings.round_number != name.round_number or settings.num_sites != state.group.parameters.num_sites:
            raise RefusedError("expected settings of the round that is masked, for as many sites as take part")
        self._privacy.check(settings)
        opened = sums.open_round(state, order.request)  # refuse before the work
        contribution = contribute(settings)
        rng = np.random.default_rng([settings.seed, _ROUNDING_STREAM, settings.round_number, state.site])
        try:
            layout, lanes = site_vector(settings, contribution, rng, keystream(secrets.token_bytes(32)))
        except ValueError as error:  # diverged, or sums beyond 64 bits
            raise StateError(f"what this site would add cannot be summed: {error}") from error
        self._pay(settings, len(contribution.update))
        self._state, answer = sums.mask(state, opened, lanes, layout, binding)
        return answer

    def reveal(self, request: bytes) -> bytes:
        """Reveals a share of every neighbour.

        Raises:
            SecureSumError: The request breaks a rule of the secure sum.
            PrivacyError: Fewer sites survived than the noise was made for.
        """
        state = self._joined()
        self._privacy.check_reveal(len(UnmaskRequest.decode(request).survivors))
        self._state, answer = sums.reveal(state, request)
        return answer

    def _pay(self, settings: RoundSettingsMessage, num_parameters: int) -> None:
        """Counts a round before its vector leaves: a process killed in between has paid for what nobody saw."""
        paid = self._privacy.after_round(settings, num_parameters)
        if settings.noise is not None:
            store_spent(self._state_dir, paid.spent)
        self._privacy = paid

    def _rostered(self, signed_roster: bytes) -> RosteredSite:
        """This site on the roster that was brought; keeps a newer one."""
        identity, membership = self._read(IDENTITY_FILE), self._read(MEMBERSHIP_FILE)
        known = self._known_roster(identity, membership)
        brought = rostered_site(identity, membership, signed_roster, known)
        if brought.roster.version > known.version:
            self._write(self._roster_file, signed_roster)
            logger.info("newer roster kept", extra={"version": brought.roster.version})
        return brought

    def _known_roster(self, identity: bytes, membership: bytes) -> Roster:
        """The newer of the roster that was accepted and the one that was brought last."""
        accepted = rostered_site(identity, membership, self._read(ROSTER_FILE)).roster
        try:
            return rostered_site(identity, membership, self._roster_file.read_bytes(), accepted).roster
        except FileNotFoundError:
            return accepted
        except (OSError, RosterError) as error:  # older than what was accepted since, or of a membership before
            logger.warning("roster brought earlier left out", extra={"reason": str(error)})
            return accepted

    def _write(self, path: Path, content: bytes) -> None:
        try:
            write_atomically(path, content)
        except OSError as error:
            raise StateError(f"{path}: cannot be written: {error.strerror}") from error

    def _joined(self) -> sums.SiteState:
        if self._state is None:
            raise RefusedError("this site is not set up for a run; its process may have been started anew")
        return self._state

    def _read(self, name: str) -> bytes:
        try:
            return (self._membership_dir / name).read_bytes()
        except OSError as error:
            raise StateError(f"{self._membership_dir / name}: cannot be read: {error.strerror}") from error

    def _newest_epoch(self, roster_digest: bytes) -> int:
        try:
            kept = json.loads(self._epoch_file.read_text()) if self._epoch_file.exists() else None
            return 0 if kept is None or kept["roster"] != roster_digest.hex() else int(kept["epoch"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StateError(f"{self._epoch_file}: expected the last epoch of this site") from error

    def _store_epoch(self, state: sums.SiteState) -> None:
        prepared = state.prepared
        kept = {
            "schema_version": _SCHEMA_VERSION,
            "roster": state.group.roster_digest.hex(),
            "epoch": state.newest_epoch,
            "round": prepared.name.round_number if prepared else 0,
        }
        self._write(self._epoch_file, json.dumps(kept).encode())
