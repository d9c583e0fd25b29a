"""VAT numbers: what is right, what is one digit off, and what is none."""

import pytest

from forecourt.domain.billing.rules import FORMS, vat

# Numbers that are used as examples again and again; each is right by its country's own rule.
GOOD = {
    "AT": "ATU13585627",
    "BE": "BE0428759497",
    "DE": "DE136695976",
    "DK": "DK13585628",
    "EE": "EE100931558",
    "EL": "EL094259216",
    "FI": "FI20774740",
    "FR": "FR40303265045",
    "HR": "HR33392005961",
    "HU": "HU12892312",
    "IT": "IT00743110157",
    "LU": "LU15027442",
    "MT": "MT11679112",
    "NL": "NL004495445B01",
    "PL": "PL8567346215",
    "PT": "PT501964843",
    "RO": "RO18547290",
    "SE": "SE123456789701",
    "SI": "SI50223054",
    "SK": "SK2022749619",
}


@pytest.mark.parametrize("number", GOOD.values())
def test_right_numbers(number: str) -> None:
    verdict = vat(number)
    assert (verdict.valid, verdict.checked) == (True, True)
    assert "no register was asked" in verdict.reason


@pytest.mark.parametrize("number", GOOD.values())
def test_one_digit_off(number: str) -> None:
    """Each rule finds every single wrong digit among those that it weighs."""
    last = len(number.split("B", maxsplit=1)[0]) if number.startswith("NL") else len(number)
    last -= 2 if number.startswith("SE") else 0
    place = last - 1
    for digit in "0123456789":
        if digit != number[place]:
            verdict = vat(number[:place] + digit + number[place + 1 :])
            assert not verdict.valid, verdict


def test_every_rule_is_tried() -> None:
    assert {country for country, (_, check) in FORMS.items() if check} == set(GOOD)


def test_a_dutch_number_of_a_person_has_a_rule_of_its_own() -> None:
    assert vat("NL002455799B11").valid
    assert not vat("NL002455799B12").valid


def test_how_it_is_written_does_not_count() -> None:
    assert vat(" de 136.695-976 ").number == "DE136695976"
    assert vat("gr094259216").number == "EL094259216"


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("US123456789", "not of the European Union"),
        ("GB999999973", "not of the European Union"),
        ("", "not of the European Union"),
        ("DE12345678", "not of the form of DE"),
        ("DE1366959760", "not of the form of DE"),
        ("DE13669597\u0666", "not of the form of DE"),
        ("ATX13585627", "not of the form of AT"),
        ("DE136695975", "its check digits are wrong"),
    ],
)
def test_what_is_none(number: str, reason: str) -> None:
    verdict = vat(number)
    assert (verdict.valid, verdict.reason) == (False, reason)


def test_where_the_form_alone_is_known() -> None:
    verdict = vat("CZ25123891")
    assert (verdict.valid, verdict.checked) == (True, False)
    assert verdict.reason == "the form is right; no register was asked"
