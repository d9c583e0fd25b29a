"""Sends deliveries: claimed in the database before, settled there after, many at once.

At least once: what was sent by a process that died before it settled is sent again, under the same
id. Each endpoint has its own share of what may be in the air, so a slow one holds back itself.
"""

import asyncio
import random
from collections import Counter
from datetime import timedelta
from typing import Final

import msgspec
import structlog

from forecourt.base.clock import Clock
from forecourt.base.context import Context
from forecourt.base.seal import SealBroken
from forecourt.domain.tenants import Audit, Deed
from forecourt.domain.webhooks import rules, store
from forecourt.domain.webhooks.model import (
    Attempt,
    Claimed,
    Counts,
    DisabledBy,
    EndpointId,
    Outcome,
    State,
    WebhookDisabled,
)
from forecourt.domain.webhooks.service.sealing import Sealing
from forecourt.domain.webhooks.service.webhooks import host_of
from forecourt.infra.database import Database, DatabaseAway
from forecourt.infra.outbound import Outbound, OutboundAway, OutboundRefused, Reply

log = structlog.get_logger(__name__)

ACTOR: Final = "system:webhooks"
AGENT: Final = "Forecourt-Webhooks/1"
# What the specification recommends is 15 to 30 s.
TIMEOUT_S: Final = 20.0
# Whoever claimed and did not settle for so long is dead, or as good as.
LOST_AFTER: Final = timedelta(seconds=60)
OPEN_MAX: Final = 512
EACH_MAX: Final = 32
# An endpoint that failed last is asked carefully, and cannot fill the air with time-outs.
EACH_FAILING_MAX: Final = 2
ANSWER_BYTES_MAX: Final = 65_536
ANSWER_KEPT: Final = 1_024
ERROR_KEPT: Final = 300
# Outcomes of a moment share one commit.
SETTLE_BREATH_S: Final = 0.01
SETTLED_AT_ONCE: Final = 500
POLL_S: Final = 5.0
RETRY_S: Final = 1.0
CLEANS_EVERY: Final = timedelta(hours=1)
CLEANED_AT_ONCE: Final = 5_000


