"""Our own calls to one station: who asked what, and how the answer gets back to them.

Made when a station is first asked something; most never are. Knows no socket: the link sends.
"""

import asyncio
from collections.abc import Sequence

from forecourt.domain.stations import Answer, Ask, Outcome, Variable, failed
from forecourt.edge.ocpp.asks.table import Asked
from forecourt.protocol.ocpp.events import CONNECTION_LOST, TIMEOUT, Failed
from forecourt.protocol.ocpp.rpc import Connection, QueueFull
from forecourt.protocol.ocpp.values import Message


class Asking:
    """The commands that a station has not answered yet."""

    __slots__ = ("_conn", "_open")

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self._open: dict[str, tuple[Ask, Asked, Message, asyncio.Future[Answer]]] = {}

    def put(
        self, command: Ask, asked: Asked, request: Message, now_s: float
    ) -> asyncio.Future[Answer]:
        """Put a message on the wire, or in line; the future holds the answer, whatever it is."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        try:
            message_id = self._conn.call(request, now_s)
        except QueueFull:
            future.set_result(failed(Outcome.FAILED, "too many commands wait for this station"))
        else:
            self._open[message_id] = (command, asked, request, future)
        return future

    def answered(self, message_id: str, response: Message) -> Sequence[Variable]:
        """The station answered; what it told of its variables on the way."""
        found = self._open.pop(message_id, None)
        if found is None:
            return ()
        command, asked, request, future = found
        told = asked.understand(command, request, response)
        if not future.done():
            future.set_result(told.answer)
        return told.variables

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
