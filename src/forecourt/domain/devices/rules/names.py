"""What variables are called: in the device model, and by stations with flat keys. Pure."""

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from forecourt.domain.devices.model import LimitKey, LoneKey, Place, Standard, Wanted
from forecourt.domain.devices.rules.values import items
from forecourt.domain.stations import Variable


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
        self._by_key |= {key.name.casefold(): key for key in book.limits}
        self._by_key |= {key.name.casefold(): key for key in book.lone}

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
