"""Pure look-ups between our names of connector types and those of the protocols."""

from collections.abc import Iterable

from forecourt.domain.catalogue.model import ConnectorType, Form, Vocabulary, Word


def word(of: ConnectorType, vocabulary: Vocabulary) -> Word | None:
    """What ``vocabulary`` calls it; None when it has no word that comes near."""
    text = _text(of, vocabulary)
    return None if text is None else Word(text, vocabulary not in of.borrowed)


def meanings(
    types: Iterable[ConnectorType], text: str, vocabulary: Vocabulary, form: Form | None = None
) -> tuple[ConnectorType, ...]:
    """What ``text`` may mean: its own meanings first, then those that only borrow it.

    Nothing for a word we do not know: these lists are open, and the word is kept as it came.
    ``form`` narrows it where the protocol tells cable from socket apart (OCPI).
    """
    found: list[tuple[bool, int, ConnectorType]] = []
    for kind in types:
        said = word(kind, vocabulary)
        if said is not None and said.text == text and form in (None, kind.form):
            found.append((not said.exact, len(found), kind))
    return tuple(kind for *_, kind in sorted(found, key=lambda one: one[:2]))


def _text(of: ConnectorType, vocabulary: Vocabulary) -> str | None:
    match vocabulary:
        case Vocabulary.OCPP_201:
            return of.ocpp201
        case Vocabulary.OCPP_21:
            return of.ocpp21
        case Vocabulary.OCPI_221:
            return of.ocpi221
        case Vocabulary.OCPI_230:
            return of.ocpi230
