"""The last step outwards: a failure that nobody inside has caught is a problem as any other.

It stands around all other layers, since the server behind it would answer by plain text. Knows no
route.
"""

import asyncio
from typing import Any

import structlog
from litestar.connection import ASGIConnection

from forecourt.base.errors import Kind
from forecourt.edge.http.asgi import Message, Receive, Scope, Send
from forecourt.edge.http.auth import trace_of
from forecourt.edge.http.errors import ASK_ABOUT, INTERNAL, STATUS, written

log = structlog.get_logger(__name__)


def outermost(app: Any) -> Any:
    """``app``, behind this step."""

    async def step(scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def noting(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        async def tell(status: int, code: str, detail: str) -> None:
            if not begun:  # Otherwise the server hangs up: half an answer says that it is none.
                await _answer(send, status, written(status, code, detail, trace=_trace(scope)))

        try:
            await app(scope, receive, noting)
        except Exception:  # The boundary of one request, around all that is ours.
            log.exception("http.failed", trace=_trace(scope), method=scope["method"])
            await tell(INTERNAL, "internal", ASK_ABOUT)
        except asyncio.CancelledError:
            await tell(STATUS[Kind.UNAVAILABLE], "serve.stopping", "the platform stops")
            raise

    return step


def _trace(scope: Any) -> str:
    return trace_of(ASGIConnection(scope))


async def _answer(send: Send, status: int, said: tuple[list[tuple[bytes, bytes]], bytes]) -> None:
    headers, body = said
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
