"""What is remembered of one station while its quirks are handled."""

from datetime import UTC, datetime

from forecourt.domain.catalogue import QuirkProfile
from forecourt.domain.stations import Answer, Outcome, Reset, failed
from forecourt.edge.ocpp.asks.table import Asked, status
from forecourt.edge.ocpp.quirks import Handling, lenient_of
from forecourt.protocol.ocpp import v16
from forecourt.protocol.ocpp.values import Message

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CAREFUL = QuirkProfile(
    name="careful", title="Falls over", restart_cooldown_s=300, force_stack_level_zero=True
)
STOP = v16.RemoteStopTransaction(transaction_id=1)
START = v16.RemoteStartTransaction(id_tag="A")


class Station:
    """A station that is handled so, and what was counted of it."""

    def __init__(self, profile: QuirkProfile | None) -> None:
        self.used: list[tuple[str, ...]] = []
        self._handling = Handling(
            profile, lenient_of(profile, all_fixes=True), used=self.used.append
        )

    def said(self, now_s: float, *requests: Message) -> Asked | Answer:
        return self._handling.said(Reset(), Asked(requests, status), NOW, now_s)


def test_a_start_waits_after_a_stop_and_then_no_more() -> None:
    station = Station(CAREFUL)
    assert isinstance(station.said(0.0, START), Asked), "nobody was stopped yet"
    assert isinstance(station.said(10.0, STOP), Asked)
    refused = station.said(100.0, START)
    assert isinstance(refused, Answer)
    assert refused.outcome is Outcome.UNSUPPORTED
    assert "wait 210 s" in refused.reason
    assert isinstance(station.said(310.0, START), Asked)
    assert station.used == [("restart_cooldown_s",)]


def test_of_several_messages_one_that_is_refused_refuses_all_before_anything_is_sent() -> None:
    station = Station(CAREFUL)
    station.said(0.0, STOP)
    clear = v16.ClearChargingProfile(stack_level=3)
    assert isinstance(station.said(1.0, clear, START), Answer)
    told = station.said(400.0, clear, START)
    assert isinstance(told, Asked)
    assert list(told.requests) == [v16.ClearChargingProfile(stack_level=0), START]
    assert station.used == [("restart_cooldown_s",), ("force_stack_level_zero",)]


def test_who_is_only_read_leniently_is_sent_what_was_asked() -> None:
    station = Station(None)
    asked = Asked([START], status)
    handled = Handling(None, lenient_of(None, all_fixes=True), used=station.used.append)
    assert handled.said(Reset(), asked, NOW, 0.0) is asked
    answer = failed(Outcome.REJECTED, "no")
    assert handled.said(Reset(), answer, NOW, 0.0) is answer
    assert station.used == []
