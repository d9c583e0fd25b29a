"""Connectors of all stations."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Boolean, ColumnElement, Text, literal_column, select

from forecourt.base.ids import StationId
from forecourt.base.pages import Page, Wanted
from forecourt.domain.stations.model import (
    CONNECTOR_SORTS,
    ConnectorFields,
    ConnectorState,
    Outlet,
)
from forecourt.domain.stations.store.stations import connectors
from forecourt.infra.database import Unit
from forecourt.infra.listing import Listing, list_rows, only, sorts

_site: Final[ColumnElement[str]] = literal_column(
    "(SELECT s.site FROM stations s WHERE s.station_id = connectors.station_id)", Text
).label("site")
_connected: Final[ColumnElement[bool]] = literal_column(
    "(SELECT s.connected FROM stations s WHERE s.station_id = connectors.station_id)", Boolean
).label("connected")


async def connectors_page(unit: Unit, wanted: Wanted, fit: ConnectorFields) -> Page[Outlet]:
    """Connectors that fit, by station if in no other order; EVSE 0 is the station, and none."""
    equal: Mapping[str, object] = {
        "station_id": fit.get("station"),
        "state": fit.get("state"),
    }
    query = only(select(connectors, _site, _connected), connectors, equal)
    query = query.where(connectors.c.evse_no > 0)
    if (site := fit.get("site")) is not None:
        query = query.where(_site == site)
    if (connected := fit.get("connected")) is not None:
        query = query.where(_connected == connected)
    found = await list_rows(unit, query, _LISTING, wanted)
    return found.of([_outlet(row) for row in found.rows])


_LISTING: Final = Listing(
    sorts=sorts(connectors, CONNECTOR_SORTS, station=connectors.c.station_id),
    key=(connectors.c.station_id, connectors.c.evse_no, connectors.c.connector_no),
    default="station",
    searched=(connectors.c.station_id, _site, connectors.c.error, connectors.c.vendor_error),
)


def _outlet(row: Any) -> Outlet:
    return Outlet(
        station=StationId(row.station_id),
        site=row.site or "",
        connected=bool(row.connected),
        evse=row.evse_no,
        connector=row.connector_no,
        state=ConnectorState(row.state),
        state_at=row.state_at,
        error=row.error,
    )
