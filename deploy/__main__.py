"""``python -m deploy``: sets up a federation, takes sites in and out."""

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from deploy.box_folder import accept_answer, join_federation
from deploy.checks import problems_of_folder, problems_of_machine
from deploy.enrolment import DEFAULT_VALID_HOURS, Enrolment, JoinAnswer, JoinRequest, privacy_promise
from deploy.errors import DeployError
from deploy.folder import PRIVATE, PUBLIC, read_file
from deploy.operator_folder import (
    admit_site,
    enrol_site,
    init_federation,
    renew_certificate,
    revoke_site,
    set_draw,
)
from deploy.registration import apply_roster
from deploy.settings import checked_settings
from fl_protocol.errors import ProtocolError
from fl_protocol.messages import Message, parse_message
from fl_protocol.roster import DEFAULT_DROPOUT_PERCENT
from fl_runtime.atomic_file import write_atomically
from fl_runtime.command import run_command

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
Folder = Annotated[Path, typer.Option(help="Folder of the federation at the operator's.")]
Site = Annotated[str, typer.Option(help="Name of the site.")]


@app.command()
def init(  # noqa: PLR0913  one parameter for each option
    *,
    folder: Folder,
    host: Annotated[list[str], typer.Option(help="Name of the coordinator; sites use the first.")],
    ip: Annotated[list[str] | None, typer.Option(help="Address of the coordinator, for its certificate.")] = None,
    federation: Annotated[str | None, typer.Option(help="Name of the federation. (default: edgeguard)")] = None,
    installed_at: Annotated[str | None, typer.Option(help="Where the coordinator's folder will lie.")] = None,
    environment: Annotated[str | None, typer.Option(help="Python environment on the coordinator.")] = None,
    listen: Annotated[str | None, typer.Option(help="Address the proxy listens on. (default: 0.0.0.0)")] = None,
    fleet_port: Annotated[int | None, typer.Option(help="Proxy's port for training. (default: 9443)")] = None,
    api_port: Annotated[int | None, typer.Option(help="Proxy's port for the API. (default: 8443)")] = None,
    superlink_port: Annotated[int | None, typer.Option(help="SuperLink's port. (default: 8000)")] = None,
    coordinator_port: Annotated[int | None, typer.Option(help="Coordinator's port. (default: 8080)")] = None,
    database: Annotated[str | None, typer.Option(help="PostgreSQL database there. (default: SQLite)")] = None,
) -> None:
    """At the operator's: makes authority, certificates, secrets, an empty roster, and the coordinator's folder."""
    places = {"installed_at": installed_at, "environment": environment, "listen": listen, "database": database}
    ports = {"fleet_port": fleet_port, "api_port": api_port, "superlink_port": superlink_port}
    names = {"federation": federation, "hosts": host, "ips": ip or (), "coordinator_port": coordinator_port}
    init_federation(folder, checked_settings(**names, **ports, **places), _now())
    typer.echo(f"{folder}/coordinator goes to the coordinator; {folder}/operator stays with you")


@app.command()
def enrol(  # noqa: PLR0913  one parameter for each option
    *,
    site: Site,
    folder: Folder,
    out: Annotated[Path | None, typer.Option(help="File to write. (default: SITE.enrolment.json)")] = None,
    valid_hours: Annotated[
        float, typer.Option(min=0.01, max=8760, help="Hours until the token ends.")
    ] = DEFAULT_VALID_HOURS,
    max_epsilon: Annotated[
        float | None, typer.Option(help="The box's own budget over all rounds: it takes part with noise alone.")
    ] = None,
    delta: Annotated[float | None, typer.Option(help="Delta of --max-epsilon, e.g. 1e-6.")] = None,
) -> None:
    """At the operator's: makes a one-time token for a box."""
    promise = privacy_promise(max_epsilon, delta)
    enrolment = enrol_site(folder, site, dt.timedelta(hours=valid_hours), _now(), promise)
    _write(out or Path(f"{site}.enrolment.json"), enrolment, PRIVATE)


