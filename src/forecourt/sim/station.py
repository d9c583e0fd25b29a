"""A charging station without its version: boots, sessions, faults, power and link. Sans-IO.

It is told what happens (a plug, a card, a command, a lost link) and tells its voice, which speaks
1.6 or 2.x. Time is two timelines that others move: the world's and the wire's. It must not know
sockets, drivers' minds, or how any version spells anything.
"""

from collections.abc import Callable
from functools import partial
from typing import Final, Literal, Protocol

from forecourt.sim.cars import Car, Plug
from forecourt.sim.knobs import Knobs
from forecourt.sim.limits import Limits
from forecourt.sim.luck import Luck
from forecourt.sim.outlet import Fault, Outlet, Reason, Sample, Transaction
from forecourt.sim.stats import Stats
from forecourt.sim.talk import Note, Talk
from forecourt.sim.timeline import Timeline, Timer
from forecourt.sim.voice import Cause, Trigger, Verdict, Voice
from forecourt.sim.world import StationPlan

Registration = Literal["Unknown", "Accepted", "Pending", "Rejected"]

# Charging power is looked at again this often, or sooner when the car will be done.
_PHYSICS_S: Final = 60.0
_PHYSICS_S_MIN: Final = 0.5
# A central system that names no interval, or an absurd one, is asked again after this.
_BOOT_RETRY_S: Final = 30
# Time for the last messages, and for the answer to the command, before a reset cuts the link.
_RESET_GRACE_S: Final = {"SoftReset": 3.0, "HardReset": 0.5}
CACHE_MAX: Final = 500


class Hub(Protocol):
    """What lies outside the station's casing."""

    stats: Stats

    def dial(self, station: "Station") -> None:
        """Connect it; answered with ``link_up`` or ``link_down``."""
        ...

    def hang_up(self, station: "Station", *, clean: bool) -> None:
        """End its connection, with a close frame or as a cut cable does; nothing calls back."""
        ...

    def acknowledged(self, station: "Station", note: Note, action: str, message_id: str) -> None:
        """The central system has answered a message about a transaction."""
        ...

    def summon(self, station: "Station", outlet: Outlet, token: str) -> None:
        """A session was started from afar, and somebody should plug in."""
        ...


