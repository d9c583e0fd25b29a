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

_IMPORT, _EXPORT, _POWER, _POWER_OUT, _SOC = range(5)

_PLACES: Final = {
    None: _IMPORT,  # The default of all versions.
    "Energy.Active.Import.Register": _IMPORT,
    "Energy.Active.Export.Register": _EXPORT,
    "Power.Active.Import": _POWER,
    "Power.Active.Export": _POWER_OUT,
    "SoC": _SOC,
}
_FACTORS: Final = {None: 1.0, "Wh": 1.0, "kWh": 1000.0, "W": 1.0, "kW": 1000.0, "Percent": 1.0}
_SINGLE_PHASES: Final = frozenset({"L1", "L2", "L3", "L1-N", "L2-N", "L3-N"})

# What no meter shows: a value beyond is a fault of the station, kept in the samples alone. (Floats,
# since comparing a float with an int costs four times as much.)
_WH_MIN, _WH_MAX = -1e15, 1e15
_W_MIN, _W_MAX = -1e9, 1e9

_encode: Final = msgspec.json.Encoder().encode


def readings_16(values: Iterable[v16.MeterValue]) -> list[Reading]:
    """1.6 MeterValue."""
    return [_reading_16(value) for value in values if value.sampled_value]


def readings_2x(values: Iterable[v201.MeterValue | v21.MeterValue]) -> list[Reading]:
    """2.0.1 and 2.1 MeterValueType."""
    return [_reading_2x(value) for value in values]


def _reading_16(value: v16.MeterValue) -> Reading:
    whole: list[float | None] = [None, None, None, None, None]
    phases: list[float | None] | None = None
    samples = value.sampled_value
    for sample in samples:
        place = _PLACES.get(sample.measurand)
        if place is None:
            continue
        factor = _FACTORS.get(sample.unit)
        location = sample.location
        if factor is None or not (location is None or location == "Outlet"):
            continue
        try:
            number = float(sample.value) * factor
        except ValueError:
            continue  # Kept verbatim in the samples; it is no number, signed data perhaps.
        phase = sample.phase
        if phase is None:
            if sample.format != "SignedData":
                whole[place] = number
        elif phase in _SINGLE_PHASES and sample.format != "SignedData":
            phases = phases or [None] * 5
            phases[place] = (phases[place] or 0.0) + number
    return _reading(value.timestamp, whole, phases, _encode(samples))


def _reading_2x(value: v201.MeterValue | v21.MeterValue) -> Reading:
    whole: list[float | None] = [None, None, None, None, None]
    phases: list[float | None] | None = None
    samples = value.sampled_value
    for sample in samples:
        place = _PLACES.get(sample.measurand)
        if place is None:
            continue
        location = sample.location
        if not (location is None or location == "Outlet"):
            continue
        number = sample.value
        unit = sample.unit_of_measure
        if unit is not None:
            factor = _FACTORS.get(unit.unit)
            if factor is None:
                continue
            number *= factor
            if unit.multiplier:
                number *= 10.0**unit.multiplier
        phase = sample.phase
        if phase is None:
            whole[place] = number
        elif phase in _SINGLE_PHASES:
            phases = phases or [None] * 5
            phases[place] = (phases[place] or 0.0) + number
    return _reading(value.timestamp, whole, phases, _encode(samples))


def _reading(
    moment: datetime, whole: list[float | None], phases: list[float | None] | None, samples: bytes
) -> Reading:
    if phases is not None:
        for place in (_IMPORT, _EXPORT, _POWER, _POWER_OUT):
            if whole[place] is None:
                whole[place] = phases[place]
    energy_wh, export_wh, power_w, out_w, soc_pct = whole
    if out_w:
        power_w = (power_w or 0.0) - out_w
    # A comparison with NaN is false.
    return Reading(
        moment if moment.tzinfo is UTC else in_utc(moment),
        round(energy_wh) if energy_wh is not None and _WH_MIN <= energy_wh <= _WH_MAX else None,
        round(export_wh) if export_wh is not None and _WH_MIN <= export_wh <= _WH_MAX else None,
        round(power_w) if power_w is not None and _W_MIN <= power_w <= _W_MAX else None,
        soc_pct,
        samples.decode(),
        crc32(samples),
    )
