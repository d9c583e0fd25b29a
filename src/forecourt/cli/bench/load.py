"""The load client: many stations in one thread, on raw epoll and non-blocking sockets.

It must be faster than the servers it measures, so the hot loop does nothing but overwrite digits,
send, receive and compare. It plays by OCPP's rule: one open call per connection. Knows the wire
only, never which server is at the other end.
"""

import json
import os
import select
import socket
from collections import Counter, deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from forecourt.cli.bench import frames
from forecourt.cli.bench.pace import Gauge, Pace
from forecourt.cli.bench.station import Stage, Station

# How many handshakes are under way at once when stations arrive in an orderly manner.
DIALS_MAX: Final = 200
READ_BYTES: Final = 4096
EVENTS_MAX: Final = 512
# A server that has not answered by then has not answered.
PATIENCE_S: Final = 30.0
CLOSE, PING, PONG = 0x8, 0x9, 0xA


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """How a crowd of stations came in, from the first dial to the last boot answered."""

    arrived: int
    dropped: int
    took_s: float
    boot_s: list[float]


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """What one run of messages gave; ``answered`` counts warm-up and tail as well."""

    per_s: float
    in_window: int
    answered: int
    errors: int
    unanswered: int
    latency_s: Sequence[float]


class Fleet:
    """Stations that arrive, send their periodic message at a pace, and leave."""

    def __init__(
        self,
        identities: Sequence[str],
        *,
        port: int,
        password: str,
        version: str,
        run: int,
        clock: Callable[[], float],
        now: datetime,
        echoes: bool = False,
    ) -> None:
        self.stations = [Station(identity) for identity in identities]
        self.failures: Counter[str] = Counter()
        self._port = port
        self._password = password
        self.version = version
        self._run = run
        self._clock = clock
        # Wall time moves with the stopwatch from here on, so the hot loop asks one clock only.
        self._began = now.replace(tzinfo=None)
        self._began_at = clock()
        self._stamped_us = 0
        # An echo answers with the call itself, and there is nobody to boot at.
        self._echoes = echoes
        self._answer_type = ord("2" if echoes else "3")
        # The register goes on from run to run: a meter does not turn back.
        self._energy_wh = frames.FIRST_NUMBER + run * 10_000_000
        self._epoll = select.epoll()
        self._by_fd: dict[int, Station] = {}
        self._places = frames.lay_out(version, 0)[1]

    # --- arriving and leaving ---------------------------------------------------------------

    def arrive(self, *, at_once: bool = False) -> Arrival:
        """Connect and boot them all; orderly, or every one at the same moment."""
        todo, under_way = deque(self.stations), set[Station]()
        began_at = self._clock()
        give_up_at = began_at + PATIENCE_S + len(self.stations) / 200
        while (todo or under_way) and self._clock() < give_up_at:
            while todo and (at_once or len(under_way) < DIALS_MAX):
                station = todo.popleft()
                under_way.add(station)
                self._dial(station)
            for fd, _ in self._epoll.poll(0.5, EVENTS_MAX):
                station = self._by_fd[fd]
                self._advance(station)
                if station.stage >= Stage.BOOTED:  # FAILED is the last stage of all
                    under_way.discard(station)
        for station in under_way:
            self._fail(station, f"still {station.stage.name.lower()} at the deadline")
        booted = [s for s in self.stations if s.stage is Stage.BOOTED]
        return Arrival(
            arrived=len(booted),
            dropped=len(self.stations) - len(booted),
            took_s=max((s.booted_at for s in booted), default=self._clock()) - began_at,
            boot_s=[s.booted_at - s.dialled_at for s in booted],
        )

    def start(self) -> int:
        """Begin a transaction on each booted station; how many may send now."""
        booted = [s for s in self.stations if s.stage is Stage.BOOTED]
        for station in booted:
            if self._echoes:
                station.transaction = self._run
                self._make_ready(station)
                continue
            station.transaction = f"{self._run}-{station.identity}"
            station.stage = Stage.STARTING
            text = frames.start(
                self.version,
                transaction=station.transaction,
                stamp=self._stamp(self._clock()).decode(),
                energy_wh=self._energy_wh,
            )
            self._send(station, text)
        self._wait(booted, Stage.STARTING)
        return sum(1 for s in booted if s.stage is Stage.READY)

    def stop(self) -> int:
        """End the open transactions; how many ends were answered."""
        ready = [s for s in self.stations if s.stage is Stage.READY and not self._echoes]
        for station in ready:
            station.seq += 1
            station.stage = Stage.STOPPING
            text = frames.stop(
                self.version,
                transaction=station.transaction,
                seq=station.seq,
                stamp=self._stamp(self._clock()).decode(),
                energy_wh=self._energy_wh + station.seq,
            )
            self._send(station, text)
        self._wait(ready, Stage.STOPPING)
        return sum(1 for s in ready if s.stage is Stage.BOOTED)

    def linger(self, for_s: float) -> None:
        """Stay connected and idle; answer what the server asks."""
        until = self._clock() + for_s
        while self._clock() < until:
            for fd, _ in self._epoll.poll(0.1, EVENTS_MAX):
                self._advance(self._by_fd[fd])

    def connected(self) -> int:
        """How many stations have not lost their connection."""
        return sum(1 for s in self.stations if Stage.AWAY < s.stage < Stage.FAILED)

    def hang_up(self) -> None:
        """Drop every connection without a word, as a lost link does."""
        for station in self.stations:
            if station.sock is not None:
                station.sock.close()
            station.reset()
        self._by_fd.clear()

    def close(self) -> None:
        self.hang_up()
        self._epoll.close()

    # --- the hot loop -----------------------------------------------------------------------

    def run(self, pace: Pace, gauge: Gauge) -> Load:
        """Send at the pace until the gauge is over, then wait for what is still open."""
        say, answers, after = self._sayer(), self._checker(), pace.after
        by_fd, poll, read, clock = self._by_fd, self._epoll.poll, os.read, self._clock
        failed_before = self.failures.total()
        while True:
            events = poll(pace.poll_s, EVENTS_MAX)
            now = clock()
            if gauge.over(now):
                break
            stamp = self._stamp(now)
            record = gauge.latency_s.append
            for fd, _ in events:
                station = by_fd[fd]
                try:
                    data = read(fd, READ_BYTES)
                except OSError as lost:
                    self._fail(station, f"connection lost: {lost.strerror}")
                    continue
                # The ordinary case is one whole frame with our id; all else goes the slow way.
                if answers(station, data) or self._hear(station, data):
                    record(now - station.asked_at)
                    meant_at = after(station, now)
                    if meant_at is None:
                        station.open = False
                    else:
                        say(station, stamp, meant_at)
            for station, meant_at in pace.due(now):
                say(station, stamp, meant_at)
        late = self._drain()
        return Load(
            per_s=gauge.in_window / gauge.took_s,
            in_window=gauge.in_window,
            answered=gauge.answered + late,
            errors=self.failures.total() - failed_before,
            unanswered=sum(1 for s in self.stations if s.open),
            latency_s=gauge.latency_s,
        )

    def _sayer(self) -> Callable[[Station, bytes, float], None]:
        """The function that sends a station's next message, with all that is fixed bound."""
        id_at, stamps, energy_at, seq_at = self._places
        stamp_spans = [slice(at, at + frames.STAMP_WIDTH) for at in stamps]
        id_span = slice(id_at, id_at + frames.DIGITS)
        energy_span = slice(energy_at, energy_at + frames.DIGITS)
        seq_span = None if seq_at is None else slice(seq_at, seq_at + frames.DIGITS)
        energy_wh, write = self._energy_wh, os.write

        def say(station: Station, stamp: bytes, meant_at: float) -> None:
            station.seq = seq = station.seq + 1
            station.digits = digits = b"%d" % (energy_wh + seq)
            out = station.out
            out[id_span] = digits
            out[energy_span] = digits
            for span in stamp_spans:
                out[span] = stamp
            if seq_span is not None:
                out[seq_span] = b"%9d" % seq
            station.asked_at = meant_at
            station.open = True
            try:
                write(station.fd, out)
            except OSError as lost:
                self._fail(station, f"cannot send: {lost.strerror}")

        return say

    def _checker(self) -> Callable[[Station, bytes], bool]:
        """The function that knows the one ordinary answer: a whole frame with the open id."""
        answer_type, medium = self._answer_type, frames.LENGTH_16_BIT

        def answers(station: Station, data: bytes) -> bool:
            if len(data) < 17 or station.inbox:  # noqa: PLR2004  # shorter than any answer
                return False
            size, at = data[1], 2
            if size == medium:
                size, at = data[2] << 8 | data[3], 4
            return (
                len(data) == at + size
                and data[at + 1] == answer_type
                and data[at + 4 : at + 13] == station.digits
            )

        return answers

    def _hear(self, station: Station, data: bytes) -> bool:
        """The slow way: fragments, pings, the server's own calls. True if our call is answered."""
        if not data:
            self._fail(station, "the server hung up")
            return False
        station.inbox += data
        answered = False
        for opcode, text in frames.split(station.inbox):
            match self._meant(station, opcode, text):
                case [3, str(message_id), _] | [2, str(message_id), *_] if (
                    message_id.encode() == station.digits
                ):
                    answered = True
                case _:
                    pass
        return answered

    def _drain(self) -> int:
        """Wait for the answers that are still due; how many came."""
        late, until = 0, self._clock() + PATIENCE_S
        for station in self.stations:
            station.waiting.clear()
        while self._clock() < until and any(
            s.open for s in self.stations if s.stage is Stage.READY
        ):
            for fd, _ in self._epoll.poll(0.2, EVENTS_MAX):
                station = self._by_fd[fd]
                if self._hear(station, self._receive(station)):
                    station.open = False
                    late += 1
        return late

    # --- the conversation -------------------------------------------------------------------

    def _dial(self, station: Station) -> None:
        station.dialled_at = self._clock()
        station.sock = sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        station.fd = sock.fileno()
        station.stage = Stage.DIALLING
        self._by_fd[station.fd] = station
        self._epoll.register(station.fd, select.EPOLLOUT)
        sock.connect_ex(("127.0.0.1", self._port))

    def _advance(self, station: Station) -> None:
        """Something happened on the station's socket: take it on."""
        if station.stage is Stage.DIALLING:
            assert station.sock is not None
            failure = station.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if failure:
                self._fail(station, f"cannot connect: {os.strerror(failure)}")
                return
            self._epoll.modify(station.fd, select.EPOLLIN)
            request = frames.upgrade(station.identity, self._password, self.version, self._port)
            station.stage = Stage.UPGRADING
            self._send(station, request)
            return
        data = self._receive(station)
        if not data:
            self._fail(station, "the server hung up")
            return
        station.inbox += data
        if station.stage is Stage.UPGRADING and not self._upgraded(station):
            return
        for opcode, text in frames.split(station.inbox):
            self._converse(station, self._meant(station, opcode, text))

    def _upgraded(self, station: Station) -> bool:
        head, end, rest = bytes(station.inbox).partition(b"\r\n\r\n")
        if not end:
            return False
        if not head.startswith(b"HTTP/1.1 101"):
            self._fail(station, head.split(b"\r\n")[0].decode("latin-1"))
            return False
        station.inbox = bytearray(rest)
        if self._echoes:
            station.booted_at = self._clock()
            station.stage = Stage.BOOTED
        else:
            station.stage = Stage.BOOTING
            self._send(station, frames.boot(self.version))
        return True

    def _converse(self, station: Station, said: object) -> None:
        """Answers to the calls that are made once: boot, start, stop."""
        match station.stage, said:
            case Stage.BOOTING, [3, "boot", {"status": "Accepted"}]:
                station.booted_at = self._clock()
                station.stage = Stage.BOOTED
            case Stage.STARTING, [3, "start", {"transactionId": int(transaction)}]:
                station.transaction = transaction
                self._make_ready(station)
            case Stage.STARTING, [3, "start", dict()] if self.version != "1.6":
                self._make_ready(station)
            case Stage.STOPPING, [3, "stop", _]:
                station.stage = Stage.BOOTED
            case _, [3, *_]:
                self._fail(station, f"odd answer while {station.stage.name.lower()}: {said}"[:200])
            case _:
                pass  # A call of the server's own: answered already.

    def _make_ready(self, station: Station) -> None:
        station.out = frames.lay_out(self.version, station.transaction)[0]
        station.stage = Stage.READY

    def _wait(self, stations: Sequence[Station], stage: Stage) -> None:
        """Until none of them is at that stage any more."""
        until = self._clock() + PATIENCE_S
        while any(s.stage is stage for s in stations) and self._clock() < until:
            for fd, _ in self._epoll.poll(0.5, EVENTS_MAX):
                self._advance(self._by_fd[fd])

    def _meant(self, station: Station, opcode: int, text: bytes) -> object:
        """One frame from the server, decoded. Pings and the server's calls are answered here."""
        if opcode == PING:
            self._send(station, bytes((0x80 | PONG, frames.MASKED | len(text))) + bytes(4) + text)
        elif opcode == CLOSE:
            self._fail(station, f"closed by the server: {int.from_bytes(text[:2], 'big')}")
        elif opcode != PONG:
            try:
                said: Any = json.loads(text)
            except ValueError:
                self._fail(station, f"not JSON: {text[:100]!r}")
                return None
            if said[0] == 4:  # noqa: PLR2004  # OCPP-J's number for a CALLERROR
                self._fail(station, f"CALLERROR {said[2]}: {said[3]}"[:200])
            elif said[0] == 2 and not self._echoes:  # noqa: PLR2004  # a CALL
                refusal = json.dumps([4, said[1], "NotSupported", "", {}]).encode()
                self._send(station, frames.frame(refusal))
            return said
        return None

    def _send(self, station: Station, data: bytes) -> None:
        if station.sock is None:
            return
        try:
            station.sock.send(data)
        except OSError as lost:
            self._fail(station, f"cannot send: {lost.strerror}")

    def _receive(self, station: Station) -> bytes:
        try:
            return os.read(station.fd, READ_BYTES)
        except OSError as lost:
            self._fail(station, f"connection lost: {lost.strerror}")
            return b""

    def _fail(self, station: Station, why: str) -> None:
        if station.stage is Stage.FAILED:
            return
        station.stage = Stage.FAILED
        self.failures[why] += 1
        if station.sock is not None:
            self._by_fd.pop(station.fd, None)
            station.sock.close()
            station.sock = None
            # The kernel gives this number to the next file: nothing may be written to it.
            station.fd = -1

    def _stamp(self, now: float) -> bytes:
        """The wall time as text, later than any before it: no two messages are the same."""
        us = max(int((now - self._began_at) * 1_000_000), self._stamped_us + 1)
        self._stamped_us = us
        moment = self._began + timedelta(microseconds=us)
        return moment.isoformat(timespec="microseconds").encode() + b"Z"
