"""Stations on somebody else's client (PyPI ``ocpp`` over ``websockets``), made for hard times.

Each charges session after session. What is not answered it says again with the same content, after
as many reconnections as it takes, as OCPP demands of messages about transactions.
"""

import asyncio
from collections.abc import Callable, Generator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any, Final

import websockets
from msgspec import Struct
from ocpp import v16, v201  # type: ignore[import-untyped]  # ships no types
from ocpp.exceptions import OCPPError  # type: ignore[import-untyped]  # as above

from forecourt.base.clock import Clock, SystemClock
from tests.world.ledger import Acked, Kind, Ledger

RECONNECT_AFTER_S: Final = (0.5, 1.0)
RETRY_AFTER_S: Final = 0.3
ANSWER_WITHIN_S: Final = 15.0
PAUSE_S: Final = (0.0, 0.03)
_MS: Final = timedelta(milliseconds=1)
# What ends a connection, one way or another.
CUT: Final = (OSError, websockets.WebSocketException, TimeoutError)


class Step(Struct, frozen=True, kw_only=True):
    """One message about a session: what goes out, and how it stands in the books."""

    request: Any
    kind: Kind
    transaction: str | None
    at: datetime
    meter_wh: int
    seq_no: int | None = None


Script = Generator[Step, Any, None]


