"""The room's verbs: take what stations notice and report, and show it.

Verbs with ``changes`` leave rows for the group commit; the others are units of work of their own.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final, Unpack

import msgspec

from forecourt.base import pages
from forecourt.base.context import Context
from forecourt.base.ids import StationId
from forecourt.base.pages import FIRST_PAGE, Wanted
from forecourt.domain.monitoring import rules, store
from forecourt.domain.monitoring.model import (
    EVENTS_A_MESSAGE_MAX,
    STREAMS_MAX,
    Alarm,
    AlarmAcknowledged,
    AlarmCleared,
    AlarmFields,
    AlarmName,
    AlarmRaised,
    AlarmSource,
    AlarmUnknown,
    Cause,
    Display,
    Monitor,
    Page,
    Report,
    ReportEnded,
    ReportKind,
    ReportState,
    ReportTooLarge,
    ReportUnfinished,
    ReportUnknown,
    StationAlarm,
    Stream,
    StreamClosed,
    StreamOpened,
    StreamValue,
    VariableEvent,
    VariableEventFields,
    VariableReported,
    VendorSaid,
    alarm_key,
)
from forecourt.domain.stations import (
    Answer,
    Ask,
    ClearDisplayMessage,
    ClearVariableMonitoring,
    MonitorResults,
    SecurityReported,
)
from forecourt.infra.commit import Changes
from forecourt.infra.database import Database, Unit, emit

GONE: Final = frozenset({"Accepted", "NotFound"})
"""A station's word for a monitor that is there no longer."""


