"""The first step inside, before any route: where a request comes from, and how long it may be.

A proxy of ours says who speaks to it and whether by TLS; of anybody else that is not believed.
"""

from typing import Any, Final

from forecourt.edge.http.asgi import BODY_BYTES_MAX, Receive, Scope, Send, header
from forecourt.edge.http.errors import written
from forecourt.edge.http.standing import is_within
from forecourt.edge.peers import Proxies

FORWARDED_FOR: Final = b"x-forwarded-for"
FORWARDED_PROTO: Final = b"x-forwarded-proto"
SCHEMES: Final = frozenset({"http", "https"})
TOO_LARGE: Final = 413


def doorstep(app: Any, proxies: Proxies) -> Any:
    """``app``, behind this step."""

    async def step(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not is_within(scope):
            _look_behind(scope, proxies)
            # Before a byte of it is read, and where no route would read it. What says no length
            # is counted as it comes.
            if _is_too_long(header(scope, b"content-length") or ""):
                await _too_large(send)
                return
        await app(scope, receive, send)

    return step


def _is_too_long(said: str) -> bool:
    digits = said.strip().lstrip("0")
    # An endless number is no number to Python, either.
    return (
        digits.isascii()
        and digits.isdigit()
        and (len(digits) > len(str(BODY_BYTES_MAX)) or int(digits) > BODY_BYTES_MAX)
    )


def _look_behind(scope: Scope, proxies: Proxies) -> None:
    peer = scope.get("client")
    if peer is None or not proxies.trusts(peer[0]):
        return
    address = proxies.client(peer[0], header(scope, FORWARDED_FOR) or "")
    scope["client"] = (address, peer[1] if address == peer[0] else 0)
    # Of several, the last was said by the proxy that speaks to us.
    scheme = (header(scope, FORWARDED_PROTO) or "").rpartition(",")[2].strip().lower()
    if scheme in SCHEMES:
        scope["scheme"] = scheme


async def _too_large(send: Send) -> None:
    headers, body = written(TOO_LARGE, "body.too_large", "a body has at most 1 MiB")
    await send({"type": "http.response.start", "status": TOO_LARGE, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
