"""What one round teaches the next: how long an update may be, and for how many examples a site counts.

1. Bounds are part of what a round commits. The run after a kill goes on with them, bit for bit.
2. They serve rounds of the same terms alone; under other terms a training begins anew with the first bounds. Other
   steps, parts or pull move a network by another length, and with noise a wrong bound stays for long: it moves by a
   tenth in a round.
3. Rounds with noise take none from rounds without, whose sums nothing noised; nor the other way round, for one bound is
   the sites' median norm, the other leaves room above their mean. A new ``noise-max-norm`` is where bounds begin anew.
4. Roster, quorum, seed, target and the server's step are no terms: the same work at other sites moves a network about
   as far, and rounds correct the rest. No promise of privacy rests on a bound: noise and cost are counted in its steps.
5. A round of another strategy teaches none, so bounds are always of the round just before.
6. Under its mask a site may tell any number. What is kept always fits a round's settings: bounds that no message can
   hold would end every later run before it asks a site.
"""

import pydantic

from fl_protocol.round_vector import LARGEST_MAX_EXAMPLES, LARGEST_MAX_NORM, MAX_STEPS

SMALLEST_MAX_NORM = 1e-6
"""No update that matters is shorter; nor can a bound that falls in every round come to nothing."""

_STRICT = pydantic.ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)


class RoundTerms(pydantic.BaseModel):
    """What decides how far a site's training moves the network, and how its length is told."""

    model_config = _STRICT

    num_steps: int = pydantic.Field(ge=0, le=MAX_STEPS, description="Local steps.")
    proximal_mu: float = pydantic.Field(ge=0, description="Pull of local training towards the global parameters.")
    trained_parts: str = pydantic.Field(max_length=64, description="Parts of the network that are trained.")
    personal_parts: str = pydantic.Field(max_length=64, description="Those of them that stay at the sites.")
    first_noisy_norm: float | None = pydantic.Field(
        default=None, gt=0, description="Bound that rounds with noise begin with; null: without noise."
    )


class UpdateBounds(pydantic.BaseModel):
    """Bounds of a round, and the terms they are for."""

    model_config = _STRICT

    max_norm: float = pydantic.Field(gt=0, le=LARGEST_MAX_NORM, description="L2 bound of an update.")
    max_examples: int = pydantic.Field(
        ge=1, le=LARGEST_MAX_EXAMPLES, description="Examples of a site that count at most."
    )
    terms: RoundTerms = pydantic.Field(description="Of the rounds they serve.")

    def or_learned(self, learned: "UpdateBounds | None") -> "UpdateBounds":
        """What a round begins with: what the one before taught under the same terms; else these (rules 2, 3)."""
        return learned if learned is not None and learned.terms == self.terms else self

    def taught(self, max_norm: float, max_examples: int) -> "UpdateBounds":
        """Bounds of the same terms that the sums of a round tell, brought within what a round can be told (rule 6).

        Args:
            max_norm: L2 bound; any finite number, for sites tell its parts.
            max_examples: Any number.
        """
        return UpdateBounds(
            max_norm=min(max(max_norm, SMALLEST_MAX_NORM), LARGEST_MAX_NORM),
            max_examples=min(max(max_examples, 1), LARGEST_MAX_EXAMPLES),
            terms=self.terms,
        )
