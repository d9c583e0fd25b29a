"""Commands to stations.

They are here because they start and stop sessions: a token is checked before a station is asked to
start for it, and a session names the transaction that a station is asked to stop.
"""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta, Struct

from forecourt.base.context import Context
from forecourt.base.ids import SessionId, StationId
from forecourt.base.pages import Wanted
from forecourt.base.text import PRINTABLE, is_printable
from forecourt.domain.access import Access, Standing
from forecourt.domain.devices import Devices
from forecourt.domain.sessions.model import SessionUnknown, StopUnclear, TokenRefused
from forecourt.domain.sessions.service import Sessions
from forecourt.domain.stations import (
    GIVEN_SORTS,
    Answer,
    Command,
    Direct,
    Outcome,
    SetVariables,
    Start,
    Stations,
    Stop,
)


class StopSession(
    Struct, frozen=True, kw_only=True, tag_field="command", tag="stop", forbid_unknown_fields=True
):
    """Stop a running session: by its id, or by the name that the station has for it."""

    transaction: Annotated[str, Meta(min_length=1, max_length=36, pattern=PRINTABLE)] | None = None
    session: Annotated[str, Meta(min_length=1, max_length=40, pattern=PRINTABLE)] | None = None


CommandBody = Direct | StopSession
Since = Annotated[datetime | None, QueryParameter(description="Asked then or later.")]
Until = Annotated[datetime | None, QueryParameter(description="Asked before then.")]


class GivenView(Struct, frozen=True, kw_only=True):
    """A command that was given to a station, and what came of it. Secrets are not told."""

    id: str
    """As `command.answered` names it."""
    actor: str
    command: Any
    """As it was asked."""
    asked_at: datetime
    outcome: Outcome | None
    """Null: it is still in hand, or the platform stopped before its answer."""
    answer: Any
    """As whoever asked was told."""
    answered_at: datetime | None


class GivenPage(Struct, frozen=True, kw_only=True):
    """Commands that were given."""

    items: list[GivenView]
    next: str | None


class CommandRoutes(Controller):
    """Commands: what a station can be asked to do."""

    path = "/stations/{station_id:str}/commands"
    tags = ("Commands",)

    @get(
        operation_id="list_station_commands",
        summary="What a station was asked to do",
        sorts=GIVEN_SORTS,
    )
    async def page(
        self,
        ctx: NamedDependency[Context],
        *,
        stations: NamedDependency[Stations],
        paging: NamedDependency[Wanted],
        station_id: FromPath[str],
        outcome: FromQuery[Outcome | None] = None,
        since: Since = None,
        until: Until = None,
    ) -> GivenPage:
        """Commands given to a station and its answers, newest first if in no other order.

        Those for many stations at once are among them, one for each time that it was tried.
        """
        station, _ = await stations.read(ctx, StationId(station_id))
        found = await stations.history.given(
            ctx, station.id, paging, outcome=outcome, since=since, until=until
        )
        return GivenPage(
            items=[msgspec.convert(one, GivenView, from_attributes=True) for one in found.items],
            next=found.next,
        )

    @post(operation_id="command_station", summary="Ask a station to do something", status_code=200)
    async def command(
        self,
        ctx: NamedDependency[Context],
        *,
        stations: NamedDependency[Stations],
        access: NamedDependency[Access],
        sessions: NamedDependency[Sessions],
        devices: NamedDependency[Devices],
        station_id: FromPath[str],
        data: JSONBody[CommandBody],
    ) -> Answer:
        """Put a command to a connected station, and return its own answer.

        The answer's `outcome` says how it ended: `rejected` is an answer too. A station that is
        not connected is a problem `station.offline`.
        """
        station = StationId(station_id)
        command: Command
        match data:
            case StopSession():
                command = await _stop(ctx, sessions, station, data)
            case Start():
                await _may_start(ctx, access, data)
                command = data
            case SetVariables():
                await devices.check(ctx, station, data)
                command = data
            case _:
                command = data
        return await stations.command(ctx, station, command)


async def _may_start(ctx: Context, access: Access, start: Start) -> None:
    """Raises TokenRefused for a token that may not charge."""
    standing = Standing.UNKNOWN
    if is_printable(start.token):
        standing = (await access.authorize(ctx, start.token)).standing
    if standing is not Standing.ACCEPTED:
        raise TokenRefused(
            f"token {start.token!r} may not charge: it is {standing.value}", token=start.token
        )


async def _stop(ctx: Context, sessions: Sessions, station: StationId, asked: StopSession) -> Stop:
    """The transaction that is meant. Raises StopUnclear, SessionUnknown."""
    if (asked.session is None) == (asked.transaction is None):
        raise StopUnclear("name either the session or the station's transaction to stop")
    if asked.session is None:
        return Stop(transaction=asked.transaction or "")
    session = await sessions.read(ctx, SessionId(asked.session))
    if session.station != station:
        raise SessionUnknown(
            f"session {session.id} is not of station {station!r}", session=session.id
        )
    return Stop(transaction=session.transaction)
