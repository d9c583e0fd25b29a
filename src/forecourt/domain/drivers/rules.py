"""Decisions of this room: codes as people type them, and what a connector's state means."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from forecourt.domain.access import folded
from forecourt.domain.drivers.model import Charge, Freedom, Stage, Visit
from forecourt.domain.sessions import Session, SessionState
from forecourt.domain.stations import ConnectorState

CODE_LENGTH: Final = 10
"""Of 32 signs: fifty bits. Among a million codes a guess hits one in a billion times."""
ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's: no I, L, O, U."""
PLUG_IN_WITHIN: Final = timedelta(minutes=10)
KEPT: Final = timedelta(days=30)
"""A receipt's link leads somewhere for so long."""

_MEANT: Final = str.maketrans({"I": "1", "L": "1", "O": "0", "-": None, " ": None})

_FREEDOMS: Final = {
    ConnectorState.AVAILABLE: Freedom.FREE,
    ConnectorState.PREPARING: Freedom.PLUGGED,
    ConnectorState.OCCUPIED: Freedom.PLUGGED,
    ConnectorState.FINISHING: Freedom.PLUGGED,
    ConnectorState.CHARGING: Freedom.IN_USE,
    ConnectorState.SUSPENDED_EV: Freedom.IN_USE,
    ConnectorState.SUSPENDED_EVSE: Freedom.IN_USE,
    ConnectorState.RESERVED: Freedom.RESERVED,
    ConnectorState.UNAVAILABLE: Freedom.BROKEN,
    ConnectorState.FAULTED: Freedom.BROKEN,
}
STARTABLE: Final = frozenset({Freedom.FREE, Freedom.PLUGGED, Freedom.RESERVED, Freedom.UNKNOWN})
"""Where the station may be asked; it has the last word, also on whom it keeps an outlet for."""


def meant(typed: str) -> str:
    """A code as somebody typed it; empty where it can be none."""
    code = typed.strip().upper().translate(_MEANT)
    fits = len(code) == CODE_LENGTH and all(sign in ALPHABET for sign in code)
    return code if fits else ""


def spelled(code: str) -> str:
    """As it is printed: in two groups, which are easier to copy."""
    return f"{code[:5]}-{code[5:]}"


def freedom(state: ConnectorState | None, *, connected: bool, busy: bool) -> Freedom:
    """What a driver is told; ``busy``: a session runs there."""
    if not connected:
        return Freedom.AWAY
    told = Freedom.UNKNOWN if state is None else _FREEDOMS.get(state, Freedom.UNKNOWN)
    if told is Freedom.BROKEN:
        return told
    return Freedom.IN_USE if busy else told


def begun_by(visit: Visit, sessions: Sequence[Session]) -> Session | None:
    """The session that a visit began, among those of its station."""
    fitting = [
        session
        for session in sessions
        if session.evse_no == visit.evse_no
        and session.id > visit.marker
        and folded(session.token) == folded(visit.token)
    ]
    return min(fitting, key=lambda session: session.id, default=None)


def charge(visit: Visit, session: Session | None, now: datetime) -> Charge:
    """A visit as its driver sees it; what costs more to find out is added for a receipt."""
    if session is None:
        lapsed = now - visit.asked_at > PLUG_IN_WITHIN
        return Charge(stage=Stage.LAPSED if lapsed else Stage.WAITING)
    progress = session.progress
    if session.state is SessionState.ENDED:
        stage = Stage.ENDED
    else:
        stage = Stage.PAUSED if progress.power_w == 0 else Stage.CHARGING
    since = session.started_at
    if stage is not Stage.ENDED and session.id > visit.marker:
        since = max(since, visit.asked_at)
    return Charge(
        stage=stage,
        session=session.id,
        since=since,
        started_at=session.started_at,
        ended_at=session.ended_at,
        energy_wh=progress.energy_wh,
        exported_wh=progress.exported_wh,
        power_w=progress.power_w if stage is not Stage.ENDED else None,
        soc_pct=progress.soc_pct,
        meter_start_wh=session.meter_start_wh,
        meter_stop_wh=session.meter_stop_wh,
    )
