"""permessage-deflate (RFC 7692) as a station offers it: whole messages in, whole messages out.

Stations have little memory, so ours forgets between messages; a server that does not is followed.
"""

import zlib
from typing import Final

OFFER: Final = "permessage-deflate; client_no_context_takeover; server_no_context_takeover"
_NAME: Final = "permessage-deflate"
_TAIL: Final = b"\x00\x00\xff\xff"
_WINDOW: Final = -15
_SMALL: Final = 64
"""Shorter messages grow by being compressed."""


class Deflate:
    """One connection's compression."""

    __slots__ = ("_follows", "_inflate", "_message_max")

    def __init__(self, agreed: str, *, message_max: int) -> None:
        self._follows = "server_no_context_takeover" not in agreed
        self._inflate = zlib.decompressobj(_WINDOW)
        self._message_max = message_max

    def pack(self, data: bytes) -> tuple[bytes, bool]:
        """The payload to send, and whether it is compressed."""
        if len(data) < _SMALL:
            return data, False
        packer = zlib.compressobj(wbits=_WINDOW)
        packed = packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)
        return packed.removesuffix(_TAIL), True

    def unpack(self, data: bytes) -> bytes | None:
        """The message; None when it is broken, or larger than any message may be."""
        if not self._follows:
            self._inflate = zlib.decompressobj(_WINDOW)
        try:
            text = self._inflate.decompress(data + _TAIL, self._message_max)
        except zlib.error:
            return None
        return None if self._inflate.unconsumed_tail else text


def agreed(header: str | None, *, message_max: int) -> Deflate | None:
    """What the server's answer to the offer makes of the connection."""
    if header is None or not header.strip().startswith(_NAME):
        return None
    return Deflate(header, message_max=message_max)
