"""The platform is killed while a station waits for its certificate: it gets it all the same."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
from cryptography import x509

from forecourt.base.clock import SystemClock
from forecourt.base.context import Context
from forecourt.base.ids import StationId, TenantId
from forecourt.domain.stations import Links, NewStation, Stations
from forecourt.infra.database import Database
from tests.domain.test_est import Est
from tests.edge.ocpp.house import BOOT_2X, until
from tests.edge.ocpp.wire import Wire
from tests.fixtures.pki import csr_pem
from tests.fixtures.web import web

CP1 = StationId("CP1")
STATE = "SELECT state FROM signing_requests"


@asynccontextmanager
async def serving(
    folder: Path, database_url: str, est: str
) -> AsyncGenerator[tuple[asyncio.subprocess.Process, str]]:
    """``forecourt serve`` in a process of its own, which dies hard."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "forecourt.cli", "serve", "--ocpp-port=0", "--http-port=0"),
        *("--data-dir", str(folder), "--database-url", database_url),
        stdout=asyncio.subprocess.PIPE,
        env={
            **os.environ,  # noqa: TID251 (what a process is started with)
            "FORECOURT_PKI_EST_URL": est,
            "FORECOURT_PKI_EST_CREDENTIALS": "me:pw",
        },
    )
    try:
        assert process.stdout is not None
        said = (await process.stdout.readline()).decode()
        words = dict(word.split("=", 1) for word in said.split()[1:])
        yield process, words["ocpp"]
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.wait()


async def connected(url: str) -> Wire:
    wire = await Wire.open(url, f"/{CP1}", offers=["ocpp2.0.1"])
    assert (await wire.call("BootNotification", BOOT_2X))["status"] == "Accepted"
    return wire


async def test_what_was_accepted_before_a_kill_is_signed_after(
    database_url: str, tmp_path: Path
) -> None:
    now = SystemClock().now()
    db = Database(database_url, pool_size=2)
    conn = await asyncpg.connect(database_url)
    await conn.execute("INSERT INTO tenants VALUES ('default', 'Default', now())")
    ctx = Context(actor="test", tenant=TenantId("default"), now=now)
    await Stations(db, links=Links(), secret_key=bytes(32)).add(ctx, NewStation(id=CP1))
    est = Est(now)
    async with web(est.says) as server:
        server.silent = True
        async with serving(tmp_path, database_url, f"{server.url}/est") as (process, url):
            wire = await connected(url)
            asked = {"csr": csr_pem(CP1)}
            assert (await wire.call("SignCertificate", asked))["status"] == "Accepted"
            await until(lambda: server.asked)
            process.send_signal(signal.SIGKILL)
            await process.wait()
            await wire.closed()
        assert await conn.fetchval(STATE) == "requested"
        # Whoever had it in hand is given a minute and a half; here it is over at once.
        await conn.execute("UPDATE signing_requests SET due_at = now()")
        server.silent = False
        async with serving(tmp_path, database_url, f"{server.url}/est") as (process, url):
            wire = await connected(url)
            call, said = await wire.asked("CertificateSigned")
            leaf = x509.load_pem_x509_certificates(said["certificateChain"].encode())[0]
            leaf.verify_directly_issued_by(est.sub.certificate)
            # Killed once more, before the station could answer: it is handed over again.
            process.send_signal(signal.SIGKILL)
            await process.wait()
            await wire.closed()
        async with serving(tmp_path, database_url, f"{server.url}/est") as (_, url):
            wire = await connected(url)
            call, again = await wire.asked("CertificateSigned")
            assert again == said, "signed once, handed over until it is answered"
            wire.answer(call, {"status": "Accepted"})
            async with asyncio.timeout(8):
                while await conn.fetchval(STATE) != "accepted":  # noqa: ASYNC110 (another process commits)
                    await asyncio.sleep(0.02)
            await wire.close(None)
    assert await conn.fetchval("SELECT count(*) FROM certificates") == 1
    await conn.close()
    await db.close()
