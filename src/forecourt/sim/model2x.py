"""The device model of a 2.x station: components, variables and what stands behind them.

Data, and a way to find an entry; the messages about it are the commands' business.
"""

from typing import Final

from msgspec import Struct

from forecourt.sim.cars import Plug
from forecourt.sim.knobs import Key
from forecourt.sim.limits import LIMITS_MAX
from forecourt.sim.outlet import State
from forecourt.sim.station import Station

# The ConnectorEnum words of 2.0.1, which 2.1 still takes; it has none for J3400 but the old one.
_PLUGS: Final[dict[Plug, str]] = {
    "TYPE2_CABLE": "cType2",
    "TYPE2_SOCKET": "sType2",
    "J1772": "cType1",
    "CCS1": "cCCS1",
    "CCS2": "cCCS2",
    "J3400": "cTesla",
    "CHADEMO": "cG105",
}


class Entry(Struct, frozen=True, kw_only=True):
    """One variable of one component."""

    component: str
    variable: str
    key: Key
    component_instance: str | None = None
    instance: str | None = None
    evse: int | None = None
    connector: int | None = None

    @property
    def writable(self) -> bool:
        return bool(self.key.knob) and not self.key.readonly

    def matches(self, component: "Place", variable: str, instance: str | None) -> bool:
        return (
            component == self.place
            and variable.lower() == self.variable.lower()
            and instance == self.instance
        )

    @property
    def place(self) -> "Place":
        return Place(self.component.lower(), self.component_instance, self.evse, self.connector)


class Place(Struct, frozen=True):
    """Which component is meant; names have no case."""

    name: str
    instance: str | None
    evse: int | None
    connector: int | None


def _knob(
    component: str,
    variable: str,
    knob: str,
    *,
    instance: str | None = None,
    positive: bool = False,
    secret: bool = False,
) -> Entry:
    unit = "s" if knob.endswith("_s") else ""
    key = Key(knob=knob, low=int(positive), secret=secret, unit=unit)
    return Entry(component=component, variable=variable, instance=instance, key=key)


def _fixed(component: str, variable: str, value: str, *, instance: str | None = None) -> Entry:
    key = Key(fixed=value, readonly=True)
    return Entry(component=component, variable=variable, instance=instance, key=key)


