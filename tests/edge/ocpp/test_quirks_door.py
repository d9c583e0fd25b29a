"""What stations in the field do at the door: sub-protocols, paths, boots and dying lines.

Numbers are rows of docs/protocols/field-quirks.md.
"""

from pathlib import Path

import pytest

from forecourt.domain.stations import Outcome, Ping, Trigger
from tests.edge.ocpp.house import BOOT_2X, BOOT_16, IN_THE_HOUSE, Yard, a_yard, until
from tests.edge.ocpp.says import status
from tests.edge.ocpp.wire import PING, PONG, CallError, Refused, Wire

pytestmark = IN_THE_HOUSE


async def test_quirk_01_without_a_sub_protocol_the_line_is_closed(yard: Yard) -> None:
    """The handshake is completed first (2.0.1 part 4, 3.2): the station hears the reason."""
    name = await yard.add()
    wire = await yard.open(f"/{name}", offers=[])
    assert "sec-websocket-protocol" not in wire.headers
    assert (await wire.closed()).code == 1002


async def test_quirk_01_or_it_is_taken_for_a_station_of_1_6(
    database_url: str, tmp_path: Path
) -> None:
    async with a_yard(database_url, tmp_path, assume_ocpp16=True) as yard:
        name = await yard.add()
        wire = await yard.open(f"/{name}", offers=[])
        assert "sec-websocket-protocol" not in wire.headers
        assert (await yard.boot(wire))["status"] == "Accepted"
        station, _ = await yard.rooms.stations.read(yard.ctx, name)
        assert station.protocol == "ocpp1.6"


@pytest.mark.parametrize(
    ("offers", "chosen"),
    [
        (["ocpp1.6", "ocpp2.0.1"], "ocpp2.0.1"),
        (["ocpp2.0.1", "ocpp1.6", "ocpp2.1"], "ocpp2.1"),
        (["ocpp1.5", "ocpp2.0.1.1", "ocpp1.6"], "ocpp1.6"),
        (["ocpp2.0", "ocpp2.0.1"], "ocpp2.0.1"),
        (["ocpp2.0.1.1"], None),
        (["OCPP1.6"], None),
        (["", "ocpp1.6", ""], "ocpp1.6"),
    ],
)
async def test_quirk_02_several_and_odd_sub_protocols(
    yard: Yard, offers: list[str], chosen: str | None
) -> None:
    name = await yard.add()
    wire = await yard.open(f"/{name}", offers=offers)
    assert wire.headers.get("sec-websocket-protocol") == chosen
    if chosen is None:
        assert (await wire.closed()).code == 1002
    else:
        version = chosen.removeprefix("ocpp")
        assert (await yard.boot(wire, version))["status"] == "Accepted"


async def test_quirk_02_the_version_is_of_the_connection(yard: Yard) -> None:
    name = await yard.add()
    for version in ("1.6", "2.0.1", "1.6", "2.1"):
        wire = await yard.connect(name, version)
        assert (await yard.boot(wire, version))["status"] == "Accepted"
        station, _ = await yard.rooms.stations.read(yard.ctx, name)
        assert station.protocol == f"ocpp{version}"
        await wire.close()


async def test_quirk_02_a_payload_of_1_6_on_2_0_1_is_refused_and_the_line_stays(
    yard: Yard,
) -> None:
    _, wire = await yard.station("2.0.1")
    with pytest.raises(CallError) as refused:
        await wire.call("BootNotification", BOOT_16)
    assert refused.value.code == "FormatViolation"
    with pytest.raises(CallError) as unknown:
        await wire.call("StartTransaction", {})
    assert unknown.value.code == "NotImplemented"
    assert (await wire.call("BootNotification", BOOT_2X))["status"] == "Accepted"


