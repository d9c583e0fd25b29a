"""Chance that repeats: a tiny seeded generator (SplitMix64), the same on every machine and Python.

Every outlet and station owns one, so that what happens at one of them never changes the luck of
another. Eight bytes of state where ``random.Random`` has 2 500. Not for secrets.
"""

import math
from collections.abc import Sequence
from hashlib import blake2b
from typing import Final, TypeVar

T = TypeVar("T")

_MASK: Final = (1 << 64) - 1
_STEP: Final = 0x9E3779B97F4A7C15


class Luck:
    """A stream of chance, named by whatever it belongs to."""

    __slots__ = ("_state",)

    def __init__(self, *name: object) -> None:
        text = "/".join(map(str, name)).encode()
        self._state = int.from_bytes(blake2b(text, digest_size=8).digest(), "big")

    def bits(self) -> int:
        """64 random bits."""
        self._state = (self._state + _STEP) & _MASK
        mixed = self._state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
        return mixed ^ (mixed >> 31)

    def unit(self) -> float:
        """In [0, 1)."""
        return (self.bits() >> 11) / (1 << 53)

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * self.unit()

    def chance(self, probability: float) -> bool:
        return self.unit() < probability

    def exponential(self, mean: float) -> float:
        return -mean * math.log(1.0 - self.unit())

    def normal(self, mean: float, deviation: float) -> float:
        radius = math.sqrt(-2.0 * math.log(1.0 - self.unit()))
        return mean + deviation * radius * math.cos(2.0 * math.pi * self.unit())

    def pick(self, things: Sequence[T]) -> T:
        return things[self.bits() % len(things)]

    def pick_weighted(self, things: Sequence[T], weights: Sequence[float]) -> T:
        mark = self.unit() * sum(weights)
        for thing, weight in zip(things, weights, strict=True):
            mark -= weight
            if mark < 0:
                return thing
        return things[-1]

    def uuid(self) -> str:
        """A version-4 UUID's shape, 36 characters."""
        digits = f"{self.bits():016x}{self.bits():016x}"
        variant = "89ab"[self.bits() & 3]
        return (
            f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"
        )
