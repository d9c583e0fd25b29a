"""The benchmark's own honesty: right frames, right counting, right sums, and a true echo."""

import asyncio
import io
import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import asyncpg
import jsonschema  # type: ignore[import-untyped]  # ships no types
import msgspec
import pytest
from rich.console import Console
from typer.testing import CliRunner

from forecourt.cli.bench import app, contenders, frames, ledger, webhooks
from forecourt.cli.bench.contenders import ECHO, FORECOURT, PYPI, Contender, Server, Site
from forecourt.cli.bench.goals import judge
from forecourt.cli.bench.load import Fleet
from forecourt.cli.bench.machine import Family
from forecourt.cli.bench.pace import Eager, Gauge, Timed, percentile
from forecourt.cli.bench.receiver import receiving
from forecourt.cli.bench.results import ROWS, Crowd, Report, Sample
from forecourt.cli.bench.station import Station
from forecourt.infra import postgres

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the load client needs epoll")

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PASSWORD = "a-password-of-twenty"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    identities = [f"BENCH{n:06d}" for n in range(20)]
    return Site(scratch=tmp_path, identities=identities, password=PASSWORD, server_core=None)


@pytest.fixture
def echo(site: Site) -> Iterator[Server]:
    with contenders.running(ECHO, site) as server:
        yield server


def fleet_at(server: Server, site: Site, *, version: str = "1.6", echoes: bool = False) -> Fleet:
    return Fleet(
        site.identities,
        port=server.port,
        password=site.password,
        version=version,
        run=1,
        clock=time.perf_counter,
        now=NOW,
        echoes=echoes,
    )


# --- frames -------------------------------------------------------------------------------------


def sent(version: str, transaction: int | str) -> tuple[bytes, list[Any]]:
    """A periodic message as the client would send it: its text, and decoded."""
    framed, places = frames.lay_out(version, transaction)
    for at in (places.id, places.energy):
        framed[at : at + frames.DIGITS] = b"100000042"
    for at in places.stamps:
        framed[at : at + frames.STAMP_WIDTH] = b"2026-01-01T00:00:00.000042Z"
    if places.seq is not None:
        framed[places.seq : places.seq + frames.DIGITS] = b"%9d" % 42
    inbox = bytearray(framed)
    assert framed[1] & frames.MASKED, "a client masks"
    assert bytes(framed[4:8]) == frames.ZERO_KEY
    return bytes(inbox[8:]), json.loads(inbox[8:])


@pytest.mark.parametrize(
    ("version", "transaction", "size"),
    [("1.6", 7, 399), ("1.6", 2**31 - 1, 399), ("2.0.1", "1-BENCH000001", 778)],
)
def test_periodic_messages_have_their_size_whatever_the_transaction(
    version: str, transaction: int | str, size: int
) -> None:
    text, _ = sent(version, transaction)
    assert len(text) == size


def schema(version: str, name: str) -> dict[str, Any]:
    folder = files("ocpp") / {"1.6": "v16", "2.0.1": "v201"}[version] / "schemas"
    loaded: dict[str, Any] = json.loads((folder / f"{name}.json").read_text("utf-8-sig"))
    return loaded


def messages(version: str) -> dict[str, Any]:
    """Every message that the client can say, by the name of its schema."""
    began = {"stamp": "2026-01-01T00:00:00.000001Z", "energy_wh": 100_000_000}
    transaction: int | str = 7 if version == "1.6" else "1-BENCH000001"
    once = {
        "boot": frames.boot(version),
        "start": frames.start(version, transaction="1-BENCH000001", **began),  # type: ignore[arg-type]  # kwargs of two types
        "stop": frames.stop(version, transaction=transaction, seq=9, **began),  # type: ignore[arg-type]  # as above
    }
    said = {}
    for name, framed in once.items():
        text = framed[framed.index(b"[2,") :]
        _, _, action, payload = json.loads(text)
        said[name] = (action, payload)
    _, _, action, payload = sent(version, transaction)[1]
    said["periodic"] = (action, payload)
    return said


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
@pytest.mark.parametrize("which", ["boot", "start", "periodic", "stop"])
def test_what_the_client_says_is_what_the_specification_wants(version: str, which: str) -> None:
    action, payload = messages(version)[which]
    name = action if version == "1.6" else f"{action}Request"
    jsonschema.validate(payload, schema(version, name))


