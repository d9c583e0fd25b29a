"""How commands show things: as the API spells them, and as tables. Decides nothing."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from rich.markup import escape
from rich.table import Table

from forecourt.domain.access import Reservation, ReservationState, Token, TokenStatus
from forecourt.domain.catalogue import QuirkProfile, advice_of, keys_of
from forecourt.domain.energy import ExternalLimit
from forecourt.domain.firmware import Job, JobKind
from forecourt.domain.monitoring import Alarm
from forecourt.domain.sessions import Session, SessionState
from forecourt.domain.sites import Site
from forecourt.domain.stations import Admission, Connector, QuirkUse, Station
from forecourt.domain.tenants import ApiKey, User
from forecourt.domain.webhooks import Attempt, Delivery, Endpoint, Health, message_id
from forecourt.domain.webhooks import State as DeliveryState

StationRow = tuple[Station, list[Connector]]

WH_PER_KWH: Final = 1000
W_PER_KW: Final = 1000
# Names that the API has for what the rooms name by a number.
SPELLED: Final = {"evse_no": "evse", "connector_no": "connector"}
INTERNAL: Final = ("start_key", "progress", "saved_at", "remote_start_id")


def spelled(known: dict[str, Any]) -> dict[str, Any]:
    """What a room calls by a number, as the API does."""
    return {SPELLED.get(name, name): known[name] for name in known}


def connector(c: Connector) -> dict[str, Any]:
    """A connector as the API spells it."""
    known = msgspec.to_builtins(c)
    return {SPELLED.get(name, name): known[name] for name in known if name != "station"}


def station(s: Station, connectors: Iterable[Connector]) -> dict[str, Any]:
    """A station as the API spells it."""
    return {**msgspec.to_builtins(s), "connectors": [connector(c) for c in connectors]}


def quirks(profile: QuirkProfile | None, uses: Iterable[QuirkUse]) -> dict[str, Any]:
    """How a station is handled, and how often that was needed."""
    shown = ("fix", "uses", "first_at", "last_at")
    return {
        "quirk_profile": None if profile is None else profile.name,
        "advice": [] if profile is None else list(advice_of(profile)),
        "quirk_uses": [{name: getattr(use, name) for name in shown} for use in uses],
    }


def reported(
    alarms: Iterable[Alarm],
    limits: Iterable[ExternalLimit],
    reservations: Iterable[Reservation],
    jobs: Iterable[Job],
) -> dict[str, Any]:
    """What a station told of itself: what is wrong, what holds, how far its newest jobs are."""
    newest: dict[JobKind, Job] = {}
    for job in jobs:
        newest.setdefault(job.kind, job)
    return {
        "alarms": [_some(alarm, "severity", "source", "text", "raised_at") for alarm in alarms],
        "external_limits": [
            spelled(_some(limit, "evse_no", "source", "grid_critical", "since_at"))
            for limit in limits
        ],
        "reservations": [
            spelled(_some(held, "number", "evse_no", "token", "expires_at"))
            for held in reservations
            if held.state is ReservationState.MADE
        ],
        "file_jobs": [
            _some(job, "kind", "status", "phase", "changed_at") for job in newest.values()
        ],
    }


def _some(thing: msgspec.Struct, *names: str) -> dict[str, Any]:
    known = msgspec.to_builtins(thing)
    return {name: known[name] for name in names}


def quirk_profile(profile: QuirkProfile) -> dict[str, Any]:
    """A quirk profile, whole."""
    match = profile.match
    keys = msgspec.to_builtins(dict(keys_of(profile)))
    return {
        "name": profile.name,
        "title": profile.title,
        "vendor": [] if match is None else list(match.vendor),
        "model": [] if match is None else list(match.model),
        "firmware": "" if match is None else match.firmware,
        **{k: sorted(v) if isinstance(v, list) else v for k, v in keys.items() if k != "advice"},
        "advice": list(advice_of(profile)),
        "evidence": list(profile.evidence),
    }


def session(s: Session) -> dict[str, Any]:
    """A session as the API spells it."""
    known = msgspec.to_builtins(s)
    whole = {SPELLED.get(name, name): known[name] for name in known if name not in INTERNAL}
    shown = ("energy_wh", "exported_wh", "power_w", "soc_pct", "flags")
    return whole | {name: known["progress"][name] for name in shown}


def stations_table(found: Iterable[tuple[Station, Sequence[Connector]]]) -> Table:
    """Stations, one a line."""
    table = _table("station", "admission", "link", "protocol", "model", "connectors", "site")
    for s, connectors in found:
        table.add_row(
            escape(s.id),
            _admission(s.admission),
            "[green]connected[/]" if s.connected else f"[dim]{_since(s.disconnected_at)}[/]",
            escape(s.protocol),
            escape(f"{s.vendor} {s.model}".strip()),
            escape(", ".join(f"{c.evse_no} {c.state.value}" for c in connectors if c.evse_no)),
            escape(s.site),
        )
    return table


def quirks_table(found: Iterable[QuirkProfile]) -> Table:
    """Quirk profiles, one a line."""
    table = _table("profile", "for", "keys")
    for profile in found:
        keys = (key for key in keys_of(profile) if key != "advice")
        table.add_row(escape(profile.name), escape(profile.title), escape(", ".join(keys)))
    return table


def tokens_table(found: Iterable[Token]) -> Table:
    """Tokens, one a line."""
    table = _table("token", "type", "status", "group", "label", "expires", "sessions at once")
    for t in found:
        good = t.status is TokenStatus.ACCEPTED
        table.add_row(
            escape(t.uid),
            escape(t.type),
            f"[{'green' if good else 'red'}]{t.status.value}[/]",
            escape(t.group),
            escape(t.label),
            _moment(t.valid_until),
            "any" if t.sessions_max is None else str(t.sessions_max),
        )
    return table


def sessions_table(found: Iterable[Session]) -> Table:
    """Sessions, one a line."""
    table = _table("session", "state", "station", "EVSE", "token", "started", "ended", "kWh", "kW")
    for s in found:
        running = s.state is SessionState.ACTIVE
        power_w = s.progress.power_w
        table.add_row(
            escape(s.id),
            f"[{'cyan' if running else 'dim'}]{s.state.value}[/]",
            escape(s.station),
            str(s.evse_no),
            escape(s.token),
            _moment(s.started_at),
            _moment(s.ended_at),
            f"{s.progress.energy_wh / WH_PER_KWH:,.2f}",
            f"{power_w / W_PER_KW:,.1f}" if running and power_w is not None else "",
        )
    return table


def keys_table(found: Iterable[ApiKey]) -> Table:
    """API keys, one a line."""
    table = _table("id", "name", "scopes", "made", "expires", "revoked")
    for key in found:
        table.add_row(
            escape(key.id),
            escape(key.name),
            ", ".join(sorted(key.scopes)),
            _moment(key.created_at),
            _moment(key.expires_at),
            _moment(key.revoked_at),
        )
    return table


def users_table(found: Iterable[User]) -> Table:
    """Users, one a line."""
    table = _table("address", "name", "role", "sites", "second factor", "since", "locked out")
    for user in found:
        table.add_row(
            escape(user.email),
            escape(user.name),
            user.role.value,
            escape(", ".join(user.sites)) or "all",
            "yes" if user.totp else "no",
            _moment(user.created_at),
            _moment(user.disabled_at),
        )
    return table


def site(s: Site) -> dict[str, Any]:
    """A site as the API spells it; its hours, one day a line."""
    return {**msgspec.to_builtins(s), "hours": [msgspec.to_builtins(one) for one in s.hours]}


def sites_table(found: Iterable[Site]) -> Table:
    """Sites, one a line."""
    table = _table("site", "name", "city", "country", "place", "zone")
    for one in found:
        known = one.latitude is not None and one.longitude is not None
        table.add_row(
            escape(one.id),
            escape(one.name),
            escape(one.city),
            escape(one.country),
            f"{one.latitude:.4f}, {one.longitude:.4f}" if known else "",
            escape(one.zone),
        )
    return table


def webhook(endpoint: Endpoint, health: Health | None = None) -> dict[str, Any]:
    """An endpoint as the API spells it."""
    said = {**msgspec.to_builtins(endpoint), "enabled": endpoint.disabled_at is None}
    return {**said, "health": None if health is None else msgspec.to_builtins(health)}


def webhooks_table(found: Iterable[tuple[Endpoint, Health]]) -> Table:
    """Endpoints, one a line; how they did in the last 24 hours."""
    table = _table("endpoint", "state", "url", "types", "waiting", "delivered", "failed")
    for one, health in found:
        good = one.failing_since is None
        on = "[green]on[/]" if good else f"[yellow]failing since {_moment(one.failing_since)}[/]"
        off = f"[red]off: {one.disabled_by.value}[/]" if one.disabled_by else "[red]off[/]"
        table.add_row(
            escape(one.id),
            on if one.disabled_at is None else off,
            escape(one.url),
            escape(", ".join(one.types)) or "all",
            *(f"{n:,}" for n in (health.waiting, health.delivered, health.failed)),
        )
    return table


def delivery(one: Delivery) -> dict[str, Any]:
    """A delivery as the API spells it."""
    return {"id": message_id(one.seq), **msgspec.to_builtins(one)}


def deliveries_table(found: Iterable[Delivery]) -> Table:
    """Deliveries, one a line."""
    table = _table("delivery", "state", "type", "subject", "at", "attempts", "status")
    colours = {DeliveryState.DELIVERED: "green", DeliveryState.FAILED: "red"}
    for one in found:
        table.add_row(
            message_id(one.seq),
            f"[{colours.get(one.state, 'cyan')}]{one.state.value}[/]",
            escape(one.type),
            escape(one.subject),
            _moment(one.at),
            str(one.attempts),
            "" if one.status is None else str(one.status),
        )
    return table


def attempts_table(found: Iterable[Attempt]) -> Table:
    """What came of each attempt."""
    table = _table("attempt", "at", "ms", "status", "answer")
    for one in found:
        status = "" if one.status is None else str(one.status)
        said = escape(one.error or one.answer)
        table.add_row(str(one.number), _moment(one.at), f"{one.latency_ms:,}", status, said)
    return table


def upgrade_table(told: dict[str, Any]) -> Table:
    """The steps of an upgrade: what was asked, what the station said, and why."""
    table = _table("step", "station says", "because")
    for step in told["steps"]:
        said = " ".join(filter(None, (step["outcome"], step["status"], step["reason"])))
        table.add_row(escape(step["name"]), escape(said), escape(step["because"]))
    return table


def record(thing: dict[str, Any]) -> Table:
    """One thing, a line for each of its properties; empty ones are left out."""
    table = Table(show_header=False, box=None, pad_edge=False)
    for name, value in thing.items():
        if value in (None, "", [], ()):
            continue
        lines = value if isinstance(value, list) else [value]
        for number, line in enumerate(lines):
            table.add_row(f"[dim]{'' if number else escape(name)}[/]", escape(_line(line)))
    return table


def _line(value: Any) -> str:
    if not isinstance(value, dict):
        return str(value)
    return ", ".join(f"{name} {part}" for name, part in value.items() if part not in (None, ""))


def _table(*heads: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for head in heads:
        table.add_column(head, overflow="fold")
    return table


def _admission(admission: Admission) -> str:
    match admission:
        case Admission.ACCEPTED:
            return admission.value
        case Admission.PENDING:
            return f"[yellow]{admission.value}[/]"
        case Admission.BLOCKED:
            return f"[red]{admission.value}[/]"


def _moment(at: datetime | None) -> str:
    return "" if at is None else f"{at:%Y-%m-%d %H:%M}"


def _since(at: datetime | None) -> str:
    return "never" if at is None else f"away since {at:%Y-%m-%d %H:%M}"
