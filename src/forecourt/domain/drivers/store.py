"""Tables and SQL of this room."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from msgspec.structs import asdict
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    LargeBinary,
    Row,
    Table,
    Text,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upserting

from forecourt.base.ids import SessionId, StationId, TenantId
from forecourt.domain.drivers.model import Code, Label, PageSettings, Visit
from forecourt.infra.database import Unit, metadata

codes: Final = Table(
    "connector_codes",
    metadata,
    Column("code", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("station_id", Text, nullable=False),
    Column("evse_no", BigInteger, nullable=False),
    Column("connector_no", BigInteger, nullable=False),
    Column("connector_type", Text, nullable=False),
    Column("power_w_max", BigInteger),
    Column("created_at", DateTime(timezone=True), nullable=False),
)

visits: Final = Table(
    "driver_visits",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("station_id", Text, nullable=False),
    Column("evse_no", BigInteger, nullable=False),
    Column("connector_no", BigInteger, nullable=False),
    Column("token", Text, nullable=False),
    Column("marker", Text, nullable=False),
    Column("session_id", Text),
    Column("asked_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
)

settings: Final = Table(
    "driver_pages",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("may_start", Boolean, nullable=False),
)


async def add_codes(unit: Unit, new: Sequence[Code]) -> None:
    """Codes for connectors that have none yet."""
    if new:
        query = upserting(codes).values([_values(code) for code in new])
        place = ["station_id", "evse_no", "connector_no"]
        await unit.conn.execute(query.on_conflict_do_nothing(index_elements=place))


async def codes_of(unit: Unit, station: StationId) -> list[Code]:
    """A station's codes, in the order of its connectors."""
    c = codes.c
    query = select(codes).where(c.station_id == station).order_by(c.evse_no, c.connector_no)
    return [_code(row) for row in await unit.conn.execute(query)]


async def find_code(unit: Unit, code: str) -> Code | None:
    row = (await unit.conn.execute(select(codes).where(codes.c.code == code))).first()
    return None if row is None else _code(row)


async def change_code(unit: Unit, code: str, *, label: Label, renewed: str) -> None:
    """What a code's connector is, and by which code it is found from now on."""
    await unit.conn.execute(
        update(codes).where(codes.c.code == code).values(code=renewed, **asdict(label))
    )


async def add_visit(unit: Unit, visit: Visit) -> None:
    """A new visit; those that are too old make room."""
    await unit.conn.execute(delete(visits).where(visits.c.expires_at < visit.asked_at))
    values = {
        **{name: getattr(visit, name) for name in Visit.__struct_fields__},
        "tenant_id": visit.tenant,
        "station_id": visit.station,
        "session_id": visit.session,
    }
    for name in ("tenant", "station", "session"):
        del values[name]
    await unit.conn.execute(insert(visits).values(values))


async def find_visit(unit: Unit, digest: bytes, now: datetime) -> Visit | None:
    c = visits.c
    query = select(visits).where(c.digest == digest, c.expires_at > now)
    row = (await unit.conn.execute(query)).first()
    return None if row is None else _visit(row)


async def bind_visit(unit: Unit, digest: bytes, session: SessionId) -> None:
    """Which session a visit began is known now."""
    query = update(visits).where(visits.c.digest == digest, visits.c.session_id.is_(None))
    await unit.conn.execute(query.values(session_id=session))


async def settings_of(unit: Unit, tenant: TenantId) -> PageSettings:
    query = select(settings.c.may_start).where(settings.c.tenant_id == tenant)
    found = await unit.conn.scalar(query)
    return PageSettings() if found is None else PageSettings(may_start=bool(found))


async def save_settings(unit: Unit, tenant: TenantId, chosen: PageSettings) -> None:
    values = {"tenant_id": tenant, "may_start": chosen.may_start}
    query = upserting(settings).values(values)
    await unit.conn.execute(
        query.on_conflict_do_update(
            index_elements=["tenant_id"], set_={"may_start": chosen.may_start}
        )
    )


def _values(code: Code) -> dict[str, Any]:
    return {
        "code": code.code,
        "tenant_id": code.tenant,
        "station_id": code.station,
        "evse_no": code.evse_no,
        "connector_no": code.connector_no,
        **asdict(code.label),
        "created_at": code.created_at,
    }


def _code(row: Row[Any]) -> Code:
    return Code(
        code=row.code,
        tenant=TenantId(row.tenant_id),
        station=StationId(row.station_id),
        evse_no=row.evse_no,
        connector_no=row.connector_no,
        label=Label(connector_type=row.connector_type, power_w_max=row.power_w_max),
        created_at=row.created_at,
    )


def _visit(row: Row[Any]) -> Visit:
    return Visit(
        digest=bytes(row.digest),
        tenant=TenantId(row.tenant_id),
        code=row.code,
        station=StationId(row.station_id),
        evse_no=row.evse_no,
        connector_no=row.connector_no,
        token=row.token,
        marker=row.marker,
        session=None if row.session_id is None else SessionId(row.session_id),
        asked_at=row.asked_at,
        expires_at=row.expires_at,
    )
