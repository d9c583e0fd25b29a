"""Pages on a true database: none is missed and none comes twice, whatever comes and goes."""

import itertools
import re
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    MetaData,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
)
from sqlalchemy import text as sql
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from forecourt.base.pages import CursorInvalid, Wanted, cursor_of
from forecourt.infra import listing
from forecourt.infra.database import Unit
from forecourt.infra.listing import (
    Listing,
    QuickList,
    Shelf,
    SortUnknown,
    beginning,
    list_rows,
    only,
    sorts,
)

START: Final = datetime(2026, 3, 1, tzinfo=UTC)
things: Final = Table(
    "things",
    MetaData(),
    Column("id", BigInteger, primary_key=True),
    Column("name", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("seen_at", DateTime(timezone=True)),
)
NAMES: Final = ("id", "name", "size", "seen_at")
LISTING: Final = Listing(
    sorts=sorts(things, NAMES),
    key=(things.c.id,),
    default="id",
    searched=(things.c.name, things.c.size),
)
QUICK: Final = QuickList(LISTING, (things.c.id, things.c.name))
ORDERS: Final = [sign + name for name in NAMES for sign in ("", "-")]
Row = tuple[str, int, int | None]
ROWS: Final = st.lists(
    st.tuples(st.text("abÄ'%_ ", max_size=2), st.integers(0, 3), st.none() | st.integers(0, 3)),
    max_size=14,
)


def row(number: int, values: Row) -> dict[str, object]:
    name, size, minutes = values
    seen_at = None if minutes is None else START + timedelta(minutes=minutes)
    return {"id": number, "name": name, "size": size, "seen_at": seen_at}


@pytest.fixture
async def engine(database_url: str) -> AsyncGenerator[AsyncEngine]:
    made = create_async_engine(database_url.replace("postgresql://", "postgresql+asyncpg://"))
    async with made.begin() as conn:
        await conn.run_sync(things.metadata.create_all)
    yield made
    await made.dispose()


def in_order(rows: list[dict[str, Any]], sort: str) -> list[int]:
    """By the book: those without a value last, those that are alike by their number."""
    name, down = sort.removeprefix("-"), sort.startswith("-")
    have = [one for one in rows if one[name] is not None]
    lack = [one for one in rows if one[name] is None]

    def by(one: dict[str, Any]) -> Any:
        value = one[name].encode() if isinstance(one[name], str) else one[name]
        return (value, one["id"])

    lacking = sorted(lack, key=lambda one: int(one["id"]), reverse=down)
    return [one["id"] for one in [*sorted(have, key=by, reverse=down), *lacking]]


class TestPages:
    @settings(
        max_examples=60,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(
        there=ROWS,
        comes=ROWS,
        goes=st.sets(st.integers(0, 13)),
        asked=st.tuples(st.sampled_from(ORDERS), st.integers(1, 4)),
    )
    async def test_none_is_missed_and_none_comes_twice(
        self,
        engine: AsyncEngine,
        there: list[Row],
        comes: list[Row],
        goes: set[int],
        asked: tuple[str, int],
    ) -> None:
        sort, limit = asked
        first = [row(2 * number, values) for number, values in enumerate(there)]
        # New ones get numbers in between, so that they come before and behind the reader.
        later = [row(2 * number + 1, values) for number, values in enumerate(comes)]
        leaving = sorted(goes)
        seen: list[int] = []
        async with engine.begin() as conn:
            unit = Unit(conn)
            await conn.execute(delete(things))
            if first:
                await conn.execute(insert(things), first)
            cursor: str | None = ""
            while cursor is not None:
                wanted = Wanted(limit=limit, cursor=cursor, sort=sort)
                page = await list_rows(unit, select(things), LISTING, wanted)
                assert len(page.rows) <= limit
                quick = await QUICK.rows(unit, wanted, {})
                assert [one[0] for one in quick.rows] == [one.id for one in page.rows]
                assert quick.next == page.next
                seen += [found.id for found in page.rows]
                cursor = page.next
                if later:
                    await conn.execute(insert(things), [later.pop()])
                if leaving:
                    await conn.execute(delete(things).where(things.c.id == 2 * leaving.pop()))
        assert len(seen) == len(set(seen)), "one came twice"
        stayed = [one for one in first if one["id"] not in {2 * number for number in goes}]
        names = {one["id"] for one in stayed}
        assert [number for number in seen if number in names] == in_order(stayed, sort)

    async def test_the_last_page_says_so(self, engine: AsyncEngine) -> None:
        async with engine.begin() as conn:
            await conn.execute(insert(things), [row(n, ("a", n, None)) for n in range(4)])
            page = await list_rows(Unit(conn), select(things), LISTING, Wanted(limit=4))
            assert page.next is None
            page = await list_rows(Unit(conn), select(things), LISTING, Wanted(limit=3))
            assert page.next is not None

    @pytest.mark.parametrize(
        "cursor",
        [
            "CP1",
            "☃",
            cursor_of("-id", [1]),
            cursor_of("id", []),
            cursor_of("id", ["1; DROP TABLE things"]),
            cursor_of("id", [2**63]),
            cursor_of("id", [None]),
        ],
    )
    async def test_a_cursor_that_nobody_gave_out(self, engine: AsyncEngine, cursor: str) -> None:
        async with engine.begin() as conn:
            with pytest.raises(CursorInvalid):
                await list_rows(Unit(conn), select(things), LISTING, Wanted(cursor=cursor))

    @pytest.mark.parametrize("at", ["0001-01-01T00:00:00+23:59", "2026-01-01T00:00:00", "x"])
    async def test_a_moment_that_is_none(self, engine: AsyncEngine, at: str) -> None:
        wanted = Wanted(sort="seen_at", cursor=cursor_of("seen_at", [at, 1]))
        async with engine.begin() as conn:
            with pytest.raises(CursorInvalid):
                await list_rows(Unit(conn), select(things), LISTING, wanted)

    async def test_an_order_that_there_is_not(self, engine: AsyncEngine) -> None:
        async with engine.begin() as conn:
            for sort in ("password", "--id", "id; DROP TABLE things", "-"):
                with pytest.raises(SortUnknown):
                    await list_rows(Unit(conn), select(things), LISTING, Wanted(sort=sort))


class TestQuick:
    """Its statements are made once for each form; values and forms must not be mixed up."""

    async def test_every_form_finds_what_the_other_way_finds(self, engine: AsyncEngine) -> None:
        async with engine.begin() as conn:
            values = [row(n, ("ab"[n % 2], n % 3, n % 5 if n % 4 else None)) for n in range(40)]
            await conn.execute(insert(things), values)
            unit = Unit(conn)
            for name, size, sort, q in itertools.product(
                (None, "a", "b"), (None, 0, 2), ("", "-size", "seen_at"), ("", "a", "b 1")
            ):
                fit = {"name": name, "size": size}
                cursor: str | None = ""
                while cursor is not None:
                    wanted = Wanted(limit=3, sort=sort, q=q, cursor=cursor)
                    query = only(select(things), things, fit)
                    page = await list_rows(unit, query, LISTING, wanted)
                    quick = await QUICK.rows(unit, wanted, fit)
                    assert [one[0] for one in quick.rows] == [one.id for one in page.rows]
                    assert quick.next == page.next
                    cursor = page.next

    async def test_bad_wishes_are_refused_alike(self, engine: AsyncEngine) -> None:
        async with engine.begin() as conn:
            with pytest.raises(CursorInvalid):
                await QUICK.rows(Unit(conn), Wanted(cursor="CP1"), {})
            with pytest.raises(SortUnknown):
                await QUICK.rows(Unit(conn), Wanted(sort="password"), {})

    async def test_forms_are_bounded(
        self, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(listing, "FORMS_MAX", 3)
        quick = QuickList(LISTING, (things.c.id,))
        async with engine.begin() as conn:
            for limit in (1, 2, 3, 4, 1):
                await quick.rows(Unit(conn), Wanted(limit=limit), {})
        assert len(quick._forms) == 3


def test_a_shelf_keeps_one_version_and_the_newest_keys() -> None:
    shelf: Shelf[str] = Shelf(2)
    shelf.put("a", "1", "made of a")
    shelf.put("b", "1", "made of b")
    assert (shelf.get("a", "1"), shelf.get("a", "2")) == ("made of a", None)
    shelf.put("c", "1", "made of c")
    assert shelf.get("b", "1") is None, "asked for longest ago"
    shelf.put("a", "2", "made anew")
    assert (shelf.get("a", "1"), shelf.get("a", "2")) == (None, "made anew")


class TestSearch:
    async def find(self, engine: AsyncEngine, q: str) -> list[str]:
        async with engine.begin() as conn:
            page = await list_rows(Unit(conn), select(things), LISTING, Wanted(q=q))
            quick = await QUICK.rows(Unit(conn), Wanted(q=q), {})
            assert [one["name"] for one in quick.rows] == [one.name for one in page.rows]
            return [found.name for found in page.rows]

    @pytest.fixture(autouse=True)
    async def rows(self, engine: AsyncEngine) -> None:
        names = ("Hof Nord", "hof süd", "100%", "a_b", "O'Hara", "back\\slash")
        async with engine.begin() as conn:
            values = [row(n, (name, n, None)) for n, name in enumerate(names)]
            await conn.execute(insert(things), values)

    @pytest.mark.parametrize(
        ("q", "found"),
        [
            ("HOF", ["Hof Nord", "hof süd"]),
            ("nord hof", ["Hof Nord"]),
            ("süd", ["hof süd"]),
            ("0%", ["100%"]),
            ("%", ["100%"]),
            ("_", ["a_b"]),
            ("o'h", ["O'Hara"]),
            ("\\", ["back\\slash"]),
            ("hof nobody", []),
            ("  ", ["Hof Nord", "hof süd", "100%", "a_b", "O'Hara", "back\\slash"]),
        ],
    )
    async def test_words(self, engine: AsyncEngine, q: str, found: list[str]) -> None:
        assert await self.find(engine, q) == found

    async def test_beginnings(self, engine: AsyncEngine) -> None:
        find: Callable[[str], Any] = lambda text: select(things.c.name).where(  # noqa: E731
            beginning([things.c.name], text)
        )
        async with engine.begin() as conn:
            for text, found in (("h", ["hof süd"]), ("Hof N", ["Hof Nord"]), ("of", [])):
                assert list((await conn.execute(find(text))).scalars()) == found


async def test_an_index_serves_what_row_level_security_would_not_let_like_use(
    engine: AsyncEngine,
) -> None:
    async with engine.begin() as conn:
        await conn.execute(sql('CREATE INDEX things_name ON things (name COLLATE "C")'))
        await conn.execute(sql("ALTER TABLE things ENABLE ROW LEVEL SECURITY"))
        await conn.execute(sql("CREATE POLICY few ON things USING (size < 1000)"))
        await conn.execute(sql("GRANT SELECT ON things TO forecourt_tenant"))
        await conn.execute(sql("SET LOCAL enable_seqscan = off"))
        await conn.execute(sql("SET LOCAL role forecourt_tenant"))
        query = select(things.c.id).where(beginning([things.c.name], "abc"))
        said = query.compile(conn.sync_connection, compile_kwargs={"literal_binds": True})
        plan = "\n".join((await conn.execute(sql(f"EXPLAIN {said}"))).scalars())
        assert re.search(r"Index Cond: \(+name\)?(::text)? >= 'abc'", plan), plan


async def test_an_index_serves_a_page_whose_key_is_worked_out(engine: AsyncEngine) -> None:
    key = (things.c.size, func.md5(things.c.name, type_=Text))
    pages = Listing(sorts={"size": things.c.size}, key=key, default="-size")
    async with engine.begin() as conn:
        for number in range(40):
            await conn.execute(insert(things), [row(number, (str(number), number % 3, None))])
        found = list[int]()
        cursor: str | None = ""
        while cursor is not None:
            wanted = Wanted(limit=7, cursor=cursor)
            page = await list_rows(Unit(conn), select(things), pages, wanted)
            found += [one.id for one in page.rows]
            cursor = page.next
        assert sorted(found) == list(range(40))
        await conn.execute(sql("CREATE INDEX things_size ON things (size)"))
        await conn.execute(sql("ALTER TABLE things ENABLE ROW LEVEL SECURITY"))
        await conn.execute(sql("CREATE POLICY few ON things USING (name <> 'x')"))
        await conn.execute(sql("GRANT SELECT ON things TO forecourt_tenant"))
        await conn.execute(sql("SET LOCAL enable_seqscan = off"))
        await conn.execute(sql("SET LOCAL role forecourt_tenant"))
        for down, sign in ((True, "<="), (False, ">=")):
            query = select(things.c.id).where(listing._past(key, [1, "a"], down=down))
            said = query.compile(conn.sync_connection, compile_kwargs={"literal_binds": True})
            plan = "\n".join((await conn.execute(sql(f"EXPLAIN {said}"))).scalars())
            assert re.search(rf"Index Cond: \(size {sign} 1\)", plan), plan
