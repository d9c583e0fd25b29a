"""Commands about limits and charging profiles: what each version's station hears."""

from datetime import UTC, datetime
from typing import Final

import pytest

from forecourt.domain.stations import (
    ChargingProfile,
    ChargingSchedule,
    ClearChargingProfile,
    CompositeSchedule,
    FreqWatt,
    GetChargingProfiles,
    GetCompositeSchedule,
    LimitAtSoc,
    Outcome,
    SchedulePeriod,
    SetChargingProfile,
    SetLimit,
    Start,
    UpdateDynamicSchedule,
    UsePriorityCharging,
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
    in_2x,
    in_16,
    in_21,
    knows,
    put,
    quiet,
)
from tests.edge.ocpp.house import IN_THE_HOUSE, Yard

pytestmark = [IN_THE_HOUSE, pytest.mark.storage]

NOON: Final = datetime(2026, 12, 1, 12, tzinfo=UTC)
NIGHT: Final = ChargingProfile(
    id=7,
    purpose="tx_default",
    kind="recurring",
    recurrency="daily",
    stack_level=1,
    valid_from=NOON,
    schedules=(
        ChargingSchedule(
            unit="A",
            start_at=NOON,
            duration_s=86_400,
            periods=(
                SchedulePeriod(start_period=0, limit=16.0, number_phases=3),
                SchedulePeriod(start_period=3600, limit=6.5),
            ),
        ),
    ),
)
PERIODS: Final = [
    {"startPeriod": 0, "limit": 16.0, "numberPhases": 3},
    {"startPeriod": 3600, "limit": 6.5},
]
SCHEDULE: Final = {
    "chargingRateUnit": "A",
    "startSchedule": "2026-12-01T12:00:00Z",
    "duration": 86_400,
    "chargingSchedulePeriod": PERIODS,
}
IN_COMMON: Final = {
    "stackLevel": 1,
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Recurring",
    "recurrencyKind": "Daily",
    "validFrom": "2026-12-01T12:00:00Z",
}
NIGHT_16: Final = {**IN_COMMON, "chargingProfileId": 7, "chargingSchedule": SCHEDULE}
NIGHT_2X: Final = {**IN_COMMON, "id": 7, "chargingSchedule": [{"id": 1, **SCHEDULE}]}

V2X: Final = ChargingProfile(
    id=8,
    purpose="tx",
    kind="dynamic",
    transaction="tx-7",
    dynamic_update_interval_s=5,
    max_offline_duration_s=60,
    invalid_after_offline_duration=True,
    schedules=(
        ChargingSchedule(
            unit="W",
            power_tolerance=100.0,
            limit_at_soc=LimitAtSoc(soc=80, limit=5_000.0),
            periods=(
                SchedulePeriod(
                    start_period=0,
                    limit=11_000.0,
                    limit_l2=3_000.0,
                    discharge_limit=-8_000.0,
                    discharge_limit_l3=-2_000.0,
                    setpoint=-4_000.0,
                    setpoint_reactive_l2=1.0,
                    operation_mode="CentralSetpoint",
                    v2x_baseline=0.0,
                    v2x_freq_watt_curve=(FreqWatt(frequency=49.8, power=1.0),),
                ),
            ),
        ),
    ),
)
V2X_21: Final = {
    "id": 8,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxProfile",
    "chargingProfileKind": "Dynamic",
    "transactionId": "tx-7",
    "dynUpdateInterval": 5,
    "maxOfflineDuration": 60,
    "invalidAfterOfflineDuration": True,
    "chargingSchedule": [
        {
            "id": 1,
            "chargingRateUnit": "W",
            "powerTolerance": 100.0,
            "limitAtSoC": {"soc": 80, "limit": 5_000.0},
            "chargingSchedulePeriod": [
                {
                    "startPeriod": 0,
                    "limit": 11_000.0,
                    "limit_L2": 3_000.0,
                    "dischargeLimit": -8_000.0,
                    "dischargeLimit_L3": -2_000.0,
                    "setpoint": -4_000.0,
                    "setpointReactive_L2": 1.0,
                    "operationMode": "CentralSetpoint",
                    "v2xBaseline": 0.0,
                    "v2xFreqWattCurve": [{"frequency": 49.8, "power": 1.0}],
                }
            ],
        }
    ],
}


def limit_16(
    number: int, purpose: str, unit: str, limit: float, **more: object
) -> dict[str, object]:
    """The profile of a limit in 1.6."""
    schedule: dict[str, object] = {
        "chargingRateUnit": unit,
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit, **more}],
    }
    kind = "Relative"
    if purpose == "ChargePointMaxProfile":
        kind, schedule = "Absolute", {**schedule, "startSchedule": MOMENT}
    return {
        "chargingProfileId": number,
        "stackLevel": 0,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": kind,
        "chargingSchedule": schedule,
    }


