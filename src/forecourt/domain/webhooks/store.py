"""Tables and SQL of this room."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    DateTime,
    FetchedValue,
    Integer,
    LargeBinary,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    text,
    update,
)

from forecourt.base.ids import TenantId
from forecourt.base.pages import Page, Wanted
from forecourt.domain.webhooks.model import (
    DELIVERY_SORTS,
    SORTS,
    Attempt,
    Claimed,
    Delivery,
    DisabledBy,
    Endpoint,
    EndpointId,
    Health,
    Outcome,
    State,
)
from forecourt.infra.database import Unit, metadata
from forecourt.infra.listing import Listing, list_rows, only, sorts

endpoints: Final = Table(
    "webhook_endpoints",
    metadata,
    Column("endpoint_id", Text, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("types", ARRAY(Text), nullable=False),
    Column("sites", ARRAY(Text), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("header_names", ARRAY(Text), nullable=False),
    Column("old_secret_until", DateTime(timezone=True)),
    Column("since", Text, nullable=False, server_default=FetchedValue()),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("disabled_at", DateTime(timezone=True)),
    Column("disabled_by", Text),
    Column("failing_since", DateTime(timezone=True)),
    Column("delivered_at", DateTime(timezone=True)),
)

deliveries: Final = Table(
    "webhook_deliveries",
    metadata,
    Column("endpoint_id", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("state", Text, nullable=False, server_default="waiting"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("round", Integer, nullable=False, server_default="0"),
    Column("next_at", DateTime(timezone=True), nullable=False),
    Column("worker", Text, nullable=False, server_default=""),
    Column("settled_at", DateTime(timezone=True)),
    Column("status", Integer),
)

attempts: Final = Table(
    "webhook_attempts",
    metadata,
    Column("endpoint_id", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("tenant_id", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("latency_ms", Integer, nullable=False),
    Column("status", Integer),
    Column("error", Text, nullable=False),
    Column("answer", Text, nullable=False),
)

_ENDPOINTS: Final = Listing(
    sorts=sorts(endpoints, SORTS, id=endpoints.c.endpoint_id),
    key=(endpoints.c.endpoint_id,),
    default="id",
    searched=(endpoints.c.endpoint_id, endpoints.c.url, endpoints.c.description),
)
_DELIVERIES: Final = Listing(
    sorts=sorts(deliveries, DELIVERY_SORTS, id=deliveries.c.seq),
    key=(deliveries.c.seq,),
    default="-id",
    searched=(deliveries.c.type, deliveries.c.subject),
)

# ---- endpoints ----------------------------------------------------------------------------------


async def add(unit: Unit, endpoint: Endpoint, sealed: bytes) -> None:
    await unit.conn.execute(insert(endpoints).values(**_columns(endpoint, sealed)))


async def save(unit: Unit, endpoint: Endpoint, sealed: bytes) -> None:
    await unit.conn.execute(
        update(endpoints)
        .where(endpoints.c.endpoint_id == endpoint.id)
        .values(**_columns(endpoint, sealed))
    )


async def start_now(unit: Unit, endpoint_id: EndpointId) -> None:
    """It hears of what happens from this transaction on."""
    await unit.conn.execute(
        update(endpoints)
        .where(endpoints.c.endpoint_id == endpoint_id)
        .values(since=func.pg_current_xact_id())
    )


async def remove(unit: Unit, endpoint_id: EndpointId) -> None:
    """Forget an endpoint, and all that was or is on its way to it."""
    await unit.conn.execute(delete(endpoints).where(endpoints.c.endpoint_id == endpoint_id))


async def find(
    unit: Unit, endpoint_id: EndpointId, *, lock: bool = False
) -> tuple[Endpoint, bytes] | None:
    """An endpoint, and what is sealed of it."""
    query = select(endpoints).where(endpoints.c.endpoint_id == endpoint_id)
    row = (
        await unit.conn.execute(query.with_for_update(key_share=True) if lock else query)
    ).first()
    return None if row is None else (_endpoint(row), row.sealed)


async def page(unit: Unit, wanted: Wanted) -> Page[Endpoint]:
    """Endpoints, in the order in which they were made if in no other."""
    found = await list_rows(unit, select(endpoints), _ENDPOINTS, wanted)
    return found.of([_endpoint(row) for row in found.rows])


async def count(unit: Unit) -> int:
    return int(await unit.conn.scalar(select(func.count()).select_from(endpoints)) or 0)


_health = text("""
    SELECT p.endpoint_id, w.waiting, w.oldest, d.delivered, d.failed, a.latency
    FROM unnest(CAST(:ids AS text[])) AS p (endpoint_id)
    CROSS JOIN LATERAL (SELECT count(*) AS waiting, min(at) AS oldest FROM webhook_deliveries d
      WHERE d.endpoint_id = p.endpoint_id AND d.state IN ('waiting', 'sending')) AS w
    CROSS JOIN LATERAL (
      SELECT count(*) FILTER (WHERE state = 'delivered') AS delivered,
        count(*) FILTER (WHERE state = 'failed') AS failed
      FROM webhook_deliveries d
      WHERE d.endpoint_id = p.endpoint_id AND d.settled_at > :since) AS d
    CROSS JOIN LATERAL (
      SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY latency_ms) AS latency
      FROM (SELECT latency_ms FROM webhook_attempts a
        WHERE a.endpoint_id = p.endpoint_id AND a.at > :since AND a.status IS NOT NULL
        ORDER BY a.at DESC LIMIT 1000) AS newest) AS a""")


async def health(
    unit: Unit, ids: Sequence[EndpointId], since: datetime
) -> Mapping[EndpointId, Health]:
    """How these endpoints did since then."""
    rows = await unit.conn.execute(_health, {"ids": list(ids), "since": since})
    return {
        EndpointId(row.endpoint_id): Health(
            waiting=row.waiting,
            delivered=row.delivered,
            failed=row.failed,
            oldest_waiting_at=row.oldest,
            latency_ms=row.latency,
        )
        for row in rows
    }


# ---- the log ------------------------------------------------------------------------------------

_body = text("SELECT CAST(body AS text) FROM events WHERE seq = :seq AND at = :at")


async def log(
    unit: Unit,
    endpoint_id: EndpointId,
    wanted: Wanted,
    *,
    state: State | None = None,
    kind: str | None = None,
) -> Page[Delivery]:
    """Deliveries to an endpoint, newest events first if in no other order."""
    query = select(deliveries).where(deliveries.c.endpoint_id == endpoint_id)
    query = only(query, deliveries, {"state": state, "type": kind})
    found = await list_rows(unit, query, _DELIVERIES, wanted)
    return found.of([_delivery(row) for row in found.rows])


async def delivery(unit: Unit, endpoint_id: EndpointId, seq: int) -> Delivery | None:
    c = deliveries.c
    query = select(deliveries).where(c.endpoint_id == endpoint_id, c.seq == seq)
    row = (await unit.conn.execute(query)).first()
    return None if row is None else _delivery(row)


async def body_of(unit: Unit, found: Delivery) -> str | None:
    """The event's JSON, if it is still kept and the caller may see it."""
    body: str | None = await unit.conn.scalar(_body, {"seq": found.seq, "at": found.at})
    return body


