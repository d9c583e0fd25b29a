"""What a fleet counts, for the status line, the summary and the tests. Knows nothing else."""

from dataclasses import dataclass, field
from typing import Final

# Answers are counted by how long they took, in steps of a quarter of a power of two.
_STEPS_PER_OCTAVE: Final = 4
_FLOOR_S: Final = 0.0001
_BUCKETS: Final = 96


class Latency:
    """Answer times, coarse and cheap."""

    __slots__ = ("_buckets", "count")

    def __init__(self) -> None:
        self._buckets = [0] * _BUCKETS
        self.count = 0

    def add(self, seconds: float) -> None:
        ratio = max(seconds, _FLOOR_S) / _FLOOR_S
        # bit_length is the cheapest logarithm there is.
        scaled = int(ratio**_STEPS_PER_OCTAVE).bit_length() - 1
        self._buckets[min(scaled, _BUCKETS - 1)] += 1
        self.count += 1

    def quantile_s(self, share: float) -> float:
        """The upper end of the step in which this share of the answers lies."""
        mark, seen = share * self.count, 0
        for step, count in enumerate(self._buckets):
            seen += count
            if count and seen >= mark:
                return _FLOOR_S * float(2.0 ** ((step + 1) / _STEPS_PER_OCTAVE))
        return 0.0


@dataclass(slots=True)
class Stats:
    """Counters of one fleet; they only rise, but for the gauges at the top."""

    stations: int = 0
    connected: int = 0
    booted: int = 0
    running: int = 0
    """Transactions open now."""
    power_w: float = 0.0
    """Flowing now, over all outlets."""
    queued: int = 0
    """Transaction messages that wait for an answer."""

    dials: int = 0
    dial_failures: int = 0
    disconnects: int = 0
    boots: int = 0
    sent: int = 0
    received: int = 0
    answered: int = 0
    acknowledged: int = 0
    """Transaction messages that were answered."""
    call_errors: int = 0
    timeouts: int = 0
    malformed: int = 0
    late: int = 0
    given_up: int = 0
    """Transaction messages that the central system refused too often."""
    commands: int = 0
    mischief: int = 0
    """Commands answered badly, and calls broken, on purpose."""
    started: int = 0
    ended: int = 0
    energy_wh: float = 0.0
    """Metered in ended transactions."""
    turned_away: int = 0
    refused: int = 0
    faults: int = 0
    power_cuts: int = 0
    lost_links: int = 0
    samples_dropped: int = 0
    last_failure: str = ""
    """Why the last connection could not be made."""
    latency: Latency = field(default_factory=Latency)

    def as_dict(self) -> dict[str, float]:
        """Everything, for machines."""
        numbers = {
            name: getattr(self, name)
            for name in self.__dataclass_fields__
            if name not in {"latency", "last_failure"}
        }
        numbers["answer_p50_s"] = self.latency.quantile_s(0.5)
        numbers["answer_p99_s"] = self.latency.quantile_s(0.99)
        return numbers
