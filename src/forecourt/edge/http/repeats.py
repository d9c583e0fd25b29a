"""``Idempotency-Key``: a POST that is sent again is answered again, and done once.

After draft-ietf-httpapi-idempotency-key-header of the IETF, around all routes below ``/api/v1``.
Keys belong to whoever sends them: another caller's key of the same name is another key.
"""

from collections.abc import Callable
from typing import Any, ClassVar, Final

import structlog

from forecourt.base.errors import ForecourtError, Kind
from forecourt.base.text import is_printable
from forecourt.domain.tenants import KeptAnswer, Repeats, Standing
from forecourt.edge.http.asgi import Answer, App, Receive, Scope, Send, again, header, whole
from forecourt.edge.http.auth import Gate

NAME: Final = "Idempotency-Key"
REPLAYED: Final = (b"idempotent-replayed", b"true")
KEY_LENGTH_MAX: Final = 255
AGAIN_S: Final = 1
# These say "later": nothing was done.
LATER: Final = frozenset({429, 503})

log = structlog.get_logger(__name__)


class IdempotencyKeyInvalid(ForecourtError):
    """The key is empty, too long or not printable."""

    kind: ClassVar[Kind] = Kind.INVALID
    code: ClassVar[str] = "idempotency.key_invalid"


class IdempotencyKeyReused(ForecourtError):
    """The key was used for another request."""

    kind: ClassVar[Kind] = Kind.CONFLICT
    code: ClassVar[str] = "idempotency.key_reused"


class RepeatRunning(ForecourtError):
    """The first request of this key is still in hand."""

    kind: ClassVar[Kind] = Kind.CONFLICT
    code: ClassVar[str] = "idempotency.running"


class RepeatLost(ForecourtError):
    """The platform stopped in the middle of the first request, and does not know what came of it.

    Look whether it was done, and ask with a new key if it was not.
    """

    kind: ClassVar[Kind] = Kind.CONFLICT
    code: ClassVar[str] = "idempotency.lost"


def once(gate: Gate, repeats: Repeats) -> Callable[[Any], Any]:
    """Middleware for the routes below ``/api/v1``."""
    asked = _Asked(gate, repeats)

    # A function, since the framework copies its middleware in depth.
    def around(app: Any) -> Any:
        return asked.around(app)

    return around


class _Asked:
    """Stands around routes that make something."""

    def __init__(self, gate: Gate, repeats: Repeats) -> None:
        self._gate = gate
        self._repeats = repeats

    def around(self, app: Any) -> Any:
        """The same routes, done once for each key."""

        async def layer(scope: Scope, receive: Receive, send: Send) -> None:
            said = None
            if scope.get("method") == "POST":
                said = header(scope, NAME.lower().encode())
            if said is None:
                await app(scope, receive, send)
            else:
                await self._once(app, key_of(said), scope, receive, send)

        return layer

    async def _once(self, app: App, key: str, scope: Scope, receive: Receive, send: Send) -> None:
        ctx = await self._gate.enter(scope)
        body = await whole(receive)
        request = b"\n".join((scope["path"].encode(), scope.get("query_string", b""), body))
        before = await self._repeats.begin(ctx, key, request)
        if isinstance(before, KeptAnswer):
            await _kept(before).go(send)
            return
        _go_ahead(before)
        answer = Answer()
        await app(scope, again(body), answer.hear)
        try:
            if answer.status in LATER:
                await self._repeats.release(ctx, key)
            else:
                kept = KeptAnswer(answer.status, tuple(answer.headers), bytes(answer.body))
                await self._repeats.answer(ctx, key, kept)
        except ForecourtError as error:
            # It was done: whoever asked shall hear so. Who asks again is told that it is lost.
            log.warning("http.answer_not_kept", trace=ctx.trace, error=error.message)
        await answer.go(send)


def key_of(said: str) -> str:
    """The key that a header names, with or without quotes. Raises IdempotencyKeyInvalid."""
    key = said.strip()
    if len(key) > 1 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not 0 < len(key) <= KEY_LENGTH_MAX or not is_printable(key):
        raise IdempotencyKeyInvalid(f"{NAME} has 1 to {KEY_LENGTH_MAX} printable characters")
    return key


def _go_ahead(standing: Standing) -> None:
    match standing:
        case Standing.FRESH:
            return
        case Standing.RUNNING:
            raise RepeatRunning(
                "the first request with this key is still in hand", retry_after_s=AGAIN_S
            )
        case Standing.OTHER:
            raise IdempotencyKeyReused("this key was used for another request: choose a new one")
        case Standing.LOST:
            raise RepeatLost(
                "the platform stopped in the middle of the first request with this key: look"
                " whether it was done, and ask with a new key if it was not"
            )


def _kept(before: KeptAnswer) -> Answer:
    answer = Answer()
    answer.status, answer.body = before.status, bytearray(before.body)
    answer.headers = [*before.headers, REPLAYED]
    return answer
