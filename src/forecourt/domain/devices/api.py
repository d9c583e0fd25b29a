"""The room's routes: variables, templates, drift, and setting what drifted."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final, Literal

from litestar import Controller, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta, Struct, convert
from msgspec.structs import asdict

from forecourt.base import pages
from forecourt.base.context import Context
from forecourt.base.ids import StationId
from forecourt.base.text import PRINTABLE, Line, Name
from forecourt.domain.devices import model
from forecourt.domain.devices.model import Network, Plan, State, Step, Template, Wanted
from forecourt.domain.devices.service import Devices
from forecourt.domain.stations import Kept

# The framework keeps the name ``state`` of a parameter for itself.
InState = Annotated[State | None, QueryParameter(name="state", description="In this state.")]
LISTS: Final = ("values", "networks")
Named = Annotated[str, Meta(min_length=1, max_length=50, pattern=PRINTABLE)]
Part = Annotated[str, Meta(max_length=50, pattern=PRINTABLE)]
Number = Annotated[int, Meta(ge=0, le=10_000)]
Value = Annotated[str, Meta(max_length=2500, pattern=r"^[^\x00]*(?![\s\S])")]


class VariableView(Struct, frozen=True, kw_only=True):
    """One attribute of a variable; what only its maker knows has no component."""

    component: str
    component_instance: str
    evse: int
    connector: int
    variable: str
    variable_instance: str
    attribute: str
    value: str | None
    key: str | None
    """What OCPP 1.6 calls it, if it has a name for it."""
    mutability: str
    persistent: bool
    constant: bool
    data_type: str
    unit: str
    min_limit: float | None
    max_limit: float | None
    elements_max: int | None
    values_list: str
    supports_monitoring: bool
    awaits_reboot: bool
    reported_at: datetime
    gone_at: datetime | None


class VariablePage(Struct, frozen=True, kw_only=True):
    """The device model, as far as the station reported it; always whole."""

    items: list[VariableView]
    next: str | None = None


class WantedValue(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A variable, by its name in 2.x or by its key in 1.6, and what it shall be."""

    variable: Named
    value: Value
    component: Part = ""
    component_instance: Part = ""
    evse: Number = 0
    connector: Number = 0
    instance: Part = ""
    attribute: Literal["Actual", "Target", "MinSet", "MaxSet"] = "Actual"


