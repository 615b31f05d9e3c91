"""From text to terminals of the grammar: phrases, names of the site, numbers and times of day."""

import dataclasses
import re
from collections.abc import Iterator, Sequence
from typing import Any

import lark
import rapidfuzz
from lark.lexer import Lexer

from context.day_time import DayTime
from context.english.errors import LanguageError
from context.english.vocabulary import LEAST_LIKENESS, SHORTEST_MISTYPED, Vocabulary, nearest
from context.english.words import NUMBER_WORDS, PHRASES, SKIPPED

MAX_TEXT = 400

_WORD = re.compile(
    r"24/7|[ap]\.m\.?(?![a-z])|and/or|[a-z]+/[a-z]+|[0-9]+(?:[.:][0-9]+)*(?:[ap]\.?m\b\.?)?|[^\W\d_]+(?:[-'_][^\W_]+)*|[0-9]+|&|\S"
)
_CLOCK = re.compile(r"([0-9]{1,2})(?:[:.]([0-9]{2}))?(am|pm)")
_HOURS = re.compile(r"([0-9]{1,2}):([0-9]{2})")
_NUMBER = re.compile(r"[0-9]{1,5}(?:\.[0-9]{1,3})?")
_IGNORED = frozenset(',.;!?"“”()')
_PLACE_FOLLOWS = frozenset({"PREP", "DEED", "LEAVE", "CROSS", "FROM", "OR", "AND", "TO", "ON", "AGAINST", "LEFT"})
_TYPESET_APOSTROPHE = "\N{RIGHT SINGLE QUOTATION MARK}"
_ONE = frozenset({"a", "an"})


@dataclasses.dataclass(frozen=True)
class _Word:
    text: str
    start: int
    end: int


class Terminals(Lexer):
    """Hands the grammar what ``terminals_of`` found; lark wants a class of its own kind."""

    def __init__(self, lexer_conf: Any) -> None:  # noqa: ANN401  lark's
        self._conf = lexer_conf

    def lex(self, data: Sequence[lark.Token]) -> Iterator[lark.Token]:  # type: ignore[override]  # tokens, not text
        """One terminal after the other."""
        yield from data


def terminals_of(text: str, vocabulary: Vocabulary) -> list[lark.Token]:
    """The terminals of a sentence.

    Raises:
        LanguageError: Some words are none, or may be several names.
    """
    if len(text) > MAX_TEXT:
        raise LanguageError(f"expected at most {MAX_TEXT} characters", text[:40] + "…")
    words = _words(text)
    reading = _Reading(text, words, vocabulary)
    found: list[lark.Token] = []
    while reading.position < len(words):
        token = reading.next(found[-1].type if found else "")
        if token is not None:
            found.append(token)
    if reading.unknown:
        spans = tuple((word.start, word.end) for word in reading.unknown)
        raise LanguageError(_unknown_words(reading.unknown), text, spans)
    return found


def _words(text: str) -> list[_Word]:
    # letter by letter: what becomes two in small letters would shift all that is pointed at
    small = "".join(lower if len(lower := letter.lower()) == 1 else letter for letter in text)
    plain = small.replace(_TYPESET_APOSTROPHE, "'")
    found = [_Word(one.group(), one.start(), one.end()) for one in _WORD.finditer(plain)]
    words = [word for word in found if word.text not in _IGNORED]
    return [
        word
        for place, word in enumerate(words)
        if word.text not in SKIPPED
        or (word.text in _ONE and place + 1 < len(words) and _is_unit(words[place + 1].text))
    ]


def _is_unit(word: str) -> bool:
    return PHRASES.get(word, ("", None))[0] == "UNIT"


