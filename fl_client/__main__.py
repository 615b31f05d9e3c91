"""``python -m fl_client``: watches the cameras of a site; ``rule`` turns English into a rule of its description."""

import dataclasses
import datetime as dt
import json
import logging
from pathlib import Path
from typing import Annotated

import click
import typer
import yaml

from context.english.errors import LanguageError
from context.site import Site
from fl_client.config import DEFAULT_LEARN_FOR_S, checked_config
from fl_client.errors import ClientError, SettingsError
from fl_runtime.command import run_command
from fl_runtime.config_file import load_config
from fl_runtime.log_setup import set_up_logging
from fl_runtime.shutdown import StopFlag, stop_on_signals
from model_zoo.errors import ModelZooError

app = typer.Typer(add_completion=False)


@app.callback(invoke_without_command=True)
def main(  # noqa: PLR0913  one parameter for each option
    run_context: typer.Context,
    *,
    site: Annotated[str | None, typer.Option(help="Name of the site.")] = None,
    source: Annotated[
        str | None, typer.Option(help="Video file, folder of pictures, USB camera or rtsp/http URL.")
    ] = None,
    fast: Annotated[bool, typer.Option("--fast", help="Watch a file as fast as possible.")] = False,
    start: Annotated[str | None, typer.Option(help="Instant of a file's first frame, ISO 8601 with offset.")] = None,
    state: Annotated[Path | None, typer.Option(help="Folder for alerts and clips. (default: state/SITE)")] = None,
    config: Annotated[Path | None, typer.Option(help="Site description, YAML.")] = None,
    camera: Annotated[str | None, typer.Option(help="Only this camera of the site description.")] = None,
    learn_for: Annotated[float, typer.Option(help="Seconds a new camera learns.")] = DEFAULT_LEARN_FOR_S,
    alert_threshold: Annotated[float, typer.Option(help="Severity at which an event opens, 0.5 to 1.")] = 0.5,
    detector: Annotated[Path | None, typer.Option(help="Object detector, ONNX: YOLOX, RT-DETR or D-FINE.")] = None,
    detector_width: Annotated[int, typer.Option(help="Width pictures are scaled to for it, in pixels.")] = 416,
    detect_every: Annotated[int, typer.Option(help="Frames from detection to detection.")] = 3,
    pose: Annotated[Path | None, typer.Option(help="Pose model, ONNX: RTMPose, ViTPose or HRNet.")] = None,
    coordinator: Annotated[str | None, typer.Option(help="URL of the coordinator.")] = None,
    superlink: Annotated[str | None, typer.Option(help="HOST:PORT of the Flower SuperLink.")] = None,
    root_certificates: Annotated[Path | None, typer.Option(help="PEM file of the authority to trust.")] = None,
    supernode_key: Annotated[Path | None, typer.Option(help="Private key of this site's SuperNode.")] = None,
    membership: Annotated[Path | None, typer.Option(help="Folder with identity key and roster: masks updates.")] = None,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
) -> None:
    """Watches the cameras of a site, writes alerts and clips, and prints one line of JSON when it ends."""
    if run_context.invoked_subcommand:
        return
    if site is None or (source is None and config is None):
        raise click.UsageError(f"Missing option '--{'site' if site is None else 'source'}'.")
    _set_up_logging(log_level)
    checked = checked_config(
        site=site,
        source=source,
        is_fast=fast,
        start=_parse_instant(start),
        state_dir=state or Path("state") / site,
        site_file=config,
        camera=camera,
        learn_for_s=learn_for,
        alert_threshold=alert_threshold,
        detector=detector,
        detector_width_px=detector_width,
        detect_every=detect_every,
        pose=pose,
        coordinator=coordinator,
        superlink=superlink,
        root_certificates=root_certificates,
        supernode_key=supernode_key,
        membership=membership,
    )
    from fl_client.app import run_client  # after the options are known to be good: it loads the heavy libraries

    with stop_on_signals(StopFlag()) as stop:
        summary = run_client(checked, stop)
    typer.echo(json.dumps(dataclasses.asdict(summary)))


@app.command()
def rule(
    sentence: Annotated[str, typer.Argument(help="Such as 'alert me if a person enters after 10 PM'.")],
    config: Annotated[Path, typer.Option(help="Site description, YAML.")],
) -> None:
    """Prints the rule that a sentence means, to be put under `rules:`, and says it again in other words."""
    from context.language import understand  # loads the grammar's library

    understood = understand(sentence, load_config(config, Site))
    plain = understood.rule.model_dump(mode="json", exclude_defaults=True)
    typer.echo(f"# {understood.paraphrase}\n{yaml.safe_dump([plain], sort_keys=False)}", nl=False)


@app.command()
def recordings(
    state: Annotated[Path, typer.Option(help="Folder of the client.")],
    camera: Annotated[str | None, typer.Option(help="Only of this camera.")] = None,
) -> None:
    """Lists what was recorded, and every gap with its cause."""
    from fl_client.status.timeline import timeline

    for line in timeline(state, camera):
        typer.echo(line)


def _parse_instant(text: str | None) -> dt.datetime | None:
    try:
        return None if text is None else dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise SettingsError(f"start: expected an instant such as 2026-03-02T10:00:00+00:00, got {text!r}") from error


def _set_up_logging(level: str) -> None:
    try:
        set_up_logging(level)
    except ValueError as error:
        raise SettingsError(f"log_level: {error}") from error
    logging.getLogger("httpx").setLevel(logging.WARNING)  # a line for every request, with its address


if __name__ == "__main__":
    run_command(app, ClientError, ModelZooError, LanguageError)
