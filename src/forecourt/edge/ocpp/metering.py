"""Sampled values of all versions as readings: the main registers in base units, the rest verbatim.

Only what was measured at the outlet counts. A value of all phases is preferred; where a station
sends single phases alone, they are added up (except percentages).
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final
from zlib import crc32

import msgspec

from forecourt.domain.sessions import Reading
from forecourt.protocol.ocpp import v16, v21, v201
from forecourt.protocol.ocpp.values import in_utc

IMPORT, EXPORT, POWER, POWER_OUT, SOC = range(5)

_PLACES: Final = {
    None: IMPORT,  # The default of all versions.
    "Energy.Active.Import.Register": IMPORT,
    "Energy.Active.Export.Register": EXPORT,
    "Power.Active.Import": POWER,
    "Power.Active.Export": POWER_OUT,
    "SoC": SOC,
}
_FACTORS: Final = {None: 1.0, "Wh": 1.0, "kWh": 1000.0, "W": 1.0, "kW": 1000.0, "Percent": 1.0}
_SINGLE_PHASES: Final = frozenset({"L1", "L2", "L3", "L1-N", "L2-N", "L3-N"})
_AT_OUTLET: Final = frozenset({None, "Outlet"})

# What no meter shows: a value beyond is a fault of the station, kept in the samples alone.
_WH_MAX: Final = 10**15
_W_MAX: Final = 10**9

_encode: Final = msgspec.json.Encoder().encode


def readings_16(values: Iterable[v16.MeterValue]) -> list[Reading]:
    """1.6 MeterValue."""
    return [_reading_16(value) for value in values if value.sampled_value]


def readings_2x(values: Iterable[v201.MeterValue | v21.MeterValue]) -> list[Reading]:
    """2.0.1 and 2.1 MeterValueType."""
    return [_reading_2x(value) for value in values]


def _reading_16(value: v16.MeterValue) -> Reading:
    whole: list[float | None] = [None] * 5
    phases: list[float | None] | None = None
    samples = value.sampled_value
    for sample in samples:
        place = _PLACES.get(sample.measurand)
        if place is None or sample.location not in _AT_OUTLET or sample.format == "SignedData":
            continue
        factor = _FACTORS.get(sample.unit)
        if factor is None:
            continue
        try:
            number = float(sample.value) * factor
        except ValueError:
            continue  # Kept verbatim in the samples; it is no number.
        if sample.phase is None:
            whole[place] = number
        elif sample.phase in _SINGLE_PHASES:
            phases = phases or [None] * 5
            phases[place] = (phases[place] or 0.0) + number
    return _reading(value.timestamp, whole, phases, _encode(samples))


def _reading_2x(value: v201.MeterValue | v21.MeterValue) -> Reading:
    whole: list[float | None] = [None] * 5
    phases: list[float | None] | None = None
    samples = value.sampled_value
    for sample in samples:
        place = _PLACES.get(sample.measurand)
        if place is None or sample.location not in _AT_OUTLET:
            continue
        unit = sample.unit_of_measure
        number = sample.value
        if unit is not None:
            factor = _FACTORS.get(unit.unit)
            if factor is None:
                continue
            number *= factor
            if unit.multiplier:
                number *= 10.0**unit.multiplier
        if sample.phase is None:
            whole[place] = number
        elif sample.phase in _SINGLE_PHASES:
            phases = phases or [None] * 5
            phases[place] = (phases[place] or 0.0) + number
    return _reading(value.timestamp, whole, phases, _encode(samples))


def _reading(
    moment: datetime, whole: list[float | None], phases: list[float | None] | None, samples: bytes
) -> Reading:
    if phases is not None:
        for place in (IMPORT, EXPORT, POWER, POWER_OUT):
            if whole[place] is None:
                whole[place] = phases[place]
    energy_wh, export_wh, power_w, out_w, soc_pct = whole
    if out_w:
        power_w = (power_w or 0.0) - out_w
    return Reading(
        moment if moment.tzinfo is UTC else in_utc(moment),
        None if energy_wh is None else _rounded(energy_wh, _WH_MAX),
        None if export_wh is None else _rounded(export_wh, _WH_MAX),
        None if power_w is None else _rounded(power_w, _W_MAX),
        soc_pct,
        samples.decode(),
        crc32(samples),
    )


def _rounded(number: float, most: int) -> int | None:
    # NaN compares false with everything.
    return round(number) if -most <= number <= most else None
