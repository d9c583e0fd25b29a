"""What people do about what they log in with: password, second factor, and showing it once more."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from litestar import Controller, Request, delete, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from forecourt.base.context import Context
from forecourt.domain.tenants import Caller
from forecourt.edge.http.login import Code, Confirmation, Desk, NewPassword, PasskeyAnswer


class TotpSecret(Struct, frozen=True, kw_only=True):
    """What an authenticator program wants to know."""

    secret: str
    uri: str


class TotpProof(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """That the authenticator program knows it."""

    secret: Annotated[str, Meta(min_length=32, max_length=32, pattern="^[A-Z2-7]{32}$")]
    code: Code


class RecoveryCodes(Struct, frozen=True, kw_only=True):
    """Codes for who lost the authenticator, each good once. They are shown this once."""

    recovery_codes: Sequence[str]


class LinkMade(Struct, frozen=True, kw_only=True):
    """What lets its bearer set a user's password. It is shown this once."""

    reset_link: str
    """Without a host where nobody said by which the platform is reached."""
    expires_at: datetime


class FactorRoutes(Controller):
    """For browsers: whoever is logged in."""

    tags = ("Log-in",)

    @post("/me/confirmation", operation_id="confirm_login", summary="It is me", status_code=204)
    async def confirm(
        self,
        request: Request[Any, Any, Any],
        home: NamedDependency[Context],
        desk: NamedDependency[Desk],
        data: JSONBody[Confirmation],
    ) -> None:
        """Show once more who you are: opens what answers `login.fresh_wanted` for 15 minutes."""
        await desk.confirm(request, home, data)

    @post(
        "/me/confirmation/passkey",
        operation_id="confirm_login_by_passkey",
        summary="It is me, by a passkey",
        status_code=204,
    )
    async def confirm_by_passkey(
        self,
        request: Request[Any, Any, Any],
        home: NamedDependency[Context],
        desk: NamedDependency[Desk],
        data: JSONBody[PasskeyAnswer],
    ) -> None:
        """The same, by the answer to a question of `/login/passkey`."""
        await desk.confirm_by_passkey(request, home, data)

    @post(
        "/me/password",
        operation_id="change_my_password",
        summary="Change my password",
        status_code=204,
    )
    async def change_password(
        self,
        request: Request[Any, Any, Any],
        home: NamedDependency[Context],
        desk: NamedDependency[Desk],
        data: JSONBody[NewPassword],
    ) -> None:
        """Have another password; it logs all other browsers out. Wants a fresh log-in."""
        await desk.change_password(request, home, data)

    @post("/me/totp", operation_id="begin_totp", summary="Begin a second factor", status_code=200)
    async def begin(
        self, desk: NamedDependency[Desk], caller: NamedDependency[Caller]
    ) -> TotpSecret:
        """A secret for an authenticator program; nothing is kept yet. Wants a fresh log-in."""
        secret, uri = desk.people.factors.new_totp(caller.user)
        return TotpSecret(secret=secret, uri=uri)

    @post("/me/totp/proof", operation_id="set_totp", summary="Use the factor", status_code=200)
    async def prove(
        self,
        home: NamedDependency[Context],
        desk: NamedDependency[Desk],
        caller: NamedDependency[Caller],
        data: JSONBody[TotpProof],
    ) -> RecoveryCodes:
        """Want this second factor at each log-in from now on. Wants a fresh log-in.

        The answer has codes for when the authenticator is lost; those before are good no more.
        """
        codes = await desk.people.set_totp(home, caller.user, data.secret, data.code)
        desk.rights_changed()
        return RecoveryCodes(recovery_codes=codes)

    @delete("/me/totp", operation_id="remove_totp", summary="Do without the factor")
    async def remove(
        self,
        home: NamedDependency[Context],
        desk: NamedDependency[Desk],
        caller: NamedDependency[Caller],
    ) -> None:
        """Want no second factor any more; the codes for who lost it are gone, too.

        Wants a fresh log-in.
        """
        await desk.people.remove_totp(home, caller.user)
        desk.rights_changed()

    @post(
        "/me/totp/recovery-codes",
        operation_id="make_recovery_codes",
        summary="Other recovery codes",
        status_code=200,
    )
    async def make_codes(
        self,
        home: NamedDependency[Context],
        desk: NamedDependency[Desk],
        caller: NamedDependency[Caller],
    ) -> RecoveryCodes:
        """Ten other codes; those before are good no more. Wants a fresh log-in."""
        codes = await desk.people.new_recovery_codes(home, caller.user)
        desk.rights_changed()
        return RecoveryCodes(recovery_codes=codes)


class LinkRoutes(Controller):
    """For owners: who forgot a password."""

    path = "/users"
    tags = ("People",)

    @post(
        "/{user_id:str}/reset-link",
        operation_id="make_reset_link",
        summary="Make a link to set a password",
    )
    async def make(
        self,
        request: Request[Any, Any, Any],
        ctx: NamedDependency[Context],
        desk: NamedDependency[Desk],
        user_id: FromPath[str],
    ) -> LinkMade:
        """A link by which the user sets a password: once, within a day. Wants a fresh log-in.

        The last one that was made for the user is good no more. A second factor stays wanted.
        """
        made = await desk.people.make_reset_link(ctx, user_id)
        link = desk.reset_link(request, made.secret)
        return LinkMade(reset_link=link, expires_at=made.expires_at)
