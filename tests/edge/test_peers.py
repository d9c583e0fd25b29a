"""Where somebody connects from: a proxy of ours is believed, and nobody else."""

import pytest

from forecourt.edge.peers import Proxies

OURS = Proxies(("10.0.0.0/8", "192.0.2.7", "2001:db8:1::/48"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "found"),
    [
        ("198.51.100.1", "203.0.113.9", "198.51.100.1"),
        ("10.1.2.3", "", "10.1.2.3"),
        ("10.1.2.3", "203.0.113.9", "203.0.113.9"),
        ("192.0.2.7", "203.0.113.9", "203.0.113.9"),
        # What stands further left anybody can have written.
        ("10.1.2.3", "1.1.1.1, 203.0.113.9", "203.0.113.9"),
        ("10.1.2.3", "203.0.113.9, 10.9.9.9", "203.0.113.9"),
        ("10.1.2.3", "10.8.8.8, 10.9.9.9", "10.8.8.8"),
        ("10.1.2.3", "203.0.113.9:4711", "203.0.113.9"),
        ("10.1.2.3", "[2001:db8::9]:4711", "2001:db8::9"),
        ("10.1.2.3", "2001:db8::9", "2001:db8::9"),
        ("::ffff:10.1.2.3", "::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1::5", "203.0.113.9", "203.0.113.9"),
        ("10.1.2.3", "unknown", "10.1.2.3"),
        ("10.1.2.3", "<script>, 10.9.9.9", "10.9.9.9"),
        ("", "203.0.113.9", ""),
    ],
)
def test_the_nearest_who_is_no_proxy_of_ours(peer: str, forwarded: str, found: str) -> None:
    assert OURS.client(peer, forwarded) == found
    assert Proxies().client(peer, forwarded) == peer


def test_an_endless_chain_costs_nothing() -> None:
    assert OURS.client("10.1.2.3", ",".join(["10.0.0.1"] * 100_000)) == "10.0.0.1"


def test_a_network_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        Proxies(("nonsense",))
