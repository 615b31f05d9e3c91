"""What a site refuses where privacy is concerned, and what it counts."""

import dataclasses

import pytest

from fl_client.training.site_privacy import SitePrivacy
from fl_protocol.errors import PrivacyError
from fl_protocol.membership import PrivacyPromise
from fl_protocol.privacy import RoundCost, round_cost
from fl_protocol.privacy_loss import epsilon_spent
from fl_protocol.round_noise import RoundNoise
from fl_protocol.round_vector import RoundSettingsMessage
from tests.fakes.round_noise import round_noise

NUM_SITES, NUM_PARAMETERS = 9, 2000
NOISE = round_noise(multiplier=4.0, max_dropouts=2, max_corrupt=3)
NOTHING = RoundCost(0.0, 0.0)
FREE = SitePrivacy(None, NUM_SITES, NOTHING)
PROMISED = dataclasses.replace(FREE, promise=PrivacyPromise(max_epsilon=8.0, delta=1e-5))


def told(noise: RoundNoise | None) -> RoundSettingsMessage:
    return RoundSettingsMessage(
        round_number=1,
        seed=1,
        num_steps=1,
        is_conditioned=True,
        tubelet_steps=12,
        num_sites=NUM_SITES,
        max_norm=1.0,
        max_examples=1,
        noise=noise,
    )


def with_multipliers(**multipliers: float) -> RoundNoise:
    changed = {
        name: getattr(NOISE, name).model_copy(update={"noise_multiplier": value}) for name, value in multipliers.items()
    }
    return NOISE.model_copy(update=changed)


def test_site_that_promised_takes_no_part_without_noise() -> None:
    PROMISED.check(told(NOISE))
    FREE.check(told(None))
    with pytest.raises(PrivacyError, match="settings: expected noise: this site promised it"):
        PROMISED.check(told(None))


@pytest.mark.parametrize(
    "less",
    [
        with_multipliers(update=3.9),
        with_multipliers(statistics=3.9, update=9.0),
        with_multipliers(norm_bit=3.9, update=9.0),
        None,
    ],
)
def test_noise_never_becomes_less_within_a_run(less: RoundNoise | None) -> None:
    after = FREE.after_round(told(NOISE), NUM_PARAMETERS)
    after.check(told(NOISE))
    after.check(told(with_multipliers(update=4.1)))
    with pytest.raises(PrivacyError, match=r"expected no(ise| less noise)"):
        after.check(told(less))


def test_a_third_of_the_roster_counts_as_corrupt() -> None:
    with pytest.raises(PrivacyError, match="settings: max_corrupt: expected at least 3, got 2"):
        FREE.check(told(NOISE.model_copy(update={"max_corrupt": 2})))
    more = told(NOISE.model_copy(update={"max_corrupt": 4}))
    FREE.check(more)
    with pytest.raises(PrivacyError, match="expected no less noise than in the round before"):
        FREE.after_round(more, NUM_PARAMETERS).check(told(NOISE))


def test_every_round_is_counted_and_the_one_too_many_is_refused() -> None:
    cost = round_cost(NOISE.segments(NUM_PARAMETERS), NOISE.cohort(NUM_SITES))
    privacy, num_rounds = PROMISED, 0
    while epsilon_spent(privacy.spent.rho + cost.rho, privacy.spent.distance, 8.0, 1e-5) <= 8.0:
        privacy, num_rounds = privacy.after_round(told(NOISE), NUM_PARAMETERS), num_rounds + 1
    with pytest.raises(PrivacyError, match=r"this site: expected epsilon of at most 8 at delta 1e-05, got 8\.\d+"):
        privacy.after_round(told(NOISE), NUM_PARAMETERS)
    assert privacy.spent.rho == pytest.approx(num_rounds * cost.rho)
    assert privacy.spent.distance == pytest.approx(num_rounds * cost.distance)
    assert num_rounds > 5


def test_site_without_a_promise_counts_and_goes_on() -> None:
    privacy = FREE
    for _ in range(100):
        privacy = privacy.after_round(told(NOISE), NUM_PARAMETERS)
    assert privacy.spent.rho > 3
    assert FREE.after_round(told(None), NUM_PARAMETERS).spent == NOTHING


def test_shares_are_revealed_only_where_enough_sites_survived() -> None:
    after = FREE.after_round(told(NOISE), NUM_PARAMETERS)
    after.check_reveal(7)
    after.check_reveal(9)
    with pytest.raises(PrivacyError, match="unmasking: expected 7 to 9 survivors, got 6"):
        after.check_reveal(6)
    FREE.after_round(told(None), NUM_PARAMETERS).check_reveal(3)
    FREE.check_reveal(3)
