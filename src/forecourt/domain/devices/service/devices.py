"""The room's verbs.

``booted`` and ``reported`` are the gateway's: plain functions whose rows the group commit writes.
The others are units of work of their own; ``apply`` and ``tend`` ask stations between them.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Final
from zlib import crc32

import msgspec
from msgspec.structs import replace

from forecourt.base import pages
from forecourt.base.context import Context
from forecourt.base.ids import StationId
from forecourt.domain.catalogue import Catalogue
from forecourt.domain.devices import rules, store
from forecourt.domain.devices.model import (
    Applied,
    Line,
    ModelReported,
    Network,
    Plan,
    ReportPart,
    Standing,
    State,
    StationConforms,
    StationDrifted,
    Template,
    TemplateExists,
    TemplateInvalid,
    TemplateUnknown,
    Upkeep,
    ValueInvalid,
    Wanted,
    spelt,
)
from forecourt.domain.stations import (
    VARIABLES_MAX,
    GetReport,
    Kept,
    Links,
    Outcome,
    SetNetworkProfile,
    SetVariables,
    Station,
    Stations,
    StationUnknown,
    Variable,
    VariableValue,
)
from forecourt.infra.commit import Changes
from forecourt.infra.database import Database

# Nobody keeps more apart in his head, and every check of a station goes through all of them.
TEMPLATES_MAX: Final = 500
# A report of everything has a few hundred parts; numbers past this are somebody's mischief.
PARTS_MAX: Final = 5_000
# So many stations a second are looked at, and no more: all of them are due at once when a template
# changes, and when a network comes back.
LOOKS_PER_SECOND: Final = 25
# A station that does not tell its model is asked again, ever less often, until it boots anew.
FETCHES_MAX: Final = 6
FETCH_AGAIN_FIRST: Final = timedelta(minutes=2)
FETCH_AGAIN_FACTOR: Final = 4
# There is something to do and the station is away; its coming back brings it up at once.
AWAY_AGAIN: Final = timedelta(minutes=15)
# It is connected to another gateway, which shall get it.
ELSEWHERE_AGAIN: Final = timedelta(seconds=5)
# Until what a station answered is committed, and can be compared.
SETTLED_AFTER: Final = timedelta(seconds=2)
# Nobody listened, or will not: no use to ask it more.
SILENT: Final = (Outcome.TIMEOUT, Outcome.DISCONNECTED)


@cache
def standards() -> rules.Standards:
    """The standards' variables and their flat names, from the package's data file."""
    file = files("forecourt.domain.devices").joinpath("data", "standard.toml")
    return rules.Standards(msgspec.toml.decode(file.read_bytes(), type=rules.Book))


class Devices:
    """Everything about what stations consist of, and how they shall be set."""

    def __init__(
        self,
        db: Database,
        *,
        stations: Stations,
        links: Links,
        catalogue: Catalogue,
        fetches: bool = True,
        after_boot: timedelta = timedelta(seconds=20),
    ) -> None:
        self._db = db
        self._stations = stations
        self._links = links
        self._catalogue = catalogue
        self._fetches = fetches
        self._after_boot = after_boot
        self.standards = standards()
        self._told: dict[StationId, int] = {}
        """How many variables each station told since what is too much was last forgotten."""
        self._overfull: set[StationId] = set()
        self._away: set[StationId] = set()
        """Stations that something is to be asked of, and that were not here."""

    # ---- for the gateway --------------------------------------------------------------------

    def booted(self, ctx: Context, station: StationId, changes: Changes) -> None:
        """A station woke up: it is looked at a while later, each at a moment of its own."""
        share = crc32(station.encode()) / 0xFFFFFFFF
        due_at = ctx.now + self._after_boot * (1 + share)
        changes.write(store.BOOTED, (station, ctx.tenant, due_at))

    def reported(
        self,
        ctx: Context,
        station: StationId,
        variables: Iterable[Variable],
        changes: Changes,
        part: ReportPart | None = None,
    ) -> None:
        """What a station told of its variables: by an answer, or by a part of a report."""
        kept = [self._readable(variable) for variable in variables]
        self._stations.variables_reported(ctx, station, kept, changes)
        if part is not None and part.whole and 0 <= part.seq_no < PARTS_MAX:
            changes.write(store.PARTS, store.part_row(station, ctx.tenant, part, ctx.now))
        overfull = self._count(station, len(kept))
        if overfull or (kept if part is None else part.last):
            changes.write(store.DUE, (station, ctx.tenant, ctx.now))

    def _count(self, station: StationId, told: int) -> bool:
        """Whether it told so much that some of it must be forgotten."""
        count = self._told.get(station, 0) + told
        full = count > VARIABLES_MAX
        self._told[station] = 0 if full else count
        if full:
            self._overfull.add(station)
        return full

    def _readable(self, variable: Variable) -> Variable:
        """A secret is not kept in clear, also when its station tells it."""
        secret = self.standards.is_secret(
            variable.component, variable.variable, variable.variable_instance
        )
        return replace(variable, mutability="WriteOnly", value=None) if secret else variable

    # ---- variables --------------------------------------------------------------------------

    async def variables(
        self,
        ctx: Context,
        station: StationId,
        *,
        component: str | None = None,
        variable: str | None = None,
        evse_no: int | None = None,
        gone: bool = False,
    ) -> Sequence[Kept]:
        """What a station told of its variables; flat names find what they mean.

        Raises StationUnknown.
        """
        await self._stations.read(ctx, station)
        kept = await self._stations.inventory(ctx, station)
        if variable is not None and not component:
            named = self.standards.canonical(Wanted(variable=variable, value=""))
            component, variable = named.component or component, named.variable
        return [
            each
            for each in kept
            if (gone or each.gone_at is None)
            and _is(each.variable.component, component)
            and _is(each.variable.variable, variable)
            and evse_no in (None, each.variable.evse_no)
        ]

    async def check(self, ctx: Context, station: StationId, command: SetVariables) -> None:
        """Raises ValueInvalid when the station's characteristics rule a value out."""
        kept = await self._stations.inventory(ctx, station)
        told = {rules.place(each.variable): each.variable for each in kept}
        for value in command.variables:
            wanted = self.standards.canonical(_wanted(value))
            blank = Variable(
                component=wanted.component,
                variable=wanted.variable,
                variable_instance=wanted.instance,
                value=None,
            )
            variable = self.standards.characterised(told.get(wanted.place, blank))
            why = rules.fault(variable, wanted.value)
            if why is not None:
                raise ValueInvalid(f"{spelt(value)} does not take this value: {why}")

    # ---- templates --------------------------------------------------------------------------

    async def add_template(self, ctx: Context, template: Template) -> Template:
        """Raises TemplateExists, TemplateInvalid."""
        made = rules.checked(template, self.standards)
        async with self._db.unit(ctx) as unit:
            if await store.count_templates(unit) >= TEMPLATES_MAX:
                raise TemplateInvalid(f"there are {TEMPLATES_MAX} templates, which is the most")
            if not await store.add_template(unit, ctx.tenant, made, ctx.now):
                raise TemplateExists(f"a template {template.name!r} exists already")
            await store.spread_due(unit, now=ctx.now, per_second=LOOKS_PER_SECOND)
        return made

    async def save_template(self, ctx: Context, template: Template) -> Template:
        """Put another in the place of the one of this name. Raises TemplateUnknown, …Invalid."""
        made = rules.checked(template, self.standards)
        async with self._db.unit(ctx) as unit:
            if not await store.remove_template(unit, template.name):
                raise _no_template(template.name)
            await store.add_template(unit, ctx.tenant, made, ctx.now)
            await store.spread_due(unit, now=ctx.now, per_second=LOOKS_PER_SECOND)
        return made

    async def remove_template(self, ctx: Context, name: str) -> None:
        """Stations stay as they are; nobody holds them to it any more. Raises TemplateUnknown."""
        async with self._db.unit(ctx) as unit:
            if not await store.remove_template(unit, name):
                raise _no_template(name)
            await store.spread_due(unit, now=ctx.now, per_second=LOOKS_PER_SECOND)

    async def templates(self, ctx: Context) -> Sequence[Template]:
        """All of them, by name."""
        async with self._db.view(ctx) as unit:
            return await store.templates_of(unit)

    async def template(self, ctx: Context, name: str) -> Template:
        """Raises TemplateUnknown."""
        for template in await self.templates(ctx):
            if template.name == name:
                return template
        raise _no_template(name)

    # ---- drift ------------------------------------------------------------------------------

    async def standing(self, ctx: Context, station: StationId) -> Standing:
        """How a station stands to what is wanted of it, as of now. Raises StationUnknown."""
        found, _ = await self._stations.read(ctx, station)
        held, plan = await self._planned(ctx, found)
        return Standing(
            station=station, plan=plan, model_at=held.model_at, checked_at=held.checked_at
        )

    async def standings(
        self,
        ctx: Context,
        wanted: pages.Wanted = pages.FIRST_PAGE,
        *,
        state: State | None = None,
    ) -> pages.Page[Upkeep]:
        """How stations stood when they were last looked at, by their ids if in no other order.

        Raises CursorInvalid, SortUnknown.
        """
        async with self._db.view(ctx) as unit:
            return await store.upkeeps(unit, wanted, state)

    async def apply(
        self, ctx: Context, station: StationId, *, dry_run: bool = False
    ) -> tuple[Plan, Sequence[Applied]]:
        """Set on a station what differs; the plan, and what the station said to each line.

        What it refused before is tried again. Raises StationUnknown, StationOffline.
        """
        found, _ = await self._stations.read(ctx, station)
        _, plan = await self._planned(ctx, found, patient=False)
        if dry_run:
            return plan, ()
        return plan, await self._set(ctx, station, plan, plan.to_set)

    async def _set(
        self, ctx: Context, station: StationId, plan: Plan, lines: Sequence[Line]
    ) -> Sequence[Applied]:
        """One variable at a time: each gets an answer of its own, and no station is flooded."""
        done: list[Applied] = []
        try:
            for line in lines:
                answer = await self._stations.command(ctx, station, _command(line))
                done.append(
                    Applied(
                        line=line,
                        outcome=answer.outcome,
                        status=answer.variables[0].status if answer.variables else answer.status,
                        reason=answer.reason,
                    )
                )
                if answer.outcome in SILENT:
                    break
        finally:
            if done:
                await self._remember(ctx, station, plan, done)
        return done

    async def _remember(
        self, ctx: Context, station: StationId, plan: Plan, done: Sequence[Applied]
    ) -> None:
        async with self._db.unit(ctx) as unit:
            held = await store.hold_upkeep(unit, station, ctx.tenant)
            tries = rules.remembered(held.tries, plan, done, ctx.now)
            await store.save_upkeep(unit, replace(held, tries=tries))
            await store.make_due(unit, station, ctx.tenant, ctx.now + SETTLED_AFTER)

    async def _planned(
        self, ctx: Context, station: Station, *, patient: bool = True
    ) -> tuple[Upkeep, Plan]:
        """What is remembered of a station, and what is to be done about it."""
        async with self._db.view(ctx) as unit:
            held = await store.find_upkeep(unit, station.id) or _blank(station)
            templates = await store.templates_of(unit)
        wishes = rules.desired(templates, station, self.standards)
        plan = rules.plan(
            wishes,
            await self._stations.inventory(ctx, station.id) if wishes else (),
            networks=await self._networks(ctx, station.id)
            if any(wish.network for wish in wishes)
            else (),
            whole=held.model_at is not None and held.model_of == rules.model_of(station),
            tries=held.tries,
            patient=patient,
            now=ctx.now,
            standards=self.standards,
        )
        return held, plan

    async def networks(
        self, ctx: Context, station: StationId
    ) -> Sequence[tuple[SetNetworkProfile, datetime]]:
        """The ways to reach us that a station took, by slot, and when. Raises StationUnknown."""
        await self._stations.read(ctx, station)
        return await self._stations.networks(ctx, station)

    async def _networks(self, ctx: Context, station: StationId) -> list[Network]:
        return [
            Network(
                slot=given.slot,
                url=given.url,
                security_profile=given.security_profile,
                protocol=given.protocol,
                interface=given.interface,
                message_timeout_s=given.message_timeout_s,
                identity=given.identity,
            )
            for given, _ in await self._stations.networks(ctx, station)
        ]

    # ---- for the caretaker ------------------------------------------------------------------

    async def tend(self, ctx: Context, station: StationId) -> datetime | None:
        """Look at a station: what it told, whether it drifted, what is to be asked of it.

        Returns when to look again, if nothing happens. Raises StationUnknown.
        """
        found, _ = await self._stations.read(ctx, station)
        await self._read_reports(ctx, found)
        if station in self._overfull:
            self._overfull.discard(station)
            await self._stations.forget_variables(ctx, station)
        held, plan = await self._planned(ctx, found)
        tries = rules.remembered(held.tries, plan, (), ctx.now)
        here = self._links.find(station) is not None
        async with self._db.unit(ctx) as unit:
            # Somebody else may have looked meanwhile, and told what is news.
            held = await store.hold_upkeep(unit, station, ctx.tenant)
            await unit.emit(*_news(ctx, held, plan))
            held = replace(
                held, state=plan.state, lines=plan.lines, checked_at=ctx.now, tries=tries
            )
            fetch = self._to_fetch(found, held)
            fetch_now = fetch and here and (held.fetch_after or ctx.now) <= ctx.now
            if fetch_now:
                await store.forget_parts(unit, station, before=ctx.now)
                again = ctx.now + FETCH_AGAIN_FIRST * int(FETCH_AGAIN_FACTOR**held.fetches)
                held = replace(held, fetches=held.fetches + 1, fetch_after=again)
            await store.save_upkeep(unit, held)
        lines = [line for line in plan.to_set if line.auto]
        waiting = [] if plan.next_try is None else [plan.next_try]
        if not fetch and not lines:
            return min(waiting, default=None)
        if not here:
            self._away.add(station)
            if self._links.find(station) is not None:
                return ctx.now  # It came while we looked, and nobody knew that this waits for it.
            return ctx.now + (ELSEWHERE_AGAIN if found.connected else AWAY_AGAIN)
        if fetch and held.fetch_after is not None:
            waiting.append(held.fetch_after)
        if fetch_now:
            await self._stations.command(ctx, station, GetReport(base="full"))
        if lines:
            await self._set(ctx, station, plan, lines)
            waiting.append(ctx.now + SETTLED_AFTER)
        return min(waiting)

    def _to_fetch(self, station: Station, held: Upkeep) -> bool:
        """Whether its device model is unknown, and it may still be asked."""
        return (
            self._fetches
            and station.booted_at is not None
            and held.model_of != rules.model_of(station)
            and held.fetches < FETCHES_MAX
            and self._bears_questions(station)
        )

    def _bears_questions(self, station: Station) -> bool:
        """Some fall into a boot loop when they are asked for all that they have (quirk 19)."""
        profile = self._catalogue.quirk_profile_for(
            station.quirks, vendor=station.vendor, model=station.model, firmware=station.firmware
        )
        return profile is None or not profile.no_measurand_autodetect

    async def _read_reports(self, ctx: Context, station: Station) -> None:
        """If a report of everything is complete, what it does not name is gone."""
        async with self._db.view(ctx) as unit:
            reports = await store.parts_of(unit, station.id)
        for parts in reports.values():
            if not rules.whole([(number, last) for number, last, _ in parts]):
                continue
            moments = [moment for _, _, moment in parts]
            gone = await self._stations.variables_gone(ctx, station.id, since=min(moments))
            there = len(await self._stations.variables(ctx, station.id))
            async with self._db.unit(ctx) as unit:
                await store.forget_parts(unit, station.id, before=max(moments))
                held = await store.hold_upkeep(unit, station.id, ctx.tenant)
                known = replace(
                    held,
                    model_of=rules.model_of(station),
                    model_at=max(moments),
                    fetches=0,
                    fetch_after=None,
                )
                await store.save_upkeep(unit, known)
                await unit.emit(
                    ModelReported(
                        tenant=ctx.tenant,
                        at=ctx.now,
                        station=station.id,
                        variables=there,
                        gone=gone,
                    )
                )
            return

    async def connected(self, ctx: Context, station: StationId) -> None:
        """A station is here again: if something waits for that, it is due."""
        if station in self._away:
            self._away.discard(station)
            async with self._db.unit(ctx) as unit:
                await store.make_due(unit, station, ctx.tenant, ctx.now)

    async def forget_removed(self, ctx: Context, station: StationId) -> None:
        """If a station is not known any more, forget what it told."""
        try:
            await self._stations.read(ctx, station)
        except StationUnknown:
            self._told.pop(station, None)
            async with self._db.unit(ctx) as unit:
                await store.forget(unit, station)


