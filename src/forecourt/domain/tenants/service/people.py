"""People: who may log in, with what, and what each browser that did is worth."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from forecourt.base.context import Context
from forecourt.base.ids import new_id
from forecourt.base.pages import FIRST_PAGE, Page, Wanted
from forecourt.domain.tenants.model import (
    Caller,
    Deed,
    LastOwner,
    Login,
    LoginRefused,
    Method,
    NewUser,
    PasswordWrong,
    ResetLink,
    ResetRefused,
    Role,
    Seen,
    SetUpDone,
    TotpOff,
    User,
    UserAdded,
    UserChanged,
    UserExists,
    UserUnknown,
)
from forecourt.domain.tenants.rules import hidden
from forecourt.domain.tenants.service.audit import remember
from forecourt.domain.tenants.service.factors import Factors
from forecourt.domain.tenants.service.logins import Logins
from forecourt.domain.tenants.service.once import OneTime
from forecourt.domain.tenants.service.passkeys import Passkeys
from forecourt.domain.tenants.service.sso import Sso
from forecourt.domain.tenants.store import logins
from forecourt.domain.tenants.store import people as store
from forecourt.infra.database import Database, Unit
from forecourt.infra.outbound import Outbound

# Long enough to be handed over by whatever way people trust, too short to be found in it later.
RESET_LASTS: Final = timedelta(hours=24)
SET_UP_BEFORE: Final = "there is an owner already: log in"
NO_SUCH_LINK: Final = "this link is not good, or not any more: ask for another one"


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
        self.factors = Factors(secret_key=secret_key)
        self.set_up_code = "-".join(secrets.token_hex(2) for _ in range(4))
        """Who knows it, by reading the platform's own output, may make the first owner."""

    # ---- the first owner ------------------------------------------------------------------------

    async def set_up_wanted(self) -> bool:
        """Whether nobody can log in yet."""
        async with self._db.house_unit() as unit:
            return await store.count(unit) == 0

    async def set_up(self, ctx: Context, code: str, new: NewUser, *, address: str = "") -> User:
        """Make the first owner; the audit trail begins with it. Raises SetUpDone, PasswordWeak."""
        if not secrets.compare_digest(code.strip().encode(), self.set_up_code.encode()):
            raise SetUpDone("that is not the set-up code that the platform printed at its start")
        if not await self.set_up_wanted():
            raise SetUpDone(SET_UP_BEFORE)
        async with self._db.together(ctx), self._db.unit(ctx) as unit:
            await store.alone(unit)
            if await store.count(unit):  # Of two at once, the second waited, and sees the first.
                raise SetUpDone(SET_UP_BEFORE)
            user = await self.add(ctx, new)
            told = msgspec.json.encode(hidden(msgspec.to_builtins(new))).decode()
            deed = Deed(action="set_up", subject=user.id, after=told, address=address)
            await remember(unit, ctx, deed)
        return user

    # ---- those who may log in -------------------------------------------------------------------

    async def add(self, ctx: Context, new: NewUser) -> User:
        """Let somebody in. Raises UserExists, PasswordWeak."""
        hashed = await self.factors.hashed(new.password, new.email)
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
            values |= {"totp": None, "recovery": []}
        if password is not None:
            values["password"] = await self.factors.hashed(
                password, (await self.read(ctx, user_id)).email
            )
        async with self._db.unit(ctx) as unit:
            before = await _read(unit, user_id)
            if (role is not None and role is not Role.OWNER) or disabled:
                await _keep_an_owner(unit, user_id)
            if values:
                await store.change(unit, user_id, values)
            if password is not None or disabled:
                await self._once.forget_link(unit, user_id)
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

    # ---- their own secrets ----------------------------------------------------------------------

    async def change_password(self, ctx: Context, caller: Caller, old: str, new: str) -> None:
        """Set one's own password; one's other browsers are logged out, and a link is good no more.

        Raises PasswordWrong, PasswordWeak.
        """
        user = caller.user
        if not await self.factors.is_password((await self._secrets(ctx, user.id)).password, old):
            raise PasswordWrong("that is not your password", field="old_password")
        hashed = await self.factors.hashed(new, user.email)
        async with self._db.unit(ctx) as unit:
            await self._set_password(unit, ctx, user, hashed, but=caller.login_id)

    async def make_reset_link(self, ctx: Context, user_id: str) -> ResetLink:
        """What lets its bearer set a user's password, once and for a day. Raises UserUnknown.

        The last one that was made for the user is good no more.
        """
        async with self._db.unit(ctx) as unit:
            user = await _read(unit, user_id)
            secret, until = await self._once.make_link(unit, ctx, user_id, lasts=RESET_LASTS)
        return ResetLink(user=user, secret=secret, expires_at=until)

    async def reset_password(
        self, secret: str, password: str, now: datetime, *, address: str, trace: str = ""
    ) -> None:
        """Set the password of whom a link is for, and log that user out everywhere.

        A password that will not do does not use the link up; a second factor stays wanted. Raises
        ResetRefused, PasswordWeak.
        """
        owner = await self._once.owner_of(secret, now)
        if owner is None:
            raise ResetRefused(NO_SUCH_LINK)
        tenant, user_id = owner
        ctx = Context(actor=f"user:{user_id}", tenant=tenant, now=now, trace=trace)
        user = await self.read(ctx, user_id)
        try:
            await self.logins.admit(user)
        except LoginRefused as error:
            raise ResetRefused(NO_SUCH_LINK) from error
        hashed = await self.factors.hashed(password, user.email)
        async with self._db.unit(ctx) as unit:
            if not await self._once.use_link(unit, secret):
                raise ResetRefused(NO_SUCH_LINK)
            await self._set_password(unit, ctx, user, hashed)
            deed = Deed(action="reset_password", subject=user_id, address=address)
            await remember(unit, ctx, deed)

    async def set_totp(self, ctx: Context, user: User, secret: str, code: str) -> Sequence[str]:
        """Want a second factor from now on; ``code`` shows that it works.

        Returns codes for when it is lost, that nobody can read again. Raises TotpWanted.
        """
        sealed = self.factors.sealed_totp(ctx, user, secret, code)
        codes, kept = self.factors.recovery_codes()
        async with self._db.unit(ctx) as unit:
            await store.change(unit, user.id, {"totp": sealed, "totp_used": 0, "recovery": kept})
            await _tell_changed(unit, ctx, user)
        return codes

    async def remove_totp(self, ctx: Context, user: User) -> None:
        """Want no second factor any more; its recovery codes are gone. Raises TotpOff."""
        async with self._db.unit(ctx) as unit:
            if (await _secrets(unit, user.id)).totp is None:
                raise TotpOff("there is no second factor to be turned off")
            await store.change(unit, user.id, {"totp": None, "recovery": []})
            await _tell_changed(unit, ctx, user)

    async def new_recovery_codes(self, ctx: Context, user: User) -> Sequence[str]:
        """Other codes; those before are good no more. Raises TotpOff."""
        codes, kept = self.factors.recovery_codes()
        async with self._db.unit(ctx) as unit:
            if (await _secrets(unit, user.id)).totp is None:
                raise TotpOff("these codes are in the place of a second factor: turn that on first")
            await store.change(unit, user.id, {"recovery": kept})
            await _tell_changed(unit, ctx, user)
        return codes

    # ---- logging in -----------------------------------------------------------------------------

    async def log_in(
        self, email: str, password: str, code: str, now: datetime, seen: Seen
    ) -> Login:
        """A browser's secret, for the right password. Raises LoginRefused, TotpWanted."""
        async with self._db.house_unit() as unit:
            found = await store.find_by_email(unit, email)
        hashed = store.NO_PASSWORD if found is None else found[1].password
        if not await self.factors.is_password(hashed, password) or found is None:
            raise LoginRefused("wrong address or password")
        user, held = found
        await self.logins.admit(user)
        ctx = Context(actor=f"user:{user.id}", tenant=user.tenant, now=now)
        better = await self.factors.anew(hashed, password)
        async with self._db.unit(ctx) as unit:
            await self.factors.use_second(unit, ctx, user, held, code, address=seen.address)
            if better is not None:
                await store.change(unit, user.id, {"password": better})
            user = await _read(unit, user.id)  # With one code less, if it was one of those.
            return await self.logins.begin(unit, ctx, user, method=Method.PASSWORD, seen=seen)

    async def confirm(
        self, ctx: Context, caller: Caller, password: str, code: str, *, address: str
    ) -> None:
        """Whoever sits at a browser is the user who logged in there.

        Raises PasswordWrong, TotpWanted.
        """
        held = await self._secrets(ctx, caller.user.id)
        if not await self.factors.is_password(held.password, password):
            raise PasswordWrong("that is not your password")
        async with self._db.unit(ctx) as unit:
            await self.factors.use_second(unit, ctx, caller.user, held, code, address=address)
            await self.logins.confirm(unit, ctx, caller)

    # ---- inside ---------------------------------------------------------------------------------

    async def _secrets(self, ctx: Context, user_id: str) -> store.Secrets:
        async with self._db.unit(ctx) as unit:
            return await _secrets(unit, user_id)

    async def _set_password(
        self, unit: Unit, ctx: Context, user: User, hashed: str, *, but: str = ""
    ) -> None:
        await store.change(unit, user.id, {"password": hashed})
        await logins.end_all(unit, user.id, but=but)
        await self._once.forget_link(unit, user.id)
        await _tell_changed(unit, ctx, user)


async def _secrets(unit: Unit, user_id: str) -> store.Secrets:
    found = await store.secrets_of(unit, user_id)
    if found is None:
        raise UserUnknown(f"there is no user {user_id!r}", user=user_id)
    return found


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
