"""People: who may log in, with what, and what each browser that did is worth."""

import asyncio
import base64
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from urllib.parse import quote

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from forecourt.base.context import Context
from forecourt.base.ids import new_id
from forecourt.base.pages import FIRST_PAGE, Page, Wanted
from forecourt.base.seal import Sealed, seal, unseal
from forecourt.domain.tenants import rules
from forecourt.domain.tenants.model import (
    LastOwner,
    Login,
    LoginRefused,
    Method,
    NewUser,
    PasswordWeak,
    Role,
    Seen,
    SetUpDone,
    TotpWanted,
    User,
    UserAdded,
    UserChanged,
    UserExists,
    UserUnknown,
)
from forecourt.domain.tenants.service.logins import Logins
from forecourt.domain.tenants.service.once import OneTime
from forecourt.domain.tenants.service.passkeys import Passkeys
from forecourt.domain.tenants.service.sso import Sso
from forecourt.domain.tenants.store import logins
from forecourt.domain.tenants.store import people as store
from forecourt.infra.database import Database, Unit
from forecourt.infra.outbound import Outbound

# RFC 4226, 4: at least 128 bits, 160 recommended.
TOTP_BYTES: Final = 20
TOTP_USE: Final = "totp"
# Each check of a password takes 19 MiB and some 25 ms of a core (OWASP's least for argon2id), which
# the stations would miss: one at a time, however many ask.
CHECKS_AT_ONCE: Final = 1


