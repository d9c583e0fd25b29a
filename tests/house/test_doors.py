"""Every OCPP message has a way in or out of the house, or a listed reason why not yet."""

import ast
import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from forecourt.protocol.ocpp import v16, v21, v201
from forecourt.protocol.ocpp.dialect import Dialect

EDGE: Final = Path(__file__).parents[2] / "src" / "forecourt" / "edge" / "ocpp"
DIALECTS: Final = {"v16": v16.DIALECT, "v201": v201.DIALECT, "v21": v21.DIALECT}
# What 2.0.1 and 2.1 share is written once, in the types of 2.0.1.
WRITTEN_IN: Final = {"v16": {"v16"}, "v201": {"v201"}, "v21": {"v201", "v21"}}

# What we may ask of a station, and do not as yet: reason -> actions.
UNASKED: Final[dict[str, frozenset[str]]] = {
    "comes with security profiles 2 and 3": frozenset(
        {
            "CertificateSigned",
            "DeleteCertificate",
            "GetInstalledCertificateIds",
            "InstallCertificate",
        }
    ),
    "comes with the firmware room": frozenset(
        {
            "GetDiagnostics",
            "GetLog",
            "PublishFirmware",
            "SignedUpdateFirmware",
            "UnpublishFirmware",
            "UpdateFirmware",
        }
    ),
    "comes with the energy room": frozenset(
        {
            "AFRRSignal",
            "ClearChargingProfile",
            "ClearDERControl",
            "GetChargingProfiles",
            "GetCompositeSchedule",
            "GetDERControl",
            "NotifyAllowedEnergyTransfer",
            "SetChargingProfile",
            "SetDERControl",
            "UpdateDynamicSchedule",
            "UsePriorityCharging",
        }
    ),
    "comes with local lists and reservations": frozenset(
        {"CancelReservation", "GetLocalListVersion", "ReserveNow", "SendLocalList"}
    ),
    "comes with the tariffs room": frozenset(
        {
            "ChangeTransactionTariff",
            "ClearTariffs",
            "CostUpdated",
            "GetTariffs",
            "NotifyWebPaymentStarted",
            "SetDefaultTariff",
        }
    ),
    "comes with the whole of OCPP": frozenset(
        {
            "AdjustPeriodicEventStream",
            "ClearDisplayMessage",
            "ClearVariableMonitoring",
            "CustomerInformation",
            "ExtendedTriggerMessage",
            "GetDisplayMessages",
            "GetMonitoringReport",
            "GetPeriodicEventStream",
            "GetReport",
            "GetTransactionStatus",
            "RequestBatterySwap",
            "SetDisplayMessage",
            "SetMonitoringBase",
            "SetMonitoringLevel",
            "SetNetworkProfile",
            "SetVariableMonitoring",
        }
    ),
}


EXCUSED: Final = frozenset().union(*UNASKED.values())


def tables(version: str, name: str) -> Mapping[Any, Any]:
    """What this version's door, and what 2.x have in common, say under one name."""
    shared = [] if version == "v16" else ["v2x"]
    doors = (importlib.import_module(f"forecourt.edge.ocpp.{door}") for door in [version, *shared])
    return {key: value for door in doors for key, value in getattr(door, name, {}).items()}


def routed(version: str) -> set[str]:
    return {kind.__name__ for name in ("ROUTES", "SENT") for kind in tables(version, name)}


def spoken(version: str) -> set[str]:
    """The messages that the edge's code mentions for this version (`v16.Reset`)."""

    def mentions(text: str) -> Iterator[str]:
        for node in ast.walk(ast.parse(text)):
            match node:
                case ast.Attribute(value=ast.Name(id=name), attr=attr) if (
                    name in WRITTEN_IN[version]
                ):
                    yield attr
                case _:
                    pass

    return {name for path in EDGE.rglob("*.py") for name in mentions(path.read_text("utf-8"))}


@pytest.mark.parametrize(("version", "dialect"), DIALECTS.items())
class TestOneVersion:
    def test_what_a_station_says_is_answered(self, version: str, dialect: Dialect) -> None:
        later = tables(version, "LATER")
        assert dialect.from_station - routed(version) == later.keys() & dialect.from_station
        assert all(len(reason.split()) > 1 for reason in later.values())

    def test_what_cannot_come_has_no_route(self, version: str, dialect: Dialect) -> None:
        assert routed(version) <= dialect.from_station

    def test_what_we_may_ask_is_asked(self, version: str, dialect: Dialect) -> None:
        assert dialect.from_csms - spoken(version) <= EXCUSED


def test_an_excuse_has_a_need() -> None:
    unasked = {action for v, d in DIALECTS.items() for action in d.from_csms - spoken(v)}
    assert unasked >= EXCUSED
