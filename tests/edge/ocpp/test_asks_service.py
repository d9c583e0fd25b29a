"""Commands about drivers and files: what each version's station hears."""

import asyncio
from datetime import UTC, datetime
from typing import Final

import pytest

from forecourt.domain.stations import (
    CancelReservation,
    ClearDisplayMessage,
    CustomerInformation,
    DisplayText,
    GetDisplayMessages,
    GetLocalListVersion,
    GetLog,
    ListEntry,
    LocalListVersion,
    LogFile,
    Outcome,
    PublishFirmware,
    Reserve,
    SendLocalList,
    SetDisplayMessage,
    UnpublishFirmware,
    UpdateFirmware,
    Variable,
)
from tests.edge.ocpp.asked import (
    MOMENT,
    NUMBER,
    Case,
    Said,
    check,
    converse,
    every,
    heard,
    in_2x,
    in_16,
    in_21,
    in_all,
    knows,
    put,
    quiet,
)
from tests.edge.ocpp.house import IN_THE_HOUSE, Yard

pytestmark = IN_THE_HOUSE

NOON: Final = datetime(2026, 12, 1, 12, tzinfo=UTC)
NOON_SAID: Final = "2026-12-01T12:00:00Z"
CARD: Final = {"idToken": "CARD", "type": "ISO14443"}

DRIVERS: Final = [
    Case(
        Reserve(
            token="CARD", token_type="ISO14443", expires_at=NOON, evse=1, group="G", reservation=5
        ),
        in_16(
            Said(
                "ReserveNow",
                {
                    "connectorId": 1,
                    "expiryDate": NOON_SAID,
                    "idTag": "CARD",
                    "parentIdTag": "G",
                    "reservationId": 5,
                },
                {"status": "Occupied"},
            )
        )
        | in_2x(
            Said(
                "ReserveNow",
                {
                    "id": 5,
                    "expiryDateTime": NOON_SAID,
                    "idToken": CARD,
                    "groupIdToken": {"idToken": "G", "type": "Central"},
                    "evseId": 1,
                },
                {"status": "Occupied"},
            )
        ),
        outcome=Outcome.REJECTED,
    ),
    Case(
        Reserve(token="CARD", token_type="ISO14443", expires_at=NOON, connector_type="cCCS2"),
        in_2x(
            Said(
                "ReserveNow",
                {
                    "id": NUMBER,
                    "expiryDateTime": NOON_SAID,
                    "idToken": CARD,
                    "connectorType": "cCCS2",
                },
            )
        ),
    ),
    Case(CancelReservation(reservation=5), in_all(Said("CancelReservation", {"reservationId": 5}))),
    Case(
        GetLocalListVersion(),
        in_16(Said("GetLocalListVersion", {}, {"listVersion": 3}))
        | in_2x(Said("GetLocalListVersion", {}, {"versionNumber": 3})),
        details=LocalListVersion(version=3),
    ),
    Case(
        SendLocalList(
            version=4,
            mode="differential",
            entries=(
                ListEntry(token="CARD", expires_at=NOON, group="G"),
                ListEntry(token="OLD", standing="remove"),
            ),
        ),
        in_16(
            Said(
                "SendLocalList",
                {
                    "listVersion": 4,
                    "updateType": "Differential",
                    "localAuthorizationList": [
                        {
                            "idTag": "CARD",
                            "idTagInfo": {
                                "status": "Accepted",
                                "expiryDate": NOON_SAID,
                                "parentIdTag": "G",
                            },
                        },
                        {"idTag": "OLD"},
                    ],
                },
                {"status": "VersionMismatch"},
            )
        )
        | in_2x(
            Said(
                "SendLocalList",
                {
                    "versionNumber": 4,
                    "updateType": "Differential",
                    "localAuthorizationList": [
                        {
                            "idToken": CARD,
                            "idTokenInfo": {
                                "status": "Accepted",
                                "cacheExpiryDateTime": NOON_SAID,
                                "groupIdToken": {"idToken": "G", "type": "Central"},
                            },
                        },
                        {"idToken": {"idToken": "OLD", "type": "ISO14443"}},
                    ],
                },
                {"status": "VersionMismatch"},
            )
        ),
        outcome=Outcome.REJECTED,
    ),
    Case(
        SendLocalList(version=1),
        in_16(Said("SendLocalList", {"listVersion": 1, "updateType": "Full"}))
        | in_2x(Said("SendLocalList", {"versionNumber": 1, "updateType": "Full"})),
    ),
    Case(SendLocalList(version=1, entries=(ListEntry(token="X", standing="remove"),)), {}),
    Case(
        SetDisplayMessage(
            id=9,
            message=DisplayText(content="Closed at ten", language="en"),
            priority="always_front",
            state="idle",
            end_at=NOON,
        ),
        in_2x(
            Said(
                "SetDisplayMessage",
                {
                    "message": {
                        "id": 9,
                        "priority": "AlwaysFront",
                        "message": {
                            "content": "Closed at ten",
                            "format": "UTF8",
                            "language": "en",
                        },
                        "state": "Idle",
                        "endDateTime": NOON_SAID,
                    }
                },
                {"status": "NotSupportedPriority"},
            )
        ),
        outcome=Outcome.REJECTED,
    ),
    Case(
        SetDisplayMessage(
            id=9,
            message=DisplayText(content="https://pay.example/1", format="QRCODE"),
            translations=(DisplayText(content="Bezahlen", language="de"),),
        ),
        in_21(
            Said(
                "SetDisplayMessage",
                {
                    "message": {
                        "id": 9,
                        "priority": "NormalCycle",
                        "message": {"content": "https://pay.example/1", "format": "QRCODE"},
                        "messageExtra": [
                            {"content": "Bezahlen", "format": "UTF8", "language": "de"}
                        ],
                    }
                },
            )
        ),
    ),
    Case(
        GetDisplayMessages(ids=(9,), priority="in_front"),
        in_2x(
            Said(
                "GetDisplayMessages",
                {"requestId": NUMBER, "id": [9], "priority": "InFront"},
                {"status": "Unknown"},
            )
        ),
        outcome=Outcome.NOTHING,
    ),
    Case(ClearDisplayMessage(id=9), in_2x(Said("ClearDisplayMessage", {"id": 9}))),
    Case(
        CustomerInformation(token="CARD", token_type="ISO14443", clear=True),
        in_2x(
            Said(
                "CustomerInformation",
                {"requestId": NUMBER, "report": True, "clear": True, "idToken": CARD},
            )
        ),
    ),
    Case(CustomerInformation(), {}),
]


