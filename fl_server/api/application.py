"""The coordinator's web application: routes, error responses and guard over one open storage."""

import contextlib
import importlib.metadata
import socket
from collections.abc import AsyncIterator

import fastapi
import uvicorn

from fl_protocol.messages import ErrorBody
from fl_server.api import alerts, clips, health, models, page, sites, trainings
from fl_server.api.error_responses import add_error_responses
from fl_server.api.request_guard import RequestGuard
from fl_server.config import ServerConfig
from fl_server.storage.clips import remove_interrupted
from fl_server.storage.database import Storage, open_storage
from fl_server.supervision.reconciler import beside, reconciler_on
from fl_server.watched_roster import WatchedRoster

_STOP_TIMEOUT_S = 5
_ROUTERS = (sites.router, alerts.router, clips.router, models.router, trainings.router, health.router, page.router)


def create_app(config: ServerConfig) -> fastapi.FastAPI:
    """The application on the storage that ``config`` names.

    Raises:
        StartError: The state folder or the database cannot be used.
    """
    return app_on(open_storage(config.database, config.state_folder), config)


def app_on(storage: Storage, config: ServerConfig) -> fastapi.FastAPI:
    """The application on an open storage, which it closes when it stops.

    Raises:
        StartError: The Flower app or the roster of ``config`` cannot be used.
    """
    settings = config.training
    reconciler = None if settings is None else reconciler_on(storage, settings)
    roster, operator_key = config.roster, config.operator_key
    watched_roster = None if roster is None or operator_key is None else WatchedRoster(roster, operator_key)

    @contextlib.asynccontextmanager
    async def lifespan(_app: fastapi.FastAPI) -> AsyncIterator[None]:
        remove_interrupted(storage)
        async with contextlib.AsyncExitStack() as stack:
            stack.callback(storage.close)
            if reconciler is not None and settings is not None:
                await stack.enter_async_context(beside(reconciler, settings.poll_s))
            yield

    app = fastapi.FastAPI(
        title="EdgeGuard",
        version=importlib.metadata.version("edgeguard"),
        docs_url=None,  # /docs is ours: FastAPI's loads scripts from another machine
        redoc_url=None,
        responses={"4XX": {"model": ErrorBody, "description": "Refused."}},
        lifespan=lifespan,
    )
    app.state.storage = storage
    app.state.config = config
    app.state.reconciler = reconciler
    app.state.watched_roster = watched_roster
    add_error_responses(app)
    for router in _ROUTERS:
        app.include_router(router)
    app.add_middleware(RequestGuard, host_names=config.host_names)
    return app


def run_app(app: fastapi.FastAPI, listener: socket.socket) -> None:
    """Serves ``app`` on a listening socket until SIGTERM or SIGINT; requests under way get a few seconds."""
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="on",
        timeout_graceful_shutdown=_STOP_TIMEOUT_S,
    )
    uvicorn.Server(config).run(sockets=[listener])
