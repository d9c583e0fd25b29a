"""OCPP 1.6 as a station speaks it: what it says, and what it makes of commands.

It translates between the station's words and 1.6; whatever is decided, the station decides.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Final, cast

import msgspec

from forecourt.protocol.ocpp import v16
from forecourt.protocol.ocpp.dialect import Dialect, ErrorReason
from forecourt.protocol.ocpp.values import Message
from forecourt.sim.models import Measurand, TxPoint
from forecourt.sim.outlet import Connector, Outlet, Reason, Sample, State, Transaction
from forecourt.sim.readings import BY_PHASE, UNITS, moment, reading
from forecourt.sim.reservations import Over
from forecourt.sim.station import Station
from forecourt.sim.talk import Ask, Note
from forecourt.sim.upkeep import Topic, Upkeep
from forecourt.sim.v16 import access, core, smart, upkeep
from forecourt.sim.voice import Cause, Refusal, Trigger, Verdict

COMMANDS: Final = {
    **core.COMMANDS,
    **access.COMMANDS,
    **smart.COMMANDS,
    **upkeep.COMMANDS,
}

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
    "EVStopped": "Other",
    "EnergyLimit": "Other",
    "TimeLimit": "Other",
    "SocLimit": "Other",
    "CostLimit": "Other",
    "Timeout": "Other",
    "Other": "Other",
}
_CONTEXTS: Final[dict[Trigger, v16.ReadingContext]] = {
    "MeterValuePeriodic": "Sample.Periodic",
    "MeterValueClock": "Sample.Clock",
    "Trigger": "Trigger",
}
_PHASES: Final[tuple[v16.Phase, ...]] = ("L1", "L2", "L3")
_FINE: Final = frozenset({"A", "Hertz", ""})
# What a station says of a transaction whose start the central system never took.
_NO_TRANSACTION: Final = -1


class V16:
    """The 1.6 voice of one station."""

    dialect: Dialect = v16.DIALECT
    starts_at: tuple[TxPoint, ...] = ("PowerPathClosed",)
    stops_at: tuple[TxPoint, ...] = ("Authorized",)

    def __init__(self, station: Station) -> None:
        self._station = station
        self._upkeep: Upkeep | None = None

    @property
    def upkeep(self) -> Upkeep:
        """Made when first needed: most stations are never updated."""
        if self._upkeep is None:
            self._upkeep = Upkeep(self._station, self._tell_job)
        return self._upkeep

    # --- What it says -----------------------------------------------------------------------------

    def boot(self, cause: Cause) -> None:
        plan, station = self._station.plan, self._station
        request = v16.BootNotification(
            charge_point_vendor=plan.model.vendor,
            charge_point_model=plan.model.model,
            charge_point_serial_number=plan.serial,
            firmware_version=station.firmware,
            meter_type="AC" if plan.model.current == "AC" else "DC",
        )

        def done(response: Message) -> None:
            assert isinstance(response, v16.BootNotificationResponse)
            station.booted(response.status, response.interval)

        self._ask(request, done=done, failed=lambda _: station.boot_again(), early=True)

    def booted(self) -> None:
        station = self._station
        if self._upkeep is not None:
            self._upkeep.booted()
        if "vendor" in station.plan.features:
            self._ask(
                v16.DataTransfer(
                    vendor_id=core.vendor_id(station),
                    message_id="Hello",
                    data=station.plan.serial,
                )
            )

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
            self._station.remember(token, access.known_of(response.id_tag_info))
            done("accepted" if response.id_tag_info.status == "Accepted" else "refused")

        self._ask(v16.Authorize(id_tag=token), done=answered, failed=lambda _: done("unanswered"))

    def tx_started(self, tx: Transaction, trigger: Trigger, sample: Sample) -> None:
        assert tx.connector is not None, "1.6 starts when the cable is in"
        assert tx.token is not None, "1.6 starts when somebody may charge"
        request = v16.StartTransaction(
            connector_id=tx.connector.number,
            id_tag=tx.token,
            meter_start=tx.start_wh,
            reservation_id=tx.reservation_id,
            timestamp=moment(tx.begun_at),
        )

        def done(response: Message) -> None:
            assert isinstance(response, v16.StartTransactionResponse)
            tx.wire_id = response.transaction_id
            self._station.remember(tx.token or "", access.known_of(response.id_tag_info))
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
        data = self._kept(tx, sample)

        def build() -> Message:
            return v16.StopTransaction(
                transaction_id=_NO_TRANSACTION if tx.wire_id is None else tx.wire_id,
                id_tag=token if reason == "Local" else None,
                meter_stop=sample.register_wh,
                timestamp=moment(sample.at),
                reason=reason,
                transaction_data=data or None,
            )

        def done(response: Message) -> None:
            assert isinstance(response, v16.StopTransactionResponse)
            if response.id_tag_info is not None and token is not None:
                self._station.remember(token, access.known_of(response.id_tag_info))

        self._station.talk.ask(Ask(build=build, done=done, note=note))

    def _kept(self, tx: Transaction, last: Sample) -> tuple[v16.MeterValue, ...]:
        """What StopTransaction is to tell of the session's readings."""
        knobs = self._station.knobs
        values: list[v16.MeterValue] = []
        if knobs.stop_sampled:
            begin = msgspec.structs.replace(last, at=tx.begun_at, register_wh=tx.start_wh)
            values.append(
                self._meter_value(begin, "Transaction.Begin", ("Energy.Active.Import.Register",))
            )
            values.extend(
                self._meter_value(s, "Sample.Periodic", knobs.stop_sampled)
                for s in tx.samples or ()
            )
            values.append(self._meter_value(last, "Transaction.End", knobs.stop_sampled))
        if knobs.stop_aligned:
            values.extend(
                self._meter_value(s, "Sample.Clock", knobs.stop_aligned) for s in tx.aligned or ()
            )
        return tuple(value for value in values if value.sampled_value)

    def meter_values(
        self, outlet: Outlet, sample: Sample, *, trigger: Trigger = "MeterValueClock"
    ) -> None:
        request = v16.MeterValues(
            connector_id=outlet.connectors[0].number,
            meter_value=(self._meter_value(sample, _CONTEXTS[trigger]),),
        )
        self._ask(request, early=trigger == "Trigger")

    def security_event(self, kind: str, info: str | None = None) -> None:
        at = moment(self._station.world.now)
        self._ask(v16.SecurityEventNotification(type=kind, timestamp=at, tech_info=info))

    def plugged(self, outlet: Outlet) -> None:
        """1.6 has no word for what a car says."""

    def looked(self, outlet: Outlet) -> None:
        """Nor for values that are watched."""

    def faulted(self, outlet: Outlet) -> None:
        """The status says it all."""

    def reservation_over(self, reservation_id: int, over: Over) -> None:
        """The status says it all."""

    def _tell_job(self, topic: Topic, status: str, request_id: int | None) -> None:
        """Of firmware and logs. The plain messages know fewer words than the signed ones."""
        request: Message
        if topic == "firmware" and request_id is None:
            request = v16.FirmwareStatusNotification(status=cast("Any", status))
        elif topic == "firmware":
            request = v16.SignedFirmwareStatusNotification(
                status=cast("Any", status), request_id=request_id
            )
        elif request_id is None:
            if status == "AcceptedCanceled":
                return
            word = "UploadFailed" if status == "UploadFailure" else status
            request = v16.DiagnosticsStatusNotification(status=cast("Any", word))
        else:
            word = "UploadFailure" if status == "AcceptedCanceled" else status
            request = v16.LogStatusNotification(status=cast("Any", word), request_id=request_id)
        self._ask(request, early=True)

    # --- What it is told --------------------------------------------------------------------------

    def answer(self, request: Message) -> Message | Refusal | None:
        if self._station.registration == "Rejected":
            return None
        command = COMMANDS.get(type(request))
        if command is None:
            return Refusal(ErrorReason.NOT_SUPPORTED, "this station cannot do that")
        return command(self._station, self, request)

    def say(self, what: str, outlet: Outlet | None, *, extended: bool) -> Callable[[], None] | None:
        """How to say what a trigger asks for; None for what this station never says.

        ``extended``: in the words of the security extension.
        """
        outlets = self._station.outlets if outlet is None else [outlet]
        firmware = partial(self._say_job, "firmware", extended=extended)
        known: dict[str, Callable[[], None]] = {
            "BootNotification": partial(self.boot, "Triggered"),
            "Heartbeat": partial(self.heartbeat, forced=True),
            "StatusNotification": partial(self._say_status, outlets),
            "MeterValues": partial(self._say_meters, outlets),
            "DiagnosticsStatusNotification": partial(self._say_job, "log", extended=False),
            "LogStatusNotification": partial(self._say_job, "log", extended=True),
            "FirmwareStatusNotification": firmware,
            "SignChargePointCertificate": self.sign,
        }
        return known.get(what)

    def _say_job(self, topic: Topic, *, extended: bool) -> None:
        status, request_id = self.upkeep.status(topic)
        request: Message
        match topic, extended:
            case "log", False:
                word = "Uploading" if status == "Uploading" else "Idle"
                request = v16.DiagnosticsStatusNotification(status=cast("Any", word))
            case "log", True:
                request = v16.LogStatusNotification(
                    status=cast("Any", status), request_id=request_id
                )
            case _, False:
                request = v16.FirmwareStatusNotification(status=cast("Any", status))
            case _:
                request = v16.SignedFirmwareStatusNotification(
                    status=cast("Any", status), request_id=request_id
                )
        self._ask(request, early=True)

    def sign(self) -> None:
        """Ask for a certificate for a key that is made now."""
        station = self._station
        csr = station.vault.request(station.plan.serial, station.knobs.organization)
        self._ask(v16.SignCertificate(csr=csr), early=True)

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

    def _meter_value(
        self,
        sample: Sample,
        context: v16.ReadingContext,
        measurands: tuple[Measurand, ...] | None = None,
    ) -> v16.MeterValue:
        if measurands is None:
            knobs = self._station.knobs
            by_clock = context == "Sample.Clock"
            measurands = knobs.aligned_measurands if by_clock else knobs.measurands
        values: list[v16.SampledValue] = []
        for measurand in measurands:
            number = reading(sample, measurand)
            if number is None:
                continue
            unit = UNITS[measurand]
            phases = _PHASES[: sample.phases] if measurand in BY_PHASE else (None,)
            values.extend(
                v16.SampledValue(
                    value=f"{number:.2f}" if unit in _FINE else f"{number:.0f}",
                    context=context,
                    measurand=measurand,
                    unit=cast("Any", unit or None),
                    location="EV" if measurand == "SoC" else "Outlet",
                    phase=phase if sample.phases > 1 else None,
                )
                for phase in phases
            )
        return v16.MeterValue(timestamp=moment(sample.at), sampled_value=tuple(values))
