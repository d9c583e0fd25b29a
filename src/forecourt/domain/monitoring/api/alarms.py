"""Routes about alarms of the whole network."""

from datetime import datetime
from typing import Annotated

from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody, QueryParameter
from msgspec import Meta, Struct

from forecourt.base.context import Context
from forecourt.base.ids import StationId
from forecourt.base.pages import Wanted
from forecourt.base.text import PRINTABLE
from forecourt.domain.monitoring.model import (
    ALARM_SORTS,
    AlarmName,
    AlarmSource,
    AlarmState,
    StationAlarm,
)
from forecourt.domain.monitoring.service import Monitoring

# The framework keeps the name ``state`` of a parameter for itself.
InState = Annotated[AlarmState | None, QueryParameter(name="state", description="In this state.")]
Severity = Annotated[int | None, QueryParameter(ge=0, le=9, description="This bad, or worse.")]
Since = Annotated[datetime | None, QueryParameter(description="Raised then or later.")]


class NetworkAlarmView(Struct, frozen=True, kw_only=True):
    """Something that somebody should look at, and where."""

    station: str
    site: str
    source: AlarmSource
    key: str
    state: AlarmState
    severity: int
    """0 danger, 1 hardware, 2 system, 3 critical, 4 error, 5 alert, 6 warning … 9 debug."""
    text: str
    raised_at: datetime
    age_s: int
    """How long it was up, or is."""
    acknowledged_at: datetime | None
    acknowledged_by: str
    cleared_at: datetime | None


class NetworkAlarmPage(Struct, frozen=True, kw_only=True):
    """Alarms."""

    items: list[NetworkAlarmView]
    next: str | None


class NamedAlarm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which alarm of which station."""

    station: Annotated[str, Meta(min_length=1, max_length=48, pattern=PRINTABLE)]
    source: AlarmSource
    key: Annotated[str, Meta(min_length=1, max_length=300, pattern=PRINTABLE)]


class NamedAlarms(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which alarms are meant."""

    alarms: Annotated[tuple[NamedAlarm, ...], Meta(min_length=1, max_length=500)]


class AlarmRoutes(Controller):
    """Alarms of all stations."""

    path = "/alarms"
    tags = ("Monitoring",)

    @get(operation_id="list_network_alarms", sorts=ALARM_SORTS, summary="Alarms of all stations")
    async def page(
        self,
        ctx: NamedDependency[Context],
        monitoring: NamedDependency[Monitoring],
        search: NamedDependency[Wanted],
        *,
        state_: InState = None,
        station: FromQuery[str | None] = None,
        site: FromQuery[str | None] = None,
        source: FromQuery[AlarmSource | None] = None,
        severity_max: Severity = None,
        since: Since = None,
    ) -> NetworkAlarmPage:
        """Alarms, newest first. A search looks at station, key and text."""
        found = await monitoring.list_alarms(
            ctx,
            search,
            state=state_,
            station=None if station is None else StationId(station),
            site=site,
            source=source,
            severity_max=severity_max,
            since=since,
        )
        return NetworkAlarmPage(
            items=[network_alarm_view(one, ctx.now) for one in found.items], next=found.next
        )

    @post(
        "/acknowledgements",
        operation_id="acknowledge_alarms",
        summary="Acknowledge alarms",
        status_code=204,
    )
    async def acknowledge(
        self,
        ctx: NamedDependency[Context],
        monitoring: NamedDependency[Monitoring],
        data: JSONBody[NamedAlarms],
    ) -> None:
        """Somebody has looked at these; they stay up until what they told is over."""
        await monitoring.acknowledge(ctx, _names(data))

    @post("/clearances", operation_id="clear_alarms", summary="Take alarms down", status_code=204)
    async def clear(
        self,
        ctx: NamedDependency[Context],
        monitoring: NamedDependency[Monitoring],
        data: JSONBody[NamedAlarms],
    ) -> None:
        """What these told is over, also where no station will say so; they may come back."""
        await monitoring.take_down(ctx, _names(data))


def _names(data: NamedAlarms) -> list[AlarmName]:
    return [
        AlarmName(station=StationId(one.station), source=one.source, key=one.key)
        for one in data.alarms
    ]


def network_alarm_view(one: StationAlarm, now: datetime) -> NetworkAlarmView:
    """An alarm as the API shows it among those of all stations."""
    alarm = one.alarm
    state = AlarmState.OPEN if alarm.acknowledged_at is None else AlarmState.ACKNOWLEDGED
    return NetworkAlarmView(
        station=one.station,
        site=one.site,
        source=alarm.source,
        key=alarm.key,
        state=state if alarm.cleared_at is None else AlarmState.CLEARED,
        severity=alarm.severity,
        text=alarm.text,
        raised_at=alarm.raised_at,
        age_s=max(0, round(((alarm.cleared_at or now) - alarm.raised_at).total_seconds())),
        acknowledged_at=alarm.acknowledged_at,
        acknowledged_by=alarm.acknowledged_by,
        cleared_at=alarm.cleared_at,
    )
