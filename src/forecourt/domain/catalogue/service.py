"""The room's verbs, over the facts that come with the package."""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import msgspec

from forecourt.domain.catalogue import rules
from forecourt.domain.catalogue.model import (
    ConnectorType,
    ConnectorTypeId,
    ConnectorTypeUnknown,
    Form,
    QuirkChoiceInvalid,
    QuirkProfile,
    QuirkProfileUnknown,
    QuirksInvalid,
    Vocabulary,
    Word,
)

CONNECTORS: Final = ("data", "connectors.toml")
QUIRKS: Final = ("data", "quirks.toml")
# A file of profiles is written by hand: a longer one is another file.
QUIRKS_BYTES_MAX: Final = 1_048_576


class Catalogue:
    """Everything about what exists on the market."""

    def __init__(self, *, quirks_file: Path | None = None) -> None:
        """``quirks_file``: profiles of the operator's own, which come before ours."""
        package = files("forecourt.domain.catalogue")
        file = package.joinpath(*CONNECTORS)
        facts = msgspec.toml.decode(file.read_bytes(), type=dict[str, dict[str, object]])
        self._connector_types: Mapping[ConnectorTypeId, ConnectorType] = {
            ConnectorTypeId(name): msgspec.convert({"id": name, **fact}, ConnectorType)
            for name, fact in facts.items()
        }
        own = {} if quirks_file is None else _read_profiles(quirks_file)
        shipped = profiles_of(package.joinpath(*QUIRKS).read_bytes(), "quirks.toml")
        self._quirks: Mapping[str, QuirkProfile] = own | {
            name: profile for name, profile in shipped.items() if name not in own
        }

    def connector_types(self) -> tuple[ConnectorType, ...]:
        """All of them, in the order of the book."""
        return tuple(self._connector_types.values())

    def connector_type(self, name: ConnectorTypeId) -> ConnectorType:
        """One of them. Raises ConnectorTypeUnknown."""
        found = self._connector_types.get(name)
        if found is None:
            raise ConnectorTypeUnknown(f"there is no connector type {name!r}", name=name)
        return found

    def word(self, name: ConnectorTypeId, vocabulary: Vocabulary) -> Word | None:
        """What a protocol calls it, and whether that is exact. Raises ConnectorTypeUnknown."""
        return rules.word(self.connector_type(name), vocabulary)

    def meanings(
        self, text: str, vocabulary: Vocabulary, form: Form | None = None
    ) -> tuple[ConnectorType, ...]:
        """What a protocol's word may mean, likeliest first; nothing for a word we do not know."""
        return rules.meanings(self._connector_types.values(), text, vocabulary, form)

    def quirk_profiles(self) -> tuple[QuirkProfile, ...]:
        """All of them, in the order in which they are tried."""
        return tuple(self._quirks.values())

    def quirk_profile(self, name: str) -> QuirkProfile:
        """One of them. Raises QuirkProfileUnknown."""
        found = self._quirks.get(name)
        if found is None:
            raise QuirkProfileUnknown(f"there is no quirk profile {name!r}", name=name)
        return found

    def quirk_choice(self, text: str) -> str:
        """What a station may choose: a profile or one of three words. Raises QuirkChoiceInvalid."""
        if text not in self._quirks and text not in rules.CHOICES:
            raise QuirkChoiceInvalid(
                f"there is no quirk profile {text[:100]!r}; besides profiles there are"
                f" {', '.join(sorted(rules.CHOICES))}"
            )
        return text

    def quirk_profile_for(
        self, choice: str, *, vendor: str, model: str, firmware: str
    ) -> QuirkProfile | None:
        """The profile of a station that chose so and is such; None where it has none."""
        return rules.profile_for(
            self._quirks.values(), choice, vendor=vendor, model=model, firmware=firmware
        )


def profiles_of(text: bytes, name: str) -> dict[str, QuirkProfile]:
    """The profiles of a TOML file. Raises QuirksInvalid, which says where it is wrong."""
    try:
        tables = msgspec.toml.decode(text, type=dict[str, dict[str, Any]])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise QuirksInvalid(f"{name}: {error}") from error
    found = {}
    for title, table in tables.items():
        try:
            profile = msgspec.convert({"name": title, **table}, QuirkProfile)
            if profile.match is not None:
                rules.bounds_of(profile.match.firmware)
            if title in rules.CHOICES or profile.name != title:
                raise ValueError("no profile can bear this name")  # noqa: TRY301 (one way to tell)
        except (msgspec.ValidationError, ValueError) as error:
            raise QuirksInvalid(f"{name}: [{title}]: {error}", profile=title) from error
        found[title] = profile
    return found


def _read_profiles(file: Path) -> dict[str, QuirkProfile]:
    try:
        with file.open("rb") as opened:
            text = opened.read(QUIRKS_BYTES_MAX + 1)
    except OSError as error:
        raise QuirksInvalid(f"cannot read {file}: {error.strerror or error}") from error
    if len(text) > QUIRKS_BYTES_MAX:
        raise QuirksInvalid(f"{file} has more than {QUIRKS_BYTES_MAX} bytes")
    return profiles_of(text, str(file))
