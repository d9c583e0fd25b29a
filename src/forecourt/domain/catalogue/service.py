"""The room's verbs, over the facts that come with the package."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Final

import msgspec

from forecourt.domain.catalogue import rules
from forecourt.domain.catalogue.model import (
    ConnectorType,
    ConnectorTypeId,
    ConnectorTypeUnknown,
    Form,
    Vocabulary,
    Word,
)

CONNECTORS: Final = ("data", "connectors.toml")


class Catalogue:
    """Everything about what exists on the market."""

    def __init__(self) -> None:
        file = files("forecourt.domain.catalogue").joinpath(*CONNECTORS)
        facts = msgspec.toml.decode(file.read_bytes(), type=dict[str, dict[str, object]])
        self._connector_types: Mapping[ConnectorTypeId, ConnectorType] = {
            ConnectorTypeId(name): msgspec.convert({"id": name, **fact}, ConnectorType)
            for name, fact in facts.items()
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
