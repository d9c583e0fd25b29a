"""Requests made from the API's description: a body that fits, and every place where text goes."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from litestar import Litestar

from forecourt.edge.http import document

Schemas = Mapping[str, Any]
MOMENT = "2030-01-01T00:00:00Z"
# Events that never end (test_live.py has them), and what ends the caller's own log-in.
LEFT_OUT = {"live", "log_out"}


class Described:
    """The document, and requests by it."""

    def __init__(self, app: Litestar) -> None:
        self.document = document(app)
        self.schemas: Schemas = self.document["components"]["schemas"]

    def operations(self) -> Iterator[tuple[str, str, Any]]:
        """Method, path and description of each."""
        for path, items in self.document["paths"].items():
            for method, one in items.items():
                if path.startswith("/api/") and one["operationId"] not in LEFT_OUT:
                    yield method.upper(), path, one

    def resolved(self, schema: Any) -> Any:
        """A schema behind its references; of alternatives the first that is not null."""
        while True:
            if "$ref" in schema:
                schema = self.schemas[schema["$ref"].rpartition("/")[2]]
                continue
            kinds = schema.get("oneOf") or schema.get("anyOf")
            if not kinds:
                return schema
            rest = {k: v for k, v in schema.items() if k not in ("oneOf", "anyOf")}
            schema = {**rest, **next(one for one in kinds if one.get("type") != "null")}

    def variants(self, operation: Any) -> list[Any]:
        """The kinds of body that an operation takes."""
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content is None:
            return []
        schema = content["schema"]
        return [self.resolved(one) for one in schema.get("oneOf", [schema])]

    def fitting(self, schema: Any) -> Any:
        """The least that fits a schema."""
        schema = self.resolved(schema)
        if fixed := [schema["const"]] if "const" in schema else schema.get("enum"):
            return fixed[0]
        kind = schema.get("type")
        kind = kind[0] if isinstance(kind, list) else kind
        match kind:
            case "string":
                return _text(schema)
            case "integer" | "number":
                return max(schema.get("minimum", 1), 1)
            case "array":
                return [self.fitting(schema["items"])] * schema.get("minItems", 1)
            case "object":
                properties = schema.get("properties", {})
                return {name: self.fitting(properties[name]) for name in schema.get("required", ())}
            case _:
                return kind != "boolean" and {}

    def texts(self, schema: Any, depth: int = 2) -> Iterator[tuple[Any, ...]]:
        """The way to each place of a body where free text goes."""
        schema = self.resolved(schema)
        if schema.get("type") == "string" and "enum" not in schema and "const" not in schema:
            yield ()
        elif schema.get("type") == "array" and depth:
            for way in self.texts(schema["items"], depth - 1):
                yield (0, *way)
        elif schema.get("type") == "object" and depth:
            for name, inner in schema.get("properties", {}).items():
                for way in self.texts(inner, depth - 1):
                    yield (name, *way)

    def placed(self, schema: Any, way: tuple[Any, ...], value: object) -> Any:
        """A fitting body with ``value`` in one place."""
        if not way:
            return value
        schema, body = self.resolved(schema), self.fitting(schema)
        step, rest = way[0], way[1:]
        if step == 0:
            return [self.placed(schema["items"], rest, value)]
        return {**body, step: self.placed(schema["properties"][step], rest, value)}


def _text(schema: Any) -> str:
    if schema.get("format") == "date-time":
        return MOMENT
    if schema.get("format") == "date":
        return MOMENT[:10]
    if "@" in schema.get("pattern", ""):
        return "a@b.example"
    if "wss?" in schema.get("pattern", ""):
        return "wss://csms.example/ocpp"
    return "x" * max(1, int(schema.get("minLength", 1)))


def filled(path: str, values: Mapping[str, str]) -> str:
    """A path with its names filled in; ``1`` for those that are not given."""
    parts = (
        quote(values.get(part[1:-1], "1"), safe="") if part.startswith("{") else part
        for part in path.split("/")
    )
    return "/".join(parts)
