"""Single sign-on by OpenID Connect: a tenant's providers, and logging in by one of them.

The authorisation code flow with PKCE, state and nonce (OpenID Connect Core 1.0, 3.1; RFC 7636; RFC
9700). Providers are asked through the guarded door to the outside; what they publish is kept for
an hour. They vouch for the addresses of their own domains, and for their own tenant's people alone.
"""

import base64
import json
import secrets
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from urllib.parse import quote, urlencode

import msgspec

from forecourt.base.context import Context
from forecourt.base.errors import ForecourtError
from forecourt.base.ids import TenantId, new_id
from forecourt.base.seal import Sealed, seal, unseal
from forecourt.domain.tenants import rules
from forecourt.domain.tenants.model import (
    Deed,
    Login,
    Method,
    NewProvider,
    Provider,
    Role,
    Seen,
    SsoDomainTaken,
    SsoInvalid,
    SsoRefused,
    SsoUnknown,
    User,
    UserAdded,
    UserChanged,
    Vouched,
)
from forecourt.domain.tenants.service.audit import remember
from forecourt.domain.tenants.service.logins import Logins
from forecourt.domain.tenants.service.once import OneTime, Purpose
from forecourt.domain.tenants.store import people
from forecourt.domain.tenants.store import sso as store
from forecourt.infra.database import Database, Unit
from forecourt.infra.outbound import Outbound

# Somebody may have to look for a phone meanwhile.
TRIP_LASTS: Final = timedelta(minutes=10)
KEPT_FOR: Final = timedelta(hours=1)
# A key that we do not know may be new; whoever makes them up shall not make us ask each time.
KEYS_AGAIN: Final = timedelta(minutes=1)
KEPT_MAX: Final = 100
ANSWER_BYTES_MAX: Final = 262_144
SCOPE: Final = "openid email profile"


