"""Sessions in every order that the specifications allow, and tokens of every standing."""

from datetime import timedelta
from typing import Any

import pytest

from forecourt.domain.access import Standing, TokenStatus
from forecourt.domain.sessions import Flag, Session, SessionState
from tests.edge.ocpp.house import IN_THE_HOUSE, Yard
from tests.edge.ocpp.says import event, meter, sampled, start, status, stop
from tests.edge.ocpp.wire import Wire

pytestmark = [IN_THE_HOUSE, pytest.mark.storage]

both = pytest.mark.parametrize("version", ["2.0.1", "2.1"])

# A day at an EVSE in 2.x (E01 to E07): (kind, trigger, seconds ago, more). The first event of a
# transaction depends on TxStartPoint, the last on TxStopPoint.
ORDERS: dict[str, list[tuple[str, str, int, dict[str, Any]]]] = {
    "cable first": [
        ("Started", "CablePluggedIn", 50, {"evse": 1}),
        ("Updated", "Authorized", 40, {"token": "CARD"}),
        ("Updated", "ChargingStateChanged", 30, {"info": {"chargingState": "Charging"}}),
        ("Updated", "StopAuthorized", 20, {"token": "CARD"}),
        ("Ended", "EVCommunicationLost", 0, {}),
    ],
    "card first": [
        ("Started", "Authorized", 50, {"token": "CARD"}),
        ("Updated", "CablePluggedIn", 40, {"evse": 1}),
        ("Updated", "ChargingStateChanged", 30, {"info": {"chargingState": "Charging"}}),
        ("Ended", "StopAuthorized", 0, {"token": "CARD"}),
    ],
    "parking bay first": [
        ("Started", "EVDetected", 50, {"evse": 1}),
        ("Updated", "CablePluggedIn", 45, {}),
        ("Updated", "Authorized", 40, {"token": "CARD"}),
        ("Updated", "ChargingStateChanged", 30, {"info": {"chargingState": "SuspendedEV"}}),
        ("Updated", "ChargingStateChanged", 20, {"info": {"chargingState": "Charging"}}),
        ("Updated", "EVConnectTimeout", 10, {"info": {"chargingState": "Idle"}}),
        ("Ended", "EVDeparted", 0, {}),
    ],
    "power first": [
        (
            "Started",
            "ChargingStateChanged",
            50,
            {"evse": 1, "token": "CARD", "info": {"chargingState": "Charging"}},
        ),
        ("Ended", "ChargingStateChanged", 0, {"info": {"stoppedReason": "EVDisconnected"}}),
    ],
    "all in one offline report": [
        ("Started", "Authorized", 50, {"evse": 1, "token": "CARD", "offline": True}),
        ("Ended", "StopAuthorized", 0, {"token": "CARD", "offline": True}),
    ],
}


@both
@pytest.mark.parametrize("order", ORDERS)
async def test_2x_transactions_begin_and_end_where_the_station_is_set_to(
    yard: Yard, version: str, order: str
) -> None:
    name, wire = await yard.station(version)
    card = await yard.token()
    wh = 1_000
    for seq_no, (kind, trigger, ago_s, more) in enumerate(ORDERS[order]):
        content = {**more, "triggerReason": trigger}
        if "token" in content:
            content["token"] = card
        body = event(kind, "tx", seq_no, yard.at(-ago_s), wh, **content)
        told = await wire.call("TransactionEvent", body)
        if "token" in content:
            assert told["idTokenInfo"]["status"] == "Accepted"
        else:
            assert told == {}
        wh += 100
    session = await yard.session(name)
    assert session.state is SessionState.ENDED
    assert (session.evse_no, session.connector_no) == (1, 1)
    assert (session.token, session.standing) == (card, Standing.ACCEPTED)
    assert session.progress.energy_wh == 100 * (len(ORDERS[order]) - 1)
    assert session.progress.flags == ()
    assert session.offline is ("offline" in order)


@both
async def test_2x_two_evses_charge_side_by_side(yard: Yard, version: str) -> None:
    name, wire = await yard.station(version)
    for evse in (1, 2):
        at = yard.at(-50 + evse)
        await wire.call("TransactionEvent", event("Started", f"t{evse}", 0, at, 0, evse=evse))
    for evse in (1, 2):
        at = yard.at(-30 + evse)
        await wire.call("TransactionEvent", event("Updated", f"t{evse}", 1, at, evse * 100))
    await wire.call("TransactionEvent", event("Ended", "t1", 2, yard.at(), 150))
    one, two = await yard.sessions(name)
    assert (one.state, one.progress.energy_wh) == (SessionState.ENDED, 150)
    assert (two.state, two.progress.energy_wh) == (SessionState.ACTIVE, 200)


