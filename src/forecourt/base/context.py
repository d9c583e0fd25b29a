"""Who asks, for whom, and when: the first argument of every verb."""

from datetime import datetime

from msgspec import Struct

from forecourt.base.ids import TenantId


class Context(Struct, frozen=True, kw_only=True, gc=False):
    """One operation. ``now`` is read once, at the edge, and never again."""

    actor: str
    """Who: ``station:CP1``, ``apikey:key_01J…``, ``cli:anna``, ``system:retention``."""
    tenant: TenantId
    now: datetime
    trace: str = ""
    """Of a request: the name of its trace (W3C), by which it is found in the log, too."""
    sites: tuple[str, ...] = ()
    """Whoever is bound to some sites sees their stations alone; none named is all of them."""
    scopes: frozenset[str] = frozenset()
    """What the actor may do beyond the usual."""