async def attempts_of(unit: Unit, endpoint_id: EndpointId, seq: int) -> list[Attempt]:
    """What came of each attempt, in their order."""
    c = attempts.c
    query = select(attempts).where(c.endpoint_id == endpoint_id, c.seq == seq).order_by(c.number)
    return [
        Attempt(
            number=row.number,
            at=row.at,
            latency_ms=row.latency_ms,
            status=row.status,
            error=row.error,
            answer=row.answer,
        )
        for row in await unit.conn.execute(query)
    ]


_again = text("""
    UPDATE webhook_deliveries SET state = 'waiting', round = 0, next_at = :now, settled_at = NULL
    WHERE endpoint_id = :endpoint AND seq = :seq AND state IN ('delivered', 'failed', 'waiting')""")

# Which events an endpoint hears of. A type ends a name or a dot; sites are those of stations.
_WANTED: Final = """
    (e.type = 'webhook.ping' AND e.subject = p.endpoint_id
    OR e.type <> 'webhook.ping'
      AND (p.types = '{}' OR e.type = ANY (p.types)
        OR split_part(e.type, '.', 1) || '.' = ANY (p.types))
      AND (p.sites = '{}' OR starts_with(e.type, 'site.') AND e.subject = ANY (p.sites)
        OR EXISTS (SELECT FROM stations s
        WHERE s.station_id = e.subject AND s.tenant_id = e.tenant_id
          AND s.site = ANY (p.sites))))"""

