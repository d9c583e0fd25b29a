"""Raw messages of a station: found by what stands in them."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, literal, select

from forecourt.base.ids import StationId
from forecourt.domain.stations.model import MessageFields
from forecourt.domain.stations.store.stations import messages
from forecourt.infra.database import Unit


async def messages_of(
    unit: Unit, station_id: StationId, *, before: datetime, limit: int, fit: MessageFields
) -> list[dict[str, object]]:
    """The newest raw messages of a station that fit, newest first."""
    c = messages.c
    query = select(c.at, c.direction, c.action, c.note, c.frame).where(
        c.station_id == station_id, c.at < before
    )
    if (direction := fit.get("direction")) is not None:
        query = query.where(c.direction == direction)
    if (action := fit.get("action")) is not None:
        query = query.where(c.action == action)
    if (since := fit.get("since")) is not None:
        query = query.where(c.at >= since)
    for word in fit.get("q", "").split():
        query = query.where(func.strpos(_text(c.frame), _text(func.convert_to(word, "UTF8"))) > 0)
    rows = await unit.conn.execute(query.order_by(c.at.desc()).limit(limit))
    return [
        {
            "at": row.at,
            "direction": row.direction,
            "action": row.action,
            "note": row.note,
            "frame": row.frame.decode("utf-8", "backslashreplace"),
        }
        for row in rows
    ]


def _text(frame: Any) -> Any:
    """Bytes as a text that can be searched, whatever they are: not all frames are UTF-8."""
    return func.lower(func.encode(frame, literal("escape")))
