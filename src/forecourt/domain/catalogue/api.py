"""The room's routes: connector types, and the quirk profiles that a station may have."""

from typing import Any

import msgspec
from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Struct

from forecourt.domain.catalogue.model import (
    AcLimits,
    ConnectorType,
    ConnectorTypeId,
    DcLimits,
    Form,
    QuirkProfile,
    Vocabulary,
)
from forecourt.domain.catalogue.rules import advice_of, keys_of, word
from forecourt.domain.catalogue.service import Catalogue


class MatchView(Struct, frozen=True, kw_only=True):
    """Whom a profile is for: patterns of maker and model, and a range of firmware."""

    vendor: tuple[str, ...]
    model: tuple[str, ...]
    firmware: str


class QuirkProfileView(Struct, frozen=True, kw_only=True):
    """How a kind of station departs from its protocol, and what is done about it."""

    name: str
    title: str
    match: MatchView | None
    keys: dict[str, Any]
    """What it sets; the reference explains each key."""
    advice: tuple[str, ...]
    """What an operator should know; nothing is done."""
    evidence: tuple[str, ...]


class QuirkProfilePage(Struct, frozen=True, kw_only=True):
    """Quirk profiles in the order in which they are tried; always whole."""

    items: list[QuirkProfileView]
    next: str | None = None


class WordView(Struct, frozen=True, kw_only=True):
    """What a vocabulary calls a connector type."""

    text: str
    exact: bool
    """False: the word truly means another type, and is the nearest that there is."""


class ConnectorTypeFacts(Struct, frozen=True, kw_only=True):
    """A connector type: what it is, what it usually carries, and what it is called elsewhere."""

    id: str
    name: str
    form: Form
    ac: AcLimits | None
    dc: DcLimits | None
    words: dict[Vocabulary, WordView]
    """By vocabulary; one that has no word for it is left out."""


class ConnectorTypePage(Struct, frozen=True, kw_only=True):
    """Connector types; always whole."""

    items: list[ConnectorTypeFacts]
    next: str | None = None


class ConnectorTypeRoutes(Controller):
    """Connector types: facts that come with the package."""

    path = "/connector-types"
    tags = ("Stations",)

    @get(operation_id="list_connector_types", summary="List connector types", sync_to_thread=False)
    def page(self, catalogue: NamedDependency[Catalogue]) -> ConnectorTypePage:
        """All types that there are here, and their names in OCPP and OCPI."""
        return ConnectorTypePage(
            items=[connector_type_facts(one) for one in catalogue.connector_types()]
        )

    @get(
        "/{connector_type:str}",
        operation_id="read_connector_type",
        summary="Read a connector type",
        sync_to_thread=False,
    )
    def read(
        self, catalogue: NamedDependency[Catalogue], connector_type: FromPath[str]
    ) -> ConnectorTypeFacts:
        """One type, by our own name of it."""
        return connector_type_facts(catalogue.connector_type(ConnectorTypeId(connector_type)))


class QuirkProfileRoutes(Controller):
    """Quirk profiles: those that come with the package, and the operator's own."""

    path = "/quirk-profiles"
    tags = ("Stations",)

    @get(operation_id="list_quirk_profiles", summary="List quirk profiles", sync_to_thread=False)
    def page(self, catalogue: NamedDependency[Catalogue]) -> QuirkProfilePage:
        """All profiles; the first that matches is a station's, unless it chose another."""
        return QuirkProfilePage(items=[profile_view(p) for p in catalogue.quirk_profiles()])

    @get(
        "/{profile_name:str}",
        operation_id="read_quirk_profile",
        summary="Read a quirk profile",
        sync_to_thread=False,
    )
    def read(
        self, catalogue: NamedDependency[Catalogue], profile_name: FromPath[str]
    ) -> QuirkProfileView:
        """One profile."""
        return profile_view(catalogue.quirk_profile(profile_name))


def connector_type_facts(one: ConnectorType) -> ConnectorTypeFacts:
    """A connector type as the API shows it."""
    words = {vocabulary: word(one, vocabulary) for vocabulary in Vocabulary}
    return ConnectorTypeFacts(
        id=one.id,
        name=one.name,
        form=one.form,
        ac=one.ac,
        dc=one.dc,
        words={
            vocabulary: WordView(text=said.text, exact=said.exact)
            for vocabulary, said in words.items()
            if said is not None
        },
    )


def profile_view(profile: QuirkProfile) -> QuirkProfileView:
    """A profile as the API shows it."""
    match = profile.match
    keys = msgspec.to_builtins(dict(keys_of(profile)))
    return QuirkProfileView(
        name=profile.name,
        title=profile.title,
        match=None
        if match is None
        else MatchView(vendor=match.vendor, model=match.model, firmware=match.firmware),
        keys={k: sorted(v) if isinstance(v, list) else v for k, v in keys.items() if k != "advice"},
        advice=advice_of(profile),
        evidence=profile.evidence,
    )
