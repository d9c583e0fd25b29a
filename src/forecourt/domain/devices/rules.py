"""Pure decisions about variables: their names, what values they take, and when two are the same."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from itertools import zip_longest
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from forecourt.domain.devices.model import (
    Desired,
    LimitKey,
    LoneKey,
    Place,
    Standard,
    Template,
    TemplateInvalid,
    Wanted,
    spelt,
)
from forecourt.domain.stations import Station, Variable

VALUE_LENGTH_MAX: Final = 2500
"""The longest value of any version; the station's own limit may be shorter."""

_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,30}")
_DECIMAL: Final = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?")
_BOOLEANS: Final = ("true", "false")


# ---- names ------------------------------------------------------------------------------------


class Book(Struct, frozen=True, forbid_unknown_fields=True):
    """The standards' variables, as the package's data file has them."""

    variables: tuple[Standard, ...]
    limits: tuple[LimitKey, ...]
    lone: tuple[LoneKey, ...]


class Standards:
    """The variables that the standards name, and their flat names. Names have no case."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self._by_name: Mapping[tuple[str, str, str], Standard] = {
            _folded(v.component, v.name, v.instance): v for v in book.variables
        }
        self._by_key: dict[str, Standard | LimitKey | LoneKey] = {
            v.key.name.casefold(): v for v in book.variables if v.key is not None
        }
        self._by_key |= {key.name.casefold(): key for key in (*book.limits, *book.lone)}

    def find(self, component: str, variable: str, instance: str = "") -> Standard | None:
        """What the standards say of this variable; of any instance, if they name none."""
        exact = self._by_name.get(_folded(component, variable, instance))
        return exact or self._by_name.get(_folded(component, variable, ""))

    def of_key(self, key: str) -> Standard | LimitKey | LoneKey | None:
        """What a flat name means; None for one that only its maker knows."""
        return self._by_key.get(key.strip().casefold())

    def key_of(self, component: str, variable: str, instance: str = "") -> str | None:
        """The flat name of a variable of the whole station; None when it has none."""
        if not component:
            known = self.of_key(variable)
            return variable if known is None else _key_name(known)
        found = self._by_name.get(_folded(component, variable, instance))
        return None if found is None or found.key is None else found.key.name

    def limit_of(self, key: str) -> Standard | None:
        """The variable whose limit a flat name is."""
        found = self.of_key(key)
        if not isinstance(found, LimitKey) or not found.of_component:
            return None
        return self._by_name[_folded(found.of_component, found.of_name, found.of_instance)]

    def canonical(self, wanted: Wanted) -> Wanted:
        """The same wish in the device model's own name and words."""
        if wanted.component:
            return wanted
        match self.of_key(wanted.variable):
            case Standard(component=component, name=name, instance=instance) as found:
                return replace(
                    wanted,
                    component=component,
                    variable=name,
                    instance=instance,
                    value=unflattened(found, wanted.value),
                )
            case LoneKey(name=name) | LimitKey(name=name):
                return replace(wanted, variable=name)
            case _:
                return wanted

    def characterised(self, variable: Variable) -> Variable:
        """The variable, with what the standards know where the station said nothing."""
        if variable.data_type:
            return variable
        known: Standard | LimitKey | LoneKey | None
        if variable.component:
            known = self.find(variable.component, variable.variable, variable.variable_instance)
        else:
            known = self.of_key(variable.variable)
        if known is None:
            return variable
        if isinstance(known, LimitKey):
            return replace(variable, data_type="integer", mutability="ReadOnly")
        return replace(
            variable,
            data_type=known.type,
            unit=variable.unit or known.unit,
            mutability=variable.mutability or known.mutability,
            min_limit=known.min if variable.min_limit is None else variable.min_limit,
            max_limit=known.max if variable.max_limit is None else variable.max_limit,
            values_list=variable.values_list or ",".join(known.values),
        )

    def is_secret(self, component: str, variable: str, instance: str = "") -> bool:
        """Whether a value of this must not be kept: it can be written and never read."""
        found: Standard | LimitKey | LoneKey | None
        found = self.find(component, variable, instance) if component else self.of_key(variable)
        return isinstance(found, Standard) and found.mutability == "WriteOnly"


def flattened(standard: Standard, value: str) -> str:
    """A value in the words that stations without components have for it."""
    return _worded(value, {} if standard.key is None else standard.key.words)


def unflattened(standard: Standard, value: str) -> str:
    """The way back."""
    words = {} if standard.key is None else standard.key.words
    return _worded(value, {there: here for here, there in words.items()})


def _worded(value: str, words: Mapping[str, str]) -> str:
    if not words:
        return value
    folded = {word.casefold(): other for word, other in words.items()}
    return ",".join(folded.get(part.casefold(), part) for part in items(value))


