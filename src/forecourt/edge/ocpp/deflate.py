"""permessage-deflate (RFC 7692), without context takeover: nothing is kept between messages.

So one compressor serves all connections of a process, and an idle connection costs nothing. Bytes
in, bytes out: knows no socket.
"""

import re
import zlib
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct

# Below this a message hardly shrinks, and the station would have to inflate it all the same.
COMPRESS_FROM_BYTES: Final = 256
LEVEL: Final = 6
MEMORY_LEVEL: Final = 8
WINDOW_BITS_MAX: Final = 15
# zlib makes no raw stream with a window of 8 bits: who insists on it is not compressed for.
WINDOW_BITS_MIN: Final = 9
# A message may consist of several DEFLATE streams (7.2.3.5); more than these is a game.
STREAMS_MAX: Final = 16
OFFERS_MAX: Final = 16

NAME: Final = "permessage-deflate"
_TAIL: Final = b"\x00\x00\xff\xff"
_TOKEN: Final = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"  # noqa: S105 (HTTP's word for a word)
_PARAMETER: Final = re.compile(rf'[ \t]*;[ \t]*({_TOKEN})(?:[ \t]*=[ \t]*({_TOKEN}|"{_TOKEN}"))?')
_EXTENSION: Final = re.compile(rf"[ \t]*({_TOKEN})")
_BITS: Final = re.compile(r"[89]|1[0-5]")


class OfferMalformed(Exception):
    """A header that is no list of extensions (RFC 6455, 9.1): the handshake fails."""


class TooBig(Exception):
    """What came would be larger than a message may be."""


class Corrupt(Exception):
    """What came cannot be inflated."""


class Agreed(Struct, frozen=True):
    """What both ends keep to."""

    header: str
    """Our answer to the offer."""
    window_bits: int
    """How far back what we send may reach."""


def agree(headers: Sequence[str]) -> Agreed | None:
    """The first offer that we can keep to, if there is one. Raises OfferMalformed."""
    # All of it is read first: what is malformed further on fails the handshake as well.
    for name, parameters in list(_offers(headers)):
        if name.lower() == NAME:
            agreed = _accept(parameters)
            if agreed is not None:
                return agreed
    return None


def _offers(headers: Sequence[str]) -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    count = 0
    for line in headers:
        at = 0
        while True:
            found = _EXTENSION.match(line, at)
            count += 1
            if found is None or count > OFFERS_MAX:
                raise OfferMalformed
            at, parameters = found.end(), []
            while (parameter := _PARAMETER.match(line, at)) is not None:
                value = parameter[2]
                parameters.append((parameter[1], None if value is None else value.strip('"')))
                at = parameter.end()
            yield found[1], parameters
            rest = line[at:].lstrip(" \t")
            if not rest:
                break
            if rest[0] != ",":
                raise OfferMalformed
            at = len(line) - len(rest) + 1


def _accept(parameters: list[tuple[str, str | None]]) -> Agreed | None:
    """None where the offer asks for what we do not know or cannot do (7.1: then it is declined)."""
    bits, seen = WINDOW_BITS_MAX, set[str]()
    for name, value in parameters:
        if name in seen:
            return None
        seen.add(name)
        if name in ("server_no_context_takeover", "client_no_context_takeover"):
            if value is not None:
                return None
        elif name == "server_max_window_bits":
            if value is None or not _BITS.fullmatch(value) or int(value) < WINDOW_BITS_MIN:
                return None
            bits = int(value)
        elif name == "client_max_window_bits":
            if value is not None and not _BITS.fullmatch(value):
                return None
        else:
            return None
    header = f"{NAME}; server_no_context_takeover; client_no_context_takeover"
    if "server_max_window_bits" in seen:
        header += f"; server_max_window_bits={bits}"
    return Agreed(header, bits)


_compressors: Final = {
    bits: zlib.compressobj(LEVEL, zlib.DEFLATED, -bits, MEMORY_LEVEL) for bits in (WINDOW_BITS_MAX,)
}
"""One for each size of window that a station asked for: at most seven, for all connections."""


def deflate(message: bytes, window_bits: int) -> bytes:
    """The payload of a frame with RSV1. A full flush forgets what was said before."""
    compressor = _compressors.get(window_bits)
    if compressor is None:
        compressor = zlib.compressobj(LEVEL, zlib.DEFLATED, -window_bits, MEMORY_LEVEL)
        _compressors[window_bits] = compressor
    whole = compressor.compress(message) + compressor.flush(zlib.Z_FULL_FLUSH)
    return whole[: -len(_TAIL)]


def inflate(payload: bytes, bytes_max: int) -> bytes:
    """The message in a payload. Raises TooBig, Corrupt.

    Each message has a stream of its own: a shared window would let a station reach back into what
    another one said.
    """
    rest, parts, size = payload + _TAIL, [], 0
    for _ in range(STREAMS_MAX):
        stream = zlib.decompressobj(-WINDOW_BITS_MAX)
        try:
            part = stream.decompress(rest, bytes_max - size + 1)
        except zlib.error as error:
            raise Corrupt(str(error)) from error
        size += len(part)
        if size > bytes_max:
            raise TooBig
        parts.append(part)
        if not stream.eof or not stream.unused_data:
            return parts[0] if len(parts) == 1 else b"".join(parts)
        rest = stream.unused_data
    raise Corrupt("too many streams in one message")
