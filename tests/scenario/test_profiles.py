"""An independent client (PyPI ``ocpp``) on every security profile, against ``forecourt serve``.

The platform's own authority signs its certificate and those of the stations: what an operator has
who sets nothing but a port.
"""

# The client has no types.
# mypy: disable-error-code="import-untyped,misc,untyped-decorator"

import asyncio
import base64
import itertools
import json
import os
import select
import ssl
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import websockets
from ocpp import v16, v201
from ocpp.routing import after, on

from forecourt.app.rooms import DEFAULT_TENANT, open_rooms
from forecourt.base.clock import SystemClock
from forecourt.base.context import Context
from forecourt.base.ids import StationId
from forecourt.domain.access import NewToken
from forecourt.domain.security import Use
from forecourt.domain.stations import NewStation
from forecourt.settings import load
from tests.edge.ocpp.house import stamp
from tests.fixtures.database import database, on_database

PASSWORD: Final = "a password that is long and random"
CARD: Final = "CARD-1"
START_TIMEOUT_S: Final = 60.0
PATIENCE_S: Final = 15.0


def now() -> str:
    return stamp(SystemClock().now())


# ---- the platform -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Platform:
    """A running ``forecourt serve``, seen from outside."""

    ocpp: str
    ocpp_tls: str
    http: str
    key: str
    folder: Path
    database: str

    def address(self, profile: int) -> str:
        return self.ocpp_tls if profile >= 2 else self.ocpp

    def tls(self, station: str, profile: int) -> ssl.SSLContext | None:
        """What the station trusts, and what it shows."""
        if profile < 2:
            return None
        context = ssl.create_default_context(cafile=self.folder / "root.pem")
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        if profile == 3:
            context.load_cert_chain(self.folder / f"{station}.pem", self.folder / f"{station}.key")
        return context

    async def command(self, station: str, **command: Any) -> dict[str, Any]:
        """What a program asks by the API."""
        async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
            response = await client.post(
                f"{self.http}/api/v1/stations/{station}/commands",
                json=command,
                headers={"Authorization": f"Bearer {self.key}"},
            )
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()
        return found

    async def sessions(self, station: str) -> list[dict[str, Any]]:
        async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
            response = await client.get(
                f"{self.http}/api/v1/sessions",
                params={"station": station},
                headers={"Authorization": f"Bearer {self.key}"},
            )
        items: list[dict[str, Any]] = response.json()["items"]
        return items


def name_of(version: str, profile: int) -> str:
    return f"CP-{version}-{profile}"


CASES: Final = list(itertools.product(("1.6", "2.0.1"), (0, 1, 2, 3)))


async def furnish(url: str, folder: Path) -> str:
    """Stations, their certificates, a card and an API key; returns the key."""
    given = {"data_dir": folder, "database_url": url}
    clock = SystemClock()
    async with open_rooms(load(given), clock) as (rooms, _):
        ctx = Context(actor="test", tenant=DEFAULT_TENANT, now=clock.now())
        await rooms.access.add(ctx, NewToken(uid=CARD, sessions_max=None))
        for version, profile in CASES:
            name = name_of(version, profile)
            password = PASSWORD.encode() if profile in (1, 2) else None
            new = NewStation(id=StationId(name), password=password, security_profile=profile)
            await rooms.stations.add(ctx, new)
            if profile == 3:
                made, key = await rooms.security.issue(ctx, Use.STATION, name)
                pem = "".join(map(ssl.DER_cert_to_PEM_cert, made.chain))
                (folder / f"{name}.pem").write_text(pem)
                (folder / f"{name}.key").write_text(key)
        await rooms.security.ensure(ctx)
        root = await rooms.security.station_trust_pem(ctx)
        (folder / "root.pem").write_text(root)
        return (await rooms.tenants.add_key(ctx, "test")).secret


