"""What stations in the field do with transactions: lost and repeated messages, odd registers.

Numbers are rows of docs/protocols/field-quirks.md.
"""

from typing import Any, NamedTuple

import pytest

from forecourt.domain.access import Standing
from forecourt.domain.sessions import Flag, SessionState
from forecourt.domain.stations import ConnectorState
from tests.edge.ocpp.house import IN_THE_HOUSE, Yard
from tests.edge.ocpp.says import event, meter, sampled, start, status, stop
from tests.edge.ocpp.wire import Wire

pytestmark = IN_THE_HOUSE


async def begun(
    yard: Yard, wire: Wire, *, at_s: float = -60, wh: int = 0, connector: int = 1
) -> int:
    card = await yard.token()
    told = await wire.call("StartTransaction", start(card, yard.at(at_s), wh, connector))
    assert told["idTagInfo"]["status"] == "Accepted"
    number: int = told["transactionId"]
    return number


@pytest.mark.parametrize("number", [0, -1, 2_000_000_000])
async def test_quirk_13_a_stop_of_nothing_is_confirmed_until_it_is_heard(
    yard: Yard, number: int
) -> None:
    name, wire = await yard.station()
    end = stop(number, yard.at(), 500)
    for _ in range(4):
        assert await wire.call("StopTransaction", end) == {}
    assert await yard.sessions(name) == []
    (kept,) = await yard.rows("SELECT * FROM unmatched_stops WHERE station_id = $1", name)
    assert (kept["transaction"], kept["meter_wh"]) == (str(number), 500)
    assert len(await yard.events(name, "session.stop_unmatched")) == 1, "one alarm, not one in 10 s"


async def test_quirk_14_a_start_repeated_after_a_reconnect_is_the_same(yard: Yard) -> None:
    name, wire = await yard.station()
    card = await yard.token()
    begin = start(card, yard.at(-60), 10)
    first = await wire.call("StartTransaction", begin)
    for _ in range(2):
        await wire.close(None)
        wire = await yard.connect(name)
        assert (await yard.boot(wire))["status"] == "Accepted"
        assert await wire.call("StartTransaction", begin) == first
    assert (await yard.session(name)).state is SessionState.ACTIVE


async def test_quirk_15_a_stop_is_counted_once_though_its_answer_was_lost(yard: Yard) -> None:
    name, wire = await yard.station()
    number = await begun(yard, wire)
    data = [sampled(yard.at(-10), 70), sampled(yard.at(-5), 80)]
    end = stop(number, yard.at(), 100, transactionData=data)
    wire.ask("StopTransaction", end)
    await wire.flushed()
    await wire.close(None)
    for _ in range(2):
        wire = await yard.connect(name)
        assert (await yard.boot(wire))["status"] == "Accepted"
        assert await wire.call("StopTransaction", end) == {}
    session = await yard.session(name)
    assert (session.state, session.progress.energy_wh) == (SessionState.ENDED, 100)
    assert [row["energy_wh"] for row in await yard.readings(name)] == [70, 80]
    assert len(await yard.events(name, "session.ended")) == 1


async def test_quirk_16_a_stop_whose_start_was_lost(yard: Yard) -> None:
    name, wire = await yard.station()
    await wire.call("MeterValues", meter(yard.at(-20), 10, 77_777_777))
    assert await wire.call("StopTransaction", stop(77_777_777, yard.at(), 50)) == {}
    (reading,) = await yard.readings(name)
    assert reading["energy_wh"] == 10
    kept = await yard.rows("SELECT * FROM unmatched_stops WHERE station_id = $1", name)
    assert len(kept) == 1


async def test_quirk_16_an_end_whose_start_was_lost_is_a_session(yard: Yard) -> None:
    name, wire = await yard.station("2.0.1")
    await wire.call("TransactionEvent", event("Updated", "t", 3, yard.at(-30), 100, evse=1))
    await wire.call("TransactionEvent", event("Ended", "t", 4, yard.at(), 160))
    session = await yard.session(name)
    assert (session.state, session.progress.energy_wh) == (SessionState.ENDED, 60)
    assert {Flag.START_MISSING, Flag.SEQUENCE_GAP} <= set(session.progress.flags)


