"""Commands about the grid and about tariffs (2.1): what the station hears."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from forecourt.domain.stations import (
    AfrrSignal,
    ChangeTransactionTariff,
    ClearDerControl,
    ClearTariffs,
    Conditions,
    ControlType,
    CostUpdated,
    Curve,
    CurvePoint,
    DisplayText,
    EnergyPrice,
    EnergyPrices,
    EnterService,
    FixedPowerFactor,
    FixedVar,
    FreqDroop,
    GetDerControl,
    GetTariffs,
    Gradient,
    LimitMaxDischarge,
    NotifyAllowedEnergyTransfer,
    NotifyWebPaymentStarted,
    Outcome,
    Price,
    RequestBatterySwap,
    SetDefaultTariff,
    SetDerControl,
    StationTariff,
    Superseded,
    TariffCleared,
    TariffHeld,
    TariffsCleared,
    TariffsHeld,
    TaxRate,
)
from tests.edge.ocpp.asked import (
    NUMBER,
    Case,
    Said,
    check,
    every,
    in_2x,
    in_21,
)
from tests.edge.ocpp.house import IN_THE_HOUSE, Yard

pytestmark = IN_THE_HOUSE

NOON: Final = datetime(2026, 12, 1, 12, tzinfo=UTC)

# ---- the grid ------------------------------------------------------------------------------------


def control(kind: str, **settings: object) -> dict[str, object]:
    return {"isDefault": False, "controlId": "c-1", "controlType": kind, **settings}


POINTS: Final = (CurvePoint(x=1.0, y=2.0), CurvePoint(x=3.0, y=4.0))
CURVE: Final = Curve(curve_data=POINTS, priority=1, y_unit="PctMaxW", duration=60.0)
CURVE_21: Final = {
    "curveData": [{"x": 1.0, "y": 2.0}, {"x": 3.0, "y": 4.0}],
    "priority": 1,
    "yUnit": "PctMaxW",
    "duration": 60.0,
}
POWER_FACTOR: Final = FixedPowerFactor(priority=1, displacement=0.95, excitation=True)
POWER_FACTOR_21: Final = {"priority": 1, "displacement": 0.95, "excitation": True}
POWER_FACTORS: Final[tuple[tuple[ControlType, str], ...]] = (
    ("FixedPFAbsorb", "fixedPFAbsorb"),
    ("FixedPFInject", "fixedPFInject"),
)
GRID: Final = [
    Case(
        SetDerControl(id="c-1", type="VoltVar", default=False, curve=CURVE),
        in_21(
            Said(
                "SetDERControl",
                control("VoltVar", curve=CURVE_21),
                {"status": "Accepted", "supersededIds": ["c-0"]},
            )
        ),
        details=Superseded(ids=("c-0",)),
    ),
    Case(
        SetDerControl(
            id="c-1",
            type="EnterService",
            default=False,
            enter_service=EnterService(
                priority=1, high_voltage=253, low_voltage=207, high_freq=50.1, low_freq=49.9
            ),
        ),
        in_21(
            Said(
                "SetDERControl",
                control(
                    "EnterService",
                    enterService={
                        "priority": 1,
                        "highVoltage": 253.0,
                        "lowVoltage": 207.0,
                        "highFreq": 50.1,
                        "lowFreq": 49.9,
                    },
                ),
            )
        ),
    ),
    *(
        Case(
            SetDerControl(id="c-1", type=kind, default=False, fixed_pf=POWER_FACTOR),
            in_21(Said("SetDERControl", control(kind, **{field: POWER_FACTOR_21}))),
        )
        for kind, field in POWER_FACTORS
    ),
    Case(
        SetDerControl(
            id="c-1",
            type="FixedVar",
            default=False,
            fixed_var=FixedVar(priority=1, setpoint=10, unit="PctMaxVar"),
        ),
        in_21(
            Said(
                "SetDERControl",
                control(
                    "FixedVar", fixedVar={"priority": 1, "setpoint": 10.0, "unit": "PctMaxVar"}
                ),
            )
        ),
    ),
    Case(
        SetDerControl(
            id="c-1",
            type="FreqDroop",
            default=False,
            freq_droop=FreqDroop(
                priority=1,
                over_freq=50.2,
                under_freq=49.8,
                over_droop=5,
                under_droop=5,
                response_time=0.5,
            ),
        ),
        in_21(
            Said(
                "SetDERControl",
                control(
                    "FreqDroop",
                    freqDroop={
                        "priority": 1,
                        "overFreq": 50.2,
                        "underFreq": 49.8,
                        "overDroop": 5.0,
                        "underDroop": 5.0,
                        "responseTime": 0.5,
                    },
                ),
            )
        ),
    ),
    Case(
        SetDerControl(
            id="c-1",
            type="Gradients",
            default=False,
            gradient=Gradient(priority=1, gradient=10, soft_gradient=5),
        ),
        in_21(
            Said(
                "SetDERControl",
                control(
                    "Gradients", gradient={"priority": 1, "gradient": 10.0, "softGradient": 5.0}
                ),
            )
        ),
    ),
    Case(
        SetDerControl(
            id="c-1",
            type="LimitMaxDischarge",
            default=False,
            limit_max_discharge=LimitMaxDischarge(
                priority=1, pct_max_discharge_power=50, power_monitoring_must_trip=CURVE
            ),
        ),
        in_21(
            Said(
                "SetDERControl",
                control(
                    "LimitMaxDischarge",
                    limitMaxDischarge={
                        "priority": 1,
                        "pctMaxDischargePower": 50.0,
                        "powerMonitoringMustTrip": CURVE_21,
                    },
                ),
            )
        ),
    ),
    Case(SetDerControl(id="c-1", type="VoltVar", default=False, fixed_pf=POWER_FACTOR), {}),
    Case(SetDerControl(id="c-1", type="Gradients", default=True), {}),
    Case(
        GetDerControl(type="VoltVar", default=True),
        in_21(
            Said(
                "GetDERControl",
                {"requestId": NUMBER, "controlType": "VoltVar", "isDefault": True},
                {"status": "NotFound"},
            )
        ),
        outcome=Outcome.NOTHING,
    ),
    Case(
        ClearDerControl(id="c-1", default=False),
        in_21(
            Said(
                "ClearDERControl",
                {"isDefault": False, "controlId": "c-1"},
                {"status": "NotSupported"},
            )
        ),
        outcome=Outcome.UNSUPPORTED,
    ),
    Case(
        AfrrSignal(signal=-5, at=NOON),
        in_21(Said("AFRRSignal", {"signal": -5, "timestamp": "2026-12-01T12:00:00Z"})),
    ),
    Case(
        NotifyAllowedEnergyTransfer(transaction="tx-7", modes=("DC", "DC_BPT")),
        in_21(
            Said(
                "NotifyAllowedEnergyTransfer",
                {"transactionId": "tx-7", "allowedEnergyTransfer": ["DC", "DC_BPT"]},
            )
        ),
    ),
    Case(
        RequestBatterySwap(token="CARD"),
        in_21(
            Said(
                "RequestBatterySwap",
                {"requestId": NUMBER, "idToken": {"idToken": "CARD", "type": "Central"}},
            )
        ),
    ),
]


@every(GRID)
async def test_grid_commands(yard: Yard, case: Case, version: str) -> None:
    await check(yard, case, version)


# ---- tariffs -------------------------------------------------------------------------------------

TARIFF: Final = StationTariff(
    tariff_id="T-1",
    currency="EUR",
    description=(DisplayText(content="Day", language="en"),),
    energy=EnergyPrices(
        prices=(
            EnergyPrice(
                price_kwh=Decimal("0.49"),
                conditions=Conditions(start_time_of_day="06:00", day_of_week=("Monday",)),
            ),
            EnergyPrice(price_kwh=Decimal("0.39")),
        ),
        tax_rates=(TaxRate(type="VAT", tax=Decimal(19)),),
    ),
    max_cost=Price(incl_tax=Decimal(50)),
)
TARIFF_21: Final = {
    "tariffId": "T-1",
    "currency": "EUR",
    "description": [{"content": "Day", "format": "UTF8", "language": "en"}],
    "energy": {
        "prices": [
            {
                "priceKwh": 0.49,
                "conditions": {"startTimeOfDay": "06:00", "dayOfWeek": ["Monday"]},
            },
            {"priceKwh": 0.39},
        ],
        "taxRates": [{"type": "VAT", "tax": 19.0}],
    },
    "maxCost": {"inclTax": 50.0},
}
TARIFFS: Final = [
    Case(
        CostUpdated(transaction="tx-7", total_cost=Decimal("12.34")),
        in_2x(Said("CostUpdated", {"transactionId": "tx-7", "totalCost": 12.34}, {})),
    ),
    Case(
        SetDefaultTariff(tariff=TARIFF, evse=1),
        in_21(
            Said(
                "SetDefaultTariff",
                {"evseId": 1, "tariff": TARIFF_21},
                {"status": "ConditionNotSupported"},
            )
        ),
        outcome=Outcome.REJECTED,
    ),
    Case(
        ChangeTransactionTariff(transaction="tx-7", tariff=TARIFF),
        in_21(Said("ChangeTransactionTariff", {"transactionId": "tx-7", "tariff": TARIFF_21})),
    ),
    Case(
        GetTariffs(evse=1),
        in_21(
            Said(
                "GetTariffs",
                {"evseId": 1},
                {
                    "status": "Accepted",
                    "tariffAssignments": [
                        {
                            "tariffId": "T-1",
                            "tariffKind": "DefaultTariff",
                            "validFrom": "2026-12-01T12:00:00Z",
                            "evseIds": [1, 2],
                        }
                    ],
                },
            )
        ),
        details=TariffsHeld(
            tariffs=(TariffHeld(tariff_id="T-1", kind="default", valid_from=NOON, evses=(1, 2)),)
        ),
    ),
    Case(
        ClearTariffs(tariff_ids=("T-1", "T-2")),
        in_21(
            Said(
                "ClearTariffs",
                {"tariffIds": ["T-1", "T-2"]},
                {
                    "clearTariffsResult": [
                        {"tariffId": "T-1", "status": "Accepted"},
                        {"tariffId": "T-2", "status": "NoTariff"},
                    ]
                },
            )
        ),
        details=TariffsCleared(
            tariffs=(
                TariffCleared(tariff_id="T-1", status="Accepted"),
                TariffCleared(tariff_id="T-2", status="NoTariff"),
            )
        ),
    ),
    Case(
        NotifyWebPaymentStarted(evse=1, timeout_s=120),
        in_21(Said("NotifyWebPaymentStarted", {"evseId": 1, "timeout": 120}, {})),
    ),
]


@every(TARIFFS)
async def test_tariff_commands(yard: Yard, case: Case, version: str) -> None:
    await check(yard, case, version)
