"""Every list as a file: all rows that match, as CSV, page by page through the list's own route.

A route is a list when it answers ``items`` of one struct (and ``next``). What it lets its caller
see is what the file has, and no more than a page of it is held at a time. Knows no route and no
room.
"""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from types import UnionType
from typing import Any, ClassVar, Final, Union, get_args, get_origin
from urllib.parse import parse_qsl, urlencode

import msgspec
from litestar.datastructures.headers import Accept
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp, Message, Receive, Send
from msgspec import Struct

from forecourt.base.errors import ForecourtError, Kind
from forecourt.base.pages import PAGE_MAX
from forecourt.edge.http.errors import HARDENED
from forecourt.edge.http.standing import WITHIN

CSV: Final = "text/csv"
FORMATS: Final = ("json", "csv")
CONTENT_TYPE: Final = b"text/csv; charset=utf-8; header=present"
# A table program takes a cell that begins like this for a formula, and computes what a stranger
# wrote (OWASP, "CSV Injection"); behind an apostrophe it is text.
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
DEPTH_MAX: Final = 4
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")

Path = tuple[str, ...]


class ListBroke(ForecourtError):
    """A page in the middle failed: the file must not look like a whole one."""

    kind: ClassVar[Kind] = Kind.INTERNAL
    code: ClassVar[str] = "list.broke"


class FormatUnknown(ForecourtError):
    """Lists come as JSON or as CSV."""

    kind: ClassVar[Kind] = Kind.INVALID
    code: ClassVar[str] = "format.unknown"
    field: ClassVar[str] = "format"


@cache  # Each request asks it, of as many handlers as there are routes.
def item_of(handler: Any) -> type[Struct] | None:
    """What a route lists; None for what is no list."""
    if not isinstance(handler, HTTPRouteHandler) or "GET" not in handler.http_methods:
        return None
    page = _struct(handler.parsed_fn_signature.return_type.annotation)
    if page is None:
        return None
    kinds = {field.name: field.type for field in msgspec.structs.fields(page)}
    items = kinds.get("items")
    whole = get_origin(items)
    if whole is None or not issubclass(whole, Sequence):
        return None
    return _struct(get_args(items)[0])


def columns_of(item: type[Struct], depth: int = DEPTH_MAX) -> list[Path]:
    """The way to each value of an item; structs in it are gone into, lists and free forms not."""
    found: list[Path] = []
    for field in msgspec.structs.fields(item):
        inner = _struct(field.type) if depth > 1 else None
        ways = [()] if inner is None else columns_of(inner, depth - 1)
        found += [(field.encode_name, *way) for way in ways]
    return found


