"""The room's routes: what a station told of limits, vehicles, profiles, the grid and batteries."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter
from msgspec import Struct, convert

from forecourt.base.context import Context
from forecourt.base.ids import StationId
from forecourt.base.pages import Wanted
from forecourt.domain.energy.model import SWAP_SORTS
from forecourt.domain.energy.service import Energy
from forecourt.domain.stations import Stations

SPELLED = {"evse_no": "evse"}
View = TypeVar("View", bound=Struct)
InForce = Annotated[bool | None, QueryParameter(description="Only those that hold, or are over.")]


class ExternalLimitView(Struct, frozen=True, kw_only=True, rename=SPELLED):
    """Somebody else than the platform limits what the station may draw."""

    evse_no: int
    source: str
    grid_critical: bool | None
    local_generation: bool | None
    schedules: Any
    since_at: datetime
    cleared_at: datetime | None


class ExternalLimitPage(Struct, frozen=True, kw_only=True):
    """Limits by EVSE; always whole."""

    items: list[ExternalLimitView]
    next: str | None = None


class NeedsView(Struct, frozen=True, kw_only=True):
    """What the vehicle wants."""

    transfer: str
    energy_wh: int | None
    power_w_max: int | None
    current_a_max: float | None
    soc_pct: int | None
    departs_at: datetime | None
    schedule_entries_max: int | None
    body: Any


class PlanView(Struct, frozen=True, kw_only=True, rename=SPELLED):
    """What the vehicle at an EVSE wants, and the schedule that it has chosen."""

    evse_no: int
    needs: NeedsView | None
    needs_at: datetime | None
    schedule: Any
    schedule_from: datetime | None
    schedule_at: datetime | None
    chosen: int | None


class PlanPage(Struct, frozen=True, kw_only=True):
    """Plans by EVSE; always whole."""

    items: list[PlanView]
    next: str | None = None


class ChargingProfileView(Struct, frozen=True, kw_only=True, rename=SPELLED):
    """A charging profile that the station keeps."""

    evse_no: int
    profile: int
    source: str
    purpose: str
    kind: str
    stack_level: int
    transaction: str
    request_id: int
    body: Any
    reported_at: datetime


class ChargingProfilePage(Struct, frozen=True, kw_only=True):
    """Profiles as they were last reported; always whole."""

    items: list[ChargingProfileView]
    next: str | None = None


class ModeView(Struct, frozen=True, kw_only=True):
    """How a transaction takes part in the grid."""

    transaction: str
    operation_mode: str | None
    priority: bool | None
    changed_at: datetime


class ModePage(Struct, frozen=True, kw_only=True):
    """Modes, newest first; always whole."""

    items: list[ModeView]
    next: str | None = None


class DynamicScheduleView(Struct, frozen=True, kw_only=True):
    """What a dynamic charging profile was last set to."""

    profile: int
    values: dict[str, float]
    """By name, in the profile's own unit; what was not set is not here."""
    set_at: datetime


class DynamicSchedulePage(Struct, frozen=True, kw_only=True):
    """Dynamic profiles by their numbers; always whole."""

    items: list[DynamicScheduleView]
    next: str | None = None


class GridControlView(Struct, frozen=True, kw_only=True):
    """A rule of the grid's operator that the station obeys."""

    control: str
    kind: str
    is_default: bool | None
    superseded: bool | None
    running: bool | None
    switched_at: datetime | None
    body: Any
    reported_at: datetime | None


class GridControlPage(Struct, frozen=True, kw_only=True):
    """Rules of the grid; always whole."""

    items: list[GridControlView]
    next: str | None = None


class BatteryView(Struct, frozen=True, kw_only=True):
    """A battery that went in or out."""

    slot: int
    serial: str
    soc_pct: float
    soh_pct: float
    made_at: datetime | None
    info: str


class SwapView(Struct, frozen=True, kw_only=True):
    """Batteries went in or out."""

    request_id: int
    event: str
    token: str
    batteries: tuple[BatteryView, ...]
    at: datetime


class SwapPage(Struct, frozen=True, kw_only=True):
    """Swaps at a station."""

    items: list[SwapView]
    next: str | None


