"""Variables by one name in all versions: which key of 1.6 is which variable of 2.x, and back.

The names inside of the house are those of the device model. Facts are the devices room's.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from forecourt.domain.devices import (
    LimitKey,
    LoneKey,
    Standard,
    flattened,
    spelt,
    standards,
    unflattened,
)
from forecourt.domain.stations import Variable, VariableName


def key_of(name: VariableName) -> str | None:
    """The key of 1.6 that is meant; None when 1.6 has none for it."""
    if not name.component:
        return name.variable
    of_a_part = name.evse or name.connector or name.component_instance
    if of_a_part or name.attribute != "Actual":
        return None  # Keys are the whole station's, and have one value.
    return standards().key_of(name.component, name.variable, name.instance or "")


def keyed(names: Iterable[VariableName]) -> dict[str, VariableName] | str:
    """The keys of these variables, in their order; or why 1.6 cannot say one of them."""
    found: dict[str, VariableName] = {}
    for name in names:
        key = key_of(name)
        if key is None:
            return f"OCPP 1.6 has no key for {spelt(name)}"
        found[key] = name
    return found


def key_value(key: str, value: str) -> str:
    """A value of the device model in the words of 1.6."""
    known = standards().of_key(key)
    return flattened(known, value) if isinstance(known, Standard) else value


def named(name: VariableName, key_value: str | None) -> str | None:
    """A value that 1.6 told, in the words of the name by which it was asked for."""
    known = standards().of_key(name.variable) if not name.component else None
    if key_value is None or known is not None or not name.component:
        return key_value
    found = standards().find(name.component, name.variable, name.instance or "")
    return key_value if found is None else unflattened(found, key_value)


def variable_of(key: str, value: str | None, *, readonly: bool | None) -> Variable:
    """A key of 1.6 as the variable that it is."""
    mutability = "" if readonly is None else "ReadOnly" if readonly else "ReadWrite"
    known = standards().of_key(key)
    if isinstance(known, Standard):
        told = None if value is None else unflattened(known, value)
        variable = Variable(
            component=known.component,
            variable=known.name,
            variable_instance=known.instance,
            value=told,
        )
    else:
        spelling = key if known is None else known.name
        variable = Variable(component="", variable=spelling, value=value)
    return standards().characterised(replace(variable, mutability=mutability))


def variables_of(keys: Iterable[tuple[str, str | None, bool]]) -> list[Variable]:
    """All that 1.6 told at once: keys that are limits of others say so there too."""
    found = [variable_of(key, value, readonly=readonly) for key, value, readonly in keys]
    limits = {}
    for variable in found:
        of = standards().limit_of(variable.variable) if not variable.component else None
        if of is not None and (variable.value or "").isdecimal():
            limits[of.component, of.name, of.instance] = int(variable.value or "")
    return [
        replace(v, elements_max=limits.get((v.component, v.variable, v.variable_instance)))
        if v.component and v.data_type.endswith("List")
        else v
        for v in found
    ]


def component_of(name: VariableName) -> VariableName | str:
    """The same variable in the names of 2.x; or why 2.x has no such thing."""
    if name.component:
        return name
    match standards().of_key(name.variable):
        case Standard() as known:
            instance = known.instance or name.instance
            return replace(name, component=known.component, variable=known.name, instance=instance)
        case LimitKey() as known:
            of = f"{known.of_component}.{known.of_name}".lstrip(".")
            return f"OCPP 2.x has no {known.name}: a report tells it as a limit of {of}"
        case LoneKey() as known:
            return f"OCPP 2.x has no {known.name}: {known.because}"
        case None:
            return f"variables of OCPP 2.x have a component: {name.variable} of which?"


def value_2x(key: str, value: str) -> str:
    """A value in the words of 2.x, where it was written for a key of 1.6."""
    known = standards().of_key(key)
    return unflattened(known, value) if isinstance(known, Standard) else value


def judged(names: Iterable[str]) -> frozenset[str]:
    """These variables under the names by which they are kept, keys of 1.6 among them."""
    found = set(names)
    for name in names:
        known = standards().of_key(name)
        if isinstance(known, Standard):
            found.add(known.name)
    return frozenset(found)


def kept_as(variable: str, component: str, instance: str) -> tuple[str, str, str]:
    """Component, variable and instance by which a variable is kept, also if a key names it."""
    known = standards().of_key(variable) if not component else None
    if isinstance(known, Standard):
        return known.component, known.name, known.instance
    return component, variable, instance
