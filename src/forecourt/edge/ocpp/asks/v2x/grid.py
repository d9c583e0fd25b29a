"""OCPP 2.1: vehicles that feed back, the inverter's controls, and batteries that are swapped."""

from collections.abc import Mapping
from typing import Any, Final

from forecourt.domain.stations import (
    AfrrSignal,
    Answer,
    ClearDerControl,
    GetDerControl,
    NotifyAllowedEnergyTransfer,
    RequestBatterySwap,
    SetDerControl,
    Superseded,
)
from forecourt.edge.ocpp.asks.shape import reshaped
from forecourt.edge.ocpp.asks.table import Facts, Rows, Told, outcome, row, unsupported, why
from forecourt.protocol.ocpp import v21

# Which setting belongs to which control; all others are curves.
SETTINGS: Final[Mapping[str, str]] = {
    "EnterService": "enter_service",
    "FixedPFAbsorb": "fixed_pf",
    "FixedPFInject": "fixed_pf",
    "FixedVar": "fixed_var",
    "FreqDroop": "freq_droop",
    "Gradients": "gradient",
    "LimitMaxDischarge": "limit_max_discharge",
}
CURVE: Final = "curve"
ALL_SETTINGS: Final = (*dict.fromkeys(SETTINGS.values()), CURVE)


def set_control(command: SetDerControl, _: Facts) -> v21.SetDERControl | Answer:
    wanted = SETTINGS.get(command.type, CURVE)
    given = [name for name in ALL_SETTINGS if getattr(command, name) is not None]
    if given != [wanted]:
        return unsupported(f"{command.type} is set by {wanted}, and by nothing else")
    c = command
    power_factor = None if c.fixed_pf is None else reshaped(c.fixed_pf, v21.FixedPF)
    return v21.SetDERControl(
        is_default=c.default,
        control_id=c.id,
        control_type=c.type,
        curve=None if c.curve is None else reshaped(c.curve, v21.DERCurve),
        enter_service=None
        if c.enter_service is None
        else reshaped(c.enter_service, v21.EnterService),
        fixed_pf_absorb=power_factor if c.type == "FixedPFAbsorb" else None,
        fixed_pf_inject=power_factor if c.type == "FixedPFInject" else None,
        fixed_var=None if c.fixed_var is None else reshaped(c.fixed_var, v21.FixedVar),
        freq_droop=None if c.freq_droop is None else reshaped(c.freq_droop, v21.FreqDroop),
        gradient=None if c.gradient is None else reshaped(c.gradient, v21.Gradient),
        limit_max_discharge=None
        if c.limit_max_discharge is None
        else reshaped(c.limit_max_discharge, v21.LimitMaxDischarge),
    )


def control_set(_: SetDerControl, _request: Any, response: v21.SetDERControlResponse) -> Told:
    """Whether it holds, and which hold no longer."""
    ids = response.superseded_ids
    return Told(
        Answer(
            outcome=outcome(response.status),
            status=response.status,
            reason=why(response),
            details=None if ids is None else Superseded(ids=ids),
        )
    )


def controls(command: GetDerControl, facts: Facts) -> v21.GetDERControl:
    return v21.GetDERControl(
        request_id=facts.request_id,
        is_default=command.default,
        control_type=command.type,
        control_id=command.id,
    )


def clear_control(command: ClearDerControl, _: Facts) -> v21.ClearDERControl:
    return v21.ClearDERControl(
        is_default=command.default, control_type=command.type, control_id=command.id
    )


def afrr(command: AfrrSignal, facts: Facts) -> v21.AFRRSignal:
    return v21.AFRRSignal(timestamp=command.at or facts.now, signal=command.signal)


def transfer(command: NotifyAllowedEnergyTransfer, _: Facts) -> v21.NotifyAllowedEnergyTransfer:
    return v21.NotifyAllowedEnergyTransfer(
        transaction_id=command.transaction, allowed_energy_transfer=command.modes
    )


def swap(command: RequestBatterySwap, facts: Facts) -> v21.RequestBatterySwap:
    return v21.RequestBatterySwap(
        request_id=facts.request_id,
        id_token=v21.IdToken(id_token=command.token, type=command.token_type),
    )


ROWS_21: Final[Rows] = dict(
    [
        row(SetDerControl, v21.SetDERControl, say=set_control, understand=control_set),
        row(GetDerControl, v21.GetDERControl, say=controls),
        row(ClearDerControl, v21.ClearDERControl, say=clear_control),
        row(AfrrSignal, v21.AFRRSignal, say=afrr),
        row(NotifyAllowedEnergyTransfer, v21.NotifyAllowedEnergyTransfer, say=transfer),
        row(RequestBatterySwap, v21.RequestBatterySwap, say=swap),
    ]
)
