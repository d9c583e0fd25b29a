"""``forecourt sim``: simulated stations against any central system. Flags in, a fleet out."""

import asyncio
import signal
import sys
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer
import uvloop
from rich.console import Console
from rich.live import Live
from rich.table import Table

from forecourt.sim.fleet import FleetOptions, run
from forecourt.sim.mischief import TRAITS
from forecourt.sim.stats import Stats
from forecourt.sim.troubles import Rates
from forecourt.sim.world import FEATURES, default_tokens

app = typer.Typer(add_completion=False)

_KWH: Final = 1000.0


class VersionChoice(StrEnum):
    """What ``--version`` takes."""

    V16 = "1.6"
    V201 = "2.0.1"
    V21 = "2.1"
    MIX = "mix"


class ProfileChoice(StrEnum):
    """What ``--profile`` takes."""

    AC = "ac"
    DC = "dc"
    MIX = "mix"


class TraitChoice(StrEnum):
    """What ``--trait`` takes."""

    REFUSES = "refuses"
    LIES = "lies"
    MUTE = "mute"
    SLOW = "slow"
    ERRS = "errs"
    GARBLES = "garbles"
    REBOOTS = "reboots"
    BABBLES = "babbles"


class FeatureChoice(StrEnum):
    """What ``--feature`` takes."""

    ISO15118 = "iso15118"
    V2X = "v2x"
    PAYMENT = "payment"
    SWAP = "swap"
    CONTROLLER = "controller"
    EMS = "ems"
    DER = "der"
    VENDOR = "vendor"
    ALARMS = "alarms"


_Option = typer.Option
Url = Annotated[str, _Option(help="Where stations connect: ws://host:port[/path].")]
Stations = Annotated[int, _Option(min=1, help="How many.")]
Speed = Annotated[float, _Option(min=0.01, help="How fast the world's time runs; 1: real time.")]
Seed = Annotated[int, _Option(help="The same seed gives the same world.")]
Chosen = Annotated[VersionChoice, _Option(help="OCPP version.")]
Profile = Annotated[ProfileChoice, _Option(help="Alternating or direct current.")]
Sites = Annotated[int, _Option(min=0, help="0: one for every dozen stations.")]
Prefix = Annotated[str, _Option(help="Identities are the prefix and a number.")]
Pattern = Annotated[str, _Option(help="Identities by pattern, as CP{n:05d}; wins over --prefix.")]
Password = Annotated[str, _Option(help="For HTTP Basic; {id} stands for the identity.")]
Cards = Annotated[list[str] | None, _Option(help="A card that drivers carry; repeat for more.")]
CardCount = Annotated[int, _Option(min=1, help="How many cards to make up, without --token.")]
BlockedCards = Annotated[list[str] | None, _Option(help="A card that should be refused.")]
UnknownShare = Annotated[float, _Option(min=0, max=1, help="How many carry a foreign card.")]
Busy = Annotated[float, _Option(min=0, help="Multiplies the traffic.")]
Warm = Annotated[float, _Option(min=0, max=1, help="Outlets to which a driver comes at once.")]
PerDay = Annotated[float, _Option(min=0, help="Per station and day.")]
ConnectRate = Annotated[float, _Option(min=0.1, help="Stations switched on per second.")]
Duration = Annotated[float | None, _Option(min=0, help="Real seconds; else until Ctrl-C.")]
Start = Annotated[datetime | None, _Option(help="Where the world's time starts (UTC).")]
Ahead = Annotated[bool, _Option("--ahead", help="Let timestamps run into the future.")]
JournalFile = Annotated[Path | None, _Option(help="Write what was acknowledged, as JSON lines.")]
Turned = Annotated[
    list[str] | None,
    _Option("--set", help="A setting of every station, as sample_s=15; repeat for more."),
]
Apps = Annotated[bool, _Option("--apps", help="Some drivers wait for a remote start.")]
Authorities = Annotated[
    Path | None, _Option("--tls-ca", "--ca", help="Whom to trust for wss (PEM).")
]
ClientCert = Annotated[
    str | None, _Option(help="A certificate that stations show (PEM); {id}: the identity.")
]
ClientKey = Annotated[str | None, _Option(help="Its key, if in a file of its own.")]
Compress = Annotated[bool, _Option("--deflate", help="Offer permessage-deflate.")]
Bad = Annotated[float, _Option(min=0, max=1, help="How many commands are answered badly.")]
Ways = Annotated[list[TraitChoice] | None, _Option(help="In which way; repeat for more. All.")]
Naughty = Annotated[float, _Option(min=0, max=1, help="Of which share of the stations.")]
Failing = Annotated[float, _Option(min=0, max=1, help="Updates and uploads that fail.")]
Has = Annotated[
    list[FeatureChoice] | None, _Option(help="What every station has; repeat for more.")
]
Contracts = Annotated[
    list[str] | None, _Option("--contract", help="An eMAID that cars charge on; repeat for more.")
]
Quiet = Annotated[bool, _Option("--quiet", help="No progress.")]
AsJson = Annotated[bool, _Option("--json", help="The summary as JSON.")]
ListTokens = Annotated[bool, _Option("--list-tokens", help="Print the cards and stop.")]


