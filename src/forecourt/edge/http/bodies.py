"""Bodies are taken at their word: a number is no moment, and a text no number.

The framework would take either for the other, and the document promises that we do not. Knows no
route and no room.
"""

import re
from contextlib import suppress
from functools import cache
from typing import Any, Final

import msgspec
from litestar.connection import ASGIConnection, Request
from litestar.exceptions import ValidationException
from litestar.handlers import BaseRouteHandler

BODY: Final = "data"
"""What routes call theirs."""
_WHERE: Final = re.compile(r"(.*) - at `\$\.?(.*)`", re.DOTALL)


async def at_its_word(
    connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
) -> None:
    """A guard, behind those that ask who it is. Raises ValidationException."""
    decoder = _decoder(handler)
    if decoder is None or not isinstance(connection, Request):
        return
    body = await connection.body()
    wrong = _wrong(decoder, body)
    if wrong is not None:
        found = _WHERE.fullmatch(str(wrong))
        detail, place = (str(wrong), BODY) if found is None else found.groups()
        said = {"message": detail, "key": place or BODY, "source": "body"}
        raise ValidationException(extra=[said])


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
def _decoder(handler: BaseRouteHandler) -> msgspec.json.Decoder[Any] | None:
    """Of the body that a route takes; None for a route without."""
    field = handler.parsed_fn_signature.parameters.get(BODY)
    return None if field is None else msgspec.json.Decoder(field.annotation)
