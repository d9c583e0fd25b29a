"""Tables and SQL of this room: set-based writes for the gateway, queries for everybody else."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Computed,
    DateTime,
    Double,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    any_,
    bindparam,
    delete,
    insert,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upserting

from forecourt.base.digest import Digest
from forecourt.base.ids import StationId, TenantId
from forecourt.base.pages import Page, Wanted
from forecourt.domain.stations.model import (
    SORTS,
    Admission,
    Connector,
    ConnectorState,
    Kept,
    Ping,
    Station,
    Variable,
)
from forecourt.domain.stations.store.quirks import QUIRK_USES, quirk_uses
from forecourt.infra.commit import Write, append, upsert
from forecourt.infra.database import Unit, metadata
from forecourt.infra.listing import Listing, QuickList, list_rows, only, sorts

stations: Final = Table(
    "stations",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("admission", Text, nullable=False),
    Column("password", LargeBinary),
    Column("site", Text, nullable=False, server_default=""),
    Column("site_id", Text, Computed("NULLIF(site, ''::text)", persisted=True)),
    Column("protocol", Text, nullable=False, server_default=""),
    Column("vendor", Text, nullable=False, server_default=""),
    Column("model", Text, nullable=False, server_default=""),
    Column("serial", Text, nullable=False, server_default=""),
    Column("firmware", Text, nullable=False, server_default=""),
    Column("iccid", Text, nullable=False, server_default=""),
    Column("imsi", Text, nullable=False, server_default=""),
    Column("boot_reason", Text, nullable=False, server_default=""),
    Column("booted_at", DateTime(timezone=True)),
    Column("epoch", BigInteger, nullable=False, server_default=text("0")),
    Column("gateway", Text, nullable=False, server_default=""),
    Column("connected", Boolean, nullable=False, server_default=text("false")),
    Column("connected_at", DateTime(timezone=True)),
    Column("disconnected_at", DateTime(timezone=True)),
    Column("seen_at", DateTime(timezone=True)),
    Column("lenient", Boolean, nullable=False, server_default=text("false")),
    Column("quirks", Text, nullable=False, server_default="auto"),
    Column("log_all", Boolean, nullable=False, server_default=text("false")),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("security_profile", SmallInteger, nullable=False, server_default=text("0")),
    Column("profile_wanted", SmallInteger),
    Column("profile_used", SmallInteger, nullable=False, server_default=text("0")),
    Column("password_next", LargeBinary),
    Column("certificate_name", Text, nullable=False, server_default=""),
    Column("ping", Text, nullable=False, server_default="auto"),
)

# What the room below knows of the place: a column of ours where a station is read for people.
_zone: Final[ColumnElement[str]] = literal_column(
    "(SELECT z.zone FROM sites z"
    " WHERE z.tenant_id = stations.tenant_id AND z.site_id = stations.site_id)"
).label("zone")

# Changes with the station's row, with those of its connectors, and with its site's zone.
_version: Final[ColumnElement[str]] = literal_column(
    "concat_ws('/', stations.xmin, ARRAY(SELECT c.xmin FROM connectors c"
    " WHERE c.station_id = stations.station_id)::text, (SELECT z.zone FROM sites z"
    " WHERE z.tenant_id = stations.tenant_id AND z.site_id = stations.site_id))",
    Text,
).label("version")

connectors: Final = Table(
    "connectors",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("evse_no", BigInteger, primary_key=True),
    Column("connector_no", BigInteger, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("state_at", DateTime(timezone=True), nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("error", Text, nullable=False),
    Column("vendor_id", Text, nullable=False),
    Column("vendor_error", Text, nullable=False),
    Column("info", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
)

variables: Final = Table(
    "variables",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("component", Text, primary_key=True),
    Column("component_instance", Text, primary_key=True),
    Column("evse_no", BigInteger, primary_key=True),
    Column("connector_no", BigInteger, primary_key=True),
    Column("variable", Text, primary_key=True),
    Column("variable_instance", Text, primary_key=True),
    Column("attribute", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("value", Text),
    Column("mutability", Text, nullable=False),
    Column("data_type", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("reported_at", DateTime(timezone=True), nullable=False),
    Column("persistent", Boolean, nullable=False),
    Column("constant", Boolean, nullable=False),
    Column("min_limit", Double),
    Column("max_limit", Double),
    Column("elements_max", BigInteger),
    Column("values_list", Text, nullable=False),
    Column("supports_monitoring", Boolean, nullable=False),
    Column("awaits_reboot", Boolean, nullable=False),
    Column("gone_at", DateTime(timezone=True)),
)

messages: Final = Table(
    "messages",
    metadata,
    Column("station_id", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("tenant_id", Text, nullable=False),
    Column("direction", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("frame", LargeBinary, nullable=False),
)

commands: Final = Table(
    "commands",
    metadata,
    Column("command_id", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("station_id", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("command", JSON, nullable=False),
    Column("asked_at", DateTime(timezone=True), nullable=False),
    Column("outcome", Text),
    Column("answer", JSON),
    Column("answered_at", DateTime(timezone=True)),
)

# ---- the gateway's writes ---------------------------------------------------------------------

BOOTS: Final = Write(
    table="stations",
    columns=(
        *("station_id", "epoch", "vendor", "model", "serial", "firmware", "iccid", "imsi"),
        *("boot_reason", "at"),
    ),
    # What waited for this in the station's variables has taken effect.
    sql="""
    WITH n AS (SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[],
      $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::timestamptz[])
      AS n (station_id, epoch, vendor, model, serial, firmware, iccid, imsi, boot_reason, at)),
    effective AS (UPDATE variables SET awaits_reboot = false FROM n
      WHERE variables.station_id = n.station_id AND variables.awaits_reboot)
    UPDATE stations SET vendor = n.vendor, model = n.model, serial = n.serial,
      firmware = n.firmware, iccid = n.iccid, imsi = n.imsi, boot_reason = n.boot_reason,
      booted_at = n.at, seen_at = n.at
    FROM n WHERE stations.station_id = n.station_id AND stations.epoch <= n.epoch""",
    key=(0,),
    fenced=True,
)

SEEN: Final = Write(
    table="stations",
    columns=("station_id", "epoch", "at"),
    sql="""
    UPDATE stations SET seen_at = n.at
    FROM unnest($1::text[], $2::bigint[], $3::timestamptz[]) AS n (station_id, epoch, at)
    WHERE stations.station_id = n.station_id AND stations.epoch = n.epoch""",
    key=(0,),
)

# Not fenced: that a newer socket is up is the ordinary case here, and then nothing is to be done.
GONE: Final = Write(
    table="stations",
    columns=("station_id", "epoch", "at"),
    sql="""
    UPDATE stations SET connected = false, disconnected_at = n.at
    FROM unnest($1::text[], $2::bigint[], $3::timestamptz[]) AS n (station_id, epoch, at)
    WHERE stations.station_id = n.station_id AND stations.epoch = n.epoch""",
    key=(0,),
)

CONNECTORS: Final = upsert(
    "connectors",
    (
        *("station_id", "evse_no", "connector_no", "tenant_id", "state", "state_at"),
        *("received_at", "error", "vendor_id", "vendor_error", "info", "epoch"),
    ),
    types=(
        *("text", "bigint", "bigint", "text", "text", "timestamptz"),
        *("timestamptz", "text", "text", "text", "text", "bigint"),
    ),
    key=("station_id", "evse_no", "connector_no"),
    fence=True,
)

_NAMES: Final = (
    *("station_id", "component", "component_instance", "evse_no", "connector_no"),
    *("variable", "variable_instance", "attribute"),
)
# What a report says and the answer to a command does not: kept until a report says it again.
_ATTRIBUTES: Final = ("mutability", "persistent", "constant")
_CHARACTERISTICS: Final = (
    *("data_type", "unit", "min_limit", "max_limit", "elements_max", "values_list"),
    "supports_monitoring",
)
_COLUMNS: Final = (
    *(*_NAMES, "tenant_id", "value", "reported_at", "awaits_reboot"),
    *(*_ATTRIBUTES, *_CHARACTERISTICS),
)
_TYPES: Final = (
    *("text", "text", "text", "bigint", "bigint", "text", "text", "text"),
    *("text", "text", "timestamptz", "bool", "text", "bool", "bool"),
    *("text", "text", "float8", "float8", "bigint", "text", "bool"),
)


def _unless_empty(told_by: str, columns: Sequence[str]) -> str:
    return ", ".join(
        f"{c} = CASE WHEN excluded.{told_by} = '' THEN variables.{c} ELSE excluded.{c} END"
        for c in columns
    )


VARIABLES: Final = Write(
    table="variables",
    columns=_COLUMNS,
    # What can be written and never read is not kept, whoever told it.
    sql=f"""
    INSERT INTO variables ({", ".join(_COLUMNS)})
    SELECT * FROM unnest({", ".join(f"${n}::{t}[]" for n, t in enumerate(_TYPES, 1))})
    ON CONFLICT ({", ".join(_NAMES)}) DO UPDATE SET tenant_id = excluded.tenant_id,
      value = CASE WHEN 'WriteOnly' IN (excluded.mutability, variables.mutability) THEN NULL
        ELSE excluded.value END,
      reported_at = excluded.reported_at, gone_at = NULL,
      awaits_reboot = variables.awaits_reboot OR excluded.awaits_reboot,
      {_unless_empty("mutability", _ATTRIBUTES)},
      {_unless_empty("data_type", _CHARACTERISTICS)}""",  # noqa: S608 (the names are ours)
    key=tuple(range(len(_NAMES))),
)

MESSAGES: Final = append(
    "messages",
    ("station_id", "at", "tenant_id", "direction", "action", "note", "frame"),
    types=("text", "timestamptz", "text", "text", "text", "text", "bytea"),
    copy=True,
    same=("station_id", "at", "direction", "frame"),
)

WRITES: Final = (BOOTS, SEEN, GONE, CONNECTORS, VARIABLES, MESSAGES, QUIRK_USES)


def connector_row(connector: Connector, tenant: TenantId, epoch: int) -> tuple[object, ...]:
    """In the order of ``CONNECTORS.columns``."""
    return (
        connector.station,
        connector.evse_no,
        connector.connector_no,
        tenant,
        connector.state.value,
        connector.state_at,
        connector.received_at,
        connector.error,
        connector.vendor_id,
        connector.vendor_error,
        connector.info,
        epoch,
    )


def variable_row(
    station: StationId, tenant: TenantId, v: Variable, at: datetime
) -> tuple[object, ...]:
    """In the order of ``VARIABLES.columns``."""
    return (
        *(station, v.component, v.component_instance, v.evse_no, v.connector_no),
        *(v.variable, v.variable_instance, v.attribute),
        *(tenant, None if v.mutability == "WriteOnly" else v.value, at, v.awaits_reboot),
        *(v.mutability, v.persistent, v.constant),
        *(v.data_type, v.unit, v.min_limit, v.max_limit, v.elements_max, v.values_list),
        v.supports_monitoring,
    )


# ---- what the gateway loads ---------------------------------------------------------------------


# One parameter however many they are: a list of them would be another statement each time.
_ids: Final = any_(bindparam("ids", type_=ARRAY(Text)))
_outlets: Final = (
    select(connectors)
    .where(connectors.c.station_id == _ids)
    .order_by(connectors.c.evse_no, connectors.c.connector_no)
)
_some: Final = select(stations, _zone, _version).where(stations.c.station_id == _ids)


async def connectors_of(unit: Unit, ids: Sequence[StationId]) -> dict[StationId, list[Connector]]:
    """The connectors of each of these stations, in their order."""
    found: dict[StationId, list[Connector]] = {}
    for connector in map(_connector, await unit.conn.execute(_outlets, {"ids": list(ids)})):
        found.setdefault(connector.station, []).append(connector)
    return found


async def forget_connections(unit: Unit, gateway: str, now: datetime) -> int:
    """After a crash: this gateway's stations are not connected any more."""
    result = await unit.conn.execute(
        update(stations)
        .where(stations.c.gateway == gateway, stations.c.connected)
        .values(connected=False, disconnected_at=now)
    )
    return result.rowcount


