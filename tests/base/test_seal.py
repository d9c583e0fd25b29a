"""Sealed secrets open with the same key, for the same use, in the same place, and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from forecourt.base.seal import SealBroken, Sealed, seal, unseal

KEY = bytes(range(32))


@given(some.binary(max_size=500))
def test_there_and_back(secret: bytes) -> None:
    sealed = seal(secret, key=KEY, use="a", label="here")
    assert unseal(sealed, key=KEY, use="a", label="here") == secret
    assert len(secret) < 4 or sealed.find(secret) < 0
    assert sealed != seal(secret, key=KEY, use="a", label="here")


@pytest.mark.parametrize(
    ("key", "use", "label"),
    [(bytes(32), "a", "here"), (KEY, "b", "here"), (KEY, "a", "there")],
)
def test_not_elsewhere(key: bytes, use: str, label: str) -> None:
    sealed = seal(b"secret", key=KEY, use="a", label="here")
    with pytest.raises(SealBroken):
        unseal(sealed, key=key, use=use, label=label)


@given(some.integers(min_value=0), some.integers(1, 255))
def test_one_bit_is_enough(place: int, change: int) -> None:
    sealed = bytearray(seal(b"secret", key=KEY, use="a", label="here"))
    sealed[place % len(sealed)] ^= change
    with pytest.raises(SealBroken):
        unseal(Sealed(bytes(sealed)), key=KEY, use="a", label="here")


@pytest.mark.parametrize("broken", [b"", b"\x01", b"\x01short", b"\x02" + bytes(40)])
def test_what_was_never_sealed(broken: bytes) -> None:
    with pytest.raises(SealBroken):
        unseal(Sealed(broken), key=KEY, use="a", label="here")
