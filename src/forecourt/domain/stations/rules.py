"""Pure decisions about a station: what it reports becomes what we believe, and the facts of it."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec

from forecourt.base.context import Context
from forecourt.base.digest import same
from forecourt.base.ids import StationId
from forecourt.domain.stations.model import (
    CERTIFICATE_PROFILE,
    PASSWORD_PROFILES,
    Admission,
    BootReport,
    ClientCertificate,
    Connector,
    ConnectorChanged,
    ConnectorState,
    Credentials,
    Door,
    Entry,
    PasswordNeeded,
    PortCount,
    Ports,
    SecurityDowngrade,
    Shut,
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


# A key of 8 to 32 bytes: OCPP 1.6 says 16 to 20, written as 32 to 40 hexadecimal digits.
_KEY_BYTES: Final = range(8, 33)
_HEX: Final = re.compile(rb"(?:[0-9A-Fa-f]{2})+")


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


# ---- the door -----------------------------------------------------------------------------------


def enter(door: Door, brought: Credentials, *, owner: str = "") -> Entry | Shut:
    """Whether a station may come in with what it brought, and by which security profile.

    A certificate, if one is shown, decides alone: who shows another station's is refused, also
    where a password would do. ``owner`` is who its organization must name, where that is asked.
    """
    if brought.certificate is not None:
        found = _enter_by_certificate(door, brought.certificate, owner)
    else:
        found = _enter_by_password(door, brought)
    if isinstance(found, Shut):
        return found
    if door.admission is Admission.BLOCKED:
        return Shut.BLOCKED
    return Shut.PROFILE_TOO_LOW if found.profile < door.security_profile else found


def _enter_by_certificate(door: Door, shown: ClientCertificate, owner: str) -> Entry | Shut:
    if shown.revoked:
        return Shut.CERTIFICATE_REVOKED
    if not shown.trusted:
        return Shut.CERTIFICATE_UNTRUSTED
    if shown.tenant not in (None, door.tenant):
        return Shut.CERTIFICATE_FOREIGN
    if (door.certificate_name or door.id) not in shown.names:
        return Shut.CERTIFICATE_FOREIGN
    if owner and owner not in shown.organizations:
        return Shut.CERTIFICATE_OWNER
    return Entry(profile=CERTIFICATE_PROFILE, certificate=shown.serial)


def _enter_by_password(door: Door, brought: Credentials) -> Entry | Shut:
    if door.security_profile >= CERTIFICATE_PROFILE:
        return Shut.CERTIFICATE_MISSING
    none_needed = door.password is None and not door.security_profile
    if not brought.passwords:
        return Entry(profile=0) if none_needed else Shut.PASSWORD_MISSING
    for secret in (door.password, door.password_next):
        if secret is None:
            continue
        # Every form is compared, so that the time it takes tells nothing.
        if sum(same(one, secret) for one in brought.passwords):
            return Entry(profile=2 if brought.encrypted else 1, password=secret)
    return Entry(profile=0) if none_needed else Shut.PASSWORD_WRONG


def forms(password: bytes) -> tuple[bytes, ...]:
    """A password as it came, and as it may have been typed: a key as bytes or as their digits.

    Stations are given 40 hexadecimal digits and send them, or the 20 bytes that they stand for,
    and so do the people who type it for us (field quirk 32).
    """
    others: tuple[bytes, ...] = ()
    if _HEX.fullmatch(password) and len(password) // 2 in _KEY_BYTES:
        digits = password.decode()
        others = (bytes.fromhex(digits), digits.lower().encode(), digits.upper().encode())
    elif len(password) in _KEY_BYTES:
        digits = password.hex()
        others = (digits.encode(), digits.upper().encode())
    return (password, *(other for other in others if other != password))


def least_profile(*, password: bool, wanted: int | None) -> int:
    """A new station's least security profile. Raises PasswordNeeded."""
    if wanted is None:
        return 1 if password else 0
    if wanted in PASSWORD_PROFILES and not password:
        raise PasswordNeeded(f"security profile {wanted} needs a password")
    return wanted


def secured(door: Door, wanted: int | None, *, password: bool, lower: bool) -> int:
    """A station's least security profile after a change. Raises SecurityDowngrade, PasswordNeeded.

    ``lower`` is for a station that came back from repair as it left the factory.
    """
    profile = door.security_profile if wanted is None else wanted
    if profile < door.security_profile and not lower:
        raise SecurityDowngrade(
            f"station {door.id} is held to security profile {door.security_profile}, which never"
            f" falls to {profile}",
            station=door.id,
        )
    if profile in PASSWORD_PROFILES and not password:
        raise PasswordNeeded(
            f"security profile {profile} needs a password: set one, or have the station upgraded"
            " to profile 3",
            station=door.id,
        )
    return profile


def lets_in(door: Door, entry: Entry) -> bool:
    """Whether a station that came in like this would still be let in."""
    if entry.profile < door.security_profile:
        return False
    if entry.profile >= CERTIFICATE_PROFILE:
        return True
    if entry.password is None:
        return door.password is None
    return entry.password in (door.password, door.password_next)


_PORT_IS: Final[Mapping[ConnectorState, str]] = {
    ConnectorState.AVAILABLE: "free",
    ConnectorState.PREPARING: "charging",
    ConnectorState.CHARGING: "charging",
    ConnectorState.SUSPENDED_EV: "charging",
    ConnectorState.SUSPENDED_EVSE: "charging",
    ConnectorState.FINISHING: "charging",
    ConnectorState.OCCUPIED: "charging",
    ConnectorState.RESERVED: "charging",
    ConnectorState.UNAVAILABLE: "unavailable",
    ConnectorState.FAULTED: "faulted",
    ConnectorState.UNKNOWN: "unavailable",
}


def ports(counts: Iterable[PortCount]) -> dict[str, Ports]:
    """How the ports of each site are."""
    held: dict[str, Counter[str]] = {}
    for count in counts:
        kind = _PORT_IS[count.state] if count.connected else "offline"
        held.setdefault(count.site, Counter())[kind] += count.ports
    return {site: Ports(**kinds) for site, kinds in held.items()}
