"""Entity tags: who edits what changed meanwhile is told so, who has it already is sent nothing.

Around all routes below ``/api/v1``, so that no room does it by itself (RFC 9110, 8.8.3 and 13). A
tag has two parts. The first names what people edit, the second the whole answer: a station that
heartbeats between an editor's reading and saving has changed, and is no conflict. ``If-None-Match``
compares the whole tag, ``If-Match`` its first part.
"""

import base64
import re
from collections.abc import Callable
from hashlib import blake2b
from typing import Any, ClassVar, Final

import msgspec
from msgspec import Struct

from forecourt.base.errors import ForecourtError, Kind
from forecourt.domain.tenants import Edits
from forecourt.edge.http.asgi import (
    FAILED_FROM,
    Answer,
    App,
    Receive,
    Scope,
    Send,
    again,
    header,
    whole,
)
from forecourt.edge.http.auth import Gate
from forecourt.edge.http.standing import standing

EDITING: Final = frozenset({"PATCH", "PUT", "DELETE"})
FINE: Final = 200
GONE: Final = 204
NOT_MODIFIED: Final = 304
NO_SUCH: Final = frozenset({401, 403, 404, 429, 503})
"""Refusals that say more than that a tag does not match."""
# Nobody edits these: they change by what stations and people do.
LIVE: Final = frozenset(
    (
        *("connected", "protocol", "vendor", "model", "serial", "firmware", "iccid", "imsi"),
        *("boot_reason", "booted_at", "connected_at", "disconnected_at", "seen_at"),
        *("profile_used", "password_changing", "connectors", "used_at", "last_used_at"),
        *("last_login_at", "logged_in_at", "delivered_at", "failing_since", "health"),
    )
)
_TAG: Final = re.compile(r'(W/)?"([^"]*)"')


class ResourceChanged(ForecourtError):
    """Somebody else changed it since the caller read it: read it again."""

    kind: ClassVar[Kind] = Kind.CONFLICT
    code: ClassVar[str] = "resource.changed"


class Tag(Struct, frozen=True):
    """An entity tag."""

    edit: str
    whole: str

    def __str__(self) -> str:
        return f'"{self.edit}.{self.whole}"'


def tag_of(body: bytes, version: int) -> Tag:
    """The tag of what was answered, edited ``version`` times so far."""
    try:
        found = msgspec.json.decode(body)
    except msgspec.DecodeError:
        found = None  # No JSON: nobody edits a part of it.
    if isinstance(found, dict):
        edited = msgspec.json.encode({k: v for k, v in found.items() if k not in LIVE})
    else:
        edited = body
    return Tag(_digest(b"%d " % version + edited), _digest(b"%d " % version + body))


def _digest(told: bytes) -> str:
    return base64.urlsafe_b64encode(blake2b(told, digest_size=12).digest()).decode()


def is_same(wanted: str, tag: Tag) -> bool:
    """``If-None-Match``: whether one of the tags is this one, in whole."""
    return wanted.strip() == "*" or any(
        opaque == f"{tag.edit}.{tag.whole}" for _, opaque in _TAG.findall(wanted)
    )


def is_unedited(wanted: str, tag: Tag) -> bool:
    """``If-Match``: whether one of the tags is of the same edit. Weak tags match nothing."""
    return wanted.strip() == "*" or any(
        not weak and opaque.partition(".")[0] == tag.edit for weak, opaque in _TAG.findall(wanted)
    )


def edited(gate: Gate, edits: Edits) -> Callable[[Any], Any]:
    """Middleware for the routes below ``/api/v1``."""
    editing = _Editing(gate, edits)

    # A function, since the framework copies its middleware in depth.
    def around(app: Any) -> Any:
        return editing.around(app)

    return around


class _Editing:
    """Stands around routes that are about one thing."""

    def __init__(self, gate: Gate, edits: Edits) -> None:
        self._gate = gate
        self._edits = edits
        self._shapes: dict[str, dict[str, Any]] = {}
        """By a path's template: what each of its methods answers with."""

    def around(self, app: Any) -> Any:
        """The same routes, with tags."""

        async def layer(scope: Scope, receive: Receive, send: Send) -> None:
            method = scope.get("method")
            if method in EDITING:
                await self._edit(app, scope, receive, send)
            elif method == "GET" and self._is_one(scope):
                await self._read(app, scope, receive, send)
            else:
                await app(scope, receive, send)

        return layer

    async def _read(self, app: App, scope: Scope, receive: Receive, send: Send) -> None:
        ctx = await self._gate.enter(scope)
        # Before the answer: an edit between the two makes a tag that matches nothing, never one
        # that matches too much.
        version = await self._edits.version(ctx, scope["path"]) if self._is_edited(scope) else 0
        answer = Answer()
        await app(scope, receive, answer.hear)
        if answer.status == FINE:
            tag = tag_of(bytes(answer.body), version)
            answer.headers.append((b"etag", str(tag).encode()))
            wanted = header(scope, b"if-none-match")
            if wanted is not None and is_same(wanted, tag):
                answer.status, answer.body = NOT_MODIFIED, bytearray()
                answer.headers = [
                    (name, value)
                    for name, value in answer.headers
                    if name not in (b"content-length", b"content-type")
                ]
        await answer.go(send)

    async def _edit(self, app: App, scope: Scope, receive: Receive, send: Send) -> None:
        ctx = await self._gate.enter(scope)
        body = await whole(receive)  # Before the hold: a slow sender shall stop nobody.
        answer = Answer()
        async with self._edits.alone(ctx, scope["path"]) as edit:
            wanted = header(scope, b"if-match")
            refused = None
            if wanted is not None:
                refused = await _refused(scope, wanted, edit.version)
            if refused is None:
                await app(scope, again(body), answer.hear)
            edit.done = 0 < answer.status < FAILED_FROM
            edit.gone = answer.status == GONE and scope["method"] == "DELETE"
        if edit.done and answer.status == FINE and self._answers_like_get(scope):
            tag = tag_of(bytes(answer.body), edit.version + 1)
            answer.headers.append((b"etag", str(tag).encode()))
        await (answer if refused is None else refused).go(send)

    def _methods(self, scope: Scope) -> dict[str, Any]:
        """What each method of this path answers with."""
        if not self._shapes:
            for route in scope["litestar_app"].routes:
                self._shapes[route.path_format] = {
                    method: handler.parsed_fn_signature.return_type.annotation
                    for handler in getattr(route, "route_handlers", ())
                    for method in handler.http_methods
                }
        return self._shapes.get(scope["path_template"], {})

    def _is_edited(self, scope: Scope) -> bool:
        return not EDITING.isdisjoint(self._methods(scope))

    def _is_one(self, scope: Scope) -> bool:
        return scope["path_template"].endswith("}") or self._is_edited(scope)

    def _answers_like_get(self, scope: Scope) -> bool:
        shapes = self._methods(scope)
        return "GET" in shapes and shapes["GET"] == shapes[scope["method"]]


async def _refused(scope: Scope, wanted: str, version: int) -> Answer | None:
    """What to answer instead, where there is nothing to compare with. Raises ResourceChanged."""
    stands = await standing(scope)
    if stands.status in NO_SUCH:
        return stands
    if stands.status != FINE or not is_unedited(wanted, tag_of(bytes(stands.body), version)):
        raise ResourceChanged("somebody changed this since you read it: read it again")
    return None
