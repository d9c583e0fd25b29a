"""Pure decisions: is this a VAT number of the European Union? Form and check digits, exactly.

Whether a company has it is known to the registers alone, and nobody is asked here.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from forecourt.domain.billing.model import VatVerdict

Digits = Sequence[int]


def _weighed(digits: Digits, weights: Sequence[int]) -> int:
    return sum(digit * weight for digit, weight in zip(digits, weights, strict=False))


def _luhn(digits: Digits) -> bool:
    """Every second digit from the right doubled; the sum ends in 0."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = digit * 2 if place % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled  # noqa: PLR2004 (a digit's end)
    return total % 10 == 0


def _mod_11_10(digits: Digits) -> bool:
    """ISO 7064 MOD 11,10 (Germany, Croatia)."""
    product = 10
    for digit in digits[:-1]:
        total = (digit + product) % 10 or 10
        product = total * 2 % 11
    return (11 - product) % 10 == digits[-1]


def _austria(text: str) -> bool:
    digits = _digits(text[1:])
    total = 0
    for place, digit in enumerate(digits[:7]):
        doubled = digit * (1 + place % 2)
        total += doubled // 10 + doubled % 10
    return (10 - (total + 4) % 10) % 10 == digits[7]


def _belgium(text: str) -> bool:
    return 97 - int(text[:8]) % 97 == int(text[8:])


def _denmark(text: str) -> bool:
    return _weighed(_digits(text), (2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0


def _estonia(text: str) -> bool:
    return _weighed(_digits(text), (3, 7, 1, 3, 7, 1, 3, 7, 1)) % 10 == 0


def _finland(text: str) -> bool:
    return _weighed(_digits(text), (7, 9, 10, 5, 8, 4, 2, 1)) % 11 == 0


def _france(text: str) -> bool:
    """A key of letters is only looked at. Monaco (000…) has a register of its own."""
    if text[2:5] != "000" and not _luhn(_digits(text[2:])):
        return False
    return not text.isdigit() or int(text[:2]) == (12 + 3 * (int(text[2:]) % 97)) % 97


def _germany(text: str) -> bool:
    return _mod_11_10(_digits(text))


def _greece(text: str) -> bool:
    digits = _digits(text)
    total = _weighed(digits, (256, 128, 64, 32, 16, 8, 4, 2))
    return total % 11 % 10 == digits[8]


def _hungary(text: str) -> bool:
    return _weighed(_digits(text), (9, 7, 3, 1, 9, 7, 3, 1)) % 10 == 0


def _italy(text: str) -> bool:
    return _luhn(_digits(text))


def _luxembourg(text: str) -> bool:
    return int(text[:6]) % 89 == int(text[6:])


def _malta(text: str) -> bool:
    return (_weighed(_digits(text), (3, 4, 6, 7, 8, 9)) + int(text[6:])) % 37 == 0


def _netherlands(text: str) -> bool:
    """By the digits (companies) or, since 2020, by all of it as ISO 7064 MOD 97-10."""
    digits = _digits(text[:9])
    if _weighed(digits, (9, 8, 7, 6, 5, 4, 3, 2)) % 11 == digits[8]:
        return True
    as_number = "".join(str(int(letter, 36)) for letter in f"NL{text}")
    return int(as_number) % 97 == 1


def _poland(text: str) -> bool:
    digits = _digits(text)
    return _weighed(digits, (6, 5, 7, 2, 3, 4, 5, 6, 7)) % 11 == digits[9]


def _portugal(text: str) -> bool:
    digits = _digits(text)
    left = 11 - _weighed(digits, (9, 8, 7, 6, 5, 4, 3, 2)) % 11
    return (left if left < 10 else 0) == digits[8]  # noqa: PLR2004 (a digit's end)


def _romania(text: str) -> bool:
    digits = _digits(text.zfill(10))
    return _weighed(digits, (7, 5, 3, 2, 1, 7, 5, 3, 2)) * 10 % 11 % 10 == digits[9]


def _slovakia(text: str) -> bool:
    return int(text) % 11 == 0


def _slovenia(text: str) -> bool:
    digits = _digits(text)
    left = 11 - _weighed(digits, (8, 7, 6, 5, 4, 3, 2)) % 11
    return left != 11 and left % 10 == digits[7]  # noqa: PLR2004 (11 is no digit)


def _sweden(text: str) -> bool:
    return text[10:] != "00" and _luhn(_digits(text[:10]))


def _digits(text: str) -> list[int]:
    return [int(letter) for letter in text]


# Country -> its form, and the rule of its check digits where that is public and exact. Of the rest
# (several kinds of numbers with rules of their own) the form alone is looked at.
FORMS: Final[Mapping[str, tuple[str, Callable[[str], bool] | None]]] = {
    "AT": (r"U\d{8}", _austria),
    "BE": (r"[01]\d{9}", _belgium),
    "BG": (r"\d{9,10}", None),
    "CY": (r"\d{8}[A-Z]", None),
    "CZ": (r"\d{8,10}", None),
    "DE": (r"[1-9]\d{8}", _germany),
    "DK": (r"[1-9]\d{7}", _denmark),
    "EE": (r"10\d{7}", _estonia),
    "EL": (r"\d{9}", _greece),
    "ES": (r"[A-Z]\d{7}[0-9A-Z]|\d{8}[A-Z]", None),
    "FI": (r"\d{8}", _finland),
    "FR": (r"[0-9A-HJ-NP-Z]{2}\d{9}", _france),
    "HR": (r"\d{11}", _germany),
    "HU": (r"\d{8}", _hungary),
    "IE": (r"\d{7}[A-W][A-I]?|\d[A-Z+*]\d{5}[A-W]", None),
    "IT": (r"\d{11}", _italy),
    "LT": (r"\d{9}|\d{12}", None),
    "LU": (r"\d{8}", _luxembourg),
    "LV": (r"\d{11}", None),
    "MT": (r"[1-9]\d{7}", _malta),
    "NL": (r"\d{9}B\d{2}", _netherlands),
    "PL": (r"\d{10}", _poland),
    "PT": (r"[1-9]\d{8}", _portugal),
    "RO": (r"[1-9]\d{1,9}", _romania),
    "SE": (r"\d{12}", _sweden),
    "SI": (r"[1-9]\d{7}", _slovenia),
    "SK": (r"[1-9]\d{9}", _slovakia),
    "XI": (r"\d{9}|\d{12}|(GD|HA)\d{3}", None),
}
_SEPARATORS: Final = re.compile(r"[\s.\-]")
_PREFIX_LENGTH: Final = 2


def vat(text: str) -> VatVerdict:
    """What can be said of a VAT number by itself."""
    number = _SEPARATORS.sub("", text).upper()
    country, rest = number[:_PREFIX_LENGTH], number[_PREFIX_LENGTH:]
    if country == "GR":  # What Greece is called everywhere else.
        country, number = "EL", f"EL{rest}"
    found = FORMS.get(country)
    if found is None:
        return VatVerdict(valid=False, number=number, reason="not of the European Union")
    form, check = found
    if not re.fullmatch(form, rest, re.ASCII):
        return VatVerdict(
            valid=False, number=number, country=country, reason=f"not of the form of {country}"
        )
    if check is not None and not check(rest):
        return VatVerdict(
            valid=False,
            number=number,
            country=country,
            checked=True,
            reason="its check digits are wrong",
        )
    reason = "form and check digits are right" if check else "the form is right"
    return VatVerdict(
        valid=True,
        number=number,
        country=country,
        checked=check is not None,
        reason=f"{reason}; no register was asked",
    )
