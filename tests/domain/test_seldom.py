"""What rooms do so seldom that no station and no operator of another test makes them do it."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta

import pytest

from forecourt.base.context import Context
from forecourt.base.ids import StationId, TenantId
from forecourt.domain.devices import Template, Wanted
from forecourt.domain.orders import OrderId
from forecourt.domain.orders import store as orders
from forecourt.domain.tenants import (
    NewUser,
    People,
    Repeats,
    Role,
    Standing,
    Tenants,
    UserUnknown,
)
from forecourt.domain.tenants.service.once import OneTime, Purpose
from forecourt.infra.database import Database
from tests.domain.conftest import Site

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ACME = TenantId("acme")
CTX = Context(actor="test", tenant=ACME, now=NOW)
KEY = bytes(range(32))
DAY = timedelta(days=1)


@pytest.fixture
async def db(database_url: str) -> AsyncGenerator[Database]:
    db = Database(database_url, pool_size=2)
    await Tenants(db, secret_key=KEY).ensure(ACME, "Acme", NOW)
    yield db
    await db.close()


async def test_a_user_is_forgotten(db: Database) -> None:
    people = People(db, secret_key=KEY)
    password = "a long enough password"
    _, other = [
        await people.add(
            CTX, NewUser(email=f"{n}@acme.example", name=n, role=Role.OWNER, password=password)
        )
        for n in ("owner", "other")
    ]
    await people.remove(CTX, other.id)
    with pytest.raises(UserUnknown):
        await people.remove(CTX, other.id)


async def test_only_the_newest_link_is_good(db: Database) -> None:
    once = OneTime(db, secret_key=KEY)
    person = await People(db, secret_key=KEY).add(
        CTX, NewUser(email="a@acme.example", name="A", role=Role.OWNER, password="x" * 20)
    )
    links = []
    for _ in range(2):
        async with db.unit(CTX) as unit:
            links.append((await once.make_link(unit, CTX, person.id, lasts=DAY))[0])
    older, newer = links
    assert await once.take(older, Purpose.RESET, NOW) is None
    kept = await once.take(newer, Purpose.RESET, NOW)
    assert kept is not None
    assert kept.user_id == person.id


async def test_a_request_that_did_nothing_may_come_again(db: Database) -> None:
    repeats = Repeats(db, secret_key=KEY)
    assert await repeats.begin(CTX, "one", b"asked") is Standing.FRESH
    assert await repeats.begin(CTX, "one", b"asked") is Standing.RUNNING
    await repeats.release(CTX, "one")
    assert await repeats.begin(CTX, "one", b"asked") is Standing.FRESH


async def test_a_template_gives_way_to_another(site: Site) -> None:
    pace = (Wanted(component="C", variable="V", value="1"),)
    await site.devices.add_template(site.ctx, Template(name="all", values=pace, rank=1))
    await site.devices.save_template(site.ctx, Template(name="all", values=pace, rank=2))
    assert [t.rank for t in await site.devices.templates(site.ctx)] == [2]


async def test_nothing_waits_again_that_was_not_sent(db: Database) -> None:
    async with db.house_unit() as unit:
        await orders.wait_again(unit, OrderId("ord_none"), StationId("CP1"))
        assert not await orders.some_wait(unit)
