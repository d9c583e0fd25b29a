"""The sockets behind a port: at all addresses of a host, or none at all."""

import asyncio
import errno
import socket
from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any, ClassVar, Final

from forecourt.base.errors import ForecourtError, Kind

# A kernel without it, and one where it was switched off.
NO_IPV6: Final = frozenset({errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL})

Place = tuple[int, Any]
"""A family and an address in it, as ``getaddrinfo`` says them."""


class HostUnknown(ForecourtError):
    """What is to be listened at is no address of this machine."""

    kind: ClassVar[Kind] = Kind.INVALID
    code: ClassVar[str] = "serve.host_unknown"


async def sockets_of(host: str, port: int, *, backlog: int, each: int = 1) -> list[socket.socket]:
    """Those that listen at all addresses of ``host``, or of this machine if it is empty.

    Raises HostUnknown, OSError.
    """
    try:
        infos = await asyncio.get_running_loop().getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        places = dict.fromkeys((info[0], info[4]) for info in infos)
        return sockets_at(places, port, backlog=backlog, each=each)
    except OSError as error:
        if not isinstance(error, socket.gaierror) and error.errno != errno.EADDRNOTAVAIL:
            raise
        raise HostUnknown(
            f"{host!r} is no address of this machine; set FORECOURT_HOST to one that it has,"
            " or to 0.0.0.0 for all"
        ) from error


def sockets_at(
    places: Iterable[Place], port: int, *, backlog: int, each: int = 1
) -> list[socket.socket]:
    """So many for each place; where one cannot be had, none stays. Raises OSError.

    A machine without IPv6 resolves names to it all the same: others are listened at, if there are.
    """
    shared = each > 1
    made, lacking = list[socket.socket](), list[OSError]()
    with ExitStack() as opened:
        for family, (host, _, *more) in places:
            try:
                if port and shared:
                    # Another program of ours could share it as well: see first that nobody has it.
                    socket.create_server((host, port, *more), family=family).close()
                for _ in range(each):
                    one = socket.create_server(
                        (host, port, *more), family=family, backlog=backlog, reuse_port=shared
                    )
                    made.append(opened.enter_context(one))
                    port = one.getsockname()[1]
            except OSError as error:
                if family != socket.AF_INET6 or error.errno not in NO_IPV6:
                    raise
                lacking.append(error)
        if not made:
            raise lacking[0] if lacking else OSError("the host has no address")
        opened.pop_all()
    return made


def authority(host: str, port: int) -> str:
    """How an address names both of them (RFC 3986, 3.2.2)."""
    return f"[{host}]:{port}" if ":" in host else f"{host or 'localhost'}:{port}"