@pytest.fixture(scope="module")
def platform(
    database_server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Platform]:
    folder = tmp_path_factory.mktemp("platform")
    with database(database_server_url, f"TEMPLATE {template}") as name:
        url = on_database(database_server_url, name)
        with asyncio.Runner() as runner:
            key = runner.run(furnish(url, folder))
        environment = dict(os.environ) | {  # noqa: TID251 (a process has one)
            "FORECOURT_DATABASE_URL": url,
            "FORECOURT_TLS_HOSTS": '["localhost", "127.0.0.1"]',
        }
        with (folder / "serve.log").open("wb") as log:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "forecourt.cli", "serve"),
                    *("--data-dir", str(folder), "--http-port", "0"),
                    *("--ocpp-port", "0", "--ocpp-tls-port", "0"),
                ],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
            try:
                yield _ready(process, key, folder, url)
            finally:
                process.terminate()
                assert process.wait(30) == 0
                assert process.stdout is not None
                process.stdout.close()


def _ready(process: subprocess.Popen[str], key: str, folder: Path, url: str) -> Platform:
    assert process.stdout is not None
    readable, _, _ = select.select([process.stdout], [], [], START_TIMEOUT_S)
    assert readable, "it did not become ready"
    line = process.stdout.readline()
    assert line.startswith("ready "), (folder / "serve.log").read_text()
    found = dict(part.split("=", 1) for part in line.split()[1:])
    return Platform(found["ocpp"], found["ocpp_tls"], found["http"], key, folder, url)


# ---- the stations -----------------------------------------------------------------------------


class Station16(v16.ChargePoint):
    """A charge point that does what it is told."""

    def begin_life(self) -> None:
        self.transaction = 0
        self.started, self.stopped = asyncio.Event(), asyncio.Event()
        self.settings = {"HeartbeatInterval": "300"}

    async def day(self) -> None:
        """Boot, authorize, a transaction."""
        call = v16.call
        boot = call.BootNotification(charge_point_vendor="Acme", charge_point_model="One")
        assert (await self.call(boot, suppress=False)).status == "Accepted"
        card = await self.call(call.Authorize(id_tag=CARD), suppress=False)
        assert card.id_tag_info["status"] == "Accepted"
        await self.begin()
        await self.end()
        self.started.clear()
        self.stopped.clear()

    async def begin(self) -> None:
        begun = await self.call(
            v16.call.StartTransaction(connector_id=1, id_tag=CARD, meter_start=0, timestamp=now()),
            suppress=False,
        )
        assert begun.id_tag_info["status"] == "Accepted"
        self.transaction = begun.transaction_id
        self.started.set()

    async def end(self) -> None:
        await self.call(
            v16.call.StopTransaction(
                transaction_id=self.transaction, meter_stop=1_000, timestamp=now(), id_tag=CARD
            ),
            suppress=False,
        )
        self.stopped.set()

    @on("RemoteStartTransaction")
    def on_start(self, **_: Any) -> Any:
        return v16.call_result.RemoteStartTransaction(status="Accepted")

    @after("RemoteStartTransaction")
    async def after_start(self, **_: Any) -> None:
        await self.begin()

    @on("RemoteStopTransaction")
    def on_stop(self, transaction_id: int) -> Any:
        mine = transaction_id == self.transaction
        return v16.call_result.RemoteStopTransaction(status="Accepted" if mine else "Rejected")

    @after("RemoteStopTransaction")
    async def after_stop(self, **_: Any) -> None:
        await self.end()

    @on("GetConfiguration")
    def on_get(self, key: list[str] | None = None) -> Any:
        keys = [
            {"key": name, "readonly": False, "value": value}
            for name, value in self.settings.items()
            if key is None or name in key
        ]
        return v16.call_result.GetConfiguration(configuration_key=keys)

    @on("ChangeConfiguration")
    def on_set(self, key: str, value: str) -> Any:
        self.settings[key] = value
        return v16.call_result.ChangeConfiguration(status="Accepted")


