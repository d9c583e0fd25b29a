"""Where somebody connects from, behind proxies: one way for all doors. Opens no socket."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

FORWARDED_MAX: Final = 20
"""Steps that are looked at: no chain of proxies is longer."""


class Proxies:
    """The proxies whose word for where somebody comes from is taken."""

    def __init__(self, trusted: Sequence[str] = ()) -> None:
        """``trusted``: addresses, or networks such as 10.0.0.0/8. Raises ValueError."""
        self._trusted: tuple[Network, ...] = tuple(ip_network(one, strict=False) for one in trusted)

    def client(self, peer: str, forwarded: str) -> str:
        """Who speaks through ``peer``, by its ``X-Forwarded-For``.

        Each proxy adds at the right whom it heard. So it is read from there, for as long as the
        one who says it is a proxy of ours; what stands further left anybody can write.
        """
        if not self.trusts(peer):
            return peer
        found = peer
        for said in reversed(forwarded.split(",")[-FORWARDED_MAX:]):
            address = _address(said)
            if address is None:
                break
            found = str(address)
            if not self.trusts(found):
                break
        return found

    def trusts(self, peer: str) -> bool:
        """Whether a connection from there comes from a proxy of ours."""
        if not self._trusted:
            return False
        address = _address(peer)
        return address is not None and any(address in network for network in self._trusted)


def _address(said: str) -> Address | None:
    """An address, as proxies write it: with a port, in brackets, IPv4 inside of IPv6."""
    bare = said.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        found = ip_address(bare)
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    return found if mapped is None else mapped
