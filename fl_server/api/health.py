"""Whether the coordinator can do its work."""

import importlib.metadata

import fastapi
import sqlalchemy as sa

from fl_protocol.messages import Health
from fl_server.api.access import OpenStorage

router = fastapi.APIRouter(prefix="/v1", tags=["health"])


@router.get("/health", responses={503: {"description": "The database does not answer."}})
def read_health(storage: OpenStorage, response: fastapi.Response) -> Health:
    """Asks the database a question and says whether it answered."""
    version = importlib.metadata.version("edgeguard")
    try:
        with storage.reading() as session:
            session.execute(sa.select(1))
    except sa.exc.SQLAlchemyError:
        response.status_code = 503
        return Health(status="degraded", version=version, database="unreachable")
    return Health(status="ok", version=version, database="ok")