class Station201(v201.ChargePoint):
    """The same of 2.0.1."""

    def begin_life(self) -> None:
        self.transaction = "first"
        self.seq_no = itertools.count()
        self.started, self.stopped = asyncio.Event(), asyncio.Event()
        self.settings = {"HeartbeatInterval": "300"}

    async def day(self) -> None:
        """Boot, authorize, a transaction."""
        call = v201.call
        boot = call.BootNotification(
            charging_station={"model": "Two", "vendorName": "Acme"}, reason="PowerUp"
        )
        assert (await self.call(boot, suppress=False)).status == "Accepted"
        token = {"idToken": CARD, "type": "ISO14443"}
        card = await self.call(call.Authorize(id_token=token), suppress=False)
        assert card.id_token_info["status"] == "Accepted"
        await self.begin()
        await self.end()
        self.started.clear()
        self.stopped.clear()

    async def event(self, kind: str, trigger: str, wh: int, **more: Any) -> None:
        value = {"value": wh, "measurand": "Energy.Active.Import.Register"}
        info = {"transactionId": self.transaction, **more.pop("info", {})}
        await self.call(
            v201.call.TransactionEvent(
                event_type=kind,
                timestamp=now(),
                trigger_reason=trigger,
                seq_no=next(self.seq_no),
                transaction_info=info,
                meter_value=[{"timestamp": now(), "sampledValue": [value]}],
                **more,
            ),
            suppress=False,
        )

    async def begin(self, **info: Any) -> None:
        token = {"idToken": CARD, "type": "ISO14443"}
        where = {"id": 1, "connectorId": 1}
        await self.event("Started", "Authorized", 0, id_token=token, evse=where, info=info)
        self.started.set()

    async def end(self) -> None:
        await self.event("Ended", "RemoteStop", 1_000, info={"stoppedReason": "Remote"})
        self.stopped.set()

    @on("RequestStartTransaction")
    def on_start(self, **_: Any) -> Any:
        self.transaction = "second"
        return v201.call_result.RequestStartTransaction(status="Accepted")

    @after("RequestStartTransaction")
    async def after_start(self, remote_start_id: int, **_: Any) -> None:
        await self.begin(remoteStartId=remote_start_id)

    @on("RequestStopTransaction")
    def on_stop(self, transaction_id: str) -> Any:
        mine = transaction_id == self.transaction
        return v201.call_result.RequestStopTransaction(status="Accepted" if mine else "Rejected")

    @after("RequestStopTransaction")
    async def after_stop(self, **_: Any) -> None:
        await self.end()

    @on("GetVariables")
    def on_get(self, get_variable_data: list[dict[str, Any]]) -> Any:
        found = [
            {
                "attributeStatus": "Accepted",
                "attributeValue": self.settings[data["variable"]["name"]],
                "component": data["component"],
                "variable": data["variable"],
            }
            for data in get_variable_data
        ]
        return v201.call_result.GetVariables(get_variable_result=found)

    @on("SetVariables")
    def on_set(self, set_variable_data: list[dict[str, Any]]) -> Any:
        done = []
        for data in set_variable_data:
            self.settings[data["variable"]["name"]] = data["attribute_value"]
            kept = {name: data[name] for name in ("component", "variable")}
            done.append({"attributeStatus": "Accepted", **kept})
        return v201.call_result.SetVariables(set_variable_result=done)


@asynccontextmanager
async def at_work(platform: Platform, version: str, profile: int) -> AsyncGenerator[Any]:
    """A station that is connected by its security profile."""
    name = name_of(version, profile)
    headers = {}
    if profile in (1, 2):
        credentials = base64.b64encode(f"{name}:{PASSWORD}".encode()).decode()
        headers = {"Authorization": f"Basic {credentials}"}
    async with (
        websockets.connect(
            f"{platform.address(profile)}/{name}",
            subprotocols=[websockets.Subprotocol(f"ocpp{version}")],
            additional_headers=headers,
            ssl=platform.tls(name, profile),
        ) as line,
        asyncio.TaskGroup() as tasks,
    ):
        assert line.subprotocol == f"ocpp{version}"
        # The client offers compression by itself.
        assert line.response is not None
        assert "permessage-deflate" in line.response.headers["Sec-WebSocket-Extensions"]
        station = (Station16 if version == "1.6" else Station201)(name, line)
        station.begin_life()
        listening = tasks.create_task(station.start())
        yield station
        listening.cancel()


