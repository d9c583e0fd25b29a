"""The room's verbs: endpoints, their secrets, what was sent to them, and sending it again."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

import msgspec

from forecourt.base.context import Context
from forecourt.base.ids import new_id
from forecourt.base.pages import FIRST_PAGE, Page, Wanted
from forecourt.domain.webhooks import rules, store
from forecourt.domain.webhooks.model import (
    Attempt,
    Counts,
    Delivery,
    DeliveryUnknown,
    DisabledBy,
    Endpoint,
    EndpointChange,
    EndpointId,
    EventType,
    Health,
    NewEndpoint,
    Sealable,
    SigningSecret,
    State,
    TooManyWebhooks,
    WebhookAdded,
    WebhookChanged,
    WebhookInvalid,
    WebhookOff,
    WebhookPinged,
    WebhookUnknown,
)
from forecourt.domain.webhooks.service.sealing import Sealing
from forecourt.infra.database import Database, Unit
from forecourt.infra.outbound import Outbound

# Each is asked for every event of its tenant.
ENDPOINTS_MAX: Final = 50
HEALTH_OF: Final = timedelta(hours=24)
# More than this is a migration, which reads the API's lists instead.
REPLAYED_AT_ONCE: Final = 10_000


class Webhooks:
    """Everything about customers' endpoints."""

    def __init__(self, db: Database, *, outbound: Outbound, secret_key: bytes) -> None:
        self._db = db
        self._outbound = outbound
        self._sealing = Sealing(secret_key)
        self.counts = Counts()
        """Kept by whoever sends in this process."""

    async def house_counts(self) -> dict[str, int]:
        """Of all tenants: what waits, and endpoints, on and off. For the metrics page."""
        async with self._db.house_unit() as unit:
            return await store.counts(unit)

    async def add(self, ctx: Context, new: NewEndpoint) -> tuple[Endpoint, str]:
        """Make an endpoint; the secret is told this once.

        Raises WebhookInvalid, OutboundRefused, TooManyWebhooks, OutOfBounds.
        """
        self._check(new.url, new.types, new.headers)
        endpoint = Endpoint(
            id=EndpointId(new_id("whk", ctx.now)),
            tenant=ctx.tenant,
            url=new.url,
            description=new.description,
            types=new.types,
            sites=new.sites,
            header_names=tuple(new.headers),
            created_at=ctx.now,
        )
        secret = _new_secret()
        plain = Sealable(secrets=(SigningSecret(text=secret),), headers=new.headers)
        async with self._db.unit(ctx) as unit:
            if await store.count(unit) >= ENDPOINTS_MAX:
                raise TooManyWebhooks(f"a tenant has at most {ENDPOINTS_MAX} endpoints")
            await store.add(unit, endpoint, self._sealing.close(endpoint.id, plain))
            await unit.emit(
                WebhookAdded(
                    tenant=ctx.tenant, at=ctx.now, endpoint=endpoint.id, host=host_of(new.url)
                )
            )
        return endpoint, secret

    async def read(self, ctx: Context, endpoint_id: EndpointId) -> tuple[Endpoint, Health]:
        """An endpoint, and how it did in the last 24 hours. Raises WebhookUnknown."""
        async with self._db.unit(ctx) as unit:
            endpoint, _ = await _read(unit, endpoint_id)
            health = await store.health(unit, [endpoint_id], ctx.now - HEALTH_OF)
        return endpoint, health[endpoint_id]

    async def list(
        self, ctx: Context, wanted: Wanted = FIRST_PAGE
    ) -> Page[tuple[Endpoint, Health]]:
        """Endpoints, and how they did in the last 24 hours. Raises CursorInvalid, SortUnknown."""
        async with self._db.view(ctx) as unit:
            found = await store.page(unit, wanted)
            ids = [endpoint.id for endpoint in found.items]
            health = await store.health(unit, ids, ctx.now - HEALTH_OF)
        items = [(endpoint, health[endpoint.id]) for endpoint in found.items]
        return Page(items=items, next=found.next)

    async def change(
        self, ctx: Context, endpoint_id: EndpointId, change: EndpointChange
    ) -> Endpoint:
        """Change what is given. One that is enabled again hears of what happens from now on.

        Raises WebhookUnknown, WebhookInvalid, OutboundRefused, OutOfBounds.
        """
        self._check(change.url, change.types or (), change.headers or {})
        async with self._db.unit(ctx) as unit:
            before, sealed = await _read(unit, endpoint_id, lock=True)
            after = _changed(before, change, ctx)
            if change.headers is not None:
                plain = self._sealing.open(endpoint_id, sealed)
                plain = msgspec.structs.replace(plain, headers=change.headers)
                sealed = self._sealing.close(endpoint_id, plain)
            await store.save(unit, after, sealed)
            if before.disabled_at is not None and after.disabled_at is None:
                await store.start_now(unit, endpoint_id)
            if after.disabled_at is not None:
                await store.give_up(unit, endpoint_id, ctx.now)
            await unit.emit(_changed_event(ctx, after))
        return after

    async def remove(self, ctx: Context, endpoint_id: EndpointId) -> None:
        """Forget an endpoint, and its log. Raises WebhookUnknown."""
        async with self._db.unit(ctx) as unit:
            endpoint, _ = await _read(unit, endpoint_id, lock=True)
            await store.remove(unit, endpoint_id)
            await unit.emit(_changed_event(ctx, endpoint))

    async def rotate(self, ctx: Context, endpoint_id: EndpointId) -> tuple[Endpoint, str]:
        """Give an endpoint a new secret; for 24 h deliveries are signed with the old one, too.

        Raises WebhookUnknown.
        """
        async with self._db.unit(ctx) as unit:
            before, sealed = await _read(unit, endpoint_id, lock=True)
            fresh = _new_secret()
            plain = rules.rotated(self._sealing.open(endpoint_id, sealed), fresh, ctx.now)
            after = msgspec.structs.replace(before, old_secret_until=plain.secrets[1].until)
            await store.save(unit, after, self._sealing.close(endpoint_id, plain))
            await unit.emit(_changed_event(ctx, after))
        return after, fresh

    async def ping(self, ctx: Context, endpoint_id: EndpointId) -> None:
        """Send a test, the way every event goes. Raises WebhookUnknown, WebhookOff."""
        async with self._db.unit(ctx) as unit:
            endpoint = await _enabled(unit, endpoint_id)
            await unit.emit(
                WebhookPinged(
                    tenant=ctx.tenant, at=ctx.now, endpoint=endpoint.id, host=host_of(endpoint.url)
                )
            )

    async def log(
        self,
        ctx: Context,
        endpoint_id: EndpointId,
        wanted: Wanted = FIRST_PAGE,
        *,
        state: State | None = None,
        kind: str | None = None,
    ) -> Page[Delivery]:
        """What was or is on its way to an endpoint, newest events first if in no other order.

        Raises WebhookUnknown, CursorInvalid, SortUnknown.
        """
        async with self._db.unit(ctx) as unit:
            await _read(unit, endpoint_id)
            return await store.log(unit, endpoint_id, wanted, state=state, kind=kind)

    async def delivery(
        self, ctx: Context, endpoint_id: EndpointId, message: str
    ) -> tuple[Delivery, str, Sequence[Attempt]]:
        """A delivery, the body that is sent, and what came of each attempt.

        The body is empty if the event is not kept any more. Raises DeliveryUnknown.
        """
        async with self._db.unit(ctx) as unit:
            found = await _delivery(unit, endpoint_id, message)
            body = await store.body_of(unit, found)
            attempts = await store.attempts_of(unit, endpoint_id, found.seq)
        if body is None:
            return found, "", attempts
        return found, rules.payload(found.type, found.at, body).decode(), attempts

    async def send_again(self, ctx: Context, endpoint_id: EndpointId, message: str) -> Delivery:
        """Begin a new round of attempts for one delivery, at once.

        Raises WebhookUnknown, WebhookOff, DeliveryUnknown.
        """
        async with self._db.unit(ctx) as unit:
            await _enabled(unit, endpoint_id)
            found = await _delivery(unit, endpoint_id, message)
            await store.send_again(unit, endpoint_id, found.seq, ctx.now)
            return await _delivery(unit, endpoint_id, message)

    async def replay(
        self,
        ctx: Context,
        endpoint_id: EndpointId,
        *,
        since: datetime,
        until: datetime,
        delivered_too: bool = False,
    ) -> int:
        """Send what happened between two moments: what failed, and what never was on its way.

        Returns how many deliveries that are, at most ``REPLAYED_AT_ONCE``, oldest first. Raises
        WebhookUnknown, WebhookOff, WebhookInvalid.
        """
        if since >= until:
            raise WebhookInvalid("the range ends before it begins")
        async with self._db.unit(ctx) as unit:
            await _enabled(unit, endpoint_id)
            return await store.replay(
                unit,
                endpoint_id,
                since=since,
                until=until,
                delivered_too=delivered_too,
                most=REPLAYED_AT_ONCE,
                now=ctx.now,
            )

    def types(self) -> Sequence[EventType]:
        """The catalogue of events."""
        return rules.event_types()

    def _check(self, url: str | None, types: Sequence[str], headers: Mapping[str, str]) -> None:
        if url is not None:
            self._outbound.check(url)
        fault = rules.fault_of_types(types) or rules.fault_of_headers(headers)
        if fault is not None:
            raise WebhookInvalid(fault)


