"""What request handlers are given: the storage, the configuration, who keeps trainings running, the site that calls."""

from typing import Annotated

import fastapi
import pydantic
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from fl_protocol.messages import AlertId, Token
from fl_server.config import ServerConfig
from fl_server.errors import MalformedError, UnknownTokenError
from fl_server.storage.database import Storage
from fl_server.storage.sites import KnownSite, site_of_token
from fl_server.supervision.reconciler import Reconciler

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


OpenStorage = Annotated[Storage, fastapi.Depends(_storage)]
Config = Annotated[ServerConfig, fastapi.Depends(_config)]
TrainingSupervisor = Annotated[Reconciler | None, fastapi.Depends(_reconciler)]
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


def _calling_site(storage: OpenStorage, token: PresentedToken) -> KnownSite:
    if token is None:
        raise UnknownTokenError("expected the bearer token of a registered site")
    return site_of_token(storage, token)


CallingSite = Annotated[KnownSite, fastapi.Depends(_calling_site)]