@pytest.mark.parametrize(("version", "profile"), CASES)
async def test_a_station_s_day(platform: Platform, version: str, profile: int) -> None:
    name = name_of(version, profile)
    async with at_work(platform, version, profile) as station, asyncio.timeout(60):
        await station.day()
        # From afar.
        answer = await platform.command(name, command="start", token=CARD, evse=1)
        assert answer["outcome"] == "accepted"
        await station.started.wait()
        running, _ = await platform.sessions(name)
        answer = await platform.command(name, command="stop", session=running["id"])
        assert answer["outcome"] == "accepted"
        await station.stopped.wait()
        sessions = await platform.sessions(name)
        assert [session["state"] for session in sessions] == ["ended", "ended"]
        assert [session["energy_wh"] for session in sessions] == [1_000, 1_000]
        # Its variables, by one name in both versions.
        heartbeat = {"component": "OCPPCommCtrlr", "variable": "HeartbeatInterval"}
        read = await platform.command(name, command="get_variables", variables=[heartbeat])
        assert read["variables"][0]["value"] == "300"
        wanted = heartbeat | {"value": "60"}
        written = await platform.command(name, command="set_variables", variables=[wanted])
        assert written["outcome"] == "accepted"
        assert station.settings["HeartbeatInterval"] == "60"


@pytest.mark.parametrize(("version", "profile"), [case for case in CASES if case[1]])
async def test_the_profile_below_is_refused(platform: Platform, version: str, profile: int) -> None:
    name = name_of(version, profile)
    below = profile - 1
    headers = {}
    if below in (1, 2):
        credentials = base64.b64encode(f"{name}:{PASSWORD}".encode()).decode()
        headers = {"Authorization": f"Basic {credentials}"}
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with websockets.connect(
            f"{platform.address(below)}/{name}",
            subprotocols=[websockets.Subprotocol(f"ocpp{version}")],
            additional_headers=headers,
            ssl=platform.tls(name, below),
        ):
            pass
    assert refused.value.response.status_code == (401 if below == 0 else 403)


def forecourt(platform: Platform, *words: str) -> dict[str, Any]:
    """What a command prints for machines, beside the running platform."""
    environment = dict(os.environ) | {"FORECOURT_DATABASE_URL": platform.database}  # noqa: TID251 (a process has one)
    done = subprocess.run(
        [sys.executable, "-m", "forecourt.cli", *words, "--json", "--data-dir", platform.folder],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


async def test_a_password_and_a_plan_by_the_command_line(platform: Platform) -> None:
    name = name_of("1.6", 1)
    async with at_work(platform, "1.6", 1) as station, asyncio.timeout(60):
        await station.day()
        told = await asyncio.to_thread(forecourt, platform, "station", "rotate-password", name)
        assert (told["outcome"], told["password"]) == ("accepted", None)
        assert len(bytes.fromhex(station.settings["AuthorizationKey"])) == 20
        words = ("station", "upgrade-security", name, "--profile", "2", "--dry-run")
        plan = await asyncio.to_thread(forecourt, platform, *words, "--url", platform.ocpp_tls)
        assert plan["steps"][-1]["name"] == "return"
    by_hand = await asyncio.to_thread(
        forecourt, platform, "station", "set", name, "--rotate-password"
    )
    async with asyncio.timeout(PATIENCE_S):
        while not await comes_in(platform, name, by_hand["password"]):  # noqa: ASYNC110 (another process)
            await asyncio.sleep(0.05)


async def comes_in(platform: Platform, name: str, password: str) -> bool:
    """Whether the door opens; what a command changed reaches it a moment later."""
    credentials = base64.b64encode(f"{name}:{password}".encode()).decode()
    try:
        async with websockets.connect(
            f"{platform.ocpp}/{name}",
            subprotocols=[websockets.Subprotocol("ocpp1.6")],
            additional_headers={"Authorization": f"Basic {credentials}"},
        ):
            return True
    except websockets.InvalidStatus:
        return False