async def test_quirk_16_offline_sessions_of_1_6_come_home(yard: Yard) -> None:
    name, wire = await yard.station()
    card = await yard.token()
    for n in range(12):
        at_s = -86_400 + 3_600 * n
        told = await wire.call("StartTransaction", start(card, yard.at(at_s), 1_000 * n))
        number = told["transactionId"]
        await wire.call("MeterValues", meter(yard.at(at_s + 900), 1_000 * n + 400, number))
        end = stop(number, yard.at(at_s + 1_800), 1_000 * n + 900, idTag=card)
        assert (await wire.call("StopTransaction", end))["idTagInfo"]["status"] == "Accepted"
    sessions = await yard.sessions(name)
    assert [s.progress.energy_wh for s in sessions] == [900] * 12
    assert {s.state for s in sessions} == {SessionState.ENDED}
    assert all(s.progress.flags == () for s in sessions)


async def test_quirk_16_a_burst_of_a_thousand_queued_events(yard: Yard) -> None:
    name, wire = await yard.station("2.0.1")
    expected = []
    for n in range(10):
        transaction = f"offline-{n}"
        for seq_no in range(100):
            kind = {0: "Started", 99: "Ended"}.get(seq_no, "Updated")
            at = yard.at(-20_000 + 1_000 * n + 10 * seq_no)
            body = event(kind, transaction, seq_no, at, 50 * seq_no, evse=1, offline=True)
            expected.append(wire.ask("TransactionEvent", body))
    await wire.flushed()
    answers = [(await wire.message())[:2] for _ in expected]
    assert answers == [[3, message_id] for message_id in expected]
    sessions = await yard.sessions(name)
    assert [s.progress.energy_wh for s in sessions] == [4_950] * 10
    assert {(s.state, s.offline, s.progress.flags) for s in sessions} == {
        (SessionState.ENDED, True, ())
    }
    count = "SELECT count(*) FROM meter_values WHERE station_id = $1"
    assert await yard.value(count, name) == 1_000
    # All of it once more, since the answers might have been lost: nothing changes.
    for seq_no in (0, 50, 99):
        kind = {0: "Started", 99: "Ended"}.get(seq_no, "Updated")
        at = yard.at(-11_000 + 10 * seq_no)
        body = event(kind, "offline-9", seq_no, at, 50 * seq_no, evse=1, offline=True)
        assert await wire.call("TransactionEvent", body) == {}
    assert [s.progress.energy_wh for s in await yard.sessions(name)] == [4_950] * 10


async def test_quirk_24_sums_of_connector_0_are_not_counted_with_the_connectors(
    yard: Yard,
) -> None:
    name, wire = await yard.station()
    number = await begun(yard, wire)
    for n in range(1, 4):
        await wire.call("MeterValues", meter(yard.at(-60 + n), 100 * n, number))
        await wire.call("MeterValues", meter(yard.at(-60 + n), 9_000 * n, connector=0))
    assert (await yard.session(name)).progress.energy_wh == 300
    readings = await yard.readings(name)
    assert [r["energy_wh"] for r in readings if r["evse_no"] == 0] == [9_000, 18_000, 27_000]
    assert all(r["session_id"] is None for r in readings if r["evse_no"] == 0)


async def test_quirk_25_the_state_of_connector_0_is_not_that_of_the_connectors(
    yard: Yard,
) -> None:
    name, wire = await yard.station()
    await wire.call("StatusNotification", status(1, "Charging"))
    await wire.call("StatusNotification", status(2, "Available"))
    await wire.call("StatusNotification", status(0, "Unavailable"))
    _, found = await yard.rooms.stations.read(yard.ctx, name)
    assert [(c.evse_no, c.connector_no, c.state) for c in found] == [
        (0, 0, ConnectorState.UNAVAILABLE),
        (1, 1, ConnectorState.CHARGING),
        (2, 1, ConnectorState.AVAILABLE),
    ]


