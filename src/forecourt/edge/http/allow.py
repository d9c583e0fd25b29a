"""Which methods an address takes, for who asks by OPTIONS. Knows no route."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final

from litestar.routes import HTTPRoute

OPTIONS: Final = "OPTIONS"


def methods_of(routes: Iterable[Any]) -> Mapping[str, bytes]:
    """What the header ``Allow`` says, by a route's path."""
    return {
        route.path_format: ", ".join(sorted(route.methods)).encode()
        for route in routes
        if isinstance(route, HTTPRoute)
    }


def allowing(methods: Mapping[str, bytes]) -> Callable[[Any, Any], Awaitable[None]]:
    """A hook before each answer.

    The framework makes an answer to OPTIONS with an address's first method, and does not tell it of
    those that come later.
    """

    async def tell(message: Any, scope: Any) -> None:
        if scope.get("method") != OPTIONS or message["type"] != "http.response.start":
            return
        known = methods.get(scope.get("path_template", ""))
        if known is not None and message["status"] == 204:  # noqa: PLR2004 (of no other)
            rest = [pair for pair in message["headers"] if pair[0].lower() != b"allow"]
            message["headers"] = [*rest, (b"allow", known)]

    return tell
