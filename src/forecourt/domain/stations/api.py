"""The room's routes: stations, what they reported, and their raw messages.

Commands are asked for in the sessions room, which knows what they start and stop.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal, cast

import msgspec
from litestar import Controller, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta, Struct

from forecourt.base.context import Context
from forecourt.base.ids import StationId
from forecourt.base.pages import Wanted
from forecourt.base.text import PRINTABLE, Line, Secret
from forecourt.domain.catalogue import AUTO, STRICT, Catalogue, advice_of
from forecourt.domain.stations.commands import Interface, recorded
from forecourt.domain.stations.model import (
    MESSAGE_SORTS,
    SORTS,
    Admission,
    Connector,
    ConnectorState,
    NewStation,
    Ping,
    QuirkUse,
    Station,
    StationIdInvalid,
)
from forecourt.domain.stations.plan import Upgrade, Way
from forecourt.domain.stations.service import Stations

Since = Annotated[datetime | None, QueryParameter(description="Then or later.")]
Until = Annotated[datetime | None, QueryParameter(description="Before then.")]
# The framework keeps the names of what is injected for itself.
OfFirmware = Annotated[str | None, QueryParameter(name="firmware", description="With this.")]
Profile = Annotated[int, Meta(ge=0, le=3)]
CertificateName = Annotated[str, Meta(max_length=64, pattern=PRINTABLE)]
Choice = Annotated[str, Meta(min_length=1, max_length=50)]
"""A quirk profile's name, or ``auto``, ``none``, ``strict``."""


IMPORT_MAX: Final = 1_000
"""In one request, which is one transaction."""


class ConnectorView(Struct, frozen=True, kw_only=True):
    """One outlet, as the station last reported it. EVSE 0 is the station itself."""

    evse: int
    connector: int
    state: ConnectorState
    state_at: datetime
    received_at: datetime
    error: str
    vendor_id: str
    vendor_error: str
    info: str


class StationView(Struct, frozen=True, kw_only=True):
    """A charging station."""

    id: str
    tenant: str
    admission: Admission
    site: str
    zone: str
    """Its site's time zone, by its IANA name; empty: as the tenant's setting has it."""
    connected: bool
    protocol: str
    vendor: str
    model: str
    serial: str
    firmware: str
    iccid: str
    imsi: str
    boot_reason: str
    booted_at: datetime | None
    connected_at: datetime | None
    disconnected_at: datetime | None
    seen_at: datetime | None
    lenient: bool
    quirks: str
    log_all: bool
    security_profile: int
    profile_wanted: int | None
    profile_used: int
    certificate_name: str
    ping: Ping
    has_password: bool
    password_changing: bool
    created_at: datetime
    connectors: tuple[ConnectorView, ...]


class StationPage(Struct, frozen=True, kw_only=True):
    """Stations."""

    items: list[StationView]
    next: str | None


class StationAddition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A station to make known. One without a password may connect without: not on the internet."""

    id: Annotated[str, Meta(min_length=1, max_length=48)]
    password: Secret | None = None
    site: Line = ""
    admission: Admission = Admission.ACCEPTED
    lenient: bool = False
    quirks: Choice = AUTO
    log_all: bool = False
    security_profile: Profile | None = None
    """The least that it may come in by; without it 1 with a password, 0 without."""
    certificate_name: CertificateName = ""
    ping: Ping = Ping.AUTO


class StationImport(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Stations to make known in one go: all that are not known yet, or none."""

    items: Annotated[list[StationAddition], Meta(min_length=1, max_length=IMPORT_MAX)]


class StationImported(Struct, frozen=True, kw_only=True):
    """What came of an import."""

    added: list[str]
    known: list[str]
    """Those that were there before, and are as they were."""


class StationChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change; what is absent or null stays as it is. The security profile only rises."""

    password: Secret | None = None
    no_password: bool = False
    """Take the password away, where the security profile allows that."""
    site: Line | None = None
    admission: Admission | None = None
    lenient: bool | None = None
    quirks: Choice | None = None
    log_all: bool | None = None
    security_profile: Profile | None = None
    certificate_name: CertificateName | None = None
    ping: Ping | None = None


class MessageView(Struct, frozen=True, kw_only=True):
    """One raw message, as it went over the wire."""

    at: datetime
    direction: str
    action: str
    note: str
    frame: str


class MessagePage(Struct, frozen=True, kw_only=True):
    """Raw messages, newest first. A page may be a little longer than its limit."""

    items: list[MessageView]
    next: str | None


class PasswordWish(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new password, given to the station over its own line or told once for somebody to bring."""

    send: bool = True


class PasswordMade(Struct, frozen=True, kw_only=True):
    """What became of it. The old one is good until the station has used the new one."""

    outcome: str
    """What the station said; `made` where it was not asked."""
    status: str = ""
    reason: str = ""
    password: str | None = None
    """Shown this once; null where the station has it already."""


class UpgradeWish(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A higher security profile, and by which address the station shall reach us then."""

    profile: Annotated[int, Meta(ge=1, le=3)]
    url: Annotated[str, Meta(min_length=1, max_length=500, pattern=r"^wss?://[^\s]+(?![\s\S])")]
    """Without the identity, which the station adds."""
    slot: Annotated[int, Meta(ge=0, le=10_000)] | None = None
    """Which of its network profiles to use; without it, one that is not in use."""
    interface: Interface = "Wired0"
    root: Annotated[str, Meta(max_length=10_000)] = ""
    """PEM of who signed our certificate at that address, for the station to trust; without it our
    own authority, where that signed it."""
    dry_run: bool = False
    """Say what would be done, and why; do nothing."""


class StepView(Struct, frozen=True, kw_only=True):
    """One step, why, and how the station answered; secrets are left out."""

    name: str
    because: str
    command: dict[str, Any] | None = None
    outcome: str | None = None
    status: str = ""
    reason: str = ""


class UpgradeView(Struct, frozen=True, kw_only=True):
    """The way to a security profile, as far as it was gone."""

    profile: int
    before: int
    steps: list[StepView]


class StationRoutes(Controller):
    """Stations: what exists, and how it is."""

    path = "/stations"
    tags = ("Stations",)

    @get(operation_id="list_stations", summary="List stations", sorts=SORTS)
    async def page(
        self,
        ctx: NamedDependency[Context],
        stations: NamedDependency[Stations],
        search: NamedDependency[Wanted],
        *,
        connected: FromQuery[bool | None] = None,
        admission: FromQuery[Admission | None] = None,
        site: FromQuery[str | None] = None,
        vendor: FromQuery[str | None] = None,
        model: FromQuery[str | None] = None,
        version: OfFirmware = None,
        protocol: FromQuery[str | None] = None,
    ) -> StationPage:
        """Stations with their connectors.

        A search looks at id, site, vendor, model, serial and firmware.
        """
        found = await stations.showcase.page(
            ctx,
            search,
            _written,
            connected=connected,
            admission=admission,
            site=site,
            vendor=vendor,
            model=model,
            firmware=version,
            protocol=protocol,
        )
        return StationPage(items=cast("list[StationView]", found.items), next=found.next)

    @post(operation_id="add_station", summary="Add a station")
    async def add(
        self,
        ctx: NamedDependency[Context],
        stations: NamedDependency[Stations],
        catalogue: NamedDependency[Catalogue],
        data: JSONBody[StationAddition],
    ) -> StationView:
        """Make a station known, so that it may connect."""
        return station_view(await stations.add(ctx, _new(data, catalogue)), [])

    @get("/{station_id:str}", operation_id="read_station", summary="Read a station")
    async def read(
        self,
        ctx: NamedDependency[Context],
        stations: NamedDependency[Stations],
        station_id: FromPath[str],
    ) -> StationView:
        """A station and its connectors."""
        return station_view(*await stations.read(ctx, StationId(station_id)))

    @patch("/{station_id:str}", operation_id="change_station", summary="Change a station")
    async def change(
        self,
        ctx: NamedDependency[Context],
        stations: NamedDependency[Stations],
        catalogue: NamedDependency[Catalogue],
        station_id: FromPath[str],
        data: JSONBody[StationChange],
    ) -> StationView:
        """Change what is given. A new password ends the connection that the old one opened."""
        name = StationId(station_id)
        await stations.change(
            ctx,
            name,
            admission=data.admission,
            password=None if data.password is None else data.password.encode(),
            site=data.site,
            lenient=data.lenient,
            quirks=None if data.quirks is None else catalogue.quirk_choice(data.quirks),
            log_all=data.log_all,
            security_profile=data.security_profile,
            certificate_name=data.certificate_name,
            ping=data.ping,
            no_password=data.no_password,
        )
        return station_view(*await stations.read(ctx, name))

    @post(
        "/{station_id:str}/password", operation_id="rotate_password", summary="Give a new password"
    )
    async def password(
        self,
        ctx: NamedDependency[Context],
        stations: NamedDependency[Stations],
        station_id: FromPath[str],
        data: JSONBody[PasswordWish],
    ) -> PasswordMade:
        """A new password, over the station's own line; the old one is good until it was used."""
        name = StationId(station_id)
        if not data.send:
            secret = await stations.securing.new_password(ctx, name)
            return PasswordMade(outcome="made", password=secret)
        answer = await stations.securing.rotate_password(ctx, name)
        return PasswordMade(
            outcome=answer.outcome.value, status=answer.status, reason=answer.reason
        )

    @post(
        "/{station_id:str}/security-profile",
        operation_id="upgrade_security",
        summary="Raise the security profile",
    )
    async def upgrade(
        self,
        ctx: NamedDependency[Context],
        stations: NamedDependency[Stations],
        station_id: FromPath[str],
        data: JSONBody[UpgradeWish],
    ) -> UpgradeView:
        """Bring a station to a higher profile; what it came in by is refused once it is back."""
        name = StationId(station_id)
        way = Way(url=data.url, slot=data.slot, interface=data.interface, root=data.root)
        verb = stations.securing.plan_upgrade if data.dry_run else stations.securing.upgrade
        return upgrade_view(await verb(ctx, name, data.profile, way))

    @delete("/{station_id:str}", operation_id="remove_station", summary="Remove a station")
    async def remove(
        self,
        ctx: NamedDependency[Context],
        stations: NamedDependency[Stations],
        station_id: FromPath[str],
    ) -> None:
        """Forget a station, and end its connection; its sessions and messages stay."""
        await stations.remove(ctx, StationId(station_id))

    @get(
        "/{station_id:str}/messages",
        operation_id="list_messages",
        summary="Raw messages",
        sorts=MESSAGE_SORTS,
    )
    async def messages(
        self,
        ctx: NamedDependency[Context],
        stations: NamedDependency[Stations],
        search: NamedDependency[Wanted],
        station_id: FromPath[str],
        *,
        direction: FromQuery[Literal["in", "out"] | None] = None,
        action: FromQuery[str | None] = None,
        since: Since = None,
        until: Until = None,
    ) -> MessagePage:
        """The raw messages that were kept, newest first if in no other order.

        A search looks at the whole frame.
        """
        station, _ = await stations.read(ctx, StationId(station_id))
        found = await stations.history.messages(
            ctx,
            station.id,
            search,
            direction=direction,
            action=action,
            since=since,
            until=until,
        )
        items = [msgspec.convert(held, MessageView, from_attributes=True) for held in found.items]
        return MessagePage(items=items, next=found.next)


class StationImportRoutes(Controller):
    """Many stations at once."""

    path = "/station-imports"
    tags = ("Stations",)

    @post(operation_id="import_stations", summary="Add many stations", status_code=200)
    async def add(
        self,
        ctx: NamedDependency[Context],
        stations: NamedDependency[Stations],
        catalogue: NamedDependency[Catalogue],
        data: JSONBody[StationImport],
    ) -> StationImported:
        """Make stations known, in one transaction. Those that are known stay as they are."""
        asked = {one.id: _new(one, catalogue) for one in data.items}
        if len(asked) < len(data.items):
            raise StationIdInvalid("a station is named twice", field="items")
        added = {station.id for station in await stations.add_many(ctx, asked.values())}
        return StationImported(
            added=[name for name in asked if name in added],
            known=[name for name in asked if name not in added],
        )


def _new(data: StationAddition, catalogue: Catalogue) -> NewStation:
    return NewStation(
        id=StationId(data.id),
        password=None if data.password is None else data.password.encode(),
        site=data.site,
        admission=data.admission,
        lenient=data.lenient,
        quirks=catalogue.quirk_choice(data.quirks),
        log_all=data.log_all,
        security_profile=data.security_profile,
        certificate_name=data.certificate_name,
        ping=data.ping,
    )


class QuirkUseView(Struct, frozen=True, kw_only=True):
    """Something that was forgiven the station, or said otherwise to it."""

    fix: str
    uses: int
    first_at: datetime
    last_at: datetime


class StationQuirksView(Struct, frozen=True, kw_only=True):
    """How a station is handled, why, and how often that was needed."""

    choice: str
    lenient: bool
    profile: str | None
    """The profile that it has: chosen, or found by its maker, model and firmware."""
    title: str
    advice: tuple[str, ...]
    uses: list[QuirkUseView]


class StationQuirkRoutes(Controller):
    """Quirks of single stations."""

    path = "/stations/{station_id:str}/quirks"
    tags = ("Stations",)

    @get(operation_id="read_station_quirks", summary="Quirks of a station")
    async def read(
        self,
        ctx: NamedDependency[Context],
        stations: NamedDependency[Stations],
        catalogue: NamedDependency[Catalogue],
        station_id: FromPath[str],
    ) -> StationQuirksView:
        """Its profile, and each fix that was used, the newest first. Counts may lag a minute."""
        station, _ = await stations.read(ctx, StationId(station_id))
        return quirks_view(station, catalogue, await stations.quirk_uses(ctx, station.id))


def quirks_view(
    station: Station, catalogue: Catalogue, uses: Sequence[QuirkUse]
) -> StationQuirksView:
    """A station's quirks as the API shows them."""
    profile = catalogue.quirk_profile_for(
        station.quirks, vendor=station.vendor, model=station.model, firmware=station.firmware
    )
    return StationQuirksView(
        choice=station.quirks,
        lenient=station.lenient and station.quirks != STRICT,
        profile=None if profile is None else profile.name,
        title="" if profile is None else profile.title,
        advice=() if profile is None else advice_of(profile),
        uses=[
            QuirkUseView(fix=u.fix, uses=u.uses, first_at=u.first_at, last_at=u.last_at)
            for u in uses
        ],
    )


def upgrade_view(upgrade: Upgrade) -> UpgradeView:
    """A plan as the API shows it."""
    return UpgradeView(
        profile=upgrade.profile,
        before=upgrade.before,
        steps=[
            StepView(
                name=step.name,
                because=step.because,
                command=None if step.command is None else recorded(step.command),
                outcome=None if step.answer is None else step.answer.outcome.value,
                status="" if step.answer is None else step.answer.status,
                reason="" if step.answer is None else step.answer.reason,
            )
            for step in upgrade.steps
        ],
    )


def station_view(station: Station, connectors: Sequence[Connector]) -> StationView:
    """A station as the API shows it."""
    known = msgspec.structs.asdict(station)
    return StationView(**known, connectors=tuple(map(connector_view, connectors)))


def _written(station: Station, connectors: Sequence[Connector]) -> msgspec.Raw:
    """The same, as it goes into an answer."""
    return msgspec.Raw(_encoder.encode(station_view(station, connectors)))


_encoder: Final = msgspec.json.Encoder()


def connector_view(c: Connector) -> ConnectorView:
    """A connector as the API shows it."""
    return ConnectorView(
        evse=c.evse_no,
        connector=c.connector_no,
        state=c.state,
        state_at=c.state_at,
        received_at=c.received_at,
        error=c.error,
        vendor_id=c.vendor_id,
        vendor_error=c.vendor_error,
        info=c.info,
    )
