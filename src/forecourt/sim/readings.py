"""What a meter's sample says of each measurand: the same numbers for every version."""

from datetime import UTC, datetime
from typing import Final, get_args

from forecourt.sim.models import Measurand
from forecourt.sim.outlet import Sample

MEASURANDS: Final[tuple[Measurand, ...]] = get_args(Measurand)
UNITS: Final[dict[Measurand, str]] = {
    "Energy.Active.Import.Register": "Wh",
    "Energy.Active.Export.Register": "Wh",
    "Power.Active.Import": "W",
    "Power.Active.Export": "W",
    "Power.Offered": "W",
    "Power.Factor": "",
    "Current.Import": "A",
    "Current.Export": "A",
    "Current.Offered": "A",
    "Frequency": "Hertz",
    "Voltage": "V",
    "SoC": "Percent",
}
BY_PHASE: Final[frozenset[Measurand]] = frozenset({"Current.Import", "Current.Export"})


def moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def reading(sample: Sample, measurand: Measurand) -> float | None:  # noqa: C901, PLR0911 - a table
    """One measurand of a sample; None when this outlet cannot measure it now."""
    match measurand:
        case "Energy.Active.Import.Register":
            return sample.register_wh
        case "Energy.Active.Export.Register":
            return sample.export_wh
        case "Power.Active.Import":
            return max(sample.power_w, 0.0)
        case "Power.Active.Export":
            return max(-sample.power_w, 0.0)
        case "Power.Offered":
            return max(sample.offered_w, 0.0)
        case "Power.Factor":
            return 0.99 if sample.power_w else 1.0
        case "Current.Import":
            return max(sample.amps, 0.0)
        case "Current.Export":
            return max(-sample.amps, 0.0)
        case "Current.Offered":
            return max(sample.offered_w, 0.0) / sample.volts / sample.phases
        case "Frequency":
            # The grid is never quite still, and the whole country hears the same.
            return 50.0 + ((sample.at // 10) % 7 - 3) * 0.01
        case "Voltage":
            return sample.volts
        case "SoC":
            return sample.soc_pct