class Monitoring:
    """Everything that stations notice by themselves."""

    HEARS: Final = (ClearDisplayMessage, ClearVariableMonitoring)
    """Commands whose answers matter here."""

    def __init__(self, db: Database, *, vendors: Collection[str] = ()) -> None:
        self._db = db
        self._vendors = frozenset(vendor.casefold() for vendor in vendors)
        """Vendors whose own messages the operator wants to hear."""
        self._shares: dict[StationId, rules.Share] = {}

    # ---- for the gateway: events, alarms, streams -----------------------------------------------

    async def noticed(
        self, ctx: Context, station: StationId, events: Sequence[VariableEvent]
    ) -> None:
        """A station noticed something; alerts raise alarms, or clear them.

        Raises ReportTooLarge.
        """
        _fits(len(events))
        async with self._db.unit(ctx) as unit:
            unsaid = {e.monitor_no for e in events if e.severity is None and e.monitor_no}
            known = await store.severities(unit, station, list(unsaid)) if unsaid else {}
            whole = [
                event
                if event.severity is not None or event.monitor_no is None
                else msgspec.structs.replace(event, severity=known.get(event.monitor_no))
                for event in events
            ]
            await store.add_events(unit, station, ctx.tenant, whole, ctx.now)
            await unit.emit(*(_told(ctx, station, event) for event in whole))
            for event in whole:
                if (alarm := rules.variable_alarm(event, ctx.now)) is not None:
                    await self._raise(unit, ctx, station, alarm)
                elif event.cause is Cause.ALERTING:
                    key = alarm_key(event)
                    await self._clear(unit, ctx, station, AlarmSource.VARIABLE, key)

    def measured(
        self, ctx: Context, station: StationId, events: Sequence[VariableEvent], changes: Changes
    ) -> None:
        """The same for events that only tell values: nothing is to be looked up.

        Raises ReportTooLarge.
        """
        _fits(len(events))
        for event in events:
            row = store.event_row(station, ctx.tenant, event, ctx.now)
            changes.write(store.VARIABLE_EVENTS, row)
            emit(changes, _told(ctx, station, event))

    async def security_reported(
        self, ctx: Context, station: StationId, *, kind: str, reported_at: datetime, info: str
    ) -> None:
        """The station noticed something about its security; what is alarming raises an alarm."""
        fact = SecurityReported(
            tenant=ctx.tenant,
            at=ctx.now,
            station=station,
            kind=kind,
            critical=rules.security(kind).critical,
            reported_at=reported_at,
            info=info,
        )
        async with self._db.unit(ctx) as unit:
            await unit.emit(fact)
            if (alarm := rules.security_alarm(kind, info, ctx.now)) is not None:
                await self._raise(unit, ctx, station, alarm)

    async def raise_alarm(self, ctx: Context, station: StationId, alarm: Alarm) -> None:
        """Somebody should look. One that is up already is only brought up to date."""
        async with self._db.unit(ctx) as unit:
            await self._raise(unit, ctx, station, alarm)

    async def clear_alarm(
        self, ctx: Context, station: StationId, source: AlarmSource, key: str
    ) -> None:
        """What an alarm told is over; nothing happens where none is up."""
        async with self._db.unit(ctx) as unit:
            await self._clear(unit, ctx, station, source, key)

    async def open_stream(self, ctx: Context, station: StationId, stream: Stream) -> str | None:
        """A station wants to send values all the time; why it may not, or None."""
        async with self._db.unit(ctx) as unit:
            opened = [s.stream_no for s in await store.streams_of(unit, station, only_open=True)]
            refusal = rules.stream_refusal(
                opened, stream.stream_no, interval_s=stream.interval_s, values=stream.values
            )
            if refusal is None:
                await store.put_stream(unit, station, ctx.tenant, stream, most=4 * STREAMS_MAX)
                await unit.emit(
                    StreamOpened(
                        tenant=ctx.tenant,
                        at=ctx.now,
                        station=station,
                        stream_no=stream.stream_no,
                        monitor_no=stream.monitor_no,
                    )
                )
        return refusal

    async def close_stream(self, ctx: Context, station: StationId, stream_no: int) -> None:
        """A stream is over; one that was not open is over as well."""
        async with self._db.unit(ctx) as unit:
            if await store.close_stream(unit, station, stream_no, ctx.now):
                await unit.emit(
                    StreamClosed(
                        tenant=ctx.tenant, at=ctx.now, station=station, stream_no=stream_no
                    )
                )

    def streamed(
        self, ctx: Context, station: StationId, values: Sequence[StreamValue], changes: Changes
    ) -> int:
        """Values of a stream, as many as this station may send in a minute; how many were kept.

        Those of a stream that is not open are dropped by the database.
        """
        self._shares[station], taken = rules.stream_share(
            self._shares.get(station), len(values), ctx.now
        )
        for value in values[:taken]:
            changes.write(
                store.STREAM_VALUES,
                (station, value.at, value.stream_no, ctx.tenant, ctx.now, value.value),
            )
        return taken

    def vendor_said(
        self,
        ctx: Context,
        station: StationId,
        changes: Changes,
        *,
        vendor: str,
        message: str,
        data: str,
    ) -> bool:
        """A vendor's own message: told to whoever listens, if the operator wants to hear it."""
        if vendor.casefold() not in self._vendors:
            return False
        emit(
            changes,
            VendorSaid(
                tenant=ctx.tenant,
                at=ctx.now,
                station=station,
                vendor=vendor,
                message=message,
                data=data,
            ),
        )
        return True

    # ---- for the gateway: reports ---------------------------------------------------------------

    async def monitors_reported(
        self, ctx: Context, station: StationId, page: Page, found: Sequence[Monitor]
    ) -> None:
        """A page of a monitoring report. Raises TooManyRows."""
        async with self._db.unit(ctx) as unit:
            await store.put_monitors(unit, station, ctx.tenant, found, ctx.now)
            await self._turn(unit, ctx, station, page)

    async def displays_reported(
        self, ctx: Context, station: StationId, page: Page, found: Sequence[Display]
    ) -> None:
        """A page of the messages that a station has to show. Raises TooManyRows."""
        async with self._db.unit(ctx) as unit:
            await store.put_displays(unit, station, ctx.tenant, found, ctx.now)
            await self._turn(unit, ctx, station, page)

    async def customer_reported(
        self, ctx: Context, station: StationId, page: Page, data: str
    ) -> None:
        """A part of what a station knows of a customer. Raises TooManyRows."""
        async with self._db.unit(ctx) as unit:
            await store.put_customer_page(unit, station, ctx.tenant, page, data=data, now=ctx.now)
            await self._turn(unit, ctx, station, page)

    async def page_reported(self, ctx: Context, station: StationId, page: Page) -> None:
        """A page of a report whose contents another room keeps."""
        async with self._db.unit(ctx) as unit:
            await self._turn(unit, ctx, station, page)

    async def answered(
        self, ctx: Context, station: StationId, command: Ask, answer: Answer
    ) -> None:
        """A station shows or watches something no longer, as we asked."""
        match command:
            case ClearDisplayMessage():
                async with self._db.unit(ctx) as unit:
                    await store.take_away(unit, station, shown=[command.id])
            case ClearVariableMonitoring() if isinstance(answer.details, MonitorResults):
                gone = [
                    result.id
                    for result in answer.details.monitors
                    if result.id is not None and result.status in GONE
                ]
                async with self._db.unit(ctx) as unit:
                    await store.take_away(unit, station, watched=gone)
            case _:
                pass

    # ---- for everybody --------------------------------------------------------------------------

    async def alarms(
        self, ctx: Context, station: StationId, *, up: bool | None = True
    ) -> Sequence[Alarm]:
        """Alarms of a station, the worst first; ``up`` None: also those that are over."""
        async with self._db.unit(ctx) as unit:
            return await store.alarms_of(unit, station, up=up)

    async def standing_alarms(self, ctx: Context) -> int:
        """How many alarms are up, of all stations."""
        async with self._db.unit(ctx) as unit:
            return await store.standing(unit)

    async def list_alarms(
        self, ctx: Context, wanted: Wanted = FIRST_PAGE, **fit: Unpack[AlarmFields]
    ) -> pages.Page[StationAlarm]:
        """Alarms of all stations that fit. Raises CursorInvalid, SortUnknown."""
        async with self._db.view(ctx) as unit:
            return await store.page(unit, wanted, fit)

    async def acknowledge(self, ctx: Context, names: Sequence[AlarmName]) -> None:
        """Somebody has looked at these; who did first is kept. Raises AlarmUnknown, and none is."""
        async with self._db.unit(ctx) as unit:
            for name in names:
                fresh = await store.acknowledge_alarm(unit, name, ctx.actor, ctx.now)
                if fresh is None:
                    raise _not_up(name)
                if fresh:
                    await unit.emit(
                        AlarmAcknowledged(
                            tenant=ctx.tenant,
                            at=ctx.now,
                            station=name.station,
                            source=name.source,
                            key=name.key,
                            by=ctx.actor,
                        )
                    )

    async def take_down(self, ctx: Context, names: Sequence[AlarmName]) -> None:
        """Somebody says that these are over, until they come back. Raises AlarmUnknown."""
        async with self._db.unit(ctx) as unit:
            for name in names:
                if not await self._clear(unit, ctx, name.station, name.source, name.key):
                    raise _not_up(name)

    async def events(
        self,
        ctx: Context,
        station: StationId,
        wanted: Wanted = FIRST_PAGE,
        **fit: Unpack[VariableEventFields],
    ) -> pages.Page[VariableEvent]:
        """Variable events of a station that fit, newest first if in no other order.

        Raises CursorInvalid, SortUnknown.
        """
        async with self._db.view(ctx) as unit:
            return await store.events_page(unit, station, wanted, fit)

    async def monitors(
        self, ctx: Context, station: StationId
    ) -> Sequence[tuple[Monitor, datetime]]:
        """What a station watches, and when it said so."""
        async with self._db.unit(ctx) as unit:
            return await store.monitors_of(unit, station)

    async def displays(
        self, ctx: Context, station: StationId
    ) -> Sequence[tuple[Display, datetime]]:
        """What a station has to show, and when it said so."""
        async with self._db.unit(ctx) as unit:
            return await store.displays_of(unit, station)

    async def reports(self, ctx: Context, station: StationId) -> Sequence[Report]:
        """The last reports of a station, newest first."""
        async with self._db.unit(ctx) as unit:
            return await store.reports_of(unit, station)

    async def customer(self, ctx: Context, station: StationId, request_id: int) -> str:
        """What a station knows of a customer, once all of it is there.

        Raises ReportUnknown, ReportUnfinished.
        """
        async with self._db.unit(ctx) as unit:
            report = await store.find_report(unit, station, ReportKind.CUSTOMER, request_id)
            if report is None:
                raise ReportUnknown(f"station {station} sent no customer report {request_id}")
            if (state := rules.state(report, ctx.now)) is not ReportState.COMPLETE:
                raise ReportUnfinished(f"customer report {request_id} is {state.value}")
            pages = await store.customer_text(unit, station, request_id, since=report.begun_at)
        if not pages:
            raise ReportUnknown(f"customer report {request_id} is no longer kept")
        return "".join(pages)

    async def streams(self, ctx: Context, station: StationId) -> Sequence[Stream]:
        """The streams of a station, also those that were closed lately."""
        async with self._db.unit(ctx) as unit:
            return await store.streams_of(unit, station)

    async def stream_values(
        self,
        ctx: Context,
        station: StationId,
        stream_no: int,
        wanted: Wanted = FIRST_PAGE,
    ) -> pages.Page[StreamValue]:
        """Values of a stream, newest first if in no other order.

        Raises CursorInvalid, SortUnknown.
        """
        async with self._db.view(ctx) as unit:
            return await store.stream_values_page(unit, station, stream_no, wanted)

    async def forget(self, ctx: Context, station: StationId) -> None:
        """A station was removed: what it noticed is told by its events."""
        async with self._db.unit(ctx) as unit:
            await store.forget(unit, station)

    # ---- inside ---------------------------------------------------------------------------------

    async def _turn(self, unit: Unit, ctx: Context, station: StationId, page: Page) -> None:
        """Note that a page came; tell when it was the last that was missing."""
        before = await store.find_report(unit, station, page.kind, page.request_id)
        after = rules.turned(before, page, ctx.now)
        await store.put_report(unit, station, ctx.tenant, after)
        if after.ended and (before is None or (before.ended, before.pages) != (True, after.pages)):
            await unit.emit(
                ReportEnded(
                    tenant=ctx.tenant,
                    at=ctx.now,
                    station=station,
                    kind=page.kind,
                    request_id=page.request_id,
                    missing=rules.missing(after),
                )
            )

    async def _raise(self, unit: Unit, ctx: Context, station: StationId, alarm: Alarm) -> None:
        if await store.raise_alarm(unit, station, ctx.tenant, alarm):
            await unit.emit(
                AlarmRaised(
                    tenant=ctx.tenant,
                    at=ctx.now,
                    station=station,
                    source=alarm.source,
                    key=alarm.key,
                    severity=alarm.severity,
                    text=alarm.text,
                )
            )

    async def _clear(
        self, unit: Unit, ctx: Context, station: StationId, source: AlarmSource, key: str
    ) -> bool:
        cleared = await store.clear_alarm(unit, station, source, key, ctx.now)
        if cleared:
            await unit.emit(
                AlarmCleared(
                    tenant=ctx.tenant,
                    at=ctx.now,
                    station=station,
                    source=source,
                    key=key,
                    by=ctx.actor,
                )
            )
        return cleared


def _fits(count: int) -> None:
    if count > EVENTS_A_MESSAGE_MAX:
        raise ReportTooLarge(f"no more than {EVENTS_A_MESSAGE_MAX} events in one message")


def _told(ctx: Context, station: StationId, event: VariableEvent) -> VariableReported:
    return VariableReported(
        tenant=ctx.tenant,
        at=ctx.now,
        station=station,
        event_no=event.event_no,
        happened_at=event.at,
        cause=event.cause,
        component=event.point.component,
        variable=event.point.variable,
        evse_no=event.point.evse_no,
        value=event.value,
        cleared=event.cleared,
        severity=event.severity,
        monitor_no=event.monitor_no,
        transaction=event.transaction,
    )


def _not_up(name: AlarmName) -> AlarmUnknown:
    what = f"{name.source.value} {name.key!r}"
    return AlarmUnknown(f"no alarm {what} is up for station {name.station}", station=name.station)