def test_every_message_carries_the_new_register_and_time() -> None:
    _, (_, message_id, _, payload) = sent("2.0.1", "x")
    reading = payload["meterValue"][0]
    assert message_id == "100000042"
    assert payload["seqNo"] == 42
    assert payload["timestamp"] == reading["timestamp"] == "2026-01-01T00:00:00.000042Z"
    assert reading["sampledValue"][0]["value"] == 100_000_042


def test_frames_come_off_the_front_only_when_they_are_whole() -> None:
    short, long = b'[3,"1",{}]', b"x" * 300
    stream = bytes((0x81, len(short))) + short + bytes((0x81, 126, 1, 44)) + long
    inbox = bytearray()
    seen = []
    for byte in stream:
        inbox.append(byte)
        seen += frames.split(inbox)
    assert seen == [(1, short), (1, long)]
    assert not inbox


# --- pace and sums ------------------------------------------------------------------------------


def test_percentiles_are_values_that_were_measured() -> None:
    sample = list(range(1, 101))
    assert percentile(sample, 0.5) == 50
    assert percentile(sample, 0.99) == 99
    assert percentile([7.0], 0.99) == 7.0
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile([], 0.5) != percentile([], 0.5), "of nothing: not a number"


def test_open_loop_counts_latency_from_the_moment_that_was_meant() -> None:
    station = Station("A")
    pace = Timed([station], per_s=1000, for_s=0.1, begin=0.0, seed=1)
    (first,) = pace.due(0.1)
    assert first[0] is station
    assert first[1] < 0.1
    held_up = list(station.waiting)
    assert len(held_up) > 20, "a busy station's messages queue with their own moments"
    assert pace.after(station, 5.0) == held_up[0]


def test_open_loop_offers_the_rate_and_repeats_itself_by_seed() -> None:
    stations = [Station(str(n)) for n in range(10)]

    def moments(seed: int) -> list[float]:
        for station in stations:
            station.reset()
        pace = Timed(stations, per_s=5000, for_s=2, begin=0, seed=seed)
        sent_now = [at for _, at in pace.due(10)]
        return sorted(sent_now + [at for s in stations for at in s.waiting])

    assert len(moments(1)) == pytest.approx(10_000, rel=0.05)
    assert moments(1) == moments(1)
    assert moments(1) != moments(2)


def test_the_gauge_measures_its_window_alone() -> None:
    told: list[bool] = []
    gauge = Gauge(begin=0.0, warm_s=1.0, window_s=2.0, window=told.append)
    assert not gauge.over(0.5)
    gauge.latency_s.append(9.0)
    assert not gauge.over(1.0)
    gauge.latency_s.extend([1.0, 2.0])
    assert gauge.over(3.5)
    assert told == [True, False]
    assert (gauge.in_window, gauge.answered, gauge.took_s) == (2, 3, 2.5)
    assert list(gauge.latency_s) == [1.0, 2.0]


# --- the load client against true servers -------------------------------------------------------


def test_closed_loop_against_the_echo(echo: Server, site: Site) -> None:
    fleet = fleet_at(echo, site, echoes=True)
    arrival = fleet.arrive()
    assert (arrival.arrived, arrival.dropped) == (20, 0)
    assert fleet.start() == 20
    told: list[bool] = []
    gauge = Gauge(begin=time.perf_counter(), warm_s=0.05, window_s=0.3, window=told.append)
    load = fleet.run(Eager(fleet.stations), gauge)
    assert told == [True, False]
    assert load.errors == load.unanswered == 0
    assert load.answered > load.in_window > 500
    assert load.answered == sum(s.seq for s in fleet.stations), "each answer was counted once"
    assert 0 < percentile(load.latency_s, 0.5) < 0.3
    fleet.close()


def test_open_loop_against_the_echo(echo: Server, site: Site) -> None:
    fleet = fleet_at(echo, site, echoes=True)
    fleet.arrive()
    fleet.start()
    begin = time.perf_counter()
    pace = Timed(fleet.stations, per_s=1000, for_s=0.5, begin=begin, seed=1)
    gauge = Gauge(begin=begin, warm_s=0.1, window_s=0.4, window=lambda _: None)
    load = fleet.run(pace, gauge)
    assert load.errors == load.unanswered == 0
    assert load.answered == pytest.approx(500, rel=0.3)
    assert len(pace.lag_s) > 0
    fleet.close()


