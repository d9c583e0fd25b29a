"""The physical components of a 2.x station, by its model: what is built in. Data, no behaviour."""

from collections.abc import Iterator
from typing import Final

from forecourt.sim.cars import Plug
from forecourt.sim.models import StationModel
from forecourt.sim.v2x.entry import Entry, fixed, free, knob, live

# The ConnectorEnum words of 2.0.1, which 2.1 still takes; it has none for J3400 but the old one.
PLUGS: Final[dict[Plug, str]] = {
    "TYPE2_CABLE": "cType2",
    "TYPE2_SOCKET": "sType2",
    "J1772": "cType1",
    "CCS1": "cCCS1",
    "CCS2": "cCCS2",
    "J3400": "cTesla",
    "CHADEMO": "cG105",
}
_STATES: Final = ("Available", "Occupied", "Reserved", "Unavailable", "Faulted")
_LIQUID_FROM_W: Final = 200_000
_DER_MODES: Final = (
    "FreqDroop,FreqWatt,VoltVar,VoltWatt,WattVar,WattPF,FixedPFInject,FixedPFAbsorb,FixedVar,"
    "LimitMaxDischarge,EnterService,Gradients,HFMustTrip,HFMayTrip,HVMustTrip,HVMomCess,HVMayTrip,"
    "LFMustTrip,LVMustTrip,LVMomCess,LVMayTrip,PowerMonitoringMustTrip"
)


def hardware(model: StationModel, features: frozenset[str]) -> Iterator[Entry]:
    """Everything that can be seen of this product."""
    yield from _station(model, features)
    for number, plugs in enumerate(model.outlets, start=1):
        yield from _evse(model, number)
        yield from _power_parts(model, number)
        if "iso15118" in features:
            yield from _talking(number)
        if "v2x" in features:
            yield from _bidirectional(number)
        if "der" in features:
            yield from _inverter(model, number)
        if "CHADEMO" in plugs:
            yield fixed("CHAdeMOCtrlr", "Enabled", "true", evse=number)
            yield fixed("CHAdeMOCtrlr", "Problem", "false", evse=number)
        for position, plug in enumerate(plugs, start=1):
            yield from _connector(model, plug, number, position)


def _station(model: StationModel, features: frozenset[str]) -> Iterator[Entry]:  # noqa: PLR0915 - a list
    total_w = model.station_w or model.outlet_w * len(model.outlets)
    yield live("ChargingStation", "ACCurrent", "station_amps", "decimal", unit="A")
    yield fixed("ChargingStation", "ACVoltage", str(model.volts), unit="V", type="decimal")
    yield free("ChargingStation", "AllowNewSessionsPendingFirmwareUpdate", "true")
    yield live("ChargingStation", "AvailabilityState", "station_state", "OptionList", words=_STATES)
    yield fixed("ChargingStation", "Available", "true")
    yield live("ChargingStation", "Enabled", "station_enabled", "boolean")
    yield live("ChargingStation", "FirmwareVersion", "firmware", "string")
    yield fixed("ChargingStation", "Model", model.model, type="string")
    yield fixed("ChargingStation", "PhaseRotation", "RST" if model.phases > 1 else "Rxx")
    yield live(
        "ChargingStation",
        "Power",
        "station_power",
        "decimal",
        unit="W",
        limits=(None, float(total_w)),
    )
    yield live("ChargingStation", "Problem", "station_problem", "boolean")
    yield live("ChargingStation", "SerialNumber", "serial", "string")
    yield fixed("ChargingStation", "SupplyPhases", str(model.phases), limits=(None, 3.0))
    yield live("ChargingStation", "Temperature", "station_temperature", "decimal", unit="Celsius")
    yield live("ChargingStation", "Tripped", "station_problem", "boolean")
    yield fixed("ChargingStation", "VendorName", model.vendor, type="string")
    yield live("Controller", "Active", "on", "boolean")
    yield live("Controller", "FirmwareVersion", "firmware", "string")
    yield knob("Controller", "Interval", "heartbeat_s", instance="Heartbeat", low=1)
    yield fixed("Controller", "Manufacturer", model.vendor, type="string")
    yield fixed("Controller", "Model", f"{model.model} main board", type="string")
    yield live("Controller", "Problem", "station_problem", "boolean")
    yield live("Controller", "SerialNumber", "serial", "string")
    yield live("Controller", "Temperature", "station_temperature", "decimal", unit="Celsius")
    yield fixed("CaseAccessSensor", "Active", "false")
    yield live("DataLink", "Active", "online", "boolean")
    yield fixed("DataLink", "Enabled", "true")
    yield live("DataLink", "SignalStrength", "signal", "decimal", unit="dBm")
    yield fixed("Display", "Enabled", "true")
    yield live("Display", "DataText", "shown", "string", instance="Visible")
    yield fixed("Display", "Count", "4", instance="HeightInChars")
    yield fixed("Display", "Count", "20", instance="WidthInChars")
    yield fixed("ElectricalFeed", "ACVoltage", str(model.volts), unit="V", type="decimal")
    yield live("ElectricalFeed", "Active", "on", "boolean")
    yield live("ElectricalFeed", "Energy", "station_energy", "decimal", unit="Wh")
    yield live("ElectricalFeed", "Power", "station_power", "decimal", unit="W")
    yield fixed("ElectricalFeed", "PowerType", "AC")
    yield fixed("ElectricalFeed", "SupplyPhases", str(model.phases))
    yield fixed("ELVSupply", "Problem", "false")
    yield live("ExternalTemperatureSensor", "Temperature", "ambient", "decimal", unit="Celsius")
    yield live("RealTimeClock", "DateTime", "clock", "dateTime")
    yield free("TokenReader", "Enabled", "true")
    yield fixed("TokenReader", "Problem", "false")
    if "swap" in features:
        yield fixed("BatterySwapCtrlr", "Timeout", "120", unit="s", newest=True)
        yield free("BatterySwapCtrlr", "TargetSoc", "90", high=100, newest=True)
    if "payment" in features:
        yield free("WebPaymentsCtrlr", "URLTemplate", "https://pay.example/{id}", newest=True)
        yield free("WebPaymentsCtrlr", "ValidityTime", "30", newest=True)
        yield fixed("PaymentCtrlr", "Enabled", "true", newest=True)
    if "controller" in features:
        yield fixed("LocalController", "Enabled", "true")


