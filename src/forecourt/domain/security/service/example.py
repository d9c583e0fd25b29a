"""A whole set of certificates for trying: everybody's, with their keys, and nobody's in earnest."""

from collections.abc import Sequence
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from forecourt.base.context import Context
from forecourt.domain.security import rules
from forecourt.domain.security.model import CertificateAuthority, Profile, Role, Use
from forecourt.domain.security.service.making import CURVE, Keys, Maker, PrivateKey, Urls

ORGANIZATION: Final = "Forecourt Test"
DAYS: Final = 3_650
NO_KEY: Final = bytes(32)

Made = tuple[CertificateAuthority, PrivateKey]


class Example:
    """The files by name, as they come to be."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        # Nothing is sealed here: the keys go where the person who asked wants them.
        self._maker = Maker(Keys(NO_KEY), Urls(""))
        self.files: dict[str, str] = {}

    def authority(
        self,
        name: str,
        role: Role,
        above: Made | None = None,
        *,
        path_length: int | None = None,
        title: str = "",
    ) -> Made:
        """An authority of the set."""
        made = self._maker.authority(
            self._ctx,
            role,
            organization=ORGANIZATION,
            days=DAYS,
            parent=above,
            path_length=path_length,
            title=title,
        )
        self._keep(name, [made[0].certificate], made[1])
        return made

    def leaf(
        self, name: str, use: Use, subject: str, line: Sequence[Made], hosts: Sequence[str] = ()
    ) -> None:
        """A certificate; ``line`` are its issuers from the one that signs up, without the root."""
        key = ec.generate_private_key(CURVE())
        profile = Profile(
            use=use, subject=subject, organization=ORGANIZATION, days=DAYS, hosts=tuple(hosts)
        )
        issuer, issuer_key = line[0]
        der = self._maker.leaf(key.public_key(), profile, issuer, issuer_key, self._ctx.now)
        self._keep(name, [der, *(one.certificate for one, _ in line)], key)

    def _keep(self, name: str, chain: Sequence[bytes], key: PrivateKey) -> None:
        self.files[f"{name}.pem"] = rules.pem(chain[0])
        if len(chain) > 1:
            self.files[f"{name}-chain.pem"] = rules.pem_chain(chain)
        text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self.files[f"{name}.key"] = text.decode()


def example(
    ctx: Context, *, station: str, emaid: str, secc: str, hosts: Sequence[str]
) -> dict[str, str]:
    """File names and their PEM: roots, sub-CAs, a server, a station, a SECC, a contract."""
    made = Example(ctx)
    csms = made.authority("csms-root", Role.CSMS_ROOT)
    servers = made.authority("server-ca", Role.SERVER, csms)
    stations = made.authority("station-ca", Role.STATION, csms)
    made.leaf("server", Use.SERVER, hosts[0], [servers], hosts)
    made.leaf("station", Use.STATION, station, [stations])
    v2g = made.authority("v2g-root", Role.V2G_ROOT)
    cpo1 = made.authority("cpo-sub1", Role.V2G, v2g, path_length=1, title="CPO Sub-CA 1")
    cpo2 = made.authority("cpo-sub2", Role.V2G, cpo1, title="CPO Sub-CA 2")
    made.leaf("secc", Use.V2G, secc, [cpo2, cpo1])
    mo = made.authority("mo-root", Role.MO_ROOT)
    mo1 = made.authority("mo-sub1", Role.CONTRACT, mo, path_length=1, title="MO Sub-CA 1")
    mo2 = made.authority("mo-sub2", Role.CONTRACT, mo1, title="MO Sub-CA 2")
    made.leaf("contract", Use.CONTRACT, emaid, [mo2, mo1])
    return made.files