@pytest.mark.parametrize(
    ("identity", "path"),
    [
        ("RDAM|123", "/RDAM%7C123"),
        ("RDAM|124", "/ocpp/RDAM%7c124"),
        ("Dots.and.More", "/Dots.and.More"),
        ("case-Sensitive", "/case-Sensitive"),
        ("with space", "/ocpp/with%20space"),
        ("a*b@c:d=e+f", "/a*b@c:d=e+f"),
        ("whole-url", "ws://example.com:9220/ocpp/whole-url"),
        ("double", "//ocpp//double"),
        ("trailing", "/ocpp/trailing/"),
        ("query", "/query?model=One"),
        ("ocpp-like", "/ocpp-like"),
        ("x" * 48, f"/{'x' * 48}"),
    ],
)
async def test_quirk_03_ways_to_write_an_identity(yard: Yard, identity: str, path: str) -> None:
    await yard.add(identity)
    wire = await yard.open(path)
    assert (await yard.boot(wire))["status"] == "Accepted"
    assert identity in yard.gateway._links


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/ocpp",
        "/ocpp/",
        "/nobody-knows-me",
        "/%",
        "/%zz",
        "/%7",
        "/%ff%fe",
        "/%00",
        "/a%0d%0aSet-Cookie:%20b",
        "/../../etc/passwd",
        "/..%2f..%2fetc%2fpasswd",
        "/ocpp/1.6/deeper/still",
        "/ocpp/other/CP",
        f"/{'x' * 49}",
        f"/{'x' * 5_000}",
        "/\xff\xfe",
        "*",
        "?",
        "ws://",
    ],
)
async def test_quirk_03_paths_that_name_nobody(yard: Yard, path: str) -> None:
    with pytest.raises(Refused) as refused:
        await yard.open(path)
    assert refused.value.status == 404


async def test_quirk_03_the_case_of_an_identity_counts(yard: Yard) -> None:
    await yard.add("Some-Case")
    with pytest.raises(Refused) as refused:
        await yard.open("/some-case")
    assert refused.value.status == 404


async def test_quirk_18_a_new_socket_needs_no_boot(yard: Yard) -> None:
    name, wire = await yard.station()
    await wire.close(None)
    again = await yard.connect(name)
    assert await again.call("StatusNotification", status(1, "Available")) == {}
    station, connectors = await yard.rooms.stations.read(yard.ctx, name)
    assert station.booted_at is not None
    assert len(connectors) == 1
    assert await again.silent(), "whom we know needs not be asked to boot"


async def test_quirk_18_who_never_booted_is_served_and_asked_to_boot_once(yard: Yard) -> None:
    name = await yard.add()
    wire = await yard.connect(name)
    assert await wire.call("StatusNotification", status(1, "Available")) == {}
    message_id, request = await wire.asked("TriggerMessage")
    assert request == {"requestedMessage": "BootNotification"}
    wire.answer(message_id, {"status": "NotImplemented"})
    assert await wire.call("StatusNotification", status(1, "Preparing")) == {}
    assert await wire.silent(), "once is enough"


async def test_quirk_19_nothing_is_sent_before_the_boot_is_answered(yard: Yard) -> None:
    name = await yard.add()
    wire = await yard.connect(name)
    await until(lambda: yard.gateway._links[name].live is not None)
    answer = await yard.rooms.stations.command(yard.ctx, name, Trigger(message="boot"))
    assert answer.outcome is Outcome.REJECTED
    assert await wire.silent()
    boot = wire.ask("BootNotification", BOOT_16)
    assert (await wire.message())[:2] == [3, boot]


async def test_quirk_20_of_many_boots_on_one_line_the_last_counts(yard: Yard) -> None:
    name = await yard.add()
    wire = await yard.connect(name)
    for n in range(20):
        booted = await wire.call("BootNotification", {**BOOT_16, "firmwareVersion": f"1.{n}"})
        assert booted["status"] == "Accepted"
    station, _ = await yard.rooms.stations.read(yard.ctx, name)
    assert station.firmware == "1.19"
    assert len(await yard.events(name, "station.booted")) == 20


async def test_quirk_20_two_boots_at_once_are_answered_in_their_order(yard: Yard) -> None:
    name = await yard.add()
    wire = await yard.connect(name)
    ids = [wire.ask("BootNotification", {**BOOT_16, "firmwareVersion": f"2.{n}"}) for n in "ab"]
    assert [(await wire.message())[1] for _ in ids] == ids
    station, _ = await yard.rooms.stations.read(yard.ctx, name)
    assert station.firmware == "2.b"


async def test_quirk_21_the_newest_socket_wins_and_the_late_close_changes_nothing(
    yard: Yard,
) -> None:
    name, old = await yard.station()
    new = await yard.connect(name)
    assert (await yard.boot(new))["status"] == "Accepted"
    assert (await old.closed()).code == 1008
    await old.close(None)
    assert (await new.call("Heartbeat", {}))["currentTime"]
    await yard.house.committer.drained()
    station, _ = await yard.rooms.stations.read(yard.ctx, name)
    assert station.connected
    link = yard.rooms.stations._links.find(name)
    assert link is yard.gateway._links[name]