class _Reading:
    """Where a sentence has been read to."""

    def __init__(self, text: str, words: Sequence[_Word], vocabulary: Vocabulary) -> None:
        self.position = 0
        self.unknown: list[_Word] = []
        self._text, self._words, self._vocabulary = text, words, vocabulary

    def next(self, before: str) -> lark.Token | None:
        """The terminal that comes next after another; None where the word is none."""
        token = (
            self._camera()
            or self._place(before)
            or self._time_or_number()
            or self._phrase()
            or self._mistyped_place(before)
            or self._mistyped_kind()
        )
        if token is None:
            self.unknown.append(self._words[self.position])
            self.position += 1
        return token

    def _camera(self) -> lark.Token | None:
        """``camera NAME`` or ``NAME camera``."""
        is_named_before = self._text_of(1) in {"camera", "cam"}
        first = 1 if is_named_before else 0
        for many in range(min(self._vocabulary.longest, len(self._words) - self.position - first), 0, -1):
            named = self._vocabulary.cameras.get(self._text_of(many, first))
            is_named_after = self._text_of(1, first + many) in {"camera", "cam"}
            if named and (is_named_before or is_named_after):
                return self._taken(first + many + is_named_after * (not is_named_before), named.terminal, named.names)
        return None

    def _place(self, before: str) -> lark.Token | None:
        """A zone or line by its name: where a place may come, or where it is more than one word of the language."""
        for many in range(min(self._vocabulary.longest, len(self._words) - self.position), 0, -1):
            text = self._text_of(many)
            named = self._vocabulary.places.get(text)
            if named and (before in _PLACE_FOLLOWS or text not in PHRASES):
                return self._taken(many, named.terminal, named.names)
        return None

    def _mistyped_place(self, before: str) -> lark.Token | None:
        if before not in _PLACE_FOLLOWS:
            return None
        for many in range(min(self._vocabulary.longest, len(self._words) - self.position), 0, -1):
            near = nearest(self._text_of(many), self._vocabulary.places)
            if len(near) > 1:
                names = " or ".join("/".join(one.names) for one in near)
                raise LanguageError(f"this may be {names}", self._text, (self._span(many),))
            if near:
                return self._taken(many, near[0].terminal, near[0].names)
        return None

    def _mistyped_kind(self) -> lark.Token | None:
        word = self._text_of(1)
        if len(word) < SHORTEST_MISTYPED + 1:
            return None
        kinds = {phrase: value for phrase, (terminal, value) in PHRASES.items() if terminal == "KIND"}
        found = rapidfuzz.process.extract(
            word, kinds.keys(), scorer=rapidfuzz.fuzz.ratio, score_cutoff=LEAST_LIKENESS - 4
        )
        meant = {kinds[phrase] for phrase, _, _ in found}
        return self._taken(1, "KIND", meant.pop()) if len(meant) == 1 else None

    def _phrase(self) -> lark.Token | None:
        for many in range(min(_LONGEST_PHRASE, len(self._words) - self.position), 0, -1):
            found = _PLAIN_PHRASES.get(self._text_of(many))
            if found:
                return self._taken(many, *found)
        return None

    def _time_or_number(self) -> lark.Token | None:
        two, one = self._text_of(2).replace(" ", ""), self._text_of(1)
        for many, text in ((2, two), (1, one)):
            clock = _CLOCK.fullmatch(text.replace(".m", "m").removesuffix("."))
            if clock:
                return self._taken(many, "CLOCK", self._half_day(clock, many))
        hours = _HOURS.fullmatch(one)
        if hours:
            minutes = int(hours[1]) * 60 + int(hours[2])
            if int(hours[2]) > 59 or minutes > 24 * 60:
                raise LanguageError("expected a time of day from 00:00 to 24:00", self._text, (self._span(1),))
            return self._taken(1, "CLOCK", DayTime(minutes))
        return self._number(one)

    def _number(self, one: str) -> lark.Token | None:
        if one in NUMBER_WORDS and self._text_of(1, 1) in {"am", "pm"}:
            return self._taken(2, "CLOCK", self._half_day_of(NUMBER_WORDS[one], 0, self._text_of(1, 1), 2))
        if one in _ONE:
            return self._taken(1, "NUMBER", 1.0)
        if one == "half":
            many = 1 + (self._text_of(1, 1) in _ONE)
            return self._taken(many, "NUMBER", 0.5) if _is_unit(self._text_of(1, many)) else None
        if one in NUMBER_WORDS:
            return self._taken(1, "NUMBER", NUMBER_WORDS[one])
        if _NUMBER.fullmatch(one):
            return self._taken(1, "NUMBER", float(one))
        return None

    def _half_day(self, clock: re.Match[str], many: int) -> DayTime:
        return self._half_day_of(float(clock[1]), int(clock[2] or 0), clock[3], many)

    def _half_day_of(self, hour: float, minute: int, half: str, many: int) -> DayTime:
        if not 1 <= hour <= 12 or minute > 59:
            raise LanguageError("expected a time of day such as 10 PM", self._text, (self._span(many),))
        return DayTime((int(hour) % 12 + (12 if half == "pm" else 0)) * 60 + minute)

    def _text_of(self, many: int, skip: int = 0) -> str:
        """The next words as text; "" where there are not so many."""
        words = self._words[self.position + skip : self.position + skip + many]
        return " ".join(word.text for word in words) if len(words) == many else ""

    def _span(self, many: int) -> tuple[int, int]:
        words = self._words[self.position : self.position + many]
        return words[0].start, words[-1].end

    def _taken(self, many: int, terminal: str, value: object) -> lark.Token:
        start, end = self._span(many)
        self.position += many
        token = lark.Token(terminal, self._text[start:end], start_pos=start, end_pos=end)
        token.value = value  # what it means; what was written is the token itself
        return token


def _unknown_words(words: Sequence[_Word]) -> str:
    hint = {
        "staff": "nobody can tell staff from others by sight; say person",
        "customer": "nobody can tell customers from others by sight; say person",
        "truck": "vehicles are not told apart; say vehicle",
        "van": "vehicles are not told apart; say vehicle",
        "lorry": "vehicles are not told apart; say vehicle",
    }
    hints = dict.fromkeys(hint[stem] for word in words for stem in hint if word.text in {stem, stem + "s"})
    return "; ".join(("these words are not known" if len(words) > 1 else "this word is not known", *hints))


def _without_skipped(phrase: str) -> str:
    words = phrase.split()
    return " ".join([word for word in words if word not in SKIPPED] or words)


_PLAIN_PHRASES = {_without_skipped(phrase): found for phrase, found in PHRASES.items()}
_LONGEST_PHRASE = max(len(phrase.split()) for phrase in _PLAIN_PHRASES)
