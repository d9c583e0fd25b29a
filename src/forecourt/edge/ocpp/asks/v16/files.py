"""OCPP 1.6: firmware, logs and diagnostics, plain and by the security extension."""

from typing import Any, Final

from forecourt.domain.stations import Answer, GetLog, LogFile, Outcome, UpdateFirmware
from forecourt.edge.ocpp.asks.table import Facts, Rows, Told, outcome, row, unsupported
from forecourt.edge.ocpp.asks.v16.parts import feature
from forecourt.protocol.ocpp import v16


def update(
    command: UpdateFirmware, facts: Facts
) -> v16.UpdateFirmware | v16.SignedUpdateFirmware | Answer:
    if command.signature is None and command.signing_certificate is None:
        if command.install_at is not None:
            return unsupported("1.6 installs plain firmware when it has it")
        return v16.UpdateFirmware(
            location=command.location,
            retrieve_date=command.retrieve_at or facts.now,
            retries=command.retries,
            retry_interval=command.retry_interval_s,
        )
    if command.signature is None or command.signing_certificate is None:
        return unsupported("signed firmware has a signature and a certificate")
    return v16.SignedUpdateFirmware(
        request_id=facts.request_id,
        firmware=v16.Firmware(
            location=command.location,
            retrieve_date_time=command.retrieve_at or facts.now,
            install_date_time=command.install_at,
            signing_certificate=command.signing_certificate,
            signature=command.signature,
        ),
        retries=command.retries,
        retry_interval=command.retry_interval_s,
    )


def log(command: GetLog, facts: Facts) -> v16.GetDiagnostics | v16.GetLog | Answer:
    match command.kind:
        case "diagnostics":
            return v16.GetDiagnostics(
                location=command.location,
                start_time=command.since,
                stop_time=command.until,
                retries=command.retries,
                retry_interval=command.retry_interval_s,
            )
        case "security":
            return v16.GetLog(
                log_type="SecurityLog",
                request_id=facts.request_id,
                log=v16.LogParameters(
                    remote_location=command.location,
                    oldest_timestamp=command.since,
                    latest_timestamp=command.until,
                ),
                retries=command.retries,
                retry_interval=command.retry_interval_s,
            )
        case "data_collector":
            return unsupported("1.6 has no log of its data collector")


def logged(
    _: GetLog, _request: Any, response: v16.GetDiagnosticsResponse | v16.GetLogResponse
) -> Told:
    """What the file will be called; no name means that there is nothing to upload (1.6 6.6)."""
    if isinstance(response, v16.GetLogResponse):
        word, name = str(response.status), response.filename
        ended = outcome(word)
    else:
        word, name = "", response.file_name
        ended = Outcome.ACCEPTED if name else Outcome.NOTHING
    return Told(Answer(outcome=ended, status=word, details=LogFile(name=name) if name else None))


_FIRMWARE: Final = feature("FirmwareManagement")
ROWS: Final[Rows] = dict(
    [
        row(
            UpdateFirmware,
            v16.UpdateFirmware,
            v16.SignedUpdateFirmware,
            say=update,
            refuse=_FIRMWARE,
        ),
        row(
            GetLog,
            v16.GetDiagnostics,
            v16.GetLog,
            say=log,
            understand=logged,
            refuse=_FIRMWARE,
        ),
    ]
)