@pytest.mark.storage
@every(DRIVERS)
async def test_driver_commands(yard: Yard, case: Case, version: str) -> None:
    await check(yard, case, version)


async def test_a_list_in_parts(yard: Yard) -> None:
    """As many messages as the station takes tokens at once, each with a version of its own."""
    entries = tuple(ListEntry(token=f"T{n}") for n in range(5))
    for version, limit, numbered, listed in (
        (
            "1.6",
            Variable(component="", variable="SendLocalListMaxLength", value="2"),
            "listVersion",
            lambda n: {"idTag": f"T{n}", "idTagInfo": {"status": "Accepted"}},
        ),
        (
            "2.0.1",
            Variable(component="LocalAuthListCtrlr", variable="ItemsPerMessage", value="2"),
            "versionNumber",
            lambda n: {
                "idToken": {"idToken": f"T{n}", "type": "ISO14443"},
                "idTokenInfo": {"status": "Accepted"},
            },
        ),
    ):
        name, wire = await yard.station(version)
        await knows(yard, name, limit)
        parts = [
            Said(
                "SendLocalList",
                {
                    numbered: 8 + n,
                    "updateType": "Differential" if n else "Full",
                    "localAuthorizationList": [listed(i) for i in range(2 * n, min(2 * n + 2, 5))],
                },
            )
            for n in range(3)
        ]
        command = SendLocalList(version=10, entries=entries)
        answer = await converse(yard, name, wire, command, parts, version)
        assert answer.outcome is Outcome.ACCEPTED
        # The first no ends it: what would follow builds on it.
        refused = Said(parts[0].action, parts[0].payload, {"status": "Failed"})
        answer = await converse(yard, name, wire, command, [refused], version)
        assert answer.outcome is Outcome.REJECTED
        early = await put(yard, name, SendLocalList(version=2, entries=entries))
        assert early.outcome is Outcome.UNSUPPORTED


async def test_a_station_that_goes_away_between_two_parts(yard: Yard) -> None:
    """At once, not after a time-out; what was not sent is not sent to the next connection."""
    name, wire = await yard.station("1.6")
    await knows(yard, name, Variable(component="", variable="SendLocalListMaxLength", value="1"))
    entries = (ListEntry(token="A"), ListEntry(token="B"), ListEntry(token="C"))
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        told = tasks.create_task(put(yard, name, SendLocalList(version=3, entries=entries)))
        message_id, _, payload = await heard(wire)
        assert payload["listVersion"] == 1
        wire.answer(message_id, {"status": "Accepted"})
        _, _, payload = await heard(wire)
        assert payload["listVersion"] == 2
        await wire.close(None)
    assert told.result().outcome is Outcome.DISCONNECTED
    again = await yard.connect(name)
    await yard.boot(again)
    assert await quiet(again, 0.2)


async def test_more_than_a_list_holds(yard: Yard) -> None:
    name, wire = await yard.station("1.6")
    await knows(yard, name, Variable(component="", variable="LocalAuthListMaxLength", value="1"))
    entries = (ListEntry(token="A"), ListEntry(token="B"))
    answer = await put(yard, name, SendLocalList(version=1, entries=entries))
    assert (answer.outcome, await quiet(wire)) == (Outcome.UNSUPPORTED, True)


