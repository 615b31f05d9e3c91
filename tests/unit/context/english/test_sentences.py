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

UNDERSTOOD: list[tuple[str, dict[str, Any]]] = [
    (
        "Alert me if a person enters after 10 PM",
        {"deed": "enter", "kinds": ["person"], "when": {"start": "22:00", "end": "06:00"}},
    ),
    (
        "vehicles moving against traffic flow in the delivery bay",
        {"deed": "against_flow", "kinds": ["vehicle"], "zones": ["delivery bay"]},
    ),
    (
        "anyone loitering near the till for more than two minutes on Sundays",
        {
            "deed": "dwell",
            "kinds": ["person"],
            "zones": ["till 1", "till 2"],
            "limit": 120.0,
            "when": {"days": ["sunday"]},
        },
    ),
    (
        "loitering on the sidewalk in front of my store after midnight, more than 15 s",
        {
            "deed": "dwell",
            "kinds": ["person"],
            "zones": ["sidewalk"],
            "limit": 15.0,
            "when": {"start": "00:00", "end": "06:00"},
        },
    ),
    (
        "Tell me when more than five people are at till 1",
        {"deed": "count", "kinds": ["person"], "zones": ["till 1"], "limit": 6.0},
    ),
    (
        "Nobody should be in the stockroom after 8 pm",
        {
            "deed": "count",
            "kinds": ["person"],
            "zones": ["stockroom"],
            "limit": 1.0,
            "when": {"start": "20:00", "end": "06:00"},
        },
    ),
    (
        "alert me if nobody is at the till for 5 minutes during opening hours",
        {
            "deed": "count",
            "kinds": ["person"],
            "zones": ["till 1", "till 2"],
            "limit": 0.0,
            "comparison": "at_most",
            "lasting_s": 300.0,
            "when": {"states": ["open"]},
        },
    ),
    ("Let me know whenever someone falls", {"deed": "fall", "kinds": ["person"]}),
    ("a bag left at the entrance for more than 1 minute", {"deed": "left_object", "zones": ["doors"], "limit": 60.0}),
    ("unattended luggage near the doors", {"deed": "left_object", "zones": ["doors"]}),
    ("warn me if someone runs through the doors", {"deed": "speed", "kinds": ["person"], "zones": ["doors"]}),
    (
        "someone crosses the threshold at night",
        {"deed": "line_crossed", "kinds": ["person"], "line": "threshold", "when": {"start": "22:00", "end": "06:00"}},
    ),
    (
        "After dark, alert me if a car stops on the sidewalk for longer than 30 seconds",
        {
            "deed": "stopped",
            "kinds": ["vehicle"],
            "zones": ["sidewalk"],
            "limit": 30.0,
            "when": {"start": "sunset", "end": "sunrise"},
        },
    ),
    (
        "people leaving the stockroom between 10:30 pm and 5 am on weekdays",
        {
            "deed": "leave",
            "kinds": ["person"],
            "zones": ["stockroom"],
            "when": {
                "days": ["monday", "tuesday", "wednesday", "thursday", "friday"],
                "start": "22:30",
                "end": "05:00",
            },
        },
    ),
    (
        "notify me at most once an hour if a crowd gathers at the doors",
        {"deed": "crowd", "zones": ["doors"], "cooldown_s": 3600.0},
    ),
    (
        "people in the delivery bey at weekends",
        {
            "deed": "count",
            "kinds": ["person"],
            "zones": ["delivery bay"],
            "limit": 1.0,
            "when": {"days": ["saturday", "sunday"]},
        },
    ),
    (
        "vehicles driving faster than 20 km/h in the delivery bay",
        {"deed": "speed", "kinds": ["vehicle"], "zones": ["delivery bay"], "limit": 3.268},
    ),
    (
        "alert me when there is a person in the stockroom after closing as critical",
        {
            "deed": "count",
            "kinds": ["person"],
            "zones": ["stockroom"],
            "limit": 1.0,
            "when": {"states": ["closing", "closed"]},
            "severity": "critical",
        },
    ),
    (
        "no vehicles are allowed in the delivery bay on Sundays",
        {"deed": "count", "kinds": ["vehicle"], "zones": ["delivery bay"], "limit": 1.0, "when": {"days": ["sunday"]}},
    ),
    (
        "fewer than 2 people at till 2 for 10 minutes while we're open",
        {
            "deed": "count",
            "kinds": ["person"],
            "zones": ["till 2"],
            "limit": 1.0,
            "comparison": "at_most",
            "lasting_s": 600.0,
            "when": {"states": ["open"]},
        },
    ),
    (
        "anything unusual at the entrance at night",
        {"deed": "unusual", "zones": ["doors"], "when": {"start": "22:00", "end": "06:00"}},
    ),
    (
        "notify me if a bike crosses the threshold from 9 pm to 6 am, at most 3 times an hour",
        {
            "deed": "line_crossed",
            "kinds": ["bicycle"],
            "line": "threshold",
            "when": {"start": "21:00", "end": "06:00"},
            "most_per_hour": 3,
        },
    ),
    (
        "someone hangs around the sidewalk for half an hour every Friday night",
        {
            "deed": "dwell",
            "kinds": ["person"],
            "zones": ["sidewalk"],
            "limit": 1800.0,
            "when": {"days": ["friday"], "start": "22:00", "end": "06:00"},
        },
    ),
    (
        "alert me if someone parks in the delivery bay outside opening hours",
        {
            "deed": "stopped",
            "kinds": ["vehicle"],
            "zones": ["delivery bay"],
            "when": {"states": ["closed", "opening", "closing"]},
        },
    ),
    (
        "Alert me if anyone is in the store when we are closed",
        {"deed": "count", "kinds": ["person"], "limit": 1.0, "when": {"states": ["closed"]}},
    ),
    (
        "Tell me if a car parks on the sidewalk for longer than 10 minutes",
        {"deed": "stopped", "kinds": ["vehicle"], "zones": ["sidewalk"], "limit": 600.0},
    ),
    (
        "If someone enters the stockroom after 9 pm, alert me",
        {"deed": "enter", "kinds": ["person"], "zones": ["stockroom"], "when": {"start": "21:00", "end": "06:00"}},
    ),
    (
        "Whenever a vehicle enters the delivery bay outside opening hours let me know",
        {
            "deed": "enter",
            "kinds": ["vehicle"],
            "zones": ["delivery bay"],
            "when": {"states": ["closed", "opening", "closing"]},
        },
    ),
    (
        "No one is allowed in the stockroom on public holidays",
        {"deed": "count", "kinds": ["person"], "zones": ["stockroom"], "limit": 1.0, "when": {"holidays": True}},
    ),
    (
        "People must not enter the stockroom at night",
        {"deed": "enter", "kinds": ["person"], "zones": ["stockroom"], "when": {"start": "22:00", "end": "06:00"}},
    ),
    (
        "Warn me when more than 3 people stand at the till for over 5 minutes",
        {"deed": "count", "kinds": ["person"], "zones": ["till 1", "till 2"], "limit": 4.0, "lasting_s": 300.0},
    ),
    (
        "Alert us if two or more people are in the stockroom",
        {"deed": "count", "kinds": ["person"], "zones": ["stockroom"], "limit": 2.0},
    ),
    ("a crowd of people at the doors", {"deed": "crowd", "zones": ["doors"]}),
    (
        "Notify me if there are more than 10 people at the entrance",
        {"deed": "count", "kinds": ["person"], "zones": ["doors"], "limit": 11.0},
    ),
    (
        "queue of more than 4 people at till 1 for 3 minutes",
        {"deed": "count", "kinds": ["person"], "zones": ["till 1"], "limit": 5.0, "lasting_s": 180.0},
    ),
    ("someone lying on the floor near till 2", {"deed": "fall", "kinds": ["person"], "zones": ["till 2"]}),
    (
        "Tell me at once if somebody collapses, as critical",
        {"deed": "fall", "kinds": ["person"], "severity": "critical"},
    ),
    (
        "notify me with high priority when a person falls down anywhere",
        {"deed": "fall", "kinds": ["person"], "severity": "high"},
    ),
    ("Let me know if someone leaves a bag at the doors", {"deed": "left_object", "zones": ["doors"]}),
    ("an abandoned suitcase in the delivery bay", {"deed": "left_object", "zones": ["delivery bay"]}),
    (
        "Alert me if anything is left behind in the stockroom for half an hour",
        {"deed": "left_object", "zones": ["stockroom"], "limit": 1800.0},
    ),
    ("tell me about people running", {"deed": "speed", "kinds": ["person"]}),
    ("Alert me if someone is running in the stockroom", {"deed": "speed", "kinds": ["person"], "zones": ["stockroom"]}),
    (
        "bicycles on the sidewalk on weekdays between 8:00 and 18:00",
        {
            "deed": "count",
            "kinds": ["bicycle"],
            "zones": ["sidewalk"],
            "limit": 1.0,
            "when": {
                "days": ["monday", "tuesday", "wednesday", "thursday", "friday"],
                "start": "08:00",
                "end": "18:00",
            },
        },
    ),
    (
        "cyclists riding the wrong way in the delivery bay",
        {"deed": "against_flow", "kinds": ["bicycle"], "zones": ["delivery bay"]},
    ),
    (
        "a vehicle driving in the wrong direction in the delivery bay before 6 am",
        {
            "deed": "against_flow",
            "kinds": ["vehicle"],
            "zones": ["delivery bay"],
            "when": {"start": "00:00", "end": "06:00"},
        },
    ),
    (
        "anybody who crosses the threshold after sunset",
        {"deed": "line_crossed", "kinds": ["person"], "line": "threshold", "when": {"start": "sunset", "end": "06:00"}},
    ),
    (
        "someone going over the threshold between sunset and sunrise",
        {
            "deed": "line_crossed",
            "kinds": ["person"],
            "line": "threshold",
            "when": {"start": "sunset", "end": "sunrise"},
        },
    ),
    (
        "alert me if a person crosses the threshold between 30 minutes after sunset and sunrise",
        {
            "deed": "line_crossed",
            "kinds": ["person"],
            "line": "threshold",
            "when": {"start": "sunset+00:30", "end": "sunrise"},
        },
    ),
    (
        "warn me when somebody hides in the stockroom for more than 1 minute and 30 seconds",
        {"deed": "dwell", "kinds": ["person"], "zones": ["stockroom"], "limit": 90.0},
    ),
    (
        "loitering at the doors overnight except on Sundays",
        {
            "deed": "dwell",
            "kinds": ["person"],
            "zones": ["doors"],
            "limit": 60.0,
            "when": {
                "days": ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday"],
                "start": "22:00",
                "end": "06:00",
            },
        },
    ),
    (
        "loitering near the entrance on Fridays and Saturdays from 10 pm to 4 am",
        {
            "deed": "dwell",
            "kinds": ["person"],
            "zones": ["doors"],
            "limit": 60.0,
            "when": {"days": ["friday", "saturday"], "start": "22:00", "end": "04:00"},
        },
    ),
    (
        "Monday to Friday, tell me when someone enters the doors before 7:00",
        {
            "deed": "enter",
            "kinds": ["person"],
            "zones": ["doors"],
            "when": {
                "days": ["monday", "tuesday", "wednesday", "thursday", "friday"],
                "start": "00:00",
                "end": "07:00",
            },
        },
    ),
    (
        "every day between midnight and 5 am a person in the delivery bay",
        {
            "deed": "count",
            "kinds": ["person"],
            "zones": ["delivery bay"],
            "limit": 1.0,
            "when": {"start": "00:00", "end": "05:00"},
        },
    ),
    ("tell me when anything unusual happens at the till", {"deed": "unusual", "zones": ["till 1", "till 2"]}),
    (
        "Alert me when there's strange behaviour near the doors after dark",
        {"deed": "unusual", "zones": ["doors"], "when": {"start": "sunset", "end": "sunrise"}},
    ),
    ("unusual activity on camera back", {"deed": "unusual", "cameras": ["back"]}),
    (
        "alert me if a person appears on the entrance camera after hours",
        {"deed": "count", "kinds": ["person"], "cameras": ["entrance"], "limit": 1.0, "when": {"states": ["closed"]}},
    ),
    (
        "someone waits on the sidewalk for longer than five minutes, at most once every 15 minutes",
        {"deed": "dwell", "kinds": ["person"], "zones": ["sidewalk"], "limit": 300.0, "cooldown_s": 900.0},
    ),
    (
        "not more than twice an hour, alert me if people loiter at the doors",
        {"deed": "dwell", "kinds": ["person"], "zones": ["doors"], "limit": 60.0, "most_per_hour": 2},
    ),
    (
        "alert me no more than 3 times an hour when a bike enters the sidewalk",
        {"deed": "enter", "kinds": ["bicycle"], "zones": ["sidewalk"], "most_per_hour": 3},
    ),
    ("speeding cars in the delivery bay", {"deed": "speed", "kinds": ["vehicle"], "zones": ["delivery bay"]}),
    ("cars going too fast in the delivery bay", {"deed": "speed", "kinds": ["vehicle"], "zones": ["delivery bay"]}),
    (
        "a car faster than 15 mph in the delivery bay",
        {"deed": "speed", "kinds": ["vehicle"], "zones": ["delivery bay"], "limit": 3.944},
    ),
    ("vehicels stopping in the delivery bay", {"deed": "stopped", "kinds": ["vehicle"], "zones": ["delivery bay"]}),
    (
        "poeple in the stokroom after 10pm",
        {
            "deed": "count",
            "kinds": ["person"],
            "zones": ["stockroom"],
            "limit": 1.0,
            "when": {"start": "22:00", "end": "06:00"},
        },
    ),
    (
        "Tell me when nobody is at till 1 or till 2 for 2 minutes while the shop is open",
        {
            "deed": "count",
            "kinds": ["person"],
            "zones": ["till 1", "till 2"],
            "limit": 0.0,
            "comparison": "at_most",
            "lasting_s": 120.0,
            "when": {"states": ["open"]},
        },
    ),
    (
        "fewer than two people at the tills during opening hours for 10 min",
        {
            "deed": "count",
            "kinds": ["person"],
            "zones": ["till 1", "till 2"],
            "limit": 1.0,
            "comparison": "at_most",
            "lasting_s": 600.0,
            "when": {"states": ["open"]},
        },
    ),
    (
        "at least 1 person at the doors after 11:30 p.m.",
        {
            "deed": "count",
            "kinds": ["person"],
            "zones": ["doors"],
            "limit": 1.0,
            "when": {"start": "23:30", "end": "06:00"},
        },
    ),
    (
        "someone exits the stockroom in the evening",
        {"deed": "leave", "kinds": ["person"], "zones": ["stockroom"], "when": {"start": "18:00", "end": "22:00"}},
    ),
    (
        "a person goes out of the stockroom after closing time",
        {"deed": "leave", "kinds": ["person"], "zones": ["stockroom"], "when": {"states": ["closing", "closed"]}},
    ),
    (
        "alert me if someone gets out of the stockroom with high severity on weekends but not on holidays",
        {
            "deed": "leave",
            "kinds": ["person"],
            "zones": ["stockroom"],
            "when": {"days": ["saturday", "sunday"], "holidays": False},
            "severity": "high",
        },
    ),
    (
        "parked cars on the sidewalk from 10 pm until 6 am",
        {"deed": "stopped", "kinds": ["vehicle"], "zones": ["sidewalk"], "when": {"start": "22:00", "end": "06:00"}},
    ),
    (
        "until 6 am people at the doors",
        {
            "deed": "count",
            "kinds": ["person"],
            "zones": ["doors"],
            "limit": 1.0,
            "when": {"start": "00:00", "end": "06:00"},
        },
    ),
    (
        "Please alert us when a person walks into the stockroom on a Sunday",
        {"deed": "enter", "kinds": ["person"], "zones": ["stockroom"], "when": {"days": ["sunday"]}},
    ),
    (
        "I want to know when somebody stands near the doors for more than 90 seconds after hours",
        {"deed": "dwell", "kinds": ["person"], "zones": ["doors"], "limit": 90.0, "when": {"states": ["closed"]}},
    ),
    (
        "Tell me if there is anyone in the delivery bay between 11 pm and 5:30 am",
        {
            "deed": "count",
            "kinds": ["person"],
            "zones": ["delivery bay"],
            "limit": 1.0,
            "when": {"start": "23:00", "end": "05:30"},
        },
    ),
    (
        "alert me if a vehicle stands still in the delivery bay for more than 20 minutes",
        {"deed": "stopped", "kinds": ["vehicle"], "zones": ["delivery bay"], "limit": 1200.0},
    ),
    (
        "warn us when people gather on the sidewalk for at least 2 minutes",
        {"deed": "crowd", "zones": ["sidewalk"], "lasting_s": 120.0},
    ),
    (
        "low severity alert if a person lingers at till 2 for more than 3 minutes",
        {"deed": "dwell", "kinds": ["person"], "zones": ["till 2"], "limit": 180.0, "severity": "low"},
    ),
    (
        "Nobody may enter the delivery bay on weekends",
        {"deed": "enter", "kinds": ["person"], "zones": ["delivery bay"], "when": {"days": ["saturday", "sunday"]}},
    ),
    (
        "vehicles aren't allowed on the sidewalk",
        {"deed": "count", "kinds": ["vehicle"], "zones": ["sidewalk"], "limit": 1.0},
    ),
    (
        "let us know when a package is left at the doors for over 10 minutes",
        {"deed": "left_object", "zones": ["doors"], "limit": 600.0},
    ),
    (
        "alert me if someone drives into the delivery bay before opening",
        {"deed": "enter", "kinds": ["vehicle"], "zones": ["delivery bay"], "when": {"states": ["closed", "opening"]}},
    ),
    ("a car enters after 9 am", {"deed": "enter", "kinds": ["vehicle"], "when": {"start": "09:00", "end": "24:00"}}),
    ("running", {"deed": "speed", "kinds": ["person"]}),
    ("people at the doors around the clock", {"deed": "count", "kinds": ["person"], "zones": ["doors"], "limit": 1.0}),
    (
        "people at the doors for more than 15s except on Sundays and holidays",
        {
            "deed": "count",
            "kinds": ["person"],
            "zones": ["doors"],
            "limit": 1.0,
            "lasting_s": 15.0,
            "when": {
                "days": ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday"],
                "holidays": False,
            },
        },
    ),
    (
        "people on camera back or the tills camera after ten pm",
        {
            "deed": "count",
            "kinds": ["person"],
            "cameras": ["back", "tills"],
            "limit": 1.0,
            "when": {"start": "22:00", "end": "06:00"},
        },
    ),
]