def test_a_crowd_comes_back_at_once(echo: Server, site: Site) -> None:
    fleet = fleet_at(echo, site, echoes=True)
    fleet.arrive()
    fleet.linger(0.05)
    assert fleet.connected() == 20
    fleet.hang_up()
    assert fleet.connected() == 0
    back = fleet.arrive(at_once=True)
    assert (back.arrived, back.dropped, len(back.boot_s)) == (20, 0, 20)
    fleet.close()


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
def test_a_whole_conversation_with_the_pypi_peer(version: str, site: Site) -> None:
    assert PYPI.missing() is None
    with contenders.running(PYPI, site) as server:
        fleet = fleet_at(server, site, version=version)
        assert fleet.arrive().arrived == 20
        assert fleet.start() == 20
        gauge = Gauge(begin=time.perf_counter(), warm_s=0.1, window_s=0.3, window=lambda _: None)
        load = fleet.run(Eager(fleet.stations), gauge)
        assert load.errors == load.unanswered == 0
        assert load.in_window > 20
        assert fleet.stop() == 20
        assert not fleet.failures
        fleet.close()


def test_a_wrong_password_is_a_drop_with_its_reason(site: Site) -> None:
    with contenders.running(PYPI, site) as server:
        stranger = msgspec.structs.replace(site, password="not-it")
        fleet = fleet_at(server, stranger)
        arrival = fleet.arrive()
        fleet.close()
    assert (arrival.arrived, arrival.dropped) == (0, 20)
    assert fleet.failures == {"HTTP/1.1 401 Unauthorized": 20}


def test_a_contender_that_does_not_come_up_says_why(site: Site) -> None:
    silent = Contender(
        name="silent", label="a mute", command=lambda _: [sys.executable, "-c", "1/0"]
    )
    with (
        pytest.raises(contenders.ContenderFailed, match="ZeroDivisionError"),
        contenders.running(silent, site),
    ):
        pytest.fail("it never ran")


def test_a_server_is_weighed_with_its_children() -> None:
    family = Family(os.getpid())
    before = family.cpu_s()
    sum(n * n for n in range(2_000_000))
    assert family.cpu_s() > before
    assert family.resident_bytes() > 10_000_000


@pytest.mark.database
async def test_the_books_are_read_beside_the_server(tmp_path: Path) -> None:
    async with postgres.running(tmp_path, log=print) as server:
        connection = await asyncpg.connect(server.url)
        await connection.execute("CREATE TABLE meter_values AS SELECT generate_series(1, 7)")
        await connection.close()
        books = await asyncio.to_thread(ledger.read, tmp_path)
        family = Family(os.getpid(), tmp_path)
        assert server.pid in {process.pid for process in family.members()}
    assert books.readings == 7
    assert books.durability == "fsync=on synchronous_commit=on full_page_writes=on"


# --- the verdict --------------------------------------------------------------------------------


def sample(contender: str, row: str, **changes: Any) -> Sample:
    plain = Sample(
        contender=contender,
        row=row,
        round=1,
        version="1.6",
        stations=500,
        offered_per_s=None,
        per_s=50_000.0,
        p50_ms=1.0,
        p99_ms=2.0,
        server_cpu=1.0,
        client_cpu=0.5,
        others_cpu=0.0,
        server_us_per_message=20.0,
        client_lag_p99_ms=None,
        answered=1000,
        errors=0,
        unanswered=0,
        recorded=1000 if contender == FORECOURT.name else None,
    )
    return msgspec.structs.replace(plain, **changes)


def report(*samples: Sample, crowds: list[Crowd] | None = None) -> Report:
    return Report(
        quick=False, seed=1, rounds=1, connections=500, stations=10_000, window_s=10,
        pinning="", machine="", filesystem="ext4",
        samples=list(samples), crowds=crowds or [],
    )  # fmt: skip


def verdicts(judged: Report, row: str) -> list[bool | None]:
    return [goal.met for goal in judge(judged, frozenset({row}))]


