"""What was measured, as values: one Struct per kind of run, and the report that holds them all."""

from collections.abc import Sequence
from statistics import median
from typing import Final

import msgspec

ROWS: Final = (
    "meter-values",
    "transaction-event",
    "latency",
    "memory",
    "reconnect",
    "scaling",
)


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One run of one contender under one load."""

    contender: str
    row: str
    round: int
    version: str
    stations: int
    offered_per_s: float | None
    """None in a closed loop."""
    per_s: float
    p50_ms: float
    p99_ms: float
    server_cpu: float
    """Share of one core; above 1 where the server is not pinned."""
    client_cpu: float
    others_cpu: float
    """What everybody else used meanwhile, in cores: the noise of this machine."""
    server_us_per_message: float
    client_lag_p99_ms: float | None
    """Open loop: how late the client was with what it could send."""
    answered: int
    errors: int
    unanswered: int
    recorded: int | None = None
    """Rows that the database holds of the ``answered`` messages; None if nobody stores."""

    @property
    def sound(self) -> bool:
        """Every message was answered properly, and what was answered is there, once."""
        kept = self.recorded is None or self.recorded == self.answered
        return self.errors == 0 and self.unanswered == 0 and kept and self.answered > 0


class Crowd(msgspec.Struct, frozen=True, kw_only=True):
    """Many stations at one server: what they weigh, and how they come back."""

    round: int
    stations: int
    arrived: int
    connected: int
    """Still there after idling."""
    kib_per_connection: float
    resident_before_mib: float
    returned: int
    dropped: int
    return_s: float
    boot_p50_ms: float
    boot_p99_ms: float


class Goal(msgspec.Struct, frozen=True, kw_only=True):
    """One promise, what came of it, and whether that is enough. ``met`` is None if not measured."""

    row: str
    what: str
    goal: str
    measured: str
    met: bool | None
    note: str = ""


class Report(msgspec.Struct, kw_only=True):
    """A whole run. The only one of these that grows."""

    quick: bool
    seed: int
    rounds: int
    connections: int
    stations: int
    window_s: float
    pinning: str
    machine: str
    filesystem: str
    durability: str = "not looked at"
    failures: dict[str, int] = {}
    left_out: dict[str, str] = {}
    samples: list[Sample] = []
    crowds: list[Crowd] = []
    goals: list[Goal] = []

    def of(self, row: str, contender: str) -> list[Sample]:
        return [s for s in self.samples if s.row == row and s.contender == contender]

    def ratio(self, row: str, field: str, over: tuple[str, str]) -> float | None:
        """Median over the rounds of one contender's figure over another's in the same round."""
        mine = {s.round: float(getattr(s, field)) for s in self.of(row, over[0])}
        theirs = {s.round: float(getattr(s, field)) for s in self.of(row, over[1])}
        both = [mine[k] / theirs[k] for k in mine.keys() & theirs.keys() if theirs[k]]
        return median(both) if both else None


def middle(samples: Sequence[Sample], field: str) -> float | None:
    """The median of one figure over runs; None if there was no run."""
    values = [float(getattr(s, field)) for s in samples if getattr(s, field) is not None]
    return median(values) if values else None
