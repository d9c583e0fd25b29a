"""A station's side of the conversation: what waits to be said, in which order, and how often.

Messages about transactions are kept until the central system has answered them, over lost links
and reboots, in order; anything else is worth saying only now. No socket and no clock here: frames
go out through a function, time is the wire's timeline.
"""

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Final, Literal

from msgspec import Struct

from forecourt.protocol.ocpp.dialect import Dialect
from forecourt.protocol.ocpp.events import (
    CONNECTION_LOST,
    TIMEOUT,
    Answered,
    Failed,
    Late,
    Malformed,
    Received,
)
from forecourt.protocol.ocpp.rpc import Connection
from forecourt.protocol.ocpp.values import Message
from forecourt.sim.knobs import Knobs
from forecourt.sim.luck import Luck
from forecourt.sim.mischief import Mischief, Trait
from forecourt.sim.outlet import Transaction
from forecourt.sim.stats import Stats
from forecourt.sim.timeline import Timeline, Timer
from forecourt.sim.voice import Refusal

DURABLE_MAX: Final = 20_000
"""A station's flash is finite: above this, samples in mid-session are no longer kept."""
SILENCES_MAX: Final = 2
"""After so many calls without any answer the link is taken for dead."""

Gate = Literal["shut", "boot", "open"]


class Note(Struct, frozen=True, kw_only=True):
    """What a message about a transaction says, for the journal."""

    kind: Literal["start", "update", "end", "meter"]
    tx: Transaction | None
    seq: int | None
    at: float
    meter_wh: int


class Ask(Struct, kw_only=True, eq=False):
    """One call that is to be made."""

    build: Callable[[], Message]
    """Made when it goes out: a 1.6 station learns its transaction's number only then."""
    done: Callable[[Message], None] | None = None
    failed: Callable[[str], None] | None = None
    note: Note | None = None
    """What makes it durable."""
    serial: int = 0
    attempts: int = 0
    asked_at: float = 0.0