_EVERY_STATION: Final[tuple[Entry, ...]] = (
    _knob("AlignedDataCtrlr", "Interval", "aligned_s"),
    _knob("AlignedDataCtrlr", "Measurands", "measurands"),
    _fixed("AlignedDataCtrlr", "TxEndedInterval", "0"),
    _fixed("AlignedDataCtrlr", "TxEndedMeasurands", "Energy.Active.Import.Register"),
    _knob("AuthCacheCtrlr", "Enabled", "cache"),
    _knob("AuthCtrlr", "AuthorizeRemoteStart", "authorize_remote"),
    _knob("AuthCtrlr", "LocalAuthorizeOffline", "local_authorize_offline"),
    _knob("AuthCtrlr", "LocalPreAuthorize", "local_pre_authorize"),
    _knob("AuthCtrlr", "OfflineTxForUnknownIdEnabled", "offline_unknown"),
    _fixed("ClockCtrlr", "TimeSource", "Heartbeat"),
    _fixed("DeviceDataCtrlr", "BytesPerMessage", "65000", instance="GetReport"),
    _fixed("DeviceDataCtrlr", "BytesPerMessage", "65000", instance="GetVariables"),
    _fixed("DeviceDataCtrlr", "BytesPerMessage", "65000", instance="SetVariables"),
    _fixed("DeviceDataCtrlr", "ItemsPerMessage", "50", instance="GetReport"),
    _fixed("DeviceDataCtrlr", "ItemsPerMessage", "50", instance="GetVariables"),
    _fixed("DeviceDataCtrlr", "ItemsPerMessage", "50", instance="SetVariables"),
    _knob("LocalAuthListCtrlr", "Enabled", "local_list"),
    _fixed("LocalAuthListCtrlr", "BytesPerMessage", "65000"),
    _fixed("LocalAuthListCtrlr", "ItemsPerMessage", "200"),
    _fixed("OCPPCommCtrlr", "FileTransferProtocols", "HTTPS"),
    _knob("OCPPCommCtrlr", "HeartbeatInterval", "heartbeat_s", positive=True),
    _knob(
        "OCPPCommCtrlr", "MessageAttempts", "tx_attempts", instance="TransactionEvent",
        positive=True,
    ),
    _knob(
        "OCPPCommCtrlr", "MessageAttemptInterval", "tx_retry_s", instance="TransactionEvent",
        positive=True,
    ),
    _knob("OCPPCommCtrlr", "MessageTimeout", "call_timeout_s", instance="Default", positive=True),
    _fixed("OCPPCommCtrlr", "NetworkConfigurationPriority", "0"),
    _fixed("OCPPCommCtrlr", "NetworkProfileConnectionAttempts", "3"),
    _fixed("OCPPCommCtrlr", "OfflineThreshold", "60"),
    _fixed("OCPPCommCtrlr", "QueueAllMessages", "false"),
    _fixed("OCPPCommCtrlr", "ResetRetries", "1"),
    _knob("OCPPCommCtrlr", "RetryBackOffRandomRange", "backoff_random_s"),
    _knob("OCPPCommCtrlr", "RetryBackOffRepeatTimes", "backoff_repeats"),
    _knob("OCPPCommCtrlr", "RetryBackOffWaitMinimum", "backoff_wait_s", positive=True),
    _fixed("OCPPCommCtrlr", "UnlockOnEVSideDisconnect", "true"),
    _fixed("OCPPCommCtrlr", "WebSocketPingInterval", "0"),
    _fixed("SampledDataCtrlr", "TxEndedInterval", "0"),
    _fixed("SampledDataCtrlr", "TxEndedMeasurands", "Energy.Active.Import.Register"),
    _fixed("SampledDataCtrlr", "TxStartedMeasurands", "Energy.Active.Import.Register"),
    _knob("SampledDataCtrlr", "TxUpdatedInterval", "sample_s"),
    _knob("SampledDataCtrlr", "TxUpdatedMeasurands", "measurands"),
    _knob("SecurityCtrlr", "BasicAuthPassword", "password", secret=True),
    _fixed("SecurityCtrlr", "CertificateEntries", "0"),
    _fixed("SecurityCtrlr", "OrganizationName", "Forecourt"),
    _fixed("SecurityCtrlr", "SecurityProfile", "1"),
    _fixed("SmartChargingCtrlr", "Enabled", "true"),
    _fixed("SmartChargingCtrlr", "Entries", str(LIMITS_MAX), instance="ChargingProfiles"),
    _fixed("SmartChargingCtrlr", "LimitChangeSignificance", "1"),
    _fixed("SmartChargingCtrlr", "PeriodsPerSchedule", "96"),
    _fixed("SmartChargingCtrlr", "ProfileStackLevel", "9"),
    _fixed("SmartChargingCtrlr", "RateUnit", "A,W"),
    _knob("TxCtrlr", "EVConnectionTimeOut", "connection_timeout_s", positive=True),
    _fixed("TxCtrlr", "StopTxOnEVSideDisconnect", "true"),
    _knob("TxCtrlr", "StopTxOnInvalidId", "stop_on_invalid"),
)  # fmt: skip


def entries(station: Station) -> list[Entry]:
    """The whole device model of this station, as it is now."""
    model = station.plan.model
    list_size = str(len(station.local_list))
    found = [
        *_EVERY_STATION,
        _fixed("ChargingStation", "AvailabilityState", "Available"),
        _fixed("ChargingStation", "Available", "true"),
        _fixed("ChargingStation", "Model", model.model),
        _fixed("ChargingStation", "SerialNumber", station.plan.serial),
        _fixed("ChargingStation", "SupplyPhases", str(model.phases)),
        _fixed("ChargingStation", "VendorName", model.vendor),
        _fixed("ChargingStation", "FirmwareVersion", model.firmware),
        _fixed("LocalAuthListCtrlr", "Entries", list_size),
        _fixed("SecurityCtrlr", "Identity", station.plan.identity),
        _fixed("TxCtrlr", "TxStartPoint", station.voice.starts_at),
        _fixed("TxCtrlr", "TxStopPoint", station.voice.stops_at),
    ]
    for outlet in station.outlets:
        state = station.voice.spell(outlet, outlet.state_of(outlet.connectors[0]))
        for variable, value in (
            ("AvailabilityState", state),
            ("Available", "true"),
            ("Power", str(model.outlet_w)),
            ("SupplyPhases", str(model.phases)),
        ):
            found.append(_at("EVSE", variable, value, evse=outlet.id))
        for connector in outlet.connectors:
            state = station.voice.spell(outlet, outlet.state_of(connector))
            for variable, value in (
                ("AvailabilityState", state),
                ("Available", "true" if state != State.UNAVAILABLE else "false"),
                ("ConnectorType", _PLUGS[connector.plug]),
                ("SupplyPhases", str(model.phases)),
            ):
                found.append(
                    _at("Connector", variable, value, evse=outlet.id, connector=connector.id)
                )
    return found


def _at(
    component: str, variable: str, value: str, *, evse: int, connector: int | None = None
) -> Entry:
    key = Key(fixed=value, readonly=True)
    return Entry(component=component, variable=variable, key=key, evse=evse, connector=connector)
