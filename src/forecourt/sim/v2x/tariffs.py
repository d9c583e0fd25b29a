"""Tariffs on the station (2.1): it works out what a transaction costs, shows it and tells it.

Amounts are exact until they go out. A transaction is priced in pieces, from look to look, each by
the first price whose conditions it meets; conditions are read at the piece's end.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from msgspec import Struct

from forecourt.sim.outlet import Outlet, Transaction
from forecourt.sim.readings import moment
from forecourt.sim.v2x.display import Display
from forecourt.sim.v2x.table import Commands, Speaker

ELEMENTS_MAX: Final = 10
PERIODS_MAX: Final = 100
_KWH: Final = Decimal(1000)
_MINUTE_S: Final = Decimal(60)
_CENT: Final = Decimal("0.0001")
_PARTS: Final = ("energy", "charging_time", "idle_time", "fixed_fee")
_DAYS: Final = (
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
)  # fmt: skip


class Bill(Struct, eq=False):
    """What a transaction has cost so far."""

    tariff: Any
    seen_wh: int
    seen_at: float
    fixed: Decimal = Decimal(0)
    energy: Decimal = Decimal(0)
    charging_time: Decimal = Decimal(0)
    idle_time: Decimal = Decimal(0)
    energy_wh: int = 0
    charging_s: float = 0.0
    idle_s: float = 0.0
    periods: list[tuple[float, int, float, float]] = []
    """(begin, Wh, seconds charging, seconds idle)"""

    @property
    def total(self) -> Decimal:
        total = self.fixed + self.energy + self.charging_time + self.idle_time
        low, high = self.tariff.min_cost, self.tariff.max_cost
        if low is not None and low.excl_tax is not None:
            total = max(total, _exact(low.excl_tax))
        if high is not None and high.excl_tax is not None:
            total = min(total, _exact(high.excl_tax))
        return total


class Tariffs:
    """The tariffs of one station and the bills of what runs."""

    def __init__(self, speaker: Speaker) -> None:
        self._speaker = speaker
        self.default: dict[int, Any] = {}
        """By EVSE."""
        self.of_driver: dict[str, Any] = {}
        """By card: from the answer to its authorisation."""
        self.bills: dict[str, Bill] = {}

    # --- Which tariff -----------------------------------------------------------------------------

    def for_tx(self, tx: Transaction) -> Any:
        own = self.of_driver.get(tx.token or "")
        return own if own is not None else self.default.get(tx.outlet.id)

    def begin(self, tx: Transaction, now: float) -> None:
        tariff = self.for_tx(tx)
        if tariff is None or tx.ref in self.bills:
            return
        bill = Bill(tariff=tariff, seen_wh=tx.start_wh, seen_at=now, periods=[])
        fee = _price(tariff.fixed_fee, "price_fixed", self._facts(tx.outlet, bill, now, 0.0))
        bill.fixed = fee or Decimal(0)
        self.bills[tx.ref] = bill

    def change(self, tx: Transaction, tariff: Any, now: float) -> str:
        bill = self.bills.get(tx.ref)
        if bill is not None and bill.tariff.currency != tariff.currency:
            return "NoCurrencyChange"
        if bill is None:
            self.bills[tx.ref] = Bill(
                tariff=tariff, seen_wh=tx.outlet.shown_wh, seen_at=now, periods=[]
            )
        else:
            self.look(tx.outlet, now)
            bill.tariff = tariff
        return "Accepted"

    # --- What it costs ----------------------------------------------------------------------------

    def look(self, outlet: Outlet, now: float) -> None:
        """Price what has happened since the last look."""
        tx = outlet.tx
        bill = self.bills.get(tx.ref) if tx is not None else None
        if bill is None:
            return
        wh, seconds = outlet.shown_wh - bill.seen_wh, now - bill.seen_at
        if seconds <= 0:
            return
        charging = wh > 0
        power_w = wh / seconds * 3600.0
        facts = self._facts(outlet, bill, now, power_w)
        tariff = bill.tariff
        per_kwh = _price(tariff.energy, "price_kwh", facts)
        bill.energy += (per_kwh or Decimal(0)) * wh / _KWH
        minutes = _exact(seconds) / _MINUTE_S
        if charging:
            per_minute = _price(tariff.charging_time, "price_minute", facts)
            bill.charging_time += (per_minute or Decimal(0)) * minutes
            bill.charging_s += seconds
        else:
            per_minute = _price(tariff.idle_time, "price_minute", facts)
            bill.idle_time += (per_minute or Decimal(0)) * minutes
            bill.idle_s += seconds
        bill.energy_wh += wh
        idle_s = 0.0 if charging else seconds
        bill.periods = [*bill.periods, (bill.seen_at, wh, seconds - idle_s, idle_s)]
        bill.periods = bill.periods[-PERIODS_MAX:]
        bill.seen_wh, bill.seen_at = outlet.shown_wh, now
        if tx is not None:
            self._speaker.organ(Display).costs[tx.ref] = float(bill.total)

    def _facts(self, outlet: Outlet, bill: Bill, now: float, power_w: float) -> dict[str, Any]:
        """What conditions ask for."""
        model, begun = self._speaker.station.plan.model, outlet.tx
        return {
            "now": datetime.fromtimestamp(now, UTC),
            "energy": bill.energy_wh,
            "power": power_w,
            "current": power_w / model.volts / max(1, outlet.phases),
            "time": now - (begun.begun_at if begun is not None else now),
            "charging_time": bill.charging_s,
            "idle_time": bill.idle_s,
            "evse_kind": model.current,
        }

    # --- What is told -----------------------------------------------------------------------------

    def details(self, tx: Transaction, *, final: bool) -> Any:
        """CostDetails for a transaction's message; None without a tariff."""
        bill = self.bills.get(tx.ref)
        if bill is None:
            return None
        words = self._speaker.words
        parts = {
            "fixed": bill.fixed,
            "energy": bill.energy,
            "charging_time": bill.charging_time,
            "idle_time": bill.idle_time,
        }
        exact = bill.fixed + bill.energy + bill.charging_time + bill.idle_time
        kind = (
            "NormalCost" if bill.total == exact else "MinCost" if bill.total > exact else "MaxCost"
        )
        periods = None
        if final and bill.periods:
            periods = tuple(self._period(bill, one) for one in bill.periods)
        return words.CostDetails(
            total_cost=words.TotalCost(
                currency=bill.tariff.currency,
                type_of_cost=kind,
                total=words.TotalPrice(excl_tax=_out(bill.total)),
                **{name: words.Price(excl_tax=_out(cost)) for name, cost in parts.items() if cost},
            ),
            total_usage=words.TotalUsage(
                energy=float(bill.energy_wh),
                charging_time=int(bill.charging_s + bill.idle_s),
                idle_time=int(bill.idle_s),
            ),
            charging_periods=periods,
        )

    def _period(self, bill: Bill, one: tuple[float, int, float, float]) -> Any:
        words = self._speaker.words
        begin, wh, charging_s, idle_s = one
        volumes = {"Energy": float(wh), "ChargingTime": charging_s, "IdleTIme": idle_s}
        return words.ChargingPeriod(
            start_period=moment(begin),
            tariff_id=bill.tariff.tariff_id,
            dimensions=tuple(
                words.CostDimension(type=kind, volume=volume)
                for kind, volume in volumes.items()
                if volume or kind == "Energy"
            ),
        )

    def ended(self, tx_ref: str) -> Bill | None:
        return self.bills.pop(tx_ref, None)


