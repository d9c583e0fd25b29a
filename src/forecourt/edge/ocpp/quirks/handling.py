"""How one connected station is handled: its profile at work, and what must be remembered for it."""

from collections.abc import Callable
from datetime import datetime
from typing import Final, Protocol

from msgspec.structs import replace

from forecourt.domain.catalogue import QuirkProfile
from forecourt.domain.sessions import LiveSessions, SessionState
from forecourt.domain.stations import Answer, Ask, Outcome, Raw, Trigger, failed
from forecourt.edge.ocpp.asks.table import Asked
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

    def said(
        self, command: Ask, asked: Asked | Answer, now: datetime, now_s: float
    ) -> Asked | Answer:
        """What the station is sent in place of ``asked``; or why it is not."""
        if self.profile is None or isinstance(asked, Answer):
            return asked
        if isinstance(command, Raw):
            return asked  # An expert's message goes out as it stands: that is what it is for.
        since_s = None if self._stopped_s is None else now_s - self._stopped_s
        moment = Moment(now=now, since_stop_s=since_s)
        requests, used = [], set[str]()
        for request in asked.requests:
            done = rewrite(self.profile, request, moment)
            if isinstance(done, Refused):
                self._used((done.key,))
                return failed(Outcome.UNSUPPORTED, f"quirks of {self.profile.name}: {done.reason}")
            requests.append(done.message)
            used.update(done.used)
            if type(done.message).__name__ in STOPS:
                self._stopped_s = now_s
        if not used:
            return asked
        self._used(tuple(sorted(used)))
        return replace(asked, requests=requests)

    def beat(self, link: "Polled", now_s: float) -> None:
        """Once a second: ask for meter values, of a station that tells none by itself."""
        every_s = None if self.profile is None else self.profile.poll_meter_values_s
        if every_s is None:
            return
        if self._polled_s is not None and now_s - self._polled_s < every_s:
            return
        sessions = link.sessions.known.values() if link.sessions is not None else ()
        running = {s.evse_no for s in sessions if s.state is SessionState.ACTIVE}
        if running:
            self._polled_s = now_s
            evse = running.pop() if len(running) == 1 else None
            link.trigger(Trigger(message="meter_values", evse=evse))
            self._used(("poll_meter_values_s",))


class Polled(Protocol):
    """A link that can be asked to ask."""

    @property
    def sessions(self) -> LiveSessions | None: ...

    def trigger(self, wanted: Trigger) -> None: ...
