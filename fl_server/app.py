"""The coordinator as a process: listens, says where, serves until it is told to stop."""

import json
import logging
import os
import socket
import sys

from fl_runtime.shutdown import StopFlag, stop_on_signals
from fl_server.api.application import create_app, run_app
from fl_server.config import ServerConfig
from fl_server.errors import StartError

__all__ = ["create_app", "serve"]

logger = logging.getLogger(__name__)


def serve(config: ServerConfig) -> None:
    """Serves until SIGTERM or SIGINT; prints ``{"address": ...}`` on standard output once it listens.

    Raises:
        StartError: The port is taken, or the state folder or the database cannot be used.
    """
    with _listen(config.host, config.port) as listener:
        app = create_app(config)
        address = _address(listener)
        sys.stdout.write(json.dumps({"address": address}) + "\n")
        sys.stdout.flush()
        logger.info("coordinator started", extra={"address": address})
        # uvicorn repeats the signal that stopped it; here that would be the end of the process without status 0.
        with stop_on_signals(StopFlag()):
            run_app(app, listener)
    logger.info("coordinator stopped")


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        # Python adds the address to strerror; a name that leads nowhere has an error number of its own kind.
        cause = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
        raise StartError(f"cannot listen on {host}:{port}: {cause}") from error


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
