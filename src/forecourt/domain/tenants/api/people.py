"""The room's routes: people, the keys of programs, and what was done by whom."""

from datetime import datetime
from typing import Annotated

from litestar import Controller, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta, Struct

from forecourt.base.context import Context
from forecourt.base.pages import Wanted
from forecourt.base.text import Name
from forecourt.domain.tenants.model import (
    DEED_SORTS,
    KEY_SORTS,
    USER_SORTS,
    ApiKey,
    AuditEntry,
    NewUser,
    Role,
    User,
)
from forecourt.domain.tenants.rules import ROLES
from forecourt.domain.tenants.service import Audit, People, Tenants

Since = Annotated[datetime | None, QueryParameter(description="Done then or later.")]
Until = Annotated[datetime | None, QueryParameter(description="Done before then.")]
Sites = Annotated[tuple[Name, ...], Meta(max_length=500)]
Email = Annotated[
    str, Meta(min_length=3, max_length=200, pattern=r"^[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+$")
]
Password = Annotated[str, Meta(min_length=1, max_length=200)]


class UserView(Struct, frozen=True, kw_only=True):
    """Somebody who may log in."""

    id: str
    email: str
    name: str
    role: Role
    sites: tuple[str, ...]
    """Bound to these; none is all."""
    totp: bool
    created_at: datetime
    disabled_at: datetime | None


class UserPage(Struct, frozen=True, kw_only=True):
    """Users."""

    items: list[UserView]
    next: str | None


class UserAddition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody to let in."""

    email: Email
    name: Name
    role: Role
    password: Password
    sites: Sites = ()


class UserChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change; what is absent or null stays as it is."""

    name: Name | None = None
    role: Role | None = None
    sites: Sites | None = None
    password: Password | None = None
    disabled: bool | None = None
    without_totp: bool = False
    """Take the second factor away from somebody who lost it."""


class RoleView(Struct, frozen=True, kw_only=True):
    """A role, and what it may do."""

    name: Role
    permissions: tuple[str, ...]


class KeyView(Struct, frozen=True, kw_only=True):
    """An API key; the key itself was shown once."""

    id: str
    name: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class KeyPage(Struct, frozen=True, kw_only=True):
    """API keys."""

    items: list[KeyView]
    next: str | None