@both
async def test_2x_meter_values_outside_of_transactions(yard: Yard, version: str) -> None:
    name, wire = await yard.station(version)
    signed = {
        "signedMeterData": "T0NNRnx7fQ==",
        "signingMethod": "",
        "encodingMethod": "OCMF",
        "publicKey": "",
    }
    sample = {"value": 1.5, "unitOfMeasure": {"unit": "kWh"}, "signedMeterValue": signed}
    value = {"timestamp": yard.at(), "sampledValue": [sample]}
    assert await wire.call("MeterValues", {"evseId": 1, "meterValue": [value]}) == {}
    (reading,) = await yard.readings(name)
    assert (reading["energy_wh"], reading["session_id"]) == (1_500, None)
    assert "T0NNRnx7fQ==" in reading["samples"], "what is signed is kept as it came"


async def test_16_meter_values_of_all_kinds(yard: Yard) -> None:
    name, wire = await yard.station()
    number = (await wire.call("StartTransaction", start(await yard.token(), yard.at(-60))))[
        "transactionId"
    ]
    phases = [
        {"value": v, "measurand": "Power.Active.Import", "phase": p, "unit": "kW"}
        for p, v in (("L1", "1.5"), ("L2", "2.5"), ("L3", "3"))
    ]
    samples = [
        {"value": "1.25", "unit": "kWh", "context": "Sample.Clock"},
        *phases,
        {"value": "55.5", "measurand": "SoC", "unit": "Percent"},
        {"value": "99", "measurand": "Energy.Active.Import.Register", "location": "Inlet"},
        {"value": "16", "measurand": "Current.Import", "phase": "L1", "unit": "A"},
        {"value": "T0NNRg==", "format": "SignedData", "context": "Transaction.Begin"},
    ]
    values = [{"timestamp": yard.at(-30), "sampledValue": samples}]
    body = {"connectorId": 1, "transactionId": number, "meterValue": values}
    assert await wire.call("MeterValues", body) == {}
    (reading,) = await yard.readings(name)
    assert (reading["energy_wh"], reading["power_w"], reading["soc_pct"]) == (1_250, 7_000, 55.5)
    assert "T0NNRg==" in reading["samples"]
    session = await yard.session(name)
    assert (session.progress.power_w, session.progress.soc_pct) == (7_000, 55.5)


@pytest.mark.parametrize("said", ["before", "after", "never"])
async def test_16_states_may_come_before_or_after_their_transaction(yard: Yard, said: str) -> None:
    name, wire = await yard.station()
    card = await yard.token()
    if said == "before":
        await wire.call("StatusNotification", status(1, "Charging"))
    begun = await wire.call("StartTransaction", start(card, yard.at(-60), 5))
    if said == "after":
        await wire.call("StatusNotification", status(1, "Charging"))
    await wire.call("StopTransaction", stop(begun["transactionId"], yard.at(), 45))
    assert (await yard.session(name)).progress.energy_wh == 40


async def test_16_values_in_the_stop_alone(yard: Yard) -> None:
    name, wire = await yard.station()
    begun = await wire.call("StartTransaction", start(await yard.token(), yard.at(-60), 0))
    data = [
        sampled(yard.at(-60), 0, context="Transaction.Begin"),
        sampled(yard.at(), 90, context="Transaction.End"),
    ]
    end = stop(begun["transactionId"], yard.at(), 90, transactionData=data, reason="EVDisconnected")
    assert await wire.call("StopTransaction", end) == {}
    session = await yard.session(name)
    assert (session.progress.energy_wh, session.stop_reason) == (90, "EVDisconnected")
    assert len(await yard.readings(name)) == 2