@app.command()
def sim(
    *,
    url: Url = "",
    stations: Stations = 10,
    version: Chosen = VersionChoice.MIX,
    speed: Speed = 1.0,
    seed: Seed = 1,
    profile: Profile = ProfileChoice.MIX,
    sites: Sites = 0,
    prefix: Prefix = "SIM-",
    id_pattern: Pattern = "",
    password: Password = "",
    token: Cards = None,
    tokens: CardCount = 100,
    blocked_token: BlockedCards = None,
    unknown_share: UnknownShare = 0.02,
    apps: Apps = False,
    busy: Busy = 1.0,
    warm: Warm = 0.3,
    faults: PerDay = 0.05,
    power_cuts: PerDay = 0.02,
    lost_links: PerDay = 0.3,
    connect_rate: ConnectRate = 250.0,
    duration: Duration = None,
    start: Start = None,
    ahead: Ahead = False,
    journal: JournalFile = None,
    tls_ca: Authorities = None,
    client_cert: ClientCert = None,
    client_key: ClientKey = None,
    deflate: Compress = False,
    mischief: Bad = 0.0,
    trait: Ways = None,
    naughty: Naughty = 1.0,
    failing: Failing = 0.0,
    feature: Has = None,
    contract: Contracts = None,
    turned: Turned = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
    list_tokens: ListTokens = False,
) -> None:
    """Run simulated charging stations against a central system.

    A seeded world: stations, cars and drivers that plug in, charge, pay and leave, faults, power
    cuts and lost links; and every command of OCPP 1.6, 2.0.1 and 2.1 answered, with what follows
    from it. docs/operate/simulator.md tells what the stations can do, and how badly they may.
    """
    flags = dict(locals())
    if list_tokens:
        print("\n".join(_cards(token, tokens)))
        return
    if not url:
        raise typer.BadParameter("say where the stations connect", param_hint="--url")
    _finish(uvloop.run(_run(_options(**flags), show=not quiet)), as_json=as_json)


def _cards(named: list[str] | None, count: int) -> tuple[str, ...]:
    return tuple(named) if named else default_tokens(count)


_SAME: Final = (
    "url", "stations", "sites", "seed", "speed", "password", "tls_ca", "client_cert", "client_key",
    "deflate", "mischief", "naughty", "unknown_share", "apps", "busy", "warm", "ahead", "journal",
)  # fmt: skip
"""Flags that are options of the fleet, by the same name."""