def cell(value: object) -> str:
    """One value as a table program may have it: harmless, and numbers as numbers."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case str():
            return f"'{value}" if value.startswith(FORMULA) else value
        case _:
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def exported(app: ASGIApp) -> ASGIApp:
    """The same application, where whoever asks a list for CSV gets all of it."""

    async def answering(scope: Any, receive: Receive, send: Send) -> None:
        item = item_of(scope["route_handler"]) if scope["method"] == "GET" else None
        if item is None or not _wants_csv(scope):
            await app(scope, receive, send)
        else:
            await _File(scope, item).send(send)

    return answering


class _File:
    """One list on its way out."""

    def __init__(self, scope: Any, item: type[Struct]) -> None:
        self._scope = scope
        self._columns = columns_of(item)
        asked = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        self._asked = [(name, value) for name, value in asked if not _of_a_page(name, value)]

    async def send(self, send: Send) -> None:
        """All pages; or, when the first is refused, the refusal. Raises ListBroke."""
        cursor, begun = "", False
        while True:
            start, body = await self._page(cursor)
            if start["status"] != 200:  # noqa: PLR2004 (HTTP's own number)
                if begun:
                    raise ListBroke(f"a page failed with {start['status']} amid a file")
                await send(start)
                await send({"type": "http.response.body", "body": body, "more_body": False})
                return
            answer = msgspec.json.decode(body)
            items, cursor = _read(answer)
            if not begun:
                await send(self._head())
            text = self._text(items, header=not begun)
            begun = True
            more = bool(cursor)
            await send({"type": "http.response.body", "body": text, "more_body": more})
            if not more:
                return

    async def _page(self, cursor: str) -> tuple[Any, bytes]:
        """One page as JSON, asked for as the caller would ask for it."""
        start: list[Message] = []
        body = bytearray()

        async def nothing() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def hear(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.append(message)
            elif message["type"] == "http.response.body":
                body.extend(message.get("body", b""))

        given = [("limit", str(PAGE_MAX)), *self._asked, *([("cursor", cursor)] if cursor else [])]
        names = ("type", "asgi", "http_version", "scheme", "path", "raw_path", "root_path")
        scope: Any = {n: self._scope[n] for n in (*names, "client", "server") if n in self._scope}
        headers = [pair for pair in self._scope["headers"] if pair[0] not in _ABOUT_THE_FILE]
        query = urlencode(given).encode()
        # A file is one request, however many pages it has.
        state = {WITHIN: True} if cursor else {}
        scope.update(method="GET", query_string=query, state=state, headers=headers, extensions={})
        await self._scope["litestar_app"](scope, nothing, hear)
        return start[0], bytes(body)

    def _head(self) -> Any:
        names = (part for part in self._scope["path"].split("/") if part not in ("", "api", "v1"))
        name = _UNSAFE.sub("_", "-".join(names))[:100]
        headers = {
            "content-type": CONTENT_TYPE,
            "content-disposition": f'attachment; filename="{name}.csv"'.encode(),
            **{name.lower(): value.encode() for name, value in HARDENED.items()},
        }
        pairs = [(name.encode(), value) for name, value in headers.items()]
        return {"type": "http.response.start", "status": 200, "headers": pairs}

    def _text(self, items: Sequence[Mapping[str, Any]], *, header: bool) -> bytes:
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\r\n")
        if header:
            rows.writerow(".".join(way) for way in self._columns)
        rows.writerows([cell(_at(item, way)) for way in self._columns] for item in items)
        return text.getvalue().encode()


def _of_a_page(name: str, value: str) -> bool:
    """What a file takes no notice of. A limit that is none goes to the route, to be refused."""
    if name == "limit":
        digits = value.isdecimal() and len(value) <= len(str(PAGE_MAX))
        return digits and 1 <= int(value) <= PAGE_MAX
    return name in ("cursor", "format")


_ABOUT_THE_FILE: Final = frozenset({b"accept", b"accept-encoding", b"range", b"if-none-match"})


def _wants_csv(scope: Any) -> bool:
    """Raises FormatUnknown."""
    asked: dict[str, str] = dict(
        parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    )
    if "format" in asked:
        if asked["format"] not in FORMATS:
            raise FormatUnknown("a list comes as json or as csv", format=asked["format"])
        return asked["format"] == "csv"
    accepts = next((value for name, value in scope["headers"] if name == b"accept"), b"")
    if CSV.encode() not in accepts:
        return False
    return Accept(accepts.decode("latin-1")).best_match(["application/json", CSV]) == CSV


def _read(answer: Any) -> tuple[Sequence[Mapping[str, Any]], str]:
    """The items of a page, and where the next begins; empty where none does."""
    return answer["items"], answer.get("next") or ""


def _at(item: Any, way: Path) -> object:
    for name in way:
        item = item.get(name) if isinstance(item, dict) else None
    return item


def _struct(kind: Any) -> type[Struct] | None:
    """The struct that a field holds, perhaps; None for everything else."""
    held = [kind]
    if get_origin(kind) in (Union, UnionType):
        held = [one for one in get_args(kind) if one is not type(None)]
    if len(held) == 1 and isinstance(held[0], type) and issubclass(held[0], Struct):
        return held[0]
    return None


def lists(handlers: Iterator[Any]) -> dict[str, Sequence[str]]:
    """The operations that are lists, and by what each may be sorted."""
    return {
        str(handler.operation_id): tuple(handler.opt.get("sorts", ()))
        for handler in handlers
        if item_of(handler) is not None
    }