_range = text(f"""
    INSERT INTO webhook_deliveries AS d (endpoint_id, seq, tenant_id, type, subject, at, next_at)
    SELECT p.endpoint_id, e.seq, e.tenant_id, e.type, e.subject, e.at, :now
    FROM events e, webhook_endpoints p
    WHERE p.endpoint_id = :endpoint AND e.tenant_id = p.tenant_id
      AND e.at >= :since AND e.at < :until AND e.type <> 'webhook.ping' AND {_WANTED}
    ORDER BY e.at, e.seq LIMIT :most
    ON CONFLICT (endpoint_id, seq) DO UPDATE
      SET state = 'waiting', round = 0, next_at = excluded.next_at, settled_at = NULL
      WHERE d.state = 'failed' OR :all AND d.state = 'delivered'""")  # noqa: S608 (of our own words)


async def send_again(unit: Unit, endpoint_id: EndpointId, seq: int, now: datetime) -> None:
    """Begin a new round of attempts; one that is being sent right now goes on."""
    await unit.conn.execute(_again, {"endpoint": endpoint_id, "seq": seq, "now": now})


async def replay(
    unit: Unit,
    endpoint_id: EndpointId,
    *,
    since: datetime,
    until: datetime,
    delivered_too: bool,
    most: int,
    now: datetime,
) -> int:
    """Begin new rounds for what failed or never was on its way; how many. The oldest first."""
    names = {"endpoint": endpoint_id, "since": since, "until": until, "all": delivered_too}
    done = await unit.conn.execute(_range, {**names, "most": most, "now": now})
    return done.rowcount


_give_up = text("""
    UPDATE webhook_deliveries SET state = 'failed', settled_at = :now
    WHERE endpoint_id = :endpoint AND state = 'waiting'""")


async def give_up(unit: Unit, endpoint_id: EndpointId, now: datetime) -> None:
    """What waits for an endpoint that was disabled does not wait any longer."""
    await unit.conn.execute(_give_up, {"endpoint": endpoint_id, "now": now})


# ---- feeding ------------------------------------------------------------------------------------

# Each endpoint knows since when it hears; the mark only says how far everybody was fed.
_place = text("""
    INSERT INTO relays (name, xid, seq) VALUES (:name, '0'::xid8, 0) ON CONFLICT DO NOTHING""")
# A restored server counts its transactions anew, and what a dump brought along is no news.
_reborn = text("""
    UPDATE webhook_endpoints SET since = pg_current_xact_id()
    WHERE since >= pg_snapshot_xmax(pg_current_snapshot())""")
_some = text("SELECT EXISTS (SELECT FROM webhook_endpoints WHERE disabled_at IS NULL)")
# While there was no endpoint nobody moved the mark; what happened before the oldest is skipped.
COUNTED_MAX: Final = 100_000
"""Looked at by every scrape; more than this is too much, however much it is."""
_counts = text("""
    SELECT count(*) FILTER (WHERE disabled_at IS NULL) AS enabled,
      count(*) FILTER (WHERE disabled_at IS NULL AND failing_since IS NOT NULL) AS failing,
      count(*) FILTER (WHERE disabled_at IS NOT NULL) AS disabled,
      (SELECT count(*) FROM (SELECT FROM webhook_deliveries
        WHERE state IN ('waiting', 'sending') LIMIT :most) AS w) AS waiting
    FROM webhook_endpoints""")

_take = text("""
    UPDATE relays r SET
      seq = CASE WHEN r.xid < n.since THEN 9223372036854775807 ELSE r.seq END,
      xid = CASE WHEN r.xid < n.since THEN n.since ELSE r.xid END
    FROM (SELECT since FROM webhook_endpoints WHERE disabled_at IS NULL
      ORDER BY since LIMIT 1) AS n
    WHERE r.name = (SELECT name FROM relays WHERE name = :name FOR UPDATE SKIP LOCKED)
    RETURNING r.name""")