def limit_2x(number: int, purpose: str, unit: str, limit: float) -> dict[str, object]:
    """The profile of a limit in 2.x."""
    told = limit_16(number, "ChargePointMaxProfile" if "Max" in purpose else purpose, unit, limit)
    schedule = told.pop("chargingSchedule")
    assert isinstance(schedule, dict)
    del told["chargingProfileId"]
    return {
        **told,
        "id": number,
        "chargingProfilePurpose": purpose,
        "chargingSchedule": [{"id": 1, **schedule}],
    }


CHARGING: Final = [
    Case(
        SetChargingProfile(profile=NIGHT, evse=2),
        in_16(Said("SetChargingProfile", {"connectorId": 2, "csChargingProfiles": NIGHT_16}))
        | in_2x(Said("SetChargingProfile", {"evseId": 2, "chargingProfile": NIGHT_2X})),
    ),
    Case(
        SetChargingProfile(profile=V2X, evse=1),
        in_21(
            Said(
                "SetChargingProfile",
                {"evseId": 1, "chargingProfile": V2X_21},
                {"status": "Rejected", "statusInfo": {"reasonCode": "NoV2X"}},
            )
        ),
        outcome=Outcome.REJECTED,
    ),
    Case(
        Start(token="CARD", evse=2, profile=NIGHT),
        in_16(
            Said(
                "RemoteStartTransaction",
                {"idTag": "CARD", "connectorId": 2, "chargingProfile": NIGHT_16},
            )
        )
        | in_2x(
            Said(
                "RequestStartTransaction",
                {
                    "idToken": {"idToken": "CARD", "type": "Central"},
                    "remoteStartId": NUMBER,
                    "evseId": 2,
                    "chargingProfile": NIGHT_2X,
                },
            )
        ),
    ),
    Case(
        ClearChargingProfile(id=7),
        in_16(Said("ClearChargingProfile", {"id": 7}, {"status": "Unknown"}))
        | in_2x(Said("ClearChargingProfile", {"chargingProfileId": 7}, {"status": "Unknown"})),
        outcome=Outcome.NOTHING,
    ),
    Case(
        ClearChargingProfile(evse=1, purpose="station_max", stack_level=3),
        in_16(
            Said(
                "ClearChargingProfile",
                {
                    "connectorId": 1,
                    "chargingProfilePurpose": "ChargePointMaxProfile",
                    "stackLevel": 3,
                },
            )
        )
        | in_2x(
            Said(
                "ClearChargingProfile",
                {
                    "chargingProfileCriteria": {
                        "evseId": 1,
                        "chargingProfilePurpose": "ChargingStationMaxProfile",
                        "stackLevel": 3,
                    }
                },
            )
        ),
    ),
    Case(
        GetChargingProfiles(evse=1, ids=(7,), sources=("CSO",)),
        in_2x(
            Said(
                "GetChargingProfiles",
                {
                    "requestId": NUMBER,
                    "evseId": 1,
                    "chargingProfile": {
                        "chargingProfileId": [7],
                        "chargingLimitSource": ["CSO"],
                    },
                },
                {"status": "NoProfiles"},
            )
        ),
        outcome=Outcome.NOTHING,
    ),
    Case(
        GetCompositeSchedule(evse=1, duration_s=3600, unit="A"),
        in_16(
            Said(
                "GetCompositeSchedule",
                {"connectorId": 1, "duration": 3600, "chargingRateUnit": "A"},
                {
                    "status": "Accepted",
                    "connectorId": 1,
                    "scheduleStart": "2026-12-01T12:00:00Z",
                    "chargingSchedule": {
                        "duration": 3600,
                        "chargingRateUnit": "A",
                        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.0}],
                    },
                },
            )
        )
        | in_2x(
            Said(
                "GetCompositeSchedule",
                {"evseId": 1, "duration": 3600, "chargingRateUnit": "A"},
                {
                    "status": "Accepted",
                    "schedule": {
                        "evseId": 1,
                        "duration": 3600,
                        "scheduleStart": "2026-12-01T12:00:00Z",
                        "chargingRateUnit": "A",
                        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.0}],
                    },
                },
            )
        ),
        details=CompositeSchedule(
            evse=1,
            unit="A",
            start_at=NOON,
            duration_s=3600,
            periods=(SchedulePeriod(start_period=0, limit=16.0),),
        ),
    ),
    Case(
        SetLimit(limit_w=7_400),
        in_16(
            Said(
                "SetChargingProfile",
                {
                    "connectorId": 0,
                    "csChargingProfiles": limit_16(
                        1_000_000, "ChargePointMaxProfile", "W", 7_400.0
                    ),
                },
            )
        )
        | in_2x(
            Said(
                "SetChargingProfile",
                {
                    "evseId": 0,
                    "chargingProfile": limit_2x(
                        1_000_000, "ChargingStationMaxProfile", "W", 7_400.0
                    ),
                },
            )
        ),
    ),
    Case(
        SetLimit(limit_a=16.06, evse=2),
        in_16(
            Said(
                "SetChargingProfile",
                {
                    "connectorId": 2,
                    "csChargingProfiles": limit_16(1_000_002, "TxDefaultProfile", "A", 16.0),
                },
            )
        )
        | in_2x(
            Said(
                "SetChargingProfile",
                {
                    "evseId": 2,
                    "chargingProfile": limit_2x(1_000_002, "TxDefaultProfile", "A", 16.0),
                },
            )
        ),
    ),
    Case(
        SetLimit(evse=2),
        in_16(Said("ClearChargingProfile", {"id": 1_000_002}))
        | in_2x(Said("ClearChargingProfile", {"chargingProfileId": 1_000_002})),
    ),
    Case(SetLimit(limit_w=1, limit_a=1), {}),
    Case(SetLimit(limit_w=1, transaction="7"), {}),
    Case(
        UpdateDynamicSchedule(profile=8, setpoint=-4_000, limit_l2=3_000),
        in_21(
            Said(
                "UpdateDynamicSchedule",
                {
                    "chargingProfileId": 8,
                    "scheduleUpdate": {"setpoint": -4_000.0, "limit_L2": 3_000.0},
                },
            )
        ),
    ),
    Case(
        UsePriorityCharging(transaction="tx-7", activate=True),
        in_21(
            Said(
                "UsePriorityCharging",
                {"transactionId": "tx-7", "activate": True},
                {"status": "NoProfile"},
            )
        ),
        outcome=Outcome.NOTHING,
    ),
]


