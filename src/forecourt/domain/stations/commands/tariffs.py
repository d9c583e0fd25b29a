"""Commands about what charging costs, where the station shows or counts it (mostly 2.1).

A station's tariff has the shape that OCPP gives it: an offer that a machine at the roadside can
count by itself. Amounts are decimal, in the currency's unit.
"""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta

from forecourt.domain.stations.commands.base import (
    Ask,
    DetailsPart,
    Moment,
    Number,
    Part,
    Transaction,
    Whole,
)
from forecourt.domain.stations.commands.drivers import DisplayText

TariffId = Annotated[str, Meta(min_length=1, max_length=60)]
Weekday = Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
TimeOfDay = Annotated[str, Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Day = Annotated[str, Meta(pattern="^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$")]


class TaxRate(Part, frozen=True, kw_only=True, omit_defaults=True):
    """A tax, in percent; those of a higher stack apply to what the lower ones made of the price."""

    type: Annotated[str, Meta(min_length=1, max_length=20)]
    tax: Decimal
    stack: Whole | None = None


TaxRates = Annotated[tuple[TaxRate, ...], Meta(min_length=1, max_length=5)]


class Price(Part, frozen=True, kw_only=True, omit_defaults=True):
    """An amount, before or after taxes, or both."""

    excl_tax: Decimal | None = None
    incl_tax: Decimal | None = None
    tax_rates: TaxRates | None = None


class FixedConditions(Part, frozen=True, kw_only=True, omit_defaults=True):
    """When a fee is due."""

    start_time_of_day: TimeOfDay | None = None
    end_time_of_day: TimeOfDay | None = None
    day_of_week: Annotated[tuple[Weekday, ...], Meta(min_length=1, max_length=7)] | None = None
    valid_from_date: Day | None = None
    valid_to_date: Day | None = None
    evse_kind: Literal["AC", "DC"] | None = None
    payment_brand: Annotated[str, Meta(max_length=20)] | None = None
    payment_recognition: Annotated[str, Meta(max_length=20)] | None = None


class Conditions(Part, frozen=True, kw_only=True, omit_defaults=True):
    """When a price holds. Wh, A, W and seconds."""

    start_time_of_day: TimeOfDay | None = None
    end_time_of_day: TimeOfDay | None = None
    day_of_week: Annotated[tuple[Weekday, ...], Meta(min_length=1, max_length=7)] | None = None
    valid_from_date: Day | None = None
    valid_to_date: Day | None = None
    evse_kind: Literal["AC", "DC"] | None = None
    min_energy: float | None = None
    max_energy: float | None = None
    min_current: float | None = None
    max_current: float | None = None
    min_power: float | None = None
    max_power: float | None = None
    min_time: Whole | None = None
    max_time: Whole | None = None
    min_charging_time: Whole | None = None
    max_charging_time: Whole | None = None
    min_idle_time: Whole | None = None
    max_idle_time: Whole | None = None


class EnergyPrice(Part, frozen=True, kw_only=True, omit_defaults=True):
    """A price of energy."""

    price_kwh: Decimal
    conditions: Conditions | None = None


class EnergyPrices(Part, frozen=True, kw_only=True, omit_defaults=True):
    """What energy costs; the first price whose conditions hold."""

    prices: Annotated[tuple[EnergyPrice, ...], Meta(min_length=1, max_length=100)]
    tax_rates: TaxRates | None = None


class TimePrice(Part, frozen=True, kw_only=True, omit_defaults=True):
    """A price of time."""

    price_minute: Decimal
    conditions: Conditions | None = None


class TimePrices(Part, frozen=True, kw_only=True, omit_defaults=True):
    """What time costs; the first price whose conditions hold."""

    prices: Annotated[tuple[TimePrice, ...], Meta(min_length=1, max_length=100)]
    tax_rates: TaxRates | None = None


class FixedPrice(Part, frozen=True, kw_only=True, omit_defaults=True):
    """A fee."""

    price_fixed: Decimal
    conditions: FixedConditions | None = None


class FixedPrices(Part, frozen=True, kw_only=True, omit_defaults=True):
    """Fees that are due once."""

    prices: Annotated[tuple[FixedPrice, ...], Meta(min_length=1, max_length=100)]
    tax_rates: TaxRates | None = None


class StationTariff(Part, frozen=True, kw_only=True, omit_defaults=True):
    """A tariff that a station can show and count by."""

    tariff_id: TariffId
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")]
    description: Annotated[tuple[DisplayText, ...], Meta(min_length=1, max_length=10)] | None = None
    valid_from: Moment | None = None
    energy: EnergyPrices | None = None
    charging_time: TimePrices | None = None
    idle_time: TimePrices | None = None
    fixed_fee: FixedPrices | None = None
    reservation_time: TimePrices | None = None
    reservation_fixed: FixedPrices | None = None
    min_cost: Price | None = None
    max_cost: Price | None = None


class SetDefaultTariff(Ask, frozen=True, kw_only=True, tag="set_default_tariff"):
    """Have a station show and count by a tariff for whoever has none of their own."""

    tariff: StationTariff
    evse: Number = 0


class GetTariffs(Ask, frozen=True, kw_only=True, tag="get_tariffs"):
    """Ask which tariffs a station has."""

    evse: Number = 0


class TariffHeld(Part, frozen=True, kw_only=True):
    """A tariff that a station has, and for whom."""

    tariff_id: str
    kind: Literal["default", "driver"]
    valid_from: datetime | None = None
    evses: tuple[int, ...] = ()
    tokens: tuple[str, ...] = ()


class TariffsHeld(DetailsPart, frozen=True, kw_only=True, tag="tariffs"):
    """The tariffs that a station has."""

    tariffs: tuple[TariffHeld, ...]


class ClearTariffs(Ask, frozen=True, kw_only=True, tag="clear_tariffs"):
    """Have a station forget tariffs; none named means all."""

    tariff_ids: Annotated[tuple[TariffId, ...], Meta(max_length=100)] = ()
    evse: Number | None = None


class TariffCleared(Part, frozen=True, kw_only=True):
    """What became of one tariff."""

    tariff_id: str | None
    status: str


class TariffsCleared(DetailsPart, frozen=True, kw_only=True, tag="tariffs_cleared"):
    """What became of each tariff."""

    tariffs: tuple[TariffCleared, ...]


class ChangeTransactionTariff(Ask, frozen=True, kw_only=True, tag="change_transaction_tariff"):
    """Count a running session by another tariff from now on."""

    transaction: Transaction
    tariff: StationTariff


class CostUpdated(Ask, frozen=True, kw_only=True, tag="cost_updated"):
    """Have a station show what a running session costs so far."""

    transaction: Transaction
    total_cost: Decimal


class NotifyWebPaymentStarted(Ask, frozen=True, kw_only=True, tag="notify_web_payment_started"):
    """Say that somebody pays in a browser for this EVSE, so that nobody else begins."""

    evse: Number
    timeout_s: Annotated[int, Meta(ge=1, le=86_400)]