# The mark by sub-selects: see ``infra.outbox``.
_feed = text(f"""
    WITH new AS MATERIALIZED (
      SELECT e.xid, e.seq, e.tenant_id, e.type, e.subject, e.at FROM events e
      WHERE (e.xid, e.seq) > ((SELECT r.xid FROM relays r WHERE r.name = :name),
          (SELECT r.seq FROM relays r WHERE r.name = :name))
        AND e.xid < (SELECT settled_before())
      ORDER BY e.xid, e.seq LIMIT :most),
    fed AS (
      INSERT INTO webhook_deliveries (endpoint_id, seq, tenant_id, type, subject, at, next_at)
      SELECT p.endpoint_id, e.seq, e.tenant_id, e.type, e.subject, e.at, :now
      FROM new e JOIN webhook_endpoints p ON p.tenant_id = e.tenant_id
      WHERE p.disabled_at IS NULL AND e.xid > p.since AND {_WANTED}
      ON CONFLICT DO NOTHING RETURNING 1),
    moved AS (
      UPDATE relays r SET xid = l.xid, seq = l.seq
      FROM (SELECT xid, seq FROM new ORDER BY xid DESC, seq DESC LIMIT 1) AS l
      WHERE r.name = :name)
    SELECT (SELECT count(*) FROM new) AS read, (SELECT count(*) FROM fed) AS fed""")  # noqa: S608 (of our own words)


async def open_feed(unit: Unit, name: str) -> None:
    """Before the first turn, on a server that may be another one."""
    await unit.conn.execute(_reborn)
    await unit.conn.execute(_place, {"name": name})


async def counts(unit: Unit) -> dict[str, int]:
    """Deliveries that wait, up to ``COUNTED_MAX``; endpoints that are on, fail, and are off."""
    row = (await unit.conn.execute(_counts, {"most": COUNTED_MAX})).one()
    return {name: getattr(row, name) for name in ("enabled", "failing", "disabled", "waiting")}


async def some_hear(unit: Unit) -> bool:
    """Whether there is any endpoint to feed."""
    return bool(await unit.conn.scalar(_some))


async def feed(unit: Unit, name: str, *, most: int, now: datetime) -> tuple[int, int]:
    """Make deliveries of the next events; (events read, deliveries made).

    Mark and deliveries move in one transaction: no event is missed, and none comes twice. Nothing
    is done while another process is at it.
    """
    if not (await unit.conn.execute(_take, {"name": name})).first():
        return 0, 0
    row = (await unit.conn.execute(_feed, {"name": name, "most": most, "now": now})).one()
    return row.read, row.fed


# ---- sending ------------------------------------------------------------------------------------

# Of each endpoint no more than it may have in the air from here. Whoever claims sets the moment at
# which others may take it for lost; the number of the attempt says whose claim is good.
_claim = text("""
    WITH due AS (
      SELECT d.endpoint_id, d.seq, p.url, p.sealed, p.failing_since
      FROM webhook_endpoints p
      LEFT JOIN unnest(CAST(:busy AS text[]), CAST(:open AS int[])) AS b (endpoint_id, open)
        ON b.endpoint_id = p.endpoint_id
      CROSS JOIN LATERAL (
        SELECT d.endpoint_id, d.seq, d.next_at FROM webhook_deliveries d
        WHERE d.endpoint_id = p.endpoint_id AND d.state IN ('waiting', 'sending')
          AND d.next_at <= :now
        ORDER BY d.next_at, d.seq LIMIT greatest(
          CASE WHEN p.failing_since IS NULL THEN CAST(:each AS int) ELSE :each_failing END
          - coalesce(b.open, 0), 0)
        FOR UPDATE SKIP LOCKED) AS d
      WHERE p.disabled_at IS NULL
      ORDER BY d.next_at LIMIT :most),
    taken AS (
      UPDATE webhook_deliveries d SET state = 'sending', attempts = attempts + 1,
        round = round + 1, next_at = :lost_at, worker = :worker
      FROM due WHERE d.endpoint_id = due.endpoint_id AND d.seq = due.seq
      RETURNING d.*, due.url, due.sealed, due.failing_since)
    SELECT t.*, CAST(e.body AS text) AS body
    FROM taken t LEFT JOIN events e ON e.seq = t.seq AND e.at = t.at
    ORDER BY t.seq""")
