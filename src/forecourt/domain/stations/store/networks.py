"""Which ways to reach us a station was given: what was accepted last, slot by slot."""

from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import text

from forecourt.base.ids import StationId
from forecourt.domain.stations.commands import SetNetworkProfile
from forecourt.infra.database import Unit

_accepted: Final = text("""
    SELECT DISTINCT ON (slot) CAST(command ->> 'slot' AS bigint) AS slot,
      CAST(command AS text) AS command, asked_at
    FROM commands
    WHERE station_id = :station AND outcome = 'accepted'
      AND command ->> 'command' = 'set_network_profile'
    ORDER BY slot, command_id DESC""")


async def networks_of(
    unit: Unit, station_id: StationId
) -> list[tuple[SetNetworkProfile, datetime]]:
    """Each with the moment when it was asked for; secrets are hidden."""
    return [
        (msgspec.json.decode(row.command, type=SetNetworkProfile), row.asked_at)
        for row in await unit.conn.execute(_accepted, {"station": station_id})
    ]
