"""Every failure as an RFC 9457 problem, by one table. Knows no room and no route."""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap
from msgspec import Struct, ValidationError

from forecourt.base.errors import ForecourtError, Kind
from forecourt.edge.http.auth import trace_of

PROBLEM_JSON: Final = "application/problem+json"
RETRY_AFTER_S: Final = 5
# What no browser should do with any of our answers.
HARDENED: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}

STATUS: Final[Mapping[Kind, int]] = {
    Kind.INVALID: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.LIMITED: 429,
    Kind.UNAVAILABLE: 503,
    Kind.INTERNAL: 500,
}

# Where HTTP has a finer word than the kind has.
STATUS_OF_CODE: Final[Mapping[str, int]] = {
    "resource.changed": 412,
    "body.too_large": 413,
    "idempotency.key_reused": 422,
}

TITLE: Final[Mapping[int, str]] = {
    400: "The request is not valid",
    401: "An API key is needed",
    403: "This is not allowed",
    404: "There is no such thing",
    405: "This cannot be done here",
    408: "This came too slowly",
    409: "This contradicts what is",
    412: "This has changed meanwhile",
    413: "The body is too large",
    414: "The address is too long",
    422: "This was said before, and was something else",
    415: "This kind of body is not understood",
    429: "Too much at once",
    431: "The header fields are too large",
    500: "Something broke on our side",
    503: "Not possible now",
}

# What the framework refuses by itself; the rooms' refusals bring codes of their own.
CODE: Final[Mapping[int, str]] = {
    400: "request.invalid",
    404: "route.unknown",
    405: "route.method",
    413: "body.too_large",
    415: "body.type",
}

INTERNAL: Final = 500
ASK_ABOUT: Final = "The log has the details; quote the trace."
WITHOUT_BODY: Final = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})
# The decoder names what is missing or too much beside its place, not in it.
_FIELD: Final = re.compile(r"Object (?:missing required|contains unknown) field `(.+)`")

IN_BODY: Final = re.compile(r"(.*) - at `\$\.data\.?(.*)`", re.DOTALL)

log = structlog.get_logger(__name__)


class Fault(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that is wrong with a request."""

    detail: str
    pointer: str | None = None
    """Where in the body: a JSON pointer."""
    parameter: str | None = None
    """Which parameter of the query, the path or the headers."""


class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """RFC 9457, with ``code`` for programs and ``trace`` to find the log's lines."""

    type: str
    title: str
    status: int
    detail: str = ""
    code: str
    trace: str = ""
    errors: tuple[Fault, ...] = ()


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    trace: str = "",
    errors: tuple[Fault, ...] = (),
    headers: Mapping[str, str] | None = None,
) -> Response[Problem]:
    """A failure as a response."""
    sent = {**HARDENED, **(headers or {})}
    if status == STATUS[Kind.UNAUTHENTICATED]:
        sent.setdefault("WWW-Authenticate", 'Bearer realm="forecourt"')
    if status == STATUS[Kind.UNAVAILABLE]:
        sent.setdefault("Retry-After", str(RETRY_AFTER_S))
    return Response(
        Problem(
            type=f"urn:forecourt:problem:{code}",
            title=TITLE.get(status, "The request failed"),
            status=status,
            detail=detail,
            code=code,
            trace=trace,
            errors=errors,
        ),
        status_code=status,
        media_type=PROBLEM_JSON,
        headers=sent,
    )


def written(
    status: int, code: str, detail: str, *, trace: str = ""
) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """A failure where no route is: header fields and body, after which the connection is closed.

    What the sender still sends is not read, so nothing else can come over it.
    """
    told = problem(status, code, detail, trace=trace)
    body = msgspec.json.encode(told.content)
    headers = {**told.headers, "Content-Type": PROBLEM_JSON, "Content-Length": str(len(body))}
    headers["Connection"] = "close"
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()], body


def on_forecourt_error(request: Request[Any, Any, Any], error: ForecourtError) -> Response[Problem]:
    """A promise that a room could not keep."""
    status = STATUS_OF_CODE.get(error.code, STATUS[error.kind])
    trace = trace_of(request)
    tell = log.error if status >= INTERNAL else log.debug
    tell("http.refused", trace=trace, code=error.code, error=error.message, **error.context)
    # What a body or a parameter may not say has its place, also where a room found it out.
    wrong = status == STATUS[Kind.INVALID]
    faults = (_at_fault(request, error),) if wrong else ()
    wait_s = error.context.get("retry_after_s")
    headers = {} if wait_s is None else {"Retry-After": str(wait_s)}
    return problem(status, error.code, error.message, trace=trace, headers=headers, errors=faults)


