"""OCPP 2.x: firmware and logs."""

from collections.abc import Mapping
from typing import Any, Final

from forecourt.domain.stations import (
    Answer,
    GetLog,
    LogFile,
    PublishFirmware,
    UnpublishFirmware,
    UpdateFirmware,
)
from forecourt.edge.ocpp.asks.table import Facts, Rows, Told, outcome, row, why
from forecourt.protocol.ocpp import v21, v201

LOGS: Final[Mapping[str, v21.LogEnum]] = {
    "diagnostics": "DiagnosticsLog",
    "security": "SecurityLog",
    "data_collector": "DataCollectorLog",
}


def update(command: UpdateFirmware, facts: Facts) -> v21.UpdateFirmware:
    return v21.UpdateFirmware(
        request_id=facts.request_id,
        firmware=v21.Firmware(
            location=command.location,
            retrieve_date_time=command.retrieve_at or facts.now,
            install_date_time=command.install_at,
            signing_certificate=command.signing_certificate,
            signature=command.signature,
        ),
        retries=command.retries,
        retry_interval=command.retry_interval_s,
    )


def publish(command: PublishFirmware, facts: Facts) -> v21.PublishFirmware:
    return v21.PublishFirmware(
        location=command.location,
        checksum=command.checksum,
        request_id=facts.request_id,
        retries=command.retries,
        retry_interval=command.retry_interval_s,
    )


def unpublish(command: UnpublishFirmware, _: Facts) -> v21.UnpublishFirmware:
    return v21.UnpublishFirmware(checksum=command.checksum)


def log(command: GetLog, facts: Facts) -> v21.GetLog:
    return v21.GetLog(
        log_type=LOGS[command.kind],
        request_id=facts.request_id,
        log=v21.LogParameters(
            remote_location=command.location,
            oldest_timestamp=command.since,
            latest_timestamp=command.until,
        ),
        retries=command.retries,
        retry_interval=command.retry_interval_s,
    )


def logged(_: GetLog, _request: Any, response: v201.GetLogResponse | v21.GetLogResponse) -> Told:
    """What the file will be called."""
    word, name = response.status, response.filename
    answer = Answer(
        outcome=outcome(word),
        status=word,
        reason=why(response),
        details=LogFile(name=name) if name else None,
    )
    return Told(answer)


ROWS: Final[Rows] = dict(
    [
        row(UpdateFirmware, v21.UpdateFirmware, say=update),
        row(PublishFirmware, v21.PublishFirmware, say=publish),
        row(UnpublishFirmware, v21.UnpublishFirmware, say=unpublish),
        row(GetLog, v21.GetLog, say=log, understand=logged),
    ]
)