async def test_connector_zero_is_not_reserved_where_it_cannot_be(yard: Yard) -> None:
    for version, told in (
        ("1.6", Variable(component="", variable="ReserveConnectorZeroSupported", value="false")),
        (
            "2.0.1",
            Variable(component="ReservationCtrlr", variable="NonEvseSpecific", value="false"),
        ),
    ):
        name, wire = await yard.station(version)
        await knows(yard, name, told)
        answer = await put(yard, name, Reserve(token="CARD", expires_at=NOON))
        assert answer.outcome is Outcome.UNSUPPORTED
        assert told.variable in answer.reason
        assert await quiet(wire)


# ---- files ---------------------------------------------------------------------------------------

SUM: Final = "0123456789abcdef0123456789abcdef"
LOG: Final = {"remoteLocation": "https://files.example/up", "oldestTimestamp": NOON_SAID}
FIRMWARE: Final = {
    "location": "https://files.example/fw",
    "retrieveDateTime": NOON_SAID,
    "signingCertificate": "PEM",
    "signature": "c2ln",
}
FILES: Final = [
    Case(
        UpdateFirmware(location="https://files.example/fw", retrieve_at=NOON, retries=3),
        in_16(
            Said(
                "UpdateFirmware",
                {"location": "https://files.example/fw", "retrieveDate": NOON_SAID, "retries": 3},
                {},
            )
        )
        | in_2x(
            Said(
                "UpdateFirmware",
                {
                    "requestId": NUMBER,
                    "firmware": {
                        "location": "https://files.example/fw",
                        "retrieveDateTime": NOON_SAID,
                    },
                    "retries": 3,
                },
            )
        ),
    ),
    Case(
        UpdateFirmware(
            location="https://files.example/fw",
            retrieve_at=NOON,
            signing_certificate="PEM",
            signature="c2ln",
        ),
        in_16(
            Said(
                "SignedUpdateFirmware",
                {"requestId": NUMBER, "firmware": FIRMWARE},
                {"status": "InvalidCertificate"},
            )
        )
        | in_2x(
            Said(
                "UpdateFirmware",
                {"requestId": NUMBER, "firmware": FIRMWARE},
                {"status": "InvalidCertificate"},
            )
        ),
        outcome=Outcome.REJECTED,
    ),
    Case(
        UpdateFirmware(location="https://files.example/" + "x" * 600),
        in_16(
            Said(
                "UpdateFirmware",
                {"location": "https://files.example/" + "x" * 600, "retrieveDate": MOMENT},
                {},
            )
        )
        | in_21(
            Said(
                "UpdateFirmware",
                {
                    "requestId": NUMBER,
                    "firmware": {
                        "location": "https://files.example/" + "x" * 600,
                        "retrieveDateTime": MOMENT,
                    },
                },
            )
        ),
    ),
    Case(
        PublishFirmware(location="https://files.example/fw", checksum=SUM),
        in_2x(
            Said(
                "PublishFirmware",
                {
                    "requestId": NUMBER,
                    "location": "https://files.example/fw",
                    "checksum": SUM,
                },
            )
        ),
    ),
    Case(
        UnpublishFirmware(checksum=SUM),
        in_2x(Said("UnpublishFirmware", {"checksum": SUM}, {"status": "NoFirmware"})),
        outcome=Outcome.NOTHING,
    ),
    Case(
        GetLog(location="https://files.example/up", since=NOON),
        in_16(
            Said(
                "GetDiagnostics",
                {"location": "https://files.example/up", "startTime": NOON_SAID},
                {"fileName": "a.zip"},
            )
        )
        | in_2x(
            Said(
                "GetLog",
                {"requestId": NUMBER, "logType": "DiagnosticsLog", "log": LOG},
                {"status": "AcceptedCanceled", "filename": "a.zip"},
            )
        ),
        details=LogFile(name="a.zip"),
    ),
    Case(
        GetLog(location="https://files.example/up", since=NOON, kind="security"),
        in_all(
            Said(
                "GetLog",
                {"requestId": NUMBER, "logType": "SecurityLog", "log": LOG},
                {"status": "Rejected"},
            )
        ),
        outcome=Outcome.REJECTED,
    ),
    Case(
        GetLog(location="https://files.example/up", since=NOON, kind="data_collector"),
        in_21(Said("GetLog", {"requestId": NUMBER, "logType": "DataCollectorLog", "log": LOG})),
    ),
]


@every(FILES)
async def test_file_commands(yard: Yard, case: Case, version: str) -> None:
    await check(yard, case, version)


async def test_diagnostics_without_a_file_are_none(yard: Yard) -> None:
    name, wire = await yard.station("1.6")
    said = Said("GetDiagnostics", {"location": "ftp://files.example/"}, {})
    command = GetLog(location="ftp://files.example/")
    assert (await converse(yard, name, wire, command, [said], "1.6")).outcome is Outcome.NOTHING
