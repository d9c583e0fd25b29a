"""Pure decisions: what a role may do, which password will do, how deeds are chained."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor import InvalidToken
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from forecourt.base.context import Context
from forecourt.domain.tenants.model import (
    AuditEntry,
    Caller,
    Deed,
    Permission,
    Place,
    Role,
    Share,
    Tenant,
    TenantKind,
    User,
)

# NIST SP 800-63B, 5.1.1: length is what counts; no rules on which letters.
PASSWORD_LENGTH_MIN: Final = 10
PASSWORD_LENGTH_MAX: Final = 200
# A browser is logged out after so long without a request.
LOGIN_IDLES: Final = timedelta(hours=12)
TOTP_DIGITS: Final = 6
TOTP_STEP_S: Final = 30
# A phone's clock may be half a minute off.
TOTP_DRIFT_STEPS: Final = 1

_SEE: Final = frozenset(
    {Permission.STATIONS_READ, Permission.SESSIONS_READ, Permission.CERTIFICATES_READ}
)
_RUN: Final = _SEE | {Permission.COMMANDS, Permission.TOKENS_READ}

ROLES: Final[Mapping[Role, frozenset[Permission]]] = {
    Role.OWNER: frozenset(Permission),
    Role.OPERATOR: _RUN
    | {Permission.STATIONS_WRITE, Permission.TOKENS_WRITE, Permission.CERTIFICATES_WRITE}
    | {Permission.WEBHOOKS_READ, Permission.WEBHOOKS_WRITE},
    Role.TECHNICIAN: _RUN | {Permission.STATIONS_WRITE, Permission.COMMANDS_RAW},
    Role.ACCOUNTANT: frozenset(
        {Permission.SESSIONS_READ, Permission.TOKENS_READ, Permission.AUDIT_READ}
    ),
    Role.SITE_HOST: frozenset({Permission.STATIONS_READ, Permission.SESSIONS_READ}),
    Role.MANUFACTURER: frozenset({Permission.STATIONS_READ, Permission.CERTIFICATES_READ}),
    Role.READ_ONLY: _SEE | {Permission.TOKENS_READ},
}
"""What each role may do."""


def caller(user: User, login: Any, now: datetime) -> Caller | None:
    """Who is logged in, and until when; None when that is over. ``login`` is the browser's row."""
    until = min(login.expires_at, login.used_at + LOGIN_IDLES)
    if until <= now or user.disabled_at is not None:
        return None
    return Caller(
        user=user,
        expires_at=until,
        login_id=login.login_id,
        provider_id=login.provider_id,
        acting=login.acting,
    )


def place(tenant: Tenant) -> Place:
    """A tenant as somewhere to act."""
    return Place(id=tenant.id, tenant=tenant.id, name=tenant.name, kind=tenant.kind)


def shared_place(share: Share, bound: tuple[str, ...]) -> Place | None:
    """Shared sites as somewhere to look, or None for who is bound to other sites.

    Never without a site: that would be all of them.
    """
    sites = tuple(site for site in share.sites if not bound or site in bound)
    if not sites:
        return None
    return Place(
        id=share.id,
        tenant=share.tenant,
        name=share.name,
        kind=TenantKind.SITE_HOST,
        sites=sites,
        shared=True,
    )


def may_act_below(user: User) -> bool:
    """Owners who see all of their own tenant act in those below it, too."""
    return user.role is Role.OWNER and not user.sites


def password_fault(password: str, email: str) -> str | None:
    """Why a password will not do, or None."""
    if len(password) < PASSWORD_LENGTH_MIN:
        return f"a password has at least {PASSWORD_LENGTH_MIN} characters"
    if len(password) > PASSWORD_LENGTH_MAX:
        return f"a password has at most {PASSWORD_LENGTH_MAX} characters"
    if password.casefold() in (email.casefold(), email.casefold().partition("@")[0]):
        return "the address is no password"
    return None


def totp_step(secret: bytes, code: str, ctx: Context, *, used: int) -> int | None:
    """The step of time that ``code`` is good for (RFC 6238), if it was not used before."""
    now = int(ctx.now.timestamp()) // TOTP_STEP_S
    # The secret's length is ours; other tools make ones of other lengths.
    generator = TOTP(secret, TOTP_DIGITS, SHA1(), TOTP_STEP_S, enforce_key_length=False)  # noqa: S303 (what authenticator programs know)
    for step in range(now - TOTP_DRIFT_STEPS, now + TOTP_DRIFT_STEPS + 1):
        try:
            generator.verify(code.encode(), step * TOTP_STEP_S)
        except InvalidToken:
            continue
        return step if step > used else None
    return None


def chained(before: AuditEntry | None, deed: Deed, ctx: Context) -> AuditEntry:
    """The entry that comes behind ``before``."""
    entry = AuditEntry(
        seq=1 if before is None else before.seq + 1,
        at=ctx.now,
        actor=ctx.actor,
        action=deed.action,
        subject=deed.subject,
        before=deed.before,
        after=deed.after,
        address=deed.address,
        trace=ctx.trace,
        hash=b"",
    )
    return msgspec.structs.replace(
        entry, hash=digest_of(entry, b"" if before is None else before.hash)
    )


def digest_of(entry: AuditEntry, previous: bytes) -> bytes:
    """SHA-256 over the hash before and everything that the entry says."""
    said = msgspec.structs.replace(entry, hash=b"")
    return sha256(previous + msgspec.json.encode(said)).digest()


def first_broken(entries: list[AuditEntry], previous: bytes, seq: int) -> int | None:
    """The number of the first entry that does not follow from the one before, or None."""
    for entry in entries:
        seq += 1
        if entry.seq != seq or digest_of(entry, previous) != entry.hash:
            return seq
        previous = entry.hash
    return None
