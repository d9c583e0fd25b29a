"""A charging station without its version: boots, power, link, clock-aligned readings. Sans-IO.

What happens at its outlets is ``charging``; both tell its voice, which speaks 1.6 or 2.x. Time is
two timelines that others move: the world's and the wire's. It must not know sockets, drivers'
minds, or how any version spells anything.
"""

from collections.abc import Callable
from functools import partial
from typing import Final, Literal, Protocol

from forecourt.sim.charging import Charging
from forecourt.sim.mischief import Mischief
from forecourt.sim.network import Network
from forecourt.sim.outlet import Outlet
from forecourt.sim.stats import Stats
from forecourt.sim.talk import Note, Talk
from forecourt.sim.timeline import Timeline, Timer
from forecourt.sim.vault import Vault
from forecourt.sim.voice import Cause, Voice
from forecourt.sim.world import StationPlan

Registration = Literal["Unknown", "Accepted", "Pending", "Rejected"]

# A central system that names no interval, or an absurd one, is asked again after this.
_BOOT_RETRY_S: Final = 30
# Time for the last messages, and for the answer to the command, before a reset cuts the link.
_RESET_GRACE_S: Final = {"SoftReset": 3.0, "HardReset": 0.5}
# And for the answer to the command that makes the station dial anew.
_RECONNECT_GRACE_S: Final = 1.0


class Hub(Protocol):
    """What lies outside the station's casing."""

    stats: Stats

    def dial(self, station: "Station") -> None:
        """Connect it; answered with ``link_up`` or ``link_down``."""
        ...

    def hang_up(self, station: "Station", *, clean: bool) -> None:
        """End its connection, with a close frame or as a cut cable does; nothing calls back."""
        ...

    def ping(self, station: "Station") -> None:
        """See whether anybody is at the other end of the socket."""
        ...

    def acknowledged(self, station: "Station", note: Note, action: str, message_id: str) -> None:
        """The central system has answered a message about a transaction."""
        ...

    def summon(self, station: "Station", outlet: Outlet, token: str) -> None:
        """A session was started from afar, and somebody should plug in."""
        ...

    def expect(self, station: "Station", outlet: Outlet, token: str, within_s: float) -> None:
        """Somebody reserved, and comes within this time, card in hand."""
        ...


