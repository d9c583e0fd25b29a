"""Whether the house lives, whether it is ready, and its numbers for Prometheus. No key is needed.

Reads counters that others keep; what must be asked of the database is asked every few seconds at
most, whoever knocks how often. Names no station and no token.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Final, Protocol

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from msgspec import Struct
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from forecourt.base.clock import Clock
from forecourt.base.errors import ForecourtError
from forecourt.domain.rooms import Rooms
from forecourt.domain.webhooks import Counts
from forecourt.edge.ocpp import Watch
from forecourt.infra.commit import Committer
from forecourt.infra.database import Database
from forecourt.infra.tracing import Tracing

VERSION: Final = version("forecourt")
PING_TIMEOUT_S: Final = 2.0
ASKED_EVERY: Final = timedelta(seconds=5)
# The framework says the character set itself.
TEXT_FORMAT: Final = CONTENT_TYPE_LATEST.removesuffix("; charset=utf-8")
UNAVAILABLE: Final = 503


class WireCounts(Protocol):
    """What went wrong on the wire, since the start."""

    malformed: int
    strays: int
    superseded: int
    refused_doors: int
    logins_failed: int
    logins_held: int
    tls_failed: int
    deflated: int


class QuirkCounts(Protocol):
    """What was forgiven stations or said otherwise to them, since the start."""

    @property
    def totals(self) -> Mapping[str, int]: ...


class Gateway(Protocol):
    """What we ask of the door for stations: how many are in, and whether more may come."""

    @property
    def counts(self) -> WireCounts: ...

    @property
    def quirks(self) -> QuirkCounts: ...

    @property
    def accepting(self) -> bool: ...

    @property
    def watch(self) -> Watch: ...

    def __len__(self) -> int: ...


class Health(Struct, frozen=True, kw_only=True):
    """The process answers."""

    status: str
    version: str


class Readiness(Struct, frozen=True, kw_only=True):
    """Whether work is taken on, and if not, why."""

    ready: bool
    reasons: tuple[str, ...] = ()


class Totals(Struct, frozen=True, kw_only=True):
    """What the rooms count, of all tenants."""

    stations: int
    sessions_running: int
    power_w: int
    webhooks: Mapping[str, int]


class Vitals:
    """The pulse of this process. Everything that it reads belongs to somebody else."""

    def __init__(
        self,
        rooms: Rooms,
        *,
        clock: Clock,
        db: Database,
        gateway: Gateway,
        committer: Committer,
    ) -> None:
        self._rooms = rooms
        self._clock = clock
        self._db = db
        self._gateway = gateway
        self._committer = committer
        self._asking = asyncio.Lock()
        self._answered_at: datetime | None = None
        self._reasons: tuple[str, ...] = ()
        self._totals: Totals | None = None
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._registry.register(_Families(self))

    async def readiness(self) -> Readiness:
        """Whether the database answers, commits go through and stations may come in."""
        await self._ask()
        reasons = self._reasons
        if self._committer.away:
            reasons = (*reasons, "commits wait for the database")
        if not self._gateway.accepting:
            reasons = (*reasons, "stations are not let in any more: the platform stops")
        return Readiness(ready=not reasons, reasons=reasons)

    async def metrics(self) -> bytes:
        """Prometheus' text format."""
        await self._ask()
        return generate_latest(self._registry)

    async def _ask(self) -> None:
        """Ask the database, unless it was asked a moment ago."""
        async with self._asking:
            now = self._clock.now()
            if self._answered_at is not None and now - self._answered_at < ASKED_EVERY:
                return
            try:
                async with asyncio.timeout(PING_TIMEOUT_S):
                    await self._db.ping()
                    stations = await self._rooms.stations.house_counts()
                    sessions = await self._rooms.sessions.house_counts(now)
                    webhooks = await self._rooms.webhooks.house_counts()
            except TimeoutError:
                self._totals, self._reasons = None, ("the database does not answer in time",)
            except ForecourtError as error:
                self._totals, self._reasons = None, (error.message,)
            else:
                self._reasons = ()
                self._totals = Totals(
                    stations=stations["known"],
                    sessions_running=sessions["running"],
                    power_w=sessions["power_w"],
                    webhooks=webhooks,
                )
                # Only good news keeps: whoever waits for it waits no longer than needed.
                self._answered_at = now
                return
            self._answered_at = None

    def families(self) -> Iterator[Metric]:
        """Every number that we have, now."""
        wire, stats = self._gateway.counts, self._committer.stats
        yield from (
            _gauge("stations_connected", "Stations connected to this process.", len(self._gateway)),
            _counter("wire_malformed", "Frames that were no OCPP.", wire.malformed),
            _counter("wire_strays", "Answers that nobody waited for.", wire.strays),
            _counter("wire_superseded", "Sockets that a newer one replaced.", wire.superseded),
            _counter("wire_refused", "Connections refused at the door.", wire.refused_doors),
            _counter("logins_failed", "Log-ins of known stations refused.", wire.logins_failed),
            _counter("logins_held", "Log-ins told to wait.", wire.logins_held),
            _counter("tls_failed", "TLS handshakes that failed.", wire.tls_failed),
            _counter("wire_deflated", "Connections that agreed on compression.", wire.deflated),
            _counter("commit_batches", "Shared transactions.", stats.batches),
            _counter("commit_messages", "Messages settled by them.", stats.units),
            _counter("commit_rows", "Rows written by them.", stats.rows),
            _counter("commit_retries", "Transactions tried again.", stats.retries),
            _counter("commit_failures", "Messages whose rows were refused.", stats.failures),
            _gauge(
                "commit_waiting", "Messages that wait to be committed.", self._committer.waiting
            ),
            _gauge("database_up", "Whether the database answers.", int(self._totals is not None)),
        )
        if self._totals is not None:
            yield _gauge("stations_known", "Stations made known.", self._totals.stations)
            yield _gauge("sessions_running", "Sessions that run.", self._totals.sessions_running)
            yield _gauge("sessions_power_watts", "Power into vehicles.", self._totals.power_w)
            yield from _standing(self._totals.webhooks)
        yield from _sent(self._rooms.webhooks.counts)
        if self._committer.tracing is not None:
            yield from _traces(self._committer.tracing)
        quirks = CounterMetricFamily(
            "forecourt_quirks", "What was forgiven stations, or said otherwise.", labels=["fix"]
        )
        for fix, uses in sorted(self._gateway.quirks.totals.items()):
            quirks.add_metric([fix], uses)
        yield quirks
        built = GaugeMetricFamily("forecourt_build", "What runs.", labels=["version"])
        built.add_metric([VERSION], 1)
        yield built