def test_goals_that_nobody_measured_are_neither_met_nor_missed() -> None:
    goals = judge(report(), frozenset(ROWS))
    assert len(goals) == 11
    assert {goal.met for goal in goals} == {None}


def test_ratios_are_taken_within_a_round() -> None:
    fast = [sample("forecourt", "meter-values", round=1, per_s=80_000.0)]
    slow = [sample("forecourt", "meter-values", round=2, per_s=40_000.0)]
    echoes = [
        sample("echo", "meter-values", round=1, per_s=160_000.0),
        sample("echo", "meter-values", round=2, per_s=80_000.0),
    ]
    judged = report(*fast, *slow, *echoes)
    assert judged.ratio("meter-values", "per_s", ("forecourt", "echo")) == 0.5
    assert verdicts(judged, "meter-values") == [True, None, None, True]


@pytest.mark.parametrize(
    "fault", [{"recorded": 999}, {"recorded": 1001}, {"errors": 1}, {"unanswered": 1}]
)
def test_no_speed_makes_up_for_a_message_lost_or_kept_twice(fault: dict[str, int]) -> None:
    judged = report(
        sample("forecourt", "meter-values", per_s=1e9, **fault), sample("echo", "meter-values")
    )
    assert verdicts(judged, "meter-values") == [False, None, None, False]


def test_latency_and_scaling_are_judged_against_the_same_run() -> None:
    judged = report(
        sample("forecourt", "latency", p50_ms=4.9, p99_ms=8.0),
        sample("echo", "latency", p99_ms=3.9),
        sample("forecourt", "scaling", stations=100, server_us_per_message=20.0),
        sample("forecourt", "scaling", stations=10_000, server_us_per_message=24.0),
    )
    assert verdicts(judged, "latency") == [True, False]
    assert verdicts(judged, "scaling") == [True]


def test_a_crowd_that_lost_one_station_is_a_miss() -> None:
    crowd = Crowd(
        round=1, stations=10_000, arrived=10_000, connected=10_000, kib_per_connection=12.0,
        resident_before_mib=90, returned=9_999, dropped=1, return_s=3.0, boot_p50_ms=1,
        boot_p99_ms=2,
    )  # fmt: skip
    judged = report(crowds=[crowd])
    assert verdicts(judged, "memory") == [True]
    assert verdicts(judged, "reconnect") == [False]


# --- the command --------------------------------------------------------------------------------


def test_the_command_measures_what_it_is_asked_to() -> None:
    done = CliRunner().invoke(
        app,
        ["gateway", "--quick", "--json", "--connections", "20", "--seconds", "0.5",
         "--only", "meter-values", "--contender", "echo"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert said["quick"] is True
    assert [s["contender"] for s in said["samples"]] == ["echo"]
    assert said["samples"][0]["per_s"] > 1000
    assert said["left_out"]["forecourt"] == "not asked for"


def test_a_row_that_does_not_exist_is_refused() -> None:
    done = CliRunner().invoke(app, ["gateway", "--only", "weather"])
    assert done.exit_code == 2
    assert "weather" in done.output


def test_a_receiver_counts_each_message_once() -> None:
    with receiving() as receiver, socket.create_connection(("127.0.0.1", receiver.port)) as line:
        body = b"POST /1 HTTP/1.1\r\nWebhook-Id: evt_%d\r\nContent-Length: 2\r\n\r\n{}"
        said = body % 1 + body % 2 + body % 2
        line.sendall(said[:30])
        line.sendall(said[30:])
        answers = b""
        while answers.count(b"204 No Content") < 3:
            answers += line.recv(4_096)
        assert receiver.received == 3
        assert receiver.messages == {(b"/1", b"evt_1"), (b"/1", b"evt_2")}


@pytest.mark.slow
def test_every_delivery_of_the_webhooks_bench_arrives(tmp_path: Path) -> None:
    report = webhooks.run(20, 2, 1, tmp_path, lambda _: None)
    [one] = report.runs
    assert (one.deliveries, one.missing, one.doubled) == (40, 0, 0)
    assert one.per_s > 0
    assert one.per_cpu_s > 0
    webhooks.show(report, Console(file=io.StringIO()))
