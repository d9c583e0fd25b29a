"""How many stations and connectors are how: for the first pages that people see."""

from typing import Final

from sqlalchemy import func, select, text

from forecourt.domain.stations.model import ConnectorState, PortCount
from forecourt.domain.stations.store.stations import connectors, stations
from forecourt.infra.database import Unit


async def counts(unit: Unit) -> dict[str, int]:
    """Known and connected stations, for the status page."""
    row = (
        await unit.conn.execute(
            select(func.count(), func.count().filter(stations.c.connected)).select_from(stations)
        )
    ).one()
    return {"known": row[0], "connected": row[1]}


async def connector_counts(unit: Unit) -> dict[str, int]:
    """Connectors by their state; what stations say of themselves as a whole is none."""
    c = connectors.c
    query = select(c.state, func.count()).where(c.evse_no > 0).group_by(c.state)
    return {row[0]: row[1] for row in await unit.conn.execute(query)}


_ports: Final = text("""
    SELECT s.site, s.connected, c.state, count(*) AS ports
    FROM stations s JOIN connectors c ON c.station_id = s.station_id AND c.evse_no > 0
    WHERE CAST(:site AS text) IS NULL OR s.site = :site
    GROUP BY s.site, s.connected, c.state""")


async def port_counts(unit: Unit, site: str | None) -> list[PortCount]:
    """Connectors by site, by whether their station is connected, and by state."""
    return [
        PortCount(row.site, row.connected, ConnectorState(row.state), row.ports)
        for row in await unit.conn.execute(_ports, {"site": site})
    ]
