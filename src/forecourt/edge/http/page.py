"""The page at ``/status`` (at ``/`` where no console was built): what runs, without a script.

Stations are for who has a key.

A browser asks for the key as a password (HTTP Basic, any user name), here and nowhere else: routes
that change things take no credentials that a browser sends by itself.
"""

import base64
from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import sha256
from html import escape
from typing import Any, Final

from litestar import Controller, Request, Response, get
from litestar.di import NamedDependency
from litestar.response import Redirect
from msgspec import Struct

from forecourt.base.context import Context
from forecourt.base.errors import ForecourtError, Kind
from forecourt.base.pages import Wanted
from forecourt.domain.sessions import Session, Sessions, SessionState
from forecourt.domain.stations import Connector, Station, Stations
from forecourt.edge.http.auth import Keys, presented_to_browser
from forecourt.edge.http.console import Console
from forecourt.edge.http.vitals import VERSION, Readiness, Vitals

ROWS_MAX: Final = 50
SESSIONS_MAX: Final = 15
REFRESH_S: Final = 10
WH_PER_KWH: Final = 1000
W_PER_KW: Final = 1000

STYLE: Final = """
:root { color-scheme: light dark;
  --ink: light-dark(#1b2430, #e6eaf0); --soft: light-dark(#5a6675, #94a0b0);
  --paper: light-dark(#f6f7f9, #12161c); --card: light-dark(#ffffff, #1a2029);
  --line: light-dark(#dfe4ea, #2b3440); --good: light-dark(#0f7b45, #4cc38a);
  --bad: light-dark(#b3261e, #ff8a80); --busy: light-dark(#1259c3, #7fb2ff); }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 72rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
header { display: flex; flex-wrap: wrap; gap: .25rem 1rem; align-items: baseline; }
h1 { font-size: 1.35rem; margin: 0; letter-spacing: -.01em; }
h2 { font-size: 1rem; margin: 2rem 0 .5rem; }
p { max-width: 42rem; } .soft { color: var(--soft); }
.good { color: var(--good); } .bad { color: var(--bad); } .busy { color: var(--busy); }
.counts { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr));
  gap: .75rem; margin: 1.25rem 0 0; padding: 0; list-style: none; }
.counts li, .card { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: .75rem 1rem; }
.counts b { display: block; font-size: 1.6rem; font-weight: 600;
  font-variant-numeric: tabular-nums; letter-spacing: -.02em; }
.scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--line);
  border-radius: 10px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .45rem .9rem; white-space: nowrap; }
th { font-weight: 500; color: var(--soft); font-size: .85rem; }
tr + tr td, thead + tbody td { border-top: 1px solid var(--line); }
td.number, th.number { text-align: right; }
code { background: var(--card); border: 1px solid var(--line); border-radius: 6px;
  padding: .1rem .35rem; font-size: .9em; overflow-wrap: anywhere; }
a { color: var(--busy); }
"""

_STYLE_HASH: Final = base64.b64encode(sha256(STYLE.encode()).digest()).decode()
# Whatever slipped through the escaping could still not run.
POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)
ASK: Final = 'Basic realm="Forecourt: the API key is the password", charset="UTF-8"'


class Seen(Struct, frozen=True, kw_only=True):
    """What somebody with a key is shown."""

    now: datetime
    stations: dict[str, int]
    sessions: dict[str, int]
    connected: Sequence[tuple[Station, Sequence[Connector]]]
    newest: Sequence[Session]


class PageRoutes(Controller):
    """For people who look."""

    include_in_schema = False

    @get("/")
    async def home(
        self,
        request: Request[Any, Any, Any],
        keys: NamedDependency[Keys],
        *,
        vitals: NamedDependency[Vitals],
        stations: NamedDependency[Stations],
        sessions: NamedDependency[Sessions],
        console: NamedDependency[Console],
    ) -> Response[Any]:
        """The console; where none was built, the status page."""
        if console.built:
            return console.page()
        return await _status(request, keys, vitals, stations, sessions)

    @get("/status")
    async def status(
        self,
        request: Request[Any, Any, Any],
        keys: NamedDependency[Keys],
        vitals: NamedDependency[Vitals],
        stations: NamedDependency[Stations],
        sessions: NamedDependency[Sessions],
    ) -> Response[str]:
        """Health and version; with a key, the network."""
        return await _status(request, keys, vitals, stations, sessions)

    @get("/signin")
    async def signin(
        self, request: Request[Any, Any, Any], keys: NamedDependency[Keys]
    ) -> Response[Any]:
        """Have the browser ask for the key, then show the page."""
        try:
            ctx = await _visitor(request, keys)
        except ForecourtError as error:
            if error.kind is not Kind.UNAUTHENTICATED:
                raise
            ctx = None
        return _ask_again() if ctx is None else Redirect("/status")


async def _status(
    request: Request[Any, Any, Any],
    keys: Keys,
    vitals: Vitals,
    stations: Stations,
    sessions: Sessions,
) -> Response[str]:
    """Health and version; with a key, the network."""
    readiness = await vitals.readiness()
    try:
        ctx = await _visitor(request, keys)
        seen = None if ctx is None else await _look(ctx, stations, sessions)
    except ForecourtError as error:
        if error.kind is Kind.UNAUTHENTICATED:
            return _ask_again()
        seen = None
    return _html(page(readiness, seen))


async def _visitor(request: Request[Any, Any, Any], keys: Keys) -> Context | None:
    """Who looks; None for a stranger."""
    secret = presented_to_browser(request)
    return None if secret is None else await keys.context(request, secret)


