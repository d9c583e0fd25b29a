"""Spans to a collector: OTLP over HTTP, in protobuf, some at a time, in a task of its own.

The spans are written as OTLP's own messages, without OpenTelemetry's SDK: see docs/adr/0024. What
a collector does not take is tried again for half a minute and then dropped; nothing waits for it.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Final
from urllib.parse import unquote

import httpx
import structlog
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1 import trace_pb2

from forecourt.infra.tracing import Attribute, Span, TraceOptions, Tracing

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


class Collector:
    """Takes the spans of this process to a collector."""

    def __init__(self, tracing: Tracing, options: TraceOptions) -> None:
        self._tracing = tracing
        endpoint = options.endpoint
        self._url = endpoint if endpoint.endswith(PATH) else endpoint.rstrip("/") + PATH
        self._headers = {"Content-Type": "application/x-protobuf", **parsed(options.headers)}
        self._resource = Resource(
            attributes=_pairs(
                {
                    "service.name": "forecourt",
                    "service.version": version("forecourt"),
                    "service.instance.id": options.instance,
                }
            )
        )
        self._scope = InstrumentationScope(name="forecourt", version=version("forecourt"))
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
            body = encoded(spans, self._resource, self._scope)
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


def encoded(spans: Sequence[Span], resource: Resource, scope: InstrumentationScope) -> bytes:
    """Spans as the body of one request (opentelemetry-proto, trace_service.proto)."""
    scoped = trace_pb2.ScopeSpans(scope=scope, spans=map(_span, spans))
    traced = trace_pb2.ResourceSpans(resource=resource, scope_spans=[scoped])
    body: bytes = ExportTraceServiceRequest(resource_spans=[traced]).SerializeToString()
    return body


def _span(span: Span) -> trace_pb2.Span:
    links = [trace_pb2.Span.Link(trace_id=p.trace, span_id=p.span) for p in span.links]
    failed = trace_pb2.Status(code=trace_pb2.Status.STATUS_CODE_ERROR, message=span.error)
    return trace_pb2.Span(
        trace_id=span.place.trace,
        span_id=span.place.span,
        parent_span_id=span.parent,
        name=span.name,
        kind=trace_pb2.Span.SpanKind.ValueType(span.kind),
        start_time_unix_nano=span.start_ns,
        end_time_unix_nano=span.end_ns,
        attributes=_pairs(span.attributes),
        links=links,
        status=failed if span.error else None,
    )


def _pairs(attributes: dict[str, Attribute]) -> list[KeyValue]:
    return [KeyValue(key=name, value=_value(value)) for name, value in attributes.items()]


def _value(value: Attribute) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    return AnyValue(string_value=value)
