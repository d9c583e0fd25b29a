"""Tables and SQL of this room."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Table,
    Text,
    cast,
    delete,
    insert,
    select,
    update,
)

from forecourt.base.ids import StationId, TenantId
from forecourt.base.pages import Page, Wanted
from forecourt.domain.energy.model import (
    GRID_CONTROLS_MAX,
    LIMITS_MAX,
    MODES_KEPT_MAX,
    PLANS_MAX,
    PROFILES_MAX,
    SWAP_SORTS,
    Battery,
    DynamicSchedule,
    ExternalLimit,
    GridControl,
    InstalledProfile,
    Mode,
    Needs,
    Plan,
    Swap,
)
from forecourt.infra.database import Unit, metadata
from forecourt.infra.listing import Listing, list_rows, sorts
from forecourt.infra.rows import put

SAME_SWAP: Final = timedelta(days=1)
"""A swap's event that comes again within it is the same one."""


def _at(name: str, *, nullable: bool = True) -> Column[Any]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


limits: Final = Table(
    "external_limits",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("evse_no", BigInteger, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("grid_critical", Boolean),
    Column("local_generation", Boolean),
    Column("schedules", JSON(none_as_null=True)),
    _at("since_at", nullable=False),
    _at("cleared_at"),
)

plans: Final = Table(
    "vehicle_plans",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("evse_no", BigInteger, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("needs", JSON(none_as_null=True)),
    _at("needs_at"),
    Column("schedule", JSON(none_as_null=True)),
    _at("schedule_from"),
    _at("schedule_at"),
    Column("chosen", BigInteger),
)

profiles: Final = Table(
    "installed_profiles",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("evse_no", BigInteger, primary_key=True),
    Column("profile", BigInteger, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("stack_level", BigInteger, nullable=False),
    Column("transaction", Text, nullable=False),
    Column("request_id", BigInteger, nullable=False),
    Column("body", JSON, nullable=False),
    _at("reported_at", nullable=False),
)

dynamic: Final = Table(
    "dynamic_schedules",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("profile", BigInteger, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("update", JSON, nullable=False),
    _at("set_at", nullable=False),
)

modes: Final = Table(
    "transaction_modes",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("transaction", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("operation_mode", Text),
    Column("priority", Boolean),
    _at("changed_at", nullable=False),
)

controls: Final = Table(
    "grid_controls",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("control", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("kind", Text),
    Column("is_default", Boolean),
    Column("superseded", Boolean),
    Column("running", Boolean),
    _at("switched_at"),
    Column("body", JSON(none_as_null=True)),
    _at("reported_at"),
)

swaps: Final = Table(
    "battery_swaps",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("at", DateTime(timezone=True), primary_key=True),
    Column("request_id", BigInteger, primary_key=True),
    Column("event", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("token", Text, nullable=False),
    Column("batteries", JSON, nullable=False),
)


# ---- limits from outside ------------------------------------------------------------------------


async def put_limit(unit: Unit, station: StationId, tenant: TenantId, limit: ExternalLimit) -> None:
    """A limit that holds now. Raises TooManyRows."""
    row = {
        "station_id": station,
        "evse_no": limit.evse_no,
        "source": limit.source,
        "tenant_id": tenant,
        "grid_critical": limit.grid_critical,
        "local_generation": limit.local_generation,
        "schedules": limit.schedules,
        "since_at": limit.since_at,
        "cleared_at": None,
    }
    await put(unit, limits, [row], owner="station_id", most=LIMITS_MAX)


async def clear_limits(
    unit: Unit, station: StationId, source: str, *, evse_no: int | None, now: datetime
) -> bool:
    """End the limits of a source, at one EVSE or everywhere; whether one held."""
    c = limits.c
    query = update(limits).where(
        c.station_id == station, c.source == source, c.cleared_at.is_(None)
    )
    if evse_no is not None:
        query = query.where(c.evse_no == evse_no)
    return (await unit.conn.execute(query.values(cleared_at=now))).rowcount > 0


async def limits_of(
    unit: Unit, station: StationId, *, in_force: bool | None
) -> list[ExternalLimit]:
    c = limits.c
    query = select(limits).where(c.station_id == station).order_by(c.evse_no, c.source)
    if in_force is not None:
        query = query.where(c.cleared_at.is_(None) if in_force else c.cleared_at.is_not(None))
    return [
        ExternalLimit(**{name: getattr(row, name) for name in ExternalLimit.__struct_fields__})
        for row in await unit.conn.execute(query)
    ]


# ---- what vehicles want -------------------------------------------------------------------------


async def put_plan(
    unit: Unit, station: StationId, tenant: TenantId, evse_no: int, values: dict[str, object]
) -> None:
    """What is new of a vehicle's plan; the rest stays. Raises TooManyRows."""
    row = {"station_id": station, "evse_no": evse_no, "tenant_id": tenant, **values}
    await put(unit, plans, [row], owner="station_id", most=PLANS_MAX)


async def plans_of(unit: Unit, station: StationId) -> list[Plan]:
    query = select(plans).where(plans.c.station_id == station).order_by(plans.c.evse_no)
    return [
        Plan(
            evse_no=row.evse_no,
            needs=None if row.needs is None else msgspec.convert(row.needs, Needs),
            needs_at=row.needs_at,
            schedule=row.schedule,
            schedule_from=row.schedule_from,
            schedule_at=row.schedule_at,
            chosen=row.chosen,
        )
        for row in await unit.conn.execute(query)
    ]


# ---- profiles -----------------------------------------------------------------------------------


async def put_profiles(
    unit: Unit, station: StationId, tenant: TenantId, found: Sequence[InstalledProfile]
) -> None:
    """Profiles as they are reported. Raises TooManyRows."""
    rows = [
        {
            "station_id": station,
            "tenant_id": tenant,
            **{name: getattr(held, name) for name in InstalledProfile.__struct_fields__},
        }
        for held in found
    ]
    await put(unit, profiles, rows, owner="station_id", most=PROFILES_MAX)


async def profiles_of(unit: Unit, station: StationId) -> list[InstalledProfile]:
    c = profiles.c
    query = select(profiles).where(c.station_id == station).order_by(c.evse_no, c.profile)
    return [
        InstalledProfile(
            **{name: getattr(row, name) for name in InstalledProfile.__struct_fields__}
        )
        for row in await unit.conn.execute(query)
    ]


async def put_dynamic(
    unit: Unit,
    station: StationId,
    tenant: TenantId,
    profile: int,
    *,
    values: dict[str, float],
    now: datetime,
) -> None:
    """What a dynamic profile was last set to. Raises TooManyRows."""
    row = {
        "station_id": station,
        "profile": profile,
        "tenant_id": tenant,
        "update": values,
        "set_at": now,
    }
    await put(unit, dynamic, [row], owner="station_id", most=PROFILES_MAX)


async def find_dynamic(unit: Unit, station: StationId, profile: int) -> dict[str, float] | None:
    c = dynamic.c
    query = select(c.update).where(c.station_id == station, c.profile == profile)
    found: dict[str, float] | None = await unit.conn.scalar(query)
    return found


async def dynamics_of(unit: Unit, station: StationId) -> list[DynamicSchedule]:
    """Of all dynamic profiles of a station, by their numbers."""
    c = dynamic.c
    query = select(c.profile, c.update, c.set_at).where(c.station_id == station)
    return [
        DynamicSchedule(profile=row.profile, values=row.update, set_at=row.set_at)
        for row in await unit.conn.execute(query.order_by(c.profile))
    ]


async def forget_profiles(
    unit: Unit,
    station: StationId,
    *,
    profile: int | None,
    evse_no: int | None,
    stack_level: int | None,
    purposed: bool,
) -> None:
    """Profiles that a station was asked to forget, and did.

    Where a purpose was named, those that were reported are left as they are: the next report tells.
    """
    named = profile is not None
    if named or (evse_no is None and stack_level is None and not purposed):
        gone = delete(dynamic).where(dynamic.c.station_id == station)
        await unit.conn.execute(gone.where(dynamic.c.profile == profile) if named else gone)
    if purposed and not named:
        return
    c = profiles.c
    query = delete(profiles).where(c.station_id == station)
    for column, value in ((c.profile, profile), (c.evse_no, evse_no), (c.stack_level, stack_level)):
        if value is not None:
            query = query.where(column == value)
    await unit.conn.execute(query)


# ---- modes of transactions ----------------------------------------------------------------------


async def put_mode(
    unit: Unit, station: StationId, tenant: TenantId, transaction: str, values: dict[str, object]
) -> None:
    """What is new of a transaction's mode; the rest stays. The station's oldest make room."""
    c = modes.c
    oldest = (
        select(c.changed_at)
        .where(c.station_id == station)
        .order_by(c.changed_at.desc())
        .offset(MODES_KEPT_MAX - 1)
        .limit(1)
        .scalar_subquery()
    )
    await unit.conn.execute(delete(modes).where(c.station_id == station, c.changed_at < oldest))
    row = {"station_id": station, "transaction": transaction, "tenant_id": tenant, **values}
    await put(unit, modes, [row], owner="station_id", most=2 * MODES_KEPT_MAX)


async def find_mode(unit: Unit, station: StationId, transaction: str) -> Mode | None:
    c = modes.c
    query = select(modes).where(c.station_id == station, c.transaction == transaction)
    row = (await unit.conn.execute(query)).first()
    return None if row is None else _mode(row)


async def modes_of(unit: Unit, station: StationId, *, limit: int) -> list[Mode]:
    """Modes of a station's transactions, newest first."""
    c = modes.c
    query = select(modes).where(c.station_id == station).order_by(c.changed_at.desc()).limit(limit)
    return [_mode(row) for row in await unit.conn.execute(query)]


def _mode(row: Any) -> Mode:
    return Mode(
        transaction=row.transaction,
        operation_mode=row.operation_mode,
        priority=row.priority,
        changed_at=row.changed_at,
    )


async def forget(unit: Unit, station: StationId) -> None:
    """A station that was removed; its swaps stay."""
    for table in (limits, plans, profiles, dynamic, modes, controls):
        await unit.conn.execute(delete(table).where(table.c.station_id == station))


# ---- the grid, and batteries --------------------------------------------------------------------


async def put_controls(
    unit: Unit, station: StationId, tenant: TenantId, rows: Sequence[dict[str, object]]
) -> None:
    """What is new of these controls; the rest stays. Raises TooManyRows."""
    whole = [{"station_id": station, "tenant_id": tenant, **row} for row in rows]
    await put(unit, controls, whole, owner="station_id", most=GRID_CONTROLS_MAX)


async def controls_of(unit: Unit, station: StationId) -> list[GridControl]:
    query = select(controls).where(controls.c.station_id == station).order_by(controls.c.control)
    return [
        GridControl(
            control=row.control,
            kind=row.kind or "",
            is_default=row.is_default,
            superseded=row.superseded,
            running=row.running,
            switched_at=row.switched_at,
            body=row.body,
            reported_at=row.reported_at,
        )
        for row in await unit.conn.execute(query)
    ]


async def add_swap(unit: Unit, station: StationId, tenant: TenantId, swap: Swap) -> bool:
    """Note that batteries went in or out; whether it was not noted before."""
    c = swaps.c
    same = select(c.at).where(
        c.station_id == station,
        c.request_id == swap.request_id,
        c.event == swap.event,
        c.token == swap.token,
        c.at > swap.at - SAME_SWAP,
    )
    batteries = [msgspec.to_builtins(battery) for battery in swap.batteries]
    for row in await unit.conn.execute(same.add_columns(c.batteries)):
        if row.batteries == batteries:
            return False
    await unit.conn.execute(
        insert(swaps).values(
            station_id=station,
            at=swap.at,
            request_id=swap.request_id,
            event=swap.event,
            tenant_id=tenant,
            token=swap.token,
            batteries=batteries,
        )
    )
    return True


async def swaps_page(unit: Unit, station: StationId, wanted: Wanted) -> Page[Swap]:
    """Swaps at a station, newest first if in no other order. Raises CursorInvalid, SortUnknown."""
    query = select(swaps).where(swaps.c.station_id == station)
    found = await list_rows(unit, query, _SWAPS, wanted)
    return found.of(
        [
            Swap(
                request_id=row.request_id,
                event=row.event,
                token=row.token,
                batteries=msgspec.convert(row.batteries, tuple[Battery, ...]),
                at=row.at,
            )
            for row in found.rows
        ]
    )


_SWAPS: Final = Listing(
    sorts=sorts(swaps, SWAP_SORTS),
    key=(swaps.c.at, swaps.c.request_id, swaps.c.event),
    default="-at",
    searched=(swaps.c.event, swaps.c.token, cast(swaps.c.batteries, Text)),
)
