"""How often quirks were met: its table, what the gateway writes there, and who asks."""

from typing import Final

from sqlalchemy import BigInteger, Column, DateTime, Table, Text, select

from forecourt.base.ids import StationId, TenantId
from forecourt.domain.stations.model import QuirkUse
from forecourt.infra.commit import Write
from forecourt.infra.database import Unit, metadata

quirk_uses: Final = Table(
    "quirk_uses",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("fix", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("uses", BigInteger, nullable=False),
    Column("first_at", DateTime(timezone=True), nullable=False),
    Column("last_at", DateTime(timezone=True), nullable=False),
)

# Added up; told a second time by a commit that was tried again, a count is not newer, and nothing.
QUIRK_USES: Final = Write(
    table="quirk_uses",
    columns=("station_id", "fix", "tenant_id", "uses", "first_at", "last_at"),
    sql="""
    INSERT INTO quirk_uses (station_id, fix, tenant_id, uses, first_at, last_at)
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::timestamptz[],
      $6::timestamptz[])
    ON CONFLICT (station_id, fix) DO UPDATE
      SET uses = quirk_uses.uses + excluded.uses, last_at = excluded.last_at
      WHERE quirk_uses.last_at < excluded.last_at""",
    key=(0, 1),
)


async def quirk_uses_of(unit: Unit, station_id: StationId) -> list[QuirkUse]:
    """What was forgiven a station, the newest first."""
    query = (
        select(quirk_uses)
        .where(quirk_uses.c.station_id == station_id)
        .order_by(quirk_uses.c.last_at.desc())
    )
    return [
        QuirkUse(
            StationId(row.station_id),
            TenantId(row.tenant_id),
            *(row.fix, row.uses, row.first_at, row.last_at),
        )
        for row in await unit.conn.execute(query)
    ]
