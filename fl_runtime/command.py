"""How every command of ours ends: 0 done, 1 failed, 2 wrong usage, configuration or input.

An expected error is one line ``error: ...`` on standard error without traceback; only an error nobody expected
shows one. A configuration with several problems has one such line for each.
"""

import contextlib
import sys
from collections.abc import Iterator, Sequence

import click
import typer

from fl_runtime.errors import ConfigError, FlRuntimeError

WRONG_USAGE = 2
FAILED = 1


@contextlib.contextmanager
def errors_end_command(*expected: type[Exception]) -> Iterator[None]:
    """Ends the process with ``error: ...`` and status 2 on one of ``expected``; a context manager and a decorator.

    ``FlRuntimeError`` is always expected.

    Raises:
        SystemExit: One of the expected errors came; its code is 2.
    """
    try:
        yield
    except Exception as error:
        if not isinstance(error, (FlRuntimeError, *expected)):
            raise
        for line in error.problems if isinstance(error, ConfigError) else [str(error) or type(error).__name__]:
            _print_error(line)
        raise SystemExit(WRONG_USAGE) from error


def run_command(app: typer.Typer, *expected: type[Exception], arguments: Sequence[str] | None = None) -> None:
    """Runs a Typer app as this process's command line; does not return.

    Args:
        app: The command.
        expected: Errors that end the command with one line and status 2, beside wrong usage and ``FlRuntimeError``.
        arguments: The command line; that of the process when absent.

    Raises:
        SystemExit: Always; its code is the exit status.
    """
    with errors_end_command(*expected):
        try:
            status = typer.main.get_command(app).main(args=arguments, standalone_mode=False)
        except click.ClickException as error:
            _print_error(error.format_message())
            status = WRONG_USAGE
        except click.Abort:
            status = FAILED
    raise SystemExit(status if isinstance(status, int) else 0)


def _print_error(message: str) -> None:
    sys.stderr.write(f"error: {' '.join(message.split())}\n")
