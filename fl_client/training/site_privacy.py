"""What a site lets the coordinator ask of it where privacy is concerned, and what it has given away.

The coordinator names the noise, and the noise is there against the coordinator. So a site checks for itself:

1. A site that has promised a budget (``Membership.privacy``) takes part with noise alone, and never beyond the budget,
   over all runs and rosters. What is spent is on the disk before the vector leaves.
2. Within a run no round has less noise than one before it, with or without a budget.
3. A third of the roster at least counts as corrupt, as everywhere in the secure sum.
4. Shares are revealed only where as many sites survived as the noise was made for.
"""

import dataclasses
import json
import math
from pathlib import Path

from fl_client.errors import StateError
from fl_protocol.errors import PrivacyError
from fl_protocol.membership import PrivacyPromise
from fl_protocol.privacy import RoundCost, check_survivors, round_cost
from fl_protocol.privacy_loss import epsilon_spent
from fl_protocol.round_noise import RoundNoise
from fl_protocol.round_vector import RoundSettingsMessage
from fl_protocol.secure_sum.parameters import CORRUPT_FRACTION_DENOMINATOR
from fl_runtime.atomic_file import write_atomically

SPENT_FILE = "privacy.json"
_SCHEMA_VERSION = 1


@dataclasses.dataclass(frozen=True)
class SitePrivacy:
    """One site in one training run."""

    promise: PrivacyPromise | None
    num_rostered: int
    spent: RoundCost
    """By all rounds with noise, of this run and those before."""
    masked_under: RoundSettingsMessage | None = None
    """Settings of the last round that was masked in this run."""

    def check(self, settings: RoundSettingsMessage) -> None:
        """Refuses settings under which the site does not take part, before it trains (rules 1 to 3).

        Raises:
            PrivacyError: There is too little noise, or none.
        """
        noise = settings.noise
        before = None if self.masked_under is None else self.masked_under.noise
        if noise is None:
            if self.promise is not None or before is not None:
                raise PrivacyError("settings: expected noise: this site promised it, or had it in the round before")
            return
        if noise.max_corrupt < self.num_rostered // CORRUPT_FRACTION_DENOMINATOR:
            least = self.num_rostered // CORRUPT_FRACTION_DENOMINATOR
            raise PrivacyError(f"settings: max_corrupt: expected at least {least}, got {noise.max_corrupt}")
        if before is not None and _is_less(noise, before):
            raise PrivacyError("settings: expected no less noise than in the round before")

    def after_round(self, settings: RoundSettingsMessage, num_parameters: int) -> "SitePrivacy":
        """The state with one more round that was masked; store it before the vector leaves.

        Raises:
            PrivacyError: The round would break the promise (rule 1).
        """
        noise = settings.noise
        if noise is None:
            return dataclasses.replace(self, masked_under=settings)
        cost = round_cost(noise.segments(num_parameters), noise.cohort(settings.num_sites))
        spent = RoundCost(self.spent.rho + cost.rho, self.spent.distance + cost.distance)
        if self.promise is not None:
            most, delta = self.promise.max_epsilon, self.promise.delta
            epsilon = epsilon_spent(spent.rho, spent.distance, most, delta)
            if epsilon > most:
                raise PrivacyError(
                    f"this site: expected epsilon of at most {most:g} at delta {delta:g}, got {epsilon:.4g}"
                )
        return dataclasses.replace(self, spent=spent, masked_under=settings)

    def check_reveal(self, num_survivors: int) -> None:
        """Refuses to help open a sum that holds too little noise (rule 4).

        Raises:
            PrivacyError: Too few sites delivered.
        """
        if self.masked_under is not None and self.masked_under.noise is not None:
            check_survivors(num_survivors, self.masked_under.noise.cohort(self.masked_under.num_sites))


def load_spent(state_dir: Path) -> RoundCost:
    """What a site has spent; nothing where it never took part with noise.

    Raises:
        StateError: The file cannot be read: nobody knows what is left.
    """
    path = state_dir / SPENT_FILE
    try:
        kept = json.loads(path.read_text()) if path.exists() else {"rho": 0.0, "distance": 0.0}
        spent = RoundCost(float(kept["rho"]), float(kept["distance"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StateError(f"{path}: expected what privacy this site has spent") from error
    if not (0 <= spent.rho < math.inf and 0 <= spent.distance < math.inf):
        raise StateError(f"{path}: expected what privacy this site has spent, got {spent}")
    return spent


def store_spent(state_dir: Path, spent: RoundCost) -> None:
    """Keeps what is spent; on the disk when this returns.

    Raises:
        StateError: The file cannot be written.
    """
    path = state_dir / SPENT_FILE
    try:
        write_atomically(path, json.dumps({"schema_version": _SCHEMA_VERSION, **dataclasses.asdict(spent)}).encode())
    except OSError as error:
        raise StateError(f"{path}: cannot be written: {error.strerror}") from error


def _is_less(noise: RoundNoise, before: RoundNoise) -> bool:
    """Whether a segment has a smaller multiplier, or fewer sites are taken to be corrupt."""
    pairs = ((noise.update, before.update), (noise.statistics, before.statistics), (noise.norm_bit, before.norm_bit))
    is_any_smaller = any(now.noise_multiplier < then.noise_multiplier for now, then in pairs)
    return is_any_smaller or noise.max_corrupt < before.max_corrupt
