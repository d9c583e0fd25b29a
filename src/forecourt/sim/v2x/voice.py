"""OCPP 2.0.1 and 2.1 as a station speaks them: what it says, and who does what it is told.

Both versions have the same names for nearly all that is said, so one voice serves both and is
handed the version's messages. It translates; whatever is decided, the station decides.
"""

from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any, Final, TypeVar, cast

from forecourt.protocol.ocpp.dialect import Dialect, ErrorReason
from forecourt.protocol.ocpp.values import Message
from forecourt.sim.models import Measurand, TxPoint
from forecourt.sim.outlet import Ceiling, Connector, Outlet, Sample, State, Transaction
from forecourt.sim.readings import BY_PHASE, UNITS, moment, reading
from forecourt.sim.reservations import Over
from forecourt.sim.station import Station
from forecourt.sim.talk import Ask, Note
from forecourt.sim.upkeep import Topic
from forecourt.sim.v2x import (
    access,
    core,
    display,
    grid,
    monitors,
    payments,
    smart,
    streams,
    swap,
    tariffs,
    upkeep,
    variables,
    vehicles,
)  # fmt: skip
from forecourt.sim.v2x.entry import Entry
from forecourt.sim.v2x.model import Model, model_of, value
from forecourt.sim.v2x.table import Command, Commands
from forecourt.sim.v2x.words import CONTEXTS, PHASES, REASONS, STATES, charging_state
from forecourt.sim.voice import Cause, Refusal, Trigger, Verdict

COMMANDS: Final[Commands] = {
    action: command
    for topic in (
        access, core, display, grid, monitors, payments, smart, streams, swap, tariffs, upkeep,
        variables,
    )
    for action, command in topic.COMMANDS.items()
}  # fmt: skip

T = TypeVar("T")
# Kinds of cards that are not the usual one; what a central system sends is forgotten at some time.
_TYPES_MAX: Final = 50
_CARD: Final = "ISO14443"
_EXPORT: Final[tuple[Measurand, ...]] = ("Energy.Active.Export.Register", "Power.Active.Export")
_ONLY_21: Final = frozenset(
    {
        "CostLimitReached", "LimitSet", "OperationModeChanged", "RunningCost", "SoCLimitReached",
        "TariffChanged", "TxResumed",
    }
)  # fmt: skip
_JOBS: Final[dict[str, Topic]] = {
    "LogStatusNotification": "log",
    "FirmwareStatusNotification": "firmware",
    "PublishFirmwareStatusNotification": "publish",
}
_SIGNED: Final = {
    "SignChargingStationCertificate": "ChargingStationCertificate",
    "SignV2GCertificate": "V2GCertificate",
    "SignV2G20Certificate": "V2G20Certificate",
    "SignCombinedCertificate": "ChargingStationCertificate",
}


