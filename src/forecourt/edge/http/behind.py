"""What is behind the routes: the rooms and tools of one house, which each request carries along.

To make the tree of routes takes a processor half a second; so a process makes it once, and it
holds nothing of any house. Knows no room and no route.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from litestar.connection import ASGIConnection
from litestar.di import Provide
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard, Scope
from msgspec import Struct

from forecourt.edge.http.asgi import App, Receive, Send
from forecourt.edge.http.bodies import at_its_word

CARRIED: Final = "behind"
Layer = Callable[[App], App]


class Behind(Struct, frozen=True, kw_only=True):
    """What the routes use of a house."""

    given: Mapping[str, Any]
    """By the name under which a route asks for it."""
    guard: Guard
    """Before whatever needs a caller who is known."""
    strangers: Guard
    """Before whatever does not."""
    layers: Mapping[str, Layer]
    """What stands around the routes, by name."""


def behind(scope: Any) -> Behind:
    """What is behind the route that this request came to."""
    found: Behind = scope[CARRIED]
    return found


def carrying(app: Any, carried: Behind) -> Any:
    """``app``, with this house behind it."""

    async def step(scope: Any, receive: Receive, send: Send) -> None:
        scope[CARRIED] = carried
        await app(scope, receive, send)

    return step


def given(name: str) -> Provide:
    """For the routes that ask for ``name``."""

    def give(scope: Scope) -> Any:
        return behind(scope).given[name]

    return Provide(give, sync_to_thread=False)


def layer(name: str) -> Callable[[Any], Any]:
    """Middleware: the house's layer of this name."""

    def around(app: Any) -> Any:
        async def entered(scope: Any, receive: Receive, send: Send) -> None:
            await behind(scope).layers[name](app)(scope, receive, send)

        return entered

    return around


async def guarded(
    connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
) -> None:
    """A guard: the house's own, for callers, and then whether they ask for what there is."""
    await behind(connection.scope).guard(connection, handler)  # type: ignore[misc] # Ours can be awaited.
    await at_its_word(connection)


async def counted(
    connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
) -> None:
    """The same for strangers."""
    await behind(connection.scope).strangers(connection, handler)  # type: ignore[misc] # Ours can be awaited.
    await at_its_word(connection)
