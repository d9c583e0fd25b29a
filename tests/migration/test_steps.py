"""Every step there and back again, on the database itself."""

import asyncpg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

import forecourt.migrations
from forecourt.infra.migrate import check, downgrade, upgrade


async def shape(url: str) -> dict[str, str]:
    """Every table, column, index, policy, constraint, function and sequence, in words."""
    conn = await asyncpg.connect(url)
    try:
        rows = await conn.fetch("""
            SELECT 'column ' || c.relname || '.' || a.attname AS thing,
              format_type(a.atttypid, a.atttypmod) || a.attnotnull::text
              || coalesce(pg_get_expr(d.adbin, d.adrelid), '') AS form
            FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
            LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
            WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
            UNION ALL SELECT 'index ' || indexname, indexdef FROM pg_indexes
            WHERE schemaname = 'public'
            UNION ALL SELECT 'policy ' || tablename || policyname, qual || coalesce(with_check, '')
            FROM pg_policies
            UNION ALL SELECT 'rule ' || conrelid::regclass || conname, pg_get_constraintdef(oid)
            FROM pg_constraint WHERE connamespace = 'public'::regnamespace
            UNION ALL SELECT 'function ' || proname, pg_get_functiondef(oid)
            FROM pg_proc WHERE pronamespace = 'public'::regnamespace
            UNION ALL SELECT 'trigger ' || tgrelid::regclass || tgname, pg_get_triggerdef(oid)
            FROM pg_trigger WHERE NOT tgisinternal
            UNION ALL SELECT 'sequence ' || sequencename, increment_by::text FROM pg_sequences
            UNION ALL SELECT 'grant ' || table_name || privilege_type, grantee
            FROM information_schema.role_table_grants
            WHERE table_schema = 'public' AND grantee = 'forecourt_tenant'""")
        return {row["thing"]: row["form"] for row in rows}
    finally:
        await conn.close()


def steps() -> list[str]:
    """All revisions, oldest first."""
    config = Config()
    config.set_main_option("script_location", forecourt.migrations.__path__[0])
    return [step.revision for step in ScriptDirectory.from_config(config).walk_revisions()][::-1]


async def test_to_the_head_and_back_and_again(empty_database_url: str) -> None:
    url = empty_database_url
    await upgrade(url)
    first = await shape(url)
    assert any(thing.startswith("policy") for thing in first)
    await downgrade(url, "base")
    assert [thing for thing in await shape(url) if "alembic_version" not in thing] == []
    await upgrade(url)
    assert await shape(url) == first
    assert await check(url) == steps()[-1]


@pytest.mark.parametrize("revision", steps())
async def test_each_step_can_be_taken_back(empty_database_url: str, revision: str) -> None:
    url = empty_database_url
    await upgrade(url, revision)
    there = await shape(url)
    await downgrade(url, "-1")
    assert await shape(url) != there
    await upgrade(url, revision)
    assert await shape(url) == there


async def test_one_line_of_steps() -> None:
    """Two heads would leave it to luck which one a database is at."""
    assert len(steps()) == len(set(steps()))
    assert steps() == sorted(steps())
