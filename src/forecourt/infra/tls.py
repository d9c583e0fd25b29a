"""TLS for the doors: contexts as OCPP wants them, what was revoked, and why a handshake failed.

Knows no station and no OCPP.
"""

import asyncio
import errno
import socket
import ssl
import warnings
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar, Final

import aiofastnet
import structlog
from cryptography import x509
from msgspec import Struct

from forecourt.base.errors import ForecourtError, Kind
from forecourt.infra.roots import Seen, roots_of

log = structlog.get_logger(__name__)

# What OCPP names (2.0.1 A00.FR.318, 1.6 security A00.FR.317), and the same with forward secrecy for
# those whose certificate is RSA. TLS 1.3 has its own three, all of them good.
CIPHERS: Final = (
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "AES256-GCM-SHA384",
    "AES128-GCM-SHA256",
)
# TLS_RSA_WITH_AES_128_CBC_SHA, for stations that know only TLS 1.0 or 1.1 (A00.FR.324). OpenSSL
# keeps these versions below its first level of security.
OLD_CIPHERS: Final = "AES128-SHA:@SECLEVEL=0"
FLOORS: Final = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
}
HANDSHAKE_TIMEOUT_S: Final = 10.0
# Handshakes at once: each costs a millisecond of processor. Who comes when the house is full of
# them waits in the listening socket.
HANDSHAKES_MAX: Final = 512
ACCEPT_RETRY_S: Final = 1.0
# Failures told of in a minute; more only fills the disk.
FAILURES_TOLD_PER_MINUTE: Final = 60


class TlsBroken(ForecourtError):
    """A certificate, its key, or a list of either cannot be used."""

    kind: ClassVar[Kind] = Kind.INVALID
    code: ClassVar[str] = "serve.tls_broken"


class KeyPair(Struct, frozen=True):
    """A certificate with its chain, and its private key: PEM files."""

    cert: Path
    key: Path | None


class TlsFiles(Struct, frozen=True, kw_only=True):
    """What a TLS door is made of."""

    pairs: tuple[KeyPair, ...]
    """One, or two of different kinds of key: each client is served by what it understands."""
    client_ca: Path | None = None
    """Who signs the certificates of those who come in."""
    floor: str = "1.2"


