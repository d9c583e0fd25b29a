"""Pure decisions about a station: what it reports becomes what we believe, and the facts of it."""

import re
from datetime import datetime, timedelta
from typing import Final

import msgspec

from forecourt.base.context import Context
from forecourt.base.ids import StationId
from forecourt.domain.stations.model import (
    Admission,
    BootReport,
    Connector,
    ConnectorChanged,
    Station,
    StationBooted,
    StationIdInvalid,
    StatusReport,
)

ID_LENGTH_MAX: Final = 48
"""OCPP 2.0.1 part 4, 3.1.1: at most 48 characters; 1.6 says nothing shorter that is kept."""
# The characters of OCPP's identifierString, and those that stations in the field have besides.
_ID: Final = re.compile(r"[A-Za-z0-9*\-_=:+|@. ~()]+")

# A clock further off than this was never set: believe our own.
CLOCK_BEHIND_MAX: Final = timedelta(days=400)
CLOCK_AHEAD_MAX: Final = timedelta(days=1)


def station_id(text: str) -> StationId:
    """``text`` as an identity. Raises StationIdInvalid."""
    if len(text) > ID_LENGTH_MAX or not _ID.fullmatch(text) or text != text.strip():
        raise StationIdInvalid(
            f"a station's identity has 1 to {ID_LENGTH_MAX} letters, digits"
            " and * - _ = : + | @ . ~ ( )",
            identity=text[:100],
        )
    return StationId(text)


def boot(station: Station, report: BootReport, ctx: Context) -> tuple[Station, StationBooted]:
    """A known station woke up."""
    after = msgspec.structs.replace(
        station,
        vendor=report.vendor,
        model=report.model,
        serial=report.serial,
        firmware=report.firmware,
        iccid=report.iccid,
        imsi=report.imsi,
        boot_reason=report.reason,
        booted_at=ctx.now,
        seen_at=ctx.now,
    )
    fact = StationBooted(
        tenant=ctx.tenant,
        at=ctx.now,
        station=station.id,
        vendor=report.vendor,
        model=report.model,
        firmware=report.firmware,
        firmware_changed=station.booted_at is not None and station.firmware != report.firmware,
        reason=report.reason,
    )
    return after, fact


def status(
    before: Connector | None, report: StatusReport, station: StationId, ctx: Context
) -> tuple[Connector, ConnectorChanged | None]:
    """A connector's report. An older report than the newest known changes nothing.

    A reported time counts only while it is plausible (field quirks: 1970, local time as Z).
    """
    reported_at = report.reported_at
    if reported_at is None or not plausible(reported_at, ctx.now):
        reported_at = ctx.now
    after = Connector(
        station=station,
        evse_no=report.evse_no,
        connector_no=report.connector_no,
        state=report.state,
        state_at=reported_at,
        received_at=ctx.now,
        error=report.error,
        vendor_id=report.vendor_id,
        vendor_error=report.vendor_error,
        info=report.info,
    )
    if before is None:
        changed = True
    elif reported_at < before.state_at and reported_at < before.received_at:
        return before, None  # Replayed from an offline queue: what we know is newer.
    else:
        changed = (before.state, before.error, before.vendor_error) != (
            after.state,
            after.error,
            after.vendor_error,
        )
    if not changed:
        return after, None
    return after, ConnectorChanged(
        tenant=ctx.tenant,
        at=ctx.now,
        station=station,
        evse_no=report.evse_no,
        connector_no=report.connector_no,
        state=report.state,
        before=None if before is None else before.state,
        error=report.error,
    )


def plausible(reported_at: datetime, now: datetime) -> bool:
    """Whether a station's clock can be believed."""
    return now - CLOCK_BEHIND_MAX <= reported_at <= now + CLOCK_AHEAD_MAX


def may_transact(admission: Admission) -> bool:
    """Pending and blocked stations are not served (OCPP 1.6 4.2, 2.x B02 and B03)."""
    return admission is Admission.ACCEPTED
