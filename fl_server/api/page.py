"""The operator's page: reads with GET, labels with a form that needs no script."""

import urllib.parse
from pathlib import Path
from typing import Annotated

import fastapi
import pydantic
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse

import fl_server.dashboard
from fl_protocol.messages import Feedback, Name
from fl_server.api.access import AlertPath, Config, OpenStorage
from fl_server.dashboard.alert_page import Clock, Overview, PageFilter, Selection, render_alert_page, render_reference
from fl_server.errors import MalformedError
from fl_server.storage import alerts
from fl_server.storage.feedback import add_feedback
from fl_server.storage.models import latest_model
from fl_server.storage.rounds import list_rounds

router = fastapi.APIRouter(include_in_schema=False)
_PAGE_SIZE = 20
_STYLE = Path(fl_server.dashboard.__file__).parent / "page.css"


class LabelForm(pydantic.BaseModel):
    """What the page's form sends: the label, and which alerts were shown, so that the operator stays there."""

    model_config = pydantic.ConfigDict(strict=True, frozen=True, extra="forbid")

    label: str = pydantic.Field(max_length=16)
    shown: PageFilter = "all"
    site: Name | None = None
    before: str | None = pydantic.Field(default=None, max_length=100)

    @property
    def selection(self) -> Selection:
        """What was shown."""
        return Selection(self.shown, self.site, self.before)


def _selection(
    label: PageFilter = "all",
    site: Name | None = None,
    before: Annotated[str | None, fastapi.Query(max_length=100)] = None,
) -> Selection:
    return Selection(label, site, before)


@router.get("/", response_class=HTMLResponse)
def show_alerts(
    request: fastapi.Request,
    storage: OpenStorage,
    config: Config,
    chosen: Annotated[Selection, fastapi.Depends(_selection)],
) -> HTMLResponse:
    """Alerts, newest first, with their clips and two buttons."""
    label = None if chosen.label == "all" else chosen.label
    query = alerts.AlertQuery(chosen.site, label, chosen.before, _PAGE_SIZE)
    rounds = list_rounds(storage, limit=1)
    overview = Overview(
        alerts=alerts.list_alerts(storage, query),
        num_unlabelled=alerts.count_unlabelled(storage, chosen.site),
        model=latest_model(storage),
        last_round=rounds[0] if rounds else None,
    )
    clock = Clock(storage.clock(), config.time_zone)
    address = str(request.base_url).rstrip("/")
    return HTMLResponse(render_alert_page(overview, chosen, clock, address))


@router.post("/alerts/{alert_id}/feedback")
async def label_from_form(alert_id: AlertPath, request: fastapi.Request, storage: OpenStorage) -> RedirectResponse:
    """Takes a pressed button and leads back to the alert it stands on."""
    form = _read_form(await request.body())
    try:
        feedback = Feedback.model_validate({"label": form.label})
    except pydantic.ValidationError as error:
        raise MalformedError("expected a label of false or confirmed") from error
    await run_in_threadpool(add_feedback, storage, alert_id, feedback)
    return RedirectResponse(f"{form.selection.address()}#alert-{alert_id}", status_code=303)


@router.get("/assets/page.css", response_class=FileResponse)
def read_style() -> FileResponse:
    """How the page looks."""
    return FileResponse(_STYLE, media_type="text/css")


@router.get("/docs", response_class=HTMLResponse)
def show_reference(request: fastapi.Request) -> HTMLResponse:
    """The API reference."""
    return HTMLResponse(render_reference(request.app.openapi()))


def _read_form(body: bytes) -> LabelForm:
    """Reads ``application/x-www-form-urlencoded``; the guard has bounded its size."""
    try:
        pairs = urllib.parse.parse_qsl(body.decode("ascii"), strict_parsing=True, max_num_fields=10)
        return LabelForm.model_validate(dict(pairs))
    except ValueError as error:  # pydantic's and the decoder's errors are ValueErrors, too
        raise MalformedError("expected the form of the alerts page") from error
