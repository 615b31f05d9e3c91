"""``python -m fl_server``: runs the coordinator; ``python -m fl_server train`` wants a training of it."""

import contextlib
import json
from pathlib import Path
from typing import Annotated

import pydantic
import typer

from fl_runtime.command import run_command
from fl_runtime.config_file import load_config
from fl_runtime.log_setup import set_up_logging
from fl_server.app import serve
from fl_server.config import ServerConfig
from fl_server.errors import ConflictError, MalformedError, StartError
from fl_server.storage import open_storage
from fl_server.supervision.wanting import parse_options, want

app = typer.Typer(add_completion=False)
ConfigFile = Annotated[Path | None, typer.Option(help="YAML file; options given here win over it.")]


@app.callback(invoke_without_command=True)
def main(  # noqa: PLR0913  one parameter for each option
    context: typer.Context,
    *,
    config: ConfigFile = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on. (default: 127.0.0.1)")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 picks a free one. (default: 8080)")] = None,
    database: Annotated[str | None, typer.Option(help="SQLAlchemy address. (default: SQLite in the state)")] = None,
    state: Annotated[Path | None, typer.Option(help="Folder for clips and models. (default: state)")] = None,
    allowed_host: Annotated[list[str] | None, typer.Option(help="A name this coordinator is called by.")] = None,
    allow_remote_operators: Annotated[
        bool | None, typer.Option("--allow-remote-operators", help="Listen beyond this machine, without a login.")
    ] = None,
) -> None:
    """Serves the coordinator's API and the operator's page until it is told to stop."""
    set_up_logging("info")
    given: dict[str, object] = {"host": host, "port": port, "database": database, "state_folder": state}
    given |= {"allowed_hosts": allowed_host or None, "allow_remote_operators": allow_remote_operators}
    context.obj = _with_options(config, given)
    if context.invoked_subcommand is None:
        serve(context.obj)


@app.command()
def train(
    context: typer.Context,
    *,
    rounds: Annotated[int, typer.Option(help="Rounds to commit.")],
    option: Annotated[list[str] | None, typer.Option(help="NAME=VALUE, such as min-sites=3; may be repeated.")] = None,
) -> None:
    """Puts down that rounds are wanted; the coordinator of this configuration keeps runs going until they are there."""
    config: ServerConfig = context.obj
    with contextlib.closing(open_storage(config.database, config.state_folder)) as storage:
        wanted = want(storage, config.training, rounds, parse_options(option or []))
    typer.echo(json.dumps({"training_id": wanted.training_id}))


def _with_options(path: Path | None, given: dict[str, object]) -> ServerConfig:
    """The configuration file's values with those of the command line over them, checked as one."""
    written = {} if path is None else load_config(path, ServerConfig).model_dump(exclude_unset=True)
    try:
        return ServerConfig.model_validate(written | {name: x for name, x in given.items() if x is not None})
    except pydantic.ValidationError as error:
        problem = error.errors(include_url=False, include_context=False)[0]
        name = "".join(f"{step}: " for step in problem["loc"])
        raise StartError(name + problem["msg"].removeprefix("Value error, ")) from error


if __name__ == "__main__":
    run_command(app, StartError, MalformedError, ConflictError)