class EnergyRoutes(Controller):
    """Energy: what limits a station, and what vehicles want of it."""

    path = "/stations/{station_id:str}"
    tags = ("Energy",)

    @get("/external-limits", operation_id="list_external_limits", summary="Limits from outside")
    async def limits(
        self,
        ctx: NamedDependency[Context],
        *,
        stations: NamedDependency[Stations],
        energy: NamedDependency[Energy],
        station_id: FromPath[str],
        in_force: InForce = True,
    ) -> ExternalLimitPage:
        """Limits that the grid or the site's own control set, by EVSE (0: the whole station)."""
        station, _ = await stations.read(ctx, StationId(station_id))
        found = await energy.limits(ctx, station.id, in_force=in_force)
        return ExternalLimitPage(items=shown(found, ExternalLimitView))

    @get("/vehicle-plans", operation_id="list_vehicle_plans", summary="What vehicles want")
    async def plans(
        self,
        ctx: NamedDependency[Context],
        *,
        stations: NamedDependency[Stations],
        energy: NamedDependency[Energy],
        station_id: FromPath[str],
    ) -> PlanPage:
        """What the vehicles at the station's EVSEs told last, by ISO 15118."""
        station, _ = await stations.read(ctx, StationId(station_id))
        return PlanPage(items=shown(await energy.plans(ctx, station.id), PlanView))

    @get("/charging-profiles", operation_id="list_charging_profiles", summary="Charging profiles")
    async def profiles(
        self,
        ctx: NamedDependency[Context],
        *,
        stations: NamedDependency[Stations],
        energy: NamedDependency[Energy],
        station_id: FromPath[str],
    ) -> ChargingProfilePage:
        """The charging profiles that the station keeps, as it last reported them."""
        station, _ = await stations.read(ctx, StationId(station_id))
        return ChargingProfilePage(
            items=shown(await energy.profiles(ctx, station.id), ChargingProfileView)
        )

    @get("/dynamic-schedules", operation_id="list_dynamic_schedules", summary="Dynamic profiles")
    async def dynamic(
        self,
        ctx: NamedDependency[Context],
        *,
        stations: NamedDependency[Stations],
        energy: NamedDependency[Energy],
        station_id: FromPath[str],
    ) -> DynamicSchedulePage:
        """What the station's dynamic charging profiles were last set to, and when."""
        station, _ = await stations.read(ctx, StationId(station_id))
        found = await energy.dynamics(ctx, station.id)
        return DynamicSchedulePage(items=shown(found, DynamicScheduleView))

    @get("/transaction-modes", operation_id="list_transaction_modes", summary="V2X and priority")
    async def modes(
        self,
        ctx: NamedDependency[Context],
        *,
        stations: NamedDependency[Stations],
        energy: NamedDependency[Energy],
        station_id: FromPath[str],
    ) -> ModePage:
        """How the station's transactions take part in the grid, newest first."""
        station, _ = await stations.read(ctx, StationId(station_id))
        return ModePage(items=shown(await energy.modes(ctx, station.id), ModeView))

    @get("/grid-controls", operation_id="list_grid_controls", summary="Rules of the grid")
    async def controls(
        self,
        ctx: NamedDependency[Context],
        *,
        stations: NamedDependency[Stations],
        energy: NamedDependency[Energy],
        station_id: FromPath[str],
    ) -> GridControlPage:
        """The rules of the grid's operator (DER control) that the station told of."""
        station, _ = await stations.read(ctx, StationId(station_id))
        found = await energy.controls(ctx, station.id)
        return GridControlPage(items=shown(found, GridControlView))

    @get(
        "/battery-swaps",
        operation_id="list_battery_swaps",
        summary="Battery swaps",
        sorts=SWAP_SORTS,
    )
    async def swaps(
        self,
        ctx: NamedDependency[Context],
        *,
        stations: NamedDependency[Stations],
        energy: NamedDependency[Energy],
        search: NamedDependency[Wanted],
        station_id: FromPath[str],
    ) -> SwapPage:
        """Batteries that went in or out, newest first if in no other order.

        A search looks at the event, the token and the batteries.
        """
        station, _ = await stations.read(ctx, StationId(station_id))
        found = await energy.swaps(ctx, station.id, search)
        return SwapPage(items=shown(found.items, SwapView), next=found.next)


def shown(found: Sequence[Struct], view: type[View]) -> list[View]:
    """The room's values as the API shows them: the same fields, and a type of its own."""
    return [convert(held, view, from_attributes=True) for held in found]
