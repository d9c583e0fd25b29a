"""What stations tell of reservations: used by a session, or over without one."""

from collections.abc import Mapping
from typing import Final

from forecourt.domain.access import ReservationState
from forecourt.domain.sessions import Session
from forecourt.edge.ocpp.routes import Call
from forecourt.protocol.ocpp import v21, v201
from forecourt.protocol.ocpp.values import Message

STATES: Final[Mapping[str, ReservationState]] = {
    "Expired": ReservationState.EXPIRED,
    "Removed": ReservationState.REMOVED,
    "NoTransaction": ReservationState.ABANDONED,
}


async def on_reservation(
    call: Call, msg: v201.ReservationStatusUpdate | v21.ReservationStatusUpdate
) -> Message:
    """H01, H04: a reservation is over, and no session came of it."""
    await call.rooms.access.reservation_over(
        call.ctx,
        call.station.station.id,
        msg.reservation_id,
        STATES[msg.reservation_update_status],
    )
    return v201.ReservationStatusUpdateResponse()


def used(call: Call, number: int, session: Session) -> None:
    """A session began that a reservation was for: told in the same commit as its start."""
    call.rooms.access.reservation_used(
        call.ctx,
        session.station,
        number,
        call.changes,
        session=session.id,
        evse_no=session.evse_no,
        token=session.token,
    )
