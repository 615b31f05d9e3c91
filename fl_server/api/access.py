"""What request handlers are given: storage, configuration, who keeps trainings running, the roster, who calls."""

from typing import Annotated

import fastapi
import pydantic
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from fl_protocol.messages import AlertId, Token
from fl_protocol.roster import Roster
from fl_server.config import ServerConfig
from fl_server.errors import MalformedError, UnknownTokenError
from fl_server.storage.database import Storage
from fl_server.storage.sites import KnownSite, site_of_token
from fl_server.supervision.reconciler import Reconciler
from fl_server.watched_roster import WatchedRoster

_bearer = HTTPBearer(auto_error=False, description="The token a site got when it registered.")
_token = pydantic.TypeAdapter(Token)


def _storage(request: fastapi.Request) -> Storage:
    storage: Storage = request.app.state.storage
    return storage


def _config(request: fastapi.Request) -> ServerConfig:
    config: ServerConfig = request.app.state.config
    return config


def _reconciler(request: fastapi.Request) -> Reconciler | None:
    reconciler: Reconciler | None = request.app.state.reconciler
    return reconciler


def _roster(request: fastapi.Request) -> Roster | None:
    watched: WatchedRoster | None = request.app.state.watched_roster
    return None if watched is None else watched.newest()


OpenStorage = Annotated[Storage, fastapi.Depends(_storage)]
Config = Annotated[ServerConfig, fastapi.Depends(_config)]
TrainingSupervisor = Annotated[Reconciler | None, fastapi.Depends(_reconciler)]
NewestRoster = Annotated[Roster | None, fastapi.Depends(_roster)]
AlertPath = Annotated[AlertId, fastapi.Path(description="The alert.")]


def _presented_token(
    credentials: Annotated[HTTPAuthorizationCredentials | None, fastapi.Depends(_bearer)],
) -> str | None:
    if credentials is None:
        return None
    try:
        return _token.validate_python(credentials.credentials)
    except pydantic.ValidationError as error:
        raise MalformedError("expected a bearer token of 43 to 128 letters, digits, - and _") from error


PresentedToken = Annotated[str | None, fastapi.Depends(_presented_token)]


def _calling_site(storage: OpenStorage, token: PresentedToken, roster: NewestRoster) -> KnownSite:
    if token is None:
        raise UnknownTokenError("expected the bearer token of a registered site")
    site = site_of_token(storage, token)
    if roster is not None and not _is_listed(site, roster):
        raise UnknownTokenError(f"site {site.name}: expected a token registered with its identity key on the roster")
    return site


def _is_listed(site: KnownSite, roster: Roster) -> bool:
    """Whether the roster still names the key that the site registered with: revoked, it may call no more."""
    listed = roster.site(site.name)
    return listed is not None and listed.identity_key == site.identity_key


CallingSite = Annotated[KnownSite, fastapi.Depends(_calling_site)]
