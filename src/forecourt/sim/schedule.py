"""Composite schedules: what an outlet, or the whole station, may take from now on. No version."""

from forecourt.sim.limits import PERIODS_MAX, Place, Unit
from forecourt.sim.station import Station


def composite(
    station: Station, evse: int, duration_s: float, unit: Unit
) -> list[tuple[int, float]] | None:
    """(second, limit in the unit) where it changes; None for an outlet that is not there."""
    now, model = station.world.now, station.plan.model
    if evse == 0:
        steps = _whole(station, now, duration_s)
        amp_w = float(model.volts * model.phases)
    else:
        outlet = station.outlet(evse)
        if outlet is None:
            return None
        steps = outlet.composite(now, duration_s)
        amp_w = float(model.volts * (model.phases if model.dc else outlet.phases))
    return [(int(at), round(watts if unit == "W" else watts / amp_w, 1)) for at, watts in steps]


def _whole(station: Station, now: float, duration_s: float) -> list[tuple[float, float]]:
    """The station's own connection, and the profiles that are about all of it."""
    model = station.plan.model
    hardware_w = float(model.station_w or model.outlet_w * len(station.outlets))
    place = Place(evse=0, tx_begun=None, volts=float(model.volts), phases=model.phases)
    steps: list[tuple[float, float]] = []
    for at in (now, *station.limits.changes(now, now + duration_s, place)):
        limit_w = station.limits.setting(at, place).limit_w
        watts = hardware_w if limit_w is None else min(hardware_w, limit_w)
        if not steps or steps[-1][1] != watts:
            steps.append((at - now, watts))
    return steps[:PERIODS_MAX]
