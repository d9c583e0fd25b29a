"""Hands stations the certificates that they asked for, and has them ask again in time.

Looks after what the database says is due, so that nothing is forgotten over a restart: requests to
be signed, certificates to be handed over, certificates past two thirds of their life.
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from forecourt.base.clock import Clock
from forecourt.base.context import Context
from forecourt.base.errors import ForecourtError
from forecourt.base.ids import StationId, TenantId
from forecourt.domain.rooms import Rooms
from forecourt.domain.security import Certificate, RequestState, Task, Use, pem_chain
from forecourt.domain.stations import (
    Answer,
    CertificateSigned,
    Outcome,
    StationOffline,
    StationUnknown,
    StationUse,
    Trigger,
)
from forecourt.infra.database import DatabaseAway

log = structlog.get_logger(__name__)

# Whatever wakes nobody is found by looking.
LOOK_EVERY_S: Final = 30.0
RENEW_EVERY: Final = timedelta(minutes=10)
RETRY_S: Final = 1.0
# So many stations are served side by side; each may take its time to answer.
SIDE_BY_SIDE: Final = 32
RENEWALS_MAX: Final = 200

USES: Final[dict[Use, StationUse]] = {Use.STATION: "station", Use.V2G: "v2g", Use.V2G20: "v2g20"}
ASKS: Final = {
    Use.STATION: Trigger(message="sign_certificate"),
    Use.V2G: Trigger(message="sign_v2g_certificate"),
    Use.V2G20: Trigger(message="sign_v2g20_certificate"),
}
# The station spoke, and it is not a matter of time.
FINAL: Final = (Outcome.REJECTED, Outcome.UNSUPPORTED)


class Courier:
    """One for each process; they share the work through the database."""

    def __init__(
        self, rooms: Rooms, clock: Clock, *, here: Callable[[], Collection[StationId]]
    ) -> None:
        self._rooms = rooms
        self._signing = rooms.security.signing
        self._clock = clock
        self._here = here
        self._woken = asyncio.Event()
        self._arrived: set[StationId] = set()
        self._free = asyncio.Semaphore(SIDE_BY_SIDE)
        self._renew_at = clock.now()
        self._renewing: set[str] = set()
        """Certificates whose holders are being asked."""

    def wake(self, arrived: StationId | None = None) -> None:
        """There may be something to do; a station may have come back for its certificate."""
        if arrived is not None:
            self._arrived.add(arrived)
        self._woken.set()

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._woken.clear()
                try:
                    await self._turn(tasks)
                except DatabaseAway:
                    await asyncio.sleep(RETRY_S)
                    self._woken.set()
                await self._rest()

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(LOOK_EVERY_S):
                await self._woken.wait()
        except TimeoutError:
            return

    async def _turn(self, tasks: asyncio.TaskGroup) -> None:
        now = self._clock.now()
        arrived, self._arrived = list(self._arrived), set()
        if arrived:
            await self._signing.hurry(arrived, now)
        for task in await self._signing.claim(now, most=SIDE_BY_SIDE):
            await self._free.acquire()
            tasks.create_task(self._patiently(self._serve(task)))
        # Who was away when its turn was has it now.
        among: Collection[StationId] = arrived
        if now >= self._renew_at:
            self._renew_at = now + RENEW_EVERY
            await self._rooms.security.inventory.warn(now)
            among = self._here()
        for certificate in await self._due(among, now):
            await self._free.acquire()
            tasks.create_task(self._patiently(self._renew(certificate)))

    async def _due(self, among: Collection[StationId], now: datetime) -> list[Certificate]:
        """Whose holders are to be asked now, of these stations."""
        if not among:
            return []
        found = await self._signing.renewals(list(among), now)
        due = [one for one in found if one.id not in self._renewing][:RENEWALS_MAX]
        self._renewing.update(one.id for one in due)
        return due

    async def _patiently(self, work: Coroutine[Any, Any, None]) -> None:
        """One station's trouble is not another's; what failed is due again by itself."""
        try:
            await work
        except DatabaseAway:
            log.warning("courier.later")
        except ForecourtError as error:
            log.warning("courier.failed", code=error.code, error=error.message)
        finally:
            self._free.release()

    async def _serve(self, task: Task) -> None:
        ctx = self._ctx(task.request.tenant)
        if task.request.state is RequestState.REQUESTED:
            signed = await self._signing.sign(ctx, task)
            if signed is None:
                return
            task = signed
        await self._deliver(ctx, task)

    async def _deliver(self, ctx: Context, task: Task) -> None:
        asked = task.request
        command = CertificateSigned(
            chain=pem_chain(task.chain), use=USES[asked.use], request=asked.reference
        )
        try:
            answer = await self._rooms.stations.command(ctx, asked.station, command)
        except (StationOffline, StationUnknown):
            await self._signing.await_station(ctx, asked)
            return
        ctx = self._ctx(asked.tenant)
        if answer.outcome is Outcome.ACCEPTED:
            await self._signing.delivered(ctx, asked, accepted=True, reason="")
        elif _is_final(answer):
            reason = answer.reason or answer.status
            await self._signing.delivered(ctx, asked, accepted=False, reason=reason)
        elif answer.outcome is Outcome.DISCONNECTED:
            await self._signing.await_station(ctx, asked)
        else:
            await self._signing.put_off(ctx, asked, answer.reason or answer.outcome.value)

    async def _renew(self, certificate: Certificate) -> None:
        """Have the station make a new key and ask (A02).

        Asked it was if it said something; if not, it is again when it comes back or in a while.
        """
        station = certificate.station
        assert station is not None, "only stations are asked"
        ctx = self._ctx(certificate.tenant)
        try:
            answer = await self._rooms.stations.command(ctx, station, ASKS[certificate.use])
            if answer.outcome is Outcome.ACCEPTED or _is_final(answer):
                await self._signing.renewal_asked(ctx, certificate)
        except (StationOffline, StationUnknown):
            return
        finally:
            self._renewing.discard(certificate.id)

    def _ctx(self, tenant: TenantId) -> Context:
        return Context(actor="system:courier", tenant=tenant, now=self._clock.now())


def _is_final(answer: Answer) -> bool:
    """Whether the station itself said no."""
    spoke = bool(answer.status) or answer.outcome is Outcome.UNSUPPORTED
    return answer.outcome in FINAL and spoke