# ---- everybody else -----------------------------------------------------------------------------


async def add(unit: Unit, new: Iterable[tuple[Station, Digest | None]]) -> set[StationId]:
    """Insert stations; returns those that were not there before."""
    rows = [
        {
            "station_id": s.id,
            "tenant_id": s.tenant,
            "admission": s.admission.value,
            "password": password,
            "site": s.site,
            "lenient": s.lenient,
            "quirks": s.quirks,
            "log_all": s.log_all,
            "created_at": s.created_at,
            "security_profile": s.security_profile,
            "certificate_name": s.certificate_name,
            "ping": s.ping.value,
        }
        for s, password in new
    ]
    query = (
        upserting(stations).values(rows).on_conflict_do_nothing().returning(stations.c.station_id)
    )
    return set((await unit.conn.execute(query)).scalars())


async def find(unit: Unit, station_id: StationId) -> Station | None:
    row = (
        await unit.conn.execute(select(stations, _zone).where(stations.c.station_id == station_id))
    ).first()
    return None if row is None else station(row)


async def page(unit: Unit, wanted: Wanted, fit: Mapping[str, object]) -> Page[Station]:
    """Stations whose columns have the given values, in the order of their ids if in no other."""
    found = await list_rows(unit, only(select(stations, _zone), stations, fit), _LISTING, wanted)
    return found.of([station(row) for row in found.rows])


