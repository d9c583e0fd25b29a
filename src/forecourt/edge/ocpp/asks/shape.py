"""From a command's parts to the wire's: the same facts under the same names, spelt as there.

Knows no version: the wire's type is an argument, and says what fits it.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any, Final, TypeVar

import msgspec

WireT = TypeVar("WireT")

# The specification writes a few names in its own way.
_SPELT: Final = {"limit_at_soc": "limitAtSoC"}
_PHASES: Final = ("_l2", "_l3")


def reshaped(source: msgspec.Struct, kind: type[WireT], *without: str) -> WireT:
    """A part of a command in the wire's type. Raises ValidationError where it does not fit."""
    plain = msgspec.to_builtins(source, builtin_types=(datetime, Decimal))
    kept = {name: value for name, value in plain.items() if name not in without}
    return msgspec.convert(_spelt(kept), kind, strict=False)


def _spelt(value: Any) -> Any:
    if isinstance(value, dict):
        return {spelt(name): _spelt(item) for name, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_spelt(item) for item in value]
    return value


def spelt(name: str) -> str:
    """``discharge_limit_l2`` as the wire writes it: ``dischargeLimit_L2``."""
    if name in _SPELT:
        return _SPELT[name]
    stem, phase = (name[:-3], name[-3:].upper()) if name.endswith(_PHASES) else (name, "")
    first, *rest = stem.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest) + phase


def pascal(word: str) -> str:
    """``always_front`` as the wire writes it: ``AlwaysFront``."""
    return "".join(part.capitalize() for part in word.split("_"))


def snake(word: str) -> str:
    """``AlwaysFront`` as we write it."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in word).removeprefix("_")