class _Trip(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody on the way to a provider and back."""

    provider: str
    state: str
    nonce: str
    verifier: str
    back: str


class Sso:
    """Everything about providers."""

    def __init__(
        self,
        db: Database,
        *,
        logins: Logins,
        once: OneTime,
        outbound: Outbound,
        secret_key: bytes,
    ) -> None:
        self._db = db
        self._logins = logins
        self._once = once
        self._outbound = outbound
        self._secret_key = secret_key
        self._kept: OrderedDict[str, tuple[Mapping[str, Any], datetime]] = OrderedDict()
        """What was published, by address, and when it was read."""

    # ---- providers ------------------------------------------------------------------------------

    async def add(self, ctx: Context, new: NewProvider) -> Provider:
        """Let a provider vouch for people of this tenant. Raises SsoInvalid, SsoDomainTaken."""
        if not new.client_secret:
            raise SsoInvalid("the provider gave a client secret: enter it")
        provider = rules.provider(new, new_id("sso", ctx.now), ctx.tenant, ctx.now)
        await self._check(provider, ctx.now)
        async with self._db.unit(ctx) as unit:
            await store.add(unit, provider, self._sealed(provider.id, new.client_secret))
        return provider

    async def list(self, ctx: Context) -> Sequence[Provider]:
        """Those of the context's tenant, oldest first."""
        async with self._db.unit(ctx) as unit:
            return await store.list_(unit)

    async def read(self, ctx: Context, provider_id: str) -> Provider:
        """One of this tenant's. Raises SsoUnknown."""
        async with self._db.unit(ctx) as unit:
            return (await _read(unit, provider_id))[0]

    async def change(self, ctx: Context, provider_id: str, new: NewProvider) -> Provider:
        """As it stands in ``new`` from now on; without a secret, that stays.

        Raises SsoUnknown, SsoInvalid, SsoDomainTaken.
        """
        before = await self.read(ctx, provider_id)
        provider = rules.provider(new, provider_id, ctx.tenant, before.created_at)
        await self._check(provider, ctx.now)
        values = store.columns_of(provider)
        if new.disabled:
            values["disabled_at"] = before.disabled_at or ctx.now
        if new.client_secret:
            values["client_secret"] = self._sealed(provider_id, new.client_secret)
        async with self._db.unit(ctx) as unit:
            await store.change(unit, provider_id, values)
            return (await _read(unit, provider_id))[0]

    async def remove(self, ctx: Context, provider_id: str) -> None:
        """It vouches for nobody any more; its people stay. Raises SsoUnknown."""
        async with self._db.unit(ctx) as unit:
            await _read(unit, provider_id)
            await store.remove(unit, provider_id)

    async def offered(self, tenant: TenantId) -> Sequence[Provider]:
        """Those of a tenant that its people may use; for a page before the door."""
        async with self._db.house_unit() as unit:
            return await store.open_of(unit, tenant)

    async def of_email(self, email: str) -> Provider:
        """Who vouches for an address, whichever tenant's. Raises SsoUnknown."""
        domain = email.rpartition("@")[2].casefold()
        async with self._db.house_unit() as unit:
            found = await store.of_domains(unit, [domain])
        for provider in found:
            if provider.disabled_at is None:
                return provider
        raise SsoUnknown("nobody vouches for addresses of this domain")

    # ---- logging in -----------------------------------------------------------------------------

    async def begin(
        self, provider_id: str, back: str, now: datetime, *, anew: bool = False
    ) -> tuple[str, str]:
        """A secret that binds the trip to this browser, and where to send it.

        ``back`` is the address where the provider sends it back to; ``anew``: the provider shall
        not take the browser's word for it. Raises SsoUnknown, and what asking the provider raises.
        """
        async with self._db.house_unit() as unit:
            provider, _ = await _read(unit, provider_id)
        if provider.disabled_at is not None:
            raise SsoUnknown("this provider is not asked any more")
        published = await self._published(provider, now)
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        trip = _Trip(provider=provider.id, state=state, nonce=nonce, verifier=verifier, back=back)
        secret = await self._once.make(
            Purpose.SSO, provider.tenant, now, lasts=TRIP_LASTS, body=msgspec.json.encode(trip)
        )
        challenge = base64.urlsafe_b64encode(sha256(verifier.encode()).digest())
        query = {
            "response_type": "code",
            "client_id": provider.client_id,
            "redirect_uri": back,
            "scope": SCOPE,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge.rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        if anew:
            # OpenID Connect Core 1.0, 3.1.2.1: not all know both.
            query |= {"prompt": "login", "max_age": "0"}
        return secret, _with_query(str(published["authorization_endpoint"]), query)

    async def finish(
        self, secret: str, state: str, code: str, *, now: datetime, seen: Seen
    ) -> Login:
        """Log in whoever comes back. Raises SsoRefused, LoginRefused."""
        asked = await self._once.take(secret, Purpose.SSO, now)
        if asked is None:
            raise SsoRefused("that took too long, or began in another browser: try again")
        trip = msgspec.json.decode(asked.body, type=_Trip)
        if not secrets.compare_digest(trip.state.encode(), state.encode()):
            raise SsoRefused("this answer belongs to another question")
        async with self._db.house_unit() as unit:
            provider, sealed = await _read(unit, trip.provider)
        if provider.disabled_at is not None:
            raise SsoRefused("this provider is not asked any more")
        published = await self._published(provider, now)
        token = await self._exchanged(provider, published, trip, code, sealed)
        vouched = await self._vouched(provider, published, token, trip.nonce, now)
        user = await self._user(provider, vouched, now)
        await self._logins.admit(user)
        ctx = Context(actor=f"user:{user.id}", tenant=user.tenant, now=now)
        async with self._db.unit(ctx) as unit:
            return await self._logins.begin(
                unit,
                ctx,
                user,
                method=Method.SSO,
                seen=seen,
                provider_id=provider.id,
                shown_at=rules.shown_at(vouched, now),
            )

    async def way_out(self, ctx: Context, provider_id: str, back: str) -> str | None:
        """Where to log out of the provider as well, if it has such a place."""
        try:
            provider = await self.read(ctx, provider_id)
            published = await self._published(provider, ctx.now)
        except ForecourtError:
            return None  # Nobody is to stay logged in here because somebody else is away.
        place = published.get("end_session_endpoint")
        if not isinstance(place, str):
            return None
        return _with_query(
            place, {"client_id": provider.client_id, "post_logout_redirect_uri": back}
        )

    # ---- inside ---------------------------------------------------------------------------------

    async def _check(self, provider: Provider, now: datetime) -> None:
        """That the provider is there, and that nobody else vouches for these domains."""
        await self._published(provider, now, anew=True)
        async with self._db.house_unit() as unit:
            others = await store.of_domains(unit, provider.domains)
        if any(other.id != provider.id for other in others):
            raise SsoDomainTaken("another provider vouches for one of these domains already")

    async def _published(
        self, provider: Provider, now: datetime, *, anew: bool = False
    ) -> Mapping[str, Any]:
        url = provider.issuer.rstrip("/") + "/.well-known/openid-configuration"
        found = await self._fetched(url, now, after=now if anew else now - KEPT_FOR)
        if (fault := rules.discovery_fault(provider, found)) is not None:
            raise SsoInvalid(fault, issuer=provider.issuer)
        return found

    async def _vouched(
        self,
        provider: Provider,
        published: Mapping[str, Any],
        token: str,
        nonce: str,
        now: datetime,
    ) -> Vouched:
        """What the id token says; the provider's keys are read again if it names a new one."""
        url = str(published["jwks_uri"])
        keys = await self._fetched(url, now, after=now - KEPT_FOR)
        if not rules.has_key(keys, token):
            keys = await self._fetched(url, now, after=now - KEYS_AGAIN)
        return rules.vouched(provider, keys, token, nonce=nonce, now=now)

    async def _fetched(self, url: str, now: datetime, *, after: datetime) -> Mapping[str, Any]:
        """A JSON object from the outside, or as it was read after ``after``."""
        kept = self._kept.get(url)
        if kept is not None and kept[1] > after:
            return kept[0]
        reply = await self._outbound.send("GET", url, bytes_max=ANSWER_BYTES_MAX)
        found = _object(reply.status, reply.body, url)
        self._kept[url] = (found, now)
        self._kept.move_to_end(url)
        if len(self._kept) > KEPT_MAX:
            self._kept.popitem(last=False)
        return found

    async def _exchanged(
        self,
        provider: Provider,
        published: Mapping[str, Any],
        trip: _Trip,
        code: str,
        sealed: bytes,
    ) -> str:
        """The id token for a code."""
        client_secret = unseal(
            Sealed(sealed), key=self._secret_key, use="sso", label=provider.id
        ).decode()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": trip.back,
            "code_verifier": trip.verifier,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        # RFC 6749, 2.3.1: every provider knows this one, unless it says otherwise.
        known = published.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if "client_secret_basic" in known:
            pair = f"{quote(provider.client_id, safe='')}:{quote(client_secret, safe='')}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        else:
            form |= {"client_id": provider.client_id, "client_secret": client_secret}
        url = str(published["token_endpoint"])
        reply = await self._outbound.send(
            "POST",
            url,
            body=urlencode(form).encode(),
            headers=headers,
            bytes_max=ANSWER_BYTES_MAX,
        )
        try:
            token = _object(reply.status, reply.body, url).get("id_token")
        except SsoInvalid as error:
            raise SsoRefused("the provider does not know this code", cause=str(error)) from error
        if not isinstance(token, str):
            raise SsoRefused("the provider sent no id token")
        return token

    async def _user(self, provider: Provider, vouched: Vouched, now: datetime) -> User:
        """Who that is here: known, invited, or new where the provider may bring people.

        Only ever somebody of the provider's own tenant.
        """
        ctx = Context(actor=f"sso:{provider.id}", tenant=provider.tenant, now=now)
        role = rules.role_of(provider, vouched)
        async with self._db.unit(ctx) as unit:
            user = await store.known(unit, provider.id, vouched.subject)
            if user is None:
                user = await self._met(unit, ctx, provider, vouched, role)
                await store.know(unit, provider, vouched.subject, user, now)
            if provider.role_claim and role is None:
                raise SsoRefused("the provider gives you no role here")
            if provider.role_claim and role is not None and role is not user.role:
                user = await _with_role(unit, ctx, user, role)
        return user

    async def _met(
        self, unit: Unit, ctx: Context, provider: Provider, vouched: Vouched, role: Role | None
    ) -> User:
        """Somebody who comes this way for the first time."""
        if not rules.vouches_for(provider, vouched):
            raise SsoRefused("the provider does not vouch for an address of its domains")
        found = await people.find_by_email(unit, vouched.email)
        if found is not None:
            return found[0]
        if provider.invites_only:
            raise SsoRefused("nobody has added you here yet: ask an owner")
        if role is None:
            raise SsoRefused("the provider gives you no role here")
        user = User(
            id=new_id("usr", ctx.now),
            tenant=provider.tenant,
            email=vouched.email,
            name=vouched.name or vouched.email,
            role=role,
            created_at=ctx.now,
        )
        # No password hashes to this: such a user has none until somebody sets one.
        if not await people.add(unit, user, people.NO_PASSWORD):
            raise SsoRefused("this address belongs to somebody else")
        await unit.emit(
            UserAdded(tenant=user.tenant, at=ctx.now, user_id=user.id, email=user.email, role=role)
        )
        told = json.dumps({"email": user.email, "name": user.name, "role": role.value})
        await remember(unit, ctx, Deed(action="add_user", subject=user.id, after=told))
        return user

    def _sealed(self, provider_id: str, client_secret: str) -> Sealed:
        return seal(client_secret.encode(), key=self._secret_key, use="sso", label=provider_id)


async def _read(unit: Unit, provider_id: str) -> tuple[Provider, bytes]:
    found = await store.find(unit, provider_id)
    if found is None:
        raise SsoUnknown("there is no such provider", provider=provider_id)
    return found


async def _with_role(unit: Unit, ctx: Context, user: User, role: Role) -> User:
    """The provider says what somebody is, at each log-in; but there is always an owner."""
    if user.role is Role.OWNER and await people.owners(unit) == [user.id]:
        return user
    await people.change(unit, user.id, {"role": role.value})
    await unit.emit(UserChanged(tenant=user.tenant, at=ctx.now, user_id=user.id, email=user.email))
    before, after = (json.dumps({"role": one.value}) for one in (user.role, role))
    deed = Deed(action="change_user", subject=user.id, before=before, after=after)
    await remember(unit, ctx, deed)
    return msgspec.structs.replace(user, role=role)


def _object(status: int, body: bytes, url: str) -> Mapping[str, Any]:
    try:
        found = json.loads(body) if status == 200 else None  # noqa: PLR2004 (a word of HTTP)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise SsoInvalid("the provider did not answer as OpenID providers do", url=url)
    return found


def _with_query(url: str, query: Mapping[str, str]) -> str:
    return url + ("&" if "?" in url else "?") + urlencode(query)
