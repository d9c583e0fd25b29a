"""The room's verbs.

Two kinds: those with ``changes`` are the hot path, plain functions over live state whose rows the
group commit writes; the others are units of work of their own.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Unpack

import msgspec

from forecourt.base.context import Context
from forecourt.base.digest import Digest, digest
from forecourt.base.ids import StationId, TenantId, new_id
from forecourt.base.pages import FIRST_PAGE, Page, Wanted
from forecourt.domain import sites
from forecourt.domain.stations import rules, store
from forecourt.domain.stations.commands import (
    Answer,
    Ask,
    Outcome,
    Raw,
    SetNetworkProfile,
    recorded,
)
from forecourt.domain.stations.model import (
    Admission,
    Arrival,
    BootReport,
    CommandAnswered,
    Connector,
    ConnectorChanged,
    ConnectorFields,
    Credentials,
    Door,
    Entry,
    Kept,
    LiveStation,
    NewStation,
    Outlet,
    PasswordChanged,
    Ping,
    Ports,
    QuirkUse,
    Shut,
    Station,
    StationAdded,
    StationChanged,
    StationConnected,
    StationDisconnected,
    StationEvent,
    StationExists,
    StationFields,
    StationLoginFailed,
    StationMisbehaved,
    StationNotified,
    StationOffline,
    StationSecured,
    StationUnknown,
    StatusReport,
    Variable,
)
from forecourt.domain.stations.service.history import History
from forecourt.domain.stations.service.links import Links
from forecourt.domain.stations.service.securing import Securing, Vouching
from forecourt.domain.stations.service.showcase import Showcase
from forecourt.domain.tenants import Scope, permit
from forecourt.infra.commit import Changes
from forecourt.infra.database import Database, emit

# How stale "last seen" may be in the database; nobody decides anything by less.
SEEN_EVERY: Final = timedelta(minutes=5)
# A large station has a few thousand; one that tells more fills our disk, not its device model.
VARIABLES_MAX: Final = 10_000


class Stations:
    """Everything that can be done to a station, and everything that it can tell."""

    def __init__(
        self, db: Database, *, links: Links, secret_key: bytes, vouching: Vouching | None = None
    ) -> None:
        self._db = db
        self._links = links
        self._secret_key = secret_key
        self.securing = Securing(
            db, put=self.command, digest=self.digest, at_once=self._at_once, vouching=vouching
        )
        """New passwords and higher security profiles, over the station's own line."""
        self.history = History(db)
        """Raw messages and events."""
        self.showcase = Showcase(db)
        """Lists of what somebody makes of stations, again and again."""

    # ---- for operators ----------------------------------------------------------------------

    async def add(self, ctx: Context, new: NewStation) -> Station:
        """Make a station known. Raises StationExists, StationIdInvalid."""
        added = await self.add_many(ctx, [new])
        if not added:
            raise StationExists(f"a station {new.id!r} exists already", station=new.id)
        return added[0]

    async def add_many(self, ctx: Context, new: Iterable[NewStation]) -> list[Station]:
        """Make stations known. Those that were known stay as they are and are not returned."""
        rows = [
            (
                Station(
                    id=rules.station_id(n.id),
                    tenant=ctx.tenant,
                    admission=n.admission,
                    site=n.site,
                    lenient=n.lenient,
                    quirks=n.quirks,
                    log_all=n.log_all,
                    security_profile=rules.least_profile(
                        password=n.password is not None, wanted=n.security_profile
                    ),
                    certificate_name=n.certificate_name,
                    ping=n.ping,
                    has_password=n.password is not None,
                    created_at=ctx.now,
                ),
                None if n.password is None else self.digest(n.password),
            )
            for n in new
        ]
        async with self._db.unit(ctx) as unit:
            await sites.ensure(unit, ctx, (station.site for station, _ in rows))
            fresh = await store.add(unit, rows)
            added = [station for station, _ in rows if station.id in fresh]
            await unit.emit(
                *(
                    StationAdded(
                        tenant=ctx.tenant,
                        at=ctx.now,
                        station=station.id,
                        admission=station.admission,
                    )
                    for station in added
                )
            )
        return added

    async def change(
        self,
        ctx: Context,
        station: StationId,
        *,
        admission: Admission | None = None,
        password: bytes | None = None,
        site: str | None = None,
        lenient: bool | None = None,
        quirks: str | None = None,
        log_all: bool | None = None,
        security_profile: int | None = None,
        lower: bool = False,
        certificate_name: str | None = None,
        ping: Ping | None = None,
        no_password: bool = False,
    ) -> Station:
        """Change what is given; None leaves a thing as it is.

        Raises StationUnknown, SecurityDowngrade (the least profile falls only with ``lower``, for a
        station that was reset), PasswordNeeded (its profile wants the one that it shall lose).
        """
        values: dict[str, object] = {
            name: value
            for name, value in (
                ("admission", None if admission is None else admission.value),
                ("site", site),
                ("lenient", lenient),
                ("quirks", quirks),
                ("log_all", log_all),
                ("certificate_name", certificate_name),
                ("ping", None if ping is None else ping.value),
            )
            if value is not None
        }
        async with self._db.unit(ctx) as unit:
            door = await store.door(unit, station)
            if door is None:
                raise _unknown(station)
            if password is not None or no_password:
                secret = None if password is None else self.digest(password)
                values |= {"password": secret, "password_next": None}
            has_password = values.get("password", door.password) is not None
            if security_profile is None and password is not None and not door.security_profile:
                security_profile = 1
            values["security_profile"] = rules.secured(
                door, security_profile, password=has_password, lower=lower
            )
            if lower:
                values["profile_wanted"] = None
            if site is not None:
                await sites.ensure(unit, ctx, [site])
            await store.change(unit, station, values)
            await unit.emit(StationChanged(tenant=ctx.tenant, at=ctx.now, station=station))
            found = await store.find(unit, station)
        if found is None:
            raise _unknown(station)
        return found

    async def remove(self, ctx: Context, station: StationId) -> None:
        """Forget a station; its sessions and messages stay. Raises StationUnknown."""
        async with self._db.unit(ctx) as unit:
            if not await store.remove(unit, station):
                raise _unknown(station)
            await unit.emit(StationChanged(tenant=ctx.tenant, at=ctx.now, station=station))

    async def read(self, ctx: Context, station: StationId) -> tuple[Station, list[Connector]]:
        """A station and its connectors. Raises StationUnknown."""
        async with self._db.view(ctx) as unit:
            found = await store.find(unit, station)
            if found is None:
                raise _unknown(station)
            connectors = await store.connectors_of(unit, [station])
        return found, connectors.get(station, [])

    async def list(
        self,
        ctx: Context,
        wanted: Wanted = FIRST_PAGE,
        **fit: Unpack[StationFields],
    ) -> Page[tuple[Station, list[Connector]]]:
        """Stations whose fields have the given values, with their connectors.

        Raises CursorInvalid, SortUnknown.
        """
        async with self._db.view(ctx) as unit:
            found = await store.page(unit, wanted, {**fit})
            connectors = await store.connectors_of(unit, [one.id for one in found.items])
        items = [(station, connectors.get(station.id, [])) for station in found.items]
        return Page(items=items, next=found.next)

    async def variables(self, ctx: Context, station: StationId) -> Sequence[Variable]:
        """What the station has, as it last told it."""
        kept = await self.inventory(ctx, station)
        return [each.variable for each in kept if each.gone_at is None]

    async def inventory(self, ctx: Context, station: StationId) -> Sequence[Kept]:
        """The same with when it was told, and with what is gone."""
        async with self._db.view(ctx) as unit:
            return await store.variables_of(unit, station, limit=VARIABLES_MAX)

    async def networks(
        self, ctx: Context, station: StationId
    ) -> Sequence[tuple[SetNetworkProfile, datetime]]:
        """The ways to reach us that it was given and took, by slot; secrets are hidden."""
        async with self._db.view(ctx) as unit:
            return await store.networks_of(unit, station)

    async def forget_variables(self, ctx: Context, station: StationId) -> int:
        """Keep the newest of what a station told, and no more than it may; how many went."""
        async with self._db.unit(ctx) as unit:
            return await store.prune_variables(unit, station, most=VARIABLES_MAX)

    async def variables_gone(self, ctx: Context, station: StationId, *, since: datetime) -> int:
        """A report of everything that began then did not name the others; how many are gone."""
        async with self._db.unit(ctx) as unit:
            return await store.variables_gone(
                unit, station, since=since, now=ctx.now, most=VARIABLES_MAX
            )

    async def quirk_uses(self, ctx: Context, station: StationId) -> Sequence[QuirkUse]:
        """What was forgiven a station and how often, the newest first; up to a minute late."""
        async with self._db.view(ctx) as unit:
            return await store.quirk_uses_of(unit, station)

    async def outlets(
        self, ctx: Context, wanted: Wanted = FIRST_PAGE, **fit: Unpack[ConnectorFields]
    ) -> Page[Outlet]:
        """Connectors of all stations that fit. Raises CursorInvalid, SortUnknown."""
        async with self._db.view(ctx) as unit:
            return await store.connectors_page(unit, wanted, fit)

    async def counts(self, ctx: Context) -> dict[str, int]:
        """How many are known and connected."""
        async with self._db.unit(ctx) as unit:
            return await store.counts(unit)

    async def house_counts(self) -> dict[str, int]:
        """The same of all tenants: for the metrics page, which names none."""
        async with self._db.house_unit() as unit:
            return await store.counts(unit)

    async def connector_counts(self, ctx: Context) -> dict[str, int]:
        """How many connectors are in each state."""
        async with self._db.unit(ctx) as unit:
            return await store.connector_counts(unit)

    async def ports(self, ctx: Context, site: str | None = None) -> Mapping[str, Ports]:
        """How the ports are, by site; of one site alone, if it is named."""
        async with self._db.unit(ctx) as unit:
            return rules.ports(await store.port_counts(unit, site))

    async def command(self, ctx: Context, station: StationId, command: Ask) -> Answer:
        """Ask a connected station to do something; returns its own answer.

        Recorded with its answer. Raises StationUnknown, StationOffline (it is not connected),
        ScopeMissing.
        """
        if isinstance(command, Raw):
            permit(ctx, Scope.RAW)
        command_id = new_id("cmd", ctx.now)
        async with self._db.unit(ctx) as unit:
            if await store.find(unit, station) is None:
                raise _unknown(station)
            link = self._links.find(station)
            if link is None:
                raise StationOffline(f"station {station} is not connected", station=station)
            await store.record_command(
                unit,
                {
                    "command_id": command_id,
                    "tenant_id": ctx.tenant,
                    "station_id": station,
                    "actor": ctx.actor,
                    "command": recorded(command),
                    "asked_at": ctx.now,
                },
            )
            known = await store.values_of(unit, station, link.judged_by)
        gives_password = await self.securing.offered(ctx, station, command)
        started_s = asyncio.get_running_loop().time()
        answer = await link.ask(command, known)
        if gives_password:
            await self.securing.declined(ctx, station, answer)
        took = timedelta(seconds=asyncio.get_running_loop().time() - started_s)
        async with self._db.unit(ctx) as unit:
            await store.settle_command(
                unit,
                command_id,
                {
                    "outcome": answer.outcome.value,
                    "answer": msgspec.to_builtins(answer),
                    "answered_at": ctx.now + took,
                },
            )
            await unit.emit(
                CommandAnswered(
                    tenant=ctx.tenant,
                    at=ctx.now + took,
                    station=station,
                    command_id=command_id,
                    command=str(command.__struct_config__.tag),
                    outcome=answer.outcome.value,
                )
            )
        return answer

    async def _at_once(self, station: StationId) -> None:
        """The door here knows of a change before the station can act on it."""
        if self._links.at_once is not None:
            await self._links.at_once(station)

    async def answered(
        self, ctx: Context, command_id: str, kinds: Sequence[type[Ask]]
    ) -> tuple[Ask, Answer] | None:
        """A command of these kinds and its answer, as they were kept: without their secrets."""
        async with self._db.unit(ctx) as unit:
            found = await store.find_command(unit, command_id)
        if found is None or found[1] is None:
            return None
        said, answer = found
        for kind in kinds:
            if kind.__struct_config__.tag == said["command"]:
                try:
                    return msgspec.convert(said, kind), msgspec.convert(answer, Answer)
                except msgspec.ValidationError:
                    return None  # A release before this one kept it in other words.
        return None

    # ---- for the gateway: the door ----------------------------------------------------------

    def digest(self, password: bytes) -> Digest:
        """A station's password as it is kept."""
        return digest(password, key=self._secret_key, use="station")

    async def doors(self, ids: Sequence[StationId] | None = None) -> Sequence[Door]:
        """What a listener must know, of all stations or of some."""
        async with self._db.house_unit() as unit:
            return await store.doors(unit, ids)

    def credentials(self, password: bytes | None) -> tuple[Digest, ...]:
        """A password that was sent, in every form in which we may know it."""
        return () if password is None else tuple(map(self.digest, rules.forms(password)))

    def enter(self, door: Door, brought: Credentials, owner: str = "") -> Entry | Shut:
        """Whether a station may come in with what it brought."""
        return rules.enter(door, brought, owner=owner)

    def login_failed(
        self, ctx: Context, door: Door, shut: Shut, changes: Changes, *, address: str, attempts: int
    ) -> None:
        """Somebody who says to be this station was not let in."""
        emit(
            changes,
            StationLoginFailed(
                tenant=ctx.tenant,
                at=ctx.now,
                station=door.id,
                reason=shut,
                address=address,
                attempts=attempts,
            ),
        )

    async def connect(
        self, arrivals: Sequence[Arrival], gateway: str
    ) -> dict[StationId, LiveStation]:
        """Note that these stations connected, and load their live state.

        Each gets its next epoch, so that whoever held it before can change its rows no more.
        """
        async with self._db.house_unit() as unit:
            found = await store.connect(unit, arrivals, gateway)
            connectors = await store.connectors_of(unit, list(found))
            await unit.emit(*(event for one in found.values() for event in _connected(one)))
        return {
            name: LiveStation(
                one.station,
                one.epoch,
                {(c.evse_no, c.connector_no): c for c in connectors.get(name, [])},
            )
            for name, one in found.items()
        }

    async def forget_connections(self, gateway: str, now: datetime) -> int:
        """After a crash: what this gateway held is not connected any more."""
        async with self._db.house_unit() as unit:
            return await store.forget_connections(unit, gateway, now)

    # ---- for the gateway: the hot path ------------------------------------------------------

    def disconnected(self, ctx: Context, live: LiveStation, reason: str, changes: Changes) -> None:
        """The socket of this epoch is gone."""
        station = live.station.id
        changes.write(store.GONE, (station, live.epoch, ctx.now))
        emit(
            changes,
            StationDisconnected(
                tenant=ctx.tenant, at=ctx.now, station=station, epoch=live.epoch, reason=reason
            ),
        )

    def seen(self, ctx: Context, live: LiveStation, changes: Changes) -> None:
        """The station said something: tell its record. Due again at ``live.seen_due``."""
        live.seen_due = ctx.now + SEEN_EVERY
        changes.write(store.SEEN, (live.station.id, live.epoch, ctx.now))

    def boot(
        self, ctx: Context, live: LiveStation, report: BootReport, changes: Changes
    ) -> Admission:
        """A station woke up; whether it may take part."""
        live.station, fact = rules.boot(live.station, report, ctx)
        s = live.station
        changes.write(
            store.BOOTS,
            (
                *(s.id, live.epoch, s.vendor, s.model, s.serial, s.firmware, s.iccid, s.imsi),
                *(s.boot_reason, ctx.now),
            ),
        )
        emit(changes, fact)
        return s.admission

    def status(
        self, ctx: Context, live: LiveStation, report: StatusReport, changes: Changes
    ) -> ConnectorChanged | None:
        """A connector's state as the station reports it; what changed by it, if anything."""
        key = (report.evse_no, report.connector_no)
        before = live.connectors.get(key)
        after, fact = rules.status(before, report, live.station.id, ctx)
        if after is before:
            return None
        live.connectors[key] = after
        changes.write(store.CONNECTORS, store.connector_row(after, ctx.tenant, live.epoch))
        if fact is not None:
            emit(changes, fact)
        return fact

    def variables_reported(
        self, ctx: Context, station: StationId, variables: Iterable[Variable], changes: Changes
    ) -> None:
        """Part of a device model, or configuration keys."""
        for variable in variables:
            row = store.variable_row(station, ctx.tenant, variable, ctx.now)
            changes.write(store.VARIABLES, row)

    def quirks_used(self, uses: Iterable[QuirkUse], changes: Changes) -> None:
        """What was counted since it was told last."""
        for u in uses:
            row = (u.station, u.fix, u.tenant, u.uses, u.first_at, u.last_at)
            changes.write(store.QUIRK_USES, row)

    def notified(
        self, ctx: Context, station: StationId, changes: Changes, *, what: str, body: str
    ) -> None:
        """Something that no room acts on yet; kept as the station said it."""
        emit(
            changes,
            StationNotified(tenant=ctx.tenant, at=ctx.now, station=station, what=what, body=body),
        )

    def misbehaved(
        self, ctx: Context, station: StationId, changes: Changes, *, what: str, detail: str
    ) -> None:
        """The station broke the protocol, or we forgave it something."""
        emit(
            changes,
            StationMisbehaved(
                tenant=ctx.tenant, at=ctx.now, station=station, what=what, detail=detail
            ),
        )

    def log(
        self,
        station: StationId,
        tenant: TenantId,
        changes: Changes,
        *,
        at: datetime,
        inbound: bool,
        action: str,
        frame: bytes,
        note: str = "",
    ) -> None:
        """Keep a raw message."""
        direction = "in" if inbound else "out"
        changes.write(store.MESSAGES, (station, at, tenant, direction, action, note, frame))


def failed(outcome: Outcome, reason: str) -> Answer:
    """An answer that the station did not give."""
    return Answer(outcome=outcome, reason=reason)


def _connected(one: store.Connected) -> Iterator[StationEvent]:
    """What there is to tell of a station that connected."""
    s = one.station
    at = s.connected_at or s.created_at
    yield StationConnected(
        tenant=s.tenant, at=at, station=s.id, protocol=s.protocol, epoch=one.epoch
    )
    if one.password_changed:
        yield PasswordChanged(tenant=s.tenant, at=at, station=s.id)
    if one.secured:
        yield StationSecured(
            tenant=s.tenant,
            at=at,
            station=s.id,
            profile=s.security_profile,
            before=one.profile_before,
        )
    if one.password_changed or one.secured:
        yield StationChanged(tenant=s.tenant, at=at, station=s.id)


def _unknown(station: StationId) -> StationUnknown:
    return StationUnknown(f"there is no station {station!r}", station=station)
