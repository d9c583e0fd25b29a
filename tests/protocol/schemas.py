"""The official JSON schemas as a source of messages: what they accept, what they refuse, and why.

Must not know the generated types, so that it can judge them.
"""

import importlib.resources
import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # it ships no types
from hypothesis import strategies as st

from forecourt.protocol.ocpp.dialect import ErrorReason

TABLES = tomllib.loads(
    (Path(__file__).parents[2] / "tools" / "ocpp_schemas.toml").read_text("utf-8")
)

Json = Any
Path_ = tuple[str | int, ...]

# No lone surrogates: they are no text. No U+0000: no database holds it, so the wire refuses it.
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
MOMENTS = st.datetimes(
    datetime(1970, 1, 1),  # noqa: DTZ001 - Hypothesis wants naive bounds and adds the zone
    datetime(2099, 1, 1),  # noqa: DTZ001 - as above
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45))]),
)


@dataclass(frozen=True)
class Official:
    """One schema file."""

    version: str
    name: str
    """Of our type: the request has its action's name."""
    schema: dict[str, Json]

    def __repr__(self) -> str:
        return f"{self.version}.{self.name}"

    def accepts(self, payload: Json) -> bool:
        return bool(validator(self).is_valid(payload))

    def resolve(self, node: dict[str, Json]) -> dict[str, Json]:
        while "$ref" in node:
            node = self.schema["definitions"][node["$ref"].rpartition("/")[2]]
        return node


@cache
def official(version: str) -> tuple[Official, ...]:
    folder = importlib.resources.files("ocpp") / version / "schemas"
    return tuple(
        Official(
            version,
            path.name.removesuffix(".json").removesuffix("Request"),
            _without_ignored(json.loads(path.read_text("utf-8-sig"))),
        )
        for path in sorted(folder.iterdir(), key=lambda path: path.name)
        if path.name.endswith(".json")
    )


def validator(of: Official) -> Any:
    kind = jsonschema.validators.validator_for(of.schema)
    return kind(of.schema)


def _without_ignored(node: Json) -> Json:
    """Without the keywords that the generated types leave out on purpose."""
    if isinstance(node, dict):
        return {
            key: _without_ignored(value)
            for key, value in node.items()
            if not (key in TABLES["ignored_keywords"] and not isinstance(value, dict))
        }
    return [_without_ignored(item) for item in node] if isinstance(node, list) else node


# --- What a schema accepts ------------------------------------------------------------------------


@st.composite
def payloads(draw: st.DrawFn, of: Official) -> dict[str, Json]:
    """Messages that the schema accepts; deeper parts are sparser, so that they stay small."""
    payload: dict[str, Json] = _object(draw, of, of.schema, 0)
    return payload


def _object(draw: st.DrawFn, of: Official, node: dict[str, Json], depth: int) -> dict[str, Json]:
    properties = node.get("properties", {})
    required = set(node.get("required", ()))
    optional = sorted(properties.keys() - required)
    chosen: set[str] = set()
    if optional:
        at_most = max(4 - depth, 0)
        chosen = draw(st.sets(st.sampled_from(optional), max_size=min(at_most, len(optional))))
    return {
        name: _value(draw, of, body, depth + 1)
        for name, body in properties.items()
        if name in required or name in chosen
    }


def _value(draw: st.DrawFn, of: Official, node: dict[str, Json], depth: int) -> Json:
    node = of.resolve(node)
    if "enum" in node:
        return draw(st.sampled_from(node["enum"]))
    match node.get("type"):
        case "object":
            return _object(draw, of, node, depth)
        case "array":
            low = node.get("minItems", 0)
            high = min(node.get("maxItems", low + 2), low + 2)
            count = draw(st.integers(low, high))
            return [_value(draw, of, node["items"], depth + 1) for _ in range(count)]
        case _:
            return draw(_scalar(node))


def _scalar(node: dict[str, Json]) -> st.SearchStrategy[Json]:
    match node.get("type"):
        case "string" if node.get("format") == "date-time":
            return st.tuples(MOMENTS, st.booleans()).map(_spelt)
        case "string":
            return TEXT.map(lambda text: text[: node.get("maxLength", 12)])
        case "integer":
            low, high = int(node.get("minimum", -(2**31))), int(node.get("maximum", 2**31 - 1))
            return st.integers(low, high)
        case "number":
            least, most = node.get("minimum"), node.get("maximum")
            whole = st.integers(int(node.get("minimum", -9)), int(node.get("maximum", 9)))
            return whole | st.floats(least, most, allow_nan=False, allow_infinity=False)
        case "boolean":
            return st.booleans()
        case kind:
            assert kind is None, kind
            return st.sampled_from(["text", 1, 2.5, True, [1, {"a": None}], {"b": []}])


def _spelt(drawn: tuple[datetime, bool]) -> str:
    moment, short = drawn
    text = (moment.replace(microsecond=0) if short else moment).isoformat()
    return text.replace("+00:00", "Z")


