"""Every change that is asked for over HTTP goes into the audit trail, before it is answered.

Around the routes: what stood at the address before (its own GET, asked by the same caller), what
was sent, what came of it. Secrets are left out. Knows no room but the tenants'.
"""

import json
from collections.abc import Callable
from typing import Any, Final

import msgspec

from forecourt.base.context import Context
from forecourt.domain.tenants import Audit, Deed, hidden
from forecourt.edge.http.asgi import FAILED_FROM, App, Message, Receive, Scope, Send
from forecourt.edge.http.auth import SAFE_METHODS
from forecourt.edge.http.standing import standing

SAID_MAX: Final = 16_384
"""How much of a body is kept: more is a bulk import, whose rows tell for themselves."""
# What changes nothing but the caller's own log-in; those have events of their own.
UNREMARKABLE: Final = frozenset(
    {
        *("log_out", "begin_totp", "begin_passkey"),
        *("confirm_login", "confirm_login_by_passkey"),
    }
)


def remembered(audit: Audit) -> Callable[[Any], Any]:
    """Middleware for the routes below ``/api/v1``."""
    deeds = _Deeds(audit)

    # A function, since the framework copies its middleware in depth.
    def around(app: Any) -> Any:
        return deeds.around(app)

    return around


class _Deeds:
    """Stands around routes."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    def around(self, app: Any) -> Any:
        """The same routes, watched."""

        async def watching(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or scope["method"] in SAFE_METHODS:
                await app(scope, receive, send)
            else:
                await self._watched(app, scope, receive, send)

        return watching

    async def _watched(self, app: App, scope: Scope, receive: Receive, send: Send) -> None:
        asked, answered = _Heard(), _Heard()
        before = "" if scope["method"] == "POST" else await _as_it_stands(scope)
        messages: list[Message] = []

        async def listen() -> Message:
            message = await receive()
            asked.hear(message)
            return message

        async def keep(message: Message) -> None:
            answered.hear(message)
            messages.append(message)

        await app(scope, listen, keep)
        ctx = scope.get("auth")
        if answered.status < FAILED_FROM and isinstance(ctx, Context):
            await self._remember(scope, ctx, before, asked, answered)
        for message in messages:
            await send(message)

    async def _remember(
        self, scope: Scope, ctx: Context, before: str, asked: "_Heard", answered: "_Heard"
    ) -> None:
        operation = str(getattr(scope["route_handler"], "operation_id", ""))
        if operation in UNREMARKABLE:
            return
        client = scope.get("client")
        names: dict[str, Any] = scope.get("path_params", {})
        deed = Deed(
            action=operation,
            subject=" ".join(str(value) for value in names.values()) or scope["path"],
            before=before,
            after=asked.said or answered.said,
            address="" if client is None else client[0],
        )
        await self._audit.add(ctx, deed)
        home = scope["state"].get("home")
        if isinstance(home, Context):
            # Both trails tell of it: that of the tenant where it was done, and that of who did it.
            subject = f"{ctx.tenant} {deed.subject}"
            await self._audit.add(home, msgspec.structs.replace(deed, subject=subject))


class _Heard:
    """What went by in one direction: a status, and a body within limits."""

    def __init__(self) -> None:
        self.status = 0
        self._body = bytearray()

    def hear(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif message["type"] in ("http.request", "http.response.body"):
            room = SAID_MAX + 1 - len(self._body)
            self._body += message.get("body", b"")[: max(0, room)]

    @property
    def said(self) -> str:
        """The body, as far as it is told."""
        return said(bytes(self._body))


async def _as_it_stands(scope: Scope) -> str:
    """What a GET of the same address answers the same caller; empty where there is none."""
    stands = await standing(scope)
    return said(bytes(stands.body)) if stands.status < FAILED_FROM else ""


def said(body: bytes) -> str:
    """A body as JSON without secrets; empty where it was none, or more than is kept."""
    if not body or len(body) > SAID_MAX:
        return ""
    try:
        return json.dumps(hidden(json.loads(body)), ensure_ascii=False)
    except ValueError:
        return ""
