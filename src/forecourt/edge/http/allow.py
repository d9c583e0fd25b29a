"""Which methods an address takes: told who asks by OPTIONS, or came by another one; and HEAD, which
asks as GET does, for all but the body (RFC 9110, 9.3.2). Knows no route.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final

from litestar.routes import HTTPRoute

from forecourt.edge.http.asgi import Message, Receive, Scope, Send

OPTIONS: Final = "OPTIONS"
GET: Final = "GET"
HEAD: Final = "HEAD"
ALLOW: Final = b"allow"
NO_CONTENT: Final = 204
NOT_ALLOWED: Final = 405


def methods_of(routes: Iterable[Any]) -> Mapping[str, bytes]:
    """What the header ``Allow`` says, by a route's path."""
    return {
        route.path_format: ", ".join(sorted({*route.methods, *_with(route.methods)})).encode()
        for route in routes
        if isinstance(route, HTTPRoute)
    }


def _with(methods: Iterable[str]) -> tuple[str, ...]:
    return (HEAD,) if GET in methods else ()


def allowing(methods: Mapping[str, bytes]) -> Callable[[Any, Any], Awaitable[None]]:
    """A hook before each answer.

    The framework makes an answer to OPTIONS with an address's first method, and does not tell it of
    those that come later.
    """

    async def tell(message: Any, scope: Any) -> None:
        if message["type"] != "http.response.start":
            return
        known = None
        if message["status"] == NO_CONTENT and scope.get("method") == OPTIONS:
            known = methods.get(scope.get("path_template", ""))
        elif message["status"] == NOT_ALLOWED:
            known = _told(message["headers"])
        if known is not None:
            rest = [pair for pair in message["headers"] if pair[0].lower() != ALLOW]
            message["headers"] = [*rest, (ALLOW, known)]

    return tell


def _told(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    """What the framework says to who came by another method: it knows no HEAD."""
    for name, value in headers:
        if name.lower() == ALLOW:
            told = value.decode().split(", ")
            return ", ".join(sorted({*told, *_with(told)})).encode()
    return None


def heading(app: Any) -> Any:
    """``app``, asked by GET what is asked by HEAD; of its answer only the head goes out."""

    async def step(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != HEAD:
            await app(scope, receive, send)
            return
        told = False

        async def listen() -> Message:
            # Who streams learns that nobody listens any more.
            return {"type": "http.disconnect"} if told else await receive()

        async def tell(message: Message) -> None:
            nonlocal told
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                told = True

        # The server's own copy says HEAD: it sends no body, and lets the length stand.
        await app({**scope, "method": GET}, listen, tell)

    return step
