"""Published models and the rounds that made them."""

from typing import Annotated

import fastapi
from fastapi.responses import FileResponse

from fl_protocol.messages import MAX_PAGE, Digest, PublishedModel, RoundPage
from fl_server.api.access import OpenStorage
from fl_server.errors import NotFoundError
from fl_server.storage.models import latest_model, model_file
from fl_server.storage.rounds import list_rounds

router = fastapi.APIRouter(prefix="/v1", tags=["models"])


@router.get("/models/latest")
def read_latest_model(storage: OpenStorage) -> PublishedModel:
    """The model in force; 404 before the first is published."""
    published = latest_model(storage)
    if published is None:
        raise NotFoundError("no model is published yet")
    return published


@router.get("/models/{digest}", response_class=FileResponse)
def read_model(
    digest: Annotated[Digest, fastapi.Path(description="SHA-256 of the model.")],
    storage: OpenStorage,
    request: fastapi.Request,
) -> fastapi.Response:
    """The bytes of a published model. They never change, so caches may keep them."""
    headers = {"ETag": f'"{digest}"', "Cache-Control": "public, max-age=31536000, immutable"}
    path = model_file(storage, digest)
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return fastapi.Response(status_code=304, headers=headers)
    return FileResponse(path, media_type="application/octet-stream", headers=headers)


@router.get("/rounds")
def read_rounds(storage: OpenStorage, limit: Annotated[int, fastapi.Query(ge=1, le=MAX_PAGE)] = 100) -> RoundPage:
    """The rounds that closed last, the newest first."""
    return RoundPage(rounds=list_rounds(storage, limit))
