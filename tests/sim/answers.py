"""The usual answer of a central system to anything: yes, and no more than it has to say."""

import types
from datetime import datetime
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from forecourt.protocol.ocpp.values import Message


def usual(kind: type[Message], now: datetime) -> Message:
    """The smallest valid message of this type that agrees to what was asked."""
    made: Message = _make(kind, now)
    return made


def _make(kind: Any, now: datetime) -> Any:
    hints = get_type_hints(kind, include_extras=True)
    required = [f.name for f in msgspec.structs.fields(kind) if f.required]
    return kind(**{name: _value(hints[name], now) for name in required})


def _value(kind: Any, now: datetime) -> Any:  # noqa: PLR0911 - one kind after the other
    origin = get_origin(kind)
    if origin is Annotated:
        return _value(get_args(kind)[0], now)
    if origin in {Union, types.UnionType}:
        return _value(get_args(kind)[0], now)
    if origin is Literal:
        words = get_args(kind)
        return "Accepted" if "Accepted" in words else words[0]
    if origin is tuple:
        return (_value(get_args(kind)[0], now),)
    if kind is datetime:
        return now
    if kind in {int, float}:
        return kind(1)
    if kind is str:
        return "x"
    if kind is bool:
        return True
    return _make(kind, now)