async def versions(
    unit: Unit, wanted: Wanted, fit: Mapping[str, object]
) -> Page[tuple[StationId, str]]:
    """The same page, as which stations and in which version."""
    found = await _VERSIONS.rows(unit, wanted, fit)
    return found.of([(row[0], row[1]) for row in found.rows])


async def some(unit: Unit, ids: Sequence[StationId]) -> list[tuple[Station, str, list[Connector]]]:
    """Those of these stations that are there, with a version that they have at least."""
    rows = (await unit.conn.execute(_some, {"ids": list(ids)})).all()
    # Afterwards: connectors may be newer than the version says, never older.
    outlets = await connectors_of(unit, ids)
    return [(station(row), row.version, outlets.get(row.station_id, [])) for row in rows]


async def change(unit: Unit, station_id: StationId, values: dict[str, object]) -> bool:
    """Set columns of one station; whether it is there."""
    result = await unit.conn.execute(
        update(stations).where(stations.c.station_id == station_id).values(values)
    )
    return result.rowcount == 1


async def remove(unit: Unit, station_id: StationId) -> bool:
    """Delete a station and its live state; its sessions and messages stay."""
    for table in (connectors, variables, quirk_uses):
        await unit.conn.execute(delete(table).where(table.c.station_id == station_id))
    result = await unit.conn.execute(delete(stations).where(stations.c.station_id == station_id))
    return result.rowcount == 1


