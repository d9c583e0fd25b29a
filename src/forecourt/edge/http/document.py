"""The API's own description: OpenAPI 3.1, with failures as the problems that they are."""

from typing import Any

import msgspec
from litestar import Litestar
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from forecourt.edge.http.errors import Problem
from forecourt.edge.http.surroundings import AROUND, REFS, surrounded
from forecourt.edge.http.vitals import VERSION


class _Rendered(JsonRenderPlugin):
    """JSON, after the corrections below."""

    def render(self, request: Any, openapi_schema: dict[str, Any]) -> bytes:
        return super().render(request, corrected(openapi_schema))


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
    return corrected(app.openapi_schema.to_schema())


def corrected(described: dict[str, Any]) -> dict[str, Any]:
    """The same, with what stands around the routes: problems, tags, keys, limits."""
    _, schemas = msgspec.json.schema_components([Problem], ref_template=REFS)
    components = described["components"]
    paths = {
        path: {
            method: surrounded(path, method, item, frozenset(items))
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
