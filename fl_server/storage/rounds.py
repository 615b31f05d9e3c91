"""What is kept of each federated round."""

import sqlalchemy as sa
from sqlalchemy import orm

from fl_protocol.messages import ClosedRound
from fl_server.storage.database import Storage
from fl_server.storage.tables import RoundRow, fields_of


def put_round(session: orm.Session, closed: ClosedRound) -> None:
    """Keeps the facts of a round, in a transaction of the caller's; they replace an earlier record of it."""
    facts = closed.model_dump(exclude={"schema_version"})
    same_round = (RoundRow.training_id == closed.training_id) & (RoundRow.round_number == closed.round_number)
    row = session.scalar(sa.select(RoundRow).where(same_round))
    if row is None:
        session.add(RoundRow(**facts))
    else:
        session.execute(sa.update(RoundRow).where(RoundRow.id == row.id).values(**facts))


def list_rounds(storage: Storage, limit: int) -> tuple[ClosedRound, ...]:
    """The rounds that closed last, the newest first."""
    newest_first = sa.select(RoundRow).order_by(RoundRow.closed_utc.desc(), RoundRow.id.desc()).limit(limit)
    with storage.reading() as session:
        return tuple(ClosedRound(**fields_of(row, ClosedRound)) for row in session.scalars(newest_first))
