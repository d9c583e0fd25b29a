"""The driver's page against a running house and a station: from the code to the receipt."""

import asyncio
import itertools
import json
import re
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest

from forecourt.base.ids import StationId
from forecourt.domain.access import TokenStatus
from forecourt.domain.drivers import Label, PageSettings
from forecourt.edge.http.driver.pace import BURST
from forecourt.edge.http.throttle import FREE
from tests.edge.ocpp.house import IN_THE_HOUSE, Yard, until
from tests.edge.ocpp.wire import Wire

pytestmark = [IN_THE_HOUSE, pytest.mark.storage]

SMALL = 50_000
_addresses = itertools.count(10)


def phone_of(yard: Yard, **headers: str) -> httpx.AsyncClient:
    """Somebody without a log-in, from an address that nobody has counted yet."""
    local = httpx.AsyncHTTPTransport(local_address=f"127.0.0.{next(_addresses)}")
    url = yard.house.http_url
    return httpx.AsyncClient(base_url=url, transport=local, timeout=20, headers=headers)


@pytest.fixture
async def phone(yard: Yard) -> AsyncGenerator[httpx.AsyncClient]:
    async with phone_of(yard) as client:
        yield client


async def outlet(yard: Yard, version: str = "2.0.1") -> tuple[StationId, Wire, str]:
    """A station with a free outlet, and the code on it; drivers may start."""
    name, wire = await yard.station(version)
    if version == "1.6":
        free = {"connectorId": 1, "status": "Available", "errorCode": "NoError"}
    else:
        free = {"evseId": 1, "connectorId": 1, "connectorStatus": "Available"}
        free["timestamp"] = yard.at()
    await wire.call("StatusNotification", free)
    (code,) = await yard.rooms.drivers.make_codes(yard.ctx, name)
    await yard.rooms.drivers.set_settings(yard.ctx, PageSettings(may_start=True))
    return name, wire, code.code


def event(yard: Yard, kind: str, seq: int, wh: int, card: str, **more: Any) -> dict[str, Any]:
    samples: list[dict[str, Any]] = [{"value": wh}]
    if kind != "Started":
        samples.append({"value": 7360.0, "measurand": "Power.Active.Import"})
        samples.append({"value": 44.0, "measurand": "SoC"})
    return {
        "eventType": kind,
        "timestamp": yard.at(),
        "triggerReason": "RemoteStart" if kind == "Started" else "MeterValuePeriodic",
        "seqNo": seq,
        "transactionInfo": {"transactionId": f"tx-{card}", "chargingState": "Charging"},
        "evse": {"id": 1, "connectorId": 1},
        "idToken": {"idToken": card, "type": "ISO14443"},
        "meterValue": [{"timestamp": yard.at(), "sampledValue": samples}],
        **more,
    }


async def started(phone: httpx.AsyncClient, wire: Wire, code: str, card: str) -> httpx.Response:
    """The answer to the form, while the station agrees."""
    asking = asyncio.ensure_future(phone.post(f"/c/{code}/start", data={"card": card}))
    asked, payload = await wire.asked("RequestStartTransaction")
    assert payload["idToken"] == {"idToken": card, "type": "ISO14443"}
    assert payload["evseId"] == 1
    wire.answer(asked, {"status": "Accepted"})
    return await asking


