"""The catalogue of events: every kind that the house tells, with a schema and an example.

Made from the events' own classes, so that a new event appears in it by itself.
"""

import inspect
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

import msgspec

from forecourt.base.events import Event
from forecourt.domain.webhooks.model import EventType

OURS: Final = "forecourt."
AT: Final = "2026-03-01T12:00:00Z"
# What a field of that name holds; the others are guessed from their types.
SAMPLES: Final[Mapping[str, object]] = {
    "tenant": "default",
    "at": AT,
    "station": "CP-0001",
    "session": "ses_01JNQ3V8Z6W5T4R3P2N1M0KHGF",
    "transaction": "42",
    "token": "04A2B3C4D5E6F7",
    "evse_no": 1,
    "connector_no": 1,
    "energy_wh": 23_450,
    "host": "hooks.example.com",
    "endpoint": "whk_01JNQ3V8Z6W5T4R3P2N1M0KHGF",
    "user_id": "usr_01JNQ3V8Z6W5T4R3P2N1M0KHGF",
    "email": "pat@example.com",
    "stop_reason": "Local",
    "command_id": "cmd_01JNQ3V8Z6W5T4R3P2N1M0KHGF",
    "order": "ord_01JNQ3V8Z6W5T4R3P2N1M0KHGF",
}
DEPTH_MAX: Final = 6


@cache
def event_types() -> tuple[EventType, ...]:
    """Every kind of event, by name."""
    found = {str(kind.__struct_config__.tag): kind for kind in _told(Event)}
    return tuple(_described(name, kind) for name, kind in sorted(found.items()))


def _told(root: type[Event]) -> Iterator[type[Event]]:
    below = [kind for kind in root.__subclasses__() if kind.__module__.startswith(OURS)]
    for kind in below:
        yield from _told(kind)
    if not below and root is not Event:
        yield root


def _described(name: str, kind: type[Event]) -> EventType:
    schema = msgspec.json.schema(kind)
    said = inspect.getdoc(kind) or ""
    data = _sample({"$ref": schema["$ref"]}, schema["$defs"], "", 0)
    return EventType(
        type=name,
        group=name.partition(".")[0],
        description=" ".join(said.split("\n\n")[0].split()).replace("``", "`"),
        schema=schema,
        example={"type": name, "timestamp": AT, "data": data},
    )


def _sample(schema: Mapping[str, Any], known: Mapping[str, Any], name: str, depth: int) -> object:
    """A value that fits, as a reader would expect it of a field of this name."""
    if "$ref" in schema:
        return _sample(known[schema["$ref"].rpartition("/")[2]], known, name, depth)
    for choice in schema.get("anyOf", ()):
        if choice != {"type": "null"}:
            return _sample(choice, known, name, depth)
    deeper = depth < DEPTH_MAX
    match schema.get("type"):
        case "object":
            fields = schema.get("properties", {}) if deeper else {}
            return {one: _sample(inner, known, one, depth + 1) for one, inner in fields.items()}
        case "array":
            inner = schema.get("items") or (schema.get("prefixItems") or [None])[0]
            return [_sample(inner, known, name, depth + 1)] if inner and deeper else []
        case _:
            given = [*schema.get("enum", ()), schema.get("const")]
            return given[0] or _plain(schema, name)


def _plain(schema: Mapping[str, Any], name: str) -> object:
    sample = SAMPLES.get(name, AT if name.endswith("_at") else None)
    match schema.get("type"):
        case "integer":
            return sample if isinstance(sample, int) else schema.get("minimum", 1)
        case "number":
            return 1.5
        case "boolean":
            return True
        case "string" if isinstance(sample, str):
            return sample
        case "string":
            shaped = {"date-time": AT, "decimal": "4.20", "duration": "PT5M", "byte": ""}
            return shaped.get(schema.get("format", ""), "text")
        case _:
            return None
