"""Verbs that make a station more secure over its own line: a new password, a higher profile."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from forecourt.base.context import Context
from forecourt.base.digest import Digest
from forecourt.base.ids import StationId
from forecourt.base.pages import Wanted
from forecourt.domain.security import OPEN, RequestState, Security, Use
from forecourt.domain.stations import plan, store
from forecourt.domain.stations.commands import (
    GOOD,
    Answer,
    Ask,
    Outcome,
    SetNetworkProfile,
    SetVariables,
    is_secret,
)
from forecourt.domain.stations.model import StationChanged, StationOffline, StationUnknown
from forecourt.domain.stations.plan import Step, Trust, Upgrade, Way
from forecourt.infra.database import Database, Unit

PASSWORD_BYTES: Final = 20
"""40 hexadecimal digits: the longest that 1.6 and 2.x both take."""
# The station said no: what it was offered it does not have.
SAID_NO: Final = frozenset({Outcome.REJECTED, Outcome.UNSUPPORTED, Outcome.FAILED})
AGAIN: Final = "RebootRequired"
# A small processor takes half a minute for a key pair, and an authority outside some of it.
CERTIFICATE_WITHIN_S: Final = 60.0
LOOKED_EVERY_S: Final = 0.2
REQUESTS_SEEN: Final = 20

Put: TypeAlias = Callable[[Context, StationId, Ask], Awaitable[Answer]]
Digesting: TypeAlias = Callable[[bytes], Digest]


class Vouching(Struct, frozen=True, kw_only=True):
    """Who gives a station the certificates that a higher profile needs."""

    security: Security
    own_server: bool
    """It signed the certificate of our own listener, too."""
    within_s: float = CERTIFICATE_WITHIN_S
    """How long a station may take to ask for its certificate and take it."""


class Securing:
    """Over the station's own line; ``put`` asks it, and records that it was asked."""

    def __init__(
        self,
        db: Database,
        *,
        put: Put,
        digest: Digesting,
        at_once: Callable[[StationId], Awaitable[None]],
        vouching: Vouching | None = None,
    ) -> None:
        self._db = db
        self._vouching = vouching
        self._at_once = at_once
        self._put = put
        self._digest = digest

    async def new_password(self, ctx: Context, station: StationId) -> str:
        """A new password for somebody to take to the station; shown this once.

        The old one is good until the station has used the new one. Raises StationUnknown.
        """
        secret = secrets.token_hex(PASSWORD_BYTES)
        async with self._db.unit(ctx) as unit:
            await self._arm(unit, ctx, station, secret)
        return secret

    async def rotate_password(self, ctx: Context, station: StationId) -> Answer:
        """Give a connected station a new password. Nobody else sees it.

        Raises StationUnknown, StationOffline.
        """
        return await self._put(ctx, station, plan.password(secrets.token_hex(PASSWORD_BYTES)))

    async def offered(self, ctx: Context, station: StationId, command: Ask) -> bool:
        """A command is about to be put: if it gives a password, the door takes that one as well.

        Before the station hears of it: whatever happens then, it is not shut out.
        """
        secret = _password_in(command)
        if secret is None:
            return False
        async with self._db.unit(ctx) as unit:
            await self._arm(unit, ctx, station, secret)
        await self._at_once(station)
        return True

    async def declined(self, ctx: Context, station: StationId, answer: Answer) -> None:
        """The answer to that. Who said no keeps the old one; who said nothing may have the new."""
        if answer.outcome in SAID_NO:
            async with self._db.unit(ctx) as unit:
                await store.change(unit, station, {"password_next": None})
                await unit.emit(StationChanged(tenant=ctx.tenant, at=ctx.now, station=station))

    async def plan_upgrade(
        self, ctx: Context, station: StationId, profile: int, way: Way
    ) -> Upgrade:
        """What would bring a station to a higher security profile, and why.

        Raises StationUnknown, SecurityDowngrade.
        """
        trust = await self._trust(ctx, station, way)
        async with self._db.unit(ctx) as unit:
            return await self._plan(unit, station, profile, way, trust)

    async def upgrade(self, ctx: Context, station: StationId, profile: int, way: Way) -> Upgrade:
        """Do it, up to where the station says no. It is done when the station has come back.

        Raises StationUnknown, StationOffline, SecurityDowngrade.
        """
        trust = await self._trust(ctx, station, way)
        async with self._db.unit(ctx) as unit:
            planned = await self._plan(unit, station, profile, way, trust)
            values: dict[str, object] = {"profile_wanted": profile}
            if planned.steps[0].name == "hold":
                values = {"profile_wanted": None, "security_profile": profile}
            await store.change(unit, station, values)
            await unit.emit(StationChanged(tenant=ctx.tenant, at=ctx.now, station=station))
        await self._at_once(station)
        try:
            done = replace(planned, steps=tuple(await self._act(ctx, station, planned)))
        except StationOffline:
            await self._give_up(ctx, station)
            raise
        if any(step.answer is not None and step.answer.outcome not in GOOD for step in done.steps):
            await self._give_up(ctx, station)
        return done

    async def _give_up(self, ctx: Context, station: StationId) -> None:
        """It was not told, or said no: nothing is waited for."""
        async with self._db.unit(ctx) as unit:
            await store.change(unit, station, {"profile_wanted": None})
            await unit.emit(StationChanged(tenant=ctx.tenant, at=ctx.now, station=station))

    async def _act(self, ctx: Context, station: StationId, planned: Upgrade) -> list[Step]:
        """One step after another, up to a no. What is not for this kind of station is left out."""
        done: list[Step] = []
        profiles, over = True, False
        for step in planned.steps:
            command = step.command
            if step.needs_secret:
                command = plan.password(secrets.token_hex(PASSWORD_BYTES))
            if command is None or over or not _applies(step, done, profiles=profiles):
                done.append(step)
                continue
            seen = await self._newest_request(ctx, station) if step.name == plan.CERTIFICATE else ""
            answer = await self._put(ctx, station, command)
            if isinstance(command, SetNetworkProfile) and answer.outcome is Outcome.UNSUPPORTED:
                profiles = False
                done.append(step)
                continue
            if step.name == plan.CERTIFICATE and answer.outcome in GOOD:
                answer = await self._certified(ctx, station, answer, seen)
            done.append(replace(step, answer=answer))
            over = answer.outcome not in GOOD
        return done

    # ---- certificates ---------------------------------------------------------------------------

    async def _trust(self, ctx: Context, station: StationId, way: Way) -> Trust:
        """What is known of the station's certificates, and who signs ours."""
        if self._vouching is None:
            return Trust(root=way.root)
        security, root = self._vouching.security, way.root
        if not root and self._vouching.own_server:
            root = await security.server_root(ctx)
        certified = await security.signing.certified(ctx, station)
        return Trust(
            root=root,
            holds_root=bool(root) and await security.inventory.trusts(ctx, station, root),
            signs=True,
            holds_certificate=certified is not None,
        )

    async def _newest_request(self, ctx: Context, station: StationId) -> str:
        assert self._vouching is not None, "a plan asks for certificates where some are signed"
        found = await self._vouching.security.signing.list(ctx, Wanted(limit=1), station=station)
        return found.items[0].id if found.items else ""

    async def _certified(
        self, ctx: Context, station: StationId, answer: Answer, seen: str
    ) -> Answer:
        """Wait until it has the certificate that it asks for now; ``seen`` is its last request."""
        assert self._vouching is not None, "as above"
        signing, within_s = self._vouching.security.signing, self._vouching.within_s
        reason = "it did not ask for a certificate"
        try:
            async with asyncio.timeout(within_s):
                while True:
                    listed = await signing.list(ctx, Wanted(limit=REQUESTS_SEEN), station=station)
                    fresh = [
                        one for one in listed.items if one.id > seen and one.use is Use.STATION
                    ]
                    if fresh and fresh[0].state is RequestState.ACCEPTED:
                        return answer
                    if fresh:
                        reason = f"its request is {fresh[0].state.value}"
                        reason += f": {fresh[0].detail}" if fresh[0].detail else ""
                        if fresh[0].state not in OPEN:
                            break
                    await asyncio.sleep(LOOKED_EVERY_S)
        except TimeoutError:
            reason += f" within {within_s:g} s"
        return Answer(outcome=Outcome.FAILED, reason=reason)

    async def _plan(
        self, unit: Unit, station: StationId, profile: int, way: Way, trust: Trust
    ) -> Upgrade:
        door = await store.door(unit, station)
        found = await store.find(unit, station)
        if door is None or found is None:
            raise StationUnknown(f"there is no station {station!r}", station=station)
        known = await store.values_of(unit, station, plan.ASKED_FOR)
        slots = await store.choices_of(unit, station, plan.COMMS, plan.PRIORITY)
        way = replace(way, protocol=way.protocol or found.protocol)
        return plan.upgrade(found, door, known, profile, way, slots=slots, trust=trust)

    async def _arm(self, unit: Unit, ctx: Context, station: StationId, secret: str) -> None:
        values: dict[str, object] = {"password_next": self._digest(secret.encode())}
        if not await store.change(unit, station, values):
            raise StationUnknown(f"there is no station {station!r}", station=station)
        await unit.emit(StationChanged(tenant=ctx.tenant, at=ctx.now, station=station))


def _applies(step: Step, done: Sequence[Step], *, profiles: bool) -> bool:
    """Whether a step is for a station that has network profiles, or has none."""
    match step.name:
        case "priority":
            return profiles
        case "profile":
            return not profiles
        case "reset":
            # One that is told its profile comes back by itself, unless it says otherwise.
            return profiles or any(s.answer is not None and s.answer.status == AGAIN for s in done)
        case _:
            return True


def _password_in(command: Ask) -> str | None:
    """The password that a command gives the station, if it does."""
    if isinstance(command, SetNetworkProfile):
        return command.password
    if not isinstance(command, SetVariables):
        return None
    return next((v.value for v in command.variables if is_secret(v.variable)), None)
