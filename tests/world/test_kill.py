"""A few rounds of what ``python -m tests.world.kill`` does many of; and the audit is audited."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from tests.world.chargers import all_finished, all_served, charger_name, fleet
from tests.world.kill import TOKENS, Plan, chaos
from tests.world.ledger import Ledger, audit
from tests.world.supervisor import supervised

pytestmark = [pytest.mark.database, pytest.mark.slow]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("seed", [2])
async def test_nothing_acknowledged_is_lost(seed: int, tmp_path: Path) -> None:
    outcome = await chaos(Plan(rounds=6, seed=seed, stations=10, simulated=6), tmp_path / "data")
    assert outcome.clean, outcome.complaint()
    assert outcome.independent.acked > 200
    assert outcome.simulated.acked > 20
    assert outcome.sessions > 10
    assert outcome.reconnections > 0


@pytest.mark.timeout(60)
async def test_the_audit_sees_what_is_wrong(tmp_path: Path) -> None:
    """Who never finds anything may be blind."""
    ledger = Ledger()
    names = [charger_name(n) for n in range(4)]
    async with supervised(tmp_path / "data", names, TOKENS) as platform:
        chargers = fleet(4, TOKENS, url=platform.url, ledger=ledger, seed=1)
        async with asyncio.TaskGroup() as tasks:
            for charger in chargers:
                tasks.create_task(charger.run())
            await all_served(chargers, ledger, since_s=0, within_s=20)
            await asyncio.sleep(1)
            for charger in chargers:
                charger.finish()
            await all_finished(chargers, within_s=20)
        assert (await audit(platform.database_url, ledger)).clean
        conn = await asyncpg.connect(platform.database_url)
        try:
            # A reading of 1.6, a session's end, and a session told twice.
            await conn.execute(
                "DELETE FROM meter_values WHERE (station_id, sampled_at) ="
                " (SELECT station_id, max(sampled_at) FROM meter_values"
                "  WHERE station_id = 'CP-000' GROUP BY 1)"
            )
            await conn.execute(
                "UPDATE sessions SET energy_wh = energy_wh + 1 WHERE session_id ="
                " (SELECT min(session_id) FROM sessions WHERE station_id = 'CP-001')"
            )
            await conn.execute(
                "UPDATE sessions SET (evse_no, started_at, meter_start_wh) ="
                " (SELECT evse_no, started_at, meter_start_wh FROM sessions"
                "  WHERE station_id = 'CP-002' ORDER BY session_id LIMIT 1)"
                " WHERE session_id = (SELECT max(session_id) FROM sessions"
                "  WHERE station_id = 'CP-002')"
            )
        finally:
            await conn.close()
        verdict = await audit(platform.database_url, ledger)
    assert [line for line in verdict.lost if "CP-000" in line]
    assert [line for line in verdict.wrong if "CP-001" in line]
    assert [line for line in verdict.twice if "CP-002" in line]
