"""What stations in the field get wrong, and how each fault is mended.

Opt-in, and tried only after strict reading failed; every repair is named, so that it can be
counted. A message's own type says what was expected. Must not know connections or stations.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import Struct, inspect

from forecourt.protocol.ocpp.values import INTEGER_END, JSON, Message, decode_custom

# Mending reads a text several times; no station that means well breaks a longer one.
MENDED_BYTES_MAX: Final = 256 * 1024


class Fix(StrEnum):
    """A fault that may be forgiven. The value is what a counter shows."""

    EMPTY_FRAME = "empty-frame"
    """A frame without text says nothing: ignored."""
    BROKEN_JSON = "broken-json"
    """`"transactionId":,`, a comma too many, stray backslashes, bytes that are no UTF-8."""
    NULL_PAYLOAD = "null-payload"
    """`null` for a payload without fields."""
    NULL_FIELD = "null-field"
    """`null` for an optional field: absent."""
    UNKNOWN_FIELD = "unknown-field"
    """A field that the message does not have: dropped."""
    SINGLE_ITEM = "single-item"
    """An object where a list of them is wanted: a list of one."""
    EMPTY_LIST = "empty-list"
    """`[]` where one item is the least: absent if optional, else an empty list."""
    NUMBER_AS_TEXT = "number-as-text"
    """A number where a text is wanted: its text."""
    WHOLE_FLOAT = "whole-float"
    """`1.0` where an integer is wanted."""
    LONG_TEXT = "long-text"
    """A text that is too long: kept whole."""
    OTHER_WORD = "other-word"
    """A word that the specification spells otherwise (see WORDS)."""
    UNKNOWN_WORD = "unknown-word"
    """A word that the specification does not have: kept as it came."""
    NO_ZONE = "no-zone"
    """A time without an offset: taken as UTC."""
    HUGE_NUMBER = "huge-number"
    """More than 64 bits in an optional field: absent."""
    NUL_CHARACTER = "nul-character"
    """U+0000 in a text (the end of a string in C): left out."""


ALL_FIXES: Final = frozenset(Fix)

# Words seen in the field, and the specification's own, by the class and field that hold them.
WORDS: Final[Mapping[tuple[str, str], Mapping[str, str]]] = {
    ("StatusNotification", "errorCode"): {"Error": "OtherError"},
    ("SampledValue", "unit"): {"C": "Celsius", "Hz": "Hertz"},
}

# U+0000, escaped: JSON may hold it, and no text in a database can. (Unescaped it is no JSON.)
NUL: Final = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
# A string (closed or not, so that this stays linear), or one of two slips between the strings.
_SLIPS: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"?|:\s*+(?=[,}\]])|,\s*+(?=[}\]])', re.DOTALL)
_BACKSLASH: Final = re.compile(rb'\\(["\\/bfnrt]|u[0-9a-fA-F]{4})?')

_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_RAW: Final = msgspec.json.Decoder(msgspec.Raw)
_ANY: Final = msgspec.json.Decoder()


class _Unmendable(Exception):
    """A fault that is not forgiven."""


Rewrite: TypeAlias = Callable[[Any], Message]
"""A message as it was meant; the same object where nothing is to be changed."""


class Lenient(Struct, frozen=True):
    """Which faults are forgiven."""

    fixes: frozenset[Fix] = ALL_FIXES
    rewrites: Mapping[type[Message], tuple[tuple[str, Rewrite], ...]] = {}
    """What is put right in messages that no type forbids, each with the name that it counts by."""

    def ignores(self, data: bytes) -> bool:
        """An empty frame says nothing."""
        return Fix.EMPTY_FRAME in self.fixes and not data.strip()

    def mend_text(self, data: bytes) -> tuple[bytes, tuple[str, ...]] | None:
        """A frame that is no JSON, made JSON."""
        if Fix.BROKEN_JSON not in self.fixes or len(data) > MENDED_BYTES_MAX:
            return None
        # Some stations escape the quotes between the tokens too.
        for text in (data, data.replace(b'\\"', b'"')):
            mended = _SLIPS.sub(_mend_slip, text)
            try:
                _RAW.decode(mended)
            except _UNREADABLE:
                continue
            return mended, (Fix.BROKEN_JSON.value,)
        return None

    def read(self, kind: type[Message], payload: bytes) -> tuple[Message, tuple[str, ...]] | None:
        """A payload that strict reading refused, read as it was meant; None if it cannot be."""
        mender = _Mender(self.fixes)
        try:
            plain = mender.plain(payload)
            message: Message = mender.message(kind, plain)
        except _Unmendable:
            return None
        return message, tuple(sorted(mender.used))

    def rewritten(self, message: Message) -> tuple[Message, tuple[str, ...]]:
        """A message with all that is put right in it, and the names of what was."""
        used: tuple[str, ...] = ()
        for name, rewrite in self.rewrites.get(type(message), ()):
            after = rewrite(message)
            if after is not message:
                message, used = after, (*used, name)
        return message, used


class _Mender:
    """Reads one payload by its type, and notes each fault that it forgave."""

    def __init__(self, fixes: frozenset[Fix]) -> None:
        self._fixes = fixes
        self.used: set[str] = set()

    def plain(self, payload: bytes) -> JSON:
        if (bare := NUL.sub(rb"\1", payload)) != payload:
            self._use(Fix.NUL_CHARACTER)
            payload = bare
        text = payload.decode(errors="replace")
        try:
            value = _ANY.decode(text)
        except _UNREADABLE as error:
            raise _Unmendable from error
        if "\ufffd" in text and text.encode() != payload:
            self._use(Fix.BROKEN_JSON)
        return value

    def message(self, kind: type[Message], value: JSON) -> Any:
        if value is None:
            self._use(Fix.NULL_PAYLOAD)
            value = {}
        return self._struct(_shape(kind), value)

    def _use(self, fix: Fix) -> None:
        if fix not in self._fixes:
            raise _Unmendable
        self.used.add(fix.value)

    def _struct(self, shape: inspect.StructType, value: JSON) -> Struct:
        if not isinstance(value, dict):
            raise _Unmendable
        content: dict[str, Any] = {}
        for each in shape.fields:
            if each.encode_name not in value:
                if each.required:
                    raise _Unmendable
                continue
            found = value[each.encode_name]
            if found is None and not each.required and not isinstance(each.type, inspect.AnyType):
                self._use(Fix.NULL_FIELD)
                continue
            if found == [] and not each.required and _wants_items(each.type):
                self._use(Fix.EMPTY_LIST)
                continue
            if not each.required and _is_huge(found):
                self._use(Fix.HUGE_NUMBER)
                continue
            place = (shape.cls.__name__, each.encode_name)
            content[each.name] = self._value(each.type, found, place)
        if value.keys() - {each.encode_name for each in shape.fields}:
            self._use(Fix.UNKNOWN_FIELD)
        return shape.cls(**content)

    def _value(self, shape: inspect.Type, value: JSON, place: tuple[str, str]) -> Any:
        mended: Any
        match shape:
            case inspect.StructType():
                mended = self._struct(shape, value)
            case inspect.VarTupleType():
                mended = self._list(shape, value, place)
            case inspect.LiteralType():
                mended = self._word(shape, value, place)
            case inspect.StrType():
                mended = self._string(shape, value)
            case inspect.IntType() | inspect.FloatType():
                mended = self._number(shape, value)
            case inspect.DateTimeType():
                mended = self._moment(value)
            case inspect.BoolType():
                mended = _strictly(value, bool)
            case inspect.CustomType():
                mended = _strictly(value, shape.cls)
            case _:
                mended = value
        return mended

    def _list(
        self, shape: inspect.VarTupleType, value: JSON, place: tuple[str, str]
    ) -> tuple[Any, ...]:
        if isinstance(value, dict) and isinstance(shape.item_type, inspect.StructType):
            self._use(Fix.SINGLE_ITEM)
            value = [value]
        if not isinstance(value, list):
            raise _Unmendable
        if not value and _wants_items(shape):
            self._use(Fix.EMPTY_LIST)
            return ()
        if len(value) < (shape.min_length or 0) or len(value) > (shape.max_length or len(value)):
            raise _Unmendable
        return tuple(self._value(shape.item_type, item, place) for item in value)

    def _word(self, shape: inspect.LiteralType, value: JSON, place: tuple[str, str]) -> str:
        if not isinstance(value, str):
            raise _Unmendable
        if value in shape.values:
            return value
        other = WORDS.get(place, {}).get(value)
        if other in shape.values:
            assert other is not None, "no enumeration has a null"
            self._use(Fix.OTHER_WORD)
            return other
        self._use(Fix.UNKNOWN_WORD)
        return value

    def _string(self, shape: inspect.StrType, value: JSON) -> str:
        if isinstance(value, int | float) and not isinstance(value, bool):
            self._use(Fix.NUMBER_AS_TEXT)
            value = msgspec.json.encode(value).decode()
        if not isinstance(value, str):
            raise _Unmendable
        if shape.max_length is not None and len(value) > shape.max_length:
            self._use(Fix.LONG_TEXT)
        return value

    def _number(self, shape: inspect.IntType | inspect.FloatType, value: JSON) -> float:
        if isinstance(shape, inspect.FloatType):
            number: float = _strictly(value, float)
        else:
            if isinstance(value, float) and value.is_integer():
                self._use(Fix.WHOLE_FLOAT)
                value = int(value)
            number = _strictly(value, int)
        if shape.ge is not None and number < shape.ge:
            raise _Unmendable
        if shape.le is not None and number > shape.le:
            raise _Unmendable
        return number

    def _moment(self, value: JSON) -> datetime:
        moment: datetime = _strictly(value, datetime)
        if moment.tzinfo is None:
            self._use(Fix.NO_ZONE)
            return moment.replace(tzinfo=UTC)
        return moment


@cache
def _shape(kind: type[Message]) -> inspect.StructType:
    shape = inspect.type_info(kind)
    assert isinstance(shape, inspect.StructType), "a message is a Struct"
    return shape


def _is_huge(value: JSON) -> bool:
    return type(value) is int and not -INTEGER_END <= value < INTEGER_END


def _wants_items(shape: inspect.Type) -> bool:
    return isinstance(shape, inspect.VarTupleType) and bool(shape.min_length)


def _strictly(value: JSON, kind: Any) -> Any:
    try:
        return msgspec.convert(value, kind, dec_hook=decode_custom)
    except msgspec.ValidationError as error:
        raise _Unmendable from error


def _mend_slip(found: re.Match[bytes]) -> bytes:
    text = found[0]
    if text.startswith(b'"'):
        return _BACKSLASH.sub(lambda slash: slash[0] if slash[1] else rb"\\", text)
    return b":null" if text.startswith(b":") else b""
