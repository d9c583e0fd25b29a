"""A fleet over true websockets, against a central system made of another library."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import websockets
from typer.testing import CliRunner
from websockets.asyncio.server import ServerConnection, serve

from forecourt.cli.sim import app
from forecourt.protocol.ocpp import v16, v21, v201
from forecourt.protocol.ocpp.events import Received
from forecourt.protocol.ocpp.rpc import Connection
from forecourt.sim.fleet import FleetOptions, run
from forecourt.sim.stats import Stats
from forecourt.sim.troubles import Rates
from tests.sim.answers import usual

DIALECTS = {m.DIALECT.subprotocol: m.DIALECT for m in (v16, v201, v21)}
PROTOCOLS = [websockets.Subprotocol(name) for name in DIALECTS]


class Central:
    """Accepts everything, checks everything, counts everything."""

    def __init__(self) -> None:
        self.heard: Counter[str] = Counter()
        self.paths: set[str] = set()
        self.authorization: set[str] = set()
        self.closed: Counter[int | None] = Counter()
        self.faulty: list[Any] = []
        self.port = 0
        self._tx = 0

    async def serve(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        self.paths.add(socket.request.path)
        self.authorization.add(socket.request.headers.get("Authorization", ""))
        dialect = DIALECTS[str(socket.subprotocol)]
        connection = Connection(dialect, accepts=dialect.from_station)
        async for frame in socket:
            assert isinstance(frame, str)
            event = connection.receive(frame.encode(), 0.0)
            if isinstance(event, Received):
                self.heard[event.action] += 1
                connection.reply(event.message_id, self._answer(dialect, event))
            else:
                self.faulty.append(event)
            for data in connection.data_to_send():
                await socket.send(data.decode())
        self.closed[socket.close_code] += 1

    def _answer(self, dialect: Any, event: Received) -> Any:
        response, now = dialect.responses[event.action], datetime.now(UTC)  # noqa: TID251 - a true central system has a clock
        match event.action:
            case "BootNotification":
                return response(status="Accepted", current_time=now, interval=300)
            case "Heartbeat":
                return response(current_time=now)
            case "Authorize" if dialect is v16.DIALECT:
                return response(id_tag_info=v16.IdTagInfo(status="Accepted"))
            case "Authorize":
                words = v201 if dialect is v201.DIALECT else v21
                return response(id_token_info=words.IdTokenInfo(status="Accepted"))
            case "StartTransaction":
                self._tx += 1
                info = v16.IdTagInfo(status="Accepted")
                return response(transaction_id=self._tx, id_tag_info=info)
            case _:
                return usual(response, now)


@asynccontextmanager
async def central() -> AsyncIterator[Central]:
    made = Central()
    async with serve(made.serve, "127.0.0.1", 0, subprotocols=PROTOCOLS) as server:
        made.port = next(iter(server.sockets)).getsockname()[1]
        yield made


async def test_a_mixed_fleet_lives_a_few_hours_in_seconds(tmp_path: Path) -> None:
    journal, seen = tmp_path / "acks.jsonl", []
    async with central() as csms:
        options = FleetOptions(
            url=f"ws://127.0.0.1:{csms.port}/ocpp",
            stations=12,
            speed=2_400.0,
            duration_s=9.0,
            warm=1.0,
            busy=6.0,
            password="secret-of-{id}",
            rates=Rates(faults_per_day=4.0, power_cuts_per_day=3.0, lost_links_per_day=6.0),
            journal=journal,
        )
        stats = await run(options, on_stats=lambda s: seen.append(s.connected))
        await asyncio.sleep(0.2)
    assert csms.faulty == []
    assert csms.paths == {f"/ocpp/SIM-{n:04d}" for n in range(1, 13)}
    assert len(csms.authorization) == 12
    assert max(seen) == 12
    assert stats.boots >= 12
    # How many there are is a matter of the machine's pace; what they are is not.
    assert stats.started >= 12
    assert stats.ended > 0
    assert stats.energy_wh > 1_000 * stats.ended
    assert stats.malformed == stats.given_up == stats.timeouts == 0
    assert stats.power_cuts + stats.lost_links + stats.faults > 0
    assert csms.closed[1001] >= stats.connected > 0, "Ctrl-C and the end say goodbye"
    check_journal(journal, stats)


def check_journal(path: Path, stats: Stats) -> None:
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(lines) == stats.acknowledged
    by_tx: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for line in lines:
        by_tx.setdefault((line["station"], line["tx"]), []).append(line)
    now = datetime.now(UTC)  # noqa: TID251 - to see that no timestamp lies ahead
    for of_tx in by_tx.values():
        assert [line["seq"] for line in of_tx] == list(range(len(of_tx)))
        assert [line["kind"] for line in of_tx].count("start") == 1
        meters = [line["meter_wh"] for line in of_tx]
        assert meters == sorted(meters)
        assert all(datetime.fromisoformat(line["timestamp"]) <= now for line in of_tx)
        if of_tx[0]["version"] == "1.6":
            assert len({line["wire_tx"] for line in of_tx}) == 1


async def test_nobody_there_and_then_somebody() -> None:
    options = FleetOptions(url="ws://127.0.0.1:9", stations=3, duration_s=0.5)
    stats = await run(options)
    assert stats.dial_failures == 3
    assert stats.boots == 0
    assert "SIM-000" in stats.last_failure


async def test_the_wrong_protocol_is_no_connection() -> None:
    async def silent(socket: ServerConnection) -> None:
        await socket.wait_closed()

    async with serve(silent, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        stats = await run(FleetOptions(url=f"ws://127.0.0.1:{port}", stations=2, duration_s=0.5))
    assert stats.connected == 0
    assert stats.dial_failures == 2


async def test_stop_stops() -> None:
    async with central() as csms:
        stop = asyncio.Event()
        asyncio.get_running_loop().call_later(0.5, stop.set)
        url = f"ws://127.0.0.1:{csms.port}"
        stats = await asyncio.wait_for(run(FleetOptions(url=url, stations=4), stop=stop), 5)
    assert stats.boots == 4
    assert csms.closed[1001] == 4


def test_the_command_says_what_failed() -> None:
    arguments = ["--url", "ws://127.0.0.1:9", "--stations", "1", "--duration", "0.3", "--json"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 1
    assert json.loads(result.output)["dial_failures"] == 1


def test_the_command_takes_bad_stations_and_what_they_have() -> None:
    arguments = (
        "--url ws://127.0.0.1:9 --stations 1 --duration 0.3 --json --mischief 0.5 --trait mute "
        "--trait slow --naughty 0.5 --failing 0.1 --feature v2x --contract DEFCR000000001 "
        "--deflate --client-cert {id}.pem --client-key {id}.key --ca nowhere.pem --set aligned_s=60"
    )
    result = CliRunner().invoke(app, arguments.split())
    assert result.exit_code == 1
    assert json.loads(result.output)["dial_failures"] == 1
    wrong = CliRunner().invoke(app, ["--url", "ws://127.0.0.1:9", "--trait", "polite"])
    assert wrong.exit_code == 2


def test_the_command_lists_the_cards() -> None:
    result = CliRunner().invoke(app, ["--tokens", "3", "--list-tokens"])
    assert result.output.split() == ["04F0EC00000001", "04F0EC00000002", "04F0EC00000003"]
