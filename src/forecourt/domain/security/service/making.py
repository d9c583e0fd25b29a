"""Makes keys, authorities, certificates and lists of what was revoked.

P-256, which every station knows.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPublicKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from forecourt.base.context import Context
from forecourt.base.ids import new_id
from forecourt.base.seal import Sealed, seal, unseal
from forecourt.domain.security import rules
from forecourt.domain.security.model import (
    CertificateAuthority,
    Profile,
    Reason,
    Role,
)

CURVE: Final = ec.SECP256R1
KEY_USE: Final = "authority"
# Below a root stand our own authorities; in ISO 15118 there may be two of them in a row.
PATH_LENGTHS: Final = {Role.CSMS_ROOT: 1, Role.V2G_ROOT: 2, Role.MO_ROOT: 2}
# A list is made when it is asked for; whoever keeps one shall ask again within a week.
CRL_GOOD_FOR: Final = timedelta(days=7)

TITLES: Final = {
    Role.CSMS_ROOT: "Root CA",
    Role.SERVER: "Server CA",
    Role.STATION: "Station CA",
    Role.V2G_ROOT: "V2G Root CA",
    Role.V2G: "CPO Sub-CA",
    Role.MO_ROOT: "MO Root CA",
    Role.CONTRACT: "MO Sub-CA",
}

PrivateKey = ec.EllipticCurvePrivateKey


class Urls:
    """Where the world finds our lists of revoked certificates; nowhere, when no address is set."""

    def __init__(self, base: str) -> None:
        self._base = base.rstrip("/")

    def crl(self, authority: str) -> str:
        return f"{self._base}/pki/crl/{authority}.crl" if self._base else ""

    @property
    def ocsp(self) -> str:
        return f"{self._base}/pki/ocsp" if self._base else ""


class Keys:
    """Private keys, sealed for the place where they lie."""

    def __init__(self, secret_key: bytes) -> None:
        self._secret_key = secret_key

    def seal(self, key: PrivateKey, label: str) -> Sealed:
        der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        return seal(der, key=self._secret_key, use=KEY_USE, label=label)

    def unseal(self, sealed: Sealed, label: str) -> PrivateKey:
        der = unseal(sealed, key=self._secret_key, use=KEY_USE, label=label)
        key = load_der_private_key(der, password=None)
        assert isinstance(key, PrivateKey), "we make no other keys"
        return key


class Maker:
    """Makes authorities and signs certificates with their keys. Keeps nothing."""

    def __init__(self, keys: Keys, urls: Urls) -> None:
        self.keys = keys
        self.urls = urls

    def authority(
        self,
        ctx: Context,
        role: Role,
        *,
        organization: str,
        days: int,
        parent: tuple[CertificateAuthority, PrivateKey] | None,
        path_length: int | None = None,
        title: str = "",
    ) -> tuple[CertificateAuthority, PrivateKey]:
        """A new authority; without a parent a root, which vouches for itself."""
        key = ec.generate_private_key(CURVE())
        title = f"{organization} {title or TITLES[role]}"[: rules.COMMON_NAME_MAX]
        subject = rules.authority_name(title, organization, role)
        issuer = None if parent is None else x509.load_der_x509_certificate(parent[0].certificate)
        starts_at, expires_at = rules.span(
            ctx.now,
            days,
            ctx.now + timedelta(days=days) if parent is None else parent[0].expires_at,
        )
        above = "" if parent is None else parent[0].id
        extensions = rules.authority_extensions(
            key.public_key(),
            key.public_key() if parent is None else parent[1].public_key(),
            path_length=PATH_LENGTHS.get(role, 0) if path_length is None else path_length,
            crl_url=self.urls.crl(above),
            ocsp_url=self.urls.ocsp,
        )
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject if issuer is None else issuer.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(starts_at)
            .not_valid_after(expires_at)
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        made = builder.sign(key if parent is None else parent[1], SHA256())
        der = made.public_bytes(Encoding.DER)
        authority = CertificateAuthority(
            id=new_id("aut", ctx.now),
            tenant=ctx.tenant,
            role=role,
            name=title,
            parent=None if parent is None else parent[0].id,
            own=True,
            certificate=der,
            fingerprint=rules.fingerprint(der),
            expires_at=expires_at,
            created_at=ctx.now,
        )
        return authority, key

    def leaf(
        self,
        public_key: CertificateIssuerPublicKeyTypes,
        profile: Profile,
        issuer: CertificateAuthority,
        issuer_key: PrivateKey,
        now: datetime,
    ) -> bytes:
        """A certificate for somebody's public key (DER)."""
        above = x509.load_der_x509_certificate(issuer.certificate)
        starts_at, expires_at = rules.span(now, profile.days, issuer.expires_at)
        builder = (
            x509.CertificateBuilder()
            .subject_name(rules.name(profile.subject, profile.organization, profile.use))
            .issuer_name(above.subject)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(starts_at)
            .not_valid_after(expires_at)
        )
        extensions = rules.leaf_extensions(
            profile,
            public_key,
            issuer_key.public_key(),
            rsa=isinstance(public_key, rsa.RSAPublicKey),
            crl_url=self.urls.crl(issuer.id),
            ocsp_url=self.urls.ocsp,
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(issuer_key, SHA256()).public_bytes(Encoding.DER)

    def crl(
        self,
        issuer: CertificateAuthority,
        issuer_key: PrivateKey,
        revoked: Sequence[tuple[str, Reason, datetime]],
        now: datetime,
    ) -> bytes:
        """What ``issuer`` has revoked (DER). Its number is the second in which it was made."""
        above = x509.load_der_x509_certificate(issuer.certificate)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(above.subject)
            .last_update(now)
            .next_update(now + CRL_GOOD_FOR)
            .add_extension(x509.CRLNumber(int(now.timestamp())), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
                critical=False,
            )
        )
        for serial, reason, at in revoked:
            entry = (
                x509.RevokedCertificateBuilder().serial_number(int(serial, 16)).revocation_date(at)
            )
            if reason is not Reason.UNSPECIFIED:
                flag = x509.ReasonFlags(reason.value)
                entry = entry.add_extension(x509.CRLReason(flag), critical=False)
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(issuer_key, SHA256()).public_bytes(Encoding.DER)
