"""The room's routes: the quirk profiles that a station may have."""

from typing import Any

import msgspec
from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Struct

from forecourt.domain.catalogue.model import QuirkProfile
from forecourt.domain.catalogue.rules import advice_of, keys_of
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
