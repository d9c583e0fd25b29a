"""The doors of stations, and what coming in changes of their records."""

from collections.abc import Sequence
from sys import intern
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import ARRAY, Text, any_, bindparam, select, text

from forecourt.base.digest import Digest
from forecourt.base.ids import StationId, TenantId
from forecourt.domain.stations.model import Admission, Arrival, Door, Ping, Station
from forecourt.domain.stations.store.stations import station, stations
from forecourt.infra.database import Unit

_c = stations.c
_doors: Final = select(
    *(_c.station_id, _c.tenant_id, _c.admission, _c.ping, _c.password, _c.password_next),
    *(_c.quirks, _c.vendor, _c.model, _c.firmware),
    *(_c.security_profile, _c.profile_wanted, _c.certificate_name, _c.lenient, _c.log_all),
)
# One parameter however many they are: a list of them would be another statement each time.
_some: Final = _doors.where(_c.station_id == any_(bindparam("ids", type_=ARRAY(Text))))
_held: Final = _doors.where(_c.station_id == bindparam("id")).with_for_update()


async def doors(unit: Unit, ids: Sequence[StationId] | None = None) -> list[Door]:
    """What the listener needs, of all stations or of some."""
    asked = (_doors, {}) if ids is None else (_some, {"ids": list(ids)})
    return [_door(row) for row in await unit.conn.execute(*asked)]


async def door(unit: Unit, station_id: StationId) -> Door | None:
    """The same of one station, held until the transaction ends: somebody changes it."""
    row = (await unit.conn.execute(_held, {"id": station_id})).first()
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
    """A row of ``_doors``, read by place: there is one of every station at each start."""
    station_id, tenant, admission, ping, password, password_next, *more = row
    quirks, vendor, model, firmware, profile, wanted, name, lenient, log_all = more
    return Door(
        id=StationId(station_id),
        tenant=TenantId(tenant),
        admission=Admission(admission),
        password=None if password is None else Digest(password),
        password_next=None if password_next is None else Digest(password_next),
        security_profile=profile,
        profile_wanted=wanted,
        certificate_name=name,
        ping=Ping(ping),
        lenient=lenient,
        log_all=log_all,
        # A fleet has few makers: each text is held once.
        quirks=intern(quirks),
        vendor=intern(vendor),
        model=intern(model),
        firmware=intern(firmware),
    )
