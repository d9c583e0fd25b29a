"""What the house does by itself: partitions are made ahead and what is old is let go, each hour;
sessions are ended whose stations do not come back; power is summed up, each minute.
"""

import asyncio
from datetime import timedelta
from typing import Final

import structlog

from forecourt.base.clock import Clock
from forecourt.domain.sessions import Power, Sessions
from forecourt.infra import partitions, retention
from forecourt.infra.commit import AWAY
from forecourt.infra.database import Database, DatabaseAway
from forecourt.infra.partitions import Partitioned
from forecourt.infra.retention import Aging
from forecourt.settings import Settings

HOUSEKEEPING_EVERY_S: Final = 3_600.0
HOUSEKEEPING_RETRY_S: Final = 30.0
POWER_EVERY_S: Final = 60.0
PARTITIONS_AHEAD: Final = timedelta(days=7)
# What still waits for a station is no finished business, however long it waits.
SETTLED: Final = (
    "NOT EXISTS (SELECT FROM order_lines AS line"
    " WHERE line.order_id = orders.order_id AND line.state <> 'settled')"
)

log = structlog.get_logger(__name__)


def partitioned(settings: Settings) -> list[Partitioned]:
    """The tables that time cuts, and how long each is kept."""
    return [
        *(
            Partitioned(
                table=table,
                column=column,
                received_column=received,
                interval="month",
                keep_days=settings.keep_meter_values_days,
            )
            for table, column, received in (
                ("meter_values", "sampled_at", "received_at"),
                ("station_power", "at", "at"),
                ("site_power", "at", "at"),
                ("session_events", "at", "received_at"),
                ("variable_events", "at", "received_at"),
                ("battery_swaps", "at", "at"),
            )
        ),
        Partitioned(
            table="stream_values",
            column="at",
            received_column="received_at",
            interval="day",
            keep_days=settings.keep_messages_days,
        ),
        Partitioned(
            table="customer_pages",
            column="generated_at",
            received_column="received_at",
            interval="day",
            keep_days=settings.keep_customer_information_days,
        ),
        Partitioned(
            table="messages",
            column="at",
            received_column="at",
            interval="day",
            keep_days=settings.keep_messages_days,
        ),
        Partitioned(
            table="events",
            column="at",
            received_column="at",
            interval="month",
            keep_days=settings.keep_events_days,
        ),
    ]


def aging(settings: Settings) -> list[Aging]:
    """Tables that are not cut by time, and which of their rows are over and done with."""
    days = settings.keep_records_days
    return [
        Aging(table="commands", column="asked_at", keep_days=days),
        # An order takes its lines along.
        Aging(table="orders", column="asked_at", keep_days=days, only=SETTLED),
        Aging(table="reports", column="heard_at", keep_days=days),
        Aging(table="report_parts", column="received_at", keep_days=days),
        Aging(
            table="firmware_jobs",
            column="changed_at",
            keep_days=days,
            only="phase IN ('done', 'failed')",
        ),
        Aging(table="unmatched_stops", column="received_at", keep_days=days),
        # What is not cleared has no moment here, and stays.
        Aging(table="alarms", column="cleared_at", keep_days=days),
        Aging(table="logins", column="expires_at", keep_days=0),
        Aging(table="one_time_secrets", column="expires_at", keep_days=0),
        # The accepted ones say what a station holds.
        Aging(
            table="signing_requests",
            column="settled_at",
            keep_days=days,
            only="state IN ('rejected', 'failed', 'superseded')",
        ),
        # After a day a key is as good as new.
        Aging(table="repeats", column="began_at", keep_days=1),
    ]


async def keep_house(db: Database, settings: Settings, clock: Clock) -> None:
    """Make the partitions of the days to come; drop, and delete, what is of days long gone."""
    conn = await db.raw()
    try:
        tables = partitioned(settings)
        await partitions.ensure(conn, tables, clock.now(), PARTITIONS_AHEAD)
        await partitions.retire(conn, tables, clock.now())
        await retention.forget(conn, aging(settings), clock.now())
    finally:
        await conn.close()


async def housekeeping(db: Database, sessions: Sessions, settings: Settings, clock: Clock) -> None:
    """Again and again, until cancelled; sooner after the database was away."""
    delay_s = HOUSEKEEPING_EVERY_S
    while True:
        await asyncio.sleep(delay_s)
        try:
            await keep_house(db, settings, clock)
            if settings.end_sessions_after_h:
                away_for = timedelta(hours=settings.end_sessions_after_h)
                ended = await sessions.silent.end_abandoned(clock.now(), away_for=away_for)
                if ended:
                    log.info("sessions.abandoned", count=ended)
            delay_s = HOUSEKEEPING_EVERY_S
        except (*AWAY, DatabaseAway) as error:
            log.warning("housekeeping.later", error=str(error))
            delay_s = HOUSEKEEPING_RETRY_S


async def summing_up(power: Power, clock: Clock) -> None:
    """Keep power over time ready, until cancelled; what was missed is made up for."""
    while True:
        try:
            await power.sum_up(clock.now())
        except DatabaseAway as error:
            log.warning("power.later", error=str(error))
        await asyncio.sleep(POWER_EVERY_S)
