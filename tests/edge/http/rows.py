"""Rows that the hot path writes, for tests that only read them."""

from datetime import datetime

import asyncpg

SESSION = """
INSERT INTO sessions (session_id, tenant_id, station_id, evse_no, connector_no, transaction,
  start_key, token, token_folded, token_type, group_id, standing, state, charging_state, offline,
  started_at, stop_reason, energy_wh, exported_wh, seq_next, seq_missing, flags, saved_at, epoch)
VALUES ($1, $2, $3, 1, 1, $4, $4, $5, lower($5), 'ISO14443', '', 'accepted', $6, '', false, $7, '',
  12345, 0, 0, '', '', $7, 1)"""

READING = """
INSERT INTO meter_values (station_id, sampled_at, evse_no, digest, tenant_id, session_id,
  received_at, energy_wh, power_w, samples)
VALUES ($1, $2, 1, $3, $4, $5, $2, $6, 7400, $7)"""

MESSAGE = """
INSERT INTO messages (station_id, at, tenant_id, direction, action, note, frame)
VALUES ($1, $2, $3, $4, $5, '', $6)"""

QUIRK_USE = "INSERT INTO quirk_uses VALUES ($1, $2, 'acme', $3, $4, $4)"


WEBHOOK = """
INSERT INTO webhook_endpoints (endpoint_id, tenant_id, url, description, types, sites, sealed,
  header_names, created_at) VALUES ($1, 'acme', 'https://x', '', '{}', '{}', '', '{}', $2)"""


async def webhook(conn: asyncpg.Connection, name: str, at: datetime) -> None:
    await conn.execute(WEBHOOK, name, at)


async def quirk_use(conn: asyncpg.Connection, fix: str, uses: int, at: datetime) -> None:
    await conn.execute(QUIRK_USE, "CP1", fix, uses, at)


async def session(
    conn: asyncpg.Connection,
    name: str,
    at: datetime,
    *,
    station: str = "CP1",
    tenant: str = "acme",
    token: str = "ABC",
    state: str = "active",
) -> None:
    await conn.execute(SESSION, name, tenant, station, f"tx-{name}", token, state, at)


async def reading(
    conn: asyncpg.Connection, session_id: str, at: datetime, *, digest: int, energy_wh: int
) -> None:
    samples = '[{"value": "1"}]'
    row = ("CP1", at, digest, "acme", session_id, energy_wh, samples)
    await conn.execute(READING, *row)


async def message(
    conn: asyncpg.Connection, at: datetime, direction: str, frame: str, *, station: str = "CP1"
) -> None:
    await conn.execute(MESSAGE, station, at, "acme", direction, "Heartbeat", frame.encode())
