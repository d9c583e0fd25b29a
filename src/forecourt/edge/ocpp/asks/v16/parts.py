"""OCPP 1.6: parts that many messages have, and what a station says that it can do."""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from forecourt.domain.stations import ChargingProfile
from forecourt.edge.ocpp.asks.shape import pascal
from forecourt.edge.ocpp.asks.table import Facts
from forecourt.protocol.ocpp import v16

PURPOSES: Final[Mapping[str, v16.ChargingProfilePurposeType]] = {
    "station_max": "ChargePointMaxProfile",
    "tx_default": "TxDefaultProfile",
    "tx": "TxProfile",
}
JUDGED_BY: Final = frozenset(
    {
        "ChargeProfileMaxStackLevel",
        "ChargingScheduleAllowedChargingRateUnit",
        "LocalAuthListMaxLength",
        "ReserveConnectorZeroSupported",
        "SendLocalListMaxLength",
        "SupportedFeatureProfiles",
    }
)


def feature(name: str) -> Callable[[Facts], str]:
    """Refuse where a station named its feature profiles, and this is not among them."""

    def refuse(facts: Facts) -> str:
        told = facts.value("SupportedFeatureProfiles") or ""
        named = {word.strip().casefold() for word in told.split(",")} - {""}
        if not named or name.casefold() in named:
            return ""
        return f"the station's SupportedFeatureProfiles have no {name}: {told[:200]}"

    return refuse


def purpose(word: str) -> v16.ChargingProfilePurposeType:
    """Raises ValidationError for what 1.6 has no profiles for."""
    found = PURPOSES.get(word)
    if found is None:
        raise msgspec.ValidationError(f"there are no profiles for {word}")
    return found


def profile(asked: ChargingProfile) -> v16.ChargingProfile:
    """A charging profile. Raises ValidationError for what 1.6 does not know."""
    if len(asked.schedules) != 1:
        raise msgspec.ValidationError("a profile has one schedule")
    if asked.transaction is not None and not asked.transaction.isdecimal():
        raise msgspec.ValidationError("transactions have numbers")
    (schedule,) = asked.schedules
    told = msgspec.to_builtins(asked)
    newer = told.keys() & {
        "max_offline_duration_s",
        "invalid_after_offline_duration",
        "dynamic_update_interval_s",
    }
    newer |= msgspec.to_builtins(schedule).keys() & {
        "limit_at_soc",
        "power_tolerance",
        "use_local_time",
        "randomized_delay_s",
    }
    for period in schedule.periods:
        newer |= msgspec.to_builtins(period).keys() - {"start_period", "limit", "number_phases"}
    if newer:
        raise msgspec.ValidationError(f"profiles have no {', '.join(sorted(newer))}")
    return msgspec.convert(
        {
            "chargingProfileId": asked.id,
            "stackLevel": asked.stack_level,
            "chargingProfilePurpose": purpose(asked.purpose),
            "chargingProfileKind": pascal(asked.kind),
            **({"recurrencyKind": pascal(asked.recurrency)} if asked.recurrency else {}),
            **({"validFrom": asked.valid_from} if asked.valid_from else {}),
            **({"validTo": asked.valid_to} if asked.valid_to else {}),
            **({"transactionId": int(asked.transaction)} if asked.transaction else {}),
            "chargingSchedule": {
                "chargingRateUnit": schedule.unit,
                **({"duration": schedule.duration_s} if schedule.duration_s is not None else {}),
                **({"startSchedule": schedule.start_at} if schedule.start_at else {}),
                **({"minChargingRate": schedule.min_rate} if schedule.min_rate is not None else {}),
                "chargingSchedulePeriod": [
                    {
                        "startPeriod": period.start_period,
                        **({"limit": period.limit} if period.limit is not None else {}),
                        **(
                            {"numberPhases": period.number_phases}
                            if period.number_phases is not None
                            else {}
                        ),
                    }
                    for period in schedule.periods
                ],
            },
        },
        v16.ChargingProfile,
    )