@every(CHARGING)
async def test_charging_commands(yard: Yard, case: Case, version: str) -> None:
    await check(yard, case, version)


# ---- what a station says of its units ------------------------------------------------------------


async def test_a_limit_in_watts_for_a_station_that_knows_amperes(yard: Yard) -> None:
    name, wire = await yard.station("1.6")
    await knows(
        yard,
        name,
        Variable(component="", variable="ChargingScheduleAllowedChargingRateUnit", value="Current"),
        Variable(component="", variable="ChargeProfileMaxStackLevel", value="5"),
    )
    said = Said(
        "SetChargingProfile",
        {
            "connectorId": 1,
            "csChargingProfiles": {
                **limit_16(1_000_001, "TxDefaultProfile", "A", 16.0, numberPhases=1),
                "stackLevel": 5,
            },
        },
    )
    command = SetLimit(limit_w=3_700, evse=1, phases=1, voltage_v=230)
    answer = await converse(yard, name, wire, command, [said], "1.6")
    assert answer.outcome is Outcome.ACCEPTED


async def test_a_limit_in_amperes_for_a_station_that_knows_watts(yard: Yard) -> None:
    name, wire = await yard.station("2.0.1")
    unit = Variable(component="SmartChargingCtrlr", variable="RateUnit", value="W")
    await knows(yard, name, unit)
    profile = limit_2x(1_000_001, "TxDefaultProfile", "W", 11_040.0)
    said = Said("SetChargingProfile", {"evseId": 1, "chargingProfile": profile})
    await converse(yard, name, wire, SetLimit(limit_a=16, evse=1), [said], "2.0.1")


async def test_a_limit_of_one_session_for_a_while(yard: Yard) -> None:
    name, wire = await yard.station("2.0.1")
    profile = limit_2x(1_010_002, "TxProfile", "W", 4_000.0)
    schedules = profile["chargingSchedule"]
    assert isinstance(schedules, list)
    schedules[0] |= {"startSchedule": MOMENT, "duration": 600}
    profile |= {"transactionId": "tx-7", "chargingProfileKind": "Absolute"}
    said = Said("SetChargingProfile", {"evseId": 1, "chargingProfile": profile})
    command = SetLimit(limit_w=4_000, evse=1, transaction="tx-7", duration_s=600)
    await converse(yard, name, wire, command, [said], "2.0.1")


async def test_no_smart_charging_no_limit(yard: Yard) -> None:
    for version, told in (
        (
            "1.6",
            Variable(component="", variable="SupportedFeatureProfiles", value="Core, Reservation"),
        ),
        ("2.1", Variable(component="SmartChargingCtrlr", variable="Available", value="False")),
    ):
        name, wire = await yard.station(version)
        await knows(yard, name, told)
        answer = await put(yard, name, SetLimit(limit_w=1))
        assert answer.outcome is Outcome.UNSUPPORTED
        assert told.variable in answer.reason
        assert await quiet(wire)