def same(of: Official, node: dict[str, Json], one: Json, other: Json) -> bool:
    """Equal as JSON, where a date-time is the moment it means."""
    node = of.resolve(node)
    if isinstance(one, dict) and isinstance(other, dict):
        properties = node.get("properties", {})
        return one.keys() == other.keys() and all(
            same(of, properties.get(key, {}), one[key], other[key]) for key in one
        )
    if isinstance(one, list) and isinstance(other, list) and "items" in node:
        return len(one) == len(other) and all(
            same(of, node["items"], a, b) for a, b in zip(one, other, strict=True)
        )
    if node.get("format") == "date-time":
        return datetime.fromisoformat(one) == datetime.fromisoformat(other)
    if {type(one), type(other)} == {int, float}:
        return bool(one == other)
    return type(one) is type(other) and bool(one == other)


# --- What it refuses ------------------------------------------------------------------------------


def full(of: Official, node: dict[str, Json]) -> Json:
    """One value with every optional field, and as many items as must be."""
    node = of.resolve(node)
    value: Json
    match node.get("type"):
        case "object":
            value = {name: full(of, body) for name, body in node.get("properties", {}).items()}
        case "array":
            value = [full(of, node["items"])] * max(node.get("minItems", 0), 1)
        case "string" if "enum" in node:
            value = node["enum"][-1]
        case "string" if node.get("format") == "date-time":
            value = "2025-06-01T12:00:00.5+02:00"
        case "string":
            value = "x" * node.get("maxLength", 9)  # as long as may be
        case "integer" | "number":
            bound: Json = node.get("maximum", node.get("minimum", 7))
            value = int(bound)
        case "boolean":
            value = True
        case _:
            value = "anything"
    return value


@dataclass(frozen=True)
class Fault:
    """A payload with exactly one fault."""

    what: str
    where: Path_
    payload: dict[str, Json]
    reason: ErrorReason


_OF_OTHER_TYPE: dict[str, tuple[Json, ...]] = {
    "string": (12, ["x"], None),
    "integer": ("1", 1.5, True, None),
    "number": ("1", False, None),
    "boolean": (1, "true", None),
    "array": ({}, "x", None),
    "object": ([], "x", None),
}


def faults(of: Official) -> Iterator[Fault]:
    """Every rule of the schema, broken once at every place where it holds."""
    payload = full(of, of.schema)
    for what, where, broken, reason in _faults(of, of.schema, payload, ()):
        if not where and what == "type":
            reason = ErrorReason.FORMAT  # noqa: PLW2901 - no payload at all, rather than a wrong field
        yield Fault(what, where, broken, reason)


_Found = tuple[str, Path_, Json, ErrorReason]


def _faults(of: Official, node: dict[str, Json], value: Json, where: Path_) -> Iterator[_Found]:
    node = of.resolve(node)
    kind = node.get("type")
    if kind is None:
        return
    for other in _OF_OTHER_TYPE[kind]:
        yield "type", where, other, ErrorReason.TYPE
    match kind:
        case "object":
            yield from _object_faults(of, node, value, where)
        case "array":
            yield from _array_faults(of, node, value, where)
        case "string":
            yield from _string_faults(node, value, where)
        case "integer" | "number":
            for bound, step in (("minimum", -1), ("maximum", 1)):
                if bound in node:
                    yield bound, where, int(node[bound]) + step, ErrorReason.PROPERTY
        case _:
            assert kind == "boolean", kind


def _object_faults(
    of: Official, node: dict[str, Json], value: dict[str, Json], where: Path_
) -> Iterator[_Found]:
    for name in node.get("required", ()):
        left = {key: item for key, item in value.items() if key != name}
        yield "required", (*where, name), left, ErrorReason.OCCURRENCE
    if node.get("additionalProperties") is False:
        yield "extra", where, {**value, "notInTheSchema": 1}, ErrorReason.FORMAT
    for name, body in node.get("properties", {}).items():
        for what, path, broken, reason in _faults(of, body, value[name], (*where, name)):
            yield what, path, {**value, name: broken}, reason


def _array_faults(
    of: Official, node: dict[str, Json], value: list[Json], where: Path_
) -> Iterator[_Found]:
    if node.get("minItems") and not _is_looser(of, where):
        yield "minItems", where, value[: node["minItems"] - 1], ErrorReason.OCCURRENCE
    if "maxItems" in node:
        yield "maxItems", where, value[:1] * (node["maxItems"] + 1), ErrorReason.OCCURRENCE
    for what, path, broken, reason in _faults(of, node["items"], value[0], (*where, 0)):
        yield what, path, [broken, *value[1:]], reason


def _is_looser(of: Official, where: Path_) -> bool:
    """Whether the table of exceptions lets this list be shorter than the schema does."""
    places = (place.split(".") for place in TABLES["looser_min_items"])
    return any(of.version == version and where[-1] == field for version, _, field in places)


def _string_faults(node: dict[str, Json], value: str, where: Path_) -> Iterator[_Found]:
    if "enum" in node:
        yield "enum", where, "NotInTheSchema", ErrorReason.PROPERTY
    elif node.get("format") == "date-time":
        # jsonschema names no format unless asked; RFC 3339 does.
        for text in ("yesterday", "2025-06-01T12:00:00", "2025-13-01T00:00:00Z"):
            yield "format", where, text, ErrorReason.PROPERTY
    elif "maxLength" in node:
        yield "maxLength", where, value + "x", ErrorReason.PROPERTY
