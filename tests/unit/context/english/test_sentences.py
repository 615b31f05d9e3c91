"""What users write, and the rules they mean; and sentences that must not become a rule."""

from typing import Any

import pytest

from context.behaviour.settings import BehaviourSettings
from context.english.errors import LanguageError
from context.language import understand
from context.rule import Deed
from context.schedule import Schedule
from context.site import Site
from tests.fakes.named_site import named_site
from tests.unit.context.english.refused import REFUSED
from tests.unit.context.english.understood import UNDERSTOOD


@pytest.mark.parametrize(("sentence", "fields"), UNDERSTOOD)
def test_sentence_means_the_rule_that_its_writer_expects(sentence: str, fields: dict[str, Any]) -> None:
    rule = understand(sentence, named_site()).rule
    assert rule.model_dump(mode="json", exclude_defaults=True, exclude={"name"}) == fields


@pytest.mark.parametrize("sentence", [sentence for sentence, _ in UNDERSTOOD])
def test_paraphrase_means_the_same_rule(sentence: str) -> None:
    first = understand(sentence, named_site())
    again = understand(first.paraphrase, named_site())
    assert again == first


@pytest.mark.parametrize(("sentence", "reason", "pointed_at"), REFUSED)
def test_what_is_not_understood_is_refused_and_pointed_at(sentence: str, reason: str, pointed_at: list[str]) -> None:
    with pytest.raises(LanguageError) as caught:
        understand(sentence, named_site())
    assert reason in caught.value.reason
    assert [sentence[first:last] for first, last in caught.value.spans] == pointed_at


def test_there_are_as_many_sentences_as_were_promised() -> None:
    assert len({sentence for sentence, _ in UNDERSTOOD}) >= 60
    assert len({sentence for sentence, _, _ in REFUSED}) >= 30


def test_error_shows_the_sentence_with_what_is_wrong_marked() -> None:
    with pytest.raises(LanguageError) as caught:
        understand("Alert me if someone juggles near the till", named_site())
    assert str(caught.value) == "this word is not known: Alert me if someone >>juggles<< near the till"


def _with_zones(*names: str) -> Site:
    zones = [{"name": name, "kind": "other", "polygon": [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]]} for name in names]
    return named_site(cameras=[{"name": "hall", "zones": zones}])


def test_name_that_two_zones_are_about_as_near_to_is_not_guessed() -> None:
    with pytest.raises(LanguageError, match=r"this may be hall a1 or hall a2: people in >>hall ax<<"):
        understand("people in hall ax", _with_zones("hall a1", "hall a2"))


def test_zone_called_like_a_word_of_the_language_is_one_where_a_place_is_expected() -> None:
    rule = understand("a crowd in the crowd at night", _with_zones("crowd")).rule
    assert (rule.deed, rule.zones) == (Deed.CROWD, ("crowd",))


def test_the_suns_times_need_a_location() -> None:
    site = named_site().model_copy(update={"schedule": Schedule()})
    with pytest.raises(LanguageError, match=r"need `schedule.location`.*>>after dark<<"):
        understand("a person enters after dark", site)


def test_speeds_in_metres_need_the_length_of_a_height() -> None:
    site = named_site().model_copy(update={"behaviours": BehaviourSettings()})
    with pytest.raises(LanguageError, match=r"metres_per_height"):
        understand("vehicles driving faster than 20 km/h", site)


def test_loitering_without_a_duration_takes_the_sites_own_limit() -> None:
    site = named_site(behaviours={"dwell": {"limit_s": 25.0}})
    assert understand("loitering at the doors", site).rule.limit == 25.0


def test_rule_is_named_by_who_does_what_and_where() -> None:
    assert understand("vehicles stopping in the delivery bay", named_site()).rule.name == "vehicle stopped delivery bay"
