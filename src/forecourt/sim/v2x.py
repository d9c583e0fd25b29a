"""OCPP 2.0.1 and 2.1 as a station speaks them: what it says, and what it makes of commands.

Both versions have the same names for all that is said here, so one voice serves both and is handed
the version's messages. It translates; whatever is decided, the station decides.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from types import ModuleType
from typing import Any, Final, Literal

from forecourt.protocol.ocpp.dialect import Dialect, ErrorReason
from forecourt.protocol.ocpp.values import Message
from forecourt.sim.commands2x import COMMANDS
from forecourt.sim.models import Measurand, TxPoint
from forecourt.sim.outlet import Connector, Outlet, Reason, Sample, State, Transaction
from forecourt.sim.station import Station
from forecourt.sim.talk import Ask, Note
from forecourt.sim.v16 import reading
from forecourt.sim.voice import Cause, Refusal, Trigger, Verdict

_REASONS: Final[dict[Reason, str]] = {
    "Local": "Local",
    "Remote": "Remote",
    "EVDisconnected": "EVDisconnected",
    "DeAuthorized": "DeAuthorized",
    "PowerLoss": "PowerLoss",
    "SoftReset": "ImmediateReset",
    "HardReset": "ImmediateReset",
    "EmergencyStop": "EmergencyStop",
    "UnlockCommand": "Remote",
    "Timeout": "Timeout",
    "Other": "Other",
}
_STATES: Final[dict[State, str]] = {
    State.AVAILABLE: "Available",
    State.PREPARING: "Occupied",
    State.CHARGING: "Occupied",
    State.SUSPENDED_EV: "Occupied",
    State.SUSPENDED_EVSE: "Occupied",
    State.FINISHING: "Occupied",
    State.UNAVAILABLE: "Unavailable",
    State.FAULTED: "Faulted",
}
_UNITS: Final[dict[Measurand, str]] = {
    "Energy.Active.Import.Register": "Wh",
    "Power.Active.Import": "W",
    "Power.Offered": "W",
    "Current.Import": "A",
    "Voltage": "V",
    "SoC": "Percent",
}
_CONTEXTS: Final[dict[Trigger, str]] = {
    "MeterValuePeriodic": "Sample.Periodic",
    "MeterValueClock": "Sample.Clock",
    "Trigger": "Trigger",
}
_PHASES: Final = ("L1", "L2", "L3")
_REPORT_ITEMS: Final = 50
"""As the variable DeviceDataCtrlr.ItemsPerMessage promises."""


def moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


class V2x:
    """The voice of one station in 2.0.1 or 2.1."""

    def __init__(self, station: Station, words: ModuleType) -> None:
        self._station = station
        self.words = words
        """``v201`` or ``v21``."""
        self.dialect: Dialect = words.DIALECT
        self.starts_at: TxPoint = station.plan.model.tx_start
        self.stops_at: Literal["EVConnected", "Authorized"] = station.plan.model.tx_stop

    # --- What it says -----------------------------------------------------------------------------

    def boot(self, cause: Cause) -> None:
        plan, station, words = self._station.plan, self._station, self.words
        request = words.BootNotification(
            reason=cause,
            charging_station=words.ChargingStation(
                vendor_name=plan.model.vendor,
                model=plan.model.model,
                serial_number=plan.serial,
                firmware_version=plan.model.firmware,
            ),
        )

        def done(response: Any) -> None:
            station.booted(response.status, response.interval)

        self._ask(request, done=done, failed=lambda _: station.boot_again(), early=True)

    def heartbeat(self, *, forced: bool = False) -> None:
        self._ask(self.words.Heartbeat(), early=forced)

    def spell(self, outlet: Outlet, state: State) -> str:
        if state == State.PREPARING and not outlet.plugged:
            return "Available"  # 2.x calls a connector occupied when a cable is in it.
        return _STATES[state]

    def status(
        self, outlet: Outlet, connector: Connector, word: str, *, forced: bool = False
    ) -> None:
        request = self.words.StatusNotification(
            timestamp=moment(self._station.world.now),
            connector_status=word,
            evse_id=outlet.id,
            connector_id=connector.id,
        )

        def failed(_: str) -> None:
            connector.reported = None  # To be told again when there is somebody to hear it.

        self._ask(request, failed=failed, early=forced)

    def authorize(self, token: str, done: Callable[[Verdict], None]) -> None:
        def answered(response: Any) -> None:
            done("accepted" if response.id_token_info.status == "Accepted" else "refused")

        request = self.words.Authorize(id_token=self._token(token))
        self._ask(request, done=answered, failed=lambda _: done("unanswered"))

    def tx_started(self, tx: Transaction, trigger: Trigger, sample: Sample) -> None:
        self._tell("Started", tx, trigger, sample, "Transaction.Begin")

    def tx_updated(self, tx: Transaction, trigger: Trigger, sample: Sample | None) -> None:
        if trigger == "ChargingStateChanged" and tx.told_state == _charging_state(tx.outlet):
            return
        self._tell("Updated", tx, trigger, sample, _CONTEXTS.get(trigger, "Other"))

    def tx_ended(self, tx: Transaction, trigger: Trigger, sample: Sample) -> None:
        self._tell("Ended", tx, trigger, sample, "Transaction.End")

    def meter_values(
        self, outlet: Outlet, sample: Sample, *, trigger: Trigger = "MeterValueClock"
    ) -> None:
        value = self._meter_value(sample, _CONTEXTS[trigger])
        request = self.words.MeterValues(evse_id=outlet.id, meter_value=(value,))
        self._ask(request, early=trigger == "Trigger")

    def security_event(self, kind: str) -> None:
        at = moment(self._station.world.now)
        self._ask(self.words.SecurityEventNotification(type=kind, timestamp=at))

    def report(self, request_id: int, data: list[Any]) -> None:
        """The device model, in pages."""
        pages = [data[at : at + _REPORT_ITEMS] for at in range(0, len(data), _REPORT_ITEMS)]
        for number, page in enumerate(pages):
            request = self.words.NotifyReport(
                request_id=request_id,
                generated_at=moment(self._station.world.now),
                seq_no=number,
                tbc=True if number + 1 < len(pages) else None,
                report_data=tuple(page),
            )
            self._ask(request, early=True)

    # --- What it is told --------------------------------------------------------------------------

    def answer(self, request: Message) -> Message | Refusal | None:
        if self._station.registration == "Rejected":
            # B03.FR.08: a station that was rejected lets nobody command it.
            return Refusal(ErrorReason.SECURITY, "this station has been rejected")
        command = COMMANDS.get(type(request).__name__)
        if command is None:
            return Refusal(ErrorReason.NOT_SUPPORTED, "this station cannot do that")
        answer: Message = command(self._station, self, request)
        return answer

    def say(self, what: str, outlet: Outlet | None) -> Callable[[], None] | None:
        """How to say what a trigger asks for; None for what this station never says."""
        outlets = self._station.outlets if outlet is None else [outlet]
        match what:
            case "BootNotification":
                return partial(self.boot, "Triggered")
            case "Heartbeat":
                return partial(self.heartbeat, forced=True)
            case "StatusNotification":
                return partial(self._say_status, outlets)
            case "MeterValues":
                return partial(self._say_meters, outlets)
            case "TransactionEvent":
                return partial(self._say_transactions, outlets)
            case _:
                return None

    def _say_status(self, outlets: list[Outlet]) -> None:
        for outlet in outlets:
            for connector in outlet.connectors:
                word = self.spell(outlet, outlet.state_of(connector))
                connector.reported = word
                self.status(outlet, connector, word, forced=True)

    def _say_meters(self, outlets: list[Outlet]) -> None:
        for outlet in outlets:
            sample = outlet.read(self._station.world.now)
            self.meter_values(outlet, sample, trigger="Trigger")

    def _say_transactions(self, outlets: list[Outlet]) -> None:
        for outlet in outlets:
            if outlet.tx is not None:
                sample = outlet.read(self._station.world.now)
                self.tx_updated(outlet.tx, "Trigger", sample)

    # --- How --------------------------------------------------------------------------------------

    def _ask(
        self,
        request: Message,
        *,
        done: Callable[[Any], None] | None = None,
        failed: Callable[[str], None] | None = None,
        early: bool = False,
    ) -> None:
        ask = Ask(build=lambda: request, done=done, failed=failed)
        self._station.talk.ask(ask, early=early)

    def _tell(
        self,
        event: Literal["Started", "Updated", "Ended"],
        tx: Transaction,
        trigger: Trigger,
        sample: Sample | None,
        context: str,
    ) -> None:
        station, words, outlet = self._station, self.words, tx.outlet
        at = station.world.now if sample is None else sample.at
        state = _charging_state(outlet)
        fresh_token = tx.token is not None and not tx.told_token
        with_token = fresh_token or trigger in {"StopAuthorized", "RemoteStart"}
        token = self._token(tx.token) if with_token and tx.token is not None else None
        stopped = _REASONS[tx.stop_reason or "Other"] if event == "Ended" else None
        with_evse = event == "Started" or trigger in {"CablePluggedIn", "Authorized"}
        request = words.TransactionEvent(
            event_type=event,
            timestamp=moment(at),
            trigger_reason=trigger,
            seq_no=tx.seq,
            transaction_info=words.Transaction(
                transaction_id=tx.ref,
                charging_state=state if state != tx.told_state or event != "Updated" else None,
                stopped_reason=stopped,
                remote_start_id=tx.remote_start_id if trigger == "RemoteStart" else None,
            ),
            offline=None if station.online else True,
            evse=self._evse(tx) if with_evse else None,
            id_token=token,
            meter_value=(self._meter_value(sample, context),) if sample is not None else None,
        )
        tx.told_state, tx.told_token = state, tx.told_token or with_token
        note = Note(
            kind={"Started": "start", "Updated": "update", "Ended": "end"}[event],  # type: ignore[arg-type]  # a dict of literals loses them
            tx=tx,
            seq=tx.seq,
            at=at,
            meter_wh=outlet.shown_wh if sample is None else sample.register_wh,
        )
        tx.seq += 1

        def done(response: Any) -> None:
            info = response.id_token_info
            if info is not None and info.status != "Accepted":
                station.deauthorized(tx)

        station.talk.ask(Ask(build=lambda: request, done=done, note=note))

    def _token(self, token: str) -> Any:
        return self.words.IdToken(id_token=token, type="ISO14443")

    def _evse(self, tx: Transaction) -> Any:
        connector = tx.connector.id if tx.connector is not None else None
        return self.words.EVSE(id=tx.outlet.id, connector_id=connector)

    def _meter_value(self, sample: Sample, context: str) -> Any:
        words = self.words
        measurands = self._station.knobs.measurands
        if context in {"Transaction.Begin", "Transaction.End"}:
            measurands = ("Energy.Active.Import.Register",)
        values: list[Any] = []
        for measurand in measurands:
            number = reading(sample, measurand)
            if number is None:
                continue
            by_phase = measurand == "Current.Import" and sample.phases > 1
            values.extend(
                words.SampledValue(
                    value=round(number, 2),
                    context=context,
                    measurand=measurand,
                    phase=phase,
                    location="EV" if measurand == "SoC" else "Outlet",
                    unit_of_measure=words.UnitOfMeasure(unit=_UNITS[measurand]),
                )
                for phase in (_PHASES[: sample.phases] if by_phase else (None,))
            )
        return words.MeterValue(timestamp=moment(sample.at), sampled_value=tuple(values))


def _charging_state(outlet: Outlet) -> str:
    if outlet.energised:
        return {"EV": "SuspendedEV", "EVSE": "SuspendedEVSE", None: "Charging"}[outlet.paused]
    return "EVConnected" if outlet.plugged else "Idle"
