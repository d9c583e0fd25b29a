"""Pure decisions: what a role may do, which password will do, how deeds are chained."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlsplit
from zoneinfo import available_timezones

import msgspec
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor import InvalidToken
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from forecourt.base.context import Context
from forecourt.base.ids import TenantId
from forecourt.base.text import is_printable
from forecourt.domain.tenants.model import (
    AuditEntry,
    Caller,
    Deed,
    NewProvider,
    Permission,
    Place,
    Provider,
    Role,
    SettingInvalid,
    Share,
    SsoInvalid,
    SsoRefused,
    Tenant,
    TenantKind,
    TenantSettings,
    User,
    Vouched,
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
# How long somebody who just logged in is not asked again, before what lets somebody in.
FRESH_LASTS: Final = timedelta(minutes=15)
RECOVERY_CODES: Final = 10
# 31 letters that nobody takes for another one; ten of them are 49 bits.
RECOVERY_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
RECOVERY_LENGTH: Final = 10

HIDDEN: Final = "…"
SECRETS: Final = (
    *("password", "secret", "private", "authorization", "key", "totp", "code", "csrf"),
    "reset_link",
)
"""What secrets are called, or a part of that."""

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
        authenticated_at=login.authenticated_at,
        login_id=login.login_id,
        provider_id=login.provider_id,
        acting=login.acting,
    )


def is_fresh(caller: Caller, now: datetime) -> bool:
    """Whether the user showed who it is so lately that nobody else sits there now."""
    return now - caller.authenticated_at <= FRESH_LASTS


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


def bare(code: str) -> str:
    """A code as it is compared: people type spaces, dashes and capitals as they like."""
    return "".join(letter for letter in code.casefold() if letter.isalnum())


def is_totp(code: str) -> bool:
    """Whether a bare code is one of an authenticator's; else it is for who lost that."""
    return len(code) == TOTP_DIGITS and code.isdecimal()


