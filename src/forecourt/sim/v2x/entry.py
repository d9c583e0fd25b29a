"""One variable of the device model, and where it sits. Data; no messages and no station."""

from typing import Final

from msgspec import Struct

from forecourt.sim.knobs import Key


class Place(Struct, frozen=True):
    """Which component is meant; names have no case."""

    name: str
    instance: str | None
    evse: int | None
    connector: int | None


class Entry(Struct, frozen=True, kw_only=True):
    """One variable of one component."""

    component: str
    variable: str
    key: Key
    component_instance: str | None = None
    instance: str | None = None
    evse: int | None = None
    connector: int | None = None
    live: str = ""
    """What is to be looked up in the station itself (``live.LIVE``)."""
    type: str = ""
    unit: str = ""
    limits: tuple[float | None, float | None] = (None, None)
    words: tuple[str, ...] = ()
    """What a list may hold; the report tells it."""
    newest: bool = False
    """2.1 alone has it."""

    @property
    def data_type(self) -> str:
        return self.type or self.key.data_type

    @property
    def writable(self) -> bool:
        return not self.live and self.key.writable

    @property
    def monitored(self) -> bool:
        """Whether a monitor can watch it: what moves by itself, or what can be turned."""
        return bool(self.live) or self.writable

    @property
    def place(self) -> Place:
        return Place(self.component.lower(), self.component_instance, self.evse, self.connector)


def knob(component: str, variable: str, name: str, **more: object) -> Entry:
    """A variable that turns a knob of the station."""
    unit = "s" if name.endswith("_s") else "Wh" if name.endswith("_wh") else ""
    on_entry = {k: more.pop(k) for k in [*more] if k in _OF_ENTRY}
    key = Key(knob=name, unit=unit, **more)  # type: ignore[arg-type]  # the rest are Key's fields
    return Entry(component=component, variable=variable, key=key, unit=unit, **on_entry)  # type: ignore[arg-type]  # as named in _OF_ENTRY


def fixed(component: str, variable: str, value: str, **more: object) -> Entry:
    """A variable that is as it is."""
    key = Key(fixed=value, readonly=True)
    return Entry(component=component, variable=variable, key=key, **more)  # type: ignore[arg-type]  # Entry's own fields


def free(component: str, variable: str, value: str, **more: object) -> Entry:
    """A variable that can be written and has no effect here but to be read again."""
    on_entry = {k: more.pop(k) for k in [*more] if k in _OF_ENTRY}
    where = (component, on_entry.get("instance"), on_entry.get("evse"), on_entry.get("connector"))
    name = ".".join(str(part) for part in (*where, variable) if part is not None)
    key = Key(free=name, fixed=value, **more)  # type: ignore[arg-type]  # the rest are Key's fields
    return Entry(component=component, variable=variable, key=key, **on_entry)  # type: ignore[arg-type]  # as named in _OF_ENTRY


def live(component: str, variable: str, what: str, type_: str, **more: object) -> Entry:
    """A variable that follows from what the station does."""
    return Entry(
        component=component,
        variable=variable,
        key=Key(readonly=True),
        live=what,
        type=type_,
        **more,  # type: ignore[arg-type]  # Entry's own fields
    )


_OF_ENTRY: Final = frozenset(
    {"component_instance", "instance", "evse", "connector", "type", "limits", "newest"}
)
