"""What a 2.x station's commands are made of.

Both versions have the same names for nearly all that is used, so a request is read by its names
and answered in the words that the voice was handed.
"""

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, Protocol, TypeAlias, TypeVar

from forecourt.sim.outlet import Outlet, Sample, Transaction
from forecourt.sim.station import Station
from forecourt.sim.v2x.entry import Entry
from forecourt.sim.v2x.model import Model
from forecourt.sim.voice import Trigger

T = TypeVar("T")


class Speaker(Protocol):
    """What commands and organs need of the voice."""

    station: Station
    words: ModuleType
    newest: bool
    """Whether it speaks 2.1."""

    def ask(
        self,
        request: Any,
        *,
        done: Callable[[Any], None] | None = None,
        failed: Callable[[str], None] | None = None,
        early: bool = False,
    ) -> None:
        """Say something; ``early``: also before the boot is accepted."""
        ...

    def organ(self, kind: "Callable[[Speaker], T]") -> T:
        """The one organ of this kind, made when it is first asked for."""
        ...

    def has(self, kind: "Callable[[Speaker], T]") -> T | None:
        """The organ, if it was ever needed."""
        ...

    def model(self) -> Model: ...

    def value(self, entry: Entry) -> str: ...

    def keep(self, what: str, read: Callable[[], str]) -> None:
        """An organ answers for a living variable from now on."""
        ...

    def say(
        self, what: str, outlet: Outlet | None, custom: str | None = None
    ) -> Callable[[], None] | None: ...

    def security_event(self, kind: str, info: str | None = None) -> None: ...

    def tx_updated(self, tx: Transaction, trigger: Trigger, sample: Sample | None) -> None: ...

    def token(self, token: str) -> Any: ...

    def remember_type(self, token: str, kind: str) -> None: ...


Command: TypeAlias = Callable[[Speaker, Any], Any]
Commands: TypeAlias = Mapping[str, Command]


def pages(items: list[Any], size: int) -> list[tuple[int, tuple[Any, ...], bool]]:
    """(number, items, whether more come); one empty page for nothing."""
    cut = [tuple(items[at : at + size]) for at in range(0, len(items), size)] or [()]
    return [(n, page, n + 1 < len(cut)) for n, page in enumerate(cut)]
