"""The room's verbs: codes for connectors; look, start, follow and stop for whoever has one."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, get_args

from msgspec.structs import replace

from forecourt.base.context import Context
from forecourt.base.digest import digest
from forecourt.base.ids import StationId, new_id
from forecourt.base.pages import Wanted
from forecourt.base.text import is_printable
from forecourt.domain.access import Access, Standing, TokenUnknown, folded
from forecourt.domain.catalogue import Catalogue, ConnectorType, ConnectorTypeId
from forecourt.domain.drivers import rules, store
from forecourt.domain.drivers.model import (
    CardRefused,
    Charge,
    Code,
    CodeUnknown,
    Freedom,
    Label,
    Outlet,
    OutletBusy,
    PageSettings,
    Stage,
    StartNotAllowed,
    StationRefused,
    Visit,
    VisitUnknown,
)
from forecourt.domain.sessions import Session, Sessions, SessionState
from forecourt.domain.stations import (
    Answer,
    Connector,
    Outcome,
    Start,
    Station,
    Stations,
    Stop,
    TokenType,
)
from forecourt.domain.tariffs import Tariffs
from forecourt.infra.database import Database

SECRET_BYTES: Final = 16
LOOKED_THROUGH: Final = Wanted(limit=50)
"""Of a station's newest sessions: more than it has outlets."""
READINGS_MAX: Final = 10_000
_TOKEN_TYPES: Final[dict[str, TokenType]] = {name: name for name in get_args(TokenType)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Below:
    """The rooms that this one asks."""

    catalogue: Catalogue
    stations: Stations
    access: Access
    sessions: Sessions
    tariffs: Tariffs


class Drivers:
    """Everything for those who have no log-in."""

    def __init__(self, db: Database, below: Below, *, secret_key: bytes) -> None:
        self._db = db
        self._below = below
        self._secret_key = secret_key

    # ---- for operators --------------------------------------------------------------------------

    def connector_types(self) -> Sequence[ConnectorType]:
        """What a label can say."""
        return self._below.catalogue.connector_types()

    async def codes(self, ctx: Context, station: StationId) -> Sequence[Code]:
        """The codes of a station's connectors. Raises StationUnknown."""
        await self._below.stations.read(ctx, station)
        async with self._db.unit(ctx) as unit:
            return await store.codes_of(unit, station)

    async def make_codes(self, ctx: Context, station: StationId) -> Sequence[Code]:
        """Give each connector that has none its code. Raises StationUnknown."""
        _, connectors = await self._below.stations.read(ctx, station)
        new = [
            Code(
                code=_by_chance(),
                tenant=ctx.tenant,
                station=station,
                evse_no=one.evse_no,
                connector_no=one.connector_no,
                created_at=ctx.now,
            )
            for one in connectors
            if one.evse_no > 0
        ]
        async with self._db.unit(ctx) as unit:
            await store.add_codes(unit, new)
            return await store.codes_of(unit, station)

    async def change_code(
        self, ctx: Context, station: StationId, code: str, *, label: Label | None, renew: bool
    ) -> Code:
        """Say what the connector is, or void a code that got about.

        Raises CodeUnknown, ConnectorTypeUnknown.
        """
        if label is not None and label.connector_type:
            self._below.catalogue.connector_type(ConnectorTypeId(label.connector_type))
        async with self._db.unit(ctx) as unit:
            found = await store.find_code(unit, rules.meant(code))
            if found is None or found.station != station:
                raise CodeUnknown("no connector of this station has this code")
            changed = replace(
                found,
                label=found.label if label is None else label,
                code=_by_chance() if renew else found.code,
            )
            await store.change_code(unit, found.code, label=changed.label, renewed=changed.code)
        return changed

    async def settings(self, ctx: Context) -> PageSettings:
        """What drivers may do at this tenant's pages."""
        async with self._db.unit(ctx) as unit:
            return await store.settings_of(unit, ctx.tenant)

    async def set_settings(self, ctx: Context, chosen: PageSettings) -> PageSettings:
        """Let drivers do so from now on."""
        async with self._db.unit(ctx) as unit:
            await store.save_settings(unit, ctx.tenant, chosen)
        return chosen

    # ---- for drivers ----------------------------------------------------------------------------

    async def look(self, typed: str, now: datetime) -> Outlet:
        """What is behind a code. Raises CodeUnknown."""
        code = await self._code(typed)
        ctx = _as_driver(code, now)
        station, connector, session = await self._place(ctx, code)
        async with self._db.unit(ctx) as unit:
            chosen = await store.settings_of(unit, code.tenant)
        return Outlet(
            code=code.code,
            freedom=_freedom(station, connector, session),
            type=self._type(code.label),
            power_w_max=code.label.power_w_max,
            may_start=chosen.may_start,
        )

    async def start(self, typed: str, card: str, now: datetime) -> tuple[Visit, str]:
        """Ask the station to start for a card; the visit, and the secret that leads to it.

        Whose card charges there already is led to that session. Raises CodeUnknown,
        StartNotAllowed, OutletBusy, CardRefused, StationRefused, StationOffline.
        """
        code = await self._code(typed)
        ctx = _as_driver(code, now)
        if not (await self.settings(ctx)).may_start:
            raise StartNotAllowed("drivers do not start here")
        token, token_type = await self._card(ctx, card)
        station, connector, session = await self._place(ctx, code)
        if session is None or folded(session.token) != folded(token):
            free = _freedom(station, connector, session)
            if free not in rules.STARTABLE:
                raise OutletBusy(f"nobody can start here: {free.value}", free)
            await self._ask(ctx, code, token, token_type)
            session = None
        secret = secrets.token_urlsafe(SECRET_BYTES)
        visit = Visit(
            digest=self._digest(secret),
            tenant=code.tenant,
            code=code.code,
            station=code.station,
            evse_no=code.evse_no,
            connector_no=code.connector_no,
            token=token,
            marker=new_id("ses", now),
            session=None if session is None else session.id,
            asked_at=now,
            expires_at=now + rules.KEPT,
        )
        async with self._db.unit(ctx) as unit:
            await store.add_visit(unit, visit)
        return visit, secret

    async def visit(self, secret: str, now: datetime) -> Visit:
        """The visit that a secret leads to. Raises VisitUnknown."""
        async with self._db.house_unit() as unit:
            found = await store.find_visit(unit, self._digest(secret), now)
        if found is None:
            raise VisitUnknown("this link leads nowhere, or is too old")
        return found

    async def charge(self, visit: Visit, now: datetime) -> Charge:
        """How far the driver's session is; with what a receipt has, once it has ended."""
        ctx = _as_driver(visit, now)
        session = await self._session(ctx, visit)
        charge = rules.charge(visit, session, now)
        if session is None:
            return charge
        cost = await self._below.tariffs.cost(ctx, session.station, session.transaction)
        if charge.stage is not Stage.ENDED:
            return replace(charge, cost=cost)
        readings = await self._below.sessions.readings(ctx, session, Wanted(limit=READINGS_MAX))
        signed = sum(
            "SignedData" in one.samples or "signedMeter" in one.samples for one in readings.items
        )
        return replace(charge, cost=cost, signed=signed)

    async def stop(self, visit: Visit, now: datetime) -> None:
        """Ask the station to stop the driver's own session. Raises StationRefused, StationOffline.

        Nothing happens when it runs no more, or has not begun.
        """
        ctx = _as_driver(visit, now)
        session = await self._session(ctx, visit)
        if session is None or session.state is SessionState.ENDED:
            return
        stop = Stop(transaction=session.transaction)
        _agreed(await self._below.stations.command(ctx, session.station, stop))

    # ---- inside ---------------------------------------------------------------------------------

    async def _code(self, typed: str) -> Code:
        code = rules.meant(typed)
        if code:
            async with self._db.house_unit() as unit:
                found = await store.find_code(unit, code)
            if found is not None:
                return found
        raise CodeUnknown("no connector has this code")

    async def _place(
        self, ctx: Context, code: Code
    ) -> tuple[Station, Connector | None, Session | None]:
        """The station, the connector as it is, and the session that runs there."""
        station, connectors = await self._below.stations.read(ctx, code.station)
        at = (code.evse_no, code.connector_no)
        connector = next((c for c in connectors if (c.evse_no, c.connector_no) == at), None)
        running = await self._below.sessions.list(
            ctx, LOOKED_THROUGH, station=code.station, state=SessionState.ACTIVE
        )
        session = next((s for s in running.items if s.evse_no == code.evse_no), None)
        return station, connector, session

    async def _card(self, ctx: Context, typed: str) -> tuple[str, TokenType]:
        """The card of this number. Raises CardRefused."""
        uid = typed.strip()
        standing = Standing.UNKNOWN
        if uid and is_printable(uid):
            standing = (await self._below.access.authorize(ctx, uid)).standing
        if standing is not Standing.ACCEPTED:
            raise CardRefused("this card may not charge", standing)
        try:
            token = await self._below.access.read(ctx, uid)
        except TokenUnknown as gone:
            raise CardRefused("this card may not charge", Standing.UNKNOWN) from gone
        return token.uid, _TOKEN_TYPES.get(token.type, "Central")

    async def _ask(self, ctx: Context, code: Code, token: str, token_type: TokenType) -> None:
        start = Start(token=token, token_type=token_type, evse=code.evse_no)
        _agreed(await self._below.stations.command(ctx, code.station, start))

    async def _session(self, ctx: Context, visit: Visit) -> Session | None:
        """The visit's session, found among its station's newest and remembered."""
        if visit.session is not None:
            return await self._below.sessions.read(ctx, visit.session)
        newest = await self._below.sessions.list(ctx, LOOKED_THROUGH, station=visit.station)
        session = rules.begun_by(visit, newest.items)
        if session is not None:
            async with self._db.unit(ctx) as unit:
                await store.bind_visit(unit, visit.digest, session.id)
        return session

    def _type(self, label: Label) -> ConnectorType | None:
        if not label.connector_type:
            return None
        return self._below.catalogue.connector_type(ConnectorTypeId(label.connector_type))

    def _digest(self, secret: str) -> bytes:
        return digest(secret.encode(), key=self._secret_key, use="driver visit")


def _freedom(station: Station, connector: Connector | None, session: Session | None) -> Freedom:
    state = None if connector is None else connector.state
    return rules.freedom(state, connected=station.connected, busy=session is not None)


def _as_driver(place: Code | Visit, now: datetime) -> Context:
    return Context(actor=f"driver:{place.code}", tenant=place.tenant, now=now)


def _by_chance() -> str:
    return "".join(secrets.choice(rules.ALPHABET) for _ in range(rules.CODE_LENGTH))


def _agreed(answer: Answer) -> None:
    if answer.outcome not in {Outcome.ACCEPTED, Outcome.SCHEDULED}:
        raise StationRefused(f"the station did not agree: {answer.outcome.value}")
