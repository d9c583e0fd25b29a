"""What stands at an address, for those who stand around the routes: its own GET, asked within."""

from typing import Any, Final

from forecourt.edge.http.asgi import Answer, Scope, again

KEPT: Final = (
    *("type", "asgi", "http_version", "scheme", "path", "raw_path", "root_path", "headers"),
    *("client", "server"),
)
LEFT_OUT: Final = frozenset(
    {b"content-length", b"transfer-encoding", b"if-none-match", b"if-match"}
)
MEMO: Final = "stands"
WITHIN: Final = "within"


async def standing(scope: Scope) -> Answer:
    """What a GET of the same address answers the same caller; asked once for each request."""
    state = scope["state"]
    if MEMO not in state:
        state[MEMO] = await _asked(scope)
    found: Answer = state[MEMO]
    return found


def is_within(scope: Any) -> bool:
    """Whether it is we who ask: that counts against nobody's limit."""
    return WITHIN in scope["state"]


async def _asked(scope: Scope) -> Answer:
    asked: Scope = {name: scope[name] for name in KEPT if name in scope}
    headers = [(name, value) for name, value in asked["headers"] if name not in LEFT_OUT]
    asked.update(
        method="GET", query_string=b"", state={WITHIN: True}, headers=headers, extensions={}
    )
    answer = Answer()
    await scope["litestar_app"](asked, again(b""), answer.hear)
    return answer
