"""What values a variable takes, by its characteristics, and when two of them are the same. Pure."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final

from forecourt.domain.stations import Variable

VALUE_LENGTH_MAX: Final = 2500
"""The longest value of any version; the station's own limit may be shorter."""

_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,30}")
_DECIMAL: Final = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?")
_BOOLEANS: Final = ("true", "false")


def fault(variable: Variable, value: str) -> str | None:
    """Why the variable does not take this value, by its characteristics; None when it does.

    Of what is not known nothing is refused: the station decides.
    """
    if len(value) > VALUE_LENGTH_MAX:
        return f"a value has at most {VALUE_LENGTH_MAX} characters"
    check = _CHECKS.get(variable.data_type)
    return None if check is None else check(variable, value)


def _integer(variable: Variable, value: str) -> str | None:
    if not _INTEGER.fullmatch(value.strip()):
        return "it is a whole number"
    return _limits(variable, Decimal(value.strip()))


def _decimal(variable: Variable, value: str) -> str | None:
    if not _DECIMAL.fullmatch(value.strip()):
        return "it is a number"
    return _limits(variable, Decimal(value.strip()))


def _limits(variable: Variable, number: Decimal) -> str | None:
    unit = f" {variable.unit}" if variable.unit else ""
    if variable.min_limit is not None and number < Decimal(str(variable.min_limit)):
        return f"it is at least {variable.min_limit:g}{unit}"
    if variable.max_limit is not None and number > Decimal(str(variable.max_limit)):
        return f"it is at most {variable.max_limit:g}{unit}"
    return None


def _boolean(_variable: Variable, value: str) -> str | None:
    return None if value.strip().casefold() in _BOOLEANS else "it is true or false"


def _moment(_variable: Variable, value: str) -> str | None:
    return None if _parsed(value) is not None else "it is a moment with its zone (RFC 3339)"


def _text(variable: Variable, value: str) -> str | None:
    """For texts and lists ``max_limit`` is a length (2.x, VariableCharacteristics)."""
    if variable.max_limit is not None and len(value) > variable.max_limit:
        return f"it has at most {variable.max_limit:g} characters"
    return None


def _option(variable: Variable, value: str) -> str | None:
    options = items(variable.values_list)
    if options and value.strip().casefold() not in {option.casefold() for option in options}:
        return f"it is one of {', '.join(options)}"
    return _text(variable, value)


def _sequence(variable: Variable, value: str) -> str | None:
    options = {option.casefold() for option in items(variable.values_list)}
    found = items(value)
    strange = [item for item in found if options and item.casefold() not in options]
    if strange:
        return f"{strange[0]!r} is none of {', '.join(items(variable.values_list))}"
    if "" in found:
        return "a list has no empty items"
    if variable.elements_max is not None and len(found) > variable.elements_max:
        return f"it has at most {variable.elements_max} items"
    return _text(variable, value)


def _members(variable: Variable, value: str) -> str | None:
    found = [item.casefold() for item in items(value)]
    if len(found) != len(set(found)):
        return "it has each member once"
    return _sequence(variable, value)


_CHECKS: Final[Mapping[str, Callable[[Variable, str], str | None]]] = {
    "integer": _integer,
    "decimal": _decimal,
    "boolean": _boolean,
    "dateTime": _moment,
    "string": _text,
    "OptionList": _option,
    "SequenceList": _sequence,
    "MemberList": _members,
}


def same(data_type: str, one: str, other: str) -> bool:  # noqa: PLR0911 (one case for each type)
    """Whether two values mean the same to a variable of this type."""
    if one == other:
        return True
    one, other = one.strip(), other.strip()
    match data_type:
        case "integer" | "decimal":
            numbers = _DECIMAL.fullmatch(one) and _DECIMAL.fullmatch(other)
            return bool(numbers) and Decimal(one) == Decimal(other)
        case "dateTime":
            moment = _parsed(one)
            return moment is not None and moment == _parsed(other)
        case "MemberList":
            return {i.casefold() for i in items(one)} == {i.casefold() for i in items(other)}
        case "SequenceList" | "OptionList":
            return [i.casefold() for i in items(one)] == [i.casefold() for i in items(other)]
        case "boolean":
            return one.casefold() == other.casefold()
        case "string":
            return one == other
        case _:
            # Nobody said what it is; stations write booleans and lists as they like.
            if one.casefold() in _BOOLEANS:
                return one.casefold() == other.casefold()
            return items(one) == items(other)


def items(text: str) -> list[str]:
    """The items of a list, without the blanks that stations put between them."""
    return [item.strip() for item in text.split(",")] if text.strip() else []


def _parsed(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