async def test_16_a_session_outlives_the_connection(yard: Yard) -> None:
    name, wire = await yard.station()
    begun = await wire.call("StartTransaction", start(await yard.token(), yard.at(-60), 0))
    number = begun["transactionId"]
    await wire.call("MeterValues", meter(yard.at(-50), 10, number))
    await wire.close(None)
    wire = await yard.connect(name)
    await wire.call("MeterValues", meter(yard.at(-40), 20, number))
    assert (await yard.session(name)).progress.energy_wh == 20
    await yard.boot(wire)
    await wire.call("StopTransaction", stop(number, yard.at(), 30, reason="PowerLoss"))
    session = await yard.session(name)
    assert (session.progress.energy_wh, session.stop_reason) == (30, "PowerLoss")


# ---- tokens -----------------------------------------------------------------------------------


async def make(yard: Yard, standing: str) -> str:
    """A token of this standing."""
    match standing:
        case "blocked":
            return await yard.token(status=TokenStatus.BLOCKED)
        case "expired":
            return await yard.token(valid_until=yard.clock.now() - timedelta(seconds=1))
        case "unknown":
            return "STRANGER"
        case "group":
            return await yard.token(group="FLEET", valid_until=yard.clock.now() + timedelta(1))
        case _:
            return await yard.token()


STANDINGS = [
    ("accepted", "Accepted", "Accepted", Standing.ACCEPTED),
    ("group", "Accepted", "Accepted", Standing.ACCEPTED),
    ("blocked", "Blocked", "Blocked", Standing.BLOCKED),
    ("expired", "Expired", "Expired", Standing.EXPIRED),
    ("unknown", "Invalid", "Unknown", Standing.UNKNOWN),
]


@pytest.mark.parametrize(("standing", "word", "_word_2x", "kept"), STANDINGS)
async def test_16_standings(
    yard: Yard, standing: str, word: str, _word_2x: str, kept: Standing
) -> None:
    name, wire = await yard.station()
    card = await make(yard, standing)
    info = (await wire.call("Authorize", {"idTag": card.lower()}))["idTagInfo"]
    assert info["status"] == word
    begun = await wire.call("StartTransaction", start(card, yard.at(-60), 0))
    assert begun["idTagInfo"] == info
    assert begun["transactionId"] > 0, "a refused start has a number too (1.6 4.8)"
    end = stop(begun["transactionId"], yard.at(), 10, idTag=card)
    assert (await wire.call("StopTransaction", end))["idTagInfo"] == info
    session = await yard.session(name)
    assert (session.standing, session.state) == (kept, SessionState.ENDED)
    assert (Flag.UNAUTHORIZED in session.progress.flags) is (kept is not Standing.ACCEPTED)
    if standing == "group":
        assert info["parentIdTag"] == session.group == "FLEET"
        assert info["expiryDate"] > yard.at()


@both
@pytest.mark.parametrize(("standing", "_word_16", "word", "kept"), STANDINGS)
async def test_2x_standings(
    yard: Yard, version: str, standing: str, _word_16: str, word: str, kept: Standing
) -> None:
    name, wire = await yard.station(version)
    card = await make(yard, standing)
    token = {"idToken": card, "type": "ISO14443"}
    info = (await wire.call("Authorize", {"idToken": token}))["idTokenInfo"]
    assert info["status"] == word
    body = event("Started", "tx", 0, yard.at(-60), 0, evse=1, token=card)
    assert (await wire.call("TransactionEvent", body))["idTokenInfo"] == info
    await wire.call("TransactionEvent", event("Ended", "tx", 1, yard.at(), 10))
    session = await yard.session(name)
    assert (session.standing, session.token) == (kept, card)
    assert (Flag.UNAUTHORIZED in session.progress.flags) is (kept is not Standing.ACCEPTED)
    if standing == "group":
        assert info["groupIdToken"]["idToken"] == "FLEET"