async def _look(ctx: Context, stations: Stations, sessions: Sessions) -> Seen:
    return Seen(
        now=ctx.now,
        stations=await stations.counts(ctx),
        sessions=await sessions.counts(ctx),
        connected=(await stations.list(ctx, Wanted(limit=ROWS_MAX), connected=True)).items,
        newest=(await sessions.list(ctx, Wanted(limit=SESSIONS_MAX))).items,
    )


def _ask_again() -> Response[str]:
    body = _document(
        "<p>This page needs an API key, as the password; the user name may be anything.</p>"
        '<p><a href="/status">Back</a></p>'
    )
    response = _html(body, status_code=401)
    response.headers["WWW-Authenticate"] = ASK
    return response


def _html(body: str, *, status_code: int = 200) -> Response[str]:
    return Response(
        body,
        status_code=status_code,
        media_type="text/html",
        headers={"Content-Security-Policy": POLICY},
    )


# ---- HTML: every text from outside goes through ``escape`` ---------------------------------------


def page(readiness: Readiness, seen: Seen | None) -> str:
    """The whole page."""
    health = (
        '<span class="good">● ready</span>'
        if readiness.ready
        else f'<span class="bad">● not ready: {escape("; ".join(readiness.reasons))}</span>'
    )
    body = health + (_stranger() if seen is None else _network(seen))
    return _document(body, refresh=seen is not None)


def _document(body: str, *, refresh: bool = False) -> str:
    again = f'<meta http-equiv="refresh" content="{REFRESH_S}">' if refresh else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"{again}<title>Forecourt</title><style>{STYLE}</style></head><body><main>"
        f'<header><h1>Forecourt</h1><span class="soft">{escape(VERSION)}</span></header>'
        f"{body}</main></body></html>"
    )


def _stranger() -> str:
    return (
        '<p>This is a charging network. <a href="/signin">Sign in</a> with an API key as the'
        " password to see it; the user name may be anything.</p>"
        '<p class="soft">An operator makes a key with</p>'
        "<p><code>forecourt apikey add NAME</code></p>"
        '<p class="soft">For programs: <code>/api/v1</code>, described in'
        ' <a href="/schema/openapi.json">/schema/openapi.json</a>.</p>'
    )


def _network(seen: Seen) -> str:
    figures = (
        (seen.stations["connected"], f"of {seen.stations['known']:,} stations connected"),
        (seen.sessions["running"], "sessions running"),
        (f"{seen.sessions['power_w'] / W_PER_KW:,.1f} kW", "into vehicles"),
    )
    counts = "".join(
        f'<li><b>{n if isinstance(n, str) else f"{n:,}"}</b><span class="soft">{text}</span></li>'
        for n, text in figures
    )
    more = seen.stations["connected"] - len(seen.connected)
    return (
        f'<ul class="counts">{counts}</ul>'
        + _table(
            "Sessions",
            ("state", "station", "EVSE", "token", "started", "#energy", "#power", "#SoC"),
            map(_session, seen.newest),
            nothing="Nobody has charged yet.",
        )
        + _table(
            "Connected stations",
            ("station", "model", "protocol", "connectors", "seen"),
            (_station(station, connectors, seen.now) for station, connectors in seen.connected),
            nothing="No station is connected.",
        )
        + (f'<p class="soft">and {more:,} more</p>' if more > 0 else "")
    )


def _table(title: str, heads: Iterable[str], rows: Iterable[Sequence[str]], *, nothing: str) -> str:
    """Cells are HTML already; a head that begins with # is of a column of numbers."""
    heads = list(heads)
    numeric = [' class="number"' if head.startswith("#") else "" for head in heads]
    body = "".join(
        "<tr>" + "".join(f"<td{n}>{c}</td>" for n, c in zip(numeric, row, strict=True)) + "</tr>"
        for row in rows
    )
    if not body:
        return f'<h2>{title}</h2><p class="soft">{nothing}</p>'
    head = "".join(f"<th{n}>{h.lstrip('#')}</th>" for n, h in zip(numeric, heads, strict=True))
    return (
        f'<h2>{title}</h2><div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _session(s: Session) -> tuple[str, ...]:
    running = s.state is SessionState.ACTIVE
    progress = s.progress
    state = '<span class="busy">charging</span>' if running else '<span class="soft">ended</span>'
    return (
        state,
        escape(s.station),
        str(s.evse_no),
        escape(s.token),
        f"{s.started_at:%Y-%m-%d %H:%M} UTC",
        f"{progress.energy_wh / WH_PER_KWH:,.2f} kWh",
        f"{progress.power_w / W_PER_KW:,.1f} kW" if running and progress.power_w else "",
        "" if progress.soc_pct is None else f"{progress.soc_pct:.0f} %",
    )


def _station(s: Station, connectors: Sequence[Connector], now: datetime) -> tuple[str, ...]:
    states = ", ".join(
        f"{c.evse_no} {c.state.value.replace('_', ' ')}" for c in connectors if c.evse_no
    )
    seen_s = 0 if s.seen_at is None else max(0, int((now - s.seen_at).total_seconds()))
    return (
        escape(s.id),
        escape(f"{s.vendor} {s.model}".strip()),
        escape(s.protocol),
        escape(states),
        "now" if seen_s < 60 else f"{seen_s // 60} min ago",  # noqa: PLR2004 (a minute)
    )
