"""Tenants, stations and tokens on a true database."""

from collections.abc import Sequence
from datetime import timedelta

import msgspec
import pytest

from forecourt.base.context import Context
from forecourt.base.ids import StationId, TenantId
from forecourt.base.pages import Wanted
from forecourt.domain.access import NewToken, Standing, TokenExists, TokenStatus, TokenUnknown
from forecourt.domain.sites import Sites
from forecourt.domain.stations import (
    Admission,
    Answer,
    Ask,
    BootReport,
    Connector,
    ConnectorState,
    Known,
    NewStation,
    Outcome,
    Reset,
    Station,
    StationExists,
    StationIdInvalid,
    StationOffline,
    StationUnknown,
    StatusReport,
    Variable,
)
from forecourt.domain.tenants import ApiKeyExists, ApiKeyInvalid
from forecourt.infra.commit import Fenced
from tests.domain.conftest import ACME, CP1, NOW, Site

CP2 = StationId("CP2")
OTHER = TenantId("other")


class Obedient:
    """A station that does what it is asked."""

    def __init__(self) -> None:
        self.asked: list[Ask] = []

    @property
    def judged_by(self) -> frozenset[str]:
        return frozenset()

    async def ask(self, command: Ask, known: Known) -> Answer:
        self.asked.append(command)
        return Answer(outcome=Outcome.ACCEPTED, status="Accepted")


class TestTenants:
    async def test_a_key_lets_its_holder_in_and_nobody_reads_it_again(self, site: Site) -> None:
        made = await site.tenants.add_key(site.ctx, "console")
        found = await site.tenants.authenticate(made.secret, NOW)
        assert (found.tenant, found.name) == (ACME, "console")
        assert made.secret not in str(await site.tenants.keys(site.ctx))
        for wrong in ("", made.secret[:-1], made.secret + "x", made.key.id):
            with pytest.raises(ApiKeyInvalid):
                await site.tenants.authenticate(wrong, NOW)

    async def test_a_key_ends_by_its_date_and_by_being_revoked(self, site: Site) -> None:
        hour = timedelta(hours=1)
        dated = await site.tenants.add_key(site.ctx, "dated", expires_at=NOW + hour)
        await site.tenants.authenticate(dated.secret, NOW + hour / 2)
        with pytest.raises(ApiKeyInvalid):
            await site.tenants.authenticate(dated.secret, NOW + hour)
        other = await site.tenants.add_key(site.ctx, "other")
        await site.tenants.revoke_key(site.ctx, "other")
        with pytest.raises(ApiKeyInvalid):
            await site.tenants.authenticate(other.secret, NOW)
        await site.tenants.add_key(site.ctx, "other")  # A revoked one's name is free again.
        with pytest.raises(ApiKeyExists):
            await site.tenants.add_key(site.ctx, "other")


