"""What the device model's living variables say: looked up in the station, nothing kept."""

from collections.abc import Callable, Mapping
from typing import Final

from forecourt.sim.outlet import Connector, Outlet
from forecourt.sim.readings import moment
from forecourt.sim.station import Station
from forecourt.sim.v2x.entry import Entry

_LIST_BYTES: Final = 60
_AMBIENT_C: Final = 18.0
_AT_FULL_LOAD_C: Final = 42.0
"""How much warmer than its surroundings a part gets under full load."""


def ambient_c(now: float) -> float:
    """A plain day: coldest at four, warmest at sixteen."""
    hours_from_noonday = (now / 3600.0 - 16.0) % 24.0
    return _AMBIENT_C + 6.0 * (1.0 - min(hours_from_noonday, 24.0 - hours_from_noonday) / 6.0)


def temperature_c(station: Station, outlet: Outlet) -> float:
    load = abs(outlet.power_w) / station.plan.model.outlet_w
    return ambient_c(station.world.now) + _AT_FULL_LOAD_C * load


def station_w(station: Station) -> float:
    return sum(outlet.power_w for outlet in station.outlets)


def state(station: Station, outlet: Outlet, connector: Connector) -> str:
    return station.voice.spell(outlet, outlet.state_of(connector))


def _bool(value: object) -> str:
    return "true" if value else "false"


_OF_STATION: Final[Mapping[str, Callable[[Station], str]]] = {
    "ambient": lambda s: f"{ambient_c(s.world.now):.1f}",
    "cache_bytes": lambda s: str(len(s.cards.cache) * _LIST_BYTES),
    "certificates": lambda s: str(len(s.vault.installed)),
    "clock": lambda s: moment(s.world.now).isoformat(timespec="seconds").replace("+00:00", "Z"),
    "firmware": lambda s: s.firmware,
    "identity": lambda s: s.plan.identity,
    "list_bytes": lambda s: str(len(s.cards.list) * _LIST_BYTES),
    "listed": lambda s: str(len(s.cards.list)),
    "network_slot": lambda s: str(s.network.slot),
    "on": lambda s: _bool(s.powered),
    "online": lambda s: _bool(s.online),
    "profiles": lambda s: str(len(s.limits)),
    "security_profile": lambda s: str(s.knobs.security_profile),
    "serial": lambda s: s.plan.serial,
    "signal": lambda s: f"{-60.0 - (s.world.now // 60) % 25:.0f}",
    "station_amps": lambda s: f"{abs(station_w(s)) / s.plan.model.volts / s.plan.model.phases:.1f}",
    "station_enabled": lambda s: _bool(any(o.operative for o in s.outlets)),
    "station_energy": lambda s: str(sum(o.shown_wh for o in s.outlets)),
    "station_power": lambda s: f"{station_w(s):.0f}",
    "station_problem": lambda s: _bool(any(o.fault for o in s.outlets)),
    "station_state": lambda s: (
        "Faulted" if all(o.fault for o in s.outlets)
        else "Available" if any(o.operative for o in s.outlets)
        else "Unavailable"
    ),
    "station_temperature": lambda s: f"{max(temperature_c(s, o) for o in s.outlets):.1f}",
}  # fmt: skip

_OF_EVSE: Final[Mapping[str, Callable[[Station, Outlet], str]]] = {
    "charged_s": lambda _, o: f"{o.tx.charged_s if o.tx else 0.0:.0f}",
    "evse_amps": lambda s, o: f"{o.read(s.world.now).amps:.1f}",
    "evse_enabled": lambda _, o: _bool(o.operative),
    "evse_energised": lambda _, o: _bool(o.energised),
    "evse_energy": lambda _, o: str(o.shown_wh),
    "evse_export": lambda _, o: f"{o.export_wh:.0f}",
    "evse_id": lambda s, o: f"DE*FCR*E{s.plan.serial}*{o.id}",
    "evse_plugged": lambda _, o: _bool(o.plugged),
    "evse_power": lambda _, o: f"{o.power_w:.0f}",
    "evse_problem": lambda _, o: _bool(o.fault),
    "evse_session": lambda _, o: str(o.shown_wh - o.tx.start_wh if o.tx else 0),
    "evse_state": lambda s, o: state(s, o, o.connector or o.connectors[0]),
    "evse_talks": lambda _, o: _bool(o.car is not None and o.car.talk != "none"),
    "evse_temperature": lambda s, o: f"{temperature_c(s, o):.1f}",
    "evse_volts": lambda s, o: f"{o.read(s.world.now).volts:.0f}",
    "fan": lambda s, o: f"{600 + 2400 * abs(o.power_w) / s.plan.model.outlet_w:.0f}",
    "never": lambda _, __: "false",
    "pilot": lambda _, o: "C" if o.energised and o.paused != "EV" else "B" if o.plugged else "A",
    "pilot_pct": lambda s, o: (
        f"{o.on_offer_w / s.plan.model.volts / o.phases / 0.6:.0f}" if o.energised else "100"
    ),
    "vehicle": lambda _, o: address(o),
}  # fmt: skip


def address(outlet: Outlet) -> str:
    """A vehicle's own, the same each time it comes; nothing, without one."""
    if outlet.car is None:
        return ""
    return outlet.car.model.name.encode()[:6].ljust(6, b"0").hex().upper()


def read(station: Station, entry: Entry, kept: Mapping[str, Callable[[], str]]) -> str:
    """The value of a variable now. ``kept``: what the voice's own organs know."""
    if not entry.live:
        return entry.key.read(station.knobs)
    if entry.live in kept:
        return kept[entry.live]()
    if entry.live in _OF_STATION:
        return _OF_STATION[entry.live](station)
    assert entry.evse is not None, "the rest is about an outlet"
    outlet = station.outlets[entry.evse - 1]
    if entry.live == "connector_state":
        assert entry.connector is not None, "a connector's own"
        return state(station, outlet, outlet.connectors[entry.connector - 1])
    return _OF_EVSE[entry.live](station, outlet)
