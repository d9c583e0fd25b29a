"""Charging stations as products: what is on the wall, and how its firmware behaves. Data, no code.

Knows no protocol; the words here are the field's, and each version's voice spells them its own way.
"""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec
from msgspec import Struct

from forecourt.sim.cars import AC_MIN_A, Plug, Region

Current = Literal["AC", "DC"]
Measurand = Literal[
    "Energy.Active.Import.Register",
    "Energy.Active.Export.Register",
    "Power.Active.Import",
    "Power.Active.Export",
    "Power.Offered",
    "Power.Factor",
    "Current.Import",
    "Current.Export",
    "Current.Offered",
    "Frequency",
    "Voltage",
    "SoC",
]
TxPoint = Literal["EVConnected", "Authorized", "PowerPathClosed"]


class StationModel(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One product of one maker."""

    vendor: str
    model: str
    firmware: str
    region: Region
    current: Current
    outlets: tuple[tuple[Plug, ...], ...]
    """The connectors of each EVSE; only one connector of an EVSE gives power at a time."""
    outlet_w: int
    station_w: int = 0
    """What all outlets together may give; 0 when nothing is shared."""
    amps: int
    phases: int
    volts: int
    heartbeat_s: int
    sample_s: int
    boot_s: int
    meter_step_wh: int
    measurands: tuple[Measurand, ...]
    on_power_loss: Literal["end", "resume"]
    tx_start: TxPoint
    tx_stop: Literal["EVConnected", "Authorized"]

    @property
    def dc(self) -> bool:
        return self.current == "DC"

    @property
    def limit_w_min(self) -> float:
        """Below this an outlet pauses instead of charging."""
        return 500.0 if self.dc else AC_MIN_A * self.volts


@cache
def station_models() -> dict[str, StationModel]:
    """Every product of the data file, by its name there."""
    data = files("forecourt.sim").joinpath("data/models.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(data), dict[str, StationModel])