class V2x:
    """The voice of one station in 2.0.1 or 2.1."""

    def __init__(self, station: Station, words: ModuleType) -> None:
        self.station = station
        self.words = words
        """``v201`` or ``v21``."""
        self.dialect: Dialect = words.DIALECT
        self.newest = hasattr(words, "SetDERControl")
        self._organs: dict[object, Any] = {}
        self._kept: dict[str, Callable[[], str]] = {}
        self.types: dict[str, str] = {}
        """What kind a card is, where it is not the usual kind."""

    @property
    def starts_at(self) -> tuple[TxPoint, ...]:
        return self.station.knobs.starts_at or (self.station.plan.model.tx_start,)

    @property
    def stops_at(self) -> tuple[TxPoint, ...]:
        return self.station.knobs.stops_at or (self.station.plan.model.tx_stop,)

    # --- What organs and commands need ------------------------------------------------------------

    def organ(self, kind: "Callable[[V2x], T]") -> T:
        found = self._organs.get(kind)
        if found is None:
            found = self._organs[kind] = kind(self)
        return cast("T", found)

    def has(self, kind: "Callable[[V2x], T]") -> T | None:
        return self._organs.get(kind)

    def keep(self, what: str, read: Callable[[], str]) -> None:
        self._kept[what] = read

    def model(self) -> Model:
        plan = self.station.plan
        return model_of(plan.model, plan.features, newest=self.newest)

    def value(self, entry: Entry) -> str:
        if entry.live in _ORGANS and entry.live not in self._kept:
            self.organ(_ORGANS[entry.live])
        return value(self.station, entry, self._kept)

    def token(self, token: str) -> Any:
        return self.words.IdToken(id_token=token, type=self.types.get(token, _CARD))

    def ask(
        self,
        request: Any,
        *,
        done: Callable[[Any], None] | None = None,
        failed: Callable[[str], None] | None = None,
        early: bool = False,
    ) -> None:
        ask = Ask(build=lambda: request, done=done, failed=failed)
        self.station.talk.ask(ask, early=early)

    # --- What it says -----------------------------------------------------------------------------

    def boot(self, cause: Cause) -> None:
        plan, station, words = self.station.plan, self.station, self.words
        request = words.BootNotification(
            reason=cause,
            charging_station=words.ChargingStation(
                vendor_name=plan.model.vendor,
                model=plan.model.model,
                serial_number=plan.serial,
                firmware_version=station.firmware,
            ),
        )

        def done(response: Any) -> None:
            station.booted(response.status, response.interval)

        self.ask(request, done=done, failed=lambda _: station.boot_again(), early=True)

    def booted(self) -> None:
        features = self.station.plan.features
        jobs, watch = self.has(upkeep.Jobs), self.has(monitors.Monitors)
        if jobs is not None:
            jobs.booted()
        if watch is not None:
            watch.booted()
        if "vendor" in features:
            self.ask(
                self.words.DataTransfer(
                    vendor_id=core.vendor_id(self.station),
                    message_id="Hello",
                    data=self.station.plan.serial,
                )
            )
        if "ems" in features:
            self.organ(smart.SiteLimiter)

    def heartbeat(self, *, forced: bool = False) -> None:
        self.ask(self.words.Heartbeat(), early=forced)

    def spell(self, outlet: Outlet, state: State) -> str:
        if state == State.PREPARING and not outlet.plugged:
            return "Available"  # 2.x calls a connector occupied when a cable is in it.
        return STATES[state]

    def status(
        self, outlet: Outlet, connector: Connector, word: str, *, forced: bool = False
    ) -> None:
        request = self.words.StatusNotification(
            timestamp=moment(self.station.world.now),
            connector_status=word,
            evse_id=outlet.id,
            connector_id=connector.id,
        )

        def failed(_: str) -> None:
            connector.reported = None  # To be told again when there is somebody to hear it.

        self.ask(request, failed=failed, early=forced)

    def authorize(self, token: str, done: Callable[[Verdict], None]) -> None:
        def answered(response: Any) -> None:
            self.station.remember(token, core.known_of(response.id_token_info))
            if self.newest and response.tariff is not None:
                self.organ(tariffs.Tariffs).of_driver[token] = response.tariff
            done("accepted" if response.id_token_info.status == "Accepted" else "refused")

        hashes = None
        if self.types.get(token) == "eMAID":
            names = vehicles.ocsp_data(token)
            url = "http://ocsp.example/"
            hashes = (self.words.OCSPRequestData(**names, responder_url=url),)
        request = self.words.Authorize(
            id_token=self.token(token), iso15118_certificate_hash_data=hashes
        )
        self.ask(request, done=answered, failed=lambda _: done("unanswered"))

    def plugged(self, outlet: Outlet) -> None:
        if outlet.car is not None and outlet.car.contract is not None:
            self.remember_type(outlet.car.contract, "eMAID")
        vehicles.plugged(self, outlet)

    def remember_type(self, token: str, kind: str) -> None:
        if kind != _CARD:
            self.types[token] = kind
            if len(self.types) > _TYPES_MAX:
                del self.types[next(iter(self.types))]

    def looked(self, outlet: Outlet) -> None:
        bills = self.has(tariffs.Tariffs)
        if bills is not None:
            bills.look(outlet, self.station.world.now)
        tx = outlet.tx
        if tx is not None and tx.ceiling is not None and tx.ceiling.cost is not None:
            bill = bills.bills.get(tx.ref) if bills is not None else None
            if bill is not None and bill.total >= tx.ceiling.cost:
                self.station.stop(outlet, "CostLimit", "CostLimitReached")
        monitors.watch(self, outlet)

    def faulted(self, outlet: Outlet) -> None:
        if "alarms" in self.station.plan.features and self.station.powered:
            self.organ(monitors.Monitors).look()

    def reservation_over(self, reservation_id: int, over: Over) -> None:
        self.ask(
            self.words.ReservationStatusUpdate(
                reservation_id=reservation_id, reservation_update_status=over
            )
        )

    def security_event(self, kind: str, info: str | None = None) -> None:
        at = moment(self.station.world.now)
        self.ask(self.words.SecurityEventNotification(type=kind, timestamp=at, tech_info=info))

    # --- Transactions -----------------------------------------------------------------------------

    def tx_started(self, tx: Transaction, trigger: Trigger, sample: Sample) -> None:
        bills = self.has(tariffs.Tariffs)
        if bills is not None:
            bills.begin(tx, self.station.world.now)
        self._tell("Started", tx, trigger, sample, "Transaction.Begin")

    def tx_updated(self, tx: Transaction, trigger: Trigger, sample: Sample | None) -> None:
        if not self.newest and trigger in _ONLY_21:
            return
        if trigger == "ChargingStateChanged" and tx.told_state == charging_state(tx.outlet):
            return
        bills = self.has(tariffs.Tariffs)
        if bills is not None and tx.token is not None:
            bills.begin(tx, self.station.world.now)  # Whose tariff it is may be known only now.
        self._tell("Updated", tx, trigger, sample, CONTEXTS.get(trigger, "Other"))

    def tx_ended(self, tx: Transaction, trigger: Trigger, sample: Sample) -> None:
        self._tell("Ended", tx, trigger, sample, "Transaction.End")
        bills, shown = self.has(tariffs.Tariffs), self.has(display.Display)
        if self.newest and "payment" in self.station.plan.features:
            self.organ(payments.Terminal).ended(tx, sample.register_wh - tx.start_wh)
        if bills is not None:
            bills.ended(tx.ref)
        if shown is not None:
            shown.ended(tx.ref)

    def meter_values(
        self, outlet: Outlet, sample: Sample, *, trigger: Trigger = "MeterValueClock"
    ) -> None:
        value = self._meter_value(sample, CONTEXTS[trigger])
        request = self.words.MeterValues(evse_id=outlet.id, meter_value=(value,))
        self.ask(request, early=trigger == "Trigger")

    def _tell(
        self, event: str, tx: Transaction, trigger: Trigger, sample: Sample | None, context: str
    ) -> None:
        station, words, outlet = self.station, self.words, tx.outlet
        at = station.world.now if sample is None else sample.at
        state = charging_state(outlet)
        fresh_token = tx.token is not None and not tx.told_token
        with_token = fresh_token or trigger in {"StopAuthorized", "RemoteStart"}
        token = self.token(tx.token) if with_token and tx.token is not None else None
        with_evse = event == "Started" or trigger in {"CablePluggedIn", "Authorized"}
        request = words.TransactionEvent(
            event_type=event,
            timestamp=moment(at),
            trigger_reason=trigger,
            seq_no=tx.seq,
            transaction_info=words.Transaction(
                transaction_id=tx.ref,
                charging_state=state if state != tx.told_state or event != "Updated" else None,
                time_spent_charging=int(tx.charged_s) if event == "Ended" else None,
                stopped_reason=REASONS[tx.stop_reason or "Other"] if event == "Ended" else None,
                remote_start_id=tx.remote_start_id if trigger == "RemoteStart" else None,
                **self._info_21(tx, event),
            ),
            offline=None if station.online else True,
            reservation_id=tx.reservation_id if fresh_token else None,
            evse=self._evse(tx) if with_evse else None,
            id_token=token,
            meter_value=self._values(tx, event, sample, context),
            **self._more_21(tx, event, trigger),
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
        told = tx.token if with_token else None
        done = partial(self._told, tx, told)
        station.talk.ask(Ask(build=lambda: request, done=done, note=note))

    def _told(self, tx: Transaction, token: str | None, response: Any) -> None:
        """What the answer to a transaction's message brings."""
        info = response.id_token_info
        if info is not None:
            if token is not None:
                self.station.remember(token, core.known_of(info))
            if info.status != "Accepted":
                self.station.deauthorized(tx)
        if not tx.ended:
            display.show_answer(self, tx.outlet, response)
            limit = response.transaction_limit if self.newest else None
            if limit is not None:
                tx.ceiling = Ceiling(
                    energy_wh=limit.max_energy,
                    time_s=limit.max_time,
                    soc_pct=limit.max_soc,
                    cost=limit.max_cost,
                )

    def _info_21(self, tx: Transaction, event: str) -> dict[str, Any]:
        """What 2.1 adds to what a transaction is."""
        bills = self.has(tariffs.Tariffs) if self.newest else None
        bill = bills.bills.get(tx.ref) if bills is not None else None
        more: dict[str, Any] = {}
        if bill is not None:
            more["tariff_id"] = bill.tariff.tariff_id
        if self.newest and event == "Updated":
            mode = self.station.limits.setting(self.station.world.now, tx.outlet.place()).mode
            if mode is not None:
                more["operation_mode"] = mode
        return more

    def _more_21(self, tx: Transaction, event: str, trigger: Trigger) -> dict[str, Any]:
        bills = self.has(tariffs.Tariffs) if self.newest else None
        if bills is None:
            return {}
        final = event == "Ended"
        if final or trigger in {"RunningCost", "TariffChanged", "MeterValuePeriodic"}:
            details = bills.details(tx, final=final)
            return {"cost_details": details} if details is not None else {}
        return {}

    def _evse(self, tx: Transaction) -> Any:
        connector = tx.connector.id if tx.connector is not None else None
        return self.words.EVSE(id=tx.outlet.id, connector_id=connector)

    # --- Readings ---------------------------------------------------------------------------------

    def _values(
        self, tx: Transaction, event: str, sample: Sample | None, context: str
    ) -> tuple[Any, ...] | None:
        if sample is None:
            return None
        gives = tx.outlet.car is not None and tx.outlet.car.bidirectional
        more = _EXPORT if gives and "v2x" in self.station.plan.features else ()
        values = []
        if event == "Ended":
            knobs = self.station.knobs
            kept = ((tx.samples, "Sample.Periodic", knobs.end_measurands),
                    (tx.aligned, "Sample.Clock", knobs.end_aligned_measurands))  # fmt: skip
            values = [
                self._meter_value(one, kind, measurands)
                for samples, kind, measurands in kept
                for one in samples or ()
            ]
        values.append(self._meter_value(sample, context, more=more))
        return tuple(value for value in values if value.sampled_value) or None

    def _meter_value(
        self,
        sample: Sample,
        context: str,
        measurands: tuple[Measurand, ...] | None = None,
        more: tuple[Measurand, ...] = (),
    ) -> Any:
        words, knobs = self.words, self.station.knobs
        if measurands is None:
            measurands = {
                "Transaction.Begin": knobs.start_measurands,
                "Transaction.End": knobs.end_measurands,
                "Sample.Clock": knobs.aligned_measurands,
            }.get(context, knobs.measurands)
            measurands = (*measurands, *(one for one in more if one not in measurands))
        values: list[Any] = []
        for measurand in measurands:
            number = reading(sample, measurand)
            if number is None:
                continue
            by_phase = measurand in BY_PHASE and sample.phases > 1
            unit = UNITS[measurand]
            values.extend(
                words.SampledValue(
                    value=round(number, 2),
                    context=context,
                    measurand=measurand,
                    phase=phase,
                    location="EV" if measurand == "SoC" else "Outlet",
                    unit_of_measure=words.UnitOfMeasure(unit=unit) if unit else None,
                )
                for phase in (PHASES[: sample.phases] if by_phase else (None,))
            )
        return words.MeterValue(timestamp=moment(sample.at), sampled_value=tuple(values))

    # --- What it is told --------------------------------------------------------------------------

    def answer(self, request: Message) -> Message | Refusal | None:
        if self.station.registration == "Rejected":
            # B03.FR.08: a station that was rejected lets nobody command it.
            return Refusal(ErrorReason.SECURITY, "this station has been rejected")
        command: Command | None = COMMANDS.get(type(request).__name__)
        if command is None:
            return Refusal(ErrorReason.NOT_SUPPORTED, "this station cannot do that")
        answer: Message = command(self, request)
        return answer

    def say(
        self, what: str, outlet: Outlet | None, custom: str | None = None
    ) -> Callable[[], None] | None:
        """How to say what a trigger asks for; None for what this station never says."""
        outlets = self.station.outlets if outlet is None else [outlet]
        plain: dict[str, Callable[[], None]] = {
            "BootNotification": partial(self.boot, "Triggered"),
            "Heartbeat": partial(self.heartbeat, forced=True),
            "StatusNotification": partial(self._say_status, outlets),
            "MeterValues": partial(self._say_meters, outlets),
            "TransactionEvent": partial(self._say_transactions, outlets),
        }
        if what in plain:
            return plain[what]
        if what in _SIGNED:
            return partial(self.organ(upkeep.Signing).ask, _SIGNED[what])
        publishes = "controller" in self.station.plan.features
        if what in _JOBS and (publishes or _JOBS[what] != "publish"):
            return partial(self.organ(upkeep.Jobs).tell_again, _JOBS[what])
        if what == "CustomTrigger" and custom == "DoorLog":
            return partial(self.security_event, "DoorLog", "opened 0 times")
        return None

    def _say_status(self, outlets: list[Outlet]) -> None:
        for outlet in outlets:
            for connector in outlet.connectors:
                word = self.spell(outlet, outlet.state_of(connector))
                connector.reported = word
                self.status(outlet, connector, word, forced=True)

    def _say_meters(self, outlets: list[Outlet]) -> None:
        for outlet in outlets:
            sample = outlet.read(self.station.world.now)
            self.meter_values(outlet, sample, trigger="Trigger")

    def _say_transactions(self, outlets: list[Outlet]) -> None:
        for outlet in outlets:
            if outlet.tx is not None:
                sample = outlet.read(self.station.world.now)
                self.tx_updated(outlet.tx, "Trigger", sample)


_ORGANS: Final[dict[str, Any]] = {
    "monitoring_level": monitors.Monitors,
    "monitoring_base": monitors.Monitors,
    "messages": display.Display,
    "shown": display.Display,
}
"""Who answers for which living variable."""
