"""Quirk profiles: which one a station gets, and files of one's own."""

from pathlib import Path

import pytest

from forecourt.domain.catalogue import (
    ADVISED,
    CHOICES,
    KEYS,
    Catalogue,
    ParserFix,
    QuirkChoiceInvalid,
    QuirkProfileUnknown,
    QuirksInvalid,
    advice_of,
    keys_of,
    rules,
)
from forecourt.protocol.ocpp.lenient import Fix

CATALOGUE = Catalogue()
FIELD_TESTED = 20


def profile(vendor: str, model: str = "", firmware: str = "", choice: str = "auto") -> str | None:
    """The name of the profile that such a station gets."""
    found = CATALOGUE.quirk_profile_for(choice, vendor=vendor, model=model, firmware=firmware)
    return None if found is None else found.name


@pytest.mark.parametrize(
    ("vendor", "model", "firmware", "name"),
    [
        ("ABB", "TAC-W22-T-0", "1.8.21", "abb-terra-ac-1-8"),
        ("ABB", "TAC-W22-T-0", "1.6.6", "abb-terra-ac-1-8"),
        ("ABB", "TAC-W22-T-0", "1.8.22", "abb-terra-ac"),
        ("ABB", "TAC-W22-T-0", "", "abb-terra-ac"),
        ("ABB", "Terra 54 CJG", "4.2", None),
        ("Alfen BV", "NG910-60003", "5.8.1", "alfen-eve"),
        ("Autel", "MaxiCharger AC Wallbox EU", "1.1", "autel-maxicharger-ac"),
        ("Autel", "MaxiCharger DC Fast", "1.1", None),
        ("Wall Box Chargers", "PLP1-0-2-4", "5.17.1", "wallbox-5"),
        ("Wall Box Chargers", "PLP1-0-2-4", "4.9.0", "wallbox"),
        ("Huawei", "SCharger-22KT-S0", "", "huawei-scharger"),
        ("EN+", "AC011K-AE-25", "", "en-plus-ac"),
        ("Easee AS", "Easee Home", "330", "easee"),
        ("MENNEKES", "AMTRON 4You", "", "mennekes-amtron"),
        ("EV-BOX", "Elvi", "", "evbox-elvi"),
        ("Etrel", "INCH Home", "", "etrel-inch"),
        ("FoxESS", "A022KP1", "", "foxess-a"),
        ("Ocular", "LTE Plus", "", "ocular-lte-plus"),
        ("United Chargers Inc.", "Grizzl-E Smart", "03.09.0", "grizzl-e"),
        ("Teison", "Smart Mini", "", "teison-smart-mini"),
        ("Morek", "x", "A0-MEV-V2.0.10", "morek"),
        ("Morek", "x", "A0-MEV-V2.0.8", None),
        ("Vestel", "EVC04-AC22SW", "", "vestel-evc04"),
        ("AEFA", "Home", "", "aefa-home"),
        ("SyncEV", "Compact", "", "syncev-compact"),
        ("KEBA AG", "KC-P30-ESS400C2-M0A", "", "keba"),
        ("Acme", "One", "1.0", None),
        ("", "", "", None),
    ],
)
def test_a_station_is_known_by_its_maker_model_and_firmware(
    vendor: str, model: str, firmware: str, name: str | None
) -> None:
    assert profile(vendor, model, firmware) == name
    assert profile(f" {vendor.upper()}", model.lower(), firmware) == name
    for choice in ("none", "strict"):
        assert profile(vendor, model, firmware, choice) is None


def test_a_profile_may_be_chosen_by_hand_whatever_a_station_is() -> None:
    assert profile("Acme", choice="keba") == "keba"
    assert profile("KEBA", choice="easee") == "easee"
    assert profile("KEBA", choice="no-such") is None, "one that is gone is none"
    assert CATALOGUE.quirk_choice("keba") == "keba"
    for word in CHOICES:
        assert CATALOGUE.quirk_choice(word) == word
    with pytest.raises(QuirkChoiceInvalid, match="'kebab'"):
        CATALOGUE.quirk_choice("kebab")
    with pytest.raises(QuirkProfileUnknown):
        CATALOGUE.quirk_profile("kebab")