@pytest.mark.parametrize(
    "states",
    [
        ("Available", "Charging", "Available"),
        ("Preparing", "Finishing", "Charging"),
        ("Finishing", "Available", "Finishing"),
        ("Faulted", "Available", "SuspendedEV"),
    ],
)
async def test_quirk_26_a_session_is_made_of_transactions_not_of_states(
    yard: Yard, states: tuple[str, str, str]
) -> None:
    name, wire = await yard.station()
    before, during, after = states
    await wire.call("StatusNotification", status(1, before))
    number = await begun(yard, wire)
    await wire.call("StatusNotification", status(1, during))
    assert (await yard.session(name)).state is SessionState.ACTIVE
    await wire.call("StopTransaction", stop(number, yard.at(), 40))
    await wire.call("StatusNotification", status(1, after))
    session = await yard.session(name)
    assert (session.state, session.progress.energy_wh) == (SessionState.ENDED, 40)


class Meter(NamedTuple):
    """What the register said, and what comes of it."""

    what: str
    first: int
    between: list[int]
    last: int
    energy_wh: int
    flag: Flag | None = None


METERS = [
    Meter("as it should be", 1_000, [1_100, 1_200], 1_300, 300),
    Meter("by session between", 50_000, [0, 100, 200], 50_250, 250, Flag.METER_WENT_BACK),
    Meter("reset at a boot", 50_000, [50_100, 0, 80], 120, 220, Flag.METER_IMPLAUSIBLE),
    Meter("all by session", 0, [10, 20], 30, 30),
    Meter("stop below start", 1_000, [], 400, 0, Flag.METER_IMPLAUSIBLE),
    Meter("stop of 0", 1_000, [1_500], 0, 500, Flag.METER_IMPLAUSIBLE),
    Meter("stop below what was seen", 1_000, [1_500], 1_200, 500, Flag.METER_IMPLAUSIBLE),
    Meter("negative", -5, [-5], -5, 0),
]


@pytest.mark.parametrize("case", METERS, ids=lambda case: case.what)
async def test_quirk_27_energy_is_never_negative(yard: Yard, case: Meter) -> None:
    name, wire = await yard.station()
    number = await begun(yard, wire, wh=case.first)
    for n, wh in enumerate(case.between):
        await wire.call("MeterValues", meter(yard.at(-50 + n), wh, number))
        assert (await yard.session(name)).progress.energy_wh >= 0
    await wire.call("StopTransaction", stop(number, yard.at(), case.last))
    progress = (await yard.session(name)).progress
    assert progress.energy_wh == case.energy_wh
    if case.flag is None:
        assert progress.flags == ()
    else:
        assert case.flag in progress.flags, "an accountant should know"


async def test_quirk_30_numbers_that_are_missing_are_noticed_and_may_come_late(
    yard: Yard,
) -> None:
    name, wire = await yard.station("2.0.1")

    async def say(kind: str, seq_no: int, at_s: float, wh: int, **more: Any) -> None:
        told = await wire.call(
            "TransactionEvent", event(kind, "t", seq_no, yard.at(at_s), wh, **more)
        )
        assert told == {}

    await say("Started", 0, -60, 0, evse=1)
    await say("Updated", 1, -50, 10)
    await say("Updated", 4, -20, 40)
    assert (await yard.session(name)).progress.seq_missing == (2, 3)
    await say("Updated", 2, -40, 20, offline=True)
    await say("Updated", 3, -30, 30, offline=True)
    session = await yard.session(name)
    assert (session.progress.seq_missing, session.offline) == ((), True)
    await say("Ended", 6, 0, 60)
    session = await yard.session(name)
    assert session.progress.flags == (Flag.SEQUENCE_GAP,)
    await say("Updated", 5, -10, 50, offline=True)
    session = await yard.session(name)
    assert session.state is SessionState.ENDED, "what comes late opens nothing"
    assert session.progress.energy_wh == 60
    assert session.progress.seq_missing == ()
    assert [r["energy_wh"] for r in await yard.readings(name)] == [0, 10, 20, 30, 40, 50, 60]
    assert len(await yard.events(name, "session.ended")) == 1