def _key_name(known: Standard | LimitKey | LoneKey) -> str:
    if isinstance(known, Standard):
        assert known.key is not None, "it was found by its key"
        return known.key.name
    return known.name


def _folded(component: str, variable: str, instance: str) -> tuple[str, str, str]:
    return component.casefold(), variable.casefold(), instance.casefold()


def place(v: Variable) -> Place:
    """Where a reported variable stands, to be compared with what is wanted."""
    return Place(
        component=v.component.casefold(),
        component_instance=v.component_instance.casefold(),
        evse=v.evse_no,
        connector=v.connector_no,
        variable=v.variable.casefold(),
        instance=v.variable_instance.casefold(),
        attribute=v.attribute,
    )


# ---- values -----------------------------------------------------------------------------------


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


def same(data_type: str, one: str, other: str) -> bool:
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


# ---- templates --------------------------------------------------------------------------------


def checked(template: Template, standards: Standards) -> Template:
    """A template that stations can be held to, in the device model's names.

    Raises TemplateInvalid.
    """
    values = tuple(map(standards.canonical, template.values))
    places = [wanted.place for wanted in values]
    for wanted in values:
        if places.count(wanted.place) > 1:
            raise TemplateInvalid(f"{spelt(wanted)} is named twice")
        if standards.is_secret(wanted.component, wanted.variable, wanted.instance):
            raise TemplateInvalid(
                f"{spelt(wanted)} is a secret: a template keeps its values readable"
            )
        blank = Variable(
            component=wanted.component,
            variable=wanted.variable,
            variable_instance=wanted.instance,
            value=None,
        )
        why = fault(standards.characterised(blank), wanted.value)
        if why is not None:
            raise TemplateInvalid(f"{spelt(wanted)} does not take {wanted.value!r}: {why}")
    return replace(template, values=values)


def applies(template: Template, station: Station) -> bool:
    """Whether a template is for this station."""
    return (
        template.station in ("", station.id)
        and template.site in ("", station.site)
        and _like(station.vendor, template.vendor)
        and _like(station.model, template.model)
        and _within(station.firmware, template.firmware_from, template.firmware_to)
    )


def _like(text: str, pattern: str) -> bool:
    return not pattern or fnmatchcase(text.casefold(), pattern.casefold())


def _within(firmware: str, oldest: str, newest: str) -> bool:
    if not (oldest or newest):
        return True
    if not firmware:
        return False  # Nobody knows which it runs: not the one that somebody had in mind.
    return (not oldest or compared(firmware, oldest) >= 0) and (
        not newest or compared(firmware, newest) <= 0
    )


def compared(one: str, other: str) -> int:
    """Versions in their order: numbers by value, words by letters; -1, 0 or 1."""
    for mine, theirs in zip_longest(_parts(one), _parts(other)):
        if mine == theirs:
            continue
        # What ends first is older (1.2 < 1.2.1), unless a word follows: 1.2-rc1 comes before 1.2.
        if mine is None:
            return -1 if theirs[0] else 1
        if theirs is None:
            return 1 if mine[0] else -1
        return -1 if mine < theirs else 1
    return 0


def _parts(version: str) -> list[tuple[bool, int, str]]:
    """Numbers sort after words: 1.0 comes after 1.rc."""
    found = re.findall(r"[0-9]+|[a-z]+", version.casefold().removeprefix("v"))
    return [
        (True, int(part[:30]), "") if part.isdigit() else (False, 0, part) for part in found
    ]


def desired(
    templates: Iterable[Template], station: Station, standards: Standards
) -> tuple[Desired, ...]:
    """What a station shall be set to: the more specific template overrides the more general."""
    found: dict[Place, Desired] = {}
    for template in sorted((t for t in templates if applies(t, station)), key=_precedence):
        for named in template.values:
            wanted = standards.canonical(named)
            found[wanted.place] = Desired(
                wanted=wanted, template=template.name, auto=template.auto
            )
    return tuple(found.values())


def _precedence(template: Template) -> tuple[bool, bool, bool, int, str]:
    """Maker and model, then site, then station; within that by rank, then by name."""
    return (
        bool(template.station),
        bool(template.site),
        bool(template.vendor or template.model or template.firmware_from or template.firmware_to),
        template.rank,
        template.name,
    )


def model_of(station: Station) -> str:
    """What the device model of a station depends on."""
    return "/".join((station.vendor, station.model, station.firmware))


def whole(parts: Sequence[tuple[int, bool]]) -> bool:
    """Whether these parts (number, last) make a complete report."""
    numbers = {number for number, _ in parts}
    lasts = {number for number, last in parts if last}
    return bool(lasts) and numbers >= set(range(max(lasts) + 1))
