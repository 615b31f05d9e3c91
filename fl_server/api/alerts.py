"""Sites report alerts; operators list and judge them."""

from typing import Annotated

import fastapi

from fl_protocol.messages import MAX_PAGE, AlertPage, AlertReport, Feedback, FeedbackEntry, Name, StoredAlert
from fl_server.api.access import AlertPath, CallingSite, OpenStorage
from fl_server.storage import alerts
from fl_server.storage.feedback import add_feedback

router = fastapi.APIRouter(prefix="/v1/alerts", tags=["alerts"])


@router.post("", status_code=201, responses={200: {"description": "Already stored."}})
def report_alert(
    report: AlertReport, site: CallingSite, storage: OpenStorage, response: fastapi.Response
) -> StoredAlert:
    """Takes an alert of the calling site; repeating it counts once."""
    stored, is_new = alerts.add_alert(storage, site, report)
    response.status_code = 201 if is_new else 200
    return stored


@router.get("")
def list_alerts(
    storage: OpenStorage,
    site: Annotated[Name | None, fastapi.Query(description="Only of this site.")] = None,
    label: Annotated[alerts.LabelFilter | None, fastapi.Query(description="'none': not yet labelled.")] = None,
    before: Annotated[str | None, fastapi.Query(max_length=100, description="An earlier page's next_before.")] = None,
    limit: Annotated[int, fastapi.Query(ge=1, le=MAX_PAGE)] = 50,
) -> AlertPage:
    """Alerts by the time their event began, the newest first."""
    return alerts.list_alerts(storage, alerts.AlertQuery(site, label, before, limit))


@router.get("/{alert_id}")
def get_alert(alert_id: AlertPath, storage: OpenStorage) -> StoredAlert:
    """One alert with its latest feedback."""
    return alerts.get_alert(storage, alert_id)


@router.post("/{alert_id}/feedback")
def label_alert(alert_id: AlertPath, feedback: Feedback, storage: OpenStorage) -> FeedbackEntry:
    """Takes an operator's word on an alert; the latest wins, the history is kept."""
    return add_feedback(storage, alert_id, feedback)