class Station(Charging):
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
        mischief: Mischief | None = None,
    ) -> None:
        super().__init__(plan, stats=hub.stats, world=world, password=password)
        self.hub = hub
        self.wire = wire
        self.network = Network()
        self.firmware = plan.model.firmware
        self.registration: Registration = "Unknown"
        self._vault: Vault | None = None
        self._dials = 0
        self._lost_at = 0.0
        self._profile_before: int | None = None
        self._network_up = True
        self._cause: Cause = "PowerUp"
        self._reset_when_idle = False
        self._aligned_timer: Timer | None = None
        self._heartbeat_timer: Timer | None = None
        self._ping_timer: Timer | None = None
        self.voice = voice(self)
        self.talk = Talk(
            self.voice.dialect,
            wire=wire,
            knobs=self.knobs,
            luck=self.luck,
            stats=self.stats,
            answer=self.voice.answer,
            acknowledged=partial(hub.acknowledged, self),
            on_dead=self._on_dead_link,
            mischief=mischief,
            reboot=partial(self.power_cut, 5.0),
        )

    @property
    def online(self) -> bool:
        return self.talk.online

    @property
    def accepted(self) -> bool:
        return self.registration == "Accepted"

    @property
    def vault(self) -> Vault:
        """Keys and certificates; most stations never need theirs."""
        if self._vault is None:
            self._vault = Vault()
        return self._vault

    @property
    def has_identity(self) -> bool:
        """Whether it could show a certificate of its own."""
        return self._vault is not None and self._vault.chain is not None

    def summon(self, outlet: Outlet, token: str) -> None:
        self.hub.summon(self, outlet, token)

    # --- Power and link ---------------------------------------------------------------------------

    def power_on(self, cause: Cause = "PowerUp") -> None:
        """The firmware starts; it knows its transactions and queue, and must boot anew."""
        self.powered = True
        self._life += 1
        self._cause = cause
        self.registration = "Unknown"
        self.network.begin(self.knobs.priorities)
        self.limits.forget_all("External")
        for outlet in self.outlets:
            if outlet.tx is not None and outlet.token is not None and outlet.plugged:
                self._energise(outlet)  # Carried on after a loss of power.
                self.voice.tx_updated(outlet.tx, "TxResumed", None)
            elif outlet.tx is not None and not outlet.plugged:
                self.stop(outlet, "PowerLoss", "EVCommunicationLost", final=True)
        self._hold_reserved()
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
        if not self._network_up:
            return
        self.stats.lost_links += 1
        self._lost_at = self.wire.now
        self._network_up = False
        self.talk.closed()
        self.hub.hang_up(self, clean=False)
        self.world.after(duration_s, self._network_back)

    def _network_back(self) -> None:
        self._network_up = True
        self._dials = 0
        if self.powered:
            self._redial()

    def reconnect(self, *, before: int | None = None) -> None:
        """Hang up and dial anew: a password, a certificate or an address has changed.

        ``before``: the security profile to go back to, should no connection come about.
        """
        life = self._life
        self._profile_before = before
        self.wire.after(_RECONNECT_GRACE_S, lambda: self._reconnect(life))

    def _reconnect(self, life: int) -> None:
        if life == self._life and self.powered:
            self.talk.closed()
            self.hub.hang_up(self, clean=True)
            self._redial()

    def link_up(self, send: Callable[[bytes], None]) -> None:
        """The socket is open."""
        if not (self.powered and self._network_up):
            self.hub.hang_up(self, clean=False)
            return
        self._dials = 0
        self._profile_before = None
        self.network.connected()
        self.arm_ping()
        if self.registration == "Accepted":
            # Part 4, 5.3: no boot for a mere reconnection; statuses that changed are told.
            self.talk.opened(send, gate="open")
            if self.wire.now - self._lost_at > self.knobs.offline_threshold_s:
                self._forget_told()
            self.refresh_all()
            self.arm_heartbeat()
        else:
            self.talk.opened(send, gate="boot")
            self.voice.boot(self._cause)

    def link_down(self) -> None:
        """The socket is closed, or never opened."""
        if self.talk.linked:
            self._lost_at = self.wire.now
        elif self.network.failed(self.knobs.profile_attempts) and self._profile_before is not None:
            self.knobs.security_profile, self._profile_before = self._profile_before, None
        self.talk.closed()
        if self.powered and self._network_up:
            self._redial()

    def _on_dead_link(self) -> None:
        self.hub.hang_up(self, clean=False)
        self.link_down()

    def _dial(self) -> None:
        if self.powered and self._network_up:
            endpoint = self.network.endpoint
            if endpoint is not None:
                self.knobs.security_profile = endpoint.security_profile
            self.hub.dial(self)

    def _redial(self) -> None:
        knobs = self.knobs
        wait_s = knobs.backoff_wait_s * 2 ** min(self._dials, knobs.backoff_repeats)
        self._dials += 1
        life = self._life
        delay_s = wait_s + self.luck.between(0.0, knobs.backoff_random_s)
        self.wire.after(delay_s, lambda: self._dial() if life == self._life else None)

    def arm_ping(self) -> None:
        """Ping the socket as often as it is set; never, with 0."""
        if self._ping_timer is not None:
            self._ping_timer.cancel()
            self._ping_timer = None
        if self.knobs.ping_s > 0:
            self._ping_timer = self.wire.after(self.knobs.ping_s, self._ping)

    def _ping(self) -> None:
        if self.talk.linked:
            self.hub.ping(self)
            self.arm_ping()

    # --- Boot and heartbeat -----------------------------------------------------------------------

    def booted(self, status: Registration, interval_s: int) -> None:
        """The central system answered the boot."""
        self.registration = status
        if status == "Accepted":
            self.stats.boots += 1
            if interval_s > 0:
                self.knobs.heartbeat_s = interval_s
            self.talk.gate = "open"
            self._forget_told()
            self.refresh_all()
            if self._cause == "PowerUp":
                self.voice.security_event("StartupOfTheDevice")
            self.voice.booted()
            self.arm_heartbeat()
        else:
            self.talk.gate = "boot"
            self.boot_again(interval_s)

    def _forget_told(self) -> None:
        """Every status is to be told anew."""
        for outlet in self.outlets:
            for connector in outlet.connectors:
                connector.reported = None

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

    # --- Resets -----------------------------------------------------------------------------------

    def reset_when_idle(self) -> bool:
        """Reset once nobody charges; True when that is now."""
        if any(o.tx is not None for o in self.outlets):
            self._reset_when_idle = True
            return False
        self.talk.after_answer(partial(self.reset, "SoftReset"))
        return True

    def all_idle(self) -> None:
        if self._reset_when_idle:
            self._reset_when_idle = False
            self.reset("SoftReset")

    def reset(
        self,
        reason: Literal["SoftReset", "HardReset"],
        cause: Cause = "RemoteReset",
        *,
        resume: bool = False,
    ) -> None:
        """End what runs (or carry it over), restart, boot again."""
        for outlet in self.outlets:
            if not resume and (outlet.tx is not None or outlet.token is not None):
                self.stop(outlet, reason, "ResetCommand", final=True)
        life = self._life
        self.wire.after(
            _RESET_GRACE_S[reason], lambda: self._restart(cause) if life == self._life else None
        )

    def _restart(self, cause: Cause) -> None:
        self.powered = False
        self._life += 1
        self.talk.closed()
        self.hub.hang_up(self, clean=True)
        for outlet in self.outlets:
            outlet.meter(self.world.now)
            outlet.energised = False
            outlet.cancel("physics", "sample", "connect")
        self.world.after(self.plan.model.boot_s, partial(self.power_on, cause))

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
            if outlet.tx is None:
                if self.online:
                    self.voice.meter_values(outlet, sample)
                continue
            if self.knobs.stop_aligned or self.knobs.end_aligned_s:
                self.keep(outlet.tx, sample, aligned=True)
            if not self.knobs.aligned_idle_only:
                self.voice.tx_updated(outlet.tx, "MeterValueClock", sample)
        self.arm_aligned()
