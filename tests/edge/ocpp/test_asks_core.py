"""Commands that every station knows, and the device model: what each version's station hears."""

from typing import Final

from forecourt.domain.stations import (
    AdjustPeriodicEventStream,
    Availability,
    ChooseMonitors,
    ClearCache,
    ClearVariableMonitoring,
    DataTransfer,
    EventStream,
    GetMonitoringReport,
    GetPeriodicEventStream,
    GetReport,
    GetTransactionStatus,
    GetVariables,
    Monitor,
    MonitorResult,
    MonitorResults,
    OpenStream,
    OpenStreams,
    Outcome,
    Reset,
    Selected,
    SetMonitoringLevel,
    SetNetworkProfile,
    SetVariableMonitoring,
    SetVariables,
    Start,
    Started,
    Stop,
    TransactionStatus,
    Trigger,
    Unlock,
    VariableName,
    VariableValue,
    Vpn,
)
from tests.edge.ocpp.asked import (
    NUMBER,
    Case,
    Said,
    check,
    every,
    in_2x,
    in_16,
    in_21,
    in_all,
)
from tests.edge.ocpp.house import IN_THE_HOUSE, Yard

pytestmark = IN_THE_HOUSE

CORE: Final = [
    Case(
        Start(token="CARD", evse=1),
        in_16(Said("RemoteStartTransaction", {"idTag": "CARD", "connectorId": 1}))
        | in_2x(
            Said(
                "RequestStartTransaction",
                {
                    "idToken": {"idToken": "CARD", "type": "Central"},
                    "remoteStartId": NUMBER,
                    "evseId": 1,
                },
            )
        ),
    ),
    Case(
        Start(token="CARD", token_type="ISO14443", group="FLEET"),
        in_2x(
            Said(
                "RequestStartTransaction",
                {
                    "idToken": {"idToken": "CARD", "type": "ISO14443"},
                    "groupIdToken": {"idToken": "FLEET", "type": "Central"},
                    "remoteStartId": NUMBER,
                },
                {"status": "Accepted", "transactionId": "tx-7"},
            )
        ),
        details=Started(transaction="tx-7"),
    ),
    Case(
        Stop(transaction="7"),
        in_16(Said("RemoteStopTransaction", {"transactionId": 7}))
        | in_2x(Said("RequestStopTransaction", {"transactionId": "7"})),
    ),
    Case(
        Reset(),
        in_16(Said("Reset", {"type": "Soft"})) | in_2x(Said("Reset", {"type": "OnIdle"})),
    ),
    Case(
        Reset(mode="hard", evse=2),
        in_2x(Said("Reset", {"type": "Immediate", "evseId": 2}, {"status": "Scheduled"})),
        outcome=Outcome.SCHEDULED,
    ),
    Case(Reset(mode="resume"), in_21(Said("Reset", {"type": "ImmediateAndResume"}))),
    Case(
        Unlock(evse=2, connector=1),
        in_16(Said("UnlockConnector", {"connectorId": 2}, {"status": "Unlocked"}))
        | in_2x(Said("UnlockConnector", {"evseId": 2, "connectorId": 1}, {"status": "Unlocked"})),
    ),
    Case(
        Availability(operative=False, evse=1),
        in_16(
            Said(
                "ChangeAvailability",
                {"connectorId": 1, "type": "Inoperative"},
                {"status": "Scheduled"},
            )
        )
        | in_2x(
            Said(
                "ChangeAvailability",
                {"operationalStatus": "Inoperative", "evse": {"id": 1}},
                {"status": "Scheduled"},
            )
        ),
        outcome=Outcome.SCHEDULED,
    ),
    Case(
        Trigger(message="meter_values", evse=1),
        in_16(Said("TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 1}))
        | in_2x(Said("TriggerMessage", {"requestedMessage": "MeterValues", "evse": {"id": 1}})),
    ),
    Case(
        Trigger(message="log"),
        in_16(Said("ExtendedTriggerMessage", {"requestedMessage": "LogStatusNotification"}))
        | in_2x(Said("TriggerMessage", {"requestedMessage": "LogStatusNotification"})),
    ),
    Case(
        Trigger(message="diagnostics"),
        in_16(Said("TriggerMessage", {"requestedMessage": "DiagnosticsStatusNotification"}))
        | in_2x(Said("TriggerMessage", {"requestedMessage": "LogStatusNotification"})),
    ),
    Case(
        Trigger(message="sign_certificate"),
        in_16(Said("ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"}))
        | in_2x(Said("TriggerMessage", {"requestedMessage": "SignChargingStationCertificate"})),
    ),
    Case(
        Trigger(message="sign_v2g_certificate"),
        in_16(
            Said(
                "DataTransfer",
                {
                    "vendorId": "org.openchargealliance.iso15118pnc",
                    "messageId": "TriggerMessage",
                    "data": '{"requestedMessage":"SignV2GCertificate"}',
                },
                {"status": "Accepted", "data": '{"status":"NotImplemented"}'},
            )
        )
        | in_2x(
            Said(
                "TriggerMessage",
                {"requestedMessage": "SignV2GCertificate"},
                {"status": "NotImplemented"},
            )
        ),
        outcome=Outcome.UNSUPPORTED,
    ),
    Case(
        Trigger(message="sign_v2g20_certificate"),
        in_21(Said("TriggerMessage", {"requestedMessage": "SignV2G20Certificate"})),
    ),
    Case(
        Trigger(message="publish_firmware"),
        in_2x(
            Said(
                "TriggerMessage",
                {"requestedMessage": "PublishFirmwareStatusNotification"},
                {"status": "NotImplemented", "statusInfo": {"reasonCode": "NotLC"}},
            )
        ),
        outcome=Outcome.UNSUPPORTED,
    ),
    Case(
        Trigger(message="custom", custom="SelfTest"),
        in_21(
            Said(
                "TriggerMessage", {"requestedMessage": "CustomTrigger", "customTrigger": "SelfTest"}
            )
        ),
    ),
    Case(
        DataTransfer(vendor="org.acme", message="Hello", data="there"),
        in_all(
            Said(
                "DataTransfer",
                {"vendorId": "org.acme", "messageId": "Hello", "data": "there"},
                {"status": "Accepted", "data": "back"},
            )
        ),
    ),
    Case(ClearCache(), in_all(Said("ClearCache"))),
    Case(
        GetTransactionStatus(transaction="tx-7"),
        in_2x(
            Said(
                "GetTransactionStatus",
                {"transactionId": "tx-7"},
                {"messagesInQueue": True, "ongoingIndicator": False},
            )
        ),
        details=TransactionStatus(messages_queued=True, ongoing=False),
    ),
]


@every(CORE)
async def test_core_commands(yard: Yard, case: Case, version: str) -> None:
    await check(yard, case, version)


COMPONENT: Final = {"name": "OCPPCommCtrlr"}
INTERVAL: Final = {"component": COMPONENT, "variable": {"name": "HeartbeatInterval"}}
TIMEOUT: Final = {
    "component": {"name": "TxCtrlr"},
    "variable": {"name": "EVConnectionTimeOut"},
}
NETWORK: Final = {
    "ocppTransport": "JSON",
    "ocppInterface": "Wired0",
    "ocppCsmsUrl": "wss://csms.example/ocpp",
    "messageTimeout": 30,
    "securityProfile": 2,
}
DEVICES: Final = [
    Case(
        GetVariables(variables=(VariableName(variable="HeartbeatInterval"),)),
        in_16(
            Said(
                "GetConfiguration",
                {"key": ["HeartbeatInterval"]},
                {
                    "configurationKey": [
                        {"key": "HeartbeatInterval", "readonly": False, "value": "60"}
                    ]
                },
            )
        )
        | in_2x(
            Said(
                "GetVariables",
                {
                    "getVariableData": [
                        {
                            "component": {"name": "OCPPCommCtrlr"},
                            "variable": {"name": "HeartbeatInterval"},
                            "attributeType": "Actual",
                        }
                    ]
                },
                {
                    "getVariableResult": [
                        {
                            "component": {"name": "OCPPCommCtrlr"},
                            "variable": {"name": "HeartbeatInterval"},
                            "attributeStatus": "Accepted",
                            "attributeValue": "60",
                        }
                    ]
                },
            )
        ),
        variables=(("HeartbeatInterval", "Accepted"),),
    ),
    Case(
        SetVariables(
            variables=(
                VariableValue(variable="HeartbeatInterval", component="OCPPCommCtrlr", value="60"),
                VariableValue(variable="EVConnectionTimeOut", component="TxCtrlr", value="1"),
            )
        ),
        in_16(
            Said(
                "ChangeConfiguration",
                {"key": "HeartbeatInterval", "value": "60"},
                {"status": "Rejected"},
            ),
            Said(
                "ChangeConfiguration",
                {"key": "ConnectionTimeOut", "value": "1"},
                {"status": "RebootRequired"},
            ),
        )
        | in_2x(
            Said(
                "SetVariables",
                {
                    "setVariableData": [
                        {**INTERVAL, "attributeValue": "60", "attributeType": "Actual"},
                        {**TIMEOUT, "attributeValue": "1", "attributeType": "Actual"},
                    ]
                },
                {
                    "setVariableResult": [
                        {**INTERVAL, "attributeStatus": "Rejected"},
                        {**TIMEOUT, "attributeStatus": "RebootRequired"},
                    ]
                },
            )
        ),
        outcome=Outcome.REJECTED,
        variables=(
            ("HeartbeatInterval", "Rejected"),
            ("EVConnectionTimeOut", "RebootRequired"),
        ),
    ),
    Case(
        GetReport(base="summary"),
        in_2x(
            Said("GetBaseReport", {"requestId": NUMBER, "reportBase": "SummaryInventory"}),
        )
        | in_16(Said("GetConfiguration", {}, {})),
    ),
    Case(
        GetReport(criteria=("problem",), selected=(Selected(component="Connector", evse=1),)),
        in_2x(
            Said(
                "GetReport",
                {
                    "requestId": NUMBER,
                    "componentCriteria": ["Problem"],
                    "componentVariable": [{"component": {"name": "Connector", "evse": {"id": 1}}}],
                },
                {"status": "EmptyResultSet"},
            )
        ),
        outcome=Outcome.NOTHING,
    ),
    Case(
        SetVariableMonitoring(
            monitors=(
                Monitor(
                    component="Connector",
                    variable="Temperature",
                    type="upper_threshold",
                    value=80,
                    severity=4,
                    evse=1,
                ),
            )
        ),
        in_2x(
            Said(
                "SetVariableMonitoring",
                {
                    "setMonitoringData": [
                        {
                            "value": 80.0,
                            "type": "UpperThreshold",
                            "severity": 4,
                            "component": {"name": "Connector", "evse": {"id": 1}},
                            "variable": {"name": "Temperature"},
                            "transaction": False,
                        }
                    ]
                },
                {
                    "setMonitoringResult": [
                        {
                            "status": "Accepted",
                            "type": "UpperThreshold",
                            "severity": 4,
                            "id": 11,
                            "component": {"name": "Connector", "evse": {"id": 1}},
                            "variable": {"name": "Temperature"},
                        }
                    ]
                },
            )
        ),
        details=MonitorResults(
            monitors=(
                MonitorResult(
                    status="Accepted",
                    id=11,
                    component="Connector",
                    variable="Temperature",
                    type="upper_threshold",
                    severity=4,
                ),
            )
        ),
    ),
    Case(
        SetVariableMonitoring(
            monitors=(
                Monitor(
                    component="EVSE",
                    variable="Power",
                    type="periodic",
                    value=1,
                    severity=9,
                    stream=EventStream(interval_s=5, values=10),
                ),
            )
        ),
        in_21(
            Said(
                "SetVariableMonitoring",
                {
                    "setMonitoringData": [
                        {
                            "value": 1.0,
                            "type": "Periodic",
                            "severity": 9,
                            "component": {"name": "EVSE"},
                            "variable": {"name": "Power"},
                            "transaction": False,
                            "periodicEventStream": {"interval": 5, "values": 10},
                        }
                    ]
                },
                {
                    "setMonitoringResult": [
                        {
                            "status": "UnsupportedMonitorType",
                            "type": "Periodic",
                            "severity": 9,
                            "component": {"name": "EVSE"},
                            "variable": {"name": "Power"},
                        }
                    ]
                },
            )
        ),
        outcome=Outcome.REJECTED,
        details=MonitorResults(
            monitors=(
                MonitorResult(
                    status="UnsupportedMonitorType",
                    component="EVSE",
                    variable="Power",
                    type="periodic",
                    severity=9,
                ),
            )
        ),
    ),
    Case(
        ClearVariableMonitoring(ids=(11, 12)),
        in_2x(
            Said(
                "ClearVariableMonitoring",
                {"id": [11, 12]},
                {
                    "clearMonitoringResult": [
                        {"status": "Accepted", "id": 11},
                        {"status": "NotFound", "id": 12},
                    ]
                },
            )
        ),
        details=MonitorResults(
            monitors=(
                MonitorResult(status="Accepted", id=11),
                MonitorResult(status="NotFound", id=12),
            )
        ),
    ),
    Case(
        ChooseMonitors(base="factory_default"),
        in_2x(Said("SetMonitoringBase", {"monitoringBase": "FactoryDefault"})),
    ),
    Case(
        SetMonitoringLevel(severity=5),
        in_2x(Said("SetMonitoringLevel", {"severity": 5})),
    ),
    Case(
        GetMonitoringReport(
            criteria=("threshold",),
            selected=(Selected(component="Connector", variable="Temperature"),),
        ),
        in_2x(
            Said(
                "GetMonitoringReport",
                {
                    "requestId": NUMBER,
                    "monitoringCriteria": ["ThresholdMonitoring"],
                    "componentVariable": [
                        {"component": {"name": "Connector"}, "variable": {"name": "Temperature"}}
                    ],
                },
            )
        ),
    ),
    Case(
        SetNetworkProfile(
            slot=1, url="wss://csms.example/ocpp", protocol="ocpp2.0.1", security_profile=2
        ),
        {
            version: [
                Said(
                    "SetNetworkProfile",
                    {
                        "configurationSlot": 1,
                        "connectionData": {**NETWORK, "ocppVersion": word},
                    },
                )
            ]
            for version, word in (("2.0.1", "OCPP20"), ("2.1", "OCPP201"))
        },
    ),
    Case(
        SetNetworkProfile(
            slot=2,
            url="wss://csms.example/ocpp",
            protocol="ocpp2.1",
            security_profile=2,
            identity="CP-7",
            password="sixteen-letters!",
            vpn=Vpn(server="vpn.example", user="u", password="p", key="k", type="IPSec"),
        ),
        in_21(
            Said(
                "SetNetworkProfile",
                {
                    "configurationSlot": 2,
                    "connectionData": {
                        **NETWORK,
                        "ocppVersion": "OCPP21",
                        "identity": "CP-7",
                        "basicAuthPassword": "sixteen-letters!",
                        "vpn": {
                            "server": "vpn.example",
                            "user": "u",
                            "password": "p",
                            "key": "k",
                            "type": "IPSec",
                        },
                    },
                },
                {"status": "Failed"},
            )
        ),
        outcome=Outcome.REJECTED,
    ),
    Case(
        AdjustPeriodicEventStream(stream=3, interval_s=10),
        in_21(Said("AdjustPeriodicEventStream", {"id": 3, "params": {"interval": 10}})),
    ),
    Case(
        GetPeriodicEventStream(),
        in_21(
            Said(
                "GetPeriodicEventStream",
                {},
                {
                    "constantStreamData": [
                        {"id": 3, "variableMonitoringId": 11, "params": {"interval": 10}}
                    ]
                },
            )
        ),
        details=OpenStreams(streams=(OpenStream(id=3, monitor=11, interval_s=10),)),
    ),
]


@every(DEVICES)
async def test_device_model_commands(yard: Yard, case: Case, version: str) -> None:
    await check(yard, case, version)
