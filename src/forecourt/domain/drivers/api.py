"""The room's routes, for operators: codes to print, and what drivers may do."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from litestar import Controller, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from forecourt.base.context import Context
from forecourt.base.ids import StationId
from forecourt.domain.drivers.model import Code, Label, PageSettings
from forecourt.domain.drivers.rules import spelled
from forecourt.domain.drivers.service import Drivers

Power = Annotated[int, Meta(ge=1, le=10_000_000)]


class CodeView(Struct, frozen=True, kw_only=True):
    """The code of one connector."""

    code: str
    printed: str
    """As it is easier to copy."""
    path: str
    """Of the driver's page, below this platform's address."""
    evse: int
    connector: int
    connector_type: str
    power_w_max: int | None
    created_at: datetime


class ConnectorTypeView(Struct, frozen=True, kw_only=True):
    """A connector type that a label can name."""

    id: str
    name: str


class CodeList(Struct, frozen=True, kw_only=True):
    """The codes of a station, in the order of its connectors; always whole."""

    items: list[CodeView]
    connector_types: list[ConnectorTypeView]
    next: str | None = None


class CodeChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is printed beside the connector, both or neither; and whether the code is void."""

    connector_type: Annotated[str, Meta(max_length=40)] | None = None
    power_w_max: Power | None = None
    renew: bool = False
    """Give the connector another code; what was printed leads nowhere from now on."""


class PageSettingsBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What drivers may do at their page."""

    may_start: bool
    """Start with the number of a card. Whoever knows the number can: there is no other proof."""


class CodeRoutes(Controller):
    """Codes on connectors."""

    path = "/stations/{station_id:str}/codes"
    tags = ("Drivers",)

    @get(operation_id="list_codes", summary="Codes of a station's connectors")
    async def page(
        self,
        ctx: NamedDependency[Context],
        drivers: NamedDependency[Drivers],
        station_id: FromPath[str],
    ) -> CodeList:
        """What is printed on the connectors, and leads drivers to their pages."""
        return _list(drivers, await drivers.codes(ctx, StationId(station_id)))

    @post(operation_id="make_codes", summary="Give connectors codes", status_code=200)
    async def make(
        self,
        ctx: NamedDependency[Context],
        drivers: NamedDependency[Drivers],
        station_id: FromPath[str],
    ) -> CodeList:
        """Each connector that has no code gets one; those that have keep theirs."""
        return _list(drivers, await drivers.make_codes(ctx, StationId(station_id)))

    @patch("/{code:str}", operation_id="change_code", summary="Change a code or its label")
    async def change(
        self,
        *,
        ctx: NamedDependency[Context],
        drivers: NamedDependency[Drivers],
        station_id: FromPath[str],
        code: FromPath[str],
        data: JSONBody[CodeChange],
    ) -> CodeView:
        """Say what the connector is, or give it another code."""
        label = None
        if data.connector_type is not None:
            label = Label(connector_type=data.connector_type, power_w_max=data.power_w_max)
        name = StationId(station_id)
        return code_view(await drivers.change_code(ctx, name, code, label=label, renew=data.renew))


class DriverPageRoutes(Controller):
    """The tenant's wish about drivers' pages."""

    path = "/driver-page"
    tags = ("Drivers",)

    @get(operation_id="read_driver_page", summary="What drivers may do")
    async def read(
        self, ctx: NamedDependency[Context], drivers: NamedDependency[Drivers]
    ) -> PageSettingsBody:
        """Whether drivers may start at their page."""
        return PageSettingsBody(may_start=(await drivers.settings(ctx)).may_start)

    @patch(operation_id="change_driver_page", summary="Choose what drivers may do")
    async def change(
        self,
        ctx: NamedDependency[Context],
        drivers: NamedDependency[Drivers],
        data: JSONBody[PageSettingsBody],
    ) -> PageSettingsBody:
        """Let drivers start with a card's number, or not."""
        chosen = await drivers.set_settings(ctx, PageSettings(may_start=data.may_start))
        return PageSettingsBody(may_start=chosen.may_start)


def _list(drivers: Drivers, codes: Sequence[Code]) -> CodeList:
    types = [ConnectorTypeView(id=one.id, name=one.name) for one in drivers.connector_types()]
    return CodeList(items=[code_view(one) for one in codes], connector_types=types)


def code_view(code: Code) -> CodeView:
    """A code as the API shows it."""
    return CodeView(
        code=code.code,
        printed=spelled(code.code),
        path=f"/c/{code.code}",
        evse=code.evse_no,
        connector=code.connector_no,
        connector_type=code.label.connector_type,
        power_w_max=code.label.power_w_max,
        created_at=code.created_at,
    )
