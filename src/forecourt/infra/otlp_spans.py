"""Spans in OTLP's own messages; the one module that wants the extra ``otel``."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1 import trace_pb2

from forecourt.infra.tracing import Attribute, Span


class Encoder:
    """Writes the body of one request (opentelemetry-proto, trace_service.proto)."""

    def __init__(self, resource: Mapping[str, Attribute]) -> None:
        """``resource``: whose spans these are."""
        release = version("forecourt")
        whose = {**resource, "service.version": release}
        self._resource = Resource(attributes=_pairs(whose))
        self._scope = InstrumentationScope(name="forecourt", version=release)

    def __call__(self, spans: Sequence[Span]) -> bytes:
        """Raises TypeError or ValueError for what is not to be written."""
        scoped = trace_pb2.ScopeSpans(scope=self._scope, spans=map(_span, spans))
        traced = trace_pb2.ResourceSpans(resource=self._resource, scope_spans=[scoped])
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


def _pairs(attributes: Mapping[str, Attribute]) -> list[KeyValue]:
    return [KeyValue(key=name, value=_value(value)) for name, value in attributes.items()]


def _value(value: Attribute) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    return AnyValue(string_value=value)
