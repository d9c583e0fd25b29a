"""Connector types, and their names in four vocabularies."""

from typing import get_args

import pytest

from forecourt.domain.catalogue import (
    Catalogue,
    ConnectorTypeId,
    ConnectorTypeUnknown,
    Form,
    Vocabulary,
    Word,
)
from forecourt.protocol.ocpp.v201.enums import ConnectorEnum

CATALOGUE = Catalogue()
IDS = [kind.id for kind in CATALOGUE.connector_types()]

# What is no type of connector: the words for not knowing.
NO_TYPE = {"Undetermined", "Unknown"}
# OCPP 2.1, part 2, appendices, 7.3: the words that are new in it.
NEW_IN_OCPP_21 = {
    *("cChaoJi", "cGBT-DC", "cLECCS", "cMCS", "cNACS", "cNACS-CCS1", "cCCS1-NACS"),
    *("cUltraChaoJi", "sType1"),
}
# OCPI 2.2.1, locations, ConnectorType; 2.3.0 has two more.
OCPI_221 = {
    *("CHADEMO", "CHAOJI", "GBT_AC", "GBT_DC", "TESLA_R", "TESLA_S"),
    *(f"DOMESTIC_{letter}" for letter in "ABCDEFGHIJKLMNO"),
    *("IEC_60309_2_single_16", "IEC_60309_2_three_16", "IEC_60309_2_three_32"),
    *("IEC_60309_2_three_64", "IEC_62196_T1", "IEC_62196_T1_COMBO", "IEC_62196_T2"),
    *("IEC_62196_T2_COMBO", "IEC_62196_T3A", "IEC_62196_T3C", "NEMA_5_20", "NEMA_6_30"),
    *("NEMA_6_50", "NEMA_10_30", "NEMA_10_50", "NEMA_14_30", "NEMA_14_50"),
    *("PANTOGRAPH_BOTTOM_UP", "PANTOGRAPH_TOP_DOWN"),
}
OCPP_201 = set(get_args(ConnectorEnum)) - NO_TYPE
WORDS = {
    Vocabulary.OCPP_201: OCPP_201,
    Vocabulary.OCPP_21: OCPP_201 | NEW_IN_OCPP_21,
    Vocabulary.OCPI_221: OCPI_221,
    Vocabulary.OCPI_230: OCPI_221 | {"MCS", "SAE_J3400"},
}


def meant(text: str, vocabulary: Vocabulary, form: Form | None = None) -> list[str]:
    return [kind.id for kind in CATALOGUE.meanings(text, vocabulary, form)]


@pytest.mark.parametrize("vocabulary", Vocabulary)
def test_the_catalogue_knows_every_word_and_makes_none_up(vocabulary: Vocabulary) -> None:
    said = {word.text for name in IDS if (word := CATALOGUE.word(name, vocabulary))}
    assert said == WORDS[vocabulary]


@pytest.mark.parametrize("vocabulary", Vocabulary)
@pytest.mark.parametrize("name", IDS)
def test_a_word_leads_back(name: ConnectorTypeId, vocabulary: Vocabulary) -> None:
    """An exact word, with the form where two share it, leads back to its type first."""
    kind = CATALOGUE.connector_type(name)
    word = CATALOGUE.word(name, vocabulary)
    if word is None:
        return
    found = meant(word.text, vocabulary, kind.form)
    assert name in found
    exact = [one for one in found if CATALOGUE.word(ConnectorTypeId(one), vocabulary) == word]
    if word.exact:
        assert found[: len(exact)] == exact, "borrowers come behind owners"


@pytest.mark.parametrize("name", IDS)
def test_limits_are_sane(name: ConnectorTypeId) -> None:
    kind = CATALOGUE.connector_type(name)
    if kind.form is not Form.WIRELESS and name != "LECCS":
        assert kind.ac or kind.dc
    if kind.ac:
        assert kind.ac.phases_max in (1, 3)
        assert 100 <= kind.ac.voltage_v_max <= 300
        assert 5 <= kind.ac.current_a_max <= 80
    if kind.dc:
        assert 500 <= kind.dc.voltage_v_max <= 1_500
        assert 100 <= (kind.dc.current_a_max or 500) <= 3_000


def test_j3400_has_its_own_name_only_in_the_newer_vocabularies() -> None:
    j3400 = ConnectorTypeId("J3400")
    assert [CATALOGUE.word(j3400, vocabulary) for vocabulary in Vocabulary] == [
        Word("cTesla", exact=False),
        Word("cNACS", exact=True),
        Word("TESLA_S", exact=False),
        Word("SAE_J3400", exact=True),
    ]
    assert meant("cNACS", Vocabulary.OCPP_21) == ["J3400"]
    assert meant("SAE_J3400", Vocabulary.OCPI_230)[0] == "J3400"
    # The shape is the same, the talk is not: whoever reads the old word must look further.
    assert meant("TESLA_S", Vocabulary.OCPI_221)[:2] == ["TESLA_S", "J3400"]
    assert meant("TESLA_S", Vocabulary.OCPI_230) == ["TESLA_S"]
    assert meant("cTesla", Vocabulary.OCPP_21) == ["TESLA_S"]


def test_j3400_carries_both_currents_and_combined_types_dc_alone() -> None:
    kinds = {kind.id: kind for kind in CATALOGUE.connector_types()}
    j3400 = kinds[ConnectorTypeId("J3400")]
    assert j3400.ac is not None
    assert j3400.dc is not None
    assert (j3400.ac.phases_max, j3400.ac.voltage_v_max) == (1, 277)
    assert (j3400.dc.voltage_v_max, j3400.dc.current_a_max) == (1_000, None)
    for combined in ("CCS1", "CCS2"):
        assert kinds[ConnectorTypeId(combined)].ac is None
        assert kinds[ConnectorTypeId(combined)].dc is not None


@pytest.mark.parametrize(
    ("text", "vocabulary", "form", "expected"),
    [
        ("cCCS1", Vocabulary.OCPP_201, None, "CCS1"),
        ("cCCS2", Vocabulary.OCPP_21, None, "CCS2"),
        ("IEC_62196_T1_COMBO", Vocabulary.OCPI_221, None, "CCS1"),
        ("IEC_62196_T2_COMBO", Vocabulary.OCPI_230, None, "CCS2"),
        ("IEC_62196_T2", Vocabulary.OCPI_221, Form.CABLE, "TYPE2_CABLE"),
        ("IEC_62196_T2", Vocabulary.OCPI_221, Form.SOCKET, "TYPE2_SOCKET"),
        ("sType2", Vocabulary.OCPP_201, None, "TYPE2_SOCKET"),
        ("cG105", Vocabulary.OCPP_201, None, "CHADEMO"),
        ("MCS", Vocabulary.OCPI_230, None, "MCS"),
        ("DOMESTIC_F", Vocabulary.OCPI_221, None, "DOMESTIC_F"),
    ],
)
def test_what_is_meant(text: str, vocabulary: Vocabulary, form: Form | None, expected: str) -> None:
    assert meant(text, vocabulary, form)[0] == expected


@pytest.mark.parametrize("text", ["", "SAE_J9999", "cnacs", "Unknown", "Undetermined"])
def test_a_word_that_nobody_knows_means_nothing(text: str) -> None:
    assert [meant(text, vocabulary) for vocabulary in Vocabulary] == [[], [], [], []]


def test_a_name_that_nobody_knows() -> None:
    with pytest.raises(ConnectorTypeUnknown):
        CATALOGUE.connector_type(ConnectorTypeId("CCS3"))