async def test_quirk_30_an_evse_without_a_connector(yard: Yard) -> None:
    name, wire = await yard.station("2.0.1")
    body = event("Started", "t", 0, yard.at(), 0)
    assert await wire.call("TransactionEvent", {**body, "evse": {"id": 2}}) == {}
    session = await yard.session(name)
    assert (session.evse_no, session.connector_no) == (2, 1)


async def test_quirk_30_connectors_are_counted_by_evse(yard: Yard) -> None:
    name, wire = await yard.station("2.0.1")
    for evse in (1, 2):
        for connector in (1, 2):
            report = {"timestamp": yard.at(), "connectorStatus": "Available"}
            await wire.call(
                "StatusNotification", {**report, "evseId": evse, "connectorId": connector}
            )
    _, found = await yard.rooms.stations.read(yard.ctx, name)
    assert [(c.evse_no, c.connector_no) for c in found] == [(1, 1), (1, 2), (2, 1), (2, 2)]


@pytest.mark.parametrize("kind", ["Started", "Updated", "Ended"])
async def test_quirk_30_an_event_after_the_end_is_kept_and_opens_nothing(
    yard: Yard, kind: str
) -> None:
    name, wire = await yard.station("2.0.1")
    await wire.call("TransactionEvent", event("Started", "t", 0, yard.at(-60), 0, evse=1))
    await wire.call("TransactionEvent", event("Ended", "t", 1, yard.at(-30), 30))
    await wire.call("TransactionEvent", event(kind, "t", 2, yard.at(), 90, offline=True))
    session = await yard.session(name)
    assert (session.state, session.progress.energy_wh) == (SessionState.ENDED, 30)
    kept = (await yard.rooms.sessions.kept.events(yard.ctx, session)).items
    assert [(one.seq_no, one.kind, one.offline) for one in kept] == [
        *((0, "started", False), (1, "ended", False), (2, kind.lower(), True)),
    ]
    assert kept[2].body["eventType"] == kind


async def test_quirk_36_a_refused_start_ends_nothing(yard: Yard) -> None:
    name, wire = await yard.station()
    number = await begun(yard, wire)
    told = await wire.call("StartTransaction", start("nobody-knows", yard.at(-30)))
    assert told["idTagInfo"]["status"] == "Invalid"
    assert told["transactionId"] != number
    live = [s for s in await yard.sessions(name) if s.standing is Standing.ACCEPTED]
    assert [s.state for s in live] == [SessionState.ACTIVE]
    await wire.call("StopTransaction", stop(told["transactionId"], yard.at(), 0))
    await wire.call("StopTransaction", stop(number, yard.at(), 70))
    assert [s.progress.energy_wh for s in await yard.sessions(name)] == [70, 0]


async def test_an_accepted_start_ends_what_ran_before_it_there(yard: Yard) -> None:
    name, wire = await yard.station()
    number = await begun(yard, wire)
    await wire.call("MeterValues", meter(yard.at(-40), 30, number))
    other = await begun(yard, wire, connector=2)
    await begun(yard, wire, at_s=-20, wh=30)
    first, second, third = await yard.sessions(name)
    assert (first.state, first.progress.energy_wh) == (SessionState.ENDED, 30)
    assert first.progress.flags == (Flag.STOP_MISSING,)
    assert (second.transaction, second.state) == (str(other), SessionState.ACTIVE)
    assert third.state is SessionState.ACTIVE
    # Its stop comes after all, and corrects what had to be guessed.
    await wire.call("StopTransaction", stop(number, yard.at(-30), 35))
    corrected = (await yard.sessions(name))[0]
    assert (corrected.progress.energy_wh, corrected.progress.flags) == (35, ())
    # From then on it is as any other that has ended.
    await wire.call("StopTransaction", stop(number, yard.at(-29), 99))
    assert (await yard.sessions(name))[0] == corrected