class People:
    """Everything about those who log in."""

    def __init__(
        self,
        db: Database,
        *,
        secret_key: bytes,
        public_url: str = "",
        outbound: Outbound | None = None,
    ) -> None:
        self._db = db
        self.public_url = public_url
        """Where people reach the platform, if that was said."""
        self._secret_key = secret_key
        self.logins = Logins(db, secret_key=secret_key)
        self._once = OneTime(db, secret_key=secret_key)
        self.passkeys = Passkeys(db, logins=self.logins, once=self._once)
        self.sso = Sso(
            db,
            logins=self.logins,
            once=self._once,
            outbound=Outbound() if outbound is None else outbound,
            secret_key=secret_key,
        )
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
        self._checking = asyncio.Semaphore(CHECKS_AT_ONCE)
        self._nobody = ""
        """The hash that is checked for addresses that nobody has, so that they take as long."""
        self.set_up_code = "-".join(secrets.token_hex(2) for _ in range(4))
        """Who knows it, by reading the platform's own output, may make the first owner."""

    # ---- the first owner ------------------------------------------------------------------------

    async def set_up_wanted(self) -> bool:
        """Whether nobody can log in yet."""
        async with self._db.house_unit() as unit:
            return await store.count(unit) == 0

    async def set_up(self, ctx: Context, code: str, new: NewUser) -> User:
        """Make the first owner. Raises SetUpDone, PasswordWeak."""
        if not secrets.compare_digest(code.strip().encode(), self.set_up_code.encode()):
            raise SetUpDone("that is not the set-up code that the platform printed at its start")
        if not await self.set_up_wanted():
            raise SetUpDone("there is an owner already: log in")
        return await self.add(ctx, new)

    # ---- those who may log in -------------------------------------------------------------------

    async def add(self, ctx: Context, new: NewUser) -> User:
        """Let somebody in. Raises UserExists, PasswordWeak."""
        hashed = await self._hash(new.password, new.email)
        user = User(
            id=new_id("usr", ctx.now),
            tenant=ctx.tenant,
            email=new.email.strip(),
            name=new.name,
            role=new.role,
            sites=new.sites,
            created_at=ctx.now,
        )
        async with self._db.unit(ctx) as unit:
            if not await store.add(unit, user, hashed):
                raise UserExists("somebody has this address already", email=new.email)
            await unit.emit(
                UserAdded(
                    tenant=ctx.tenant,
                    at=ctx.now,
                    user_id=user.id,
                    email=user.email,
                    role=user.role,
                )
            )
        return user

    async def list(
        self,
        ctx: Context,
        wanted: Wanted = FIRST_PAGE,
        *,
        role: Role | None = None,
        disabled: bool | None = None,
    ) -> Page[User]:
        """Users in the order in which they were added, if in no other.

        Raises CursorInvalid, SortUnknown.
        """
        async with self._db.view(ctx) as unit:
            return await store.page(unit, wanted, role=role, disabled=disabled)

    async def read(self, ctx: Context, user_id: str) -> User:
        """One user. Raises UserUnknown."""
        async with self._db.unit(ctx) as unit:
            return await _read(unit, user_id)

    async def find(self, ctx: Context, email: str) -> User | None:
        """One user of this tenant, by address."""
        async with self._db.unit(ctx) as unit:
            found = await store.find_by_email(unit, email)
        return None if found is None else found[0]

    async def change(
        self,
        ctx: Context,
        user_id: str,
        *,
        name: str | None = None,
        role: Role | None = None,
        sites: Sequence[str] | None = None,
        password: str | None = None,
        disabled: bool | None = None,
        without_totp: bool = False,
    ) -> User:
        """Change what is given. Whoever loses something is logged out everywhere.

        Raises UserUnknown, LastOwner, PasswordWeak.
        """
        values: dict[str, object] = {} if name is None else {"name": name}
        if role is not None:
            values["role"] = role.value
        if sites is not None:
            values["sites"] = [*sites]
        if disabled is not None:
            values["disabled_at"] = ctx.now if disabled else None
        if without_totp:
            values["totp"] = None
        if password is not None:
            values["password"] = await self._hash(password, (await self.read(ctx, user_id)).email)
        async with self._db.unit(ctx) as unit:
            before = await _read(unit, user_id)
            if (role is not None and role is not Role.OWNER) or disabled:
                await _keep_an_owner(unit, user_id)
            if values:
                await store.change(unit, user_id, values)
            if values.keys() - {"name"}:
                await logins.end_all(unit, user_id)
            await _tell_changed(unit, ctx, before)
            return await _read(unit, user_id)

    async def remove(self, ctx: Context, user_id: str) -> None:
        """Forget somebody. Raises UserUnknown, LastOwner."""
        async with self._db.unit(ctx) as unit:
            before = await _read(unit, user_id)
            await _keep_an_owner(unit, user_id)
            await store.remove(unit, user_id)
            await _tell_changed(unit, ctx, before)

    # ---- the second factor ----------------------------------------------------------------------

    def new_totp(self, user: User) -> tuple[str, str]:
        """A secret to begin with, and the address that a QR code of it holds; nothing is kept."""
        secret = base64.b32encode(secrets.token_bytes(TOTP_BYTES)).decode()
        name = quote(f"Forecourt:{user.email}")
        return secret, f"otpauth://totp/{name}?secret={secret}&issuer=Forecourt"

    async def set_totp(self, ctx: Context, user: User, secret: str, code: str) -> None:
        """Want a second factor from now on; ``code`` shows that it works. Raises TotpWanted."""
        raw = base64.b32decode(secret)
        if rules.totp_step(raw, code, ctx, used=0) is None:
            raise TotpWanted("that code is not right; is the clock of the phone?")
        sealed = seal(raw, key=self._secret_key, use=TOTP_USE, label=user.id)
        async with self._db.unit(ctx) as unit:
            await store.change(unit, user.id, {"totp": sealed, "totp_used": 0})
            await _tell_changed(unit, ctx, user)

    # ---- logging in -----------------------------------------------------------------------------

    async def log_in(
        self, email: str, password: str, code: str, now: datetime, seen: Seen
    ) -> Login:
        """A browser's secret, for the right password. Raises LoginRefused, TotpWanted."""
        async with self._db.house_unit() as unit:
            found = await store.find_by_email(unit, email)
        if found is None:
            await self._is_password(await self._nobodys(), password)
            raise LoginRefused("wrong address or password")
        user, hashed, sealed, used = found
        if not await self._is_password(hashed or await self._nobodys(), password):
            raise LoginRefused("wrong address or password")
        await self.logins.admit(user)
        ctx = Context(actor=f"user:{user.id}", tenant=user.tenant, now=now)
        changed: dict[str, object] = {}
        if sealed is not None:
            key = unseal(Sealed(sealed), key=self._secret_key, use=TOTP_USE, label=user.id)
            step = rules.totp_step(key, code, ctx, used=used) if code else None
            if step is None:
                raise TotpWanted("the code of the second factor is wanted")
            changed["totp_used"] = step
        if self._hasher.check_needs_rehash(hashed):
            changed["password"] = await asyncio.to_thread(self._hasher.hash, password)
        async with self._db.unit(ctx) as unit:
            if changed:
                await store.change(unit, user.id, changed)
            return await self.logins.begin(unit, ctx, user, method=Method.PASSWORD, seen=seen)

    # ---- inside ---------------------------------------------------------------------------------

    async def _hash(self, password: str, email: str) -> str:
        if (fault := rules.password_fault(password, email)) is not None:
            raise PasswordWeak(fault)
        async with self._checking:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def _nobodys(self) -> str:
        if not self._nobody:
            self._nobody = await asyncio.to_thread(self._hasher.hash, secrets.token_hex())
        return self._nobody

    async def _is_password(self, hashed: str, password: str) -> bool:
        async with self._checking:
            try:
                return await asyncio.to_thread(self._hasher.verify, hashed, password)
            except VerifyMismatchError:
                return False


async def _read(unit: Unit, user_id: str) -> User:
    found = await store.find(unit, user_id)
    if found is None:
        raise UserUnknown(f"there is no user {user_id!r}", user=user_id)
    return found


async def _keep_an_owner(unit: Unit, user_id: str) -> None:
    if await store.owners(unit) == [user_id]:
        raise LastOwner("somebody must stay owner: make another one first")


async def _tell_changed(unit: Unit, ctx: Context, user: User) -> None:
    await unit.emit(UserChanged(tenant=ctx.tenant, at=ctx.now, user_id=user.id, email=user.email))
