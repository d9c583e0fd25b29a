"""What stands around all routes, as the API's description says it: problems, tags, keys, limits."""

from collections.abc import Iterator
from typing import Any, Final

from forecourt.edge.http.editing import EDITING
from forecourt.edge.http.errors import PROBLEM_JSON
from forecourt.edge.http.repeats import KEY_LENGTH_MAX, NAME

# Prefixes of statuses that are no failures; what else the framework guesses is not how we answer.
FINE: Final = ("2", "3")
REFS: Final = "#/components/schemas/{name}"
METHODS: Final = frozenset({"get", "post", "put", "patch", "delete"})
PUBLIC: Final[list[dict[str, Any]]] = [{}]
"""The security of an operation that wants nobody to be known."""

_PROBLEM: Final = {PROBLEM_JSON: {"schema": {"$ref": REFS.format(name="Problem")}}}


def _header(description: str, example: str) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string"}, "example": example}


PARAMETERS: Final[dict[str, dict[str, Any]]] = {
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "schema": {"type": "string"},
        "description": "Change it only if nobody edited it since this `ETag` was read.",
    },
    "IfNoneMatch": {
        "name": "If-None-Match",
        "in": "header",
        "schema": {"type": "string"},
        "description": "Send nothing if this `ETag` is still right.",
    },
    "IdempotencyKey": {
        "name": NAME,
        "in": "header",
        "schema": {
            "type": "string",
            "minLength": 1,
            "maxLength": KEY_LENGTH_MAX,
            "pattern": "^[!-~]+$",
        },
        "description": (
            "A name for this request, new for each, kept for 24 h: sent again, it is answered"
            " as the first time, and nothing is done."
        ),
    },
}
AROUND: Final[dict[str, Any]] = {
    "headers": {
        "ETag": _header(
            "Names this state: the part before the dot what people edit, the rest the whole.",
            '"Xk2mA9fQ0bLrT1zc.p7Zr0Hk3vYd2NwQe"',
        ),
        "RateLimit": _header("What the caller may still ask.", '"caller";r=999;t=1'),
        "RateLimit-Policy": _header("What a caller may ask.", '"caller";q=1000;w=20'),
        "Retry-After": _header("In how many seconds to try again.", "2"),
        "Idempotent-Replayed": _header("This was answered before; nothing was done.", "true"),
    },
    "responses": {
        "Problem": {"description": "A problem (RFC 9457)", "content": _PROBLEM},
        "NotModified": {
            "description": "What the caller has is still right",
            "headers": {"ETag": {"$ref": "#/components/headers/ETag"}},
        },
        "Limited": {
            "description": "Too many requests",
            "headers": {
                name: {"$ref": f"#/components/headers/{name}"}
                for name in ("Retry-After", "RateLimit", "RateLimit-Policy")
            },
            "content": _PROBLEM,
        },
    },
}


def surrounded(path: str, method: str, described: Any, methods: frozenset[str]) -> Any:
    """An operation, with all that it may answer; ``methods`` are all those of its path."""
    if method not in METHODS:
        return described
    ours = path.startswith("/api/")
    known = ours and described.get("security") != PUBLIC
    one = path.endswith("}") or bool({m.lower() for m in EDITING} & methods)
    tagged = known and one and method == "get"
    fine = {
        code: _answer(said, tagged=tagged, repeated=known and method == "post")
        for code, said in described["responses"].items()
        if code.startswith(FINE)
    }
    failed = {code: _ref("responses", "Problem") for code in _failures(method, described, path)}
    if tagged:
        failed["304"] = _ref("responses", "NotModified")
    if ours:
        failed["429"] = _ref("responses", "Limited")
    failed["default"] = _ref("responses", "Problem")
    parameters = [
        *described.get("parameters", ()),
        *(PARAMETERS[name] for name in _headers(method, known=known, tagged=tagged)),
    ]
    return {
        **described,
        **({"parameters": parameters} if parameters else {}),
        "responses": {**fine, **failed},
    }


def _failures(method: str, described: Any, path: str) -> Iterator[str]:
    if not path.startswith("/api/"):
        return
    yield from ("400", "401", "403")
    if "{" in path:
        yield "404"
    if method != "get":
        yield "409"
        yield "413"
    if method.upper() in EDITING:
        yield "412"
    if method == "post" and described.get("security") != PUBLIC:
        yield "422"


def _headers(method: str, *, known: bool, tagged: bool) -> Iterator[str]:
    if tagged:
        yield "IfNoneMatch"
    if method.upper() in EDITING:
        yield "IfMatch"
    if known and method == "post":
        yield "IdempotencyKey"


def _answer(said: Any, *, tagged: bool, repeated: bool) -> Any:
    named = [name for name, told in (("ETag", tagged), ("Idempotent-Replayed", repeated)) if told]
    headers = {name: _ref("headers", name) for name in named}
    return {**said, "headers": {**said.get("headers", {}), **headers}}


def _ref(kind: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{kind}/{name}"}
