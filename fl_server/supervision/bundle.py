"""The Flower app of this coordinator: what a run sends to the SuperLink, and its usual options."""

import dataclasses
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fl_server.errors import StartError


@dataclasses.dataclass(frozen=True)
class Bundle:
    """What is sent to the SuperLink for a run."""

    app_id: str
    """``PUBLISHER/NAME``, by which Flower lists its runs."""
    options: Mapping[str, Any]
    """Of a run, where nothing else is said."""


def read_bundle(folder: Path) -> Bundle:
    """The bundle in ``folder``.

    Raises:
        StartError: There is none that Flower could run.
    """
    path = folder / "pyproject.toml"
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        flower = content["tool"]["flwr"]["app"]
        return Bundle(f"{flower['publisher']}/{content['project']['name']}", dict(flower["config"]))
    except OSError as error:
        raise StartError(f"{path}: {error.strerror or error}") from error
    except KeyError as error:
        raise StartError(f"{path}: expected a Flower app, got one without {error.args[0]}") from error
    except (ValueError, TypeError) as error:
        raise StartError(f"{path}: expected a Flower app: {error}") from error
