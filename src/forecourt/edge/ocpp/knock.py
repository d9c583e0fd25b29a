"""A knock at the door: what a request for a websocket says of who sends it. Decides nothing."""

import base64
import binascii
from asyncio import BaseTransport
from collections.abc import Callable
from typing import Final, TypeAlias
from urllib.parse import unquote_to_bytes

from msgspec import Struct
from multidict import CIMultiDict

from forecourt.domain.stations import ClientCertificate
from forecourt.edge.peers import Proxies

FORWARDED: Final = "X-Forwarded-For"
# What only stations of 1.6 may have (2.0.1 A00.FR.313).
OLD_TLS: Final = frozenset({"SSLv3", "TLSv1", "TLSv1.1"})

Reader: TypeAlias = Callable[[bytes], ClientCertificate]
"""Reads a certificate (DER) that was shown, and says whether it counts."""


class Knock(Struct, frozen=True, kw_only=True):
    """Somebody wants to come in."""

    identity: str
    address: str
    encrypted: bool
    password: bytes | None = None
    certificate: ClientCertificate | None = None


def peer_of(socket: BaseTransport, headers: CIMultiDict[str], proxies: Proxies) -> str:
    """The address that a connection comes from; what a proxy of ours says, where one is between."""
    peer = socket.get_extra_info("peername")
    address = str(peer[0]) if isinstance(peer, tuple) and peer else ""
    return proxies.client(address, ",".join(headers.getall(FORWARDED, [])))


def tls_version(socket: BaseTransport) -> str | None:
    """The version of TLS, as Python spells it; None without TLS."""
    tls = socket.get_extra_info("ssl_object")
    return None if tls is None else str(tls.version())


def certificate_of(socket: BaseTransport, read: Reader) -> ClientCertificate | None:
    """The certificate that the other end showed, if it did."""
    tls = socket.get_extra_info("ssl_object")
    der: bytes | None = None if tls is None else tls.getpeercert(True)
    return read(der) if der else None


def identity_of(path: str) -> str | None:
    """The station's identity in a request's path, or None where there is none.

    ``/{id}`` or ``/ocpp/{id}``, percent-encoded; stations in the field write the whole URL, double
    slashes, a slash at the end, or a query besides.
    """
    bare = path.split("?", 1)[0].split("#", 1)[0]
    if "://" in bare:
        bare = "/" + bare.split("://", 1)[1].partition("/")[2]
    parts = [part for part in bare.split("/") if part]
    if parts and parts[0] == "ocpp":
        parts = parts[1:]
    if len(parts) != 1:
        return None
    try:
        return unquote_to_bytes(parts[0]).decode()
    except UnicodeDecodeError:
        return None


def password_of(headers: CIMultiDict[str], identity: str) -> bytes | None:
    """The password of HTTP Basic authentication, as bytes: some stations send raw ones.

    The user must be the station's identity (A00.FR.204); then it counts, else not.
    """
    scheme, _, credentials = headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        decoded = base64.b64decode(credentials.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    # The identity may hold a colon, and the password too: cut where the identity ends.
    user = identity.encode()
    if not decoded.startswith(user + b":"):
        return None
    return decoded[len(user) + 1 :]
