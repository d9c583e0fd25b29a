"""The doors of stations, and what coming in changes of their records."""

from collections.abc import Sequence
from sys import intern
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import select, text

from forecourt.base.digest import Digest
from forecourt.base.ids import StationId, TenantId
from forecourt.domain.stations.model import Admission, Arrival, Door, Ping, Station
from forecourt.domain.stations.store.stations import station, stations
from forecourt.infra.database import Unit


async def doors(unit: Unit, ids: Sequence[StationId] | None = None) -> list[Door]:
    """What the listener needs, of all stations or of some."""
    c = stations.c
    query = select(
        *(c.station_id, c.tenant_id, c.admission, c.password, c.password_next, c.security_profile),
        *(c.profile_wanted, c.certificate_name, c.ping, c.lenient, c.log_all, c.quirks),
        *(c.vendor, c.model, c.firmware),
    )
    if ids is not None:
        query = query.where(c.station_id.in_(ids))
    return [_door(row) for row in await unit.conn.execute(query)]


async def door(unit: Unit, station_id: StationId) -> Door | None:
    """The same of one station, held until the transaction ends: somebody changes it."""
    query = select(stations).where(stations.c.station_id == station_id).with_for_update()
    row = (await unit.conn.execute(query)).first()
    return None if row is None else _door(row)


_row: Final = ", ".join(f"stations.{column.name}" for column in stations.columns)

# A station that came by its new password, or by the profile that it was to take, has taken it.
_connect = text(f"""
    WITH n AS (
      SELECT * FROM unnest(CAST(:ids AS text[]), CAST(:protocols AS text[]),
        CAST(:ats AS timestamptz[]), CAST(:profiles AS smallint[]), CAST(:passwords AS bytea[]))
      AS n (station_id, protocol, at, profile, password)
    ), b AS (
      SELECT station_id, security_profile, s.profile_wanted <= n.profile IS TRUE AS risen,
        s.password_next = n.password IS TRUE AS changed
      FROM stations s JOIN n USING (station_id) FOR UPDATE OF s
    )
    UPDATE stations SET epoch = stations.epoch + 1, connected = true, connected_at = n.at,
      seen_at = n.at, gateway = :gateway, protocol = n.protocol, profile_used = n.profile,
      security_profile = greatest(stations.security_profile,
        CASE WHEN b.risen THEN stations.profile_wanted END, CASE WHEN b.changed THEN 1 END),
      profile_wanted = CASE WHEN b.risen THEN NULL ELSE stations.profile_wanted END,
      password = CASE WHEN b.changed THEN stations.password_next ELSE stations.password END,
      password_next = CASE WHEN b.changed THEN NULL ELSE stations.password_next END
    FROM n JOIN b USING (station_id)
    WHERE stations.station_id = n.station_id
    RETURNING {_row}, '' AS zone, b.security_profile AS profile_before, b.risen, b.changed""")  # noqa: S608 (of our own words)


class Connected(Struct, frozen=True):
    """What connecting made of a station."""

    station: Station
    epoch: int
    profile_before: int
    secured: bool
    password_changed: bool


async def connect(
    unit: Unit, arrivals: Sequence[Arrival], gateway: str
) -> dict[StationId, Connected]:
    """Note that these stations connected, and give each its new epoch."""
    rows = await unit.conn.execute(
        _connect,
        {
            "ids": [a.station for a in arrivals],
            "protocols": [a.protocol for a in arrivals],
            "ats": [a.at for a in arrivals],
            "profiles": [a.entry.profile for a in arrivals],
            "passwords": [a.entry.password for a in arrivals],
            "gateway": gateway,
        },
    )
    return {
        StationId(row.station_id): Connected(
            station(row),
            row.epoch,
            row.profile_before,
            secured=row.risen,
            password_changed=row.changed,
        )
        for row in rows
    }


def _door(row: Any) -> Door:
    return Door(
        id=StationId(row.station_id),
        tenant=TenantId(row.tenant_id),
        admission=Admission(row.admission),
        password=None if row.password is None else Digest(row.password),
        password_next=None if row.password_next is None else Digest(row.password_next),
        security_profile=row.security_profile,
        profile_wanted=row.profile_wanted,
        certificate_name=row.certificate_name,
        ping=Ping(row.ping),
        lenient=row.lenient,
        log_all=row.log_all,
        # A fleet has few makers: each text is held once.
        quirks=intern(row.quirks),
        vendor=intern(row.vendor),
        model=intern(row.model),
        firmware=intern(row.firmware),
    )
