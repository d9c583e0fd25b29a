"""An outlet (EVSE) and what flows through it: connectors, the plugged car, the meter.

Physics and facts; it decides nothing, and knows no protocol. Power is positive into the car.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Final, Literal, Protocol

from msgspec import Struct

from forecourt.sim.cars import Car, Plug
from forecourt.sim.limits import PERIODS_MAX, Limits, Place, Setting
from forecourt.sim.models import StationModel
from forecourt.sim.timeline import Timer


class State(StrEnum):
    """What a connector is doing, in the finest words that any version has."""

    AVAILABLE = "Available"
    PREPARING = "Preparing"
    CHARGING = "Charging"
    SUSPENDED_EV = "SuspendedEV"
    SUSPENDED_EVSE = "SuspendedEVSE"
    RESERVED = "Reserved"
    FINISHING = "Finishing"
    UNAVAILABLE = "Unavailable"
    FAULTED = "Faulted"


Fault = Literal[
    "GroundFailure",
    "OverCurrentFailure",
    "HighTemperature",
    "PowerMeterFailure",
    "ReaderFailure",
    "ConnectorLockFailure",
    "EVCommunicationError",
    "InternalError",
]
FAULTS: Final[tuple[Fault, ...]] = (
    "GroundFailure", "OverCurrentFailure", "HighTemperature", "PowerMeterFailure",
    "ReaderFailure", "ConnectorLockFailure", "EVCommunicationError", "InternalError",
)  # fmt: skip

Reason = Literal[
    "Local", "Remote", "EVDisconnected", "DeAuthorized", "PowerLoss", "SoftReset", "HardReset",
    "EmergencyStop", "UnlockCommand", "Timeout", "Other", "EnergyLimit", "TimeLimit", "SocLimit",
    "CostLimit", "EVStopped",
]  # fmt: skip
"""Why a transaction ended, in our words; each version spells them its own way."""


class Person(Protocol):
    """Whoever stands before the outlet, or left a car there."""

    def granted(self) -> None: ...

    def refused(self) -> None: ...

    def satisfied(self) -> None: ...

    def stopped(self) -> None: ...


class Sample(Struct, frozen=True, kw_only=True):
    """What the meter of an outlet shows at a moment."""

    at: float
    register_wh: int
    power_w: float
    offered_w: float
    amps: float
    phases: int
    volts: float
    soc_pct: int | None
    export_wh: int = 0


class Ceiling(Struct, frozen=True, kw_only=True):
    """Where a transaction is to stop by itself. None: nowhere."""

    energy_wh: float | None = None
    time_s: float | None = None
    soc_pct: float | None = None
    cost: float | None = None


class Transaction:
    """One transaction as the station remembers it."""

    __slots__ = (
        "aligned",
        "begun_at",
        "ceiling",
        "charged_s",
        "connector",
        "ended",
        "group",
        "outlet",
        "ref",
        "remote_start_id",
        "reservation_id",
        "samples",
        "seq",
        "start_wh",
        "stop_reason",
        "token",
        "told_state",
        "told_token",
        "wire_id",
    )

    def __init__(self, ref: str, outlet: "Outlet", *, begun_at: float) -> None:
        self.ref = ref
        """Our own name for it; in 2.x also the one on the wire."""
        self.outlet = outlet
        self.begun_at = begun_at
        self.connector: Connector | None = outlet.connector
        self.token: str | None = outlet.token
        self.start_wh = outlet.shown_wh
        self.seq = 0
        self.wire_id: int | None = None
        """1.6: the number that the central system gave it, once it has."""
        self.remote_start_id: int | None = outlet.remote_start_id
        self.told_state: str | None = None
        self.told_token = False
        self.reservation_id: int | None = None
        self.group: str | None = None
        self.ceiling: Ceiling | None = None
        self.charged_s = 0.0
        self.samples: list[Sample] | None = None
        self.aligned: list[Sample] | None = None
        """What is kept to be told at the end, where somebody asked for it."""
        self.stop_reason: Reason | None = None
        self.ended = False


class Connector:
    """One plug or socket of an outlet."""

    __slots__ = ("id", "number", "plug", "reported")

    def __init__(self, *, number: int, connector_id: int, plug: Plug) -> None:
        self.number = number
        """Counted over the whole station, as 1.6 counts."""
        self.id = connector_id
        """Counted within its outlet, as 2.x counts."""
        self.plug: Plug = plug
        self.reported: str | None = None
        """The status that the central system was last told."""


_FLOWING: Final = {
    None: State.CHARGING,
    "EV": State.SUSPENDED_EV,
    "EVSE": State.SUSPENDED_EVSE,
}


class Outlet:
    """One EVSE."""

    __slots__ = (
        "_model",
        "_share_w",
        "_sharers",
        "car",
        "connector",
        "connectors",
        "energised",
        "export_wh",
        "fault",
        "held",
        "id",
        "limits",
        "metered_at",
        "on_offer_w",
        "operative",
        "operative_next",
        "paused",
        "person",
        "priority",
        "register_wh",
        "remote_start_id",
        "served",
        "target_wh",
        "timers",
        "token",
        "tx",
    )

    def __init__(
        self,
        outlet_id: int,
        model: StationModel,
        *,
        first_number: int,
        limits: Limits,
        register_wh: float,
        share_w: Callable[[], float],
        sharers: Callable[[], int],
    ) -> None:
        self.id = outlet_id
        self._model = model
        self._share_w = share_w
        self._sharers = sharers
        self.limits = limits
        self.connectors = [
            Connector(number=first_number + n, connector_id=n + 1, plug=plug)
            for n, plug in enumerate(model.outlets[outlet_id - 1])
        ]
        self.register_wh = register_wh
        self.export_wh = 0.0
        self.metered_at = 0.0
        self.on_offer_w = 0.0
        self.connector: Connector | None = None
        """The one that is in use."""
        self.car: Car | None = None
        self.target_wh = 0.0
        self.token: str | None = None
        """Who is authorised to charge here now."""
        self.remote_start_id: int | None = None
        self.energised = False
        self.paused: Literal["EV", "EVSE"] | None = None
        self.held = False
        """Kept free for somebody who reserved it."""
        self.priority = False
        self.served = False
        """The session is over, the cable still in."""
        self.fault: Fault | None = None
        self.operative = True
        self.person: Person | None = None
        self.operative_next: bool | None = None
        """A change of availability that waits for the session to end."""
        self.tx: Transaction | None = None
        self.timers: dict[str, Timer] = {}

    @property
    def plugged(self) -> bool:
        return self.car is not None

    @property
    def idle(self) -> bool:
        """Nobody is here and nobody is awaited."""
        return self.car is None and self.token is None and self.tx is None

    @property
    def usable(self) -> bool:
        return self.idle and self.operative and self.fault is None and not self.held

    @property
    def shown_wh(self) -> int:
        """The register as the meter shows it: whole steps, never back."""
        step = self._model.meter_step_wh
        return int(self.register_wh // step) * step

    @property
    def phases(self) -> int:
        """How many phases the plugged car uses; the meter of a DC outlet knows none."""
        if self._model.dc or self.car is None:
            return 1 if self._model.dc else self._model.phases
        return min(self._model.phases, self.car.model.phases(self._model.region))

    def state_of(self, connector: Connector) -> State:
        """Derived, so that it cannot disagree with the facts."""
        if self.fault is not None:
            return State.FAULTED
        mine = self.connector is connector or (self.connector is None and connector.id == 1)
        if not self.idle and not mine:
            return State.UNAVAILABLE  # Only one connector of an outlet gives power at a time.
        if self.energised:
            return _FLOWING[self.paused]
        if not self.idle:
            return State.FINISHING if self.served and self.plugged else State.PREPARING
        if not self.operative:
            return State.UNAVAILABLE
        return State.RESERVED if self.held else State.AVAILABLE

    def hardware_w(self) -> float:
        """What the outlet could give: its own parts, and its share of the station."""
        model = self._model
        limit_w = min(float(model.outlet_w), self._share_w())
        if not model.dc:
            return min(limit_w, float(model.volts * model.amps * self.phases))
        if self.car is not None:
            return min(limit_w, self.car.model.pack_v * model.amps)
        return limit_w

    def place(self) -> Place:
        """How charging profiles are to be read here."""
        model = self._model
        return Place(
            evse=self.id,
            tx_begun=self.tx.begun_at if self.tx else None,
            volts=float(model.volts),
            phases=model.phases if model.dc else self.phases,
            sharers=self._sharers(),
            priority=self.priority,
        )

    def limit_w(self, now: float) -> float:
        """What the outlet may give now: hardware, its share of the station, charging profiles."""
        return self._limited(self.limits.setting(now, self.place()))

    def _limited(self, setting: Setting) -> float:
        hardware_w = self.hardware_w()
        if setting.limit_w is None:
            return hardware_w
        too_little = setting.limit_w < self._model.limit_w_min
        return 0.0 if too_little else min(hardware_w, setting.limit_w)

    def composite(self, now: float, duration_s: float) -> list[tuple[float, float]]:
        """What it may give from now on, as (seconds from now, W) where it changes."""
        place = self.place()
        moments = [now, *self.limits.changes(now, now + duration_s, place)]
        steps: list[tuple[float, float]] = []
        for at in moments:
            watts = self._limited(self.limits.setting(at, place))
            if not steps or steps[-1][1] != watts:
                steps.append((at - now, watts))
        return steps[:PERIODS_MAX]

    def _wanted_w(self, now: float) -> float:
        """What is to flow at most: negative when the car is to give."""
        setting = self.limits.setting(now, self.place())
        limit_w = self._limited(setting)
        if setting.setpoint_w is None:
            return limit_w
        if setting.setpoint_w >= 0:
            return min(limit_w, setting.setpoint_w)
        most_w = self.hardware_w()
        if self.limits.discharge_pct is not None:
            most_w *= self.limits.discharge_pct / 100.0
        floor_w = max(setting.setpoint_w, setting.discharge_w, -most_w)
        gives_w = 0.0
        if self.car is not None:
            gives_w = self.car.gives_w(dc=self._model.dc, region=self._model.region)
        return max(floor_w, -gives_w)

    def offer(self, now: float) -> None:
        """Decide again what is on offer from now on; what flowed until now is metered first."""
        self.meter(now)
        self.on_offer_w = self._wanted_w(now) if self.energised else 0.0

    def meter(self, now: float) -> None:
        """Bring battery and registers up to this moment."""
        duration_s, self.metered_at = now - self.metered_at, now
        car = self.car
        if duration_s <= 0 or not self.energised or car is None or self.on_offer_w == 0:
            return
        dc, region = self._model.dc, self._model.region
        if self.on_offer_w < 0:
            self.export_wh += car.discharge(
                duration_s, limit_w=-self.on_offer_w, dc=dc, region=region
            )
            flowed = True
        else:
            metered_wh = car.charge(
                duration_s,
                limit_w=self.on_offer_w,
                dc=dc,
                region=region,
                target_wh=self.target_wh,
            )
            self.register_wh += metered_wh
            flowed = metered_wh > 0
        if self.tx is not None and flowed:
            self.tx.charged_s += duration_s

    @property
    def satisfied(self) -> bool:
        car = self.car
        return car is not None and car.energy_wh >= min(self.target_wh, car.capacity_wh) - 0.5

    @property
    def power_w(self) -> float:
        """What flows now."""
        if not self.energised or self.car is None:
            return 0.0
        if self.on_offer_w < 0:
            gives_w = self.car.gives_w(dc=self._model.dc, region=self._model.region)
            return -min(gives_w, -self.on_offer_w)
        if self.satisfied:
            return 0.0
        takes_w = self.car.takes_w(dc=self._model.dc, region=self._model.region)
        return min(takes_w, self.on_offer_w)

    def read(self, now: float) -> Sample:
        """Read the meter."""
        self.meter(now)
        power_w, phases = self.power_w, self.phases
        volts = float(self._model.volts)
        if self._model.dc and self.car is not None:
            volts = self.car.model.pack_v * (0.9 + 0.15 * self.car.soc_pct / 100.0)
        with_soc = self.car is not None and (self._model.dc or self.car.talk != "none")
        return Sample(
            at=now,
            register_wh=self.shown_wh,
            power_w=power_w,
            offered_w=self.on_offer_w,
            amps=power_w / volts / phases,
            phases=phases,
            volts=volts,
            soc_pct=int(self.car.soc_pct) if with_soc and self.car is not None else None,
            export_wh=int(self.export_wh),
        )

    def cancel(self, *names: str) -> None:
        for name in names:
            timer = self.timers.pop(name, None)
            if timer is not None:
                timer.cancel()