def _evse(model: StationModel, evse: int) -> Iterator[Entry]:
    yield live("EVSE", "ACCurrent", "evse_amps", "decimal", evse=evse, unit="A")
    yield fixed("EVSE", "ACVoltage", str(model.volts), evse=evse, unit="V", type="decimal")
    yield fixed("EVSE", "AllowReset", "false", evse=evse)
    yield live("EVSE", "AvailabilityState", "evse_state", "OptionList", evse=evse, words=_STATES)
    yield fixed("EVSE", "Available", "true", evse=evse)
    yield live("EVSE", "ChargingTime", "charged_s", "decimal", evse=evse, unit="s")
    yield live("EVSE", "Enabled", "evse_enabled", "boolean", evse=evse)
    yield live("EVSE", "EvseId", "evse_id", "string", evse=evse)
    yield live("EVSE", "ISO15118EvseId", "evse_id", "string", evse=evse)
    yield live("EVSE", "Overload", "never", "boolean", evse=evse)
    yield live(
        "EVSE",
        "Power",
        "evse_power",
        "decimal",
        evse=evse,
        unit="W",
        limits=(None, float(model.outlet_w)),
    )
    yield live("EVSE", "Problem", "evse_problem", "boolean", evse=evse)
    yield fixed("EVSE", "SupplyPhases", str(model.phases), evse=evse)
    yield live("EVSE", "Temperature", "evse_temperature", "decimal", evse=evse, unit="Celsius")
    yield live("FiscalMetering", "EnergyImport", "evse_session", "decimal", evse=evse, unit="Wh")
    yield live(
        "FiscalMetering", "EnergyImportRegister", "evse_energy", "decimal", evse=evse, unit="Wh"
    )
    yield live(
        "FiscalMetering", "EnergyExportRegister", "evse_export", "decimal", evse=evse, unit="Wh"
    )
    yield fixed("FiscalMetering", "Manufacturer", "Metrica", evse=evse, instance="Meter")
    yield fixed("FiscalMetering", "Problem", "false", evse=evse)