class KeyAddition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key to make."""

    name: Name
    expires_at: datetime | None = None


class KeyMade(Struct, frozen=True, kw_only=True):
    """A key just made. It is shown this once."""

    id: str
    name: str
    key: str


class DeedView(Struct, frozen=True, kw_only=True):
    """Something that somebody did."""

    seq: int
    at: datetime
    actor: str
    action: str
    subject: str
    before: str
    after: str
    address: str
    trace: str
    hash: str


class DeedPage(Struct, frozen=True, kw_only=True):
    """Deeds, newest first."""

    items: list[DeedView]
    next: str | None


class Verdict(Struct, frozen=True, kw_only=True):
    """Whether the trail is whole."""

    entries: int
    broken_at: int | None
    """The first entry that does not follow from the one before."""


class UserRoutes(Controller):
    """People: who may log in, and what they may do."""

    path = "/users"
    tags = ("People",)

    @get(operation_id="list_users", sorts=USER_SORTS, summary="List users")
    async def page(
        self,
        ctx: NamedDependency[Context],
        people: NamedDependency[People],
        search: NamedDependency[Wanted],
        *,
        role: FromQuery[Role | None] = None,
        disabled: FromQuery[bool | None] = None,
    ) -> UserPage:
        """Users in the order in which they were added. A search looks at email and name."""
        found = await people.list(ctx, search, role=role, disabled=disabled)
        return UserPage(items=[user_view(user) for user in found.items], next=found.next)

    @post(operation_id="add_user", summary="Let somebody in")
    async def add(
        self,
        ctx: NamedDependency[Context],
        people: NamedDependency[People],
        data: JSONBody[UserAddition],
    ) -> UserView:
        """Let somebody in, with a password to begin with."""
        new = NewUser(
            email=data.email,
            name=data.name,
            role=data.role,
            password=data.password,
            sites=data.sites,
        )
        return user_view(await people.add(ctx, new))

    @get("/{user_id:str}", operation_id="read_user", summary="One user")
    async def read(
        self,
        ctx: NamedDependency[Context],
        people: NamedDependency[People],
        user_id: FromPath[str],
    ) -> UserView:
        """One user."""
        return user_view(await people.read(ctx, user_id))

    @patch("/{user_id:str}", operation_id="change_user", summary="Change a user")
    async def change(
        self,
        ctx: NamedDependency[Context],
        people: NamedDependency[People],
        user_id: FromPath[str],
        data: JSONBody[UserChange],
    ) -> UserView:
        """Change what is given; but for the name, it logs the user out everywhere."""
        changed = await people.change(
            ctx,
            user_id,
            name=data.name,
            role=data.role,
            sites=data.sites,
            password=data.password,
            disabled=data.disabled,
            without_totp=data.without_totp,
        )
        return user_view(changed)

    @delete("/{user_id:str}", operation_id="remove_user", summary="Forget a user")
    async def remove(
        self,
        ctx: NamedDependency[Context],
        people: NamedDependency[People],
        user_id: FromPath[str],
    ) -> None:
        """Forget a user; what the user did stays in the trail."""
        await people.remove(ctx, user_id)


class RolePage(Struct, frozen=True, kw_only=True):
    """All roles."""

    items: list[RoleView]
    next: str | None = None


class RoleRoutes(Controller):
    """Roles: tables of permissions."""

    path = "/roles"
    tags = ("People",)

    @get(operation_id="list_roles", summary="What each role may do", sync_to_thread=False)
    def roles(self, ctx: NamedDependency[Context]) -> RolePage:
        """All roles."""
        items = [
            RoleView(name=role, permissions=tuple(sorted(one.value for one in held)))
            for role, held in ROLES.items()
        ]
        return RolePage(items=items)


class KeyRoutes(Controller):
    """API keys: which programs may ask."""

    path = "/apikeys"
    tags = ("People",)

    @get(operation_id="list_api_keys", sorts=KEY_SORTS, summary="List API keys")
    async def page(
        self,
        ctx: NamedDependency[Context],
        tenants: NamedDependency[Tenants],
        search: NamedDependency[Wanted],
    ) -> KeyPage:
        """Keys, oldest first, those that were revoked too. A search looks at name and id."""
        found = await tenants.keys(ctx, search)
        return KeyPage(items=[key_view(key) for key in found.items], next=found.next)

    @post(operation_id="add_api_key", summary="Make an API key")
    async def add(
        self,
        ctx: NamedDependency[Context],
        tenants: NamedDependency[Tenants],
        data: JSONBody[KeyAddition],
    ) -> KeyMade:
        """Make a key, and show it this once."""
        made = await tenants.add_key(ctx, data.name, expires_at=data.expires_at)
        return KeyMade(id=made.key.id, name=made.key.name, key=made.secret)

    @get("/{key_id:str}", operation_id="read_api_key", summary="One API key")
    async def read(
        self,
        ctx: NamedDependency[Context],
        tenants: NamedDependency[Tenants],
        key_id: FromPath[str],
    ) -> KeyView:
        """One key, also when it was revoked."""
        return key_view(await tenants.read_key(ctx, key_id))

    @delete("/{key_id:str}", operation_id="revoke_api_key", summary="Revoke an API key")
    async def revoke(
        self,
        ctx: NamedDependency[Context],
        tenants: NamedDependency[Tenants],
        key_id: FromPath[str],
    ) -> None:
        """End a key's life; within seconds nobody gets in with it."""
        await tenants.revoke_key(ctx, key_id)


class AuditRoutes(Controller):
    """The audit trail: who did what."""

    path = "/audit"
    tags = ("Audit",)

    @get(operation_id="list_audit", sorts=DEED_SORTS, summary="What was done by whom")
    async def page(
        self,
        ctx: NamedDependency[Context],
        audit: NamedDependency[Audit],
        search: NamedDependency[Wanted],
        *,
        actor: FromQuery[str | None] = None,
        action: FromQuery[str | None] = None,
        subject: FromQuery[str | None] = None,
        since: Since = None,
        until: Until = None,
    ) -> DeedPage:
        """Deeds, newest first. Each one's hash covers the one before it.

        A search looks at actor, action, subject and address.
        """
        found = await audit.list(
            ctx,
            search,
            actor=actor,
            action=action,
            subject=subject,
            since=since,
            until=until,
        )
        return DeedPage(items=[deed_view(entry) for entry in found.items], next=found.next)

    @get("/verdict", operation_id="verify_audit", summary="Whether the trail is whole")
    async def verify(self, ctx: NamedDependency[Context], audit: NamedDependency[Audit]) -> Verdict:
        """Compute every hash again."""
        entries, broken = await audit.verify(ctx)
        return Verdict(entries=entries, broken_at=broken)


def user_view(user: User) -> UserView:
    """A user as the API shows one."""
    return UserView(
        id=user.id,
        email=user.email,
        name=user.name,
        role=user.role,
        sites=user.sites,
        totp=user.totp,
        created_at=user.created_at,
        disabled_at=user.disabled_at,
    )


def key_view(key: ApiKey) -> KeyView:
    """A key as the API shows it."""
    return KeyView(
        id=key.id,
        name=key.name,
        created_at=key.created_at,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
    )


def deed_view(entry: AuditEntry) -> DeedView:
    """A deed as the API shows it."""
    return DeedView(
        seq=entry.seq,
        at=entry.at,
        actor=entry.actor,
        action=entry.action,
        subject=entry.subject,
        before=entry.before,
        after=entry.after,
        address=entry.address,
        trace=entry.trace,
        hash=entry.hash.hex(),
    )