class Station:
    """One charging station."""

    def __init__(
        self,
        plan: StationPlan,
        voice: "Callable[[Station], Voice]",
        *,
        hub: Hub,
        world: Timeline,
        wire: Timeline,
        password: str = "",
    ) -> None:
        self.plan = plan
        self.hub = hub
        self.stats = hub.stats
        self.world = world
        self.wire = wire
        self.luck: Luck = plan.luck("station")
        model = plan.model
        self.knobs = Knobs(
            heartbeat_s=model.heartbeat_s,
            sample_s=model.sample_s,
            measurands=model.measurands,
            password=password,
        )
        self.limits = Limits()
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
                )
            )
            number += len(plugs)
        self.powered = False
        self.registration: Registration = "Unknown"
        self.local_list: dict[str, bool] = {}
        self.local_list_version = 0
        self.cache: dict[str, bool] = {}
        self._dials = 0
        self._network = True
        self._cause: Cause = "PowerUp"
        self._life = 0  # Timers of an earlier life of the firmware do nothing.
        self._reset_when_idle = False
        self._aligned_timer: Timer | None = None
        self._heartbeat_timer: Timer | None = None
        self.voice: Voice = voice(self)
        self.talk = Talk(
            self.voice.dialect,
            wire=wire,
            knobs=self.knobs,
            luck=self.luck,
            stats=self.stats,
            answer=self.voice.answer,
            acknowledged=partial(hub.acknowledged, self),
            on_dead=self._on_dead_link,
        )

    @property
    def online(self) -> bool:
        return self.talk.online

    def outlet(self, evse: int) -> Outlet | None:
        return self.outlets[evse - 1] if 1 <= evse <= len(self.outlets) else None

    def transaction(self, ref: str) -> Transaction | None:
        return next((o.tx for o in self.outlets if o.tx is not None and o.tx.ref == ref), None)

    def _share_w(self) -> float:
        """What each outlet that gives power may have of what they share."""
        total_w = self.plan.model.station_w or self.plan.model.outlet_w * len(self.outlets)
        return total_w / max(1, sum(o.energised and o.paused != "EV" for o in self.outlets))

    # --- Power and link ---------------------------------------------------------------------------

    def power_on(self, cause: Cause = "PowerUp") -> None:
        """The firmware starts; it knows its transactions and queue, and must boot anew."""
        self.powered = True
        self._life += 1
        self._cause = cause
        self.registration = "Unknown"
        for outlet in self.outlets:
            if outlet.tx is not None and outlet.token is not None and outlet.plugged:
                self._energise(outlet)  # Carried on after a loss of power.
            elif outlet.tx is not None and not outlet.plugged:
                self.stop(outlet, "PowerLoss", "EVCommunicationLost", final=True)
        self.arm_aligned()
        self._dial()

    def power_off(self) -> None:
        """The mains fail: all stops at once, nothing is said."""
        self.powered = False
        self._life += 1
        self.talk.closed()
        self.hub.hang_up(self, clean=False)
        for outlet in self.outlets:
            outlet.meter(self.world.now)
            if outlet.tx is not None and self.plan.model.on_power_loss == "end":
                self.stop(outlet, "PowerLoss", "AbnormalCondition", final=True)
            outlet.energised = False
            outlet.cancel("physics", "sample", "connect")
            if outlet.tx is None:
                outlet.token = None

    def power_cut(self, duration_s: float) -> None:
        if not self.powered:
            return
        self.stats.power_cuts += 1
        self.power_off()
        self.world.after(duration_s + self.plan.model.boot_s, self.power_on)

    def link_cut(self, duration_s: float) -> None:
        """The network is gone for a while; the station goes on charging."""
        if not self._network:
            return
        self.stats.lost_links += 1
        self._network = False
        self.talk.closed()
        self.hub.hang_up(self, clean=False)
        self.world.after(duration_s, self._network_back)

    def _network_back(self) -> None:
        self._network = True
        self._dials = 0
        if self.powered:
            self._redial()

    def link_up(self, send: Callable[[bytes], None]) -> None:
        """The socket is open."""
        if not (self.powered and self._network):
            self.hub.hang_up(self, clean=False)
            return
        self._dials = 0
        if self.registration == "Accepted":
            # Part 4, 5.3: no boot for a mere reconnection; statuses that changed are told.
            self.talk.opened(send, gate="open")
            self._refresh_all()
            self.arm_heartbeat()
        else:
            self.talk.opened(send, gate="boot")
            self.voice.boot(self._cause)

    def link_down(self) -> None:
        """The socket is closed, or never opened."""
        self.talk.closed()
        if self.powered and self._network:
            self._redial()

    def _on_dead_link(self) -> None:
        self.hub.hang_up(self, clean=False)
        self.link_down()

    def _dial(self) -> None:
        if self.powered and self._network:
            self.hub.dial(self)

    def _redial(self) -> None:
        knobs = self.knobs
        wait_s = knobs.backoff_wait_s * 2 ** min(self._dials, knobs.backoff_repeats)
        self._dials += 1
        life = self._life
        delay_s = wait_s + self.luck.between(0.0, knobs.backoff_random_s)
        self.wire.after(delay_s, lambda: self._dial() if life == self._life else None)

    # --- Boot and heartbeat -----------------------------------------------------------------------

    def booted(self, status: Registration, interval_s: int) -> None:
        """The central system answered the boot."""
        self.registration = status
        if status == "Accepted":
            self.stats.boots += 1
            if interval_s > 0:
                self.knobs.heartbeat_s = interval_s
            self.talk.gate = "open"
            for outlet in self.outlets:
                for connector in outlet.connectors:
                    connector.reported = None
            self._refresh_all()
            if self._cause == "PowerUp":
                self.voice.security_event("StartupOfTheDevice")
            self.arm_heartbeat()
        else:
            self.talk.gate = "boot"
            self.boot_again(interval_s)

    def boot_again(self, interval_s: int = 0) -> None:
        life = self._life
        wait_s = interval_s if interval_s > 0 else _BOOT_RETRY_S
        self.wire.after(wait_s, lambda: self._boot_retry(life))

    def _boot_retry(self, life: int) -> None:
        if life == self._life and self.talk.gate == "boot":
            self.voice.boot(self._cause)

    def arm_heartbeat(self) -> None:
        """Beat from now on at the interval that is set; a little spread keeps stations apart."""
        if self._heartbeat_timer is not None:
            self._heartbeat_timer.cancel()
        due_s = self.knobs.heartbeat_s * self.luck.between(0.5, 1.0)
        self._heartbeat_timer = self.wire.after(due_s, self._beat)

    def _beat(self) -> None:
        if self.online:
            self.voice.heartbeat()
            self._heartbeat_timer = self.wire.after(self.knobs.heartbeat_s, self._beat)

    # --- Sessions ---------------------------------------------------------------------------------

    def plug_in(self, outlet: Outlet, car: Car, plug: Plug, *, target_wh: float) -> None:
        outlet.connector = next(c for c in outlet.connectors if c.plug == plug)
        outlet.car, outlet.target_wh, outlet.served = car, target_wh, False
        outlet.cancel("connect")
        if self.powered:
            self._milestone(outlet, "CablePluggedIn")

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
        self._settle(outlet)

    def swipe(self, outlet: Outlet, token: str) -> None:
        """A card is held to the reader."""
        if not self.powered:
            return
        if outlet.token == token and outlet.tx is not None:
            self.stop(outlet, "Local", "StopAuthorized")
        elif outlet.token is None and not outlet.served and outlet.fault is None:
            self._authorize(outlet, token, "Authorized")

    def remote_start(self, outlet: Outlet, token: str, remote_start_id: int | None) -> None:
        """An accepted command to start; whether the token may is another question."""
        outlet.remote_start_id = remote_start_id
        if self.knobs.authorize_remote:
            self._authorize(outlet, token, "RemoteStart")
        else:
            self._grant(outlet, token, "RemoteStart")
        if not outlet.plugged:
            self.hub.summon(self, outlet, token)

    def startable(self, evse: int | None) -> Outlet | None:
        """Where a session from afar could begin: where a car waits, else where nobody is."""
        if self.registration != "Accepted":
            return None
        wanted = [o for o in self.outlets if evse in (None, o.id)]
        able = [
            o
            for o in wanted
            if o.token is None and o.operative and o.fault is None and not o.served
        ]
        return max(able, key=lambda o: o.plugged, default=None)

    def _authorize(self, outlet: Outlet, token: str, trigger: Trigger) -> None:
        known = self.local_list.get(token) if self.knobs.local_list else None
        if known is None and self.knobs.cache:
            known = self.cache.get(token)
        if self.online and not (self.knobs.local_pre_authorize and known):
            done = partial(self._authorized, outlet, token, trigger, self._life)
            self.voice.authorize(token, done)
        else:
            self._authorized_offline(outlet, token, trigger, known=known)

    def _authorized(
        self, outlet: Outlet, token: str, trigger: Trigger, life: int, verdict: Verdict
    ) -> None:
        if life != self._life or outlet.token is not None or outlet.fault is not None:
            return
        if verdict == "unanswered":  # The link broke while we asked.
            known = self.local_list.get(token, self.cache.get(token))
            self._authorized_offline(outlet, token, trigger, known=known)
            return
        self.remember(token, accepted=verdict == "accepted")
        if verdict == "accepted":
            self._grant(outlet, token, trigger)
        elif outlet.person is not None:
            outlet.person.refused()

    def _authorized_offline(
        self, outlet: Outlet, token: str, trigger: Trigger, *, known: bool | None
    ) -> None:
        allowed = self.knobs.offline_unknown if known is None else known
        if allowed and (self.knobs.local_authorize_offline or self.online):
            self._grant(outlet, token, trigger)
        elif outlet.person is not None:
            outlet.person.refused()

    def remember(self, token: str, *, accepted: bool) -> None:
        """Keep what the central system said of a card, as far as the memory goes."""
        if self.knobs.cache:
            self.cache.pop(token, None)
            self.cache[token] = accepted
            if len(self.cache) > CACHE_MAX:
                del self.cache[next(iter(self.cache))]

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

    def _milestone(self, outlet: Outlet, trigger: Trigger) -> None:
        """A plug or a card: begin the transaction where this version and model begin it."""
        plugged, authorized = outlet.plugged, outlet.token is not None
        due = {
            "EVConnected": plugged,
            "Authorized": authorized,
            "PowerPathClosed": plugged and authorized,
        }
        if outlet.tx is None and due[self.voice.starts_at]:
            outlet.tx = Transaction(self.luck.uuid(), outlet, begun_at=self.world.now)
            self.stats.started += 1
            self.voice.tx_started(outlet.tx, trigger, outlet.read(self.world.now))
        elif outlet.tx is not None:
            outlet.tx.token = outlet.token
            outlet.tx.remote_start_id = outlet.remote_start_id
            outlet.tx.connector = outlet.connector
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
        outlet.paused = "EV" if outlet.satisfied else "EVSE" if outlet.on_offer_w <= 0 else None
        if outlet.paused == "EV":
            if before != "EV" and outlet.person is not None:
                outlet.person.satisfied()
        else:
            wait_s = _PHYSICS_S
            power_w = outlet.power_w
            if power_w > 0:
                left_wh = min(outlet.target_wh, outlet.car.capacity_wh) - outlet.car.energy_wh
                wait_s = min(wait_s, max(left_wh / power_w * 3600.0, _PHYSICS_S_MIN))
            outlet.timers["physics"] = self.world.after(wait_s, partial(self._look, outlet))
        if outlet.tx is not None:
            self.voice.tx_updated(outlet.tx, "ChargingStateChanged", None)
        self.refresh(outlet)

    def _arm_sample(self, outlet: Outlet) -> None:
        outlet.cancel("sample")
        if self.knobs.sample_s > 0:
            sample = partial(self._sample, outlet)
            outlet.timers["sample"] = self.world.after(self.knobs.sample_s, sample)

    def _sample(self, outlet: Outlet) -> None:
        if outlet.tx is not None and outlet.energised:
            sample = outlet.read(self.world.now)
            self.voice.tx_updated(outlet.tx, "MeterValuePeriodic", sample)
            self._arm_sample(outlet)

    def limits_changed(self) -> None:
        """Charging profiles came or went."""
        for outlet in self.outlets:
            self._look(outlet)

    def deauthorized(self, tx: Transaction) -> None:
        """The central system does not want this card here, it says after the start."""
        if not tx.ended and tx.token is not None:
            self.remember(tx.token, accepted=False)
            if self.knobs.stop_on_invalid:
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
            if final or not outlet.plugged or self.voice.stops_at == "Authorized":
                self._end(outlet, trigger)
            else:
                self.voice.tx_updated(tx, trigger, None)
        self._settle(outlet)
        if outlet.person is not None:
            outlet.person.stopped()

    def _halt(self, outlet: Outlet) -> None:
        outlet.meter(self.world.now)
        outlet.energised, outlet.paused, outlet.on_offer_w = False, None, 0.0
        outlet.cancel("physics", "sample", "connect")

    def _end(self, outlet: Outlet, trigger: Trigger, sample: Sample | None = None) -> None:
        tx = outlet.tx
        assert tx is not None, "only what began can end"
        tx.ended = True
        sample = sample or outlet.read(self.world.now)
        outlet.tx = None
        outlet.remote_start_id = None
        self.limits.forget_tx(tx.ref, outlet.id)
        self.stats.ended += 1
        self.stats.energy_wh += sample.register_wh - tx.start_wh
        self.voice.tx_ended(tx, trigger, sample)

    def _settle(self, outlet: Outlet) -> None:
        """What waited for a session's end happens now."""
        if outlet.operative_next is not None and outlet.tx is None:
            outlet.operative, outlet.operative_next = outlet.operative_next, None
        self.refresh(outlet)
        if self._reset_when_idle and all(o.tx is None for o in self.outlets):
            self._reset_when_idle = False
            self.reset("SoftReset")

    # --- What connectors show ---------------------------------------------------------------------

    def refresh(self, outlet: Outlet) -> None:
        """Tell each connector's status, if it is another than the one told before."""
        if not self.online:
            return
        for connector in outlet.connectors:
            word = self.voice.spell(outlet, outlet.state_of(connector))
            if word != connector.reported:
                connector.reported = word
                self.voice.status(outlet, connector, word)

    def _refresh_all(self) -> None:
        for outlet in self.outlets:
            self.refresh(outlet)

    def fault(self, outlet: Outlet, fault: Fault, duration_s: float) -> None:
        if outlet.fault is not None or not self.powered:
            return
        self.stats.faults += 1
        if outlet.tx is not None or outlet.token is not None:
            self.stop(outlet, "Other", "AbnormalCondition")
        outlet.fault = fault
        self.refresh(outlet)
        self.world.after(duration_s, partial(self._recover, outlet))

    def _recover(self, outlet: Outlet) -> None:
        outlet.fault = None
        self.refresh(outlet)

    # --- Commands that all versions have ----------------------------------------------------------

    def change_availability(self, outlet: Outlet, *, operative: bool) -> Literal["now", "later"]:
        if outlet.tx is not None:
            outlet.operative_next = operative
            return "later"
        outlet.operative, outlet.operative_next = operative, None
        self.talk.after_answer(partial(self.refresh, outlet))
        return "now"

    def reset_when_idle(self) -> bool:
        """Reset once nobody charges; True when that is now."""
        if any(o.tx is not None for o in self.outlets):
            self._reset_when_idle = True
            return False
        self.talk.after_answer(partial(self.reset, "SoftReset"))
        return True

    def reset(self, reason: Literal["SoftReset", "HardReset"]) -> None:
        """End what runs, restart, boot again."""
        for outlet in self.outlets:
            if outlet.tx is not None or outlet.token is not None:
                self.stop(outlet, reason, "ResetCommand", final=True)
        life = self._life
        self.wire.after(
            _RESET_GRACE_S[reason], lambda: self._restart() if life == self._life else None
        )

    def _restart(self) -> None:
        self.powered = False
        self._life += 1
        self.talk.closed()
        self.hub.hang_up(self, clean=True)
        self.world.after(self.plan.model.boot_s, partial(self.power_on, "RemoteReset"))

    # --- Clock-aligned readings -------------------------------------------------------------------

    def arm_aligned(self) -> None:
        if self._aligned_timer is not None:
            self._aligned_timer.cancel()
        interval_s = self.knobs.aligned_s
        if interval_s > 0:
            due = (self.world.now // interval_s + 1) * interval_s
            self._aligned_timer = self.world.at(due, self._aligned)

    def _aligned(self) -> None:
        for outlet in self.outlets if self.powered else ():
            sample = outlet.read(self.world.now)
            if outlet.tx is not None:
                self.voice.tx_updated(outlet.tx, "MeterValueClock", sample)
            elif self.online:
                self.voice.meter_values(outlet, sample)
        self.arm_aligned()
