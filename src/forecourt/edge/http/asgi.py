"""ASGI as our own layers around the routes see it: its types, its headers, what goes by."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, ClassVar, Final

from forecourt.base.errors import ForecourtError, Kind

# The framework has a stricter notion of these than its callers.
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

FAILED_FROM: Final = 400
BODY_BYTES_MAX: Final = 1_048_576


class BodyTooLarge(ForecourtError):
    """A body of more than 1 MiB: nothing here is that long."""

    kind: ClassVar[Kind] = Kind.INVALID
    code: ClassVar[str] = "body.too_large"


def header(scope: Scope, name: bytes) -> str | None:
    """A header of a request; of one that came several times, all of them between commas."""
    found = [value for said, value in scope["headers"] if said == name]
    return b",".join(found).decode("latin-1") if found else None


class Answer:
    """An answer, held back until whoever stands around the route lets it go."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = bytearray()

    async def hear(self, message: Message) -> None:
        """To be given to a route in place of what it sends by."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = list(message.get("headers", ()))
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")

    async def go(self, send: Send) -> None:
        """Let it go."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": bytes(self.body), "more_body": False})


def again(body: bytes) -> Receive:
    """A request's body, once more from its beginning."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "http.disconnect"}

    return receive


async def whole(receive: Receive) -> bytes:
    """A request's body, read to its end. Raises BodyTooLarge."""
    body = bytearray()
    more = True
    while more:
        message = await receive()
        more = message["type"] == "http.request" and message.get("more_body", False)
        body += message.get("body", b"")
        if len(body) > BODY_BYTES_MAX:
            raise BodyTooLarge("a body has at most 1 MiB")
    return bytes(body)
