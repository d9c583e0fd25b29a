"""HTTP requests as spans; around the application only where traces are wanted."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, TypeAlias

from forecourt.infra.tracing import SERVER, Tracing, parent_of, within

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Asgi: TypeAlias = Callable[..., Awaitable[None]]

# Asked every few seconds by machines; nobody looks for them.
UNTRACED: Final = frozenset({"/healthz", "/readyz", "/metrics"})
SERVER_ERROR: Final = 500


def traced(app: Asgi, tracing: Tracing | None) -> Asgi:
    """The same application; those of the sample, and those whose caller traces, leave a span."""
    if tracing is None:
        return app

    async def inside(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in UNTRACED:
            await app(scope, receive, send)
            return
        parent = parent_of(_header(scope, b"traceparent"))
        if not (tracing.due() if parent is None else parent.sampled):
            await app(scope, receive, send)
            return
        method, status = scope["method"], 0
        span = tracing.begin(method, SERVER, parent=parent)

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            with within(span):
                await app(scope, receive, noting)
        finally:
            # The route's pattern, not the address: names of spans are few.
            route = scope.get("path_template") or ""
            span.name = f"{method} {route}".strip()
            span.attributes.update(
                {
                    "http.request.method": method,
                    "http.route": route,
                    "http.response.status_code": status,
                    "url.path": scope["path"],
                }
            )
            if status >= SERVER_ERROR or not status:
                span.error = f"HTTP {status}" if status else "no answer"
            tracing.end(span)

    return inside


def _header(scope: Scope, wanted: bytes) -> str | None:
    for name, value in scope["headers"]:
        if name.lower() == wanted:
            return bytes(value).decode("latin-1")
    return None
