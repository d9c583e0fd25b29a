"""Single sign-on: which OpenID providers vouch for a tenant's people."""

from datetime import datetime
from typing import Annotated

from litestar import Controller, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from forecourt.base.context import Context
from forecourt.base.text import Line, Name
from forecourt.domain.tenants.model import NewProvider, Provider, Role
from forecourt.domain.tenants.service import People

Domains = Annotated[tuple[Name, ...], Meta(min_length=1, max_length=50)]
Secret = Annotated[str, Meta(max_length=500)]
Issuer = Annotated[str, Meta(min_length=1, max_length=500)]
Words = Annotated[dict[str, Role], Meta(max_length=100)]


class ProviderView(Struct, frozen=True, kw_only=True):
    """An OpenID provider; the secret that we have with it is never shown."""

    id: str
    name: str
    issuer: str
    client_id: str
    domains: tuple[str, ...]
    role_claim: str
    roles: dict[str, Role]
    default_role: Role | None
    invites_only: bool
    trusts_email: bool
    created_at: datetime
    disabled_at: datetime | None


class ProviderSetting(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a provider is set."""

    name: Name
    issuer: Issuer
    """As the provider spells itself; `/.well-known/openid-configuration` is asked below it."""
    client_id: Name
    client_secret: Secret = ""
    """Empty leaves it as it is."""
    domains: Domains
    """It vouches for addresses of these, and no others."""
    role_claim: Line = ""
    """The claim of the id token that names roles; dots lead into objects."""
    roles: Words = {}
    """What each of its values makes somebody here, at each log-in."""
    default_role: Role | None = None
    """For whom none is named; without it nobody gets in without one."""
    invites_only: bool = True
    """Only those who were added before may log in."""
    trusts_email: bool = False
    """Take addresses for verified also where the provider does not say so."""
    disabled: bool = False


class ProviderPage(Struct, frozen=True, kw_only=True):
    """All providers, oldest first."""

    items: list[ProviderView]
    next: str | None = None


class ProviderRoutes(Controller):
    """Who vouches for this tenant's people."""

    path = "/sso-providers"
    tags = ("Single sign-on",)

    @get(operation_id="list_sso_providers", summary="List providers")
    async def page(
        self, ctx: NamedDependency[Context], people: NamedDependency[People]
    ) -> ProviderPage:
        """Oldest first."""
        return ProviderPage(items=[provider_view(one) for one in await people.sso.list(ctx)])

    @post(operation_id="add_sso_provider", summary="Add a provider")
    async def add(
        self,
        ctx: NamedDependency[Context],
        people: NamedDependency[People],
        data: JSONBody[ProviderSetting],
    ) -> ProviderView:
        """The provider is asked at once, and refused if it is none."""
        return provider_view(await people.sso.add(ctx, _setting(data)))

    @get("/{provider_id:str}", operation_id="read_sso_provider", summary="One provider")
    async def read(
        self,
        ctx: NamedDependency[Context],
        people: NamedDependency[People],
        provider_id: FromPath[str],
    ) -> ProviderView:
        """One provider."""
        return provider_view(await people.sso.read(ctx, provider_id))

    @put("/{provider_id:str}", operation_id="set_sso_provider", summary="Set a provider")
    async def set_(
        self,
        ctx: NamedDependency[Context],
        people: NamedDependency[People],
        provider_id: FromPath[str],
        data: JSONBody[ProviderSetting],
    ) -> ProviderView:
        """As given from now on."""
        return provider_view(await people.sso.change(ctx, provider_id, _setting(data)))

    @delete("/{provider_id:str}", operation_id="remove_sso_provider", summary="Forget it")
    async def remove(
        self,
        ctx: NamedDependency[Context],
        people: NamedDependency[People],
        provider_id: FromPath[str],
    ) -> None:
        """It vouches for nobody any more; its people stay, and need another way in."""
        await people.sso.remove(ctx, provider_id)


def _setting(data: ProviderSetting) -> NewProvider:
    return NewProvider(
        name=data.name,
        issuer=data.issuer,
        client_id=data.client_id,
        client_secret=data.client_secret,
        domains=data.domains,
        role_claim=data.role_claim,
        roles=data.roles,
        default_role=data.default_role,
        invites_only=data.invites_only,
        trusts_email=data.trusts_email,
        disabled=data.disabled,
    )


def provider_view(provider: Provider) -> ProviderView:
    """A provider as the API shows it."""
    return ProviderView(
        id=provider.id,
        name=provider.name,
        issuer=provider.issuer,
        client_id=provider.client_id,
        domains=provider.domains,
        role_claim=provider.role_claim,
        roles=dict(provider.roles),
        default_role=provider.default_role,
        invites_only=provider.invites_only,
        trusts_email=provider.trusts_email,
        created_at=provider.created_at,
        disabled_at=provider.disabled_at,
    )