def _news(ctx: Context, held: Upkeep, plan: Plan) -> Iterable[StationDrifted | StationConforms]:
    """What changed since the station was last looked at."""
    drifts = _drifting(plan.lines)
    if plan.state is State.DRIFTED and (
        held.state is not State.DRIFTED or drifts != _drifting(held.lines)
    ):
        yield StationDrifted(tenant=ctx.tenant, at=ctx.now, station=held.station, variables=drifts)
    elif plan.state is State.CONFORMS and held.state is not State.CONFORMS:
        yield StationConforms(tenant=ctx.tenant, at=ctx.now, station=held.station)


def _drifting(lines: Iterable[Line]) -> tuple[str, ...]:
    return tuple(sorted(spelt(line.wanted) for line in lines if line.step not in rules.NEARLY))


def _command(line: Line) -> SetVariables | SetNetworkProfile:
    """What is asked of the station."""
    if line.network is None:
        return SetVariables(variables=(_asked(line.wanted),))
    fields = msgspec.to_builtins(line.network)
    return msgspec.convert(fields, SetNetworkProfile)


def _asked(wanted: Wanted) -> VariableValue:
    return VariableValue(
        variable=wanted.variable,
        component=wanted.component,
        evse=wanted.evse or None,
        connector=wanted.connector or None,
        instance=wanted.instance or None,
        component_instance=wanted.component_instance or None,
        attribute=wanted.attribute,
        value=wanted.value,
    )


def _wanted(value: VariableValue) -> Wanted:
    return Wanted(
        variable=value.variable,
        value=value.value,
        component=value.component,
        component_instance=value.component_instance or "",
        evse=value.evse or 0,
        connector=value.connector or 0,
        instance=value.instance or "",
        attribute=value.attribute,
    )


def _is(text: str, asked: str | None) -> bool:
    return asked is None or text.casefold() == asked.casefold()


def _blank(station: Station) -> Upkeep:
    return Upkeep(station=station.id, tenant=station.tenant)


def _no_template(name: str) -> TemplateUnknown:
    return TemplateUnknown(f"there is no template {name!r}", template=name)