async def test_a_driver_charges_from_the_code_to_the_receipt(
    yard: Yard, phone: httpx.AsyncClient
) -> None:
    name, wire, code = await outlet(yard)
    label = Label(connector_type="CCS2", power_w_max=150_000)
    await yard.rooms.drivers.change_code(yard.ctx, name, code, label=label, renew=False)
    card = await yard.token()
    page = await phone.get(f"/c/{code[:5].lower()}-{code[5:]}")
    assert (page.status_code, len(page.content) < SMALL) == (200, True)
    for seen in ("Free", "CCS2", "up to 150 kW", "price not published", "Start charging"):
        assert seen in page.text, seen
    assert name not in page.text, "a station's identity is nobody's business"
    answer = await started(phone, wire, code, card)
    assert answer.status_code == 303
    link = answer.headers["location"]
    assert re.fullmatch(rf"/c/{code}/s/[\w-]{{22}}", link)
    assert "plug in now" in (await phone.get(link)).text

    async with phone.stream("GET", f"{link}/live") as stream:
        lines = stream.aiter_lines()
        assert (await state(lines))["stage"] == "waiting"
        await wire.call("TransactionEvent", event(yard, "Started", 0, 10_000, card))
        assert (await state(lines))["stage"] == "charging"
    await wire.call("TransactionEvent", event(yard, "Updated", 1, 12_500, card))
    live = await phone.get(link)
    for seen in ("2.500 kWh", "7.4 kW", "44 %", "Stop charging"):
        assert seen in live.text, seen

    stopping = asyncio.ensure_future(phone.post(f"{link}/stop"))
    asked, payload = await wire.asked("RequestStopTransaction")
    assert payload["transactionId"] == f"tx-{card}"
    wire.answer(asked, {"status": "Accepted"})
    assert (await stopping).headers["location"] == link
    signed = {"signedMeterData": "T0NNRnw=", "signingMethod": "", "encodingMethod": "OCMF"}
    signed["publicKey"] = ""
    last = event(yard, "Ended", 2, 13_000, card)
    last["meterValue"][0]["sampledValue"][0]["signedMeterValue"] = signed
    await wire.call("TransactionEvent", last)
    receipt = (await phone.get(link, headers={"Accept-Language": "de-DE,de;q=0.9"})).text
    for seen in ("Beleg", "3,000 kWh", "Preis nicht veröffentlicht", "1 aufbewahrt", "ses_"):
        assert seen in receipt, seen
    assert "nicht geprüft" in receipt, "no check is claimed that is not made"


async def state(lines: Any) -> dict[str, str]:
    """The next figures of the stream."""
    async with asyncio.timeout(20):
        async for line in lines:
            if line.startswith("data: "):
                return dict(json.loads(line.removeprefix("data: ")))
    raise AssertionError("the stream ended")


async def test_a_16_station_is_started_and_found(yard: Yard, phone: httpx.AsyncClient) -> None:
    _, wire, code = await outlet(yard, "1.6")
    card = await yard.token()
    asking = asyncio.ensure_future(phone.post(f"/c/{code}/start", data={"card": card}))
    asked, payload = await wire.asked("RemoteStartTransaction")
    assert payload == {"idTag": card, "connectorId": 1}
    wire.answer(asked, {"status": "Accepted"})
    link = (await asking).headers["location"]
    start = {"connectorId": 1, "idTag": card, "meterStart": 5, "timestamp": yard.at()}
    await wire.call("StartTransaction", start)
    assert "Stop charging" in (await phone.get(link)).text


async def test_nobody_sees_anything_of_another_s_session(
    yard: Yard, phone: httpx.AsyncClient
) -> None:
    _, wire, code = await outlet(yard)
    mine, theirs = await yard.token(), await yard.token()
    await wire.call("TransactionEvent", event(yard, "Started", 0, 10_000, theirs))
    await wire.call("TransactionEvent", event(yard, "Updated", 1, 77_700, theirs))
    page = (await phone.get(f"/c/{code}")).text
    assert "In use" in page
    for secret in (theirs, "67.7", "7.4", "44 %", "ses_"):
        assert secret not in page, secret
    refused = await phone.post(f"/c/{code}/start", data={"card": mine})
    assert (refused.status_code, "Somebody else charges here" in refused.text) == (409, True)
    # Whose card it is is led to the session that runs, and no station is asked.
    own = await phone.post(f"/c/{code}/start", data={"card": theirs})
    assert "67.700 kWh" in (await phone.get(own.headers["location"])).text
    forged = own.headers["location"][:-4] + "AAAA"
    assert (await phone.get(forged)).status_code == 404
    _, _, elsewhere = await outlet(yard)
    moved = own.headers["location"].replace(code, elsewhere)
    assert (await phone.get(moved)).status_code == 404, "a link is good at its own code"


