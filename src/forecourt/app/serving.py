"""The HTTP server, in the house's own event loop."""

import asyncio
import errno
import socket
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import ClassVar, Final

import uvicorn

from forecourt.base.errors import ForecourtError, Kind
from forecourt.edge.http.line import Line
from forecourt.edge.http.outermost import outermost
from forecourt.infra.listening import sockets_of
from forecourt.infra.tls import KeyPair, TlsFiles, TlsServer, server_context
from forecourt.settings import Settings

HTTP_BACKLOG: Final = 1_024
KEEP_ALIVE_S: Final = 30
READ_WITHIN_S: Final = 60.0
"""Who leaves no room for more of an answer for so long has vanished, or means to hold us up."""
# The kernel sees both; macOS only the first.
TCP_USER_TIMEOUT: Final[int | None] = getattr(socket, "TCP_USER_TIMEOUT", None)

Asgi = Callable[..., Awaitable[None]]
Tls = tuple[ssl.SSLContext, TlsFiles]


class PortTaken(ForecourtError):
    """Somebody else listens where we were to."""

    kind: ClassVar[Kind] = Kind.CONFLICT
    code: ClassVar[str] = "serve.port_taken"


@asynccontextmanager
async def served(
    app: Asgi,
    settings: Settings,
    *,
    tls: Tls | None = None,
    failed: Callable[[], None] = lambda: None,
) -> AsyncGenerator[int]:
    """The HTTP server, in this event loop; yields its port.

    With ``tls`` it speaks HTTPS alone, and calls ``failed`` for each handshake that does.
    """
    listening = await sockets_of(settings.host, settings.http_port, backlog=HTTP_BACKLOG)
    if TCP_USER_TIMEOUT is not None:
        for one in listening:  # Whoever comes in here has it from this one.
            one.setsockopt(socket.IPPROTO_TCP, TCP_USER_TIMEOUT, int(READ_WITHIN_S * 1_000))
    server = _HttpServer(
        uvicorn.Config(
            outermost(app),
            http=Line,
            # No route is a websocket's: who asks for one is answered as by any other request.
            ws="none",
            log_config=None,
            access_log=False,
            # Whoever opens the house closes it; the application has nothing to open.
            lifespan="off",
            server_header=False,
            # The first step inside reads what proxies say, of those that are trusted.
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=int(settings.stop_timeout_s),
        )
    )
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(server.serve(sockets=[] if tls else listening))
        await server.up.wait()
        # Its own TLS has no end to a handshake for a minute, and tells of none that failed.
        door = None
        if tls is not None:
            door = TlsServer(
                listening, server.line, tls[0], tasks=group, failed=failed, backlog=HTTP_BACKLOG
            )
        try:
            yield listening[0].getsockname()[1]
        finally:
            if door is not None:
                door.close()
            server.should_exit = True
            # Also when the house falls: cancelled half-way, it would never close its sockets.
            await asyncio.wait({serving})


class _HttpServer(uvicorn.Server):
    """Signals are the command's business, not the server's."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()

    def line(self) -> Line:
        """One more connection."""
        return Line(config=self.config, server_state=self.server_state, app_state={})

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


def tls_of(settings: Settings) -> Tls | None:
    """By which certificate HTTPS is spoken, if it is; nobody has to show one. Raises TlsBroken."""
    if settings.tls_cert is None:
        return None
    files = TlsFiles(pairs=(KeyPair(settings.tls_cert, settings.tls_key),))
    return server_context(files), files


@contextmanager
def port_taken(port: int) -> Generator[None]:
    """Say what to do where somebody else listens on ``port`` already. Raises PortTaken."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise PortTaken(
            f"port {port} is taken; stop what listens there, or choose another"
        ) from error
