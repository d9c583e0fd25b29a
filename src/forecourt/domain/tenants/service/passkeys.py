"""Passkeys (WebAuthn level 2): added by who is logged in, good for logging in with nothing else.

Discoverable, and with the user verified by the device: that is something one has and something one
knows or is, so no further factor is asked for.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import webauthn
from msgspec import Struct
from webauthn.helpers import base64url_to_bytes, generate_challenge, options_to_json_dict
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from forecourt.base.context import Context
from forecourt.base.ids import TenantId, new_id
from forecourt.domain.tenants.model import (
    Caller,
    Login,
    Method,
    Party,
    Passkey,
    PasskeyAdded,
    PasskeyExists,
    PasskeyInvalid,
    PasskeyRefused,
    PasskeyRemoved,
    PasskeyUnknown,
    Seen,
    User,
)
from forecourt.domain.tenants.service.logins import Logins
from forecourt.domain.tenants.service.once import OneTime, Purpose
from forecourt.domain.tenants.store import passkeys as store
from forecourt.infra.database import Database, Unit

# WebAuthn level 2, 15.1, recommends five to ten minutes where the user is verified.
QUESTION_LASTS: Final = timedelta(minutes=5)
PASSKEYS_MAX: Final = 20
# What the library lets through when the bytes of an answer are garbage.
GARBAGE: Final = (WebAuthnException, ValueError, KeyError, TypeError, IndexError, OverflowError)


class _Shown(Struct, frozen=True, kw_only=True):
    """A passkey that answered, before its answer was looked at."""

    credential: bytes
    challenge: bytes
    user: User


class Passkeys:
    """Everything about passkeys."""

    def __init__(self, db: Database, *, logins: Logins, once: OneTime) -> None:
        self._db = db
        self._logins = logins
        self._once = once

    async def list(self, ctx: Context, user_id: str) -> Sequence[Passkey]:
        """A user's passkeys, oldest first."""
        async with self._db.unit(ctx) as unit:
            return [passkey for passkey, _ in await store.of_user(unit, user_id)]

    async def ask_for_new(
        self, ctx: Context, user: User, party: Party
    ) -> tuple[str, Mapping[str, Any]]:
        """A secret that binds the answer to this browser, and what the browser shall be told.

        Raises PasskeyExists when the user has as many as one may.
        """
        async with self._db.unit(ctx) as unit:
            held = await store.of_user(unit, user.id)
        if len(held) >= PASSKEYS_MAX:
            raise PasskeyExists(f"that is enough: one has at most {PASSKEYS_MAX} passkeys")
        challenge = generate_challenge()
        options = webauthn.generate_registration_options(
            rp_id=party.host,
            rp_name="Forecourt",
            user_id=user.id.encode(),
            user_name=user.email,
            user_display_name=user.name,
            challenge=challenge,
            timeout=int(QUESTION_LASTS.total_seconds() * 1000),
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=name) for _, name in held],
        )
        secret = await self._once.make(
            Purpose.PASSKEY_ADD,
            ctx.tenant,
            ctx.now,
            lasts=QUESTION_LASTS,
            user_id=user.id,
            body=challenge,
        )
        return secret, options_to_json_dict(options)

    async def add(
        self,
        ctx: Context,
        user: User,
        secret: str,
        answer: Mapping[str, Any],
        *,
        name: str,
        party: Party,
    ) -> Passkey:
        """Keep what the browser made. Raises PasskeyRefused, PasskeyInvalid, PasskeyExists."""
        asked = await self._once.take(secret, Purpose.PASSKEY_ADD, ctx.now)
        if asked is None or asked.user_id != user.id:
            raise PasskeyRefused("that took too long: begin again")
        try:
            made = webauthn.verify_registration_response(
                credential=dict(answer),
                expected_challenge=asked.body,
                expected_rp_id=party.host,
                expected_origin=party.origin,
                require_user_verification=True,
            )
        except GARBAGE as error:
            raise PasskeyInvalid(
                "this is no passkey for this platform", cause=str(error)
            ) from error
        passkey = Passkey(
            id=new_id("psk", ctx.now),
            name=name,
            synced=made.credential_backed_up,
            created_at=ctx.now,
        )
        async with self._db.house_unit() as house:
            if await store.find(house, made.credential_id) is not None:
                raise PasskeyExists("this passkey is known already")
        async with self._db.unit(ctx) as unit:
            await store.add(
                unit,
                passkey,
                tenant=ctx.tenant,
                user_id=user.id,
                credential=made.credential_id,
                public_key=made.credential_public_key,
                sign_count=made.sign_count,
            )
            await unit.emit(
                PasskeyAdded(
                    tenant=ctx.tenant,
                    at=ctx.now,
                    user_id=user.id,
                    passkey_id=passkey.id,
                    name=name,
                )
            )
        return passkey

    async def remove(self, ctx: Context, user_id: str, passkey_id: str) -> None:
        """From now on it opens nothing. Raises PasskeyUnknown."""
        async with self._db.unit(ctx) as unit:
            held = {passkey.id: passkey for passkey, _ in await store.of_user(unit, user_id)}
            if passkey_id not in held:
                raise PasskeyUnknown("there is no such passkey", passkey=passkey_id)
            await store.remove(unit, user_id, passkey_id)
            await unit.emit(
                PasskeyRemoved(
                    tenant=ctx.tenant,
                    at=ctx.now,
                    user_id=user_id,
                    passkey_id=passkey_id,
                    name=held[passkey_id].name,
                )
            )

    async def ask(
        self, tenant: TenantId, now: datetime, party: Party
    ) -> tuple[str, Mapping[str, Any]]:
        """Ask a stranger's browser for any passkey of ours: as ``ask_for_new``."""
        challenge = generate_challenge()
        options = webauthn.generate_authentication_options(
            rp_id=party.host,
            challenge=challenge,
            timeout=int(QUESTION_LASTS.total_seconds() * 1000),
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        secret = await self._once.make(
            Purpose.PASSKEY_LOGIN, tenant, now, lasts=QUESTION_LASTS, body=challenge
        )
        return secret, options_to_json_dict(options)

    async def log_in(
        self, secret: str, answer: Mapping[str, Any], party: Party, *, now: datetime, seen: Seen
    ) -> Login:
        """Log in whose passkey answered. Raises PasskeyRefused, LoginRefused."""
        shown = await self._shown(secret, answer, now)
        await self._logins.admit(shown.user)
        ctx = Context(actor=f"user:{shown.user.id}", tenant=shown.user.tenant, now=now)
        async with self._db.unit(ctx) as unit:
            user = await _used(unit, shown, answer, party, now)
            return await self._logins.begin(unit, ctx, user, method=Method.PASSKEY, seen=seen)

    async def confirm(
        self, ctx: Context, caller: Caller, secret: str, answer: Mapping[str, Any], party: Party
    ) -> None:
        """Whoever sits at a browser is the user who logged in there. Raises PasskeyRefused."""
        shown = await self._shown(secret, answer, ctx.now)
        if shown.user.id != caller.user.id:
            raise PasskeyRefused("this passkey is somebody else's")
        async with self._db.unit(ctx) as unit:
            await _used(unit, shown, answer, party, ctx.now)
            await self._logins.confirm(unit, ctx, caller)

    async def _shown(self, secret: str, answer: Mapping[str, Any], now: datetime) -> _Shown:
        asked = await self._once.take(secret, Purpose.PASSKEY_LOGIN, now)
        if asked is None:
            raise PasskeyRefused("that took too long: try again")
        try:
            credential = base64url_to_bytes(str(answer.get("rawId", "")))
        except ValueError as error:
            raise PasskeyRefused("this passkey is not known here") from error
        async with self._db.house_unit() as house:
            found = await store.find(house, credential)
        if found is None:
            raise PasskeyRefused("this passkey is not known here")
        return _Shown(credential=credential, challenge=asked.body, user=found[0])


async def _used(
    unit: Unit, shown: _Shown, answer: Mapping[str, Any], party: Party, now: datetime
) -> User:
    """Whose passkey it is that answered as it should. Raises PasskeyRefused."""
    # Once more, locked: of two answers with one count, one is a copy.
    found = await store.find(unit, shown.credential)
    if found is None:
        raise PasskeyRefused("this passkey is not known here")
    user, row = found
    count, synced = _verified(answer, shown.challenge, party, row, user)
    await store.use(unit, row.passkey_id, now, sign_count=count, synced=synced)
    return user


def _verified(
    answer: Mapping[str, Any], challenge: bytes, party: Party, row: Any, user: User
) -> tuple[int, bool]:
    """The device's new count, and whether the passkey is kept elsewhere too.

    Raises PasskeyRefused, also for a count that did not grow: then somebody copied the key.
    """
    try:
        done = webauthn.verify_authentication_response(
            credential=dict(answer),
            expected_challenge=challenge,
            expected_rp_id=party.host,
            expected_origin=party.origin,
            credential_public_key=row.public_key,
            credential_current_sign_count=row.sign_count,
            require_user_verification=True,
        )
        handle = base64url_to_bytes(answer["response"]["userHandle"])
    except GARBAGE as error:
        raise PasskeyRefused(
            "this passkey did not answer as it should", cause=str(error)
        ) from error
    if handle != user.id.encode():
        raise PasskeyRefused("this passkey is somebody else's")
    return done.new_sign_count, done.credential_backed_up
