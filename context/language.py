"""English to rules: ``understand`` gives the rule and says it again in its own words, so that the user can check it.

What is not understood is an error that points at the words; nothing is guessed. The language is small on purpose:
``context/english`` holds its words and its grammar.
"""

import dataclasses
import functools
from pathlib import Path

import lark
import pydantic

from context.english.errors import LanguageError
from context.english.lexer import Terminals, terminals_of
from context.english.paraphrase import paraphrase
from context.english.reading import named, rule_fields
from context.english.vocabulary import vocabulary_of
from context.rule import Rule
from context.site import Site, rule_problem

_GRAMMAR = Path(__file__).parent / "english" / "grammar.lark"


@dataclasses.dataclass(frozen=True)
class Understood:
    """A rule, and what it says in the words of this language: read again, they mean the same rule."""

    rule: Rule
    paraphrase: str


def understand(text: str, site: Site) -> Understood:
    """The rule that a sentence means at a site.

    Args:
        text: One sentence.
        site: Whose zones, lines and cameras it may name, and whose limits hold where it names none.

    Raises:
        LanguageError: It was not understood, or cannot hold at this site.
    """
    tokens = terminals_of(text, vocabulary_of(site))
    try:
        tree = _parser().parse(tokens)  # our lexer takes what it hands on
    except lark.UnexpectedInput as error:
        raise _misplaced(error, text, tokens) from error
    try:
        rule = named(rule_fields(tree, text, site))
    except pydantic.ValidationError as error:
        reason = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        raise LanguageError(reason, text) from error
    problem = rule_problem(rule, site)
    if problem:
        raise LanguageError(problem, text)
    return Understood(rule, paraphrase(rule))


@functools.cache
def _parser() -> lark.Lark:
    grammar = _GRAMMAR.read_text(encoding="utf-8")
    return lark.Lark(grammar, parser="earley", lexer=Terminals, ambiguity="resolve")


def _misplaced(error: lark.UnexpectedInput, text: str, tokens: list[lark.Token]) -> LanguageError:
    if not tokens:
        return LanguageError("expected a sentence such as 'alert me if a person enters after 10 PM'", text)
    dangling = [one for one, after in zip(tokens, [*tokens[1:], None], strict=True) if _is_dangling(one, after)]
    if dangling:
        spans = tuple((one.start_pos or 0, one.end_pos or 0) for one in dangling)
        return LanguageError("expected AM or PM, a unit, or who or what after this number", text, spans)
    token = getattr(error, "token", None)
    if isinstance(error, lark.UnexpectedToken) and isinstance(token, lark.Token) and token.end_pos:
        return LanguageError("did not expect this here", text, ((token.start_pos or 0, token.end_pos),))
    return LanguageError("the sentence stops too early: expected who or what, and what it does", text)


def _is_dangling(token: lark.Token, after: lark.Token | None) -> bool:
    """A number that says nothing: 10, where 10 PM may be meant."""
    follow = {"UNIT", "SPEED_UNIT", "KIND", "ANYTHING", "OR_MORE", "TIMES"}
    return token.type == "NUMBER" and (after is None or after.type not in follow)
