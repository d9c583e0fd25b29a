"""Who may come in: the doors of all stations, in memory, since a knock is answered at once.

Asks nobody while somebody knocks; events refresh what it knows. Decides by the stations room's rule
and by how often somebody knocked; knows no socket.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

import structlog
from msgspec import Struct

from forecourt.base.ids import StationId
from forecourt.domain.stations import (
    Admission,
    Credentials,
    Door,
    Entry,
    Shut,
    StationIdInvalid,
    Stations,
    station_id,
)
from forecourt.edge.ocpp.attempts import Attempts
from forecourt.edge.ocpp.knock import Knock
from forecourt.edge.ocpp.options import GatewayOptions, UnknownStations
from forecourt.edge.ocpp.wire import Counts

log = structlog.get_logger(__name__)

# Sockets that one identity may open in a while before it is told to slow down.
KNOCKS_MAX: Final = 20
KNOCKS_WITHIN_S: Final = 10.0
KNOCKERS_KEPT_MAX: Final = 50_000
# Unknown stations that may be made pending in a minute: whoever can reach us can knock.
STRANGERS_PER_MINUTE: Final = 60

# A wrong password may be mended by another one; nothing that is sent mends the rest.
UNAUTHORIZED: Final = frozenset({Shut.PASSWORD_MISSING, Shut.PASSWORD_WRONG})
SAID: Final = {
    Shut.PASSWORD_MISSING: "wrong password",
    Shut.PASSWORD_WRONG: "wrong password",
    Shut.CERTIFICATE_MISSING: "a client certificate is needed",
    Shut.CERTIFICATE_FOREIGN: "the certificate is not this station's",
    Shut.CERTIFICATE_OWNER: "the certificate is not this operator's",
    Shut.CERTIFICATE_REVOKED: "the certificate was revoked",
    Shut.CERTIFICATE_UNTRUSTED: "the certificate is not good",
    Shut.PROFILE_TOO_LOW: "a higher security profile is needed",
    Shut.BLOCKED: "blocked",
}


class Refusal(Struct, frozen=True):
    """Why the door stays shut, as an HTTP status."""

    status: int
    reason: str
    wait_s: int = 0


class Admitted(Struct, frozen=True):
    """A station may come in."""

    door: Door
    entry: Entry


Report = Callable[[Door, Shut, str, int], None]
"""Tell of a failed log-in: at which door, why, from where, and how many there were."""


class Doors:
    """The doors of all stations."""

    def __init__(
        self,
        stations: Stations,
        *,
        options: GatewayOptions,
        counts: Counts,
        monotonic: Callable[[], float],
        report: Report,
    ) -> None:
        self.known: dict[StationId, Door] = {}
        self._stations = stations
        self._options = options
        self._counts = counts
        self._monotonic = monotonic
        self._report = report
        self._attempts = Attempts()
        self.knocks: OrderedDict[StationId, tuple[float, int]] = OrderedDict()
        self._strangers = (0.0, 0)

    async def load(self) -> None:
        """Read all of them. Before the listener listens."""
        for door in await self._stations.doors():
            self.known[door.id] = door

    async def refresh(self, station: StationId) -> Door | None:
        """Somebody changed a station: its door now."""
        found = await self._stations.doors([station])
        self.known.pop(station, None)
        if not found:
            return None
        self.known[station] = found[0]
        return found[0]

    def admit(self, knock: Knock) -> Admitted | Refusal:
        """Whether somebody may come in with what they brought."""
        found = self._admit(knock)
        if isinstance(found, Refusal):
            self._counts.refused_doors += 1
        return found

    def _admit(self, knock: Knock) -> Admitted | Refusal:
        try:
            station = station_id(knock.identity)
        except StationIdInvalid:
            return Refusal(404, "no such station")
        door = self.known.get(station)
        if door is None:
            return self._admit_stranger(station, knock)
        wait_s = self._attempts.wait_s(station, knock.address, self._monotonic())
        if wait_s > 0:
            self._counts.logins_held += 1
            return Refusal(429, "too many failed log-ins", wait_s=int(wait_s) + 1)
        entry = self._stations.enter(door, self._brought(knock), self._options.owner)
        if isinstance(entry, Entry) and entry.profile < self._options.security_profile_min:
            entry = Shut.PROFILE_TOO_LOW
        if isinstance(entry, Shut):
            return self._shut(door, entry, knock)
        if not self._may_knock(station):
            return Refusal(429, "too many connections", wait_s=int(KNOCKS_WITHIN_S))
        self._attempts.succeeded(station, knock.address)
        return Admitted(door, entry)

    def _brought(self, knock: Knock) -> Credentials:
        return Credentials(
            encrypted=knock.encrypted,
            passwords=self._stations.credentials(knock.password),
            certificate=knock.certificate,
        )

    def _shut(self, door: Door, shut: Shut, knock: Knock) -> Refusal:
        """Count it, tell of it, and say what can be said."""
        self._counts.logins_failed += 1
        attempts = self._attempts.failed(
            door.id,
            knock.address,
            self._monotonic(),
            first_is_nothing=shut is Shut.PASSWORD_MISSING,
        )
        if attempts is not None:
            log.warning(
                "station.login_failed",
                station=door.id,
                reason=shut.value,
                address=knock.address,
                attempts=attempts,
                certificate=None if knock.certificate is None else knock.certificate.names,
            )
            self._report(door, shut, knock.address, attempts)
        return Refusal(401 if shut in UNAUTHORIZED else 403, SAID[shut])

    def _admit_stranger(self, station: StationId, knock: Knock) -> Admitted | Refusal:
        if self._options.unknown_stations is UnknownStations.REFUSE or not self._stranger():
            return Refusal(404, "no such station")
        door = Door(
            id=station,
            tenant=self._options.tenant,
            admission=Admission.PENDING,
            password=None,
            lenient=False,
            log_all=False,
        )
        # A certificate of our own CA counts for a stranger, too; a password that nobody gave does
        # not.
        brought = Credentials(encrypted=knock.encrypted, certificate=knock.certificate)
        entry = self._stations.enter(door, brought, self._options.owner)
        if isinstance(entry, Shut):
            self._counts.logins_failed += 1
            return Refusal(403, SAID[entry])
        if entry.profile < self._options.security_profile_min:
            return Refusal(403, SAID[Shut.PROFILE_TOO_LOW])
        return Admitted(door, entry)

    def _may_knock(self, station: StationId) -> bool:
        now_s = self._monotonic()
        since_s, count = self.knocks.pop(station, (now_s, 0))
        if now_s - since_s > KNOCKS_WITHIN_S:
            since_s, count = now_s, 0
        self.knocks[station] = (since_s, count + 1)
        if len(self.knocks) > KNOCKERS_KEPT_MAX:
            self.knocks.popitem(last=False)
        return count < KNOCKS_MAX

    def _stranger(self) -> bool:
        now_s = self._monotonic()
        since_s, count = self._strangers
        if now_s - since_s > 60:  # noqa: PLR2004 (a minute)
            since_s, count = now_s, 0
        self._strangers = (since_s, count + 1)
        return count < STRANGERS_PER_MINUTE
