"""What happens at the outlets of a station: cards, reservations, sessions, power, faults. Sans-IO.

It is told what people do and tells its voice; it must not know sockets, boots, drivers' minds, or
how any version spells anything. ``station.Station`` is the rest of the casing.
"""

from abc import ABC, abstractmethod
from functools import partial
from typing import Final, Literal

from forecourt.sim.cards import Cards, Known
from forecourt.sim.cars import Car, Plug
from forecourt.sim.knobs import Knobs
from forecourt.sim.limits import Limits
from forecourt.sim.luck import Luck
from forecourt.sim.outlet import Ceiling, Connector, Fault, Outlet, Reason, Sample, Transaction
from forecourt.sim.reservations import Over, Reservation, Reservations
from forecourt.sim.stats import Stats
from forecourt.sim.timeline import Timeline
from forecourt.sim.voice import Trigger, Verdict, Voice
from forecourt.sim.world import StationPlan

# Charging power is looked at again this often, or sooner when the car will be done.
_PHYSICS_S: Final = 60.0
_PHYSICS_S_MIN: Final = 0.5
# What is kept for the end of a session fits in a message.
_KEPT_MAX: Final = 60
# A change of what is on offer below this is not worth telling (LimitChangeSignificance).
_SIGNIFICANT_SHARE: Final = 0.01
_RAN_OUT: Final[dict[Reason, Trigger]] = {
    "EnergyLimit": "EnergyLimitReached",
    "TimeLimit": "TimeLimitReached",
    "SocLimit": "SoCLimitReached",
    "CostLimit": "CostLimitReached",
}