def server_context(files: TlsFiles) -> ssl.SSLContext:
    """A context for a server. Raises TlsBroken."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with warnings.catch_warnings():
        # Python warns of the old ones; whoever sets them has been told.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = FLOORS[files.floor]
    old = f":{OLD_CIPHERS}" if files.floor != "1.2" else ""
    context.set_ciphers(":".join(CIPHERS) + old)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    load_pairs(context, files.pairs)
    if files.client_ca is not None:
        trust(context, files.client_ca)
    return context


def trust(context: ssl.SSLContext, authorities: Path | str) -> None:
    """Take certificates of these (a file, or PEM text), also in a context that is in use.

    Raises TlsBroken.
    """
    try:
        if isinstance(authorities, Path):
            context.load_verify_locations(authorities)
        elif authorities:
            context.load_verify_locations(cadata=authorities)
    except (OSError, ssl.SSLError) as error:
        where = f" in {authorities}" if isinstance(authorities, Path) else ""
        raise TlsBroken(f"cannot read the CAs{where}: {error}") from error
    if authorities:
        # Asked for, not demanded: stations of profile 2 have none. Who shows one must show a good
        # one; the door knows who must show one.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.verify_mode = ssl.CERT_OPTIONAL
        # A resumed session would not be verified anew, and a CA may have been taken away since.
        context.options |= ssl.OP_NO_TICKET
        context.num_tickets = 0


def load_pairs(context: ssl.SSLContext, pairs: Sequence[KeyPair]) -> None:
    """Take certificates up, also into a context that is in use. Raises TlsBroken."""
    for pair in pairs:
        try:
            context.load_cert_chain(pair.cert, pair.key)
        except (OSError, ssl.SSLError) as error:
            raise TlsBroken(
                f"cannot use the certificate {pair.cert}: {error}; a certificate and its key must"
                " be PEM files that belong together",
                file=str(pair.cert),
            ) from error


class RevocationList:
    """Which certificates are good no more, by a file of CRLs (PEM)."""

    def __init__(self, file: Path | None) -> None:
        self.file = file
        self._serials: Mapping[bytes, frozenset[int]] = {}
        self.reload()

    def reload(self) -> None:
        """Read the file again. Raises TlsBroken, and keeps what it had."""
        if self.file is None:
            return
        try:
            lists = _crls(self.file.read_bytes())
        except (OSError, ValueError) as error:
            raise TlsBroken(f"cannot read the revocation lists in {self.file}: {error}") from error
        found: dict[bytes, frozenset[int]] = {}
        for one in lists:
            issuer = one.issuer.public_bytes()
            found[issuer] = found.get(issuer, frozenset()) | {r.serial_number for r in one}
        self._serials = found

    def __call__(self, issuer: bytes, serial: int) -> bool:
        """Whether the certificate of this issuer (its name, DER) and serial number was revoked."""
        return serial in self._serials.get(issuer, ())


def _crls(data: bytes) -> list[x509.CertificateRevocationList]:
    end = b"-----END X509 CRL-----"
    parts = data.split(end)[:-1]
    if not parts:
        raise ValueError("there is none in it")
    return [x509.load_pem_x509_crl(part + end) for part in parts]


class Keeper:
    """Takes up certificates and revocation lists whose files changed, without a restart."""

    def __init__(
        self,
        contexts: Sequence[tuple[ssl.SSLContext, TlsFiles]],
        revoked: RevocationList,
        seen: Seen,
    ) -> None:
        self._contexts = contexts
        self._revoked = revoked
        self._seen = seen
        self._stamp = self._stamped()

    def begin(self) -> None:
        """What is in use from the start on: told of, where it leads to another root than before."""
        roots = self._roots()
        if not roots:
            return
        if lost := self._seen.lost(roots):
            log.warning("tls.root_changed", before=lost, now=roots)
        self._seen.keep(roots)

    def look(self) -> bool:
        """Look now; whether something was taken up. What is broken stays out, and is told of."""
        stamp = self._stamped()
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        try:
            for _, files in self._contexts:
                # In a context of nobody's first: half a pair would leave one in use without a key.
                server_context(files)
            self._same_roots()
            for context, files in self._contexts:
                load_pairs(context, files.pairs)
            self._revoked.reload()
        except TlsBroken as error:
            log.error("tls.not_taken_up", why=error.message)  # noqa: TRY400 (the message says it all)
            return False
        log.info("tls.taken_up")
        return True

    def _same_roots(self) -> None:
        """Raises TlsBroken where a root that was shown until now is shown no more."""
        roots = self._roots()
        if lost := self._seen.lost(roots):
            raise TlsBroken(
                f"the new certificate leads to {', '.join(roots)}; stations that trust only"
                f" {', '.join(lost)} could not come back. Have them trust the new root first,"
                " then restart"
            )

    def _roots(self) -> tuple[str, ...]:
        """Raises TlsBroken."""
        chains = {pair.cert for _, files in self._contexts for pair in files.pairs}
        try:
            return roots_of(sorted(chains))
        except (OSError, ValueError) as error:
            raise TlsBroken(f"cannot read the certificates: {error}") from error

    def _stamped(self) -> tuple[float, ...]:
        """When the files were written; 0 for one that is away just now."""
        named = [self._revoked.file]
        for _, files in self._contexts:
            for pair in files.pairs:
                named += [pair.cert, pair.key]
        stamps = []
        for file in named:
            try:
                stamps.append(0.0 if file is None else file.stat().st_mtime)
            except OSError:
                stamps.append(0.0)
        return tuple(stamps)


class TlsServer:
    """Listens, shakes hands, and says why where that fails, which the libraries below do not."""

    def __init__(
        self,
        listening: Sequence[socket.socket],
        factory: Callable[[], asyncio.BaseProtocol],
        context: ssl.SSLContext,
        *,
        tasks: asyncio.TaskGroup,
        failed: Callable[[], None],
        backlog: int,
    ) -> None:
        self._listening = deque(listening)
        self._port = listening[0].getsockname()[1]
        self._factory = factory
        self._context = context
        self._tasks = tasks
        self._failed = failed
        self._backlog = backlog
        self._loop = asyncio.get_running_loop()
        self._shaking: set[asyncio.Task[None]] = set()
        self._closed = False
        self._told = (0.0, 0)
        for one in listening:
            one.setblocking(False)
            one.listen(backlog)
        self._listen()

    def close(self) -> None:
        """Listen no more. Who is in stays; who has not shaken hands by now is let go."""
        if not self._closed:
            self._closed = True
            self._wait()
            for one in self._listening:
                one.close()
            for shaking in self._shaking:
                shaking.cancel()

    def _listen(self) -> None:
        if self._closed:
            return
        self._listening.rotate()  # The next to be heard first: none waits behind another's queue.
        for one in self._listening:
            self._loop.add_reader(one.fileno(), self._accept, one)

    def _wait(self) -> None:
        for one in self._listening:
            self._loop.remove_reader(one.fileno())

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(self._backlog):
            if len(self._shaking) >= HANDSHAKES_MAX:
                self._wait()
                return
            try:
                conn, _ = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                    raise
                log.error("tls.no_sockets_left", error=str(error))  # noqa: TRY400 (no stack to show)
                self._wait()
                self._loop.call_later(ACCEPT_RETRY_S, self._listen)
                return
            conn.setblocking(False)
            shaking = self._tasks.create_task(self._shake_hands(conn))
            self._shaking.add(shaking)
            shaking.add_done_callback(partial(self._shaken, conn))

    def _shaken(self, conn: socket.socket, shaking: asyncio.Task[None]) -> None:
        if shaking.cancelled():
            conn.close()
        full = len(self._shaking) == HANDSHAKES_MAX
        self._shaking.discard(shaking)
        if full:
            self._listen()

    async def _shake_hands(self, conn: socket.socket) -> None:
        address = ""
        try:
            address = str(conn.getpeername()[0])
            await aiofastnet.connect_accepted_socket(
                self._loop,
                self._factory,
                conn,
                ssl=self._context,
                ssl_handshake_timeout=HANDSHAKE_TIMEOUT_S,
            )
        except OSError as error:  # ssl.SSLError among them.
            conn.close()
            self._failed()
            self._tell(error, address)
        except Exception:  # The boundary: one broken handshake must not cost the server.
            conn.close()
            self._failed()
            log.exception("tls.handshake_broke", address=address)

    def _tell(self, error: OSError, address: str) -> None:
        now_s = self._loop.time()
        since_s, told = self._told
        if now_s - since_s >= 60:  # noqa: PLR2004 (a minute)
            since_s, told = now_s, 0
        self._told = (since_s, told + 1)
        if told < FAILURES_TOLD_PER_MINUTE:
            log.warning("tls.handshake_failed", port=self._port, address=address, why=why(error))


# Where OpenSSL's words leave one guessing.
_PLAINLY: Final = {
    "UNKNOWN_CA": "the other end does not know who signed our certificate",
    "CERTIFICATE_EXPIRED": "the other end says that our certificate is out of date",
    "UNSUPPORTED_PROTOCOL": "the other end knows no version of TLS that is good enough",
    "NO_SHARED_CIPHER": "the other end knows none of our ciphers for our kind of certificate",
    "HTTP_REQUEST": "the other end speaks HTTP without TLS",
}


def why(error: OSError) -> str:
    """A failed handshake in a line."""
    reason = getattr(error, "reason", None)
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not good: {error.verify_message}"
    for word, plain in _PLAINLY.items():
        if reason is not None and reason.endswith(word):
            return plain
    if reason is not None:
        return str(reason)
    return str(error) or "the other end hung up"
