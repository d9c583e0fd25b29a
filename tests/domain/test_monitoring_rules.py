"""What alarms, how far a report is, how fast a stream may be."""

from datetime import UTC, datetime, timedelta

import pytest

from forecourt.domain.monitoring import Page, Report, ReportKind, ReportState
from forecourt.domain.monitoring.model import (
    PAGES_MAX,
    SILENCE_MAX,
    STREAM_VALUES_A_MINUTE_MAX,
    Cause,
    Origin,
    Point,
    VariableEvent,
)
from forecourt.domain.monitoring.rules import (
    SECURITY,
    UNSAID,
    missing,
    security,
    security_alarm,
    state,
    stream_refusal,
    stream_share,
    turned,
    variable_alarm,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LONG_AFTER = NOW + SILENCE_MAX + timedelta(seconds=1)


def page(number: int | None, *, last: bool = False, rows: int = 1) -> Page:
    return Page(kind=ReportKind.MONITORS, request_id=1, number=number, last=last, rows=rows)


def after(*pages: Page, start: Report | None = None, now: datetime = NOW) -> Report:
    report = start
    for one in pages:
        report = turned(report, one, now)
    assert report is not None
    return report


class TestReports:
    @pytest.mark.parametrize(
        ("pages", "soon", "late", "gaps"),
        [
            ([page(0)], ReportState.OPEN, ReportState.TIMED_OUT, []),
            ([page(0, last=True)], ReportState.COMPLETE, ReportState.COMPLETE, []),
            ([page(2, last=True), page(0)], ReportState.OPEN, ReportState.BROKEN, [1]),
            (
                [page(1, last=True), page(0)],
                ReportState.COMPLETE,
                ReportState.COMPLETE,
                [],
            ),
            ([page(None), page(None)], ReportState.OPEN, ReportState.TIMED_OUT, []),
            ([page(None, last=True)], ReportState.COMPLETE, ReportState.COMPLETE, []),
        ],
    )
    def test_how_far_it_is(
        self, pages: list[Page], soon: ReportState, late: ReportState, gaps: list[int]
    ) -> None:
        report = after(*pages)
        assert (state(report, NOW), state(report, LONG_AFTER)) == (soon, late)
        assert list(missing(report)) == gaps

    def test_a_page_again_is_counted_once(self) -> None:
        report = after(page(0, rows=5), page(0, rows=5), page(1, rows=2, last=True))
        assert (report.rows, report.pages) == (7, (0, 1))

    def test_the_same_number_long_after_is_another_report(self) -> None:
        old = after(page(0, last=True), page(1))
        again = after(page(0), start=old, now=LONG_AFTER)
        assert (again.pages, again.ended, again.begun_at) == ((0,), False, LONG_AFTER)

    def test_a_slow_station_goes_on(self) -> None:
        """It begins anew only by its first page, as long as it had not ended."""
        slow = after(page(1, last=True), start=after(page(0)), now=LONG_AFTER)
        assert (slow.begun_at, slow.pages) == (NOW, (0, 1))
        assert state(slow, LONG_AFTER) is ReportState.COMPLETE

    def test_the_billionth_page_is_no_work(self) -> None:
        report = after(page(0), page(2**63 - 1, last=True))
        assert list(missing(report)) == list(range(1, 101))
        assert state(report, LONG_AFTER) is ReportState.BROKEN

    def test_it_does_not_grow_without_end(self) -> None:
        report = after(*(page(number) for number in range(PAGES_MAX + 10)))
        assert len(report.pages) == PAGES_MAX


class TestAlarms:
    def event(self, cause: Cause = Cause.ALERTING, **more: object) -> VariableEvent:
        values: dict[str, object] = {
            "event_no": 1,
            "at": NOW,
            "cause": cause,
            "origin": Origin.CUSTOM,
            "point": Point(component="Fan", component_instance="top", variable="Problem"),
            "value": "true",
            **more,
        }
        return VariableEvent(**values)  # type: ignore[arg-type]  # a test's shorthand

    def test_an_alert_without_a_monitor_is_known_by_its_variable(self) -> None:
        alarm = variable_alarm(self.event(), NOW)
        assert alarm is not None
        assert (alarm.key, alarm.severity) == ("Fan[top].Problem@0.0", UNSAID)

    @pytest.mark.parametrize("cause", [Cause.DELTA, Cause.PERIODIC])
    def test_values_alarm_nobody(self, cause: Cause) -> None:
        assert variable_alarm(self.event(cause), NOW) is None

    def test_what_is_over_alarms_nobody(self) -> None:
        assert variable_alarm(self.event(cleared=True), NOW) is None

    def test_its_text_has_an_end(self) -> None:
        alarm = variable_alarm(self.event(value="x" * 2_500), NOW)
        assert alarm is not None
        assert len(alarm.text) == 300

    def test_the_standards_list(self) -> None:
        """2.1 names 21; 1.6 has names of its own for four of them."""
        assert len(SECURITY) == 25
        assert sum(fact.critical for fact in SECURITY.values()) == 18
        assert security("AcmeThing").critical is False

    @pytest.mark.parametrize("kind", ["StartupOfTheDevice", "ResetOrReboot", "FirmwareUpdated"])
    def test_ordinary_life_is_critical_by_the_standard_and_no_alarm(self, kind: str) -> None:
        assert security(kind).critical
        assert security_alarm(kind, "", NOW) is None

    def test_what_is_alarming(self) -> None:
        alarm = security_alarm("InvalidFirmwareSignature", "sha256", NOW)
        assert alarm is not None
        assert (alarm.key, alarm.text) == (
            "InvalidFirmwareSignature",
            "InvalidFirmwareSignature: sha256",
        )


class TestStreams:
    def test_sixteen_at_once(self) -> None:
        assert stream_refusal(range(15), 99, interval_s=1, values=1) is None
        assert stream_refusal(range(16), 99, interval_s=1, values=1) is not None
        assert stream_refusal(range(16), 5, interval_s=1, values=1) is None  # Opened again.

    def test_so_many_a_minute_and_then_again(self) -> None:
        share, taken = stream_share(None, 10, NOW)
        assert taken == 10
        share, taken = stream_share(share, STREAM_VALUES_A_MINUTE_MAX, NOW)
        assert taken == STREAM_VALUES_A_MINUTE_MAX - 10
        share, taken = stream_share(share, 1, NOW + timedelta(seconds=59))
        assert taken == 0
        _, taken = stream_share(share, 1, NOW + timedelta(seconds=60))
        assert taken == 1
