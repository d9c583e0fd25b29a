"""Whom a station knows: the list it was sent, and what it remembers of earlier answers. Pure."""

from typing import Final

from msgspec import Struct

CACHE_MAX: Final = 500
LIST_MAX: Final = 1_000


class Known(Struct, frozen=True, gc=False):
    """What was said of a card."""

    accepted: bool
    group: str | None = None
    until: float | None = None
    """When this is no longer true."""


class Cards:
    """One station's list and cache."""

    __slots__ = ("cache", "list", "list_version")

    def __init__(self) -> None:
        self.list: dict[str, Known] = {}
        self.list_version = 0
        self.cache: dict[str, Known] = {}

    def find(
        self, token: str, now: float, *, listed: bool, cached: bool, life_s: int = 0
    ) -> Known | None:
        """The list goes before the cache; what has expired is not known."""
        known = self.list.get(token) if listed else None
        if known is None and cached:
            known = self.cache.get(token)
        if known is not None and known.until is not None and known.until <= now:
            return None
        return known

    def remember(self, token: str, known: Known) -> None:
        """Keep what the central system said of a card; who came longest ago is forgotten."""
        self.cache.pop(token, None)
        self.cache[token] = known
        if len(self.cache) > CACHE_MAX:
            del self.cache[next(iter(self.cache))]

    def rewrite(
        self, version: int, entries: "list[tuple[str, Known | None]]", *, full: bool
    ) -> bool:
        """Take a new list, or changes to it; a card without anything known is taken off."""
        after = {} if full else dict(self.list)
        for token, known in entries:
            if known is None:
                after.pop(token, None)
            else:
                after[token] = known
        if len(after) > LIST_MAX:
            return False
        self.list, self.list_version = after, version
        return True
