"""What a central system may turn on a station, in our words and units.

Each version has a table that gives them its own names; here they are read and written as text.
"""

import re
from dataclasses import dataclass
from typing import Final, get_args

from msgspec import Struct

from forecourt.sim.models import Measurand, TxPoint

_MEASURANDS: Final = frozenset(get_args(Measurand))
_REGISTER: Final[tuple[Measurand, ...]] = ("Energy.Active.Import.Register",)


@dataclass(slots=True, kw_only=True)
class Knobs:
    """The settings of one station. Seconds of the wire unless it says otherwise."""

    heartbeat_s: int
    sample_s: int
    """In the world's seconds, as everything that has to do with energy and people."""
    measurands: tuple[Measurand, ...]
    aligned_measurands: tuple[Measurand, ...] = _REGISTER
    aligned_s: int = 0
    aligned_idle_only: bool = False
    """Readings on the clock only from outlets without a session."""
    start_measurands: tuple[Measurand, ...] = _REGISTER
    end_measurands: tuple[Measurand, ...] = _REGISTER
    end_sample_s: int = 0
    """How often readings are kept to be told at the end; 0: begin and end alone."""
    end_aligned_measurands: tuple[Measurand, ...] = _REGISTER
    end_aligned_s: int = 0
    stop_sampled: tuple[Measurand, ...] = ()
    """1.6: what StopTransaction says of the session's samples; nothing, as delivered."""
    stop_aligned: tuple[Measurand, ...] = ()
    connection_timeout_s: int = 90
    """World seconds between the card and the plug."""
    tx_attempts: int = 3
    tx_retry_s: int = 10
    call_timeout_s: int = 30
    backoff_wait_s: int = 3
    backoff_random_s: int = 5
    backoff_repeats: int = 5
    ping_s: int = 0
    offline_threshold_s: int = 60
    profile_attempts: int = 3
    """How often a network profile is tried before the next one."""
    status_settle_s: int = 0
    """A status must last so long before it is told (1.6)."""
    auth: bool = True
    authorize_remote: bool = False
    authorize_never: bool = False
    """Ask the central system about no card; what is not known here is refused."""
    local_authorize_offline: bool = True
    local_pre_authorize: bool = False
    local_list: bool = True
    offline_unknown: bool = True
    cache: bool = True
    cache_life_s: int = 0
    """0: for ever."""
    master_group: str = ""
    stop_on_invalid: bool = True
    energy_on_invalid_wh: int = 0
    starts_at: tuple[TxPoint, ...] = ()
    """What begins a transaction in 2.x; empty: as the model has it."""
    stops_at: tuple[TxPoint, ...] = ()
    reservations: bool = True
    smart_charging: bool = True
    monitoring: bool = True
    display: bool = True
    tariffs: bool = True
    plug_and_charge: bool = True
    password: str = ""
    organization: str = "Forecourt"
    security_profile: int = 1
    csr_wait_s: int = 60
    csr_repeats: int = 2
    priorities: str = "0"
    """The slots of network profiles, in the order in which they are tried."""
    fail_share: float = 0.0
    """How many downloads, installations and uploads come to nothing."""
    free: dict[str, str] | None = None
    """Whatever is kept as it was written and has no effect here, by the version's own name."""


class Key(Struct, frozen=True, kw_only=True):
    """One setting as a version names it."""

    knob: str = ""
    """The field of ``Knobs``; empty for a value that nobody can turn."""
    fixed: str = ""
    free: str = ""
    """A name in ``Knobs.free``: it can be written, and is only read back; ``fixed`` at first."""
    readonly: bool = False
    secret: bool = False
    """May be written and never read."""
    low: int = 0
    high: int | None = None
    length: tuple[int, int] = (0, 500)
    """How short and how long a text may be."""
    words: tuple[str, ...] = ()
    """What a text may be; anything, where empty."""
    unit: str = ""
    type: str = ""
    """The word of the 2.x device model, where it does not follow from the value."""
    reboots: bool = False
    """Takes effect at the next boot."""

    @property
    def writable(self) -> bool:
        return bool(self.knob or self.free) and not self.readonly

    @property
    def data_type(self) -> str:
        """The word of the 2.x device model."""
        if self.type:
            return self.type
        if not self.knob:
            numeric = self.fixed.isdigit()
            return "integer" if numeric else "boolean" if self.fixed in _BOOLS else "string"
        return _DATA_TYPES.get(str(Knobs.__annotations__[self.knob]), "MemberList")

    def read(self, knobs: Knobs) -> str:
        if self.free:
            return (knobs.free or {}).get(self.free, self.fixed)
        if not self.knob:
            return self.fixed
        value = getattr(knobs, self.knob)
        if isinstance(value, bool):
            return "true" if value else "false"
        return ",".join(value) if isinstance(value, tuple) else str(value)

    def write(self, knobs: Knobs, text: str) -> bool:
        """Turn it; False when the text makes no sense here."""
        assert self.knob or self.free, "only a knob can be turned"
        text = text.strip()
        if self.free:
            return self._write_free(knobs, text)
        value = self._value(text, like=getattr(knobs, self.knob))
        if value is None:
            return False
        setattr(knobs, self.knob, value)
        return True

    def _value(self, text: str, *, like: object) -> object:
        """The text as a value of the knob's kind; None when it is none."""
        match like:
            case bool():
                return text.lower() == "true" if text.lower() in _BOOLS else None
            case int():
                return int(text) if self._is_number(text) else None
            case float():
                return float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else None
            case tuple():
                parts = tuple(part.strip() for part in text.split(",") if part.strip())
                known = frozenset(self.words) or _MEASURANDS
                return parts if known.issuperset(parts) else None
            case _:
                return text if self._is_text(text) else None

    def _write_free(self, knobs: Knobs, text: str) -> bool:
        kind = self.data_type
        if kind == "boolean" and text.lower() not in _BOOLS:
            return False
        if kind == "integer" and not self._is_number(text):
            return False
        if kind == "MemberList":
            parts = [part.strip() for part in text.split(",") if part.strip()]
            if self.words and not set(self.words).issuperset(parts):
                return False
        elif kind not in {"boolean", "integer"} and not self._is_text(text):
            return False
        knobs.free = {**(knobs.free or {}), self.free: text}
        return True

    def _is_number(self, text: str) -> bool:
        if not text.isdigit():
            return False
        return self.low <= int(text) <= (int(text) if self.high is None else self.high)

    def _is_text(self, text: str) -> bool:
        shortest, longest = self.length
        return shortest <= len(text) <= longest and (not self.words or text in self.words)


_BOOLS: Final = frozenset({"true", "false"})
_DATA_TYPES: Final = {str(bool): "boolean", str(int): "integer", str(str): "string"}
