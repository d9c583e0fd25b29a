"""Spans to a collector: OTLP over HTTP, in protobuf, some at a time, in a task of its own.

The spans are written as OTLP's own messages, without OpenTelemetry's SDK: see docs/adr/0024. What
a collector does not take is tried again for half a minute and then dropped; nothing waits for it.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import ClassVar, Final
from urllib.parse import unquote

import httpx
import structlog
from msgspec import Struct

from forecourt.base.errors import ForecourtError, Kind
from forecourt.infra.tracing import Span, Tracing

log = structlog.get_logger(__name__)

PATH: Final = "/v1/traces"
# Encoding them takes about a millisecond of the loop that answers stations.
BATCH_MAX: Final = 256
EVERY_S: Final = 1.0
TIMEOUT_S: Final = 5.0
# After these a batch is given up; those behind it wait in the queue, as long as it has room.
RETRIES_AFTER_S: Final = (1.0, 2.0, 4.0, 8.0, 16.0)
# What the specification of OTLP names as worth another try.
RETRYABLE: Final = frozenset({429, 502, 503, 504})
LAST_S: Final = 2.0
_OK: Final = range(200, 300)


class TracingMissing(ForecourtError):
    """Traces are wanted, and the package that writes them is not there."""

    kind: ClassVar[Kind] = Kind.UNAVAILABLE
    code: ClassVar[str] = "tracing.missing"


class TraceOptions(Struct, frozen=True, kw_only=True):
    """What is traced, and who is told."""

    endpoint: str
    """The collector's address; without one there are no traces."""
    headers: str = ""
    """What it wants to be sent along: ``name=value,name=value``, values percent-encoded."""
    ratio: float
    """The share of messages, commands and requests that are traced, from 0 to 1."""
    instance: str
    """Names this process."""


@asynccontextmanager
async def sent(options: TraceOptions) -> AsyncGenerator[Tracing | None]:
    """Tracing whose spans go to an OTLP collector while this is open; None where none are wanted.

    Raises TracingMissing.
    """
    if not options.endpoint or not options.ratio:
        yield None
        return
    try:
        # Of the extra ``otel``: nobody who wants no traces needs it.
        from forecourt.infra.otlp_spans import Encoder  # noqa: PLC0415
    except ImportError as error:
        raise TracingMissing(
            "traces want one more package: pip install 'forecourt[otel]'", cause=str(error)
        ) from error
    tracing = Tracing(options.ratio)
    encode = Encoder({"service.name": "forecourt", "service.instance.id": options.instance})
    async with Collector(tracing, options, encode).open():
        yield tracing


class Collector:
    """Takes the spans of this process to a collector."""

    def __init__(
        self,
        tracing: Tracing,
        options: TraceOptions,
        encode: Callable[[Sequence[Span]], bytes],
    ) -> None:
        self._tracing = tracing
        endpoint = options.endpoint
        self._url = endpoint if endpoint.endswith(PATH) else endpoint.rstrip("/") + PATH
        self._headers = {"Content-Type": "application/x-protobuf", **parsed(options.headers)}
        self._encode = encode
        self._away = False

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[None]:
        """Take spans away while this is open, and the last ones at its end."""
        async with (
            httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False) as client,
            asyncio.TaskGroup() as tasks,
        ):
            sending = tasks.create_task(self._send_forever(client))
            try:
                yield
            finally:
                sending.cancel()
                await asyncio.wait({sending})
                await self._send_last(client)

    async def _send_forever(self, client: httpx.AsyncClient) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            while len(self._tracing):
                await self._send(client, RETRIES_AFTER_S)

    async def _send_last(self, client: httpx.AsyncClient) -> None:
        """Whoever stops the platform does not wait for a collector."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_S):
                while len(self._tracing):
                    await self._send(client, ())
        self._tracing.stats.dropped += len(self._tracing.take(len(self._tracing)))

    async def _send(self, client: httpx.AsyncClient, retries_s: Sequence[float]) -> None:
        """Send some, and count what became of them, also when the house closes meanwhile."""
        spans, stats = self._tracing.take(BATCH_MAX), self._tracing.stats
        taken = False
        try:
            taken = await self._deliver(client, spans, retries_s)
        finally:
            if taken:
                stats.sent += len(spans)
            else:
                stats.dropped += len(spans)

    async def _deliver(
        self, client: httpx.AsyncClient, spans: Sequence[Span], retries_s: Sequence[float]
    ) -> bool:
        """Whether the collector took them, after some tries."""
        for delay_s in retries_s:
            taken = await self._post(client, spans)
            if taken is not None:
                return taken
            await asyncio.sleep(delay_s)
        return await self._post(client, spans) is True

    async def _post(self, client: httpx.AsyncClient, spans: Sequence[Span]) -> bool | None:
        """Whether they were taken; None where another try may help."""
        try:
            body = self._encode(spans)
        except (TypeError, ValueError) as error:
            # Text that is not to be had in UTF-8, say: a trace is not worth more than a line.
            log.error("tracing.unwritable", error=str(error))  # noqa: TRY400
            return False
        try:
            answer = await client.post(self._url, content=body, headers=self._headers)
        except httpx.HTTPError as error:
            self._report(f"{type(error).__name__}: {error}")
            return None
        if answer.status_code in _OK:
            self._report("")
            return True
        self._report(f"HTTP {answer.status_code}")
        return None if answer.status_code in RETRYABLE else False

    def _report(self, error: str) -> None:
        """A line when it goes away and one when it is back, not one for each try."""
        if error and not self._away:
            log.warning("tracing.away", url=self._url, error=error)
        elif self._away and not error:
            log.info("tracing.back", dropped=self._tracing.stats.dropped)
        self._away = bool(error)


def parsed(headers: str) -> dict[str, str]:
    """``name=value,name=value``, percent-encoded as the variable OTEL_EXPORTER_OTLP_HEADERS is."""
    pairs = (pair.partition("=") for pair in headers.split(",") if pair.strip())
    return {name.strip(): unquote(value.strip()) for name, _, value in pairs}
