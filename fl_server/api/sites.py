"""Sites register, and pull what operators said of their alerts."""

from typing import Annotated

import fastapi

from fl_protocol.errors import RegistrationError
from fl_protocol.messages import MAX_PAGE, FeedbackPage, RegisteredSite, SiteRegistration
from fl_protocol.registration import check_registration
from fl_server.api.access import CallingSite, NewestRoster, OpenStorage, PresentedToken
from fl_server.errors import UnprovenSiteError
from fl_server.storage.feedback import feedback_after
from fl_server.storage.sites import register_site

router = fastapi.APIRouter(prefix="/v1", tags=["sites"])


@router.post("/sites", status_code=201, responses={200: {"description": "Already registered with this token."}})
def register(
    registration: SiteRegistration,
    storage: OpenStorage,
    token: PresentedToken,
    roster: NewestRoster,
    response: fastapi.Response,
) -> RegisteredSite:
    """Gives a site its place. A site may present a token it made itself, and repeat the call until it is answered.

    A coordinator with a roster admits its sites alone, and each only with a proof by its identity key.
    """
    identity_key = None
    if roster is not None:
        try:
            identity_key = check_registration(roster, registration, token)
        except RegistrationError as error:
            raise UnprovenSiteError(str(error)) from error
    registered = register_site(storage, registration.name, token, identity_key)
    response.status_code = 201 if registered.is_new else 200
    return RegisteredSite(site=registered.name, token=registered.token)


@router.get("/feedback")
def read_feedback(
    site: CallingSite,
    storage: OpenStorage,
    after: Annotated[int, fastapi.Query(ge=0, le=2**53)] = 0,
    limit: Annotated[int, fastapi.Query(ge=1, le=MAX_PAGE)] = 100,
) -> FeedbackPage:
    """What operators said of the calling site's alerts, in order, above sequence number 'after'."""
    return feedback_after(storage, site, after, limit)
