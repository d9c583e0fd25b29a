"""The ports for stations: which there are, by which certificates, and that these stay good.

Without a certificate of the operator's own, the platform's own authority makes one.
"""

import asyncio
import os
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Final

import structlog
from msgspec import Struct
from msgspec.structs import replace

from forecourt.base.context import Context
from forecourt.domain.security import Security
from forecourt.edge.ocpp.gateway import Gateway
from forecourt.edge.ocpp.listener import Listening, Server, listen
from forecourt.edge.ocpp.vouching import Vouching
from forecourt.infra.database import DatabaseAway
from forecourt.infra.listening import authority
from forecourt.infra.roots import Seen
from forecourt.infra.tls import (
    Keeper,
    KeyPair,
    RevocationList,
    TlsBroken,
    TlsFiles,
    server_context,
    trust,
)

log = structlog.get_logger(__name__)

ROOTS_FILE: Final = "roots.json"
LOOK_EVERY_S: Final = 60.0
# From this security profile on everything is encrypted, and a port without TLS is good for nobody.
ENCRYPTED_FROM: Final = 2


class PortOptions(Struct, frozen=True, kw_only=True):
    """What an operator may choose of the ports."""

    host: str
    port: int
    tls_port: int | None = None
    old_tls_port: int | None = None
    old_tls_floor: str = "1.1"
    pairs: tuple[KeyPair, ...] = ()
    """The operator's own certificates; without, one of the platform's own authority."""
    client_ca: Path | None = None
    client_crl: Path | None = None
    hosts: tuple[str, ...] = ()
    """By which names and addresses stations know us."""
    folder: Path
    """Where the certificate of our own authority lies."""


class Ports:
    """All ports for stations of this process."""

    def __init__(
        self,
        gateway: Gateway,
        security: Security,
        options: PortOptions,
        *,
        now: Callable[[], datetime],
        beside: tuple[ssl.SSLContext, TlsFiles] | None = None,
    ) -> None:
        """``beside``: another door's, which takes up what is new together with these."""
        self._gateway = gateway
        self._security = security
        self._options = options
        self._now = now
        self._beside: Sequence[tuple[ssl.SSLContext, TlsFiles]] = (
            () if beside is None else (beside,)
        )
        self._revoked = RevocationList(options.client_crl)
        self._contexts: list[tuple[ssl.SSLContext, TlsFiles]] = []
        self._servers: list[Server] = []
        self._renew_at: datetime | None = None
        self._keeper: Keeper | None = None

    async def open(self, taken: Callable[[int], AbstractContextManager[None]]) -> tuple[str, ...]:
        """Listen; the addresses: without TLS, with, with an old one. ``taken`` names a port that
        somebody else has.
        """
        options = self._options
        read = Vouching(
            self._security,
            revoked=self._revoked,
            by_file=options.client_ca is not None,
            now=self._now,
        )
        urls = []
        for port, files in await self._wanted():
            context = None
            if files is not None:
                context = server_context(files)
                self._contexts.append((context, files))
            with taken(port):
                server = await listen(
                    self._gateway,
                    Listening(host=options.host, port=port, read=read, tls=context),
                )
            self._servers.append(server)
            urls.append(f"{'wss' if context else 'ws'}://{authority(options.host, server.port)}")
        seen = Seen(options.folder / ROOTS_FILE)
        self._keeper = Keeper((*self._contexts, *self._beside), self._revoked, seen)
        self._keeper.begin()
        await self.trust()
        return tuple(urls)

    def close(self) -> None:
        """Listen no more."""
        for server in self._servers:
            server.close()

    async def keep(self) -> None:
        """Every minute: take up what is new, before what is old runs out."""
        while self._contexts:
            await asyncio.sleep(LOOK_EVERY_S)
            await self.look()

    async def look(self) -> None:
        """The same, once."""
        try:
            if self._renew_at is not None and self._renew_at <= self._now():
                await self._own_pair()
        except DatabaseAway as error:
            log.warning("tls.renewed_later", why=error.message)
        if self._keeper is not None:
            self._keeper.look()

    async def trust(self) -> None:
        """The platform's authorities changed: take what they sign, from now on.

        What an authority that is trusted no more signed still shakes hands; the door refuses it.
        """
        authorities = await self._security.station_trust_pem()
        for context, _ in self._contexts:
            trust(context, authorities)

    async def _wanted(self) -> Sequence[tuple[int, TlsFiles | None]]:
        """Each port, and what its TLS is made of."""
        options = self._options
        with_tls = options.tls_port is not None or options.old_tls_port is not None
        if not options.pairs and not with_tls:
            if self._gateway.options.security_profile_min >= ENCRYPTED_FROM:
                raise TlsBroken(
                    "security_profile_min lets nobody in without TLS: set --ocpp-tls-port, or"
                    " --tls-cert and --tls-key"
                )
            return [(options.port, None)]
        pairs = options.pairs or (await self._own_pair(),)
        files = TlsFiles(pairs=pairs, client_ca=options.client_ca)
        return list(_ports(options, files, self._gateway.options.security_profile_min))

    async def _own_pair(self) -> KeyPair:
        """A certificate of our own authority, in files: OpenSSL reads no other."""
        ctx = Context(actor="system:ports", tenant=self._gateway.options.tenant, now=self._now())
        made = await self._security.server_certificate(ctx, self._options.hosts or known_as())
        self._renew_at = made.renew_at
        folder = self._options.folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        pair = KeyPair(folder / "server.pem", folder / "server.key")
        _write(folder / "server.key", made.key_pem)
        _write(pair.cert, made.chain_pem)
        return pair


def _ports(
    options: PortOptions, files: TlsFiles, profile_min: int
) -> Iterator[tuple[int, TlsFiles | None]]:
    if options.tls_port is None:
        yield options.port, files
    else:
        if profile_min < ENCRYPTED_FROM:
            yield options.port, None
        yield options.tls_port, files
    if options.old_tls_port is not None:
        yield options.old_tls_port, replace(files, floor=options.old_tls_floor)


def known_as() -> tuple[str, ...]:
    """How this machine is called, where nobody said."""
    return tuple(dict.fromkeys((socket.gethostname(), "localhost", "127.0.0.1")))


def _write(file: Path, text: str) -> None:
    """Readable by its owner alone, and never half."""
    fresh = file.with_suffix(file.suffix + ".fresh")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        opened.write(text)
    fresh.replace(file)
