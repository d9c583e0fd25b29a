"""Contract names (eMAID): their form by ISO 15118-2, annex H, and their check digit by eMI³.

Country, provider, instance, and perhaps a check digit, with or without dashes: DE-8AA-C12345678-X.
Capital and small letters are the same, and so are a name with its check digit and without.
"""

import re
from typing import Final

_FORM: Final = re.compile(r"([A-Z]{2})(-?)([A-Z0-9]{3})\2([A-Z0-9]{9})(?:\2([A-Z0-9]))?")
_LETTERS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
EMAID_LENGTH_MAX: Final = 18
_BODY: Final = 14

Pair = tuple[int, int]
Matrix = tuple[Pair, Pair]

# A letter is two bits and two trits. Its place multiplies it by a power of these matrices, so that
# a wrong letter, two that are swapped, and a pair that is wrong twice all change the sum.
_BITS: Final[Matrix] = ((0, 1), (1, 1))
_TRITS: Final[Matrix] = ((0, 1), (1, 2))
# Minus the matrix of trits to the power of -15: it brings the sum of trits to the digit's place.
_BACK: Final[Matrix] = ((0, 2), (2, 1))


def emaid(text: str) -> str | None:
    """A contract's name in its short form, or None when it is none or its check digit is wrong."""
    if len(text) > EMAID_LENGTH_MAX or not text.isascii():
        return None
    found = _FORM.fullmatch(text.strip().upper())
    if found is None:
        return None
    country, _, provider, instance, digit = found.groups()
    body = f"{country}{provider}{instance}"
    return body if digit is None or digit == check_digit(body) else None


def spellings(short: str) -> tuple[str, ...]:
    """The ways in which an operator may have written a contract's name, the commonest first."""
    digit = check_digit(short)
    dashed = f"{short[:2]}-{short[2:5]}-{short[5:]}"
    return short, short + digit, dashed, f"{dashed}-{digit}"


def check_digit(body: str) -> str:
    """The fifteenth letter for the fourteen before it."""
    assert len(body) == _BODY, "country, provider and instance have 14 letters"
    bits, trits = (0, 0), (0, 0)
    place_bits, place_trits = _BITS, _TRITS
    for letter in body:
        group, rest = divmod(_LETTERS.index(letter), 9)
        bits = _plus(bits, _times(divmod(group, 2), place_bits, 2), 2)
        trits = _plus(trits, _times(divmod(rest, 3), place_trits, 3), 3)
        place_bits, place_trits = _product(place_bits, _BITS, 2), _product(place_trits, _TRITS, 3)
    trits = _times(trits, _BACK, 3)
    return _LETTERS[9 * (2 * bits[0] + bits[1]) + 3 * trits[0] + trits[1]]


def _times(row: Pair, matrix: Matrix, modulus: int) -> Pair:
    (a, b), (c, d) = matrix
    return (row[0] * a + row[1] * c) % modulus, (row[0] * b + row[1] * d) % modulus


def _product(one: Matrix, other: Matrix, modulus: int) -> Matrix:
    return _times(one[0], other, modulus), _times(one[1], other, modulus)


def _plus(one: Pair, other: Pair, modulus: int) -> Pair:
    return (one[0] + other[0]) % modulus, (one[1] + other[1]) % modulus