def host_of(url: str) -> str:
    """The part of an address that is no secret."""
    return urlsplit(url).hostname or ""


def _new_secret() -> str:
    return rules.new_secret(secrets.token_bytes(rules.SECRET_BYTES))


def _changed(before: Endpoint, change: EndpointChange, ctx: Context) -> Endpoint:
    given = {
        name: value
        for name in ("url", "description", "types", "sites")
        if (value := getattr(change, name)) is not None
    }
    if change.headers is not None:
        given["header_names"] = tuple(change.headers)
    if change.enabled is True and before.disabled_at is not None:
        given |= {"disabled_at": None, "disabled_by": None, "failing_since": None}
    elif change.enabled is False and before.disabled_at is None:
        given |= {"disabled_at": ctx.now, "disabled_by": DisabledBy.PERSON}
    return msgspec.structs.replace(before, **given)


def _changed_event(ctx: Context, endpoint: Endpoint) -> WebhookChanged:
    return WebhookChanged(
        tenant=ctx.tenant, at=ctx.now, endpoint=endpoint.id, host=host_of(endpoint.url)
    )


async def _read(
    unit: Unit, endpoint_id: EndpointId, *, lock: bool = False
) -> tuple[Endpoint, bytes]:
    found = await store.find(unit, endpoint_id, lock=lock)
    if found is None:
        raise WebhookUnknown(f"there is no endpoint {endpoint_id!r}", endpoint=endpoint_id)
    return found


async def _enabled(unit: Unit, endpoint_id: EndpointId) -> Endpoint:
    endpoint, _ = await _read(unit, endpoint_id, lock=True)
    if endpoint.disabled_at is not None:
        raise WebhookOff("this endpoint is disabled; enable it first", endpoint=endpoint_id)
    return endpoint


async def _delivery(unit: Unit, endpoint_id: EndpointId, message: str) -> Delivery:
    seq = rules.seq_of(message)
    found = None if seq is None else await store.delivery(unit, endpoint_id, seq)
    if found is None:
        raise DeliveryUnknown(f"there is no delivery {message!r} to this endpoint")
    return found
