"""Pure look-ups: names of connector types in the protocols, and which quirk profile fits whom."""

import re
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from operator import eq, ge, gt, le, lt
from typing import Any, Final

from msgspec.structs import fields

from forecourt.domain.catalogue.model import (
    ADVISED,
    AUTO,
    NONE,
    STRICT,
    ConnectorType,
    Form,
    Match,
    QuirkProfile,
    Vocabulary,
    Word,
)

_COMPARISONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    ">=": ge,
    "<=": le,
    ">": gt,
    "<": lt,
    "=": eq,
}
_BOUND: Final = re.compile(r"(>=|<=|>|<|=)\s*([^\s<>=]+)")
_PIECE: Final = re.compile(r"[0-9]+|[^\W\d_]+")
CHOICES: Final = frozenset({AUTO, NONE, STRICT})
# Fields of a profile that say whose it is; all others are keys.
ABOUT: Final = frozenset({"name", "title", "match", "evidence"})
# Keys that only say how another works.
PARAMETERS: Final = frozenset({"voltage_v"})
KEYS: Final = tuple(
    field.name for field in fields(QuirkProfile) if field.name not in ABOUT | PARAMETERS
)


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


def profile_for(
    profiles: Iterable[QuirkProfile], choice: str, *, vendor: str, model: str, firmware: str
) -> QuirkProfile | None:
    """The profile that a station gets: the one it chose, or the first that fits what it is."""
    if choice in (NONE, STRICT):
        return None
    for profile in profiles:
        if choice == AUTO:
            match = profile.match
            if match and fits(match, vendor=vendor, model=model, firmware=firmware):
                return profile
        elif profile.name == choice:
            return profile
    return None


def fits(match: Match, *, vendor: str, model: str, firmware: str) -> bool:
    """Whether a station is meant, by what it said of itself."""
    return (
        _any(match.vendor, vendor) and _any(match.model, model) and within(firmware, match.firmware)
    )


def within(firmware: str, wanted: str) -> bool:
    """Whether a firmware's number lies in a range. Raises ValueError for what is no range."""
    bounds = bounds_of(wanted)
    return not bounds or (bool(firmware) and all(_holds(firmware, *bound) for bound in bounds))


def bounds_of(wanted: str) -> list[tuple[str, str]]:
    """The comparisons that a range is made of. Raises ValueError."""
    bounds = _BOUND.findall(wanted)
    if _BOUND.sub("", wanted).strip(" ,"):
        raise ValueError(f"{wanted!r} is no range of firmware: write it as '>=5.0 <6'")
    return bounds


def keys_of(profile: QuirkProfile) -> Mapping[str, Any]:
    """What a profile sets, by key."""
    defaults = {field.name: field.default for field in fields(QuirkProfile)}
    told = {key: getattr(profile, key) for key in KEYS}
    return {key: value for key, value in told.items() if value and value != defaults[key]}


def advice_of(profile: QuirkProfile) -> tuple[str, ...]:
    """What an operator should know of such a station."""
    told = keys_of(profile)
    known = tuple(text.format(told[key]) for key, text in ADVISED.items() if key in told)
    return known + profile.advice


def _any(patterns: Iterable[str], text: str) -> bool:
    folded = text.strip().casefold()
    return any(fnmatchcase(folded, pattern.casefold()) for pattern in patterns)


def _holds(firmware: str, comparison: str, bound: str) -> bool:
    ours, theirs = _pieces(firmware), _pieces(bound)
    if theirs and theirs[0][0]:
        # Letters before the number ("v5.0") say nothing, unless the range has them too.
        ours = ours[next((n for n, piece in enumerate(ours) if piece[0]), len(ours)) :]
    if comparison in {"=", "<="}:
        ours = ours[: len(theirs)]  # 5.1.7 is a 5.1, and not beyond it.
    return _COMPARISONS[comparison](ours, theirs)


def _pieces(version: str) -> list[tuple[bool, int, str]]:
    """A version as it sorts: numbers by size, behind words at the same place."""
    return [
        (True, int(piece), "") if piece.isdecimal() else (False, 0, piece)
        for piece in _PIECE.findall(version.casefold())
    ]
