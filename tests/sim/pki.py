"""A certificate authority for tests: a root, and certificates that it signs for requests."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

FROM = datetime(2026, 1, 1, tzinfo=UTC)
TO = FROM + timedelta(days=3_650)


class Authority:
    """One root."""

    def __init__(self, name: str = "Test root") -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = self._build(self.name, self.key.public_key(), authority=True)

    @property
    def pem(self) -> str:
        return _pem(self.certificate)

    def sign(self, csr_pem: str, *, until: datetime = TO) -> str:
        """A certificate for a request, and ours below it."""
        csr = x509.load_pem_x509_csr(csr_pem.encode())
        assert csr.is_signature_valid
        leaf = self._build(csr.subject, csr.public_key(), authority=False, until=until)
        return _pem(leaf) + self.pem

    def server(self, folder: Path) -> Path:
        """Certificate and key of a server on this machine, in one file."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        leaf = self._build(subject, key.public_key(), authority=False)
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        path = folder / "server.pem"
        path.write_text(private.decode() + _pem(leaf))
        return path

    def _build(
        self, subject: x509.Name, key: object, *, authority: bool, until: datetime = TO
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key)  # type: ignore[arg-type]  # whatever a request holds
            .serial_number(x509.random_serial_number())
            .not_valid_before(FROM)
            .not_valid_after(until)
            .add_extension(
                x509.SubjectAlternativeName(
                    [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
                ),
                critical=False,
            )
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        return builder.sign(self.key, hashes.SHA256())


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