def _options(
    *,
    version: VersionChoice,
    profile: ProfileChoice,
    prefix: str,
    id_pattern: str,
    token: list[str] | None,
    tokens: int,
    blocked_token: list[str] | None,
    faults: float,
    power_cuts: float,
    lost_links: float,
    connect_rate: float,
    duration: float | None,
    start: datetime | None,
    trait: list[TraitChoice] | None,
    failing: float,
    feature: list[FeatureChoice] | None,
    contract: list[str] | None,
    turned: list[str] | None,
    **same: Any,
) -> FleetOptions:
    """The flags as the fleet wants them."""
    return FleetOptions(
        version=version.value,
        profile=profile.value,
        identity=id_pattern or prefix + "{n:04d}",
        tokens=_cards(token, tokens),
        blocked_tokens=tuple(blocked_token or ()),
        rates=Rates(
            faults_per_day=faults, power_cuts_per_day=power_cuts, lost_links_per_day=lost_links
        ),
        connect_rate_hz=connect_rate,
        duration_s=duration,
        start=start.replace(tzinfo=UTC).timestamp() if start is not None else None,
        traits=tuple(one for one in TRAITS if not trait or one in trait),
        features=tuple(one for one in FEATURES if feature and one in feature),
        contracts=tuple(contract or ()),
        knobs={
            "fail_share": str(failing),
            **dict(pair.partition("=")[::2] for pair in turned or ()),
        },
        **{name: same[name] for name in _SAME},
    )


def _finish(stats: Stats, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(msgspec.json.encode(stats.as_dict()).decode() + "\n")
    else:
        _summary(stats)
    if stats.boots == 0:
        raise typer.Exit(1)


async def _run(options: FleetOptions, *, show: bool) -> Stats:
    """Until it is over, or somebody presses Ctrl-C."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    console = Console(stderr=True)
    if not (show and console.is_terminal):
        return await run(options, stop=stop)
    meter = _Meter()
    with Live(console=console, auto_refresh=False, transient=True) as live:
        return await run(
            options,
            stop=stop,
            on_stats=lambda stats: live.update(meter.line(stats), refresh=True),
        )


class _Meter:
    """The status line: counters become rates."""

    def __init__(self) -> None:
        self._messages = 0

    def line(self, stats: Stats) -> str:
        messages = stats.sent + stats.received
        per_second, self._messages = messages - self._messages, messages
        errors = stats.call_errors + stats.timeouts + stats.malformed + stats.given_up
        words = [
            f"[bold]{stats.connected}/{stats.stations}[/] connected",
            f"[bold]{stats.running}[/] sessions",
            f"[bold]{stats.power_w / _KWH:,.0f}[/] kW",
            f"{per_second} messages/s",
            f"{stats.queued} waiting",
            f"[{'red' if errors else 'green'}]{errors} errors[/]",
        ]
        if stats.connected == 0 and stats.last_failure:
            words.append(f"[red]{stats.last_failure}[/]")
        return " · ".join(words)


def _summary(stats: Stats) -> None:
    table = Table(show_header=False, box=None)
    answers = (
        f"p50 {stats.latency.quantile_s(0.5) * 1000:.1f} ms, "
        f"p99 {stats.latency.quantile_s(0.99) * 1000:.1f} ms"
    )
    errors = (
        f"{stats.call_errors} refused, {stats.timeouts} unanswered, {stats.malformed} malformed, "
        f"{stats.given_up} given up, {stats.dial_failures} connections failed"
    )
    rows: list[tuple[str, str]] = [
        ("stations booted", f"{stats.boots} boots, {stats.connected} connected at the end"),
        ("sessions", f"{stats.started} begun, {stats.ended} ended, {stats.running} running"),
        ("energy", f"{stats.energy_wh / _KWH:,.1f} kWh in ended sessions"),
        ("messages", f"{stats.sent:,} sent, {stats.received:,} received"),
        ("acknowledged", f"{stats.acknowledged:,} about sessions, {stats.queued} wait"),
        ("commands", f"{stats.commands} received"),
        ("answers", answers),
        (
            "troubles",
            f"{stats.faults} faults, {stats.power_cuts} power cuts, {stats.lost_links} lost links",
        ),
        ("errors", errors),
    ]
    if stats.last_failure:
        rows.append(("last failure", stats.last_failure))
    for name, text in rows:
        table.add_row(f"[dim]{name}[/]", text)
    Console().print(table)