class Charger:
    """One station. ``run`` until it is told to finish and its session is over."""

    def __init__(
        self,
        name: str,
        version: str,
        token: str,
        *,
        url: str,
        ledger: Ledger,
        seed: int,
        patience_s: float,
    ) -> None:
        self.name = name
        self.version = version
        self.cuts = 0
        self._token = token
        self._url = url
        self._ledger = ledger
        self._patience_s = patience_s
        self._luck = Random(f"{seed} {name}")
        self._clock: Clock = SystemClock()
        self._meter_wh = self._luck.randrange(1_000_000)
        self._last_at = datetime.min.replace(tzinfo=UTC)
        self._finishing = False
        self._script: Script = self._sessions_16() if version == "1.6" else self._sessions_201()
        self._step: Step | None = next(self._script)

    def finish(self) -> None:
        """Begin no further session."""
        self._finishing = True

    @property
    def finished(self) -> bool:
        return self._step is None

    async def run(self) -> None:
        while self._step is not None:
            await self._connect_and_talk()
            await asyncio.sleep(self._luck.uniform(*RECONNECT_AFTER_S))

    async def _connect_and_talk(self) -> None:
        try:
            async with websockets.connect(
                f"{self._url}/{self.name}",
                subprotocols=[websockets.Subprotocol(f"ocpp{self.version}")],
                open_timeout=5,
                close_timeout=1,
            ) as socket:
                await self._converse(socket)
        except* CUT:
            self.cuts += 1
        heed_cancel()

    async def _converse(self, socket: websockets.ClientConnection) -> None:
        client = _client(self.version, self.name, socket, self._patience_s)
        async with asyncio.TaskGroup() as tasks:
            # Its death ends the group: no call waits for an answer that cannot come.
            reading = tasks.create_task(_reading(client))
            try:
                await self._talk(client)
            finally:
                reading.cancel()

    async def _talk(self, client: Any) -> None:
        while not await self._said(client, _boot(self.version)):
            pass
        while self._step is not None:
            step, sent_at_s = self._step, asyncio.get_running_loop().time()
            answer = await self._said(client, step.request)
            if answer is None:
                continue
            # From here on the platform has promised to have it.
            self._step = self._next(answer)
            self._note(step, answer)
            self._ledger.served_at_s[self.name] = sent_at_s
            await asyncio.sleep(self._luck.uniform(*PAUSE_S))

    async def _said(self, client: Any, request: Any) -> Any:
        """The answer, or None after an error: to be said again."""
        try:
            return await client.call(request, suppress=False, skip_schema_validation=True)
        except OCPPError as error:
            self._ledger.refused[error.code] += 1
            await asyncio.sleep(RETRY_AFTER_S)
            return None
        except TimeoutError:
            self._ledger.unanswered += 1
            raise

    def _next(self, answer: Any) -> Step | None:
        try:
            return self._script.send(answer)
        except StopIteration:
            return None

    def _note(self, step: Step, answer: Any) -> None:
        transaction = step.transaction
        if step.kind == "start" and self.version == "1.6":
            transaction = str(answer.transaction_id)
        self._ledger.acked.append(
            Acked(
                station=self.name,
                version=self.version,
                kind=step.kind,
                transaction=transaction,
                at=step.at,
                meter_wh=step.meter_wh,
                seq_no=step.seq_no,
            )
        )

    # ---- what it has to say ---------------------------------------------------------------------

    def _moment(self) -> datetime:
        """Now, to the millisecond, and later than ever before."""
        now = self._clock.now()
        now = now.replace(microsecond=now.microsecond // 1000 * 1000)
        self._last_at = max(now, self._last_at + _MS)
        return self._last_at

    def _sessions_16(self) -> Script:
        call = v16.call
        while not self._finishing:
            start_wh, at = self._meter_wh, self._moment()
            request: Any = call.StartTransaction(
                connector_id=1, id_tag=self._token, meter_start=start_wh, timestamp=_text(at)
            )
            answer = yield Step(
                request=request, kind="start", transaction=None, at=at, meter_wh=start_wh
            )
            number = answer.transaction_id
            for _ in range(self._luck.randint(5, 25)):
                at, wh = self._moment(), self._charge()
                sampled = [{"timestamp": _text(at), "sampledValue": [{"value": str(wh)}]}]
                request = call.MeterValues(
                    connector_id=1, transaction_id=number, meter_value=sampled
                )
                yield Step(
                    request=request, kind="update", transaction=str(number), at=at, meter_wh=wh
                )
            at, wh = self._moment(), self._charge()
            request = call.StopTransaction(
                transaction_id=number, meter_stop=wh, timestamp=_text(at)
            )
            # What the books close with is known before the answer comes, and entered after it.
            yield Step(request=request, kind="end", transaction=str(number), at=at, meter_wh=wh)
            self._ledger.closed[self.name, str(number)] = wh - start_wh

    def _sessions_201(self) -> Script:
        for number in count(1):
            if self._finishing:
                return
            start_wh, name = self._meter_wh, f"{self.name}-{number}"
            last = self._luck.randint(5, 25)
            for seq_no in range(last + 1):
                kind: Kind = "start" if seq_no == 0 else "end" if seq_no == last else "update"
                at, wh = self._moment(), start_wh if seq_no == 0 else self._charge()
                yield Step(
                    request=self._event(kind, name, seq_no, at, wh),
                    kind=kind,
                    transaction=name,
                    at=at,
                    meter_wh=wh,
                    seq_no=seq_no,
                )
            self._ledger.closed[self.name, name] = self._meter_wh - start_wh

    def _event(self, kind: Kind, name: str, seq_no: int, at: datetime, wh: int) -> Any:
        info = {"transactionId": name}
        more: dict[str, Any] = {}
        if kind == "start":
            more["id_token"] = {"idToken": self._token, "type": "ISO14443"}
            more["evse"] = {"id": 1, "connectorId": 1}
        sampled = {"value": wh, "context": _CONTEXTS.get(kind, "Sample.Periodic")}
        return v201.call.TransactionEvent(
            event_type=_KINDS[kind],
            timestamp=_text(at),
            trigger_reason="MeterValuePeriodic",
            seq_no=seq_no,
            transaction_info=info,
            meter_value=[{"timestamp": _text(at), "sampledValue": [sampled]}],
            **more,
        )

    def _charge(self) -> int:
        self._meter_wh += self._luck.randrange(50)
        return self._meter_wh


_KINDS: Final = {"start": "Started", "update": "Updated", "end": "Ended"}
_CONTEXTS: Final = {"start": "Transaction.Begin", "end": "Transaction.End"}


async def _reading(client: Any) -> None:
    await client.start()


def _client(version: str, name: str, socket: websockets.ClientConnection, patience_s: float) -> Any:
    kind = v16.ChargePoint if version == "1.6" else v201.ChargePoint
    return kind(name, socket, response_timeout=patience_s)


def _boot(version: str) -> Any:
    if version == "1.6":
        return v16.call.BootNotification(charge_point_model="M", charge_point_vendor="V")
    return v201.call.BootNotification(
        charging_station={"model": "M", "vendorName": "V"}, reason="PowerUp"
    )


def _text(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def fleet(
    amount: int,
    tokens: Sequence[str],
    *,
    url: str,
    ledger: Ledger,
    seed: int,
    patience_s: float = ANSWER_WITHIN_S,
) -> list[Charger]:
    """Chargers of both versions in turn."""
    versions = ("1.6", "2.0.1")
    return [
        Charger(
            charger_name(n),
            versions[n % 2],
            tokens[n % len(tokens)],
            url=url,
            ledger=ledger,
            seed=seed,
            patience_s=patience_s,
        )
        for n in range(amount)
    ]


def charger_name(n: int) -> str:
    return f"CP-{n:03d}"


async def all_finished(chargers: Sequence[Charger], *, within_s: float) -> None:
    """Wait until each has ended its last session, and that was acknowledged."""
    await _until(chargers, lambda charger: charger.finished, "finished", within_s)


async def all_served(
    chargers: Sequence[Charger], ledger: Ledger, *, since_s: float, within_s: float
) -> float:
    """Wait until each has had a message of after ``since_s`` acknowledged; how long it took."""
    served_at_s = ledger.served_at_s

    def served(charger: Charger) -> bool:
        return charger.finished or served_at_s.get(charger.name, 0) > since_s

    await _until(chargers, served, "served again", within_s)
    return asyncio.get_running_loop().time() - since_s


def heed_cancel() -> None:
    """A task group that fails just when it is cancelled forgets the cancel (Python 3.11)."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def _until(
    chargers: Sequence[Charger], well: Callable[[Charger], bool], what: str, within_s: float
) -> None:
    poll_s = 0.02
    for _ in range(int(within_s / poll_s)):
        if all(map(well, chargers)):
            return
        await asyncio.sleep(poll_s)
    late = ", ".join(charger.name for charger in chargers if not well(charger))
    raise AssertionError(f"not {what} within {within_s:g} s: {late}")
