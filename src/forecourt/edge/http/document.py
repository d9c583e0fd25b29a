"""The API's own description: OpenAPI 3.1, with failures as the problems that they are."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from litestar import Litestar
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from forecourt.edge.http.errors import Problem
from forecourt.edge.http.examples import Examples
from forecourt.edge.http.export import CSV, FORMATS, lists
from forecourt.edge.http.surroundings import AROUND, REFS, surrounded
from forecourt.edge.http.vitals import VERSION

FORMAT: Final = {
    "name": "format",
    "in": "query",
    "description": "`csv`: all rows that match, as a file; `limit` and `cursor` mean nothing then.",
    "schema": {"type": "string", "enum": [*FORMATS], "default": "json"},
    "required": False,
}


class _Rendered(JsonRenderPlugin):
    """JSON, after the corrections below."""

    def render(self, request: Any, openapi_schema: dict[str, Any]) -> bytes:
        return super().render(request, corrected(openapi_schema, lists(_handlers(request.app))))


def config() -> OpenAPIConfig:
    """For the application: where the document is, and what it opens with."""
    return OpenAPIConfig(
        title="Forecourt",
        version=VERSION,
        summary="Stations, sessions, tokens and commands of an EV charging network.",
        description=(
            "Energy in Wh, power in W, state of charge in %; + flows into the vehicle. Moments are"
            " UTC. Lists come in pages: send `next` of one page as `cursor` to have the next."
            " Failures are problems (RFC 9457); their `code` is for programs. What is one thing has"
            " an `ETag`: send it as `If-Match` to change only what nobody else changed meanwhile."
            " With an `Idempotency-Key` a POST that is sent again is done once."
        ),
        path="/schema",
        render_plugins=[_Rendered(path="/openapi.json")],
        use_handler_docstrings=True,
        components=Components(
            security_schemes={
                "apiKey": SecurityScheme(
                    type="http",
                    scheme="bearer",
                    description="An API key: `forecourt apikey add NAME` makes one.",
                )
            }
        ),
    )


def document(app: Litestar) -> dict[str, Any]:
    """The whole description."""
    return corrected(app.openapi_schema.to_schema(), lists(_handlers(app)))


def _handlers(app: Litestar) -> Iterator[Any]:
    for route in app.routes:
        yield from getattr(route, "route_handlers", ())


def corrected(described: dict[str, Any], listing: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The same, with what stands around the routes: problems, tags, keys, limits; lists as files.

    ``listing``: the operations that are lists, and by what each may be sorted.
    """
    _, schemas = msgspec.json.schema_components([Problem], ref_template=REFS)
    described = _without_dots(described)
    components = described["components"]
    examples = Examples({**components["schemas"], **schemas})
    paths = {
        path: {
            method: _operation(surrounded(path, method, item, frozenset(items)), listing, examples)
            for method, item in items.items()
        }
        for path, items in described["paths"].items()
    }
    return {
        **described,
        "paths": paths,
        "components": {
            **components,
            "schemas": {**components["schemas"], **schemas},
            **AROUND,
        },
    }


def _without_dots(part: Any) -> Any:
    """The framework takes the dots of a tuple of any length for one more kind of item."""
    match part:
        case {"oneOf": list() as kinds, **rest} if {} in kinds:
            real = [_without_dots(one) for one in kinds if one]
            return {**rest, **(real[0] if len(real) == 1 else {"oneOf": real})}
        case dict():
            return {name: _without_dots(inner) for name, inner in part.items()}
        case list():
            return [_without_dots(inner) for inner in part]
        case _:
            return part


def _operation(described: Any, listing: Mapping[str, Sequence[str]], examples: Examples) -> Any:
    named = isinstance(described, dict) and described.get("operationId")
    if not named:
        return described
    sorts = listing.get(named)
    return examples.told(described if sorts is None else _list(described, sorts))


def _list(described: dict[str, Any], sorts: Sequence[str]) -> dict[str, Any]:
    """A list: in which orders it may be had, and that it may be had as a file."""
    # Nothing is the list's own order.
    known = ["", *(sorted_by for name in sorts for sorted_by in (name, f"-{name}"))]
    parameters = [
        {**one, "schema": {"type": "string", "enum": known}} if one["name"] == "sort" else one
        for one in described.get("parameters", [])
        if one["name"] != "sort" or sorts
    ]
    answer = described["responses"]["200"]
    content = {**answer["content"], CSV: {"schema": {"type": "string"}}}
    return {
        **described,
        "parameters": [*parameters, FORMAT],
        "responses": {**described["responses"], "200": {**answer, "content": content}},
    }