class Talk:
    """The conversation of one station, over as many connections as it takes."""

    __slots__ = (
        "_acknowledged",
        "_answer",
        "_connection",
        "_dialect",
        "_durable",
        "_early",
        "_hold_until",
        "_knobs",
        "_later",
        "_luck",
        "_mischief",
        "_on_dead",
        "_open",
        "_prompt",
        "_reboot",
        "_send",
        "_serial",
        "_silences",
        "_stats",
        "_timer",
        "_wire",
        "gate",
    )

    def __init__(
        self,
        dialect: Dialect,
        *,
        wire: Timeline,
        knobs: Knobs,
        luck: Luck,
        stats: Stats,
        answer: Callable[[Message], Message | Refusal | None],
        acknowledged: Callable[[Note, str, str], None],
        on_dead: Callable[[], None],
        mischief: Mischief | None = None,
        reboot: Callable[[], None] | None = None,
    ) -> None:
        self._dialect = dialect
        self._wire = wire
        self._knobs = knobs
        self._luck = luck
        self._stats = stats
        self._answer = answer
        self._acknowledged = acknowledged
        self._on_dead = on_dead
        self._mischief = mischief
        self._reboot = reboot
        self._connection: Connection | None = None
        self._send: Callable[[bytes], None] | None = None
        self._early: deque[Ask] = deque()
        self._prompt: deque[Ask] = deque()
        self._durable: deque[Ask] = deque()
        self._later: list[Callable[[], object]] = []
        self._open: Ask | None = None
        self._timer: Timer | None = None
        self._hold_until = 0.0
        self._serial = 0
        self._silences = 0
        self.gate: Gate = "shut"
        """What may be said: nothing, the boot and what was asked for, or everything."""

    @property
    def online(self) -> bool:
        return self.gate == "open"

    @property
    def linked(self) -> bool:
        """Whether there is a connection at all."""
        return self._connection is not None

    @property
    def durable_waiting(self) -> int:
        open_one = self._open is not None and self._open.note is not None
        return len(self._durable) + open_one

    def waits_for(self, tx: str) -> bool:
        """Whether something about this transaction is still unanswered."""
        waiting = [*self._durable, *([self._open] if self._open else [])]
        return any(
            ask.note is not None and ask.note.tx is not None and ask.note.tx.ref == tx
            for ask in waiting
        )

    # --- What the station wants to say ------------------------------------------------------------

    def ask(self, ask: Ask, *, early: bool = False) -> None:
        """Say it as soon as its turn comes. ``early``: also before the boot is accepted."""
        self._serial += 1
        ask.serial = self._serial
        if ask.note is not None:
            if len(self._durable) >= DURABLE_MAX and ask.note.kind in {"update", "meter"}:
                self._stats.samples_dropped += 1
                return
            self._durable.append(ask)
        elif early:
            self._early.append(ask)
        elif self.gate == "open":
            self._prompt.append(ask)
        elif ask.failed is not None:
            ask.failed(CONNECTION_LOST)
        self.pump()

    def send(self, message: Message) -> bool:
        """Say what wants no answer (2.1); False when nobody is there to hear it."""
        if self._connection is None or self.gate != "open":
            return False
        self._connection.send(message)
        self._flush()
        return True

    def after_answer(self, do: Callable[[], object]) -> None:
        """Do it once the answer to the command at hand is out."""
        self._later.append(do)

    # --- The link ---------------------------------------------------------------------------------

    def opened(self, send: Callable[[bytes], None], *, gate: Gate) -> None:
        """There is a connection again."""
        self._connection = Connection(
            self._dialect,
            accepts=self._dialect.from_csms,
            call_timeout_s=float(self._knobs.call_timeout_s),
            queue_max=0,
            id_prefix=f"{self._luck.bits():016x}"[:10],
        )
        self._send = send
        self._hold_until = 0.0
        self._silences = 0
        self.gate = gate
        self.pump()

    def closed(self) -> None:
        """The connection is gone. What is durable stays; the rest is told that it failed."""
        self.gate = "shut"
        if self._connection is None:
            return
        connection, self._connection, self._send = self._connection, None, None
        self._stop_timer()
        connection.close()
        asks = [*([self._open] if self._open else []), *self._early, *self._prompt]
        self._open = None
        self._early.clear()
        self._prompt.clear()
        self._later.clear()
        for ask in asks:
            if ask.note is not None:
                self._durable.appendleft(ask)
            elif ask.failed is not None:
                ask.failed(CONNECTION_LOST)

    def receive(self, data: bytes) -> None:
        """One text frame came in."""
        connection = self._connection
        if connection is None:
            return  # It was under way when we hung up.
        self._stats.received += 1
        self._silences = 0
        match connection.receive(data, self._wire.now):
            case Answered(response=response, message_id=message_id):
                self._on_answered(response, message_id)
            case Failed(code=code):
                self._on_failed(code)
            case Received(message_id=message_id, request=request):
                self._on_received(connection, message_id, request)
            case Malformed():
                self._stats.malformed += 1
            case Late():
                self._stats.late += 1
            case _:
                pass  # A duplicate, a SEND, a refused answer: nothing that a station acts on.
        self.pump()

    def pump(self) -> None:
        """Say whatever may be said now."""
        connection = self._connection
        if connection is None:
            return
        if self._open is None:
            ask = self._pick()
            if ask is not None:
                self._open = ask
                ask.asked_at = self._wire.now
                connection.call(ask.build(), self._wire.now)
                deadline = connection.deadline()
                assert deadline is not None, "a call that is open has a deadline"
                self._timer = self._wire.at(deadline, self._tick)
        self._flush()

    # --- What came of it --------------------------------------------------------------------------

    def _pick(self) -> Ask | None:
        if self._early:
            return self._early.popleft()
        if self.gate != "open":
            return None
        prompt, durable = self._prompt, self._durable
        held = not durable or self._wire.now < self._hold_until
        if prompt and (held or prompt[0].serial < durable[0].serial):
            return prompt.popleft()
        return None if held else durable.popleft()

    def _on_answered(self, response: Message, message_id: str) -> None:
        ask = self._settle()
        if ask is None:
            return
        self._stats.answered += 1
        self._stats.latency.add(self._wire.now - ask.asked_at)
        if ask.done is not None:
            ask.done(response)
        if ask.note is not None:
            self._stats.acknowledged += 1
            self._acknowledged(ask.note, _action(response), message_id)

    def _on_failed(self, code: str) -> None:
        ask = self._settle()
        if code == TIMEOUT:
            self._stats.timeouts += 1
            self._silences += 1
        else:
            self._stats.call_errors += 1
        if ask is None:
            return
        if ask.note is None:
            if ask.failed is not None:
                ask.failed(code)
            return
        if code != TIMEOUT:
            # Refused, which a station bears only so often; silence it bears for ever.
            ask.attempts += 1
            if ask.attempts >= self._knobs.tx_attempts:
                self._stats.given_up += 1
                if ask.failed is not None:
                    ask.failed(code)
                return
        self._hold_until = self._wire.now + self._knobs.tx_retry_s * max(1, ask.attempts)
        self._durable.appendleft(ask)
        self._wire.at(self._hold_until, self.pump)

    def _on_received(self, connection: Connection, message_id: str, request: Message) -> None:
        self._stats.commands += 1
        trait = self._mischief.draw() if self._mischief is not None else None
        if trait is None:
            self._answer_well(connection, message_id, request)
        else:
            self._answer_badly(connection, message_id, request, trait)
        self._flush()
        later, self._later = self._later, []
        for do in later:
            do()

    def _answer_well(self, connection: Connection, message_id: str, request: Message) -> None:
        answer = self._answer(request)
        match answer:
            case Refusal(reason=reason, description=description):
                connection.refuse(message_id, reason, description)
            case None:
                pass  # 1.6 (4.2): a rejected station answers nothing.
            case _:
                connection.reply(message_id, answer)

    def _answer_badly(
        self, connection: Connection, message_id: str, request: Message, trait: Trait
    ) -> None:
        mischief = self._mischief
        assert mischief is not None, "somebody drew"
        self._stats.mischief += 1
        match trait:
            case "errs":
                connection.refuse(message_id, mischief.error(), "something broke")
            case "mute":
                self._answer(request)
                self._later.clear()
            case "refuses" | "lies":
                self._lie(connection, message_id, request, no=trait == "refuses")
            case "slow":
                late = partial(self._answer_late, connection, message_id, request)
                self._wire.after(mischief.delay_s(), late)
            case "garbles":
                self._flush()
                self._answer_well(connection, message_id, request)
                self._flush(bend=True)
            case "reboots":
                self._answer_well(connection, message_id, request)
                if self._reboot is not None:
                    self._wire.after(1.0, self._reboot)
            case "babbles":
                self._answer_well(connection, message_id, request)
                self._flush()
                self._emit(mischief.babble())

    def _lie(self, connection: Connection, message_id: str, request: Message, *, no: bool) -> None:
        assert self._mischief is not None, "somebody drew"
        answer = self._answer(request)
        if answer is None or isinstance(answer, Refusal):
            connection.refuse(message_id, self._mischief.error(), "no")
            return
        if no:
            self._later.clear()  # What is refused is not done.
        connection.reply(message_id, self._mischief.lie(answer, no=no))

    def _answer_late(self, connection: Connection, message_id: str, request: Message) -> None:
        if connection is self._connection:
            self._answer_well(connection, message_id, request)
            self._flush()
            later, self._later = self._later, []
            for do in later:
                do()

    def _flush(self, *, bend: bool = False) -> None:
        if self._connection is None or self._send is None:
            return
        mischief = self._mischief
        for frame in self._connection.data_to_send():
            said = frame
            if mischief is not None:
                call = frame.startswith(b"[2")
                if bend or (call and mischief.garbles_call()):
                    self._stats.mischief += call
                    said = mischief.bend(frame)
            self._emit(said)

    def _emit(self, frame: bytes) -> None:
        if self._send is not None:
            self._stats.sent += 1
            self._send(frame)

    def _tick(self) -> None:
        if self._connection is None:
            return
        for event in self._connection.tick(self._wire.now):
            assert isinstance(event, Failed), "time alone brings nothing else"
            self._on_failed(event.code)
        if self._silences >= SILENCES_MAX:
            self._on_dead()
        else:
            self.pump()

    def _settle(self) -> Ask | None:
        self._stop_timer()
        ask, self._open = self._open, None
        return ask

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _action(response: Message) -> str:
    return type(response).__name__.removesuffix("Response")
