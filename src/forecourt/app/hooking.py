"""Puts the delivery of webhooks together: who turns events into deliveries, and who sends them."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

from forecourt.base.clock import Clock
from forecourt.domain.rooms import Rooms
from forecourt.domain.webhooks import OPEN_MAX, Feeder, Sender
from forecourt.infra.database import Database
from forecourt.infra.outbound import Outbound
from forecourt.settings import Settings, secret_key


def outbound_of(settings: Settings) -> Outbound:
    """What customers' addresses are asked with."""
    return Outbound(
        hosts=frozenset(settings.outbound_hosts),
        only_https=True,
        open_max=OPEN_MAX,
        kept_max=OPEN_MAX // 4,
    )


@asynccontextmanager
async def delivering(
    db: Database, rooms: Rooms, settings: Settings, clock: Clock
) -> AsyncGenerator[tuple[Feeder, Sender]]:
    """The two, not yet at work; on leaving, no connection of theirs is open."""
    outbound = outbound_of(settings)
    sender = Sender(
        db,
        clock,
        outbound=outbound,
        audit=rooms.audit,
        secret_key=secret_key(settings.data_dir),
        worker=settings.gateway_name,
        keep=timedelta(days=settings.keep_webhook_deliveries_days),
        counts=rooms.webhooks.counts,
    )
    try:
        yield Feeder(db, clock, fed=sender.wake), sender
    finally:
        await outbound.close()