REFUSED: list[tuple[str, str, list[str]]] = [
    ("Alert me if staff enter the stockroom", "nobody can tell staff from others by sight", ["staff"]),
    ("alert me if a customer steals something", "nobody can tell customers from others", ["customer", "steals"]),
    ("a van in the delivery bay", "vehicles are not told apart", ["van"]),
    ("Alert me if someone juggles near the till", "this word is not known", ["juggles"]),
    ("alert me if a dog enters the stockroom", "this word is not known", ["dog"]),
    ("a child near the doors", "this word is not known", ["child"]),
    ("someone in a red jacket at the doors", "these words are not known", ["red", "jacket"]),
    ("Tell me if he comes back", "these words are not known", ["he", "comes", "back"]),
    ("send an alert if the temperature is above 30", "this word is not known", ["temperature"]),
    ("Alert me if it rains", "this word is not known", ["rains"]),
    ("alert me if it is suspicious", "this word is not known", ["suspicious"]),
    ("alert me if a person does not enter", "this word is not known", ["does"]),
    ("people at the moon", "this word is not known", ["moon"]),
    ("someone enters the doors on Christmas", "this word is not known", ["Christmas"]),
    ("a person crosses the line", "this word is not known", ["line"]),
    ("wrong-way drivers in the delivery bay", "this word is not known", ["drivers"]),
    ("alert me if a person enters after 10", "expected AM or PM, a unit", ["10"]),
    ("between 10 and 11 PM people at the doors", "expected AM or PM, a unit", ["10"]),
    ("alert me if a person enters between 9 and 5", "expected AM or PM, a unit", ["9", "5"]),
    ("people at the till at severity 7", "expected AM or PM, a unit", ["7"]),
    ("alert me if a person enters at 10 PM", "did not expect this here", ["10 PM"]),
    ("alert me if a person enters after 13 PM", "expected a time of day such as 10 PM", ["13 PM"]),
    ("between 25:00 and 26:00 people at the doors", "expected a time of day from 00:00 to 24:00", ["25:00"]),
    ("between 8:75 and 9:00 people at the doors", "expected a time of day from 00:00 to 24:00", ["8:75"]),
    ("between 8:00 and 8 am people at the doors", "begins and ends at the same time", ["between 8:00 and 8 am"]),
    ("a person enters after 10 PM after 11 PM", "the time of day is said twice", ["after 10 PM", "after 11 PM"]),
    ("a person enters the doors the stockroom", "the place is said twice", ["doors", "stockroom"]),
    ("a person enters for 5 minutes", "enter happens at once and has no duration", ["for 5 minutes"]),
    ("loitering for three days", "expected a duration of at most a day", ["for three days"]),
    ("a person crosses the threshold 30 minutes before sunrise", "has no duration", ["30 minutes"]),
    ("nobody at the till", "this may forbid or report", ["nobody"]),
    ("nobody in the stockroom after 8 pm", "this may forbid or report", ["nobody"]),
    ("more than 2.5 people at the doors", "expected a whole number", ["more than 2.5"]),
    ("fewer than 0 people at the doors", "this is always so, or never", ["fewer than 0"]),
    ("more than 3 people enter the stockroom", "only how many there are at a time", ["more than 3 people enter"]),
    ("people from the stockroom", "only who leaves comes from somewhere", ["from the stockroom"]),
    ("a crowd of vehicles at the doors", "a crowd is of people", ["crowd of vehicles"]),
    ("entering", "expected who or what does this", ["entering"]),
    ("alert me five times a day if a person enters", "expected once in some time", ["five times a day"]),
    ("a person enters not", "did not expect this here", ["not"]),
    ("alert me if a person enters or a car stops", "did not expect this here", ["or"]),
    ("a person crosses the doors", "did not expect this here", ["doors"]),
    ("people enter from Monday to weekend", "expected one weekday to another", ["from Monday to weekend"]),
    ("vehicles moving against the flow at the doors", "against_flow needs a zone with a flow_direction", []),
    ("a car faster than 900 mph", "limit: expected at most 50 for speed", []),
    ("alert me", "the sentence stops too early", []),
    ("after hours", "the sentence stops too early", []),
    ("", "expected a sentence such as", []),
    ("people " * 100, "expected at most 400 characters", []),
]


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
