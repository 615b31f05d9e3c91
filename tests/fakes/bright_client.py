"""The whole client around the brightness pipeline: ``python -m tests.fakes.bright_client OPTIONS_AS_JSON``."""

import dataclasses
import datetime as dt
import json
import sys
from pathlib import Path

from fl_client.app import run_client
from fl_client.config import checked_config
from fl_client.errors import ClientError
from fl_runtime.command import errors_end_command
from fl_runtime.log_setup import set_up_logging
from fl_runtime.shutdown import StopFlag, stop_on_signals

_PATHS = ("state_dir", "site_file", "root_certificates")


def main(options: dict[str, object]) -> None:
    """Runs the client with ``ClientConfig``'s fields as options."""
    set_up_logging("info")
    options |= {name: Path(str(options[name])) for name in _PATHS if name in options}
    if "start" in options:
        options["start"] = dt.datetime.fromisoformat(str(options["start"]))
    with errors_end_command(ClientError), stop_on_signals(StopFlag()) as stop:
        summary = run_client(checked_config(**options), stop, "tests.fakes.bright_inference")
        sys.stdout.write(json.dumps(dataclasses.asdict(summary)) + "\n")


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
