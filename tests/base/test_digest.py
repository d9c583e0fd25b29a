"""Digests of machine-made secrets: the same for the same, and for nothing else."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from forecourt.base.digest import DIGEST_BYTES, KEY_BYTES, digest, same

KEYS = st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES)
KEY = bytes(range(KEY_BYTES))


@given(st.binary(), KEYS)
def test_the_same_secret_has_the_same_digest(secret: bytes, key: bytes) -> None:
    one = digest(secret, key=key, use="station")
    assert len(one) == DIGEST_BYTES
    assert same(one, digest(secret, key=key, use="station"))


@given(st.binary(), st.binary(), KEYS, KEYS)
def test_another_secret_or_key_has_another(
    secret: bytes, other: bytes, key: bytes, other_key: bytes
) -> None:
    assume(secret != other)
    assume(key != other_key)
    mine = digest(secret, key=key, use="station")
    assert not same(mine, digest(other, key=key, use="station"))
    assert not same(mine, digest(secret, key=other_key, use="station"))


def test_kinds_of_secrets_are_kept_apart() -> None:
    assert digest(b"s", key=KEY, use="station") != digest(b"s", key=KEY, use="apikey")


def test_a_key_of_another_length_is_a_mistake_of_ours() -> None:
    with pytest.raises(AssertionError, match="32 bytes"):
        digest(b"s", key=KEY[1:], use="station")
