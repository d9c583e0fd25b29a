"""OCPP 1.6 as a station speaks it: what it says, and what it makes of commands.

It translates between the station's words and 1.6; whatever is decided, the station decides.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Final, Literal

from forecourt.protocol.ocpp import v16
from forecourt.protocol.ocpp.dialect import Dialect, ErrorReason
from forecourt.protocol.ocpp.values import Message
from forecourt.sim.commands16 import COMMANDS
from forecourt.sim.models import Measurand, TxPoint
from forecourt.sim.outlet import Connector, Outlet, Reason, Sample, State, Transaction
from forecourt.sim.station import Station
from forecourt.sim.talk import Ask, Note
from forecourt.sim.voice import Cause, Refusal, Trigger, Verdict

_REASONS: Final[dict[Reason, v16.Reason]] = {
    "Local": "Local",
    "Remote": "Remote",
    "EVDisconnected": "EVDisconnected",
    "DeAuthorized": "DeAuthorized",
    "PowerLoss": "PowerLoss",
    "SoftReset": "SoftReset",
    "HardReset": "HardReset",
    "EmergencyStop": "EmergencyStop",
    "UnlockCommand": "UnlockCommand",
    "Timeout": "Other",
    "Other": "Other",
}
_UNITS: Final[dict[Measurand, v16.UnitOfMeasure]] = {
    "Energy.Active.Import.Register": "Wh",
    "Power.Active.Import": "W",
    "Power.Offered": "W",
    "Current.Import": "A",
    "Voltage": "V",
    "SoC": "Percent",
}
_CONTEXTS: Final[dict[Trigger, v16.ReadingContext]] = {
    "MeterValuePeriodic": "Sample.Periodic",
    "MeterValueClock": "Sample.Clock",
    "Trigger": "Trigger",
}
_PHASES: Final[tuple[v16.Phase, ...]] = ("L1", "L2", "L3")
# What a station says of a transaction whose start the central system never took.
_NO_TRANSACTION: Final = -1


def moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


class V16:
    """The 1.6 voice of one station."""

    dialect: Dialect = v16.DIALECT
    starts_at: TxPoint = "PowerPathClosed"
    stops_at: Literal["EVConnected", "Authorized"] = "Authorized"

    def __init__(self, station: Station) -> None:
        self._station = station

    # --- What it says -----------------------------------------------------------------------------

    def boot(self, cause: Cause) -> None:
        plan, station = self._station.plan, self._station
        request = v16.BootNotification(
            charge_point_vendor=plan.model.vendor,
            charge_point_model=plan.model.model,
            charge_point_serial_number=plan.serial,
            firmware_version=plan.model.firmware,
            meter_type="AC" if plan.model.current == "AC" else "DC",
        )

        def done(response: Message) -> None:
            assert isinstance(response, v16.BootNotificationResponse)
            station.booted(response.status, response.interval)

        self._ask(request, done=done, failed=lambda _: station.boot_again(), early=True)

    def heartbeat(self, *, forced: bool = False) -> None:
        self._ask(v16.Heartbeat(), early=forced)

    def spell(self, outlet: Outlet, state: State) -> str:
        return state.value

    def status(
        self, outlet: Outlet, connector: Connector, word: str, *, forced: bool = False
    ) -> None:
        request = v16.StatusNotification(
            connector_id=connector.number,
            error_code=outlet.fault or "NoError",
            status=State(word).value,
            timestamp=moment(self._station.world.now),
        )

        def failed(_: str) -> None:
            connector.reported = None  # To be told again when there is somebody to hear it.

        self._ask(request, failed=failed, early=forced)

    def authorize(self, token: str, done: Callable[[Verdict], None]) -> None:
        def answered(response: Message) -> None:
            assert isinstance(response, v16.AuthorizeResponse)
            done("accepted" if response.id_tag_info.status == "Accepted" else "refused")

        self._ask(v16.Authorize(id_tag=token), done=answered, failed=lambda _: done("unanswered"))

    def tx_started(self, tx: Transaction, trigger: Trigger, sample: Sample) -> None:
        assert tx.connector is not None, "1.6 starts when the cable is in"
        assert tx.token is not None, "1.6 starts when somebody may charge"
        request = v16.StartTransaction(
            connector_id=tx.connector.number,
            id_tag=tx.token,
            meter_start=tx.start_wh,
            timestamp=moment(tx.begun_at),
        )

        def done(response: Message) -> None:
            assert isinstance(response, v16.StartTransactionResponse)
            tx.wire_id = response.transaction_id
            if response.id_tag_info.status != "Accepted":
                self._station.deauthorized(tx)

        note = Note(kind="start", tx=tx, seq=tx.seq, at=tx.begun_at, meter_wh=tx.start_wh)
        self._station.talk.ask(Ask(build=lambda: request, done=done, note=note))

    def tx_updated(self, tx: Transaction, trigger: Trigger, sample: Sample | None) -> None:
        if sample is None or tx.connector is None:
            return  # 1.6 has no word for anything but meter values between start and stop.
        tx.seq += 1
        number, value = tx.connector.number, self._meter_value(sample, _CONTEXTS[trigger])
        note = Note(kind="update", tx=tx, seq=tx.seq, at=sample.at, meter_wh=sample.register_wh)

        def build() -> Message:
            return v16.MeterValues(
                connector_id=number, transaction_id=tx.wire_id, meter_value=(value,)
            )

        self._station.talk.ask(Ask(build=build, note=note))

    def tx_ended(self, tx: Transaction, trigger: Trigger, sample: Sample) -> None:
        tx.seq += 1
        note = Note(kind="end", tx=tx, seq=tx.seq, at=sample.at, meter_wh=sample.register_wh)
        reason, token = _REASONS[tx.stop_reason or "Other"], tx.token

        def build() -> Message:
            return v16.StopTransaction(
                transaction_id=_NO_TRANSACTION if tx.wire_id is None else tx.wire_id,
                id_tag=token if reason == "Local" else None,
                meter_stop=sample.register_wh,
                timestamp=moment(sample.at),
                reason=reason,
            )

        self._station.talk.ask(Ask(build=build, note=note))

    def meter_values(
        self, outlet: Outlet, sample: Sample, *, trigger: Trigger = "MeterValueClock"
    ) -> None:
        request = v16.MeterValues(
            connector_id=outlet.connectors[0].number,
            meter_value=(self._meter_value(sample, _CONTEXTS[trigger]),),
        )
        self._ask(request, early=trigger == "Trigger")

    def security_event(self, kind: str) -> None:
        at = moment(self._station.world.now)
        self._ask(v16.SecurityEventNotification(type=kind, timestamp=at))

    # --- What it is told --------------------------------------------------------------------------

    def answer(self, request: Message) -> Message | Refusal | None:
        if self._station.registration == "Rejected":
            return None
        command = COMMANDS.get(type(request))
        if command is None:
            return Refusal(ErrorReason.NOT_SUPPORTED, "this station cannot do that")
        return command(self._station, self, request)

    def say(self, what: str, outlet: Outlet | None) -> Callable[[], None] | None:
        """How to say what a trigger asks for; None for what this station never says."""
        station = self._station
        outlets = station.outlets if outlet is None else [outlet]
        match what:
            case "BootNotification":
                return partial(self.boot, "Triggered")
            case "Heartbeat":
                return partial(self.heartbeat, forced=True)
            case "StatusNotification":
                return partial(self._say_status, outlets)
            case "MeterValues":
                return partial(self._say_meters, outlets)
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
            if outlet.tx is not None:
                self.tx_updated(outlet.tx, "Trigger", sample)
            else:
                self.meter_values(outlet, sample, trigger="Trigger")

    # --- How --------------------------------------------------------------------------------------

    def _ask(
        self,
        request: Message,
        *,
        done: Callable[[Message], None] | None = None,
        failed: Callable[[str], None] | None = None,
        early: bool = False,
    ) -> None:
        ask = Ask(build=lambda: request, done=done, failed=failed)
        self._station.talk.ask(ask, early=early)

    def _meter_value(self, sample: Sample, context: v16.ReadingContext) -> v16.MeterValue:
        values: list[v16.SampledValue] = []
        for measurand in self._station.knobs.measurands:
            phases = _PHASES[: sample.phases] if measurand == "Current.Import" else (None,)
            number = reading(sample, measurand)
            if number is None:
                continue
            values.extend(
                v16.SampledValue(
                    value=f"{number:.0f}" if _UNITS[measurand] != "A" else f"{number:.2f}",
                    context=context,
                    measurand=measurand,
                    unit=_UNITS[measurand],
                    location="EV" if measurand == "SoC" else "Outlet",
                    phase=phase if sample.phases > 1 else None,
                )
                for phase in phases
            )
        return v16.MeterValue(timestamp=moment(sample.at), sampled_value=tuple(values))


def reading(sample: Sample, measurand: Measurand) -> float | None:
    """One measurand of a sample; None when this outlet cannot measure it now."""
    match measurand:
        case "Energy.Active.Import.Register":
            return sample.register_wh
        case "Power.Active.Import":
            return sample.power_w
        case "Power.Offered":
            return sample.offered_w
        case "Current.Import":
            return sample.amps
        case "Voltage":
            return sample.volts
        case "SoC":
            return sample.soc_pct