async def test_quirk_21_what_the_old_socket_had_on_its_way_is_not_lost(yard: Yard) -> None:
    name, wire = await yard.station()
    for n in range(10):
        wire.ask("StatusNotification", status(n + 1, "Available"))
        await wire.flushed()
        newer = await yard.connect(name)
        assert (await newer.call("Heartbeat", {}))["currentTime"]
        wire = newer
    station, _ = await yard.rooms.stations.read(yard.ctx, name)
    assert station.connected
    assert await yard.value("SELECT epoch FROM stations WHERE station_id = $1", name) == 11


async def test_quirk_22_who_never_answers_pings_is_judged_by_heartbeats(yard: Yard) -> None:
    name, wire = await yard.station()
    link = yard.gateway._links[name]
    silent_since_s = link.heard_s
    yard.gateway._check_alive(link, silent_since_s + 61)
    assert (await wire.next_frame())[0] == PING
    yard.gateway._check_alive(link, silent_since_s + 700)
    assert (await wire.call("Heartbeat", {}))["currentTime"], "it lives, and was not cut off"
    yard.gateway._check_alive(link, link.heard_s + 61)
    yard.gateway._check_alive(link, link.heard_s + 300 * 2.5 + 1)
    assert (await wire.closed()).code == 1001
    assert name not in yard.gateway._links


async def test_quirk_22_who_answered_pings_is_held_to_it(yard: Yard) -> None:
    name, wire = await yard.station()
    link = yard.gateway._links[name]
    yard.gateway._check_alive(link, link.heard_s + 61)
    kind, payload = await wire.next_frame()
    assert kind == PING
    wire.frame(payload, PONG)
    await until(lambda: link.answers_pings)
    yard.gateway._check_alive(link, link.heard_s + 61)
    yard.gateway._check_alive(link, link.heard_s + 91)
    assert (await wire.closed()).code == 1001


async def test_quirk_22_a_ping_of_the_station_is_answered(yard: Yard) -> None:
    _, wire = await yard.station()
    wire.frame(b"are you there", PING)
    assert await wire.next_frame() == (PONG, b"are you there")


async def test_quirk_22_compression_that_nobody_agreed_on_closes_the_line(yard: Yard) -> None:
    name, wire = await yard.station()
    wire.frame(b"\xf2H\xcd\xc9\xc9\x07\x00", rsv1=True)
    assert (await wire.closed()).code == 1002
    back = await yard.connect(name)
    assert (await back.call("Heartbeat", {}))["currentTime"]


async def test_quirk_22_a_station_that_is_not_to_be_pinged_is_not(yard: Yard) -> None:
    name, wire = await yard.station()
    await yard.rooms.stations.change(yard.ctx, name, ping=Ping.NEVER)
    link = yard.gateway._links[name]
    await until(lambda: link.door.ping is Ping.NEVER)
    yard.gateway._check_alive(link, link.heard_s + 700)
    assert await wire.silent()
    assert not link.pinged
    yard.gateway._check_alive(link, link.heard_s + 300 * 2.5 + 1)
    assert (await wire.closed()).code == 1001


async def test_quirk_22_a_station_that_must_answer_pings_is_cut_off_if_it_does_not(
    yard: Yard,
) -> None:
    name, wire = await yard.station()
    await yard.rooms.stations.change(yard.ctx, name, ping=Ping.ALWAYS)
    link = yard.gateway._links[name]
    await until(lambda: link.door.ping is Ping.ALWAYS)
    yard.gateway._check_alive(link, link.heard_s + 61)
    assert (await wire.next_frame())[0] == PING
    yard.gateway._check_alive(link, link.heard_s + 91)
    assert (await wire.closed()).code == 1001


async def test_quirk_22_offered_compression_is_agreed_on(yard: Yard) -> None:
    name = await yard.add()
    wire = await yard.open(f"/{name}", headers={"Sec-WebSocket-Extensions": "permessage-deflate"})
    assert wire.headers["sec-websocket-extensions"].startswith("permessage-deflate")
    assert (await yard.boot(wire))["status"] == "Accepted"


async def test_a_stranger_is_refused(yard: Yard) -> None:
    with pytest.raises(Refused) as refused:
        await Wire.open(yard.house.ocpp_url, "/never-seen")
    assert refused.value.status == 404