def _exact(number: float) -> Decimal:
    """A float of the wire as the decimal that was written there."""
    return Decimal(repr(number))


def _out(amount: Decimal) -> float:
    """The one place where an amount becomes the wire's number, to a hundredth of a cent."""
    return float(amount.quantize(_CENT))


def _price(part: Any, field: str, facts: dict[str, Any]) -> Decimal | None:
    """The first price of a tariff's part whose conditions are met."""
    if part is None:
        return None
    for price in part.prices:
        if price.conditions is None or _meets(price.conditions, facts):
            return _exact(getattr(price, field))
    return None


def _meets(conditions: Any, facts: dict[str, Any]) -> bool:
    now: datetime = facts["now"]
    clock, day = now.strftime("%H:%M"), now.date().isoformat()
    begin, end = conditions.start_time_of_day, conditions.end_time_of_day
    if begin is not None and end is not None and begin > end:  # Over midnight.
        if end <= clock < begin:
            return False
    elif (begin is not None and clock < begin) or (end is not None and clock >= end):
        return False
    days = conditions.day_of_week
    if days is not None and _DAYS[now.weekday()] not in days:
        return False
    first, last = conditions.valid_from_date, conditions.valid_to_date
    if (first is not None and day < first) or (last is not None and day >= last):
        return False
    if conditions.evse_kind not in (None, facts["evse_kind"]):
        return False
    return all(_within(conditions, name, facts[name]) for name in _RANGED)