async def test_refusals_are_in_plain_words_and_tell_no_cards(yard: Yard) -> None:
    name, wire, code = await outlet(yard)
    blocked = await yard.token()
    await yard.rooms.access.change(yard.ctx, blocked, status=TokenStatus.BLOCKED)
    async with phone_of(yard, **{"Accept-Language": "de"}) as phone:
        texts = [
            (await phone.post(f"/c/{code}/start", data={"card": card})).text.replace(card, "")
            for card in (blocked, "NO-SUCH-CARD")
        ]
        assert texts[0] == texts[1], "whether a number exists is nobody's business"
        assert "darf hier nicht laden" in texts[0]
    card = await yard.token()
    async with phone_of(yard) as phone:
        asking = asyncio.ensure_future(phone.post(f"/c/{code}/start", data={"card": card}))
        asked, _ = await wire.asked("RequestStartTransaction")
        wire.answer(asked, {"status": "Rejected"})
        assert "The station did not agree" in (await asking).text
        await yard.rooms.drivers.set_settings(yard.ctx, PageSettings(may_start=False))
        off = await phone.post(f"/c/{code}/start", data={"card": card})
        assert (off.status_code, "does not offer" in off.text) == (403, True)
        assert "<form" not in (await phone.get(f"/c/{code}")).text
        await yard.rooms.drivers.set_settings(yard.ctx, PageSettings(may_start=True))
        await wire.close()
        await until(lambda: yard.gateway._links.get(name) is None)
        async with asyncio.timeout(20):
            while "Not reachable" not in (await phone.get(f"/c/{code}")).text:  # noqa: ASYNC110 (asks)
                await asyncio.sleep(1)
        away = await phone.post(f"/c/{code}/start", data={"card": card})
        assert away.status_code in {409, 503}


async def test_who_guesses_must_wait(yard: Yard) -> None:
    _, _, code = await outlet(yard)
    async with phone_of(yard) as phone:
        for _ in range(FREE):
            assert (await phone.get("/c/AAAAAAAAAA")).status_code == 404
        slow = await phone.get(f"/c/{code}")
        slower = await phone.get(f"/c/{code}")
        assert 429 in {slow.status_code, slower.status_code}
    async with phone_of(yard) as phone:
        answers = [(await phone.get(f"/c/{code}")).status_code for _ in range(int(BURST) + 10)]
        assert (answers[0], answers[-1]) == (200, 429)


async def test_what_is_typed_can_do_nothing(yard: Yard, phone: httpx.AsyncClient) -> None:
    _, _, code = await outlet(yard)
    for card in ('"><script>alert(1)</script>', "'; DROP TABLE tokens;--", "\x00", "x" * 256, ""):
        answer = await phone.post(f"/c/{code}/start", data={"card": card})
        assert answer.status_code in {400, 403}, card
        assert "<script>alert" not in answer.text
    page = await phone.get(f"/c/{code}")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["referrer-policy"] == "no-referrer", "a secret link is told to nobody"
    for typed in ("0", "A" * 11, "%00" * 10, "..%2f..%2fetc"):
        assert (await phone.get(f"/c/{typed}")).status_code in {400, 404, 429}


async def test_codes_are_made_changed_and_voided_by_operators(yard: Yard) -> None:
    name, _, code = await outlet(yard)
    key = (await yard.rooms.tenants.add_key(yard.ctx, "operator")).secret
    async with phone_of(yard, Authorization=f"Bearer {key}") as client:
        path = f"/api/v1/stations/{name}/codes"
        before = (await client.get(path)).json()
        assert [one["code"] for one in before["items"]] == [code]
        assert {"id": "CCS2"}.items() <= next(
            one for one in before["connector_types"] if one["id"] == "CCS2"
        ).items()
        again = (await client.post(path)).json()
        assert again["items"] == before["items"], "those that have a code keep it"
        wrong = await client.patch(f"{path}/{code}", json={"connector_type": "NO_SUCH"})
        assert wrong.status_code == 404
        new = (await client.patch(f"{path}/{code}", json={"renew": True})).json()["code"]
        assert new != code
        assert (await client.get(f"/c/{code}")).status_code == 404
        assert (await client.get(f"/c/{new}")).status_code == 200
        off = await client.patch("/api/v1/driver-page", json={"may_start": False})
        assert (
            off.json() == {"may_start": False} == (await client.get("/api/v1/driver-page")).json()
        )
