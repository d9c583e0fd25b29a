"""Our own calls to one station: who asked what, and how the answer gets back to them.

Made when a station is first asked something; most never are. Knows no socket: the link sends.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from forecourt.domain.stations import GOOD, SPOKEN, Answer, Ask, Outcome, Station, failed
from forecourt.edge.ocpp.asks.table import Asked, Told, allowed, merged
from forecourt.protocol.ocpp.events import CONNECTION_LOST, TIMEOUT, Failed
from forecourt.protocol.ocpp.rpc import Connection, LocalProtocolError, QueueFull
from forecourt.protocol.ocpp.values import Message

# A station works on one report at a time, and may queue a few.
INVENTORIES_KEPT: Final = 8


class Asking:
    """The commands that a station has not answered yet."""

    __slots__ = ("_conn", "_now_s", "_open", "inventories")

    def __init__(self, conn: Connection, now_s: Callable[[], float]) -> None:
        self._conn = conn
        self._now_s = now_s
        self._open: dict[str, tuple[Ask, Asked, Message, asyncio.Future[Answer]]] = {}
        self.inventories: deque[int] = deque(maxlen=INVENTORIES_KEPT)
        """The numbers of the newest reports of everything that it was asked for."""

    async def ask(self, command: Ask, asked: Asked, called: Callable[[], None]) -> Answer:
        """Send a command's messages, each when the one before is answered; what all came to."""
        answers: list[Answer] = []
        enough = SPOKEN if asked.independent else GOOD
        for request in asked.requests:
            future = self._put(command, asked, request)
            called()
            answers.append(await future)
            if answers[-1].outcome not in enough:
                break
        return merged(answers, asked.request_id)

    def _put(self, command: Ask, asked: Asked, request: Message) -> asyncio.Future[Answer]:
        """Put a message on the wire, or in line; the future holds the answer, whatever it is."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        if (
            getattr(request, "report_base", None) == "FullInventory"
            and asked.request_id is not None
        ):
            self.inventories.append(asked.request_id)
        try:
            message_id = self._conn.call(request, self._now_s())
        except QueueFull:
            future.set_result(failed(Outcome.FAILED, "too many commands wait for this station"))
        except LocalProtocolError:
            # It went away between two messages of one command.
            future.set_result(failed(Outcome.DISCONNECTED, "the station is not connected"))
        else:
            self._open[message_id] = (command, asked, request, future)
        return future

    def answered(self, message_id: str, response: Message) -> Told | None:
        """The station answered; what it told of its variables on the way."""
        found = self._open.pop(message_id, None)
        if found is None:
            return None
        command, asked, request, future = found
        told = asked.understand(command, request, response)
        if not future.done():
            future.set_result(told.answer)
        return told

    def failed(self, event: Failed) -> None:
        """The station refused, kept silent, or went away."""
        found = self._open.pop(event.message_id, None)
        if found is None or found[-1].done():
            return
        if event.code == TIMEOUT:
            answer = failed(Outcome.TIMEOUT, "the station did not answer in time")
        elif event.code == CONNECTION_LOST:
            answer = failed(Outcome.DISCONNECTED, "the station went away before it answered")
        elif event.code in ("NotImplemented", "NotSupported"):
            answer = failed(Outcome.UNSUPPORTED, f"{event.code} {event.description}".strip())
        else:
            answer = failed(Outcome.FAILED, f"{event.code} {event.description}".strip())
        found[-1].set_result(answer)


def unready(station: Station | None, command: Ask, *, told: bool) -> Answer | None:
    """Why a station is not to be asked yet, if so; ``told``: it said on this link what it is."""
    if station is None:
        return failed(Outcome.DISCONNECTED, "the station is not connected")
    if not told and station.booted_at is None:
        # Some stations fall into a boot loop when they are asked before (field quirk 19).
        return failed(Outcome.REJECTED, "the station has not booted yet")
    if not allowed(station.admission, command):
        return failed(Outcome.REJECTED, "the station is not admitted yet")
    return None