def _power_parts(model: StationModel, evse: int) -> Iterator[Entry]:
    yield live("PowerContactor", "Active", "evse_energised", "boolean", evse=evse)
    yield fixed("PowerContactor", "Problem", "false", evse=evse)
    yield fixed("RCD", "Tripped", "false", evse=evse)
    if not model.dc:
        yield live("CPPWMController", "State", "pilot", "OptionList", evse=evse)
        yield live("CPPWMController", "Percentage", "pilot_pct", "decimal", evse=evse)
        yield fixed("OverCurrentProtection", "Operated", "false", evse=evse)
        return
    yield live("AcDcConverter", "Power", "evse_power", "decimal", evse=evse, unit="W")
    yield live("AcDcConverter", "DCCurrent", "evse_amps", "decimal", evse=evse, unit="A")
    yield live("AcDcConverter", "DCVoltage", "evse_volts", "decimal", evse=evse, unit="V")
    yield live(
        "AcDcConverter", "Temperature", "evse_temperature", "decimal", evse=evse, unit="Celsius"
    )
    yield live("AcDcConverter", "FanSpeed", "fan", "decimal", evse=evse, unit="rpm")
    yield live("AcDcConverter", "Problem", "evse_problem", "boolean", evse=evse)
    yield fixed("GroundIsolationProtection", "Problem", "false", evse=evse)
    yield fixed("EmergencyStopSensor", "Tripped", "false", evse=evse)
    if model.outlet_w >= _LIQUID_FROM_W:
        yield live(
            "LiquidCoolingSystem",
            "Temperature",
            "evse_temperature",
            "decimal",
            evse=evse,
            unit="Celsius",
        )
        yield live("LiquidCoolingSystem", "Active", "evse_energised", "boolean", evse=evse)


def _connector(model: StationModel, plug: Plug, evse: int, position: int) -> Iterator[Entry]:
    at = {"evse": evse, "connector": position}
    yield live(
        "Connector", "AvailabilityState", "connector_state", "OptionList", words=_STATES, **at
    )
    yield fixed("Connector", "Available", "true", **at)
    yield live("Connector", "Enabled", "evse_enabled", "boolean", **at)
    yield fixed("Connector", "ConnectorType", PLUGS[plug], **at)
    yield live("Connector", "Problem", "evse_problem", "boolean", **at)
    yield fixed("Connector", "SupplyPhases", str(model.phases), **at)
    yield live("Connector", "Temperature", "evse_temperature", "decimal", unit="Celsius", **at)
    if plug == "TYPE2_SOCKET" or model.dc:
        yield live("ConnectorPlugRetentionLock", "Active", "evse_plugged", "boolean", **at)
        yield fixed("ConnectorPlugRetentionLock", "Problem", "false", **at)


def _talking(evse: int) -> Iterator[Entry]:
    yield live("ISO15118Ctrlr", "Active", "evse_talks", "boolean", evse=evse)
    yield free("ISO15118Ctrlr", "CentralContractValidationAllowed", "true", evse=evse)
    yield free("ISO15118Ctrlr", "ContractCertificateInstallationEnabled", "true", evse=evse)
    yield free("ISO15118Ctrlr", "ContractValidationOffline", "false", evse=evse)
    yield free("ISO15118Ctrlr", "CountryName", "DE", evse=evse, length=(2, 2))
    yield fixed("ISO15118Ctrlr", "Enabled", "true", evse=evse)
    yield free("ISO15118Ctrlr", "OrganizationName", "Forecourt", evse=evse)
    yield knob("ISO15118Ctrlr", "PnCEnabled", "plug_and_charge", evse=evse)
    yield free("ISO15118Ctrlr", "RequestMeteringReceipt", "false", evse=evse)
    yield live("ISO15118Ctrlr", "SeccId", "serial", "string", evse=evse)
    yield free("ISO15118Ctrlr", "V2GCertificateInstallationEnabled", "true", evse=evse)
    yield live("ConnectedEV", "Available", "evse_talks", "boolean", evse=evse)
    yield live("ConnectedEV", "VehicleId", "vehicle", "string", evse=evse)


def _bidirectional(evse: int) -> Iterator[Entry]:
    for name in ("Available", "Enabled"):
        yield fixed("V2XChargingCtrlr", name, "true", evse=evse, newest=True)
    yield fixed(
        "V2XChargingCtrlr",
        "SupportedEnergyTransferModes",
        "AC_BPT,DC_BPT",
        evse=evse,
        type="MemberList",
        newest=True,
    )
    yield fixed(
        "V2XChargingCtrlr",
        "SupportedOperationModes",
        "ChargingOnly,CentralSetpoint,CentralFrequency,LocalFrequency",
        evse=evse,
        type="MemberList",
        newest=True,
    )
    yield free(
        "V2XChargingCtrlr",
        "TxUpdatedMeasurands",
        "Power.Active.Export",
        evse=evse,
        type="MemberList",
        newest=True,
    )


def _inverter(model: StationModel, evse: int) -> Iterator[Entry]:
    component = "DCDERCtrlr" if model.dc else "ACDERCtrlr"
    for name in ("Available", "Enabled"):
        yield fixed(component, name, "true", evse=evse, newest=True)
    yield fixed(component, "ModesSupported", _DER_MODES, evse=evse, type="MemberList", newest=True)
    yield fixed(component, "MaxW", str(model.outlet_w), evse=evse, unit="W", newest=True)