async def variables_of(unit: Unit, station_id: StationId, *, limit: int) -> list[Kept]:
    """A station's variables by their names, those that are gone among them."""
    query = (
        select(variables)
        .where(variables.c.station_id == station_id)
        .order_by(*(variables.c[name] for name in _NAMES[1:]))
        .limit(limit)
    )
    return [
        Kept(
            variable=Variable(**{name: getattr(row, name) for name in Variable.__struct_fields__}),
            reported_at=row.reported_at,
            gone_at=row.gone_at,
        )
        for row in await unit.conn.execute(query)
    ]


_prune = text("""
    DELETE FROM variables WHERE station_id = :station AND ctid IN (
      SELECT ctid FROM variables WHERE station_id = :station
      ORDER BY reported_at DESC, component, variable OFFSET :most)""")


async def variables_gone(
    unit: Unit, station_id: StationId, *, since: datetime, now: datetime, most: int
) -> int:
    """What was last told before ``since`` is gone; how much that is. Keeps the newest ``most``."""
    c = variables.c
    done = await unit.conn.execute(
        update(variables)
        .where(c.station_id == station_id, c.reported_at < since, c.gone_at.is_(None))
        .values(gone_at=now)
    )
    await prune_variables(unit, station_id, most=most)
    return done.rowcount