_free = text("""
    UPDATE webhook_deliveries SET state = 'waiting', next_at = :now, worker = ''
    WHERE state = 'sending' AND worker = :worker""")
_next_due = text("""
    SELECT min(d.next_at) FROM webhook_endpoints p
    CROSS JOIN LATERAL (SELECT next_at FROM webhook_deliveries d
      WHERE d.endpoint_id = p.endpoint_id AND d.state IN ('waiting', 'sending')
      ORDER BY d.next_at LIMIT 1) AS d
    WHERE p.disabled_at IS NULL""")
# The state stands in a CASE lest the planner, which believes that little waits, go through all that
# does by the index of what is due.
_settle = text("""
    WITH done AS (
      SELECT * FROM unnest(CAST(:endpoint AS text[]), CAST(:seq AS bigint[]),
        CAST(:number AS int[]), CAST(:at AS timestamptz[]), CAST(:latency_ms AS int[]),
        CAST(:status AS int[]), CAST(:error AS text[]), CAST(:answer AS text[]),
        CAST(:state AS text[]), CAST(:next_at AS timestamptz[]))
      AS n (endpoint_id, seq, number, at, latency_ms, status, error, answer, state, next_at)),
    moved AS (
      UPDATE webhook_deliveries d SET state = n.state, next_at = n.next_at, status = n.status,
        worker = '', settled_at = CASE WHEN n.state = 'waiting' THEN NULL
          ELSE CAST(:now AS timestamptz) END
      FROM done n WHERE d.endpoint_id = n.endpoint_id AND d.seq = n.seq
        AND CASE d.state WHEN 'sending' THEN d.attempts END = n.number),
    felt AS (
      UPDATE webhook_endpoints p SET
        delivered_at = greatest(p.delivered_at, n.ok_at),
        failing_since = CASE WHEN n.ok_at IS NOT NULL THEN NULL
          ELSE coalesce(p.failing_since, n.failed_at) END
      FROM (SELECT endpoint_id, max(at) FILTER (WHERE state = 'delivered') AS ok_at,
          min(at) FILTER (WHERE state <> 'delivered') AS failed_at
        FROM done GROUP BY endpoint_id) AS n
      WHERE p.endpoint_id = n.endpoint_id)
    INSERT INTO webhook_attempts
      (endpoint_id, seq, number, tenant_id, at, latency_ms, status, error, answer)
    SELECT n.endpoint_id, n.seq, n.number, d.tenant_id, n.at, n.latency_ms, n.status, n.error,
      n.answer
    FROM done n JOIN webhook_deliveries d ON d.endpoint_id = n.endpoint_id AND d.seq = n.seq
    ON CONFLICT DO NOTHING""")
# Those who settle for the same endpoints wait for each other in one order. Keys stay as they are,
# so that whoever makes deliveries need not wait.
_hold = text("""
    SELECT FROM webhook_endpoints WHERE endpoint_id = ANY (CAST(:ids AS text[]))
    ORDER BY endpoint_id FOR NO KEY UPDATE""")
_disable = text("""
    UPDATE webhook_endpoints SET disabled_at = :now, disabled_by = :why
    WHERE endpoint_id = :endpoint AND disabled_at IS NULL RETURNING url, tenant_id""")
_old = text("""
    DELETE FROM webhook_deliveries WHERE (endpoint_id, seq) IN (
      SELECT endpoint_id, seq FROM webhook_deliveries
      WHERE at < :before AND state IN ('delivered', 'failed') LIMIT :most
      FOR UPDATE SKIP LOCKED)""")