class Sender:
    """Sends what waits, and keeps what came of it. ``worker`` names this process among others."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        *,
        outbound: Outbound,
        audit: Audit,
        secret_key: bytes,
        worker: str,
        keep: timedelta,
        counts: Counts | None = None,
    ) -> None:
        self._db = db
        self._clock = clock
        self._outbound = outbound
        self._audit = audit
        self._sealing = Sealing(secret_key)
        self._worker = worker
        self._keep = keep
        self._woken = asyncio.Event()
        self._settling = asyncio.Event()
        self._open: Counter[EndpointId] = Counter()
        """Until their outcome is committed: that many may come again if this process dies."""
        self._done: list[Outcome] = []
        self._clean_at = clock.now()
        self.counts = Counts() if counts is None else counts
        self.sent = 0

    def wake(self) -> None:
        """There may be something to send."""
        self._woken.set()

    async def open(self) -> None:
        """What this process had in the air when it died is sent again."""
        async with self._db.house_unit() as unit:
            await store.free(unit, self._worker, self._clock.now())

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._settle_all())
            while True:
                # Before the turn: what is told while it reads must not be slept over.
                self._woken.clear()
                try:
                    picked, rest_s = await self._pick()
                except DatabaseAway:
                    await asyncio.sleep(RETRY_S)
                    continue
                for claimed in picked:
                    tasks.create_task(self._send(claimed))
                if not picked:
                    await self._rest(rest_s)

    async def _pick(self) -> tuple[list[Claimed], float]:
        """What is to be sent now, claimed; or for how many seconds there will be nothing."""
        now = self._clock.now()
        async with self._db.house_unit() as unit:
            if self._clean_at <= now:
                gone = await store.forget(unit, now - self._keep, CLEANED_AT_ONCE)
                if gone < CLEANED_AT_ONCE:
                    self._clean_at = now + CLEANS_EVERY
            self._open = +self._open
            room = OPEN_MAX - self._open.total()
            if room <= 0:
                return [], POLL_S
            picked = await store.claim(
                unit,
                self._worker,
                busy=self._open,
                each=EACH_MAX,
                each_failing=EACH_FAILING_MAX,
                most=room,
                now=now,
                lost_after=LOST_AFTER,
            )
            due = None if picked else await store.next_due(unit)
        self._open.update(claimed.endpoint for claimed in picked)
        wait_s = POLL_S if due is None else (due - now).total_seconds()
        return picked, min(POLL_S, max(SETTLE_BREATH_S, wait_s))

    async def _send(self, claimed: Claimed) -> None:
        """Send once, and put aside what came of it."""
        now = self._clock.now()
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        status, error, answer, retry_after = None, "", "", ""
        try:
            reply = await self._post(claimed)
            status, retry_after = reply.status, reply.headers.get("retry-after", "")
            answer = reply.body[:ANSWER_KEPT].decode("utf-8", "replace").replace("\0", "\ufffd")
        except OutboundAway as away:
            error = f"{away.message}: {away.context.get('cause', '')}".rstrip(": ")
        except (OutboundRefused, SealBroken) as refused:
            error = refused.message
        except Exception:  # One delivery ends here, whatever is wrong with it.
            log.exception("webhooks.delivery_broke", endpoint=claimed.endpoint, seq=claimed.seq)
            error = "it cannot be sent: our mistake"
        attempt = Attempt(
            number=claimed.attempt,
            at=now,
            latency_ms=round((loop.time() - began_s) * 1_000),
            status=status,
            error=error[:ERROR_KEPT].replace("\0", ""),
            answer=answer,
        )
        self.sent += 1
        outcome = rules.judged(
            claimed,
            attempt,
            self._clock.now(),
            retry_after=retry_after,
            luck=random.random(),  # noqa: S311 (spreads attempts, guards nothing)
        )
        self._count(outcome)
        self._done.append(outcome)
        self._settling.set()

    def _count(self, outcome: Outcome) -> None:
        delivered = outcome.state is State.DELIVERED
        self.counts.delivered += delivered
        self.counts.failed += not delivered
        self.counts.given_up += outcome.state is State.FAILED

    async def _post(self, claimed: Claimed) -> Reply:
        if claimed.body is None:
            raise OutboundRefused("the event is not kept any more")
        sealed = self._sealing.open(claimed.endpoint, claimed.sealed)
        body = rules.payload(claimed.type, claimed.at, claimed.body)
        message = rules.message_id(claimed.seq)
        signed = rules.headers(sealed, message, self._clock.now(), body)
        return await self._outbound.send(
            "POST",
            claimed.url,
            body=body,
            headers={**signed, "user-agent": AGENT},
            bytes_max=ANSWER_BYTES_MAX,
            cut=True,
            timeout_s=TIMEOUT_S,
        )

    async def _settle_all(self) -> None:
        while True:
            await self._settling.wait()
            self._settling.clear()
            await asyncio.sleep(SETTLE_BREATH_S)
            while self._done:
                outcomes = self._done[:SETTLED_AT_ONCE]
                try:
                    await self._settle(outcomes)
                except DatabaseAway:
                    log.info("webhooks.settle_later", outcomes=len(self._done))
                    await asyncio.sleep(RETRY_S)
                    continue
                del self._done[: len(outcomes)]
                self._open.subtract(outcome.claimed.endpoint for outcome in outcomes)
                self.wake()

    async def _settle(self, outcomes: list[Outcome]) -> None:
        """Keep what came of these; give up endpoints that want nothing, or took nothing."""
        now = self._clock.now()
        given_up = {one.claimed.endpoint: one.disable for one in outcomes if one.disable}
        deeds = []
        async with self._db.house_unit() as unit:
            await store.settle(unit, outcomes, now)
            for endpoint, why in given_up.items():
                found = await store.disable(unit, endpoint, why, now)
                if found is None:
                    continue
                self.counts.disabled += 1
                await store.give_up(unit, endpoint, now)
                url, tenant = found
                host = host_of(url)
                await unit.emit(
                    WebhookDisabled(tenant=tenant, at=now, endpoint=endpoint, host=host, reason=why)
                )
                deeds.append((Context(actor=ACTOR, tenant=tenant, now=now), endpoint, why))
        for ctx, endpoint, why in deeds:
            log.warning("webhooks.disabled", tenant=ctx.tenant, endpoint=endpoint, reason=why.value)
            await self._audit.add(ctx, _deed(endpoint, why))

    async def _rest(self, wait_s: float) -> None:
        try:
            async with asyncio.timeout(wait_s):
                await self._woken.wait()
        except TimeoutError:
            return


def _deed(endpoint: EndpointId, why: DisabledBy) -> Deed:
    after = msgspec.json.encode({"enabled": False, "disabled_by": why}).decode()
    return Deed(action="disable_webhook", subject=endpoint, before="", after=after, address="")
