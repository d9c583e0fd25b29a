"""Pure decisions: what alarms, how far a report is, which streams are taken and how fast."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from msgspec.structs import replace

from forecourt.domain.monitoring.model import (
    PAGES_MAX,
    SILENCE_MAX,
    STREAM_VALUES_A_MINUTE_MAX,
    STREAM_VALUES_A_SECOND_MAX,
    STREAMS_MAX,
    Alarm,
    AlarmSource,
    Cause,
    Page,
    Report,
    ReportState,
    SecurityFact,
    VariableEvent,
    alarm_key,
)

# OCPP's severities: 0 danger … 3 critical, 4 error, 5 alert … 9 debug.
CRITICAL: Final = 3
UNSAID: Final = 5
"""An alert whose monitor was never reported to us."""
TEXT_MAX: Final = 300
GAPS_TOLD_MAX: Final = 100

_ROUTINE: Final = SecurityFact(critical=True)
_ALARM: Final = SecurityFact(critical=True, alarming=True)
_MINOR: Final = SecurityFact(critical=False)

# The standard's list of security events (2.1 part 2, appendices, chapter 1), with the names that
# 1.6's extension has for the same. Critical ones are pushed; a boot is critical there, too.
SECURITY: Final[Mapping[str, SecurityFact]] = {
    "FirmwareUpdated": _ROUTINE,
    "FailedToAuthenticateAtCsms": _MINOR,
    "FailedToAuthenticateAtCentralSystem": _MINOR,
    "CsmsFailedToAuthenticate": _MINOR,
    "CentralSystemFailedToAuthenticate": _MINOR,
    "SettingSystemTime": _ROUTINE,
    "StartupOfTheDevice": _ROUTINE,
    "ResetOrReboot": _ROUTINE,
    "SecurityLogWasCleared": _ALARM,
    "ReconfigurationOfSecurityParameters": _MINOR,
    "MemoryExhaustion": _ALARM,
    "InvalidMessages": _MINOR,
    "AttemptedReplayAttacks": _MINOR,
    "TamperDetectionActivated": _ALARM,
    "InvalidFirmwareSignature": _ALARM,
    "InvalidFirmwareSigningCertificate": _ALARM,
    "InvalidCsmsCertificate": _ALARM,
    "InvalidCentralSystemCertificate": _ALARM,
    "InvalidChargingStationCertificate": _ALARM,
    "InvalidChargePointCertificate": _ALARM,
    "DiscardedRenewedClientCertificate": _ALARM,
    "InvalidTLSVersion": _ALARM,
    "InvalidTLSCipherSuite": _ALARM,
    "MaintenanceLoginAccepted": _ROUTINE,
    "MaintenanceLoginFailed": _ALARM,
}


def security(kind: str) -> SecurityFact:
    """What is to be thought of a security event. A maker's own kind is for the timeline."""
    return SECURITY.get(kind, _MINOR)


def security_alarm(kind: str, info: str, now: datetime) -> Alarm | None:
    """The alarm that a security event raises, if it does."""
    if not security(kind).alarming:
        return None
    text = f"{kind}: {info}" if info else kind
    return Alarm(
        source=AlarmSource.SECURITY,
        key=kind,
        severity=CRITICAL,
        text=text[:TEXT_MAX],
        raised_at=now,
    )


def variable_alarm(event: VariableEvent, now: datetime) -> Alarm | None:
    """The alarm that an alert raises; None for what only tells a value, or that all is well."""
    if event.cause is not Cause.ALERTING or event.cleared:
        return None
    p = event.point
    where = f" of EVSE {p.evse_no}" if p.evse_no else ""
    about = " ".join(word for word in (event.tech_code, event.tech_info) if word)
    text = f"{p.component} {p.variable}{where} is {event.value}" + (f": {about}" if about else "")
    return Alarm(
        source=AlarmSource.VARIABLE,
        key=alarm_key(event),
        severity=UNSAID if event.severity is None else event.severity,
        text=text[:TEXT_MAX],
        raised_at=now,
    )


def missing(report: Report) -> Sequence[int]:
    """The first pages that did not come, of a report that has ended.

    A station may call its last page the billionth: what came has an end, and so has what is told.
    """
    if report.last_page is None:
        return ()
    came = set(report.pages)
    gaps = (number for number in range(report.last_page + 1) if number not in came)
    return list(islice(gaps, GAPS_TOLD_MAX))


def state(report: Report, now: datetime) -> ReportState:
    """How far a report is."""
    if report.ended and not missing(report):
        return ReportState.COMPLETE
    if now - report.heard_at <= SILENCE_MAX:
        return ReportState.OPEN  # Pages may overtake each other while a station sends again.
    return ReportState.BROKEN if report.ended else ReportState.TIMED_OUT


def stream_refusal(
    open_streams: Sequence[int], stream_no: int, *, interval_s: int | None, values: int | None
) -> str | None:
    """Why a stream is not taken, in words for the station's log; None where it is."""
    others = [number for number in open_streams if number != stream_no]
    if len(others) >= STREAMS_MAX:
        return f"{STREAMS_MAX} streams are open already"
    if interval_s and values and values > interval_s * STREAM_VALUES_A_SECOND_MAX:
        return f"more than {STREAM_VALUES_A_SECOND_MAX} values a second"
    return None


Share = tuple[datetime, int]
"""Since when, and how many values of streams came since then."""


def stream_share(share: Share | None, asked: int, now: datetime) -> tuple[Share, int]:
    """How many of these values are kept: no more than the limit in any minute."""
    began, used = share if share is not None else (now, 0)
    if now - began >= timedelta(minutes=1):
        began, used = now, 0
    taken = min(asked, STREAM_VALUES_A_MINUTE_MAX - used)
    return (began, used + taken), taken


def turned(before: Report | None, page: Page, now: datetime) -> Report:
    """A report after one of its pages came; a first one after a long silence begins anew."""
    if before is None or (
        now - before.heard_at > SILENCE_MAX and (before.ended or page.number in {0, None})
    ):
        before = Report(
            kind=page.kind,
            request_id=page.request_id,
            pages=(),
            ended=False,
            last_page=None,
            rows=0,
            begun_at=now,
            heard_at=now,
        )
    number = page.number
    again = number is not None and number in before.pages
    pages = before.pages
    if number is not None and not again and len(pages) < PAGES_MAX:
        pages = tuple(sorted((*pages, number)))
    return replace(
        before,
        pages=pages,
        ended=before.ended or page.last,
        last_page=number if page.last and number is not None else before.last_page,
        rows=before.rows if again else before.rows + page.rows,
        heard_at=now,
    )