class Charging(ABC):
    """The outlets of one station, and all that people and cars do there."""

    voice: Voice

    def __init__(
        self, plan: StationPlan, *, stats: Stats, world: Timeline, password: str = ""
    ) -> None:
        self.plan = plan
        self.stats = stats
        self.world = world
        self.luck: Luck = plan.luck("station")
        model = plan.model
        self.knobs = Knobs(
            heartbeat_s=model.heartbeat_s,
            sample_s=model.sample_s,
            measurands=model.measurands,
            password=password,
        )
        self.limits = Limits()
        self.cards = Cards()
        self.reservations = Reservations(world, self._reservation_over)
        self.outlets: list[Outlet] = []
        number = 1
        for n, plugs in enumerate(model.outlets, start=1):
            self.outlets.append(
                Outlet(
                    n,
                    model,
                    first_number=number,
                    limits=self.limits,
                    register_wh=self.luck.between(0.0, 40_000_000.0),
                    share_w=self._share_w,
                    sharers=self.sharers,
                )
            )
            number += len(plugs)
        self.powered = False
        self._life = 0  # Timers of an earlier life of the firmware do nothing.

    # --- What the rest of the casing knows --------------------------------------------------------

    @property
    @abstractmethod
    def online(self) -> bool:
        """Whether the central system listens."""

    @property
    @abstractmethod
    def accepted(self) -> bool:
        """Whether the central system has taken it in."""

    @abstractmethod
    def summon(self, outlet: Outlet, token: str) -> None:
        """A session was started from afar, and somebody should plug in."""

    @abstractmethod
    def all_idle(self) -> None:
        """No transaction runs any more."""

    def outlet(self, evse: int) -> Outlet | None:
        return self.outlets[evse - 1] if 1 <= evse <= len(self.outlets) else None

    def transaction(self, ref: str) -> Transaction | None:
        return next((o.tx for o in self.outlets if o.tx is not None and o.tx.ref == ref), None)

    def sharers(self) -> int:
        """How many outlets give power."""
        return max(1, sum(o.energised and o.paused != "EV" for o in self.outlets))

    def _share_w(self) -> float:
        """What each outlet that gives power may have of what they share."""
        total_w = self.plan.model.station_w or self.plan.model.outlet_w * len(self.outlets)
        return total_w / self.sharers()

    # --- Plugs and cards --------------------------------------------------------------------------

    def plug_in(self, outlet: Outlet, car: Car, plug: Plug, *, target_wh: float) -> None:
        outlet.connector = next(c for c in outlet.connectors if c.plug == plug)
        outlet.car, outlet.target_wh, outlet.served = car, target_wh, False
        outlet.cancel("connect")
        if self.powered:
            self._hold_reserved()
            self._milestone(outlet, "CablePluggedIn")
            self.voice.plugged(outlet)

    def unplug(self, outlet: Outlet) -> None:
        now = self.world.now
        outlet.meter(now)
        sample = outlet.read(now)
        tx = outlet.tx
        if tx is not None:
            tx.connector = outlet.connector
        outlet.car = None
        if tx is not None and self.powered:
            if tx.stop_reason is None:
                self._halt(outlet)
                tx.stop_reason = "EVDisconnected"
            self._end(outlet, "EVCommunicationLost", sample)
        outlet.connector, outlet.token, outlet.served = None, None, False
        outlet.remote_start_id = None
        self._hold_reserved()
        self._settle(outlet)

    def swipe(self, outlet: Outlet, token: str) -> None:
        """A card is held to the reader."""
        if not self.powered:
            return
        if outlet.tx is not None and outlet.token is not None:
            if self._may_stop(outlet, token):
                self.stop(outlet, "Local", "StopAuthorized")
        elif outlet.token is None and not outlet.served and outlet.fault is None:
            self._authorize(outlet, token, "Authorized")

    def _may_stop(self, outlet: Outlet, token: str) -> bool:
        """The card that began, one of its group, or one of the operator's own."""
        group = self._group(token)
        began = self._group(outlet.token or "")
        if outlet.token == token or (group is not None and group == began):
            return True
        return group is not None and group == self.knobs.master_group

    def remote_start(
        self, outlet: Outlet, token: str, remote_start_id: int | None, group: str | None = None
    ) -> None:
        """An accepted command to start; whether the token may is another question."""
        outlet.remote_start_id = remote_start_id
        if group is not None:
            self.remember(token, Known(accepted=True, group=group))
        if self.knobs.authorize_remote:
            self._authorize(outlet, token, "RemoteStart")
        else:
            self._grant(outlet, token, "RemoteStart")
        if not outlet.plugged:
            self.summon(outlet, token)

    def startable(self, evse: int | None, token: str, group: str | None = None) -> Outlet | None:
        """Where a session from afar could begin: where a car waits, else where nobody is."""
        if not self.accepted:
            return None
        wanted = [o for o in self.outlets if evse in (None, o.id)]
        able = [
            o
            for o in wanted
            if o.token is None
            and o.operative
            and o.fault is None
            and not o.served
            and self._admits(o, token, group)
        ]
        return max(able, key=lambda o: o.plugged, default=None)

    def _admits(self, outlet: Outlet, token: str, group: str | None) -> bool:
        """Whether a reservation stands in this card's way."""
        idle = [o.id for o in self.outlets if o.token is None and o.operative and o.fault is None]
        held = self.reservations.held(idle).get(outlet.id)
        return held is None or any(r.admits(token, group) for r in held)

    def known(self, token: str) -> Known | None:
        """What is known of a card without asking anybody."""
        knobs = self.knobs
        return self.cards.find(token, self.world.now, listed=knobs.local_list, cached=knobs.cache)

    def _group(self, token: str) -> str | None:
        known = self.known(token)
        return known.group if known is not None else None

    def _authorize(self, outlet: Outlet, token: str, trigger: Trigger) -> None:
        known = self.known(token)
        knobs = self.knobs
        if not knobs.auth:
            self._grant(outlet, token, trigger)
        elif knobs.authorize_never:
            self._decide(outlet, token, trigger, allowed=known is not None and known.accepted)
        elif self.online and not (
            knobs.local_pre_authorize and known is not None and known.accepted
        ):
            done = partial(self._authorized, outlet, token, trigger, self._life)
            self.voice.authorize(token, done)
        else:
            self._authorized_offline(outlet, token, trigger)

    def _authorized(
        self, outlet: Outlet, token: str, trigger: Trigger, life: int, verdict: Verdict
    ) -> None:
        if life != self._life or outlet.token is not None or outlet.fault is not None:
            return
        if verdict == "unanswered":  # The link broke while we asked.
            self._authorized_offline(outlet, token, trigger)
        else:
            self._decide(outlet, token, trigger, allowed=verdict == "accepted")

    def _authorized_offline(self, outlet: Outlet, token: str, trigger: Trigger) -> None:
        known = self.known(token)
        allowed = self.knobs.offline_unknown if known is None else known.accepted
        allowed = allowed and (self.knobs.local_authorize_offline or self.online)
        self._decide(outlet, token, trigger, allowed=allowed)

    def _decide(self, outlet: Outlet, token: str, trigger: Trigger, *, allowed: bool) -> None:
        if allowed and self._admits(outlet, token, self._group(token)):
            self._grant(outlet, token, trigger)
        elif outlet.person is not None:
            outlet.person.refused()

    def remember(self, token: str, known: Known) -> None:
        """Keep what the central system said of a card, as far as the memory goes."""
        if self.knobs.cache:
            life_s = self.knobs.cache_life_s
            if life_s and known.until is None:
                until = self.world.now + life_s
                known = Known(accepted=known.accepted, group=known.group, until=until)
            self.cards.remember(token, known)

    def _grant(self, outlet: Outlet, token: str, trigger: Trigger) -> None:
        outlet.token = token
        if not outlet.plugged:
            timeout = partial(self._connect_timeout, outlet)
            outlet.cancel("connect")
            outlet.timers["connect"] = self.world.after(self.knobs.connection_timeout_s, timeout)
        self._milestone(outlet, trigger)
        if outlet.person is not None:
            outlet.person.granted()

    def _connect_timeout(self, outlet: Outlet) -> None:
        if not outlet.plugged:
            self.stop(outlet, "Timeout", "EVConnectTimeout", final=True)

    # --- Reservations -----------------------------------------------------------------------------

    def reserve(self, reservation: Reservation) -> None:
        self.reservations.put(reservation)
        self._reservations_changed()

    def cancel_reservation(self, reservation_id: int) -> bool:
        cancelled = self.reservations.cancel(reservation_id)
        self._reservations_changed()
        return cancelled

    def _reservation_over(self, reservation: Reservation, over: Over) -> None:
        self._reservations_changed()
        self.voice.reservation_over(reservation.id, over)

    def _reservations_changed(self) -> None:
        self._hold_reserved()
        for outlet in self.outlets:
            self.refresh(outlet)

    def _hold_reserved(self) -> None:
        if not len(self.reservations):
            for outlet in self.outlets:
                outlet.held = False
            return
        free = [o.id for o in self.outlets if o.idle and o.operative and o.fault is None]
        held = self.reservations.held(free)
        for outlet in self.outlets:
            outlet.held = outlet.id in held

    def _take_reservation(self, outlet: Outlet, tx: Transaction) -> None:
        if len(self.reservations) and outlet.token is not None:
            used = self.reservations.use(outlet.id, outlet.token, self._group(outlet.token))
            if used is not None:
                tx.reservation_id = used
                self._reservations_changed()

    # --- Sessions ---------------------------------------------------------------------------------

    def _milestone(self, outlet: Outlet, trigger: Trigger) -> None:
        """A plug or a card: begin the transaction where this version and model begin it."""
        plugged, authorized = outlet.plugged, outlet.token is not None
        due = {
            "EVConnected": plugged,
            "Authorized": authorized,
            "PowerPathClosed": plugged and authorized,
        }
        if outlet.tx is None and any(due[point] for point in self.voice.starts_at):
            outlet.tx = Transaction(self.luck.uuid(), outlet, begun_at=self.world.now)
            self.limits.adopt(outlet.id, outlet.tx.ref)
            self._take_reservation(outlet, outlet.tx)
            self.stats.started += 1
            self.voice.tx_started(outlet.tx, trigger, outlet.read(self.world.now))
            self._arm_kept(outlet)
        elif outlet.tx is not None:
            outlet.tx.token = outlet.token
            outlet.tx.remote_start_id = outlet.remote_start_id
            outlet.tx.connector = outlet.connector
            self._take_reservation(outlet, outlet.tx)
            self.voice.tx_updated(outlet.tx, trigger, None)
        if plugged and authorized and outlet.fault is None:
            self._energise(outlet)
        self.refresh(outlet)

    def _energise(self, outlet: Outlet) -> None:
        now = self.world.now
        for other in self.outlets:
            other.meter(now)
        outlet.energised, outlet.paused = True, None
        for other in self.outlets:
            other.offer(now)
        self._look(outlet)
        self._arm_sample(outlet)

    def _look(self, outlet: Outlet) -> None:
        """See what flows, whether it changed, and when to look again."""
        outlet.cancel("physics")
        if not outlet.energised or outlet.car is None:
            return
        now, before = self.world.now, outlet.paused
        outlet.offer(now)
        ran_out = self._ran_out(outlet)
        if ran_out is not None:
            self.stop(outlet, ran_out, _RAN_OUT[ran_out])
            return
        gives = outlet.on_offer_w < 0
        full = outlet.satisfied and not gives
        outlet.paused = "EV" if full else "EVSE" if outlet.on_offer_w == 0 else None
        wait_s = _PHYSICS_S
        if full and before != "EV" and outlet.person is not None:
            outlet.person.satisfied()
        power_w = outlet.power_w
        if power_w > 0:
            left_wh = min(outlet.target_wh, outlet.car.capacity_wh) - outlet.car.energy_wh
            wait_s = min(wait_s, max(left_wh / power_w * 3600.0, _PHYSICS_S_MIN))
        if not full or outlet.car.bidirectional:
            outlet.timers["physics"] = self.world.after(wait_s, partial(self._look, outlet))
        if outlet.tx is not None:
            self.voice.tx_updated(outlet.tx, "ChargingStateChanged", None)
        self.refresh(outlet)
        self.voice.looked(outlet)

    def _ran_out(self, outlet: Outlet) -> Literal["EnergyLimit", "TimeLimit", "SocLimit"] | None:
        """Whether the transaction came to a limit of its own."""
        tx, car = outlet.tx, outlet.car
        if tx is None or tx.ceiling is None or car is None:
            return None
        ceiling, now = tx.ceiling, self.world.now
        if ceiling.energy_wh is not None and outlet.shown_wh - tx.start_wh >= ceiling.energy_wh:
            return "EnergyLimit"
        if ceiling.time_s is not None and now - tx.begun_at >= ceiling.time_s:
            return "TimeLimit"
        if ceiling.soc_pct is not None and car.soc_pct >= ceiling.soc_pct:
            return "SocLimit"
        return None

    def _arm_sample(self, outlet: Outlet) -> None:
        outlet.cancel("sample")
        if self.knobs.sample_s > 0:
            sample = partial(self._sample, outlet)
            outlet.timers["sample"] = self.world.after(self.knobs.sample_s, sample)

    def _sample(self, outlet: Outlet) -> None:
        if outlet.tx is not None and outlet.energised:
            sample = outlet.read(self.world.now)
            self.voice.tx_updated(outlet.tx, "MeterValuePeriodic", sample)
            if self.knobs.stop_sampled:
                self.keep(outlet.tx, sample)
            self._arm_sample(outlet)

    def keep(self, tx: Transaction, sample: Sample, *, aligned: bool = False) -> None:
        """Put a reading aside, to be told when the transaction ends."""
        kept = (tx.aligned if aligned else tx.samples) or []
        kept = [*kept, sample][-_KEPT_MAX:]
        if aligned:
            tx.aligned = kept
        else:
            tx.samples = kept

    def _arm_kept(self, outlet: Outlet) -> None:
        if self.knobs.end_sample_s > 0 and outlet.tx is not None:
            again = partial(self._keep_sample, outlet, outlet.tx)
            outlet.timers["kept"] = self.world.after(self.knobs.end_sample_s, again)

    def _keep_sample(self, outlet: Outlet, tx: Transaction) -> None:
        if outlet.tx is tx:
            self.keep(tx, outlet.read(self.world.now))
            self._arm_kept(outlet)

    def limits_changed(self) -> None:
        """Charging profiles came or went; whose transaction gets much more or less, is told."""
        before = [outlet.on_offer_w for outlet in self.outlets]
        for outlet, was_w in zip(self.outlets, before, strict=True):
            self._look(outlet)
            change_w = abs(outlet.on_offer_w - was_w)
            if outlet.tx is not None and change_w > _SIGNIFICANT_SHARE * abs(was_w):
                self.voice.tx_updated(outlet.tx, "ChargingRateChanged", None)

    def deauthorized(self, tx: Transaction) -> None:
        """The central system does not want this card here, it says after the start."""
        if tx.ended or tx.token is None or not self.knobs.stop_on_invalid:
            return
        more_wh = self.knobs.energy_on_invalid_wh
        if more_wh:  # Enough to drive away with, and no more.
            so_far_wh = tx.outlet.shown_wh - tx.start_wh
            tx.ceiling = Ceiling(energy_wh=so_far_wh + more_wh)
        else:
            self.stop(tx.outlet, "DeAuthorized", "Deauthorized")

    def stop(
        self, outlet: Outlet, reason: Reason, trigger: Trigger, *, final: bool = False
    ) -> None:
        """End the session. ``final``: also the transaction, whatever the model's stop point is."""
        tx = outlet.tx
        self._halt(outlet)
        outlet.token, outlet.served = None, outlet.plugged
        if tx is not None:
            tx.stop_reason = tx.stop_reason or reason
            if final or not outlet.plugged or "Authorized" in self.voice.stops_at:
                self._end(outlet, trigger)
            else:
                self.voice.tx_updated(tx, trigger, None)
        self._settle(outlet)
        if outlet.person is not None:
            outlet.person.stopped()

    def _halt(self, outlet: Outlet) -> None:
        outlet.meter(self.world.now)
        outlet.energised, outlet.paused, outlet.on_offer_w = False, None, 0.0
        outlet.priority = False
        outlet.cancel("physics", "sample", "connect")

    def _end(self, outlet: Outlet, trigger: Trigger, sample: Sample | None = None) -> None:
        tx = outlet.tx
        assert tx is not None, "only what began can end"
        tx.ended = True
        sample = sample or outlet.read(self.world.now)
        outlet.tx = None
        outlet.remote_start_id = None
        outlet.cancel("kept")
        self.limits.forget_tx(tx.ref, outlet.id)
        self.stats.ended += 1
        self.stats.energy_wh += sample.register_wh - tx.start_wh
        self.voice.tx_ended(tx, trigger, sample)

    def _settle(self, outlet: Outlet) -> None:
        """What waited for a session's end happens now."""
        if outlet.operative_next is not None and outlet.tx is None:
            outlet.operative, outlet.operative_next = outlet.operative_next, None
        self._hold_reserved()
        self.refresh(outlet)
        if all(o.tx is None for o in self.outlets):
            self.all_idle()

    # --- What connectors show ---------------------------------------------------------------------

    def refresh(self, outlet: Outlet) -> None:
        """Tell each connector's status, if it is another than the one told before."""
        if not self.online:
            return
        changed = [c for c in outlet.connectors if self._word(outlet, c) != c.reported]
        if changed and self.knobs.status_settle_s > 0:
            if "status" not in outlet.timers:
                settled = partial(self._tell_status, outlet)
                outlet.timers["status"] = self.world.after(self.knobs.status_settle_s, settled)
        elif changed:
            self._tell_status(outlet)

    def _tell_status(self, outlet: Outlet) -> None:
        outlet.timers.pop("status", None)
        if not self.online:
            return
        for connector in outlet.connectors:
            word = self._word(outlet, connector)
            if word != connector.reported:
                connector.reported = word
                self.voice.status(outlet, connector, word)

    def _word(self, outlet: Outlet, connector: Connector) -> str:
        return self.voice.spell(outlet, outlet.state_of(connector))

    def refresh_all(self) -> None:
        for outlet in self.outlets:
            self.refresh(outlet)

    def fault(self, outlet: Outlet, fault: Fault, duration_s: float) -> None:
        if outlet.fault is not None or not self.powered:
            return
        self.stats.faults += 1
        if outlet.tx is not None or outlet.token is not None:
            self.stop(outlet, "Other", "AbnormalCondition")
        outlet.fault = fault
        self._drop_reservation(outlet)
        self.refresh(outlet)
        self.voice.faulted(outlet)
        self.world.after(duration_s, partial(self._recover, outlet))

    def _recover(self, outlet: Outlet) -> None:
        outlet.fault = None
        self._hold_reserved()
        self.refresh(outlet)
        self.voice.faulted(outlet)

    def _drop_reservation(self, outlet: Outlet) -> None:
        """What was kept free cannot be used any more."""
        reservation = self.reservations.of(outlet.id)
        if reservation is not None:
            self.reservations.end(reservation.id, "Removed")

    def change_availability(self, outlet: Outlet, *, operative: bool) -> Literal["now", "later"]:
        if outlet.tx is not None:
            outlet.operative_next = operative
            return "later"
        outlet.operative, outlet.operative_next = operative, None
        return "now"

    def availability_changed(self) -> None:
        """After the answer to the command: whoever reserved is told, and statuses."""
        for outlet in self.outlets:
            if not outlet.operative:
                self._drop_reservation(outlet)
        self._reservations_changed()
