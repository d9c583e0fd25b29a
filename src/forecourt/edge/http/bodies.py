"""Requests are taken at their word: a number is no moment, and a text no number.

The framework would take either for the other, and the document promises that we do not. Knows no
route and no room.
"""

import re
from contextlib import suppress
from datetime import datetime
from functools import cache
from typing import Any, Final

import msgspec
from litestar.connection import ASGIConnection, Request
from litestar.exceptions import ValidationException
from litestar.handlers import BaseRouteHandler
from litestar.params import QueryParameter
from msgspec import Struct

BODY: Final = "data"
"""What routes call theirs."""
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_WHERE: Final = re.compile(r"(.*) - at `\$\.?(.*)`", re.DOTALL)


class _Promised(Struct, frozen=True):
    """What a route's caller was promised that it takes."""

    body: msgspec.json.Decoder[Any] | None
    moments: tuple[str, ...]
    """The query's, by their names there."""


async def at_its_word(connection: ASGIConnection[Any, Any, Any, Any]) -> None:
    """For guards, behind who asks who it is. Raises ValidationException."""
    # Not the one that guards are given: that is a copy, and another for each request.
    promised = _promised(connection.scope["route_handler"])
    for name in promised.moments:
        said = connection.query_params.get(name)
        if said is not None and not _DATE.match(said):
            raise _refused("a moment, as RFC 3339 writes it", name, "query")
    if promised.body is None or not isinstance(connection, Request):
        return
    wrong = _wrong(promised.body, await connection.body())
    if wrong is not None:
        found = _WHERE.fullmatch(str(wrong))
        detail, place = (str(wrong), BODY) if found is None else found.groups()
        raise _refused(detail, place or BODY, "body")


def _refused(detail: str, key: str, source: str) -> ValidationException:
    return ValidationException(extra=[{"message": detail, "key": key, "source": source}])


def _wrong(decoder: msgspec.json.Decoder[Any], body: bytes) -> msgspec.ValidationError | None:
    """What does not fit. What is no JSON at all the framework says itself."""
    try:
        decoder.decode(body)
    except msgspec.ValidationError as wrong:
        with suppress(msgspec.DecodeError, UnicodeDecodeError):
            msgspec.json.decode(body)
            return wrong
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return None


@cache
def _promised(handler: BaseRouteHandler) -> _Promised:
    parameters = handler.parsed_fn_signature.parameters
    field = parameters.get(BODY)
    moments = tuple(
        getattr(one.kwarg_definition, "name", None) or name
        for name, one in parameters.items()
        if isinstance(one.kwarg_definition, QueryParameter) and datetime in (one.args or ())
    )
    return _Promised(None if field is None else msgspec.json.Decoder(field.annotation), moments)
