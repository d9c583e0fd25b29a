"""What stations say, as payloads: short words for tests."""

from typing import Any, Final

REGISTER: Final = "Energy.Active.Import.Register"


def status(connector: int, state: str, at: str | None = None, **more: Any) -> dict[str, Any]:
    """1.6 StatusNotification."""
    when = {} if at is None else {"timestamp": at}
    return {"connectorId": connector, "status": state, "errorCode": "NoError", **when, **more}


def start(token: str, at: str, wh: int = 0, connector: int = 1, **more: Any) -> dict[str, Any]:
    """1.6 StartTransaction."""
    body = {"connectorId": connector, "idTag": token, "meterStart": wh, "timestamp": at}
    return {**body, **more}


def stop(transaction: int, at: str, wh: int, **more: Any) -> dict[str, Any]:
    """1.6 StopTransaction."""
    return {"transactionId": transaction, "timestamp": at, "meterStop": wh, **more}


def sampled(at: str, wh: int | None = None, **more: Any) -> dict[str, Any]:
    """1.6 MeterValue of one register; or of another sample, as it stands."""
    sample = {**({} if wh is None else {"value": str(wh), "measurand": REGISTER}), **more}
    return {"timestamp": at, "sampledValue": [sample]}


def meter(at: str, wh: int, transaction: int | None = None, connector: int = 1) -> dict[str, Any]:
    """1.6 MeterValues of one register."""
    named = {} if transaction is None else {"transactionId": transaction}
    return {"connectorId": connector, "meterValue": [sampled(at, wh)], **named}


def event(
    kind: str, transaction: str, seq_no: int, at: str, wh: int | None = None, **more: Any
) -> dict[str, Any]:
    """2.x TransactionEvent. ``token``, ``evse`` and ``state`` are shorthands."""
    body: dict[str, Any] = {
        "eventType": kind,
        "timestamp": at,
        "triggerReason": "MeterValuePeriodic" if kind == "Updated" else "CablePluggedIn",
        "seqNo": seq_no,
        "transactionInfo": {"transactionId": transaction, **more.pop("info", {})},
    }
    if (token := more.pop("token", None)) is not None:
        body["idToken"] = {"idToken": token, "type": "ISO14443"}
    if (evse := more.pop("evse", None)) is not None:
        body["evse"] = {"id": evse, "connectorId": 1}
    if wh is not None:
        context = {"Started": "Transaction.Begin", "Ended": "Transaction.End"}
        sample = {
            "value": wh,
            "measurand": REGISTER,
            "context": context.get(kind, "Sample.Periodic"),
            "unitOfMeasure": {"unit": "Wh"},
        }
        body["meterValue"] = [{"timestamp": at, "sampledValue": [sample]}]
    return {**body, **more}
