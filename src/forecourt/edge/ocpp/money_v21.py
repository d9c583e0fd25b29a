"""What 2.1 stations tell of money: settlements, VAT numbers, costs that they reckon themselves."""

from collections.abc import Mapping
from typing import Any, Final

from forecourt.domain.billing import Company, Settlement, SettlementState
from forecourt.domain.tariffs import StationCost, TransactionLimit
from forecourt.edge.ocpp import v2x
from forecourt.edge.ocpp.plain import as_json, money, plain, whole
from forecourt.edge.ocpp.routes import Call
from forecourt.protocol.ocpp import v21
from forecourt.protocol.ocpp.values import Message, in_utc

STATES: Final[Mapping[str, SettlementState]] = {
    "Settled": SettlementState.SETTLED,
    "Canceled": SettlementState.CANCELLED,
    "Rejected": SettlementState.REJECTED,
    "Failed": SettlementState.FAILED,
}


async def on_settlement(call: Call, msg: v21.NotifySettlement) -> Message:
    """C20 to C22: a payment terminal got its money, or did not. No receipt is made here."""
    settlement = Settlement(
        reference=plain(msg.psp_ref),
        state=STATES[msg.status],
        amount=money(msg.settlement_amount),
        settled_at=in_utc(msg.settlement_time),
        transaction=plain(msg.transaction_id),
        receipt=plain(msg.receipt_id),
        receipt_url=plain(msg.receipt_url),
        company=None if msg.vat_company is None else _company(msg.vat_company),
        vat_number=plain(msg.vat_number),
        info=plain(msg.status_info),
        received_at=call.ctx.now,
    )
    await call.rooms.billing.settled(call.ctx, call.station.station.id, settlement)
    return v21.NotifySettlementResponse()


def on_vat(call: Call, msg: v21.VatNumberValidation) -> Message:
    """C23: by its form and its check digits. No register is asked, and so the answer says."""
    verdict = call.rooms.billing.vat(msg.vat_number)
    return v21.VatNumberValidationResponse(
        vat_number=msg.vat_number,
        evse_id=msg.evse_id,
        status="Accepted" if verdict.valid else "Rejected",
        status_info=v21.StatusInfo(
            reason_code="NoError" if verdict.valid else "InvalidValue",
            additional_info=verdict.reason,
        ),
    )


def on_transaction_event(call: Call, msg: v21.TransactionEvent) -> Any:  # or a coroutine of one
    """E01 to E16, J02; and what 2.1 adds: tariff, cost, limit, mode of operation."""
    info = msg.transaction_info
    if (
        msg.cost_details is None
        and info.operation_mode is None
        and info.tariff_id is None
        and info.transaction_limit is None
    ):
        return v2x.on_transaction_event(call, msg)
    return _more_of(call, msg)


async def _more_of(call: Call, msg: v21.TransactionEvent) -> Message:
    """What is told besides is kept first: the event itself is counted once, whatever happens."""
    info, station = msg.transaction_info, call.station.station.id
    if info.operation_mode is not None:
        await call.rooms.energy.mode_told(
            call.ctx,
            station,
            plain(info.transaction_id),
            operation_mode=info.operation_mode,
        )
    if msg.cost_details is not None or info.tariff_id or info.transaction_limit is not None:
        await call.rooms.tariffs.cost_told(call.ctx, station, _cost(call, msg))
    answer: Message = await v2x.transaction_event(call, msg)
    return answer


def _cost(call: Call, msg: v21.TransactionEvent) -> StationCost:
    info, details = msg.transaction_info, msg.cost_details
    limit = info.transaction_limit
    told = StationCost(
        transaction=plain(info.transaction_id),
        tariff=plain(info.tariff_id) or None,
        limit=None
        if limit is None
        else TransactionLimit(
            cost_max=None if limit.max_cost is None else money(limit.max_cost),
            energy_wh_max=whole(limit.max_energy),
            time_s_max=whole(limit.max_time),
            soc_pct_max=limit.max_soc,
        ),
        changed_at=call.ctx.now,
    )
    if details is None:
        return told
    cost, usage = details.total_cost, details.total_usage
    excl, incl = cost.total.excl_tax, cost.total.incl_tax
    return StationCost(
        transaction=told.transaction,
        tariff=told.tariff,
        limit=told.limit,
        currency=plain(cost.currency),
        excl_tax=None if excl is None else money(excl),
        incl_tax=None if incl is None else money(incl),
        kind=cost.type_of_cost,
        energy_wh=whole(usage.energy),
        charging_s=whole(usage.charging_time),
        idle_s=whole(usage.idle_time),
        failure=plain(details.failure_reason) if details.failure_to_calculate else None,
        body=as_json(details),
        changed_at=told.changed_at,
    )


def _company(told: v21.Address) -> Company:
    return Company(
        name=plain(told.name),
        address1=plain(told.address1),
        address2=plain(told.address2),
        postal_code=plain(told.postal_code),
        city=plain(told.city),
        country=plain(told.country),
    )
