"""Clips travel as raw bytes: streamed in under a bound, streamed out in ranges so that browsers can seek."""

import fastapi
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse

from fl_protocol.messages import CLIP_MEDIA_TYPES, ClipMediaType, StoredAlert
from fl_server.api.access import AlertPath, CallingSite, Config, OpenStorage
from fl_server.errors import MediaTypeError, TooLargeError
from fl_server.storage import clips
from fl_server.storage.alerts import get_alert

router = fastapi.APIRouter(prefix="/v1/alerts", tags=["clips"])
_RAW_VIDEO = {"content": {media_type: {"schema": {"format": "binary"}} for media_type in CLIP_MEDIA_TYPES}}


@router.put("/{alert_id}/clip", openapi_extra={"requestBody": _RAW_VIDEO})
async def put_clip(
    alert_id: AlertPath, request: fastapi.Request, site: CallingSite, storage: OpenStorage, config: Config
) -> StoredAlert:
    """Takes the clip that the alert announced by its digest; repeating it is harmless."""
    media_type = _media_type(request)
    _check_announced_size(request, config.max_clip_bytes)
    digest = await run_in_threadpool(clips.announced_digest, storage, site, alert_id)
    with clips.IncomingClip(storage, config.max_clip_bytes) as clip:
        async for chunk in request.stream():
            await run_in_threadpool(clip.write, chunk)
        await run_in_threadpool(clip.keep, digest)
    await run_in_threadpool(clips.attach_clip, storage, site, alert_id, media_type)
    return await run_in_threadpool(get_alert, storage, alert_id)


@router.get("/{alert_id}/clip", response_class=FileResponse)
def get_clip(alert_id: AlertPath, storage: OpenStorage) -> FileResponse:
    """The clip of an alert, whole or by range."""
    path, media_type = clips.stored_clip(storage, alert_id)
    return FileResponse(path, media_type=media_type, headers={"Cache-Control": "private, max-age=3600, immutable"})


def _media_type(request: fastapi.Request) -> ClipMediaType:
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    for media_type in CLIP_MEDIA_TYPES:
        if given == media_type:
            return media_type
    raise MediaTypeError(f"expected a Content-Type of {' or '.join(CLIP_MEDIA_TYPES)}")


def _check_announced_size(request: fastapi.Request, max_bytes: int) -> None:
    """Refuses before reading; a body without length is bounded while it is read."""
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > max_bytes:
        raise TooLargeError(f"expected a clip of at most {max_bytes} bytes, got {length[:20]}")