@pytest.mark.parametrize(
    ("firmware", "wanted", "inside"),
    [
        ("1.8.21", "<=1.8.21", True),
        ("1.8.22", "<=1.8.21", False),
        ("1.8.3", "<=1.8.21", True),
        ("v5.17.1", ">=5 <6", True),
        ("5", ">=5 <6", True),
        ("6.0", ">=5 <6", False),
        ("328", ">=328", True),
        ("327", ">=328", False),
        ("03.09.0", "=3.9", True),
        ("2.0.1-beta", ">2", True),
        ("", ">=0", False),
        ("", "", True),
        ("anything", "", True),
        ("no number", ">=1", False),
        ("٣", ">=1", False),
        ("9" * 50, ">=1", True),
    ],
)
def test_ranges_of_firmware(firmware: str, wanted: str, inside: bool) -> None:  # noqa: FBT001 (a parameter of the test)
    assert rules.within(firmware, wanted) is inside


def test_the_book_has_what_was_seen_in_the_field() -> None:
    profiles = CATALOGUE.quirk_profiles()
    assert len(profiles) >= FIELD_TESTED
    for each in profiles:
        assert keys_of(each), f"{each.name} does nothing"
        assert each.evidence, f"{each.name}: who says so?"
        assert each.match is not None


def test_every_key_that_nobody_acts_on_is_advice() -> None:
    assert set(ADVISED) < set(KEYS)
    easee = CATALOGUE.quirk_profile("mennekes-amtron")
    assert "may need 900 s to come back after it restarts" in advice_of(easee)
    assert advice_of(CATALOGUE.quirk_profile("alfen-eve")) == ()


def test_fixes_bear_the_protocols_names() -> None:
    assert [fix.value for fix in ParserFix] == [fix.value for fix in Fix]


OWN = b"""
[acme-one]
title = "Acme One"
match = { vendor = ["Acme"], firmware = "<2" }
fixes = ["long-text"]
min_meter_interval_s = 120

[keba]
title = "Our KEBAs"
match = { vendor = ["KEBA*"] }
advice = ["call Karl"]
"""


def test_profiles_of_ones_own_come_first_and_replace_ours(tmp_path: Path) -> None:
    file = tmp_path / "quirks.toml"
    file.write_bytes(OWN)
    own = Catalogue(quirks_file=file)
    found = own.quirk_profile_for("auto", vendor="acme", model="One", firmware="1.9")
    assert found is not None
    assert (found.name, found.min_meter_interval_s) == ("acme-one", 120)
    keba = own.quirk_profile_for("auto", vendor="KEBA", model="", firmware="")
    assert keba is not None
    assert (keba.title, keba.id_tag_cut) == ("Our KEBAs", "")
    assert own.quirk_profile("easee") == CATALOGUE.quirk_profile("easee")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"[a", "Expected"),
        (b"\xff\xfe", "utf-8"),
        (b"x = 1", "Expected `object`"),
        (b"[ab]\ntitle='x'\nfoo=1", "[ab]: Object contains unknown field `foo`"),
        (b"[ab]\nfixes=[]", "[ab]: Object missing required field `title`"),
        (b"[ab]\ntitle='x'\nfixes=['nope']", "[ab]: Invalid enum value 'nope' - at `$.fixes"),
        (b"[ab]\ntitle='x'\nprofile_kind='Sideways'", "$.profile_kind"),
        (b"[ab]\ntitle='x'\nmin_meter_interval_s=0", "$.min_meter_interval_s"),
        (b"[ab]\ntitle='x'\nprefer_ocpp='soap'", "$.prefer_ocpp"),
        (b"[ab]\ntitle='x'\nmatch={vendor=[]}", "$.match.vendor"),
        (b"[ab]\ntitle='x'\nmatch={vendor=['x'],firmware='~5'}", "'~5' is no range"),
        (b"[ab]\ntitle='x'\nname='cd'", "no profile can bear this name"),
        (b"[auto]\ntitle='x'", "no profile can bear this name"),
        (b"['A b']\ntitle='x'", "$.name"),
        (b"# " + b"x" * 1_048_576, "more than"),
    ],
)
def test_a_file_that_is_wrong_says_where(tmp_path: Path, text: bytes, says: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_bytes(text)
    with pytest.raises(QuirksInvalid) as told:
        Catalogue(quirks_file=file)
    assert "mine.toml" in told.value.message
    assert says in told.value.message


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(QuirksInvalid, match="No such file"):
        Catalogue(quirks_file=tmp_path / "gone.toml")
