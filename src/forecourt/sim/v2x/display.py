"""What a 2.x station shows: messages of the central system, and the running cost."""

from functools import partial
from typing import Any, Final

from msgspec import Struct

from forecourt.sim.outlet import Outlet, State
from forecourt.sim.timeline import Timer
from forecourt.sim.v2x.controllers import MESSAGES_MAX
from forecourt.sim.v2x.table import Commands, Speaker, pages

_PER_PAGE: Final = 5
_FORMATS: Final = frozenset({"ASCII", "UTF8"})
_STATES: Final = frozenset({None, "Charging", "Faulted", "Idle", "Unavailable"})
_RANKS: Final = {"AlwaysFront": 0, "InFront": 1, "NormalCycle": 2}
_CHARGING: Final = frozenset({State.CHARGING, State.SUSPENDED_EV, State.SUSPENDED_EVSE})


class Shown(Struct, eq=False):
    """A message on its way to the display, or there."""

    info: Any
    timer: Timer | None = None


class Display:
    """The display of one station."""

    def __init__(self, speaker: Speaker) -> None:
        self._speaker = speaker
        self._by_id: dict[int, Shown] = {}
        self.costs: dict[str, float] = {}
        """By transaction: what the central system says it costs so far."""
        self.personal: dict[str, str] = {}
        """By transaction: what is said to this driver alone."""
        speaker.keep("messages", lambda: str(len(self._by_id)))
        speaker.keep("shown", self.text)

    def put(self, info: Any) -> str:
        """Keep a message; it replaces its id. What the station answers."""
        station = self._speaker.station
        if info.message.format not in _FORMATS:
            return "NotSupportedMessageFormat"
        if info.state not in _STATES:
            return "NotSupportedState"
        if info.transaction_id is not None and station.transaction(info.transaction_id) is None:
            return "UnknownTransaction"
        if info.id not in self._by_id and len(self._by_id) >= MESSAGES_MAX:
            return "Rejected"
        end = info.end_date_time
        if end is not None and end.timestamp() <= station.world.now:
            return "Rejected"
        self.clear(info.id)
        if info.priority == "AlwaysFront":  # O01.FR.10: there is only one of these.
            for other in [i for i, s in self._by_id.items() if s.info.priority == "AlwaysFront"]:
                self.clear(other)
        timer = None
        if end is not None:
            timer = station.world.at(end.timestamp(), partial(self.clear, info.id))
        self._by_id[info.id] = Shown(info, timer)
        return "Accepted"

    def clear(self, message_id: int) -> bool:
        shown = self._by_id.pop(message_id, None)
        if shown is not None and shown.timer is not None:
            shown.timer.cancel()
        return shown is not None

    def find(self, request: Any) -> list[Any]:
        return [
            shown.info
            for message_id, shown in sorted(self._by_id.items())
            if (request.id is None or message_id in request.id)
            and request.priority in (None, shown.info.priority)
            and request.state in (None, shown.info.state)
        ]

    def text(self) -> str:
        """What can be read now: the message in front, then the driver's own, then the cost."""
        now = self._speaker.station.world.now
        state = self._state()
        due = [
            shown.info
            for shown in self._by_id.values()
            if shown.info.state in (None, state)
            and (
                shown.info.start_date_time is None or shown.info.start_date_time.timestamp() <= now
            )
        ]
        lines = [info.message.content for info in sorted(due, key=lambda i: _RANKS[i.priority])[:1]]
        lines += [*self.personal.values(), *(f"{cost:.2f}" for cost in self.costs.values())]
        return " | ".join(lines)[:2500]

    def _state(self) -> str:
        outlets = self._speaker.station.outlets
        states = {outlet.state_of(outlet.connectors[0]) for outlet in outlets}
        if states & _CHARGING:
            return "Charging"
        if State.FAULTED in states:
            return "Faulted"
        return "Unavailable" if states == {State.UNAVAILABLE} else "Idle"

    def ended(self, tx_ref: str) -> None:
        """O04: what was about a transaction goes with it."""
        self.costs.pop(tx_ref, None)
        self.personal.pop(tx_ref, None)
        for message_id, shown in list(self._by_id.items()):
            if shown.info.transaction_id == tx_ref:
                self.clear(message_id)


def on_put(speaker: Speaker, request: Any) -> Any:
    respond = speaker.words.SetDisplayMessageResponse
    if not speaker.station.knobs.display:
        return respond(status="Rejected")
    return respond(status=speaker.organ(Display).put(request.message))


def on_clear(speaker: Speaker, request: Any) -> Any:
    cleared = speaker.organ(Display).clear(request.id)
    status = "Accepted" if cleared else "Unknown"
    return speaker.words.ClearDisplayMessageResponse(status=status)


def on_list(speaker: Speaker, request: Any) -> Any:
    found = speaker.organ(Display).find(request)
    if not found:
        return speaker.words.GetDisplayMessagesResponse(status="Unknown")
    tell = partial(_tell, speaker, request.request_id, found)
    speaker.station.talk.after_answer(tell)
    return speaker.words.GetDisplayMessagesResponse(status="Accepted")


def _tell(speaker: Speaker, request_id: int, found: list[Any]) -> None:
    for _number, page, more in pages(found, _PER_PAGE):
        speaker.ask(
            speaker.words.NotifyDisplayMessages(
                request_id=request_id, message_info=page, tbc=True if more else None
            ),
            early=True,
        )


def on_cost(speaker: Speaker, request: Any) -> Any:
    """I02: the running cost, shown to who charges."""
    if speaker.station.transaction(request.transaction_id) is not None:
        speaker.organ(Display).costs[request.transaction_id] = request.total_cost
    return speaker.words.CostUpdatedResponse()


def show_answer(speaker: Speaker, outlet: Outlet, response: Any) -> None:
    """What the answer to a transaction's message says to its driver."""
    tx, message = outlet.tx, response.updated_personal_message
    if tx is None or (response.total_cost is None and message is None):
        return
    display = speaker.organ(Display)
    if response.total_cost is not None:
        display.costs[tx.ref] = response.total_cost
    if message is not None:
        display.personal[tx.ref] = message.content


COMMANDS: Final[Commands] = {
    "SetDisplayMessage": on_put,
    "ClearDisplayMessage": on_clear,
    "GetDisplayMessages": on_list,
    "CostUpdated": on_cost,
}
