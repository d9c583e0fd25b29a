"""The room's tables and all of its SQL."""

from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Integer,
    Table,
    Text,
    bindparam,
    delete,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upserting

from forecourt.base import pages
from forecourt.base.ids import StationId, TenantId
from forecourt.domain.devices.model import (
    DRIFT_SORTS,
    Line,
    Network,
    ReportPart,
    State,
    Template,
    Try,
    Upkeep,
    Wanted,
)
from forecourt.infra.commit import Write, upsert
from forecourt.infra.database import Unit, metadata
from forecourt.infra.listing import Listing, list_rows, only, sorts

# ---- tables -----------------------------------------------------------------------------------

report_parts: Final = Table(
    "report_parts",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("request_id", BigInteger, primary_key=True),
    Column("seq_no", BigInteger, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("last", Boolean, nullable=False),
    Column("whole", Boolean, nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
)

upkeep: Final = Table(
    "upkeep",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("due_at", DateTime(timezone=True)),
    Column("claimed_until", DateTime(timezone=True)),
    Column("model_of", Text, nullable=False),
    Column("model_at", DateTime(timezone=True)),
    Column("fetches", Integer, nullable=False),
    Column("fetch_after", DateTime(timezone=True)),
    Column("state", Text, nullable=False),
    Column("lines", JSON, nullable=False),
    Column("checked_at", DateTime(timezone=True)),
    Column("tries", JSON, nullable=False),
)

templates: Final = Table(
    "device_templates",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("vendor", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("firmware_from", Text, nullable=False),
    Column("firmware_to", Text, nullable=False),
    Column("site", Text, nullable=False),
    Column("station", Text, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("auto", Boolean, nullable=False),
    Column("wanted", JSON, nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    Column("networks", JSON, nullable=False),
)

# ---- the gateway's writes ---------------------------------------------------------------------

PARTS: Final = upsert(
    "report_parts",
    ("station_id", "request_id", "seq_no", "tenant_id", "last", "whole", "received_at"),
    types=("text", "bigint", "bigint", "text", "bool", "bool", "timestamptz"),
    key=("station_id", "request_id", "seq_no"),
)

# A station woke up: the caretaker shall look at it.
BOOTED: Final = Write(
    table="upkeep",
    columns=("station_id", "tenant_id", "due_at"),
    sql="""
    INSERT INTO upkeep (station_id, tenant_id, due_at)
    SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[])
    ON CONFLICT (station_id) DO UPDATE SET tenant_id = excluded.tenant_id,
      due_at = excluded.due_at, fetches = 0, fetch_after = NULL""",
    key=(0,),
)

# It told something of its variables: look again, by what is known now. ``whole``: it told all.
DUE: Final = Write(
    table="upkeep",
    columns=("station_id", "tenant_id", "due_at"),
    sql="""
    INSERT INTO upkeep (station_id, tenant_id, due_at)
    SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[])
    ON CONFLICT (station_id) DO UPDATE SET tenant_id = excluded.tenant_id,
      due_at = least(upkeep.due_at, excluded.due_at)""",
    key=(0,),
)

WRITES: Final = (PARTS, BOOTED, DUE)


def part_row(
    station: StationId, tenant: TenantId, part: ReportPart, at: datetime
) -> tuple[object, ...]:
    """In the order of ``PARTS.columns``."""
    return station, part.request_id, part.seq_no, tenant, part.last, part.whole, at


# ---- reports in parts --------------------------------------------------------------------------

# Made once, as all that each look asks: making a statement costs as much as running it.
_parts_of = (
    select(report_parts)
    .where(report_parts.c.station_id == bindparam("station"), report_parts.c.whole)
    .order_by(report_parts.c.received_at.desc(), report_parts.c.request_id)
)


async def parts_of(unit: Unit, station: StationId) -> dict[int, list[tuple[int, bool, datetime]]]:
    """The parts (number, last, moment) of reports of everything, by request, newest first."""
    found: dict[int, list[tuple[int, bool, datetime]]] = {}
    for row in await unit.conn.execute(_parts_of, {"station": station}):
        found.setdefault(row.request_id, []).append((row.seq_no, row.last, row.received_at))
    return found


async def forget_parts(unit: Unit, station: StationId, *, before: datetime) -> None:
    """Reports that came in until ``before`` are dealt with."""
    c = report_parts.c
    await unit.conn.execute(
        delete(report_parts).where(c.station_id == station, c.received_at <= before)
    )


# ---- upkeep -----------------------------------------------------------------------------------

_find = select(upkeep).where(upkeep.c.station_id == bindparam("station"))
_hold = _find.with_for_update()
_release = (
    update(upkeep)
    .where(upkeep.c.station_id == bindparam("station"))
    .values(claimed_until=None, due_at=func.coalesce(upkeep.c.due_at, bindparam("due")))
)

# A claim that nobody ended is as good as due: whoever had it fell.
_claim = text("""
    UPDATE upkeep SET due_at = NULL, claimed_until = :until WHERE station_id IN (
      SELECT station_id FROM upkeep
      WHERE (due_at <= :now AND claimed_until IS NULL) OR claimed_until <= :now
      ORDER BY coalesce(due_at, claimed_until) LIMIT :most FOR UPDATE SKIP LOCKED)
    RETURNING station_id, tenant_id""")


async def claim(
    unit: Unit, *, now: datetime, until: datetime, most: int
) -> list[tuple[StationId, TenantId]]:
    """Stations that are due; nobody else gets them before ``until``, or before their release."""
    rows = await unit.conn.execute(_claim, {"now": now, "until": until, "most": most})
    return [(StationId(row.station_id), TenantId(row.tenant_id)) for row in rows]


async def release(unit: Unit, station: StationId, *, due_at: datetime | None) -> None:
    """Done with a station until ``due_at``, or until what happened to it meanwhile is due."""
    await unit.conn.execute(_release, {"station": station, "due": due_at})


async def find_upkeep(unit: Unit, station: StationId) -> Upkeep | None:
    row = (await unit.conn.execute(_find, {"station": station})).first()
    return None if row is None else _upkeep(row)


async def hold_upkeep(unit: Unit, station: StationId, tenant: TenantId) -> Upkeep:
    """What is remembered of a station by now, for us alone until the unit ends.

    Whoever changes a part of it starts from this: two of them take turns.
    """
    row = (await unit.conn.execute(_hold, {"station": station})).first()
    if row is None:
        names = {"station_id": station, "tenant_id": tenant}
        await unit.conn.execute(upserting(upkeep).values(**names).on_conflict_do_nothing())
        row = (await unit.conn.execute(_hold, {"station": station})).one()
    return _upkeep(row)


async def upkeeps(unit: Unit, wanted: pages.Wanted, state: State | None) -> pages.Page[Upkeep]:
    """What is remembered of stations, in the order of their ids if in no other one.

    Raises CursorInvalid, SortUnknown.
    """
    query = only(select(upkeep), upkeep, {"state": state})
    found = await list_rows(unit, query, _LISTING, wanted)
    return found.of([_upkeep(row) for row in found.rows])


_LISTING: Final = Listing(
    sorts=sorts(upkeep, DRIFT_SORTS, station=upkeep.c.station_id),
    key=(upkeep.c.station_id,),
    default="station",
    searched=(upkeep.c.station_id,),
)


async def save_upkeep(unit: Unit, held: Upkeep) -> None:
    """Remember, but for when it is due, which ``release`` and the gateway's writes say."""
    values = {
        "model_of": held.model_of,
        "model_at": held.model_at,
        "fetches": held.fetches,
        "fetch_after": held.fetch_after,
        "state": held.state.value,
        "lines": msgspec.to_builtins(held.lines),
        "checked_at": held.checked_at,
        "tries": msgspec.to_builtins(held.tries),
    }
    names = {"station_id": held.station, "tenant_id": held.tenant}
    await unit.conn.execute(
        upserting(upkeep)
        .values(**names, **values)
        .on_conflict_do_update(index_elements=["station_id"], set_=values)
    )


async def spread_due(unit: Unit, *, now: datetime, per_second: int) -> int:
    """Have all of the tenant's stations looked at, so many a second; how many there are."""
    done = await unit.conn.execute(
        text("""
        UPDATE upkeep SET due_at = CAST(:now AS timestamptz)
          + (n.number / :per_second) * interval '1 second'
        FROM (SELECT station_id, row_number() OVER (ORDER BY station_id) - 1 AS number
              FROM upkeep) AS n
        WHERE upkeep.station_id = n.station_id"""),
        {"now": now, "per_second": per_second},
    )
    return done.rowcount


async def make_due(unit: Unit, station: StationId, tenant: TenantId, at: datetime) -> None:
    """Have one station looked at."""
    query = upserting(upkeep).values(
        station_id=station,
        tenant_id=tenant,
        due_at=at,
        model_of="",
        fetches=0,
        state=State.UNKNOWN.value,
        lines=[],
        tries=[],
    )
    await unit.conn.execute(
        query.on_conflict_do_update(
            index_elements=["station_id"], set_={"due_at": func.least(upkeep.c.due_at, at)}
        )
    )


async def forget(unit: Unit, station: StationId) -> None:
    """The station is not known any more."""
    for table in (report_parts, upkeep):
        await unit.conn.execute(delete(table).where(table.c.station_id == station))


def _upkeep(row: Any) -> Upkeep:
    return Upkeep(
        station=StationId(row.station_id),
        tenant=TenantId(row.tenant_id),
        model_of=row.model_of,
        model_at=row.model_at,
        fetches=row.fetches,
        fetch_after=row.fetch_after,
        state=State(row.state),
        lines=msgspec.convert(row.lines, tuple[Line, ...]),
        checked_at=row.checked_at,
        tries=msgspec.convert(row.tries, tuple[Try, ...]),
    )


# ---- templates --------------------------------------------------------------------------------


async def add_template(unit: Unit, tenant: TenantId, template: Template, now: datetime) -> bool:
    """Whether it was added; False when one of that name is there."""
    query = upserting(templates).values(tenant_id=tenant, **_template_values(template, now))
    done = await unit.conn.execute(query.on_conflict_do_nothing())
    return done.rowcount == 1


async def remove_template(unit: Unit, name: str) -> bool:
    done = await unit.conn.execute(delete(templates).where(templates.c.name == name))
    return done.rowcount == 1


async def templates_of(unit: Unit) -> list[Template]:
    """All of the tenant's, by name."""
    return [
        Template(
            values=msgspec.convert(row.wanted, tuple[Wanted, ...]),
            networks=msgspec.convert(row.networks, tuple[Network, ...]),
            **{name: getattr(row, name) for name in _PLAIN},
        )
        for row in await unit.conn.execute(select(templates).order_by(templates.c.name))
    ]


async def count_templates(unit: Unit) -> int:
    return int((await unit.conn.execute(select(func.count()).select_from(templates))).scalar_one())


# What stands in columns of its own.
_PLAIN: Final = tuple(n for n in Template.__struct_fields__ if n not in ("values", "networks"))


def _template_values(template: Template, now: datetime) -> dict[str, object]:
    return {
        **{name: getattr(template, name) for name in _PLAIN},
        "wanted": msgspec.to_builtins(template.values),
        "networks": msgspec.to_builtins(template.networks),
        "changed_at": now,
    }
