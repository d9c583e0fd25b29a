"""OCPP 2.x: what charging costs, where the station shows or counts it."""

from collections.abc import Mapping
from typing import Any, Final, Literal

from forecourt.domain.stations import (
    Answer,
    ChangeTransactionTariff,
    ClearTariffs,
    CostUpdated,
    GetTariffs,
    NotifyWebPaymentStarted,
    Outcome,
    SetDefaultTariff,
    StationTariff,
    TariffCleared,
    TariffHeld,
    TariffsCleared,
    TariffsHeld,
)
from forecourt.edge.ocpp.asks.shape import reshaped
from forecourt.edge.ocpp.asks.table import Facts, Rows, Told, needs, outcome, row, why
from forecourt.protocol.ocpp import v21

KINDS: Final[Mapping[str, Literal["default", "driver"]]] = {
    "DefaultTariff": "default",
    "DriverTariff": "driver",
}


def wire(tariff: StationTariff) -> v21.Tariff:
    """The tariff as the wire has it: its amounts are JSON numbers there."""
    return reshaped(tariff, v21.Tariff)


def set_default(command: SetDefaultTariff, _: Facts) -> v21.SetDefaultTariff:
    return v21.SetDefaultTariff(evse_id=command.evse, tariff=wire(command.tariff))


def change(command: ChangeTransactionTariff, _: Facts) -> v21.ChangeTransactionTariff:
    return v21.ChangeTransactionTariff(
        transaction_id=command.transaction, tariff=wire(command.tariff)
    )


def held(command: GetTariffs, _: Facts) -> v21.GetTariffs:
    return v21.GetTariffs(evse_id=command.evse)


def told(_: GetTariffs, _request: Any, response: v21.GetTariffsResponse) -> Told:
    """The tariffs that the station has."""
    found = tuple(
        TariffHeld(
            tariff_id=each.tariff_id,
            kind=KINDS[each.tariff_kind],
            valid_from=each.valid_from,
            evses=each.evse_ids or (),
            tokens=each.id_tokens or (),
        )
        for each in response.tariff_assignments or ()
    )
    word = response.status
    return Told(
        Answer(
            outcome=outcome(word),
            status=word,
            reason=why(response),
            details=TariffsHeld(tariffs=found),
        )
    )


def clear(command: ClearTariffs, _: Facts) -> v21.ClearTariffs:
    return v21.ClearTariffs(tariff_ids=command.tariff_ids or None, evse_id=command.evse)


def cleared(_: ClearTariffs, _request: Any, response: v21.ClearTariffsResponse) -> Told:
    """What became of each."""
    results = response.clear_tariffs_result
    outcomes = {outcome(each.status) for each in results}
    ended = outcomes.pop() if len(outcomes) == 1 else Outcome.ACCEPTED
    if Outcome.REJECTED in outcomes:
        ended = Outcome.REJECTED
    found = tuple(TariffCleared(tariff_id=each.tariff_id, status=each.status) for each in results)
    return Told(Answer(outcome=ended, details=TariffsCleared(tariffs=found)))


def cost(command: CostUpdated, _: Facts) -> v21.CostUpdated:
    return v21.CostUpdated(total_cost=float(command.total_cost), transaction_id=command.transaction)


def web_payment(command: NotifyWebPaymentStarted, _: Facts) -> v21.NotifyWebPaymentStarted:
    return v21.NotifyWebPaymentStarted(evse_id=command.evse, timeout=command.timeout_s)


_TARIFF: Final = needs("Available", "TariffCostCtrlr", "Tariff")
_COST: Final = needs("Available", "TariffCostCtrlr", "Cost")
ROWS: Final[Rows] = dict([row(CostUpdated, v21.CostUpdated, say=cost, refuse=_COST)])
ROWS_21: Final[Rows] = dict(
    [
        row(SetDefaultTariff, v21.SetDefaultTariff, say=set_default, refuse=_TARIFF),
        row(GetTariffs, v21.GetTariffs, say=held, understand=told, refuse=_TARIFF),
        row(ClearTariffs, v21.ClearTariffs, say=clear, understand=cleared, refuse=_TARIFF),
        row(ChangeTransactionTariff, v21.ChangeTransactionTariff, say=change, refuse=_TARIFF),
        row(NotifyWebPaymentStarted, v21.NotifyWebPaymentStarted, say=web_payment),
    ]
)
