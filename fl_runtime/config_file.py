"""YAML in, one immutable model out, with every problem at once and where it is.

* Plain scalars follow JSON's grammar, as in YAML 1.2: ``22:00``, ``no``, ``2026-12-25`` and ``0042`` are text.
* A key given twice is an error. Aliases, tags and deep nesting are refused: a small file must stay small when read.
* Values are checked as JSON would be: nothing is converted, except that lists may become tuples and text may become
  a path, a date or an enumeration where the model says so.
* Input is never echoed for keys the model does not know: a secret pasted by mistake stays out of logs.
"""

import dataclasses
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import pydantic
import pydantic_core
import yaml

from fl_runtime.errors import ConfigError

Model = TypeVar("Model", bound=pydantic.BaseModel)
Plain = dict[str, "Plain"] | list["Plain"] | str | int | float | bool | None

MAX_CONFIG_BYTES = 1_000_000
MAX_NESTING = 32
_MAX_SHOWN = 60
_YAML = "tag:yaml.org,2002:"
_CORE = [
    (_YAML + "null", re.compile(r"^(?:~|null|)$")),
    (_YAML + "bool", re.compile(r"^(?:true|false)$")),
    (_YAML + "int", re.compile(r"^-?(?:0|[1-9][0-9]{0,17})$")),
    (_YAML + "float", re.compile(r"^-?(?:0|[1-9][0-9]{0,99})(?:\.[0-9]{1,99})?(?:[eE][-+]?[0-9]{1,4})?$")),
]


@dataclasses.dataclass(frozen=True, order=True)
class _Problem:
    line: int
    column: int
    text: str


class _CoreLoader(yaml.SafeLoader):
    """PyYAML's composer with JSON's scalars, without aliases, and with bounded nesting."""

    # PyYAML's own are YAML 1.1: there `no` is false and 22:00 is 1320.
    yaml_implicit_resolvers = {None: _CORE}  # noqa: RUF012  declared as an instance variable by its stubs
    _nesting = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Composes one node; refuses what could make a small file large."""
        mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]  # the stubs leave it untyped
        if self.check_event(yaml.AliasEvent):
            raise yaml.MarkedYAMLError(problem="aliases are not supported", problem_mark=mark)
        if self._nesting == MAX_NESTING:
            raise yaml.MarkedYAMLError(problem=f"nested deeper than {MAX_NESTING} levels", problem_mark=mark)
        self._nesting += 1
        node = super().compose_node(parent, index)
        self._nesting -= 1
        return node


def load_config(path: Path, model: type[Model]) -> Model:
    """Reads a YAML file into a model.

    Raises:
        ConfigError: The file cannot be read, is larger than ``MAX_CONFIG_BYTES``, is not YAML, or does not fit
            ``model``; one line for each problem.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_CONFIG_BYTES + 1)
    except OSError as error:
        raise ConfigError([f"{path}: {error.strerror or error}"]) from error
    return parse_config(content, str(path), model)


def parse_config(content: bytes, name: str, model: type[Model]) -> Model:
    """Reads YAML into a model; ``name`` is what problems call the file.

    Raises:
        ConfigError: As ``load_config``.
    """
    if len(content) > MAX_CONFIG_BYTES:
        raise ConfigError([f"{name}: larger than {MAX_CONFIG_BYTES} bytes"])
    root = _compose(content, name)
    problems = list(_duplicates_and_tags(root))
    if not problems:
        try:
            return model.model_validate_json(json.dumps(_plain(root)))
        except pydantic.ValidationError as error:
            problems = [_problem(detail, root) for detail in _causes(error)]
    lines = [f"{name}:{problem.line}:{problem.column}: {problem.text}" for problem in sorted(problems)]
    raise ConfigError(lines)


