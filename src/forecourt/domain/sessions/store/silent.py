"""Sessions whose station is away."""

from datetime import datetime
from typing import Final

from sqlalchemy import select, text, update

from forecourt.base.ids import SessionId, StationId
from forecourt.domain.sessions.model import Session
from forecourt.domain.sessions.store.sessions import made, session_row, sessions
from forecourt.infra.database import Unit

# What an end changes of a record.
_ENDED: Final = (
    *("state", "ended_at", "meter_stop_wh", "stop_reason", "energy_wh", "exported_wh", "meter_wh"),
    *("meter_high_wh", "meter_at", "export_meter_wh", "power_w", "soc_pct", "seq_next"),
    *("seq_missing", "flags", "saved_at"),
)
_COLUMNS: Final = tuple(column.name for column in sessions.columns)

# Who holds a station's row keeps it from connecting: a gateway gives it an epoch first.
_connected = text("SELECT connected FROM stations WHERE station_id = :station FOR UPDATE")
_abandoned = text("""
    SELECT s.session_id FROM sessions s JOIN stations t USING (station_id)
    WHERE s.state = 'active' AND NOT t.connected AND s.saved_at < :before
      AND coalesce(t.seen_at, t.created_at) < :before
      AND coalesce(t.disconnected_at, t.created_at) < :before
    ORDER BY s.session_id LIMIT :most FOR UPDATE OF t SKIP LOCKED""")


async def is_connected(unit: Unit, station: StationId) -> bool:
    """Whether some gateway holds this station; if none does, none will until the unit ends.

    A station that was removed is away for good.
    """
    return bool(await unit.conn.scalar(_connected, {"station": station}))


async def abandoned(unit: Unit, *, before: datetime, most: int) -> list[Session]:
    """Sessions that run at stations which nobody heard since then; they stay away meanwhile."""
    rows = await unit.conn.execute(_abandoned, {"before": before, "most": most})
    ids = [SessionId(row.session_id) for row in rows]
    if not ids:
        return []
    query = select(sessions).where(sessions.c.session_id.in_(ids))
    return [made(row) for row in await unit.conn.execute(query)]


async def save_end(unit: Unit, session: Session) -> None:
    """The session as it ended."""
    row = dict(zip(_COLUMNS, session_row(session, 0), strict=True))
    await unit.conn.execute(
        update(sessions)
        .where(sessions.c.session_id == session.id)
        .values({name: row[name] for name in _ENDED})
    )
