"""What a batch of deliveries costs the database, however many wait behind it."""

from datetime import timedelta

from sqlalchemy import text

from forecourt.base.ids import TenantId
from forecourt.domain.tenants import Tenants
from forecourt.domain.webhooks import store
from forecourt.domain.webhooks.model import Attempt, Claimed, EndpointId, Outcome, State
from forecourt.infra.database import Database, Unit
from tests.domain.hooked import KEY, NOW

# So many that no plan is better off by reading them all.
WAITING = 20_000
AT_ONCE = 20

_endpoint = text("""
    INSERT INTO webhook_endpoints (endpoint_id, tenant_id, url, description, types, sites, sealed,
      header_names, created_at)
    VALUES ('whk_1', 'acme', 'https://example.com', '', '{}', '{}', '', '{}', :now)""")
_deliveries = text("""
    INSERT INTO webhook_deliveries (endpoint_id, seq, tenant_id, type, subject, at, state, next_at)
    SELECT 'whk_1', n, 'acme', 'station.connected', 'CP', :now, :state, :now
    FROM generate_series(CAST(:first AS int), CAST(:first AS int) + :count - 1) AS n""")
_looked_at = text("""
    SELECT idx_tup_fetch + seq_tup_read FROM pg_stat_xact_user_tables
    WHERE relname = 'webhook_deliveries'""")
_events = text("""
    INSERT INTO events (tenant_id, type, subject, at, body)
    SELECT 'acme', 'station.connected', 'CP', now(), '{}' FROM generate_series(1, :count)""")
_events_looked_at = text("""
    SELECT sum(idx_tup_fetch + seq_tup_read) FROM pg_stat_xact_user_tables
    WHERE relname LIKE 'events%'""")


async def deliveries(unit: Unit, state: str, first: int, count: int) -> None:
    names = {"now": NOW, "state": state, "first": first, "count": count}
    await unit.conn.execute(_deliveries, names)


async def claimed(unit: Unit) -> list[Claimed]:
    return await store.claim(
        unit,
        "w",
        busy={},
        each=AT_ONCE,
        each_failing=1,
        most=512,
        now=NOW,
        lost_after=timedelta(seconds=60),
    )


def delivered(claim: Claimed) -> Outcome:
    attempt = Attempt(number=claim.attempt, at=NOW, latency_ms=1, status=204, error="", answer="")
    return Outcome(claimed=claim, attempt=attempt, state=State.DELIVERED, next_at=NOW)


async def test_a_batch_does_not_go_through_all_that_waits(database_url: str) -> None:
    """Nor when the planner has last seen the table while nothing waited."""
    db = Database(database_url, pool_size=2)
    await Tenants(db, secret_key=KEY).ensure(TenantId("acme"), "Acme", NOW)
    async with db.house_unit() as unit:
        await unit.conn.execute(_endpoint, {"now": NOW})
        await deliveries(unit, "delivered", 1, WAITING)
        await unit.conn.execute(text("ANALYZE webhook_deliveries"))
        await deliveries(unit, "waiting", WAITING + 1, WAITING)
    async with db.house_unit() as unit:
        claims = await claimed(unit)
        assert [claim.seq for claim in claims] == [WAITING + n + 1 for n in range(AT_ONCE)]
    async with db.house_unit() as unit:
        before = await unit.conn.scalar(_looked_at)
        await store.settle(unit, [delivered(claim) for claim in claims], NOW)
        # Once as what changes, once as what the attempts are of, once by their foreign key.
        assert await unit.conn.scalar(_looked_at) - before <= 4 * AT_ONCE
    async with db.house_unit() as unit:
        health = await store.health(unit, [EndpointId("whk_1")], NOW - timedelta(hours=1))
    assert health[EndpointId("whk_1")].waiting == WAITING - AT_ONCE
    await db.close()


async def test_feeding_reads_what_is_new_and_not_all_that_is_kept(database_url: str) -> None:
    db = Database(database_url, pool_size=2)
    await Tenants(db, secret_key=KEY).ensure(TenantId("acme"), "Acme", NOW)
    async with db.house_unit() as unit:
        await unit.conn.execute(_endpoint, {"now": NOW})
        await store.open_feed(unit, "f")
        await unit.conn.execute(_events, {"count": 20_000})
    async with db.house_unit() as unit:
        while (await store.feed(unit, "f", most=500, now=NOW))[0] == 500:
            pass
        await unit.conn.execute(text("ANALYZE events, relays"))
    async with db.house_unit() as unit:
        await unit.conn.execute(_events, {"count": 3})
    async with db.house_unit() as unit:
        assert await store.feed(unit, "f", most=500, now=NOW) == (3, 3)
        assert (await unit.conn.execute(_events_looked_at)).scalar_one() <= 10
    await db.close()
