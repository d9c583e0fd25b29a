"""permessage-deflate (RFC 7692) without a line: offers, and what a payload becomes."""

import zlib

import pytest

from forecourt.edge.ocpp import deflate

PLAIN = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"


@pytest.mark.parametrize(
    ("offer", "agreed"),
    [
        ("permessage-deflate", PLAIN),
        ("Permessage-Deflate", PLAIN),
        ("permessage-deflate; client_max_window_bits", PLAIN),
        ("permessage-deflate;client_max_window_bits=9 ;server_no_context_takeover", PLAIN),
        ("permessage-deflate; server_max_window_bits=10", f"{PLAIN}; server_max_window_bits=10"),
        ('permessage-deflate; server_max_window_bits="10"', f"{PLAIN}; server_max_window_bits=10"),
        ("x-webkit-deflate-frame, permessage-deflate", PLAIN),
        ("permessage-deflate; server_max_window_bits=8", None),
        ("permessage-deflate; server_max_window_bits=8, permessage-deflate", PLAIN),
        ("permessage-deflate; server_max_window_bits=16", None),
        ("permessage-deflate; server_max_window_bits=010", None),
        ("permessage-deflate; server_max_window_bits", None),
        ("permessage-deflate; client_max_window_bits=7", None),
        ("permessage-deflate; server_no_context_takeover=1", None),
        ("permessage-deflate; server_no_context_takeover; server_no_context_takeover", None),
        ("permessage-deflate; unheard_of", None),
        ("permessage-bzip2", None),
    ],
)
def test_what_is_agreed_on(offer: str, agreed: str | None) -> None:
    found = deflate.agree([offer])
    assert (found.header if found else None) == agreed


@pytest.mark.parametrize(
    "offer",
    [
        "",
        ",",
        "permessage-deflate;",
        "permessage-deflate; =9",
        "a b",
        "permessage-deflate; a=",
        "permessage-deflate, a,",
        'a; b="c d"',
        ", ".join(["x"] * 17),
    ],
)
def test_what_is_no_list_of_extensions(offer: str) -> None:
    with pytest.raises(deflate.OfferMalformed):
        deflate.agree([offer])


@pytest.mark.parametrize("bits", range(9, 16))
def test_what_is_deflated_inflates_and_remembers_nothing(bits: int) -> None:
    message = b'[3,"abc",{"currentTime":"2026-03-01T12:00:00Z"}]' * 20
    packed = deflate.deflate(message, bits)
    assert len(packed) < len(message) / 3
    assert deflate.deflate(message, bits) == packed, "the second refers to nothing of the first"
    peer = zlib.decompressobj(-bits)
    assert peer.decompress(packed + b"\0\0\xff\xff") == message
    assert deflate.inflate(packed, 10_000) == message


def test_the_examples_of_the_rfc() -> None:
    """7.2.3: a whole message, without compression, with BFINAL, in two blocks."""
    for packed in (
        bytes.fromhex("f248cdc9c90700"),
        bytes.fromhex("000500faff48656c6c6f00"),
        bytes.fromhex("f348cdc9c90700" + "00"),
        bytes.fromhex("f248050000 00ffffcac9c90700".replace(" ", "")),
    ):
        assert deflate.inflate(packed, 100) == b"Hello"
    assert deflate.inflate(b"\0", 100) == b""


def test_what_is_too_big_or_corrupt() -> None:
    bomb = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = bomb.compress(b"\0" * 50_000_000) + bomb.flush(zlib.Z_FULL_FLUSH)
    assert len(packed) < 60_000
    with pytest.raises(deflate.TooBig):
        deflate.inflate(packed, 1_048_576)
    exact = deflate.deflate(b"x" * 1_000, 15)
    assert deflate.inflate(exact, 1_000) == b"x" * 1_000
    with pytest.raises(deflate.TooBig):
        deflate.inflate(exact, 999)
    with pytest.raises(deflate.Corrupt):
        deflate.inflate(b"\xff\xff\xff", 1_000)
    # A hundred thousand empty streams, each of which would cost a new state.
    with pytest.raises(deflate.Corrupt):
        deflate.inflate(b"\x03\x00" * 100_000, 1_000)
