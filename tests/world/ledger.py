"""What stations saw acknowledged, and whether the database has it: all of it, each once.

Knows the tables as an auditor does, by SQL of its own, and nothing of the code that fills them.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

import asyncpg
from msgspec import Struct

Kind = Literal["start", "update", "end", "meter"]


class Acked(Struct, frozen=True, kw_only=True):
    """One message about a session that was answered."""

    station: str
    version: str
    kind: Kind
    transaction: str | None
    """As the sessions table names it: 1.6 the number that was answered, 2.x the station's id."""
    at: datetime
    meter_wh: int
    seq_no: int | None = None


@dataclass(slots=True)
class Ledger:
    """The stations' own books."""

    acked: list[Acked] = field(default_factory=list)
    closed: dict[tuple[str, str], int] = field(default_factory=dict)
    """Sessions whose end was acknowledged: what the meter counted, in Wh."""
    refused: Counter[str] = field(default_factory=Counter)
    """Errors that stations were answered with, by their code."""
    unanswered: int = 0
    served_at_s: dict[str, float] = field(default_factory=dict)
    """By station: when its newest acknowledged message was sent."""


@dataclass(slots=True)
class Verdict:
    """What an audit found."""

    acked: int = 0
    found: int = 0
    lost: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not (self.lost or self.twice or self.wrong)


# By content: what makes two rows the same thing told twice.
_TWICE: Final = {
    "reading": """
        SELECT station_id, sampled_at, evse_no, energy_wh, power_w, count(*) FROM meter_values
        GROUP BY 1, 2, 3, 4, 5 HAVING count(*) > 1""",
    "event": """
        SELECT session_id, seq_no, count(*) FROM session_events
        GROUP BY 1, 2 HAVING count(*) > 1""",
    "session": """
        SELECT station_id, evse_no, started_at, meter_start_wh, count(*) FROM sessions
        GROUP BY 1, 2, 3, 4 HAVING count(*) > 1""",
    "1.6 transaction number": """
        SELECT transaction, count(*) FROM sessions JOIN stations USING (station_id)
        WHERE protocol = 'ocpp1.6' GROUP BY 1 HAVING count(*) > 1""",
    "2.x transaction": """
        SELECT station_id, transaction, count(*) FROM sessions GROUP BY 1, 2 HAVING count(*) > 1""",
    "fact told to the world": """
        SELECT type, body->>'session', count(*) FROM events
        WHERE type IN ('session.started', 'session.ended') GROUP BY 1, 2 HAVING count(*) > 1""",
}
_NEGATIVE: Final = "SELECT session_id, energy_wh FROM sessions WHERE energy_wh < 0"


async def audit(database_url: str, ledger: Ledger) -> Verdict:
    """Compare the books with the database."""
    conn = await asyncpg.connect(database_url)
    try:
        verdict = Verdict(acked=len(ledger.acked))
        for name, sql in _TWICE.items():
            verdict.twice += [f"{name}: {tuple(row)}" for row in await conn.fetch(sql)]
        verdict.wrong += [f"negative: {tuple(row)}" for row in await conn.fetch(_NEGATIVE)]
        await _compare(conn, ledger, verdict)
        return verdict
    finally:
        await conn.close()


async def _compare(conn: asyncpg.Connection, ledger: Ledger, verdict: Verdict) -> None:
    sessions = {
        (row["station_id"], row["transaction"]): row
        for row in await conn.fetch("SELECT * FROM sessions")
    }
    readings = {
        (row["station_id"], row["sampled_at"], row["energy_wh"])
        for row in await conn.fetch("SELECT station_id, sampled_at, energy_wh FROM meter_values")
    }
    numbered = {
        (row["session_id"], row["seq_no"])
        for row in await conn.fetch(
            "SELECT session_id, seq_no FROM session_events UNION"
            " SELECT session_id, seq_no FROM meter_values WHERE seq_no IS NOT NULL"
        )
    }
    for message in ledger.acked:
        session = sessions.get((message.station, message.transaction or ""))
        if _is_there(message, session, readings, numbered):
            verdict.found += 1
        else:
            verdict.lost.append(str(message))
    for key, energy_wh in ledger.closed.items():
        session = sessions.get(key)
        stored = None if session is None else session["energy_wh"]
        if stored != energy_wh:
            verdict.wrong.append(f"energy of {key}: {stored}, the meter said {energy_wh}")


def _is_there(
    message: Acked,
    session: Any,
    readings: set[tuple[Any, ...]],
    numbered: set[tuple[Any, ...]],
) -> bool:
    measured = (message.station, message.at, message.meter_wh) in readings
    if message.kind == "meter":
        return measured
    if session is None:
        return False
    if message.version != "1.6":
        return (session["session_id"], message.seq_no) in numbered or measured
    match message.kind:
        case "start":
            return bool(
                session["started_at"] == message.at
                and session["meter_start_wh"] == message.meter_wh
            )
        case "end":
            return bool(
                session["state"] == "ended" and session["meter_stop_wh"] == message.meter_wh
            )
        case "update":
            return measured


def told(some: Sequence[str], most: int = 10) -> str:
    """A list for a message."""
    more = f"\n  and {len(some) - most} more" if len(some) > most else ""
    return "".join(f"\n  {line}" for line in some[:most]) + more
