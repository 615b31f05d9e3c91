"""Laws of rules: sentences, what is told, and site descriptions that nobody meant to write."""

import datetime as dt
import itertools
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from context.alarm import QUIET, Gate, Outcome
from context.english.errors import LanguageError
from context.english.words import NUMBER_WORDS, PHRASES, ZONE_KIND_WORDS
from context.language import understand
from context.rule import Rule
from context.rule_watch import Firing, hybrid_severity
from context.schedule import Schedule
from context.severity import severity_word
from context.site import Site
from fl_runtime.config_file import parse_config
from fl_runtime.errors import ConfigError
from tests.fakes.named_site import named_site

_SITE = named_site()
_NOON = dt.datetime(2026, 1, 6, 12, 0)  # noqa: DTZ001  a wall clock
_WORDS = sorted(
    {*PHRASES, *ZONE_KIND_WORDS, *NUMBER_WORDS, "till 1", "threshold", "10 PM", "7:30", "15", "2.5", "back"}
)
_sentences = st.lists(st.sampled_from(_WORDS), max_size=10).map(" ".join)
_scores = st.floats(0, 1)


_cores = st.sampled_from(
    [
        *("a person enters", "vehicles leaving", "anyone loitering", "somebody falls", "a car parks", "people gather"),
        *("more than 3 people", "nobody is present", "no vehicles are allowed", "a bag left behind", "people running"),
        *("a bicycle crosses the threshold", "anything unusual happens", "cars moving against the flow"),
        *("a vehicle going faster than 20 km/h", "fewer than 2 bicycles", "somebody or a vehicle stops"),
    ]
)
_parts = st.lists(
    st.sampled_from(
        [
            *("at the till", "in the delivery bay", "near the doors or the sidewalk", "anywhere", "on camera back"),
            *("after 10 PM", "before 7 am", "between 22:30 and 5:15", "after dark", "until 30 minutes before sunset"),
            *("on Sundays", "on weekdays", "Friday to Monday", "except on holidays", "on public holidays", "at night"),
            *(
                "after hours",
                "while we are open",
                "outside opening hours",
                "for more than 90 seconds",
                "for half an hour",
            ),
            *("at most once an hour", "at most 3 times an hour", "as critical", "with low severity", "immediately"),
        ]
    ),
    max_size=5,
    unique=True,
)


def _said_again(text: str) -> str | None:
    """The paraphrase where it means another rule, or the error where it points outside; None where all is well."""
    try:
        first = understand(text, _SITE)
    except LanguageError as error:
        is_inside = all(0 <= start < end <= len(text) for start, end in error.spans)
        return None if is_inside and "\n" not in str(error) else str(error)
    return None if understand(first.paraphrase, _SITE) == first else first.paraphrase


@settings(deadline=None, max_examples=120)
@given(ask=st.sampled_from(["", "alert me if ", "Tell me about "]), core=_cores, parts=_parts)
def test_sentence_of_common_parts_is_said_again_as_the_same_rule(ask: str, core: str, parts: list[str]) -> None:
    assert _said_again(" ".join([ask + core, *parts])) is None


@settings(deadline=None, max_examples=100)
@given(_sentences)
def test_words_of_the_language_in_any_order_are_a_rule_that_is_said_again_or_an_error(text: str) -> None:
    assert _said_again(text) is None


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=80))
def test_any_text_is_a_rule_that_is_said_again_or_an_error(text: str) -> None:
    assert _said_again(text) is None


@settings(deadline=None)
@given(
    gaps=st.lists(st.tuples(st.floats(0, 900), st.sampled_from(["a", "b"]), _scores), max_size=40),
    cooldown_s=st.floats(0, 7200),
    most_per_hour=st.integers(1, 5),
)
def test_every_firing_is_counted_and_the_most_severe_yet_is_always_told(
    gaps: list[tuple[float, str, float]], cooldown_s: float, most_per_hour: int
) -> None:
    described = {"deed": "enter", "cooldown_s": cooldown_s, "most_per_hour": most_per_hour}
    rules = {name: Rule.model_validate({"name": name, **described}, strict=False) for name in ("a", "b")}
    gate, state, now_s, told = Gate(rules, (), Schedule()), QUIET, 0.0, list[tuple[float, str, float]]()
    highest = 0.49  # below the lowest severity that has a word
    for gap_s, name, severity in gaps:
        now_s += gap_s
        state, verdict = gate.judge(state, Firing(name, 1, now_s, 0.0, "", severity, 0.0), _NOON)
        if severity_word(severity) != severity_word(highest) and severity > highest:
            assert verdict.outcome is Outcome.RAISED
        if verdict.outcome is Outcome.RAISED:
            told.append((now_s, name, severity))
        highest = max(highest, severity)
    assert sum(state.count.values()) == len(gaps)
    for earlier, later in itertools.pairwise(told):
        if earlier[1] == later[1] and later[0] - earlier[0] < cooldown_s:
            assert severity_word(later[2]) != severity_word(earlier[2])


@given(rule=_scores, learned=_scores, more=_scores)
def test_hybrid_severity_is_below_neither_and_grows_with_both(rule: float, learned: float, more: float) -> None:
    score = hybrid_severity(rule, learned)
    assert max(rule, learned) <= score <= 1.0
    assert hybrid_severity(max(rule, more), learned) >= score - 1e-12
    assert hybrid_severity(rule, max(learned, more)) >= score - 1e-12


_scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2000, 2000),
    st.floats(allow_nan=False),
    st.sampled_from(["22:00", "sunset", "x"]),
)
_KEYS = [
    "name",
    "cameras",
    "zones",
    "rules",
    "deed",
    "when",
    "days",
    "start",
    "end",
    "limit",
    "polygon",
    "kind",
    "weekly",
]
_trees = st.recursive(
    _scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(_KEYS), inner, max_size=5)),
    max_leaves=20,
)
_CAMERA = '{"name": "c", "zones": [{"name": "z", "kind": "till", "polygon": [[0,0],[1,0],[1,1]]}]}'


@settings(deadline=None, max_examples=100)
@given(_trees)
def test_rules_of_a_site_that_nobody_meant_to_write_are_read_or_refused_with_their_place(tree: object) -> None:
    content = f'{{"name": "s", "cameras": [{_CAMERA}], "rules": {json.dumps(tree)}}}'.encode()
    try:
        site = parse_config(content, "site.yaml", Site)
    except ConfigError as error:
        is_placed = all(line.startswith("site.yaml:") for line in str(error).splitlines())
    else:
        is_placed = Site.model_validate_json(site.model_dump_json()) == site
    assert is_placed
