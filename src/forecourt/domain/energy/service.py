"""The room's verbs: what stations tell of limits, vehicles, profiles, grids and batteries."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec.structs import asdict

from forecourt.base import pages
from forecourt.base.context import Context
from forecourt.base.ids import StationId
from forecourt.base.pages import FIRST_PAGE, Wanted
from forecourt.domain.energy import rules, store
from forecourt.domain.energy.model import (
    MODES_KEPT_MAX,
    BatterySwapped,
    DynamicSchedule,
    ExternalLimit,
    GridAlarm,
    GridControl,
    GridControlSwitched,
    InstalledProfile,
    LimitCleared,
    LimitTold,
    Mode,
    ModeChanged,
    Needs,
    NeedsTold,
    Plan,
    ScheduleChosen,
    Swap,
)
from forecourt.domain.monitoring import AlarmSource, Monitoring, Page
from forecourt.domain.stations import (
    Answer,
    Ask,
    ClearChargingProfile,
    SetChargingProfile,
    StationOffline,
    Stations,
    StationUnknown,
    UpdateDynamicSchedule,
)
from forecourt.infra.commit import Changes
from forecourt.infra.database import Database, emit


class Energy:
    """Everything about power: who limits it, who wants it, what was agreed."""

    HEARS: Final = (UpdateDynamicSchedule, SetChargingProfile, ClearChargingProfile)
    """Commands whose answers matter here."""

    def __init__(self, db: Database, *, stations: Stations, monitoring: Monitoring) -> None:
        self._db = db
        self._stations = stations
        self._monitoring = monitoring

    # ---- limits from outside --------------------------------------------------------------------

    async def limit_told(self, ctx: Context, station: StationId, limit: ExternalLimit) -> None:
        """Somebody outside limits a station from now on. Raises TooManyRows."""
        async with self._db.unit(ctx) as unit:
            await store.put_limit(unit, station, ctx.tenant, limit)
            await unit.emit(
                LimitTold(
                    tenant=ctx.tenant,
                    at=ctx.now,
                    station=station,
                    evse_no=limit.evse_no,
                    source=limit.source,
                    grid_critical=limit.grid_critical,
                )
            )

    async def limit_cleared(
        self, ctx: Context, station: StationId, source: str, *, evse_no: int | None
    ) -> None:
        """A source limits no longer, one EVSE or all; nothing happens where it did not."""
        async with self._db.unit(ctx) as unit:
            if await store.clear_limits(unit, station, source, evse_no=evse_no, now=ctx.now):
                await unit.emit(
                    LimitCleared(
                        tenant=ctx.tenant,
                        at=ctx.now,
                        station=station,
                        evse_no=evse_no,
                        source=source,
                    )
                )

    async def limits(
        self, ctx: Context, station: StationId, *, in_force: bool | None = True
    ) -> Sequence[ExternalLimit]:
        """Limits from outside, by EVSE; ``in_force`` None: also those that are over."""
        async with self._db.unit(ctx) as unit:
            return await store.limits_of(unit, station, in_force=in_force)

    # ---- what vehicles want ---------------------------------------------------------------------

    async def needs_told(
        self,
        ctx: Context,
        station: StationId,
        evse_no: int,
        needs: Needs,
        changes: Changes,
        *,
        transaction: str,
    ) -> bool:
        """A vehicle told what it wants; what it had chosen before is over.

        Whether it is offered a profile for its transaction: then ``offer`` is due, once the
        station has its answer.
        """
        offered = bool(transaction) and (
            rules.proposed(needs, evse_no=evse_no, transaction=transaction) is not None
        )
        async with self._db.unit(ctx) as unit:
            values: dict[str, object] = {
                "needs": msgspec.to_builtins(needs),
                "needs_at": ctx.now,
                "schedule": None,
                "schedule_from": None,
                "schedule_at": None,
                "chosen": None,
            }
            await store.put_plan(unit, station, ctx.tenant, evse_no, values)
        emit(
            changes,
            NeedsTold(
                tenant=ctx.tenant,
                at=ctx.now,
                station=station,
                evse_no=evse_no,
                transfer=needs.transfer,
                energy_wh=needs.energy_wh,
                departs_at=needs.departs_at,
                transaction=transaction if offered else "",
            ),
        )
        return offered

    async def offer(self, ctx: Context, station: StationId, evse_no: int, transaction: str) -> None:
        """Offer a vehicle a profile for what it needs. Its station may be gone: so be it."""
        plan = next((p for p in await self.plans(ctx, station) if p.evse_no == evse_no), None)
        if plan is None or plan.needs is None:
            return
        profile = rules.proposed(plan.needs, evse_no=evse_no, transaction=transaction)
        if profile is None:
            return
        with suppress(StationOffline, StationUnknown):
            command = SetChargingProfile(profile=profile, evse=evse_no)
            await self._stations.command(ctx, station, command)

    async def schedule_chosen(
        self,
        ctx: Context,
        station: StationId,
        evse_no: int,
        *,
        schedule: Any,
        starts_at: datetime,
        chosen: int | None = None,
    ) -> None:
        """A vehicle told how it is going to charge."""
        async with self._db.unit(ctx) as unit:
            values: dict[str, object] = {
                "schedule": schedule,
                "schedule_from": starts_at,
                "schedule_at": ctx.now,
                "chosen": chosen,
            }
            await store.put_plan(unit, station, ctx.tenant, evse_no, values)
            await unit.emit(
                ScheduleChosen(
                    tenant=ctx.tenant,
                    at=ctx.now,
                    station=station,
                    evse_no=evse_no,
                    chosen=chosen,
                )
            )

    async def plans(self, ctx: Context, station: StationId) -> Sequence[Plan]:
        """What the vehicles at a station's EVSEs told last."""
        async with self._db.unit(ctx) as unit:
            return await store.plans_of(unit, station)

    # ---- profiles -------------------------------------------------------------------------------

    async def profiles_reported(
        self, ctx: Context, station: StationId, page: Page, found: Sequence[InstalledProfile]
    ) -> None:
        """A page of the profiles that a station keeps. Raises TooManyRows."""
        async with self._db.unit(ctx) as unit:
            await store.put_profiles(unit, station, ctx.tenant, found)
        await self._monitoring.page_reported(ctx, station, page)

    async def profiles(self, ctx: Context, station: StationId) -> Sequence[InstalledProfile]:
        """The profiles that a station keeps, as it last reported them."""
        async with self._db.unit(ctx) as unit:
            return await store.profiles_of(unit, station)

    async def dynamic_set(
        self, ctx: Context, station: StationId, profile: int, told: Mapping[str, object]
    ) -> None:
        """A station took new values of a dynamic profile from us."""
        async with self._db.unit(ctx) as unit:
            await store.put_dynamic(
                unit,
                station,
                ctx.tenant,
                profile,
                values=rules.dynamic_values(told),
                now=ctx.now,
            )

    async def answered(self, ctx: Context, station: StationId, command: Ask, _: Answer) -> None:
        """A station took new values of a dynamic profile, or forgot profiles, as we asked."""
        match command:
            case UpdateDynamicSchedule():
                await self.dynamic_set(ctx, station, command.profile, asdict(command))
            case SetChargingProfile() if command.profile.kind == "dynamic":
                first = command.profile.schedules[0].periods[0]
                await self.dynamic_set(ctx, station, command.profile.id, asdict(first))
            case ClearChargingProfile():
                async with self._db.unit(ctx) as unit:
                    await store.forget_profiles(
                        unit,
                        station,
                        profile=command.id,
                        evse_no=command.evse,
                        stack_level=command.stack_level,
                        purposed=command.purpose is not None,
                    )
            case _:
                pass

    async def dynamic(
        self, ctx: Context, station: StationId, profile: int
    ) -> Mapping[str, float] | None:
        """What a dynamic profile was last set to, if ever."""
        async with self._db.unit(ctx) as unit:
            return await store.find_dynamic(unit, station, profile)

    async def dynamics(self, ctx: Context, station: StationId) -> Sequence[DynamicSchedule]:
        """What a station's dynamic profiles were last set to, by their numbers."""
        async with self._db.view(ctx) as unit:
            return await store.dynamics_of(unit, station)

    async def forget(self, ctx: Context, station: StationId) -> None:
        """A station was removed: what it told of power."""
        async with self._db.unit(ctx) as unit:
            await store.forget(unit, station)

    # ---- transactions ---------------------------------------------------------------------------

    async def mode_told(
        self,
        ctx: Context,
        station: StationId,
        transaction: str,
        *,
        operation_mode: str | None = None,
        priority: bool | None = None,
    ) -> None:
        """A transaction charges in another mode, or with or without priority."""
        told = {"operation_mode": operation_mode, "priority": priority}
        async with self._db.unit(ctx) as unit:
            before = await store.find_mode(unit, station, transaction)
            values: dict[str, object] = {
                name: value
                for name, value in told.items()
                if value is not None and (before is None or getattr(before, name) != value)
            }
            if not values:
                return
            values["changed_at"] = ctx.now
            await store.put_mode(unit, station, ctx.tenant, transaction, values)
            await unit.emit(
                ModeChanged(
                    tenant=ctx.tenant,
                    at=ctx.now,
                    station=station,
                    transaction=transaction,
                    operation_mode=operation_mode,
                    priority=priority,
                )
            )

    async def modes(
        self, ctx: Context, station: StationId, *, limit: int = MODES_KEPT_MAX
    ) -> Sequence[Mode]:
        """How a station's transactions take part in the grid, newest first."""
        async with self._db.unit(ctx) as unit:
            return await store.modes_of(unit, station, limit=limit)

    # ---- the grid, and batteries ----------------------------------------------------------------

    async def grid_alarmed(self, ctx: Context, station: StationId, told: GridAlarm) -> None:
        """The grid does what it must not, or has stopped to."""
        if told.ended:
            await self._monitoring.clear_alarm(ctx, station, AlarmSource.GRID, told.kind)
        else:
            alarm = rules.grid_alarm(told, ctx.now)
            await self._monitoring.raise_alarm(ctx, station, alarm)

    async def control_switched(
        self,
        ctx: Context,
        station: StationId,
        control: str,
        *,
        running: bool,
        at: datetime,
        superseded: Sequence[str] = (),
    ) -> None:
        """A station obeys a rule of the grid from now on, or no longer."""
        async with self._db.unit(ctx) as unit:
            switched = {"control": control, "running": running, "switched_at": at}
            await store.put_controls(unit, station, ctx.tenant, [switched])
            await store.put_controls(
                unit,
                station,
                ctx.tenant,
                [{"control": other, "superseded": True} for other in superseded],
            )
            await unit.emit(
                GridControlSwitched(
                    tenant=ctx.tenant,
                    at=ctx.now,
                    station=station,
                    control=control,
                    running=running,
                    superseded=tuple(superseded),
                )
            )

    async def controls_reported(
        self, ctx: Context, station: StationId, page: Page, found: Sequence[GridControl]
    ) -> None:
        """A page of the rules of the grid that a station obeys. Raises TooManyRows."""
        async with self._db.unit(ctx) as unit:
            rows: list[dict[str, object]] = [
                {
                    "control": c.control,
                    "kind": c.kind,
                    "is_default": c.is_default,
                    "superseded": c.superseded,
                    "body": c.body,
                    "reported_at": ctx.now,
                }
                for c in found
            ]
            await store.put_controls(unit, station, ctx.tenant, rows)
        await self._monitoring.page_reported(ctx, station, page)

    async def controls(self, ctx: Context, station: StationId) -> Sequence[GridControl]:
        """The rules of the grid that a station told of."""
        async with self._db.unit(ctx) as unit:
            return await store.controls_of(unit, station)

    async def swapped(self, ctx: Context, station: StationId, swap: Swap) -> None:
        """Batteries went in or out; told again, it changes nothing."""
        async with self._db.unit(ctx) as unit:
            if await store.add_swap(unit, station, ctx.tenant, swap):
                await unit.emit(
                    BatterySwapped(
                        tenant=ctx.tenant,
                        at=ctx.now,
                        station=station,
                        request_id=swap.request_id,
                        event=swap.event,
                        token=swap.token,
                        serials=tuple(battery.serial for battery in swap.batteries),
                    )
                )

    async def swaps(
        self, ctx: Context, station: StationId, wanted: Wanted = FIRST_PAGE
    ) -> pages.Page[Swap]:
        """Swaps at a station, newest first if in no other order.

        Raises CursorInvalid, SortUnknown.
        """
        async with self._db.view(ctx) as unit:
            return await store.swaps_page(unit, station, wanted)