def _within(conditions: Any, name: str, value: float) -> bool:
    low = getattr(conditions, f"min_{name}", None)
    high = getattr(conditions, f"max_{name}", None)
    return (low is None or value >= low) and (high is None or value < high)


_RANGED: Final = ("energy", "power", "current", "time", "charging_time", "idle_time")


# --- Commands -------------------------------------------------------------------------------------


def _too_large(tariff: Any) -> bool:
    parts = (getattr(tariff, name) for name in _PARTS)
    return any(part is not None and len(part.prices) > ELEMENTS_MAX for part in parts)


def on_default(speaker: Speaker, request: Any) -> Any:
    station, respond = speaker.station, speaker.words.SetDefaultTariffResponse
    if not station.knobs.tariffs or (request.evse_id and station.outlet(request.evse_id) is None):
        return respond(status="Rejected")
    if _too_large(request.tariff):
        return respond(status="TooManyElements")
    tariffs = speaker.organ(Tariffs)
    evses = [request.evse_id] if request.evse_id else [o.id for o in station.outlets]
    used = {evse for evse, t in tariffs.default.items() if t.tariff_id == request.tariff.tariff_id}
    if used - set(evses):
        return respond(status="DuplicateTariffId")
    for evse in evses:
        tariffs.default[evse] = request.tariff
    return respond(status="Accepted")


def on_change(speaker: Speaker, request: Any) -> Any:
    station, respond = speaker.station, speaker.words.ChangeTransactionTariffResponse
    tx = station.transaction(request.transaction_id)
    if tx is None:
        return respond(status="TxNotFound")
    if _too_large(request.tariff):
        return respond(status="TooManyElements")
    status = speaker.organ(Tariffs).change(tx, request.tariff, station.world.now)
    if status == "Accepted":
        station.talk.after_answer(lambda: speaker.tx_updated(tx, "TariffChanged", None))
    return respond(status=status)


def on_list(speaker: Speaker, request: Any) -> Any:
    words, tariffs = speaker.words, speaker.organ(Tariffs)
    by_tariff: dict[str, tuple[Any, list[int]]] = {}
    for evse, tariff in sorted(tariffs.default.items()):
        if request.evse_id in (0, evse):
            by_tariff.setdefault(tariff.tariff_id, (tariff, []))[1].append(evse)
    assigned = [
        words.TariffAssignment(
            tariff_id=name,
            tariff_kind="DefaultTariff",
            valid_from=tariff.valid_from,
            evse_ids=tuple(evses),
        )
        for name, (tariff, evses) in by_tariff.items()
    ]
    for token, tariff in tariffs.of_driver.items():
        charging = [o.id for o in speaker.station.outlets if o.token == token]
        if request.evse_id == 0 or request.evse_id in charging:
            assigned.append(
                words.TariffAssignment(
                    tariff_id=tariff.tariff_id,
                    tariff_kind="DriverTariff",
                    evse_ids=tuple(charging) or None,
                    id_tokens=(token,),
                )
            )
    if not assigned:
        return words.GetTariffsResponse(status="NoTariff")
    return words.GetTariffsResponse(status="Accepted", tariff_assignments=tuple(assigned))


def on_clear(speaker: Speaker, request: Any) -> Any:
    words, tariffs = speaker.words, speaker.organ(Tariffs)
    matching = {
        t.tariff_id for evse, t in tariffs.default.items() if request.evse_id in (None, 0, evse)
    }
    names = request.tariff_ids or tuple(sorted(matching))
    results = []
    for name in names:
        found = name in matching
        if found:
            tariffs.default = {
                e: t
                for e, t in tariffs.default.items()
                if t.tariff_id != name or request.evse_id not in (None, 0, e)
            }
        status = "Accepted" if found else "NoTariff"
        results.append(words.ClearTariffsResult(status=status, tariff_id=name))
    if not results:
        results.append(words.ClearTariffsResult(status="NoTariff"))
    return words.ClearTariffsResponse(clear_tariffs_result=tuple(results))


COMMANDS: Final[Commands] = {
    "SetDefaultTariff": on_default,
    "ChangeTransactionTariff": on_change,
    "GetTariffs": on_list,
    "ClearTariffs": on_clear,
}
