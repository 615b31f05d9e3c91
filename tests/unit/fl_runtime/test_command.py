"""Commands end with one line and a status that scripts can rely on."""

from collections.abc import Callable
from typing import Annotated

import pytest
import typer

from fl_runtime.command import errors_end_command, run_command
from fl_runtime.errors import ConfigError


class _FootageError(Exception):
    """An error base of some package."""


def _app(body: Callable[[], None]) -> typer.Typer:
    app = typer.Typer()

    @app.command()
    def run(clients: Annotated[int, typer.Option(min=1)] = 1) -> None:
        assert clients >= 1
        body()

    return app


def _raise(error: BaseException) -> Callable[[], None]:
    def body() -> None:
        raise error

    return body


def _status(body: Callable[[], None], *arguments: str) -> object:
    with pytest.raises(SystemExit) as caught:
        run_command(_app(body), _FootageError, arguments=arguments)
    return caught.value.code


def test_a_command_that_is_done_ends_with_zero() -> None:
    assert _status(lambda: None, "--clients", "2") == 0


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--clients", "0"), "error: Invalid value for '--clients': 0 is not in the range x>=1.\n"),
        (("--client", "2"), "error: No such option '--client'. Did you mean '--clients'?\n"),
        (("surplus",), "error: Got unexpected extra argument (surplus)\n"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(
    arguments: tuple[str, ...], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _status(lambda: None, *arguments) == 2
    assert capsys.readouterr().err == line


def test_an_expected_error_is_one_line_and_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert _status(_raise(_FootageError("no frames\n  in 'x'"))) == 2
    assert capsys.readouterr() == ("", "error: no frames in 'x'\n")


def test_a_configuration_error_is_one_line_for_each_problem(capsys: pytest.CaptureFixture[str]) -> None:
    assert _status(_raise(ConfigError(["a.yaml:1:1: x", "a.yaml:2:1: y"]))) == 2
    assert capsys.readouterr().err == "error: a.yaml:1:1: x\nerror: a.yaml:2:1: y\n"


def test_an_error_without_text_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert _status(_raise(_FootageError())) == 2
    assert capsys.readouterr().err == "error: _FootageError\n"


def test_an_unexpected_error_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        run_command(_app(_raise(ZeroDivisionError("bug"))), _FootageError, arguments=())


def test_a_command_may_choose_its_status() -> None:
    assert _status(_raise(typer.Exit(1))) == 1


def test_an_interrupted_command_ends_as_the_shell_expects() -> None:
    assert _status(_raise(KeyboardInterrupt())) == 130


def test_an_aborted_prompt_is_a_failure() -> None:
    assert _status(_raise(typer.Abort())) == 1


def test_help_names_the_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert _status(lambda: None, "--help") == 0
    assert "--clients" in capsys.readouterr().out


def test_the_context_manager_also_decorates(capsys: pytest.CaptureFixture[str]) -> None:
    @errors_end_command(_FootageError)
    def work(path: str) -> None:
        raise _FootageError(path)

    with pytest.raises(SystemExit, match="2"):
        work("no such folder")
    assert capsys.readouterr().err == "error: no such folder\n"