def on_http_exception(request: Request[Any, Any, Any], error: HTTPException) -> Response[Problem]:
    """What the framework refuses: no route, wrong method, a body that does not fit."""
    status = error.status_code
    if status >= INTERNAL:
        wrong = _in_body(error)
        if wrong is None:
            return on_exception(request, error)
        said = _said(400, error, (wrong,))
        return problem(400, CODE[400], said, trace=trace_of(request), errors=(wrong,))
    extra = error.extra if isinstance(error.extra, list) else []
    faults = tuple(fault(one) for one in extra if isinstance(one, dict))
    if status == STATUS[Kind.INVALID] and not faults:
        faults = (_of_field(request, error.detail, ""),)
    return problem(
        status,
        CODE.get(status, "request.refused"),
        _said(status, error, faults),
        trace=trace_of(request),
        errors=faults,
        headers=error.headers,
    )


def on_not_utf8(request: Request[Any, Any, Any], _: UnicodeDecodeError) -> Response[Problem]:
    """Bytes that are no text; the framework lets the decoder's error through."""
    detail = "the body is not UTF-8"
    faults = (_of_field(request, detail, ""),)
    return problem(400, CODE[400], detail, trace=trace_of(request), errors=faults)


def on_exception(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """A bug of ours: the log has all of it, the caller a trace to ask about."""
    trace = trace_of(request)
    log.error("http.failed", trace=trace, method=request.method, exc_info=error)
    return problem(INTERNAL, "internal", ASK_ABOUT, trace=trace)


def _in_body(error: HTTPException) -> Fault | None:
    """What is wrong with a body's field that is called like something that routes are given.

    The framework takes that for a failure of ours.
    """
    said = str(error.__cause__) if isinstance(error.__cause__, ValidationError) else ""
    found = IN_BODY.fullmatch(said)
    return None if found is None else Fault(detail=found[1], pointer=pointer(found[2]))


def fault(found: Mapping[str, Any]) -> Fault:
    """One complaint of the decoder, with the place that it complains about."""
    key, detail = str(found.get("key", "")), str(found.get("message", ""))
    if found.get("source") != "body":
        # ``state_``: a name that the framework keeps for itself is spelled so in the code.
        return Fault(detail=detail, parameter=key.rstrip("_"))
    if key == "data":
        missing = detail == "'data'"
        if missing:
            return Fault(detail="a JSON body is needed", pointer="")
        key = ""
    named = _FIELD.fullmatch(detail)
    return Fault(detail=detail, pointer=pointer(key) + (_step(named[1]) if named else ""))


def _at_fault(request: Request[Any, Any, Any], error: ForecourtError) -> Fault:
    if "parameter" in error.context:  # Of an address, whatever the method.
        return Fault(detail=error.message, parameter=str(error.context["parameter"]))
    return _of_field(request, error.message, str(error.context.get("field", error.field)))


def _of_field(request: Request[Any, Any, Any], detail: str, field: str) -> Fault:
    if request.method in WITHOUT_BODY:
        return Fault(detail=detail, parameter=field or None)
    return Fault(detail=detail, pointer=_step(field) if field else "")


def pointer(path: str) -> str:
    """``variables[1].name`` as ``/variables/1/name``."""
    parts = re.findall(r"[^.\[\]]+", path)
    return "".join(map(_step, parts))


def _step(name: str) -> str:
    return "/" + name.replace("~", "~0").replace("/", "~1")


def _said(status: int, error: HTTPException, faults: tuple[Fault, ...]) -> str:
    match status:
        case 400 if faults:
            return "; ".join(
                f"{one.pointer or one.parameter or 'body'}: {one.detail}" for one in faults
            )
        case 404:
            return "no route has this path; /schema/openapi.json lists them"
        case 405:
            return "this path takes other methods: see the header Allow"
        case 413:
            return "a body has at most 1 MiB"
        case _:
            return error.detail


HANDLERS: Final[ExceptionHandlersMap] = {
    ForecourtError: on_forecourt_error,
    HTTPException: on_http_exception,
    UnicodeDecodeError: on_not_utf8,
    Exception: on_exception,
}