def hidden(value: Any) -> Any:
    """What was said, as JSON has it, without what nobody shall read in the trail."""
    if isinstance(value, dict):
        about = str(value.get("variable", ""))
        return {
            # A yes or a no tells nothing of what it is about.
            name: HIDDEN
            if not isinstance(inner, bool)
            and (_is_secret(str(name)) or (name == "value" and _is_secret(about)))
            else hidden(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [hidden(inner) for inner in value]
    return value


def _is_secret(name: str) -> bool:
    return any(word in name.casefold() for word in SECRETS)


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


def setting(after: TenantSettings) -> TenantSettings:
    """The same, if a tenant can have it. Raises SettingInvalid."""
    if after.time_zone not in available_timezones():
        raise SettingInvalid(f"{after.time_zone!r} is no IANA time zone", field="time_zone")
    url = urlsplit(after.ocpp_url)
    if after.ocpp_url and (url.scheme not in ("ws", "wss") or not url.hostname or url.query):
        raise SettingInvalid("stations dial an address that begins with ws:// or wss://")
    return after


# ---- single sign-on -------------------------------------------------------------------------

# Signatures by a key pair, and nothing else: no "none", and no secret that somebody shares with us.
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384")
CLOCKS_APART_S: Final = 60
EMAIL_LENGTH_MAX: Final = 200
ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")


def provider(new: NewProvider, provider_id: str, tenant: TenantId, created: datetime) -> Provider:
    """A provider as it is to be kept. Raises SsoInvalid."""
    domains = tuple(domain.strip().casefold() for domain in new.domains)
    if not domains or not all("." in domain and "@" not in domain for domain in domains):
        raise SsoInvalid("name the domains whose addresses it vouches for, such as example.org")
    parts = urlsplit(new.issuer)
    if parts.query or parts.fragment or not _is_safe(new.issuer):
        raise SsoInvalid("an issuer is an address that begins with https://")
    return Provider(
        id=provider_id,
        tenant=tenant,
        name=new.name,
        issuer=new.issuer,
        client_id=new.client_id,
        domains=domains,
        role_claim=new.role_claim,
        roles=dict(new.roles),
        default_role=new.default_role,
        invites_only=new.invites_only,
        trusts_email=new.trusts_email,
        created_at=created,
    )


def _is_safe(url: str) -> bool:
    """Nobody listens on the way: TLS, or this machine itself."""
    parts = urlsplit(url)
    local = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    return bool(parts.hostname) and (parts.scheme == "https" or (local and parts.scheme == "http"))


def discovery_fault(provider: Provider, found: Mapping[str, Any]) -> str | None:
    """Why what a provider publishes will not do (OpenID Connect Discovery 1.0, 4.3), or None."""
    if found.get("issuer") != provider.issuer:
        return "the provider calls itself by another issuer's name"
    if not all(_is_safe(str(found.get(name, ""))) for name in ENDPOINTS):
        return "the provider does not say where to ask it, or not by https"
    return None


def has_key(keys: Mapping[str, Any], token: str) -> bool:
    """Whether the key that a token names is among ``keys``."""
    try:
        named = jws.extract_compact(token.encode()).headers().get("kid")
    except (JoseError, ValueError):
        return True  # It will be refused for what it is.
    held = keys.get("keys")
    return isinstance(held, list) and any(
        isinstance(key, dict) and key.get("kid") == named for key in held
    )


def vouched(
    provider: Provider, keys: Mapping[str, Any], token: str, *, nonce: str, now: datetime
) -> Vouched:
    """Whom an id token vouches for (OpenID Connect Core 1.0, 3.1.3.7). Raises SsoRefused."""
    try:
        known = KeySet.import_key_set({"keys": keys["keys"]})
        claims = jwt.decode(token, known, algorithms=ALGORITHMS).claims
        jwt.JWTClaimsRegistry(
            now=int(now.timestamp()),
            leeway=CLOCKS_APART_S,
            iss={"essential": True, "value": provider.issuer},
            aud={"essential": True, "value": provider.client_id},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": nonce},
        ).validate(claims)
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise SsoRefused("the provider's token is not good", cause=repr(error)) from error
    # A token for several audiences says which of them it was made for.
    if claims.get("azp", provider.client_id) != provider.client_id or (
        isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and "azp" not in claims
    ):
        raise SsoRefused("the provider's token is for somebody else")
    return Vouched(
        subject=claims["sub"],
        email=str(claims.get("email", "")).strip(),
        verified=claims.get("email_verified") is True,
        name=str(claims.get("name", ""))[:200],
        claims=claims,
    )


def shown_at(vouched: Vouched, now: datetime) -> datetime:
    """When the provider last had somebody show who it is; now, where it does not say."""
    said = vouched.claims.get("auth_time")
    if not isinstance(said, int | float) or not 0 < said < now.timestamp():
        return now
    return datetime.fromtimestamp(said, now.tzinfo)


def vouches_for(provider: Provider, vouched: Vouched) -> bool:
    """Whether the address is one of the provider's domains, and shown to be theirs."""
    name, _, domain = vouched.email.rpartition("@")
    if not name or not is_printable(vouched.email) or len(vouched.email) > EMAIL_LENGTH_MAX:
        return False
    return domain.casefold() in provider.domains and (vouched.verified or provider.trusts_email)


def role_of(provider: Provider, vouched: Vouched) -> Role | None:
    """What the provider's claim makes somebody here: the first of our roles that a value names."""
    claim, found = provider.role_claim, vouched.claims.get(provider.role_claim)
    if found is None and claim:
        found = vouched.claims
        for name in claim.split("."):
            found = found.get(name) if isinstance(found, dict) else None
    values = found if isinstance(found, list) else [found]
    named = {
        provider.roles[one] for one in values if isinstance(one, str) and one in provider.roles
    }
    return next((role for role in Role if role in named), provider.default_role)
