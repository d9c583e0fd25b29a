"""TLS for simulated stations: whom they trust, and which certificate they show."""

import ssl
import tempfile
from pathlib import Path
from typing import ClassVar

from forecourt.base.errors import ForecourtError, Kind
from forecourt.sim.station import Station


class CertificateUnusable(ForecourtError):
    """A certificate that was handed over cannot be used."""

    kind: ClassVar[Kind] = Kind.INVALID
    code: ClassVar[str] = "sim.certificate_unusable"


class Contexts:
    """TLS contexts of a fleet: one for all who are as delivered, one each for the others."""

    def __init__(
        self, ca: Path | None, certificate: str | None = None, key: str | None = None
    ) -> None:
        self._ca = ca
        self._certificate = certificate
        self._key = key
        self._shared: ssl.SSLContext | None = None

    def of(self, station: Station, url: str) -> ssl.SSLContext | None:
        """None for a connection without TLS."""
        if not url.startswith("wss:"):
            return None
        own_roots = station.vault.roots_pem("CSMSRoot")
        if not (station.has_identity or own_roots or self._certificate):
            if self._shared is None:
                self._shared = ssl.create_default_context(cafile=self._ca)
            return self._shared
        context = ssl.create_default_context(cafile=self._ca)
        if own_roots:
            context.load_verify_locations(cadata=own_roots)
        if station.has_identity:
            _show(context, (station.vault.chain or "").encode(), station.vault.key_pem())
        elif self._certificate is not None:
            self._show_delivered(context, self._certificate, station)
        return context

    def _show_delivered(self, context: ssl.SSLContext, certificate: str, station: Station) -> None:
        """The certificate that the factory put in; ``{id}`` in its name is the identity."""
        identity = station.plan.identity
        key = self._key.replace("{id}", identity) if self._key is not None else None
        path = certificate.replace("{id}", identity)
        try:
            context.load_cert_chain(path, key)
        except (OSError, ssl.SSLError) as error:
            raise CertificateUnusable(f"cannot use {path}: {error}") from error


def _show(context: ssl.SSLContext, chain: bytes, key: bytes) -> None:
    """OpenSSL reads a key from a file alone; this one is there for a moment, for us only."""
    with tempfile.NamedTemporaryFile(prefix="station-", suffix=".pem") as file:
        file.write(key + chain)
        file.flush()
        context.load_cert_chain(file.name)