def _standing(webhooks: Mapping[str, int]) -> Iterator[Metric]:
    waits = "Deliveries of webhooks that wait for an attempt; at most 100 000 are counted."
    yield _gauge("webhook_deliveries_waiting", waits, webhooks["waiting"])
    endpoints = GaugeMetricFamily(
        "forecourt_webhook_endpoints",
        "Endpoints by state; failing ones are enabled.",
        labels=["state"],
    )
    for state in ("enabled", "failing", "disabled"):
        endpoints.add_metric([state], webhooks[state])
    yield endpoints


def _sent(counts: Counts) -> Iterator[Metric]:
    yield _counter("webhook_delivered", "Deliveries that were taken.", counts.delivered)
    yield _counter("webhook_attempts_failed", "Attempts that failed.", counts.failed)
    yield _counter("webhook_given_up", "Deliveries whose last attempt failed.", counts.given_up)
    yield _counter("webhook_disabled", "Endpoints that were given up.", counts.disabled)


def _traces(tracing: Tracing) -> Iterator[Metric]:
    stats = tracing.stats
    yield _counter("trace_spans_sent", "Spans that the collector took.", stats.sent)
    yield _counter("trace_spans_dropped", "Spans that nobody took in time.", stats.dropped)
    yield _gauge("trace_spans_waiting", "Spans that wait for the collector.", len(tracing))


class _Families(Collector):
    """The shape in which the library wants it."""

    def __init__(self, vitals: Vitals) -> None:
        self._vitals = vitals

    def collect(self) -> Iterable[Metric]:
        return self._vitals.families()

    def describe(self) -> Iterable[Metric]:
        return ()


def _gauge(name: str, help_text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"forecourt_{name}", help_text, value=value)


def _counter(name: str, help_text: str, value: float) -> Metric:
    return CounterMetricFamily(f"forecourt_{name}", help_text, value=value)


class VitalsRoutes(Controller):
    """For probes and for Prometheus."""

    tags = ("Vitals",)

    @get("/healthz", operation_id="health", summary="Is the process alive?", sync_to_thread=False)
    def health(self) -> Health:
        """Answers as long as the process does; asks nobody else."""
        return Health(status="ok", version=VERSION)

    @get("/readyz", operation_id="readiness", summary="Is work taken on?")
    async def readiness(self, vitals: NamedDependency[Vitals]) -> Response[Readiness]:
        """200 when the database answers and commits go through, 503 with the reasons otherwise."""
        found = await vitals.readiness()
        return Response(found, status_code=200 if found.ready else UNAVAILABLE)

    @get(
        "/metrics",
        operation_id="metrics",
        summary="Numbers for Prometheus",
        media_type="text/plain",
    )
    async def metrics(self, vitals: NamedDependency[Vitals]) -> Response[bytes]:
        """The text format of Prometheus."""
        return Response(await vitals.metrics(), media_type=TEXT_FORMAT)
