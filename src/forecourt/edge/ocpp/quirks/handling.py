"""How one connected station is handled: its profile at work, and what must be remembered for it."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from forecourt.domain.catalogue import QuirkProfile
from forecourt.domain.stations import Answer, Outcome, failed
from forecourt.edge.ocpp.commands import Asked
from forecourt.edge.ocpp.quirks.outgoing import Moment, Refused, rewrite
from forecourt.protocol.ocpp.lenient import Lenient

STOPS: Final = frozenset({"RemoteStopTransaction", "RequestStopTransaction"})
Used = Callable[[tuple[str, ...]], None]


class Handling:
    """One station's. Made anew when it boots as something else, or its choice changes."""

    __slots__ = ("_polled_s", "_stopped_s", "_used", "lenient", "profile")

    def __init__(
        self, profile: QuirkProfile | None, lenient: Lenient | None, *, used: Used
    ) -> None:
        """``used`` counts what was done, by its keys."""
        self.profile = profile
        self.lenient = lenient
        self._used = used
        self._stopped_s: float | None = None
        self._polled_s: float | None = None

    def said(self, asked: Asked | Answer, now: datetime, now_s: float) -> Asked | Answer:
        """What the station is sent in place of ``asked``; or why it is not."""
        if self.profile is None or isinstance(asked, Answer):
            return asked
        since_s = None if self._stopped_s is None else now_s - self._stopped_s
        done = rewrite(self.profile, asked.request, Moment(now=now, since_stop_s=since_s))
        if isinstance(done, Refused):
            self._used((done.key,))
            return failed(Outcome.UNSUPPORTED, f"quirks of {self.profile.name}: {done.reason}")
        if type(done.message).__name__ in STOPS:
            self._stopped_s = now_s
        if not done.used:
            return asked
        self._used(done.used)
        return Asked(done.message, asked.request_id)

    def polls(self, now_s: float) -> bool:
        """Whether it is time to ask for meter values, of a station that tells none by itself."""
        every_s = None if self.profile is None else self.profile.poll_meter_values_s
        if every_s is None:
            return False
        if self._polled_s is not None and now_s - self._polled_s < every_s:
            return False
        self._polled_s = now_s
        return True

    def polled(self) -> None:
        """It was asked."""
        self._used(("poll_meter_values_s",))
