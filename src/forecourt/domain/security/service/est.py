"""An authority outside that speaks EST (RFC 7030): it is asked, and its answer is checked.

EST knows enrolment and the authority's own certificates; it takes no news of revocations, and
publishes its lists itself.
"""

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, pkcs7

from forecourt.domain.security import rules
from forecourt.domain.security.model import (
    AuthorityAway,
    AuthorityRefused,
    Issued,
    Profile,
    Reason,
    Verdict,
)
from forecourt.infra.outbound import Outbound, OutboundAway, OutboundRefused, Reply

OK, ACCEPTED, CLIENT_ERRORS, SERVER_ERRORS = 200, 202, 400, 500
TIMEOUT_S: Final = 30.0
# They say "not you" and "too often" while somebody sets things right: worth another try.
PASSING: Final = frozenset({401, 403, 408, 425, 429})


class EstAuthority:
    """Speaks to one EST server. ``url`` ends where the operations' names begin."""

    def __init__(self, outbound: Outbound, url: str, *, credentials: str = "") -> None:
        self._outbound = outbound
        self._url = url.rstrip("/")
        self._headers = {"Accept": "application/pkcs7-mime"}
        if credentials:
            basic = base64.b64encode(credentials.encode()).decode()
            self._headers["Authorization"] = f"Basic {basic}"

    async def sign(self, csr: bytes, profile: Profile, now: datetime) -> Issued:
        """Enrol (4.2.1). The authority decides itself what stands in the certificate."""
        authorities = await self._cacerts()
        reply = await self._send(
            "POST",
            "simpleenroll",
            base64.encodebytes(csr),
            {"Content-Type": "application/pkcs10", "Content-Transfer-Encoding": "base64"},
        )
        if reply.status == ACCEPTED:
            raise AuthorityAway("the authority has taken the request and has not decided yet")
        wanted = x509.load_der_x509_csr(csr).public_key()
        spki = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        found = _certificates(reply)
        leaf = next(
            (
                one
                for one in found
                if one.public_key().public_bytes(*spki) == wanted.public_bytes(*spki)
            ),
            None,
        )
        if leaf is None:
            raise AuthorityRefused("the authority answered with somebody else's certificate")
        roots = [one for one in authorities if one.subject == one.issuer]
        path = rules.verify([leaf, *found, *authorities], roots, now)
        if path.verdict is not Verdict.GOOD:
            raise AuthorityRefused("the authority's answer does not lead to its own root")
        if rules.common_name(leaf.subject) != profile.subject:
            raise AuthorityRefused("the authority gave the certificate another name")
        ders = tuple(one.public_bytes(Encoding.DER) for one in path.certificates)
        return Issued(chain=ders[:-1], issuers=ders[1:])

    async def revoke(self, serial: str, reason: Reason, now: datetime) -> bool:
        """EST has no word for it: our doors know, and the operator must tell the authority."""
        return False

    async def chain(self, now: datetime) -> Sequence[bytes]:
        """The authorities' certificates (4.1), in the order in which the server gives them."""
        return [one.public_bytes(Encoding.DER) for one in await self._cacerts()]

    async def crl(self, now: datetime) -> bytes | None:
        """It publishes its own, where its certificates say."""
        return None

    async def _cacerts(self) -> list[x509.Certificate]:
        return _certificates(await self._send("GET", "cacerts", b"", {}))

    async def _send(
        self, method: str, operation: str, body: bytes, headers: dict[str, str]
    ) -> Reply:
        try:
            reply = await self._outbound.send(
                method,
                f"{self._url}/{operation}",
                body=body,
                headers=self._headers | headers,
                timeout_s=TIMEOUT_S,
            )
        except (OutboundAway, OutboundRefused) as error:
            raise AuthorityAway(error.message) from error
        if reply.status in (OK, ACCEPTED):
            return reply
        told = f"the authority says HTTP {reply.status} to {operation}"
        if CLIENT_ERRORS <= reply.status < SERVER_ERRORS and reply.status not in PASSING:
            raise AuthorityRefused(told)
        raise AuthorityAway(told)


def _certificates(reply: Reply) -> list[x509.Certificate]:
    """The certificates of a certs-only message (RFC 7030, 4.1.3). Raises AuthorityAway."""
    try:
        return pkcs7.load_der_pkcs7_certificates(base64.b64decode(b"".join(reply.body.split())))
    except (ValueError, binascii.Error) as error:
        raise AuthorityAway("the authority's answer cannot be read") from error