class NetworkWanted(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A way to reach us that stations shall have in one of their slots (2.x). Holds no secret."""

    slot: Number
    url: Annotated[str, Meta(min_length=1, max_length=2000, pattern=PRINTABLE)]
    security_profile: Annotated[int, Meta(ge=0, le=3)]
    protocol: Literal["ocpp1.2", "ocpp1.5", "ocpp1.6", "ocpp2.0.1", "ocpp2.1"] = "ocpp2.0.1"
    interface: Literal[
        "Wired0",
        "Wired1",
        "Wired2",
        "Wired3",
        "Wireless0",
        "Wireless1",
        "Wireless2",
        "Wireless3",
        "Any",
    ] = "Wired0"
    message_timeout_s: Annotated[int, Meta(ge=1, le=3600)] = 30
    identity: Annotated[str, Meta(min_length=1, max_length=48, pattern=PRINTABLE)] | None = None


class TemplateBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For which stations it is, and what they shall be set to."""

    values: Annotated[tuple[WantedValue, ...], Meta(max_length=500)] = ()
    networks: Annotated[tuple[NetworkWanted, ...], Meta(max_length=20)] = ()
    vendor: Line = ""
    model: Line = ""
    firmware_from: Line = ""
    firmware_to: Line = ""
    site: Line = ""
    station: Annotated[str, Meta(max_length=48, pattern=PRINTABLE)] = ""
    rank: Annotated[int, Meta(ge=-1000, le=1000)] = 0
    auto: bool = False


class TemplateAddition(TemplateBody, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A template to make."""

    name: Name


class TemplateView(Struct, frozen=True, kw_only=True):
    """What stations of some kind shall be set to."""

    name: str
    vendor: str
    model: str
    firmware_from: str
    firmware_to: str
    site: str
    station: str
    rank: int
    auto: bool
    values: tuple[WantedValue, ...]
    networks: tuple[NetworkWanted, ...]


class TemplatePage(Struct, frozen=True, kw_only=True):
    """All templates, by name."""

    items: list[TemplateView]
    next: str | None = None


class LineView(Struct, frozen=True, kw_only=True):
    """One variable that is wanted to be so: what is to be done about it, and why."""

    wanted: WantedValue
    template: str
    auto: bool
    step: Step
    because: str
    found: str | None


class DriftView(Struct, frozen=True, kw_only=True):
    """How a station stands to what its templates want, as of now."""

    station: str
    state: State
    model_at: datetime | None
    """When it last told its whole device model, or configuration."""
    checked_at: datetime | None
    lines: list[LineView]


class StandingView(Struct, frozen=True, kw_only=True):
    """How a station stood when it was last looked at."""

    station: str
    state: State
    checked_at: datetime | None
    drifting: list[str]


class StandingPage(Struct, frozen=True, kw_only=True):
    """Stations, and how they stood."""

    items: list[StandingView]
    next: str | None


class NetworkView(Struct, frozen=True, kw_only=True):
    """A way to reach us that a station was given and took."""

    slot: int
    url: str
    security_profile: int
    protocol: str
    interface: str
    message_timeout_s: int
    identity: str | None
    set_at: datetime


class NetworkPage(Struct, frozen=True, kw_only=True):
    """All slots that were filled from here."""

    items: list[NetworkView]
    priority: str | None
    """In which order the station tries its slots, as it last told."""
    next: str | None = None


class Application(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to apply."""

    dry_run: bool = False
    """Only say what would be set."""


class AppliedView(Struct, frozen=True, kw_only=True):
    """One variable that was set, or not, and what the station said."""

    variable: str
    value: str
    outcome: str
    status: str
    reason: str


class ApplicationView(Struct, frozen=True, kw_only=True):
    """The plan, and what came of it."""

    state: State
    """Before anything was set."""
    lines: list[LineView]
    applied: list[AppliedView]


class DeviceRoutes(Controller):
    """A station's device model, and how it differs from what is wanted."""

    path = "/stations/{station_id:str}"
    tags = ("Device model",)

    @get("/variables", operation_id="list_variables", summary="Device model")
    async def variables(
        self,
        ctx: NamedDependency[Context],
        devices: NamedDependency[Devices],
        station_id: FromPath[str],
        *,
        component: FromQuery[str | None] = None,
        variable: FromQuery[str | None] = None,
        evse: FromQuery[int | None] = None,
        gone: FromQuery[bool] = False,
    ) -> VariablePage:
        """What the station reported of its device model (2.x) or its configuration (1.6).

        The names are those of 2.x; `variable` takes a key of 1.6 too. `gone=true` also shows what
        a complete report does not name any more.
        """
        found = await devices.variables(
            ctx,
            StationId(station_id),
            component=component,
            variable=variable,
            evse_no=evse,
            gone=gone,
        )
        return VariablePage(items=[variable_view(kept, devices) for kept in found])

    @get("/drift", operation_id="read_drift", summary="Drift of a station")
    async def drift(
        self,
        ctx: NamedDependency[Context],
        devices: NamedDependency[Devices],
        station_id: FromPath[str],
    ) -> DriftView:
        """How the station differs from what its templates want, line by line."""
        found = await devices.standing(ctx, StationId(station_id))
        return DriftView(
            station=found.station,
            state=found.plan.state,
            model_at=found.model_at,
            checked_at=found.checked_at,
            lines=line_views(found.plan),
        )

    @post("/apply", operation_id="apply_templates", summary="Apply templates", status_code=200)
    async def apply(
        self,
        ctx: NamedDependency[Context],
        devices: NamedDependency[Devices],
        station_id: FromPath[str],
        data: JSONBody[Application],
    ) -> ApplicationView:
        """Set on the station what differs, one variable after the other; or only say what."""
        plan, applied = await devices.apply(ctx, StationId(station_id), dry_run=data.dry_run)
        return ApplicationView(
            state=plan.state,
            lines=line_views(plan),
            applied=[
                AppliedView(
                    variable=model.spelt(done.line.wanted),
                    value=done.line.wanted.value,
                    outcome=done.outcome.value,
                    status=done.status,
                    reason=done.reason,
                )
                for done in applied
            ],
        )

    @get("/networks", operation_id="list_networks", summary="Network profiles")
    async def networks(
        self,
        ctx: NamedDependency[Context],
        devices: NamedDependency[Devices],
        station_id: FromPath[str],
    ) -> NetworkPage:
        """The ways to reach us that the station was given and took (2.x), by slot."""
        station = StationId(station_id)
        given = await devices.networks(ctx, station)
        priority = await devices.variables(
            ctx, station, component="OCPPCommCtrlr", variable="NetworkConfigurationPriority"
        )
        return NetworkPage(
            items=[
                NetworkView(
                    slot=network.slot,
                    url=network.url,
                    security_profile=network.security_profile,
                    protocol=network.protocol,
                    interface=network.interface,
                    message_timeout_s=network.message_timeout_s,
                    identity=network.identity,
                    set_at=at,
                )
                for network, at in given
            ],
            priority=next((kept.variable.value for kept in priority), None),
        )


class DriftRoutes(Controller):
    """All stations, and how they stand to what is wanted of them."""

    path = "/drift"
    tags = ("Device model",)

    @get(operation_id="list_drift", summary="Drift of all stations", sorts=model.DRIFT_SORTS)
    async def page(
        self,
        ctx: NamedDependency[Context],
        devices: NamedDependency[Devices],
        search: NamedDependency[pages.Wanted],
        *,
        within: InState = None,
    ) -> StandingPage:
        """How stations stood when they were last looked at: after boots, reports and changes.

        A search looks at their ids.
        """
        found = await devices.standings(ctx, search, state=within)
        items = [
            StandingView(
                station=held.station,
                state=held.state,
                checked_at=held.checked_at,
                drifting=[
                    model.spelt(line.wanted)
                    for line in held.lines
                    if line.step not in (Step.ALREADY, Step.REBOOT)
                ],
            )
            for held in found.items
        ]
        return StandingPage(items=items, next=found.next)


class TemplateRoutes(Controller):
    """Templates: what stations of some kind shall be set to."""

    path = "/templates"
    tags = ("Device model",)

    @get(operation_id="list_templates", summary="List templates")
    async def page(
        self, ctx: NamedDependency[Context], devices: NamedDependency[Devices]
    ) -> TemplatePage:
        """All templates, by name."""
        return TemplatePage(items=[template_view(t) for t in await devices.templates(ctx)])

    @post(operation_id="add_template", summary="Add a template")
    async def add(
        self,
        ctx: NamedDependency[Context],
        devices: NamedDependency[Devices],
        data: JSONBody[TemplateAddition],
    ) -> TemplateView:
        """Make a template. With `auto` its stations are set without being asked."""
        return template_view(await devices.add_template(ctx, _template(data.name, data)))

    @get("/{template_name:str}", operation_id="read_template", summary="Read a template")
    async def read(
        self,
        ctx: NamedDependency[Context],
        devices: NamedDependency[Devices],
        template_name: FromPath[str],
    ) -> TemplateView:
        """A template, in the device model's names."""
        return template_view(await devices.template(ctx, template_name))

    @put("/{template_name:str}", operation_id="save_template", summary="Replace a template")
    async def save(
        self,
        ctx: NamedDependency[Context],
        devices: NamedDependency[Devices],
        template_name: FromPath[str],
        data: JSONBody[TemplateBody],
    ) -> TemplateView:
        """Put another in the place of a template."""
        return template_view(await devices.save_template(ctx, _template(template_name, data)))

    @delete("/{template_name:str}", operation_id="remove_template", summary="Remove a template")
    async def remove(
        self,
        ctx: NamedDependency[Context],
        devices: NamedDependency[Devices],
        template_name: FromPath[str],
    ) -> None:
        """Nobody is held to it any more; stations stay as they are."""
        await devices.remove_template(ctx, template_name)


def variable_view(kept: Kept, devices: Devices) -> VariableView:
    """A variable as the API shows it."""
    v = kept.variable
    return VariableView(
        component=v.component,
        component_instance=v.component_instance,
        evse=v.evse_no,
        connector=v.connector_no,
        variable=v.variable,
        variable_instance=v.variable_instance,
        attribute=v.attribute,
        value=v.value,
        key=devices.standards.key_of(v.component, v.variable, v.variable_instance),
        mutability=v.mutability,
        persistent=v.persistent,
        constant=v.constant,
        data_type=v.data_type,
        unit=v.unit,
        min_limit=v.min_limit,
        max_limit=v.max_limit,
        elements_max=v.elements_max,
        values_list=v.values_list,
        supports_monitoring=v.supports_monitoring,
        awaits_reboot=v.awaits_reboot,
        reported_at=kept.reported_at,
        gone_at=kept.gone_at,
    )


def template_view(t: Template) -> TemplateView:
    """A template as the API shows it."""
    fields = {name: getattr(t, name) for name in Template.__struct_fields__ if name not in LISTS}
    return TemplateView(
        values=tuple(map(_wanted_view, t.values)),
        networks=tuple(convert(asdict(network), NetworkWanted) for network in t.networks),
        **fields,
    )


def line_views(plan: Plan) -> list[LineView]:
    """A plan as the API shows it."""
    lines: Sequence[model.Line] = plan.lines
    return [
        LineView(
            wanted=_wanted_view(line.wanted),
            template=line.template,
            auto=line.auto,
            step=line.step,
            because=line.because,
            found=line.found,
        )
        for line in lines
    ]


def _wanted_view(wanted: Wanted) -> WantedValue:
    return WantedValue(**asdict(wanted))


def _template(name: str, body: TemplateBody) -> Template:
    fields = {
        field: getattr(body, field)
        for field in TemplateBody.__struct_fields__
        if field not in LISTS
    }
    values = tuple(Wanted(**asdict(value)) for value in body.values)
    networks = tuple(Network(**asdict(network)) for network in body.networks)
    return Template(name=name, values=values, networks=networks, **fields)