class TestStations:
    async def test_an_identity_is_given_once(self, site: Site) -> None:
        with pytest.raises(StationExists):
            await site.stations.add(site.ctx, NewStation(id=CP1))
        with pytest.raises(StationIdInvalid):
            await site.stations.add(site.ctx, NewStation(id=StationId("a/b")))
        await site.tenants.ensure(OTHER, "Other", NOW)
        theirs = Context(actor="test", tenant=OTHER, now=NOW)
        with pytest.raises(StationExists):
            await site.stations.add(theirs, NewStation(id=CP1))
        with pytest.raises(StationUnknown):
            await site.stations.read(theirs, CP1)
        with pytest.raises(StationUnknown):
            await site.stations.remove(theirs, CP1)

    async def test_many_at_once(self, site: Site) -> None:
        new = [NewStation(id=StationId(f"CP{n}")) for n in range(1, 51)]
        added = await site.stations.add_many(site.ctx, new)
        assert len(added) == 49, "CP1 was there already"
        assert await site.count("events WHERE type = 'station.added'") == 50
        page = await site.stations.list(site.ctx, Wanted(limit=1))
        assert [station.id for station, _ in page.items] == ["CP1"]
        page = await site.stations.list(site.ctx, Wanted(limit=3, cursor=page.next or ""))
        assert [station.id for station, _ in page.items] == ["CP10", "CP11", "CP12"]

    async def test_what_is_shown_is_made_once_and_never_old(self, site: Site) -> None:
        made: list[str] = []

        def show(station: Station, connectors: Sequence[Connector]) -> str:
            states = " ".join(c.state.value for c in connectors)
            made.append(station.id)
            return f"{station.id} {station.model} {station.site} {station.zone} {states}".strip()

        async def shown(place: str | None = None) -> list[str]:
            made.clear()
            return list(
                (await site.stations.showcase.page(site.ctx, Wanted(), show, site=place)).items
            )

        assert (await shown(), made) == ([CP1], [CP1])
        assert (await shown(), made) == ([CP1], [])
        await site.stations.add(site.ctx, NewStation(id=CP2, site="Oslo"))
        assert (await shown(), made) == ([CP1, "CP2  Oslo"], [CP2])
        async with site.turn() as turn:
            site.stations.boot(turn.ctx, site.live, BootReport(vendor="V", model="M"), turn.changes)
        assert (await shown(), made) == (["CP1 M", "CP2  Oslo"], [CP1])
        for connector, state in ((1, "occupied"), (2, "available"), (1, "available")):
            async with site.turn() as turn:
                report = StatusReport(
                    evse_no=1,
                    connector_no=connector,
                    state=ConnectorState(state),
                    reported_at=turn.ctx.now,
                )
                site.stations.status(turn.ctx, site.live, report, turn.changes)
            assert (await shown())[0].split()[connector + 1] == state
            assert made == [CP1]
        moved = lambda oslo: msgspec.structs.replace(oslo, zone="Europe/Oslo")  # noqa: E731
        await Sites(site.db).change(site.ctx, "Oslo", moved)
        assert (await shown("Oslo"), made) == (["CP2  Oslo Europe/Oslo"], [CP2])
        await site.stations.remove(site.ctx, CP2)
        assert [one.split()[0] for one in await shown()] == [CP1]
        await site.tenants.ensure(OTHER, "Other", NOW)
        theirs = Context(actor="test", tenant=OTHER, now=NOW)
        assert (await site.stations.showcase.page(theirs, Wanted(), show)).items == []

    async def test_the_door_knows_the_digest_and_not_the_password(self, site: Site) -> None:
        await site.stations.change(site.ctx, CP1, password=b"0123456789abcdef")
        [door] = await site.stations.doors([CP1])
        assert door.password == site.stations.digest(b"0123456789abcdef")
        assert door.password != site.stations.digest(b"0123456789abcdeF")
        assert await site.count("events WHERE type = 'station.changed'") == 1

    async def test_each_connection_has_the_next_epoch(self, site: Site) -> None:
        first = site.live.epoch
        await site.connect()
        assert site.live.epoch == first + 1
        assert await site.count("stations WHERE connected") == 1

    async def test_the_late_end_of_an_old_socket_changes_nothing(self, site: Site) -> None:
        old = site.live
        await site.connect()
        async with site.turn() as turn:
            site.stations.disconnected(turn.ctx, old, "lost", turn.changes)
        assert await site.count("stations WHERE connected") == 1
        async with site.turn() as turn:
            site.stations.disconnected(turn.ctx, site.live, "lost", turn.changes)
        assert await site.count("stations WHERE connected") == 0

    async def test_an_old_socket_cannot_boot_or_report(self, site: Site) -> None:
        old = site.live
        await site.connect()
        site.live = old

        async def boot() -> None:
            async with site.turn() as turn:
                report = BootReport(vendor="V", model="M")
                site.stations.boot(turn.ctx, old, report, turn.changes)

        with pytest.raises(Fenced):
            await boot()
        assert await site.count("stations WHERE vendor = 'V'") == 0
        assert await site.count("events WHERE type = 'station.booted'") == 0

    async def test_what_a_station_says_is_there_after_a_crash(self, site: Site) -> None:
        async with site.turn() as turn:
            site.stations.boot(turn.ctx, site.live, BootReport(vendor="V", model="M"), turn.changes)
            report = StatusReport(
                evse_no=1,
                connector_no=1,
                state=ConnectorState.FAULTED,
                reported_at=turn.ctx.now,
                error="GroundFailure",
            )
            site.stations.status(turn.ctx, site.live, report, turn.changes)
            variable = Variable(component="", variable="HeartbeatInterval", value="300")
            site.stations.variables_reported(turn.ctx, CP1, [variable, variable], turn.changes)
        before = site.live.connectors
        await site.connect()
        assert site.live.connectors == before
        station, connectors = await site.stations.read(site.ctx, CP1)
        assert (station.vendor, connectors[0].error) == ("V", "GroundFailure")
        assert await site.stations.variables(site.ctx, CP1) == [variable]

    async def test_a_command_is_recorded_with_its_answer(self, site: Site) -> None:
        link = Obedient()
        with pytest.raises(StationOffline):
            await site.stations.command(site.ctx, CP1, Reset())
        with pytest.raises(StationUnknown):
            await site.stations.command(site.ctx, CP2, Reset())
        site.links.put(CP1, link)
        answer = await site.stations.command(site.ctx, CP1, Reset(mode="hard"))
        assert (answer.outcome, link.asked) == (Outcome.ACCEPTED, [Reset(mode="hard")])
        assert await site.count("commands WHERE outcome = 'accepted'") == 1

    async def test_only_the_newest_link_is_dropped(self, site: Site) -> None:
        old, new = Obedient(), Obedient()
        site.links.put(CP1, old)
        site.links.put(CP1, new)
        site.links.drop(CP1, old)
        assert site.links.find(CP1) is new
        site.links.drop(CP1, new)
        assert len(site.links) == 0

    async def test_after_a_crash_nothing_is_connected(self, site: Site) -> None:
        assert await site.stations.forget_connections("g", NOW) == 1
        assert await site.stations.forget_connections("g", NOW) == 0

    async def test_who_is_admitted_is_told(self, site: Site) -> None:
        changed = await site.stations.change(site.ctx, CP1, admission=Admission.BLOCKED)
        assert changed.admission is Admission.BLOCKED
        with pytest.raises(StationUnknown):
            await site.stations.change(site.ctx, CP2, admission=Admission.BLOCKED)


