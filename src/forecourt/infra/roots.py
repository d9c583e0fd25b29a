"""Which roots our certificates lead to, and whether that is what the other ends saw last.

A station may trust one root for years: a certificate under another one shuts it out, and nobody can
tell it over a line that it does not take up any more (field quirk 33).
"""

import json
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509


def roots_of(chains: Sequence[Path]) -> tuple[str, ...]:
    """Who stands at the top of each chain (PEM): its name, and the name of its key.

    Raises OSError, ValueError.
    """
    return tuple(sorted({_root(file.read_bytes()) for file in chains}))


def _root(pem: bytes) -> str:
    top = x509.load_pem_x509_certificates(pem)[-1]
    name = top.issuer.rfc4514_string()
    key: bytes | None = None
    try:
        by = top.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)
        key = by.value.key_identifier
    except x509.ExtensionNotFound:
        if top.issuer == top.subject:
            key = x509.SubjectKeyIdentifier.from_public_key(top.public_key()).digest
    return f"{name} ({key.hex()[:16]})" if key else name


class Seen:
    """The roots that were shown last, kept in a file."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def lost(self, roots: Sequence[str]) -> tuple[str, ...]:
        """Those that were shown and are not among these: who trusts only them is shut out."""
        try:
            before = json.loads(self._file.read_text())
        except (OSError, ValueError):
            return ()
        if not isinstance(before, list):
            return ()
        return tuple(root for root in before if root not in roots)

    def keep(self, roots: Sequence[str]) -> None:
        """From now on it is these."""
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file.write_text(json.dumps(list(roots)))
