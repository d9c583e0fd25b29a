"""The room's routes: people, the keys of programs, and what was done by whom."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from litestar import Controller, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta, Struct

from forecourt.base.context import Context
from forecourt.base.text import Line, Name
from forecourt.domain.tenants.model import ApiKey, AuditEntry, NewUser, Role, User
from forecourt.domain.tenants.rules import ROLES
from forecourt.domain.tenants.service import Audit, People, Tenants

Limit = Annotated[int, QueryParameter(ge=1, le=1000, description="How many at most.")]
Cursor = Annotated[str, QueryParameter(description="`next` of the page before this one.")]
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
    """Users in the order in which they were added."""

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

    @get(operation_id="list_users", summary="List users")
    async def page(
        self,
        ctx: NamedDependency[Context],
        people: NamedDependency[People],
        *,
        limit: Limit = 100,
        cursor: Cursor = "",
    ) -> UserPage:
        """Users in the order in which they were added."""
        found = await people.list(ctx, after=cursor, limit=limit + 1)
        items = [user_view(user) for user in found[:limit]]
        return UserPage(items=items, next=items[-1].id if len(found) > limit else None)

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


class RoleRoutes(Controller):
    """Roles: tables of permissions."""

    path = "/roles"
    tags = ("People",)

    @get(operation_id="list_roles", summary="What each role may do", sync_to_thread=False)
    def roles(self, ctx: NamedDependency[Context]) -> Sequence[RoleView]:
        """All roles."""
        return [
            RoleView(name=role, permissions=tuple(sorted(one.value for one in held)))
            for role, held in ROLES.items()
        ]


class KeyRoutes(Controller):
    """API keys: which programs may ask."""

    path = "/apikeys"
    tags = ("People",)

    @get(operation_id="list_api_keys", summary="List API keys")
    async def page(
        self, ctx: NamedDependency[Context], tenants: NamedDependency[Tenants]
    ) -> Sequence[KeyView]:
        """All keys, oldest first, those that were revoked too."""
        return [key_view(key) for key in await tenants.keys(ctx)]

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

    @get(operation_id="list_audit", summary="What was done by whom")
    async def page(
        self,
        ctx: NamedDependency[Context],
        audit: NamedDependency[Audit],
        *,
        limit: Limit = 100,
        cursor: Annotated[
            int | None, QueryParameter(ge=1, description="`next` of the page before.")
        ] = None,
        actor: FromQuery[Line | None] = None,
        subject: FromQuery[Line | None] = None,
    ) -> DeedPage:
        """Deeds, newest first. Each one's hash covers the one before it."""
        found = await audit.list(ctx, before=cursor, limit=limit + 1, actor=actor, subject=subject)
        items = [deed_view(entry) for entry in found[:limit]]
        return DeedPage(items=items, next=str(items[-1].seq) if len(found) > limit else None)

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