@app.command()
def join(
    *,
    enrolment: Annotated[Path, typer.Option(help="File from enrol.")],
    state: Annotated[Path, typer.Option(help="Folder to make for the box's keys and scripts.")],
) -> None:
    """On the box: makes its keys, and a request for the operator."""
    request = join_federation(parse_message(Enrolment, read_file(enrolment)), state, _now())
    for problem in problems_of_machine():
        typer.echo(f"warning: {problem}", err=True)
    typer.echo(f"{request}")


@app.command()
def admit(
    *,
    request: Annotated[Path, typer.Option(help="File from join.")],
    folder: Folder,
    out: Annotated[Path | None, typer.Option(help="File to write. (default: SITE.answer.json)")] = None,
) -> None:
    """At the operator's: takes a box's request and signs the next roster with it."""
    answer = admit_site(folder, parse_message(JoinRequest, read_file(request)), _now())
    _write(out or Path(f"{answer.site}.answer.json"), answer, PUBLIC)


@app.command()
def accept(
    *,
    answer: Annotated[Path, typer.Option(help="File from admit.")],
    state: Annotated[Path, typer.Option(help="The box's folder.")],
) -> None:
    """On the box: takes the operator's answer if it can be believed."""
    roster = accept_answer(parse_message(JoinAnswer, read_file(answer)), state)
    typer.echo(f"roster {roster.version} with {len(roster.sites)} sites")


@app.command()
def revoke(*, site: Site, folder: Folder) -> None:
    """At the operator's: signs the next roster without a site."""
    typer.echo(f"roster {revoke_site(folder, site)}; it counts once the coordinator has it and has run apply")


@app.command()
def draw(
    *,
    folder: Folder,
    sites_per_round: Annotated[int, typer.Option(help="Sites that the roster's beacon draws; 0 for all.")],
    dropout_percent: Annotated[
        int, typer.Option(help="Drop-outs that a round of more than 64 sites stands, in percent.")
    ] = DEFAULT_DROPOUT_PERCENT,
) -> None:
    """At the operator's: signs the next roster, by which every round draws so many sites."""
    version = set_draw(folder, sites_per_round, dropout_percent)
    typer.echo(f"roster {version}; it counts once the coordinator has it and has run apply")


@app.command()
def renew(*, folder: Folder) -> None:
    """At the operator's: renews the coordinator's certificate; its key stays."""
    renew_certificate(folder, _now())
    typer.echo(f"{folder}/coordinator/server.pem goes to the coordinator; then restart the proxy and the SuperLink")


@app.command("apply")
def apply_(*, folder: Annotated[Path, typer.Option(help="The coordinator's folder.")]) -> None:
    """On the coordinator: makes the SuperLink serve exactly the sites of the newest roster."""
    applied = apply_roster(folder)
    changes = [f"+{name}" for name in applied.registered] + [f"-{name}" for name in applied.removed]
    typer.echo(" ".join([f"roster {applied.version}:", *(changes or ["nothing to change"])]))


@app.command()
def check(*, folder: Annotated[Path | None, typer.Option(help="Also check this folder.")] = None) -> None:
    """On any machine: checks clock, certificate and permissions; status 1 when something is wrong."""
    problems = problems_of_machine() + (problems_of_folder(folder, _now()) if folder else [])
    for problem in problems:
        typer.echo(f"error: {problem}", err=True)
    if problems:
        raise typer.Exit(1)
    typer.echo("all is well")


def _write(path: Path, message: Message, mode: int) -> None:
    try:
        write_atomically(path, message.model_dump_json().encode(), mode)
    except OSError as error:
        raise DeployError(f"{path}: {error.strerror or error}") from error
    typer.echo(f"{path}")


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


if __name__ == "__main__":
    run_command(app, DeployError, ProtocolError)