async def prune_variables(unit: Unit, station_id: StationId, *, most: int) -> int:
    """Forget the variables above ``most`` that were told longest ago; how many."""
    done = await unit.conn.execute(_prune, {"station": station_id, "most": most})
    return done.rowcount


async def values_of(
    unit: Unit, station_id: StationId, names: Collection[str]
) -> dict[tuple[str, str, str], str]:
    """The values of these variables, of the station as a whole, by component, name and instance."""
    c = variables.c
    if not names:
        return {}
    query = select(c.component, c.variable, c.variable_instance, c.value).where(
        c.station_id == station_id,
        c.variable.in_(names),
        c.evse_no == 0,
        c.component_instance == "",
        c.attribute == "Actual",
        c.value.is_not(None),
        c.gone_at.is_(None),
    )
    rows = await unit.conn.execute(query)
    return {(row.component, row.variable, row.variable_instance): row.value for row in rows}


async def choices_of(unit: Unit, station_id: StationId, component: str, variable: str) -> list[int]:
    """The numbers that a variable of the station as a whole can have, as far as it told."""
    c = variables.c
    query = select(c.values_list).where(
        c.station_id == station_id,
        c.component == component,
        c.variable == variable,
        c.attribute == "Actual",
    )
    found = (await unit.conn.execute(query)).scalar() or ""
    return [int(part) for part in found.replace(" ", "").split(",") if part.isdecimal()]


async def record_command(unit: Unit, values: dict[str, object]) -> None:
    await unit.conn.execute(insert(commands).values(values))


async def settle_command(unit: Unit, command_id: str, values: dict[str, object]) -> None:
    await unit.conn.execute(
        update(commands).where(commands.c.command_id == command_id).values(values)
    )


async def find_command(unit: Unit, command_id: str) -> tuple[dict[str, Any], Any] | None:
    """What was asked, and what was answered, as they are kept."""
    c = commands.c
    query = select(c.command, c.answer).where(c.command_id == command_id)
    row = (await unit.conn.execute(query)).first()
    return None if row is None else (row.command, row.answer)


def station(row: Any) -> Station:
    """A row that begins with the table's columns and the zone, as a Station.

    Read by place: by name it costs three times as much, for each station that comes back.
    """
    station_id, tenant, admission, ping, password, password_next, zone = _named(row)
    return Station(
        id=StationId(station_id),
        tenant=TenantId(tenant),
        admission=Admission(admission),
        ping=Ping(ping),
        has_password=password is not None,
        password_changing=password_next is not None,
        zone=zone or "",
        **dict(zip(_PLAIN, _plain(row), strict=True)),
    )


_LISTING: Final = Listing(
    sorts=sorts(stations, SORTS, id=stations.c.station_id),
    key=(stations.c.station_id,),
    default="id",
    searched=tuple(
        stations.c[name] for name in ("station_id", "site", "vendor", "model", "serial", "firmware")
    ),
)
_VERSIONS: Final = QuickList(_LISTING, (stations.c.station_id, _version))
_DERIVED: Final = (
    *("id", "tenant", "admission", "ping", "has_password", "password_changing", "zone"),
)


_PLAIN: Final = tuple(name for name in Station.__struct_fields__ if name not in _DERIVED)

_TOLD: Final = tuple(
    name for name in Connector.__struct_fields__ if name not in ("station", "state")
)


def _at(table: Table, *names: str) -> Callable[[Any], tuple[Any, ...]]:
    """Reads these columns, by their places; behind the table's own is the zone."""
    places = {name: place for place, name in enumerate([*table.c.keys(), "zone"])}
    return itemgetter(*(places[name] for name in names))


_plain: Final = _at(stations, *_PLAIN)
_named: Final = _at(
    stations,
    *("station_id", "tenant_id", "admission", "ping", "password", "password_next", "zone"),
)
_outlet: Final = _at(connectors, "station_id", "state", *_TOLD)


def _connector(row: Any) -> Connector:
    """A row that begins with the table's columns; read by place, as a station's."""
    station_id, state, *told = _outlet(row)
    return Connector(
        station=StationId(station_id),
        state=ConnectorState(state),
        **dict(zip(_TOLD, told, strict=True)),
    )
