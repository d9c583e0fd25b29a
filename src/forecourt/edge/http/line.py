"""One connection of the HTTP server: how long what comes before a body may be, and take.

The server's own protocol has no such limit, and answers what it cannot read with plain text. Knows
no route: what is refused here has not become a request.
"""

import logging
from asyncio import Transport
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from forecourt.edge.http.errors import written

ADDRESS_BYTES_MAX: Final = 16_384
"""Of path and query. Our longest, of a list with all its filters, are below 2 KiB."""

FIELDS_BYTES_MAX: Final = 32_768
"""Of all header fields: what browsers keep for one host, and what proxies add, are below it."""

HEAD_WITHIN_S: Final = 20.0
"""From its first byte to the end of its header fields; also how long a line may be silent first."""

BODY_WITHIN_S: Final = 60.0
"""From there to the end of the body: the largest that is taken comes in time at 18 kB/s."""

LINGER_S: Final = 2.0
"""Who is still sending when an answer goes out and the line is closed would lose the answer; and
whoever does not say good-bye when we did (TLS) is waited for no longer, either."""

# Between name, value and line there are four more.
_AROUND: Final = 4
# A line for each request that is none would be anybody's to fill the disk with; and what fails
# further inside has been told of there.
_SILENT: Final = logging.Logger("forecourt.line", logging.CRITICAL)  # noqa: LOG001 (nobody's but ours)

_FIELDS: Final = (
    431,
    "request.fields_too_large",
    f"all header fields have at most {FIELDS_BYTES_MAX // 1024} KiB",
)


class _Refused(Exception):
    """The parser is to stop; what is to be answered is known by then."""


class Line(HttpToolsProtocol):
    """A connection that answers by a problem where it refuses."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.logger = _SILENT
        self._problem = (400, "request.malformed", "this is no HTTP/1.1 request")
        self._over = False
        self._heads = 0
        self._in_head = False
        self._in_body = False
        self._head_bytes = 0
        self._late: Any = None
        self._closing: Any = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override] # As theirs.
        super().connection_made(transport)
        self._late = self.loop.call_later(HEAD_WITHIN_S, self._too_late)

    def connection_lost(self, exc: Exception | None) -> None:
        self._in_time()
        if self._closing is not None:
            self._closing.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._over:
            return
        before, unfinished = self._heads, self._in_head
        super().data_received(data)
        if self._in_head:
            self._more_of_a_head(len(data) if unfinished and self._heads == before else 0)
        elif self._in_body and self._late is None:
            self._late = self.loop.call_later(BODY_WITHIN_S, self._too_late)

    def _more_of_a_head(self, size: int) -> None:
        """The parser tells of a field when it is whole, and gathers it until then."""
        if self._over:
            return
        if self._late is None:
            self._late = self.loop.call_later(HEAD_WITHIN_S, self._too_late)
        self._head_bytes += size
        if self._head_bytes > ADDRESS_BYTES_MAX + FIELDS_BYTES_MAX:
            self._problem = _FIELDS
            self._refuse()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._heads += 1
        self._in_head, self._head_bytes = True, 0

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > ADDRESS_BYTES_MAX:
            most = f"an address has at most {ADDRESS_BYTES_MAX // 1024} KiB"
            self._problem = (414, "request.address_too_long", most)
            raise _Refused

    def on_headers_complete(self) -> None:
        self._in_head, self._in_body = False, True
        self._in_time()
        if sum(len(name) + len(value) + _AROUND for name, value in self.headers) > FIELDS_BYTES_MAX:
            self._problem = _FIELDS
            raise _Refused
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_body = False
        self._in_time()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """What the server calls when its parser stopped, whatever it was that stopped it."""
        self._refuse()

    def timeout_keep_alive_handler(self) -> None:
        if self.transport.get_write_buffer_size():
            # Its last answer is still being taken: it is not idle yet.
            again = self.timeout_keep_alive_handler
            self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, again)
        else:
            self._hang_up()

    def shutdown(self) -> None:
        super().shutdown()
        if self.transport.is_closing() and not self.transport.get_write_buffer_size():
            self._hang_up()

    def _too_late(self) -> None:
        self._late = None
        if not (self._in_head or self._in_body):
            self._hang_up()  # Opened in advance and never used, as browsers do.
            return
        most = f"header fields have {HEAD_WITHIN_S:g} s, and a body {BODY_WITHIN_S:g} s"
        self._problem = (408, "request.too_slow", most)
        self._refuse()

    def _hang_up(self) -> None:
        self.transport.close()
        self._closing = self.loop.call_later(LINGER_S, self.transport.abort)

    def _in_time(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _refuse(self) -> None:
        """Answer, unless something else is being answered, and close once it was heard."""
        self._over = True
        self._in_time()
        self._unset_keepalive_if_required()
        cycle: Any = self.cycle
        if self._in_body and cycle is not None and cycle.response_complete:
            self._hang_up()  # It was answered before all of it had come.
            return
        if cycle is not None and not cycle.response_complete:
            if cycle.response_started or not cycle.more_body:
                # Of requests in a row, an earlier one comes first; this one then gets no answer.
                cycle.keep_alive = False
                return
            # It is this request's own body that cannot be read: nobody waits for it any longer.
            cycle.disconnected = True
            cycle.message_event.set()
        status, code, detail = self._problem
        headers, body = written(status, code, detail)
        head = b"".join(b"%s: %s\r\n" % pair for pair in headers)
        self.transport.write(STATUS_LINE[status] + head + b"\r\n" + body)
        if not self.transport.can_write_eof():
            self._hang_up()  # TLS says good-bye first, and drops what still comes.
            return
        self.transport.write_eof()
        self._closing = self.loop.call_later(LINGER_S, self.transport.close)