async def claim(
    unit: Unit,
    worker: str,
    *,
    busy: Mapping[EndpointId, int],
    each: int,
    each_failing: int,
    most: int,
    now: datetime,
    lost_after: timedelta,
) -> list[Claimed]:
    """Take what is due, so that nobody else does; ``busy`` is how many are in the air already."""
    names = {"worker": worker, "busy": list(busy), "open": list(busy.values())}
    limits = {"each": each, "each_failing": each_failing, "most": most}
    times = {"now": now, "lost_at": now + lost_after}
    return [
        Claimed(
            endpoint=EndpointId(row.endpoint_id),
            tenant=TenantId(row.tenant_id),
            seq=row.seq,
            type=row.type,
            at=row.at,
            body=row.body,
            url=row.url,
            sealed=row.sealed,
            attempt=row.attempts,
            round=row.round - 1,
            failing_since=row.failing_since,
        )
        for row in await unit.conn.execute(_claim, {**names, **limits, **times})
    ]


async def free(unit: Unit, worker: str, now: datetime) -> None:
    """What this worker had in the air when it died is due again."""
    await unit.conn.execute(_free, {"worker": worker, "now": now})


async def next_due(unit: Unit) -> datetime | None:
    """When there is something to send again."""
    due: datetime | None = await unit.conn.scalar(_next_due)
    return due


async def settle(unit: Unit, outcomes: Sequence[Outcome], now: datetime) -> None:
    """Keep what came of attempts; a claim that was lost meanwhile changes no delivery."""
    await unit.conn.execute(_hold, {"ids": sorted({one.claimed.endpoint for one in outcomes})})
    await unit.conn.execute(
        _settle,
        {
            "endpoint": [one.claimed.endpoint for one in outcomes],
            "seq": [one.claimed.seq for one in outcomes],
            "number": [one.attempt.number for one in outcomes],
            "at": [one.attempt.at for one in outcomes],
            "latency_ms": [one.attempt.latency_ms for one in outcomes],
            "status": [one.attempt.status for one in outcomes],
            "error": [one.attempt.error for one in outcomes],
            "answer": [one.attempt.answer for one in outcomes],
            "state": [one.state.value for one in outcomes],
            "next_at": [one.next_at for one in outcomes],
            "now": now,
        },
    )


async def disable(
    unit: Unit, endpoint_id: EndpointId, why: DisabledBy, now: datetime
) -> tuple[str, TenantId] | None:
    """Give an endpoint up; its address and tenant, or None if it was disabled already."""
    names = {"endpoint": endpoint_id, "why": why.value, "now": now}
    row = (await unit.conn.execute(_disable, names)).first()
    return None if row is None else (row.url, TenantId(row.tenant_id))


async def forget(unit: Unit, before: datetime, most: int) -> int:
    """Delete settled deliveries of events older than that, and their attempts; how many."""
    return (await unit.conn.execute(_old, {"before": before, "most": most})).rowcount


def _columns(endpoint: Endpoint, sealed: bytes) -> dict[str, Any]:
    return {
        "endpoint_id": endpoint.id,
        "tenant_id": endpoint.tenant,
        "url": endpoint.url,
        "description": endpoint.description,
        "types": list(endpoint.types),
        "sites": list(endpoint.sites),
        "sealed": sealed,
        "header_names": list(endpoint.header_names),
        "old_secret_until": endpoint.old_secret_until,
        "created_at": endpoint.created_at,
        "disabled_at": endpoint.disabled_at,
        "disabled_by": None if endpoint.disabled_by is None else endpoint.disabled_by.value,
        "failing_since": endpoint.failing_since,
        "delivered_at": endpoint.delivered_at,
    }


def _endpoint(row: Any) -> Endpoint:
    return Endpoint(
        id=EndpointId(row.endpoint_id),
        tenant=TenantId(row.tenant_id),
        url=row.url,
        description=row.description,
        types=tuple(row.types),
        sites=tuple(row.sites),
        created_at=row.created_at,
        disabled_at=row.disabled_at,
        disabled_by=None if row.disabled_by is None else DisabledBy(row.disabled_by),
        failing_since=row.failing_since,
        delivered_at=row.delivered_at,
        old_secret_until=row.old_secret_until,
        header_names=tuple(row.header_names),
    )


def _delivery(row: Any) -> Delivery:
    return Delivery(
        endpoint=EndpointId(row.endpoint_id),
        seq=row.seq,
        type=row.type,
        subject=row.subject,
        at=row.at,
        state=State(row.state),
        attempts=row.attempts,
        next_at=row.next_at,
        settled_at=row.settled_at,
        status=row.status,
    )
