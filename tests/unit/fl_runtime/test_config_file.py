"""Configuration files: every problem at once, with its place."""

import enum
from pathlib import Path
from typing import Annotated

import pydantic
import pytest

from fl_runtime.config_file import MAX_CONFIG_BYTES, MAX_NESTING, parse_config
from fl_runtime.errors import ConfigError

_STRICT = pydantic.ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)
Fraction = Annotated[float, pydantic.Field(ge=0.0, le=1.0)]


class _Kind(enum.StrEnum):
    AISLE = "aisle"


class _Area(pydantic.BaseModel):
    model_config = _STRICT

    polygon: tuple[tuple[Fraction, Fraction], ...] = pydantic.Field(min_length=1)
    kind: _Kind = _Kind.AISLE

    @pydantic.field_validator("kind")
    @classmethod
    def _check_kind(cls, kind: _Kind) -> _Kind:
        return kind


class _Store(pydantic.BaseModel):
    model_config = _STRICT

    name: str = "shop"
    token_file: Path | None = None
    size: float = 1.0
    clips: int = 1
    zones: tuple[_Area, ...] = pydantic.Field(default=(), max_length=3)

    @pydantic.model_validator(mode="after")
    def _check_name(self) -> "_Store":
        if self.name == "bad":
            raise ValueError("expected a good name, got 'bad'")
        return self


def _problems(text: str | bytes) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_config(text if isinstance(text, bytes) else text.encode(), "site.yaml", _Store)
    assert str(caught.value) == "\n".join(caught.value.problems)
    return list(caught.value.problems)


def test_a_good_file_becomes_the_model() -> None:
    text = b"name: store42\ntoken_file: keys/token\nsize: 2\nzones:\n- polygon: [[0, 0.5], [1, 1e-1]]\n  kind: aisle\n"
    assert parse_config(text, "site.yaml", _Store) == _Store(
        name="store42",
        token_file=Path("keys/token"),
        size=2.0,
        zones=(_Area(polygon=((0.0, 0.5), (1.0, 0.1)), kind=_Kind.AISLE),),
    )


@pytest.mark.parametrize("text", [b"", b"# nothing set\n", b"{}"])
def test_an_empty_file_sets_nothing(text: bytes) -> None:
    assert parse_config(text, "site.yaml", _Store) == _Store()


@pytest.mark.parametrize("word", ["22:00", "no", "off", "2026-12-25", "0042", "1_000", ".inf", "True", "=", "<<"])
def test_a_plain_word_is_text_even_where_yaml_1_1_converts_it(word: str) -> None:
    assert parse_config(f"name: {word}".encode(), "site.yaml", _Store).name == word


def test_every_problem_is_reported_at_once_with_its_place() -> None:
    text = """\
name: 7
clips: 1.5
colour: red
zones:
- polygon: [[0, 0], [1.5, 0]]
- {kind: lane}
"""
    assert _problems(text) == [
        "site.yaml:1:7: name: Input should be a valid string (got 7)",
        "site.yaml:2:8: clips: Input should be a valid integer (got 1.5)",
        "site.yaml:3:9: colour: Extra inputs are not permitted",
        "site.yaml:5:22: zones.0.polygon.1.0: Input should be less than or equal to 1 (got 1.5)",
        "site.yaml:6:3: zones.1.polygon: Field required",
        "site.yaml:6:10: zones.1.kind: Input should be 'aisle' (got \"lane\")",
    ]


def test_a_dropped_item_is_not_also_reported_as_a_short_list() -> None:
    assert _problems("zones: [{polygon: [[2, 0]]}]") == [
        "site.yaml:1:21: zones.0.polygon.0.0: Input should be less than or equal to 1 (got 2)"
    ]


def test_a_list_that_is_too_short_is_reported() -> None:
    assert _problems("zones: [{polygon: []}]") == [
        "site.yaml:1:19: zones.0.polygon: Tuple should have at least 1 item after validation, not 0"
    ]


def test_a_contradiction_found_by_the_model_is_one_line() -> None:
    assert _problems("\nname: bad") == ["site.yaml:2:1: expected a good name, got 'bad'"]


def test_all_duplicate_keys_are_reported() -> None:
    assert _problems("name: a\nname: b\nzones:\n- {kind: aisle, kind: aisle}") == [
        "site.yaml:2:1: name: given twice, first in line 1",
        "site.yaml:4:17: kind: given twice, first in line 4",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: [1", "site.yaml:1:6: expected ',' or ']', but got '<stream end>'"),
        ("--- {}\n--- {}", "site.yaml:2:1: but found another document"),
        ("x: &one [1]\ny: *one", "site.yaml:2:4: aliases are not supported"),
        ("[" * (MAX_NESTING + 9), f"site.yaml:1:{MAX_NESTING + 1}: nested deeper than {MAX_NESTING} levels"),
        ("? [name]\n: x", "site.yaml:1:3: expected a word as key"),
        ("name: !!int x", "site.yaml:1:7: expected plain YAML, got the tag tag:yaml.org,2002:int"),
        ("name: !!set {x}", "site.yaml:1:7: expected plain YAML, got the tag tag:yaml.org,2002:set"),
        (b"name: x\n\xff", "site.yaml:2: not UTF-8 text"),
        ("42", "site.yaml:1:1: Input should be an object (got 42)"),
        (b" " * (MAX_CONFIG_BYTES + 1), f"site.yaml: larger than {MAX_CONFIG_BYTES} bytes"),
    ],
)
def test_a_file_that_is_not_plain_yaml_is_refused(text: str | bytes, problem: str) -> None:
    assert _problems(text) == [problem]


def test_a_tag_of_python_runs_nothing() -> None:
    (problem,) = _problems("name: !!python/object/apply:os.system ['true']")
    assert problem.startswith("site.yaml:1:7: expected plain YAML, got the tag tag:yaml.org,2002:python/object/apply")


def test_a_control_character_is_refused_in_one_line() -> None:
    (problem,) = _problems("name: \x07")
    assert problem.startswith("site.yaml: unacceptable character #x0007")


def test_an_infinite_number_is_refused() -> None:
    assert _problems("size: 1e999") == ["site.yaml:1:7: size: Input should be a finite number (got Infinity)"]


def test_a_long_wrong_value_is_cut_short() -> None:
    (problem,) = _problems(f"clips: {'x' * 500}")
    assert problem.endswith("x…)")
    assert len(problem) < 150


def test_a_secret_under_an_unknown_key_is_not_echoed() -> None:
    assert "hunter2" not in "".join(_problems("token: hunter2"))
