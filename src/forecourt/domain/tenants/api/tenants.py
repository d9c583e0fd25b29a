"""Tenants below one's own, and the sites that are shared with them."""

from datetime import datetime
from typing import Annotated

from litestar import Controller, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from forecourt.base.context import Context
from forecourt.base.pages import Wanted
from forecourt.base.text import Name
from forecourt.domain.tenants.model import TENANT_SORTS, Share, Tenant, TenantKind
from forecourt.domain.tenants.service import Tenants

SharedSites = Annotated[tuple[Name, ...], Meta(min_length=1, max_length=500)]


class TenantView(Struct, frozen=True, kw_only=True):
    """A tenant below one's own."""

    id: str
    name: str
    kind: TenantKind
    above: str
    """The tenant right above it."""
    created_at: datetime
    disabled_at: datetime | None


class TenantPage(Struct, frozen=True, kw_only=True):
    """Tenants."""

    items: list[TenantView]
    next: str | None


class TenantAddition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A tenant to make."""

    name: Name
    kind: TenantKind = TenantKind.SITE_HOST


class TenantChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change; what is absent or null stays as it is."""

    name: Name | None = None
    disabled: bool | None = None


class ShareView(Struct, frozen=True, kw_only=True):
    """Sites that a tenant is shown."""

    id: str
    name: str
    sites: tuple[str, ...]
    created_at: datetime


class ShareAddition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Sites to show, and how the one who sees them shall know them."""

    name: Name
    sites: SharedSites


class SharePage(Struct, frozen=True, kw_only=True):
    """All that a tenant is shown, oldest first."""

    items: list[ShareView]
    next: str | None = None


class TenantRoutes(Controller):
    """Tenants below one's own: site hosts, customers, manufacturers, operators."""

    path = "/tenants"
    tags = ("Tenants",)

    @get(operation_id="list_tenants", sorts=TENANT_SORTS, summary="List the tenants below")
    async def page(
        self,
        ctx: NamedDependency[Context],
        tenants: NamedDependency[Tenants],
        search: NamedDependency[Wanted],
    ) -> TenantPage:
        """Those below one's own, at any depth. A search looks at the name."""
        found = await tenants.below(ctx, search)
        return TenantPage(items=[tenant_view(one) for one in found.items], next=found.next)

    @post(operation_id="add_tenant", summary="Make a tenant below")
    async def add(
        self,
        ctx: NamedDependency[Context],
        tenants: NamedDependency[Tenants],
        data: JSONBody[TenantAddition],
    ) -> TenantView:
        """Make a tenant below one's own. Act in it by the header `X-Forecourt-Tenant`."""
        return tenant_view(await tenants.add(ctx, data.name, data.kind))

    @get("/{tenant_id:str}", operation_id="read_tenant", summary="One tenant below")
    async def read(
        self,
        ctx: NamedDependency[Context],
        tenants: NamedDependency[Tenants],
        tenant_id: FromPath[str],
    ) -> TenantView:
        """One tenant below one's own."""
        return tenant_view(await tenants.read(ctx, tenant_id))

    @patch("/{tenant_id:str}", operation_id="change_tenant", summary="Change a tenant below")
    async def change(
        self,
        ctx: NamedDependency[Context],
        tenants: NamedDependency[Tenants],
        tenant_id: FromPath[str],
        data: JSONBody[TenantChange],
    ) -> TenantView:
        """Rename it, or shut its people and programs out; its stations go on."""
        changed = await tenants.change(ctx, tenant_id, name=data.name, disabled=data.disabled)
        return tenant_view(changed)

    @get("/{tenant_id:str}/shares", operation_id="list_shares", summary="What it is shown")
    async def shares(
        self,
        ctx: NamedDependency[Context],
        tenants: NamedDependency[Tenants],
        tenant_id: FromPath[str],
    ) -> SharePage:
        """Sites of one's own tenant that this one is shown."""
        found = await tenants.shares(ctx, tenant_id)
        return SharePage(items=[share_view(one) for one in found])

    @post("/{tenant_id:str}/shares", operation_id="share_sites", summary="Show it sites")
    async def share(
        self,
        ctx: NamedDependency[Context],
        tenants: NamedDependency[Tenants],
        tenant_id: FromPath[str],
        data: JSONBody[ShareAddition],
    ) -> ShareView:
        """Its people may look at the stations of these sites, and change nothing there."""
        return share_view(await tenants.share(ctx, tenant_id, data.name, data.sites))

    @delete(
        "/{tenant_id:str}/shares/{share_id:str}",
        operation_id="unshare_sites",
        summary="Show them no longer",
    )
    async def unshare(
        self,
        ctx: NamedDependency[Context],
        tenants: NamedDependency[Tenants],
        tenant_id: FromPath[str],
        share_id: FromPath[str],
    ) -> None:
        """Within seconds it sees these sites no longer."""
        await tenants.unshare(ctx, tenant_id, share_id)


def tenant_view(tenant: Tenant) -> TenantView:
    """A tenant as the one above sees it."""
    return TenantView(
        id=tenant.id,
        name=tenant.name,
        kind=tenant.kind,
        above=tenant.above[-1],
        created_at=tenant.created_at,
        disabled_at=tenant.disabled_at,
    )


def share_view(share: Share) -> ShareView:
    """A share as the one who shares sees it."""
    return ShareView(id=share.id, name=share.name, sites=share.sites, created_at=share.created_at)
