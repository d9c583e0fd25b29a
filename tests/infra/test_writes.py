"""What the group commit writes is SQL that this PostgreSQL takes, on the newest schema."""

import asyncpg
import pytest

from forecourt.app.house import WRITES
from forecourt.infra.commit import Write


@pytest.fixture
async def conn(database_url: str) -> asyncpg.Connection:
    return await asyncpg.connect(database_url)


async def test_every_write_can_be_prepared(conn: asyncpg.Connection) -> None:
    assert len(WRITES) > 15
    for write in WRITES:
        prepared = await conn.prepare(write.sql)
        assert len(prepared.get_parameters()) == len(write.columns), write.table
    await conn.close()


async def test_what_it_does_not_take_is_noticed(conn: asyncpg.Connection) -> None:
    wrong = Write(table="events", columns=("seq",), sql="INSERT INTO events SELECT nothing($1)")
    with pytest.raises(asyncpg.UndefinedFunctionError):
        await conn.prepare(wrong.sql)
    await conn.close()
