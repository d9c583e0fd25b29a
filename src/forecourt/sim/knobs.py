"""What a central system may turn on a station, in our words and units.

Each version has a table that gives them its own names; here they are read and written as text.
"""

from dataclasses import dataclass
from typing import Final, get_args

from msgspec import Struct

from forecourt.sim.models import Measurand

_MEASURANDS: Final = frozenset(get_args(Measurand))


@dataclass(slots=True, kw_only=True)
class Knobs:
    """The settings of one station. Seconds of the wire unless it says otherwise."""

    heartbeat_s: int
    sample_s: int
    """In the world's seconds, as everything that has to do with energy and people."""
    measurands: tuple[Measurand, ...]
    aligned_s: int = 0
    connection_timeout_s: int = 90
    """World seconds between the card and the plug."""
    tx_attempts: int = 3
    tx_retry_s: int = 10
    call_timeout_s: int = 30
    backoff_wait_s: int = 3
    backoff_random_s: int = 5
    backoff_repeats: int = 5
    authorize_remote: bool = False
    local_authorize_offline: bool = True
    local_pre_authorize: bool = False
    local_list: bool = True
    offline_unknown: bool = True
    cache: bool = True
    stop_on_invalid: bool = True
    password: str = ""


class Key(Struct, frozen=True, kw_only=True):
    """One setting as a version names it."""

    knob: str = ""
    """The field of ``Knobs``; empty for a value that nobody can turn."""
    fixed: str = ""
    readonly: bool = False
    secret: bool = False
    """May be written and never read."""
    low: int = 0
    unit: str = ""

    @property
    def data_type(self) -> str:
        """The word of the 2.x device model."""
        if not self.knob:
            numeric = self.fixed.isdigit()
            return "integer" if numeric else "boolean" if self.fixed in _BOOLS else "string"
        return _DATA_TYPES.get(str(Knobs.__annotations__[self.knob]), "MemberList")

    def read(self, knobs: Knobs) -> str:
        if not self.knob:
            return self.fixed
        value = getattr(knobs, self.knob)
        if isinstance(value, bool):
            return "true" if value else "false"
        return ",".join(value) if isinstance(value, tuple) else str(value)

    def write(self, knobs: Knobs, text: str) -> bool:
        """Turn it; False when the text makes no sense here."""
        assert self.knob, "only a knob can be turned"
        text = text.strip()
        before = getattr(knobs, self.knob)
        value: object
        if isinstance(before, bool):
            if text.lower() not in _BOOLS:
                return False
            value = text.lower() == "true"
        elif isinstance(before, int):
            if not text.isdigit() or int(text) < self.low:
                return False
            value = int(text)
        elif isinstance(before, tuple):
            value = tuple(part.strip() for part in text.split(",") if part.strip())
            if not _MEASURANDS.issuperset(value):
                return False
        else:
            value = text
        setattr(knobs, self.knob, value)
        return True


_BOOLS: Final = frozenset({"true", "false"})
_DATA_TYPES: Final = {str(bool): "boolean", str(int): "integer", str(str): "string"}
