"""What a station needs from a version of OCPP: a voice to say what happened, ears for commands.

Knows no station's inner life and no socket. ``v16`` and ``v2x`` are the voices.
"""

from collections.abc import Callable
from typing import Literal, Protocol

from msgspec import Struct

from forecourt.protocol.ocpp.dialect import Dialect, ErrorReason
from forecourt.protocol.ocpp.values import Message
from forecourt.sim.models import TxPoint
from forecourt.sim.outlet import Connector, Outlet, Sample, State, Transaction
from forecourt.sim.reservations import Over

Trigger = Literal[
    "AbnormalCondition", "Authorized", "CablePluggedIn", "ChargingRateChanged",
    "ChargingStateChanged", "CostLimitReached", "Deauthorized", "EnergyLimitReached",
    "EVCommunicationLost", "EVConnectTimeout", "LimitSet", "MeterValueClock", "MeterValuePeriodic",
    "OperationModeChanged", "RemoteStart", "RemoteStop", "ResetCommand", "RunningCost",
    "SoCLimitReached", "StopAuthorized", "TariffChanged", "TimeLimitReached", "Trigger",
    "TxResumed", "UnlockCommand",
]  # fmt: skip
"""Why something is told about a transaction; the words of 2.1, which has them all."""
Verdict = Literal["accepted", "refused", "unanswered"]
Cause = Literal[
    "PowerUp", "RemoteReset", "Triggered", "FirmwareUpdate", "ApplicationReset", "Watchdog"
]


class Refusal(Struct, frozen=True):
    """A command that is answered with an error."""

    reason: ErrorReason
    description: str


class Voice(Protocol):
    """One version of OCPP, as one station speaks it."""

    @property
    def dialect(self) -> Dialect: ...

    @property
    def starts_at(self) -> tuple[TxPoint, ...]:
        """What begins a transaction: whichever comes first."""
        ...

    @property
    def stops_at(self) -> tuple[TxPoint, ...]:
        """What ends it when it is no longer so."""
        ...

    def boot(self, cause: Cause) -> None: ...

    def booted(self) -> None:
        """The central system has accepted the station; what waited for that is said."""
        ...

    def heartbeat(self, *, forced: bool = False) -> None: ...

    def spell(self, outlet: Outlet, state: State) -> str:
        """The word for a connector's state; no word changes, nothing is told."""
        ...

    def status(self, outlet: Outlet, connector: Connector, word: str) -> None: ...

    def authorize(self, token: str, done: Callable[[Verdict], None]) -> None:
        """Ask whether this card may charge."""
        ...

    def plugged(self, outlet: Outlet) -> None:
        """A car is connected; if it talks, it does so now."""
        ...

    def looked(self, outlet: Outlet) -> None:
        """What flows was looked at: a moment for whoever watches values."""
        ...

    def faulted(self, outlet: Outlet) -> None:
        """A fault came or went."""
        ...

    def reservation_over(self, reservation_id: int, over: Over) -> None: ...

    def tx_started(self, tx: Transaction, trigger: Trigger, sample: Sample) -> None: ...

    def tx_updated(self, tx: Transaction, trigger: Trigger, sample: Sample | None) -> None: ...

    def tx_ended(self, tx: Transaction, trigger: Trigger, sample: Sample) -> None: ...

    def meter_values(self, outlet: Outlet, sample: Sample) -> None:
        """What an outlet's meter shows outside a transaction."""
        ...

    def security_event(self, kind: str, info: str | None = None) -> None: ...

    def answer(self, request: Message) -> Message | Refusal | None:
        """Do what the central system asks; None where the version wants silence."""
        ...