def _compose(content: bytes, name: str) -> yaml.Node:
    try:
        loader = _CoreLoader(content.decode("utf-8"))
        root = loader.get_single_node() or yaml.MappingNode(_YAML + "map", [], loader.get_mark())
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError([f"{name}:{line}: not UTF-8 text"]) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise ConfigError([f"{name}{where}: {_one_line(error.problem or 'not YAML')}"]) from error
    except yaml.YAMLError as error:
        raise ConfigError([f"{name}: {_one_line(str(error))}"]) from error
    return root


def _duplicates_and_tags(node: yaml.Node) -> Iterator[_Problem]:
    if isinstance(node, yaml.ScalarNode):
        if not _has_core_scalar(node):
            yield _at(node.start_mark, f"expected plain YAML, got the tag {node.tag}")
    elif node.tag not in {_YAML + "map", _YAML + "seq"}:
        yield _at(node.start_mark, f"expected plain YAML, got the tag {node.tag}")
    elif isinstance(node, yaml.MappingNode):
        yield from _key_problems(node)
        for _, value in node.value:
            yield from _duplicates_and_tags(value)
    else:
        for item in node.value:
            yield from _duplicates_and_tags(item)


def _has_core_scalar(node: yaml.ScalarNode) -> bool:
    """Whether the text of a scalar fits its tag: only an explicit tag can disagree."""
    return node.tag == _YAML + "str" or any(tag == node.tag and pattern.match(node.value) for tag, pattern in _CORE)


def _key_problems(mapping: yaml.MappingNode) -> Iterator[_Problem]:
    first_lines: dict[str, int] = {}
    for key, _ in mapping.value:
        if not isinstance(key, yaml.ScalarNode):
            yield _at(key.start_mark, "expected a word as key")
        elif key.value in first_lines:
            yield _at(key.start_mark, f"{key.value}: given twice, first in line {first_lines[key.value]}")
        else:
            first_lines[key.value] = key.start_mark.line + 1


def _plain(node: yaml.Node) -> Plain:
    if isinstance(node, yaml.MappingNode):
        return {key.value: _plain(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item) for item in node.value]
    if node.tag == _YAML + "str":
        return str(node.value)
    if node.tag == _YAML + "null":
        return None
    number_or_bool: Plain = json.loads(node.value)
    return number_or_bool


def _causes(error: pydantic.ValidationError) -> list[pydantic_core.ErrorDetails]:
    """The errors without the false ones: pydantic calls a list too short where it dropped an item with an error."""
    details = error.errors(include_url=False, include_context=False)
    parents = {detail["loc"][:depth] for detail in details for depth in range(len(detail["loc"]))}
    return [detail for detail in details if detail["type"] != "too_short" or detail["loc"] not in parents]


def _problem(detail: pydantic_core.ErrorDetails, root: yaml.Node) -> _Problem:
    """Turns one of pydantic's errors into a line, placed at the deepest node its location leads to."""
    node, mark = root, root.start_mark
    for part in detail["loc"]:
        for key, value in _children(node):
            if key == part:
                node, mark = value, value.start_mark
                break
    message = _one_line(detail["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, "))
    path = ".".join(str(part) for part in detail["loc"])
    return _at(mark, ": ".join(filter(None, [path, message])) + _shown_input(detail))


def _children(node: yaml.Node) -> Iterator[tuple[str | int, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        yield from ((key.value, value) for key, value in node.value)
    elif isinstance(node, yaml.SequenceNode):
        yield from enumerate(node.value)


def _shown_input(detail: pydantic_core.ErrorDetails) -> str:
    given = detail["input"]
    if detail["type"] in {"missing", "extra_forbidden", "value_error", "assertion_error"} or isinstance(
        given, (dict, list)
    ):
        return ""
    text = "nothing" if given is None else json.dumps(given, ensure_ascii=False)
    return f" (got {text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + '…'})"


def _at(mark: yaml.Mark, text: str) -> _Problem:
    return _Problem(mark.line + 1, mark.column + 1, text)


def _one_line(text: str) -> str:
    return " ".join(text.split())