class TestAccess:
    async def test_from_added_to_removed(self, site: Site) -> None:
        await site.access.add(site.ctx, NewToken(uid="Card", group="fleet"))
        with pytest.raises(TokenExists):
            await site.access.add(site.ctx, NewToken(uid=" CARD "))
        worth = await site.access.authorize(site.ctx, "card ")
        assert (worth.standing, worth.group) == (Standing.ACCEPTED, "fleet")
        await site.access.change(site.ctx, "CARD", status=TokenStatus.BLOCKED)
        assert (await site.access.authorize(site.ctx, "Card")).standing is Standing.BLOCKED
        await site.access.remove(site.ctx, "card")
        assert (await site.access.authorize(site.ctx, "Card")).standing is Standing.UNKNOWN
        with pytest.raises(TokenUnknown):
            await site.access.remove(site.ctx, "card")
        assert await site.count("events WHERE type LIKE 'token.%'") == 3

    async def test_a_token_is_its_tenants_alone(self, site: Site) -> None:
        await site.tenants.ensure(OTHER, "Other", NOW)
        theirs = Context(actor="test", tenant=OTHER, now=NOW)
        await site.access.add(site.ctx, NewToken(uid="Card"))
        assert (await site.access.authorize(theirs, "Card")).standing is Standing.UNKNOWN
        await site.access.add(theirs, NewToken(uid="Card", status=TokenStatus.BLOCKED))
        assert (await site.access.authorize(site.ctx, "Card")).standing is Standing.ACCEPTED
        with pytest.raises(TokenUnknown):
            await site.access.change(theirs, "Nobody", status=TokenStatus.BLOCKED)
        assert [token.uid for token in (await site.access.list(theirs)).items] == ["Card"]