async def starts(
    yard: Yard, wire: Wire, version: str, card: str, name: str = "", *, evse: int = 1
) -> str:
    """How the start of a transaction with this card is answered."""
    if version == "1.6":
        told = await wire.call("StartTransaction", start(card, yard.at(-60), connector=evse))
        return str(told["idTagInfo"]["status"])
    body = event("Started", name, 0, yard.at(-60), 0, evse=evse, token=card)
    told = await wire.call("TransactionEvent", body)
    return str(told["idTokenInfo"]["status"])


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
async def test_a_card_charges_at_one_place_at_once(yard: Yard, version: str) -> None:
    (one, first), (two, second) = await yard.station(version), await yard.station("1.6")
    card = await yard.token()
    assert await starts(yard, first, version, card, "here") == "Accepted"
    assert await starts(yard, first, version, card, "beside", evse=2) == "ConcurrentTx"
    assert await starts(yard, second, "1.6", card.lower()) == "ConcurrentTx"
    here, _ = await yard.sessions(one)
    assert (here.standing, here.state) == (Standing.ACCEPTED, SessionState.ACTIVE)
    assert (await yard.session(two)).standing is Standing.CONCURRENT
    authorized = await second.call("Authorize", {"idTag": card})
    assert authorized["idTagInfo"]["status"] == "Accepted", "only a start is counted"


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
async def test_a_card_is_not_locked_out_by_a_stop_that_was_lost(yard: Yard, version: str) -> None:
    name, wire = await yard.station(version)
    card = await yard.token()
    assert await starts(yard, wire, version, card, "lost") == "Accepted"
    assert await starts(yard, wire, version, card, "next") == "Accepted"
    lost, running = await yard.sessions(name)
    assert (lost.state, lost.progress.flags) == (SessionState.ENDED, (Flag.STOP_MISSING,))
    assert running.state is SessionState.ACTIVE


async def test_a_fleet_card_charges_as_often_as_it_may(yard: Yard) -> None:
    card = await yard.token(sessions_max=2)
    told = []
    for _ in range(3):
        _, wire = await yard.station()
        told.append(await starts(yard, wire, "1.6", card))
    assert told == ["Accepted", "Accepted", "ConcurrentTx"]


@both
async def test_2x_another_card_of_the_group_stops_a_session(yard: Yard, version: str) -> None:
    name, wire = await yard.station(version)
    mine, other = await yard.token(group="G1"), await yard.token(group="G1")
    body = event("Started", "tx", 0, yard.at(-60), 0, evse=1, token=mine)
    assert (await wire.call("TransactionEvent", body))["idTokenInfo"]["status"] == "Accepted"
    body = event("Ended", "tx", 1, yard.at(), 20, token=other, triggerReason="StopAuthorized")
    told = (await wire.call("TransactionEvent", body))["idTokenInfo"]
    assert (told["status"], told["groupIdToken"]["idToken"]) == ("Accepted", "G1")
    session: Session = await yard.session(name)
    assert (session.token, session.standing) == (mine, Standing.ACCEPTED)


@both
async def test_2x_nobody_asked_for_a_card(yard: Yard, version: str) -> None:
    name, wire = await yard.station(version)
    body = event("Started", "tx", 0, yard.at(-60), 0, evse=1)
    token = {"idToken": "", "type": "NoAuthorization"}
    told = await wire.call("TransactionEvent", {**body, "idToken": token})
    assert told["idTokenInfo"]["status"] == "Accepted"
    assert (await yard.session(name)).progress.flags == ()


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
async def test_a_card_that_is_blocked_meanwhile(yard: Yard, version: str) -> None:
    _, wire = await yard.station(version)
    card = await yard.token()
    await yard.rooms.access.change(yard.ctx, card, status=TokenStatus.BLOCKED)
    assert await starts(yard, wire, version, card, "tx") == "Blocked"


async def test_the_days_energy_has_what_no_record_holds_yet(yard: Yard) -> None:
    """A running session's record lags by minutes; its readings do not."""
    _, wire = await yard.station()
    card = await yard.token()
    midnight = yard.ctx.now - timedelta(hours=1)
    before = await yard.rooms.sessions.since(yard.ctx, midnight)
    number = (await wire.call("StartTransaction", start(card, yard.at(-60), 1_000)))[
        "transactionId"
    ]
    for ago_s, wh in ((-40, 1_500), (-20, 4_200)):
        await wire.call("MeterValues", meter(yard.at(ago_s), wh, number))
    [row] = await yard.rows("SELECT energy_wh FROM sessions WHERE transaction = $1", str(number))
    assert row["energy_wh"] == 0, "else this tests nothing"
    during = await yard.rooms.sessions.since(yard.ctx, midnight)
    await wire.call("StopTransaction", stop(number, yard.at(), 5_000))
    after = await yard.rooms.sessions.since(yard.ctx, midnight)
    assert during["sessions"] - before["sessions"] == 1
    assert during["energy_wh"] - before["energy_wh"] == 3_200
    assert after["energy_wh"] - before["energy_wh"] == 4_000
