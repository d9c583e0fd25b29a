"""What a station reports and what we believe of it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecourt.base.context import Context
from forecourt.base.ids import StationId, TenantId
from forecourt.domain.stations import (
    Admission,
    BootReport,
    Connector,
    ConnectorState,
    Station,
    StationIdInvalid,
    StatusReport,
    rules,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CTX = Context(actor="test", tenant=TenantId("acme"), now=NOW)
CP1 = StationId("CP1")


def reported(
    state: ConnectorState, at: datetime | None = NOW, *, error: str = "", info: str = ""
) -> StatusReport:
    return StatusReport(
        evse_no=1, connector_no=1, state=state, reported_at=at, error=error, info=info
    )


def known(state: ConnectorState, at: datetime = NOW) -> Connector:
    connector, _ = rules.status(None, reported(state, at), CP1, CTX)
    return connector


@pytest.mark.parametrize("text", ["CP1", "a", "DE*ABC*E1.x|y@z~(1)", "with blank", "x" * 48])
def test_identities_that_may_be(text: str) -> None:
    assert rules.station_id(text) == text


@pytest.mark.parametrize(
    "text", ["", "x" * 49, " CP1", "CP1 ", "a/b", "a%b", "CP\n1", "CP1\n", "CP\x00", "Säule", "a?b"]
)
def test_identities_that_may_not(text: str) -> None:
    with pytest.raises(StationIdInvalid):
        rules.station_id(text)


@given(st.text(max_size=60))
def test_an_identity_is_kept_as_it_is_or_refused(text: str) -> None:
    try:
        made = rules.station_id(text)
    except StationIdInvalid:
        return
    assert made == text
    assert 1 <= len(made) <= 48
    assert made.isascii()
    assert made.isprintable()


class TestBoot:
    def test_the_report_is_what_we_know_then(self) -> None:
        before = Station(id=CP1, tenant=CTX.tenant, admission=Admission.PENDING, created_at=NOW)
        report = BootReport(vendor="V", model="M", firmware="1.0", serial="S", reason="PowerUp")
        after, fact = rules.boot(before, report, CTX)
        assert (after.vendor, after.firmware, after.booted_at, after.seen_at) == (
            *("V", "1.0"),
            *(NOW, NOW),
        )
        assert after.admission is Admission.PENDING
        assert (fact.station, fact.at, fact.firmware_changed) == (CP1, NOW, False)

    @pytest.mark.parametrize(("firmware", "changed"), [("1.0", False), ("1.1", True)])
    def test_new_firmware_is_noticed(self, firmware: str, *, changed: bool) -> None:
        station = Station(id=CP1, tenant=CTX.tenant, admission=Admission.ACCEPTED, created_at=NOW)
        station, _ = rules.boot(station, BootReport(vendor="V", model="M", firmware="1.0"), CTX)
        again = BootReport(vendor="V", model="M", firmware=firmware)
        assert rules.boot(station, again, CTX)[1].firmware_changed is changed


class TestStatus:
    def test_the_first_is_news(self) -> None:
        connector, fact = rules.status(None, reported(ConnectorState.AVAILABLE), CP1, CTX)
        assert connector.state is ConnectorState.AVAILABLE
        assert fact is not None
        assert (fact.before, fact.state) == (None, ConnectorState.AVAILABLE)

    @given(st.sampled_from(ConnectorState), st.sampled_from(ConnectorState))
    def test_only_a_change_is_news(self, one: ConnectorState, other: ConnectorState) -> None:
        later = reported(other, NOW + timedelta(seconds=1), info="chatter")
        connector, fact = rules.status(known(one), later, CP1, CTX)
        assert connector.state is other
        assert connector.info == "chatter"
        assert (fact is not None) is (one is not other)

    def test_another_error_is_news(self) -> None:
        before = known(ConnectorState.FAULTED)
        report = reported(ConnectorState.FAULTED, error="GroundFailure")
        assert rules.status(before, report, CP1, CTX)[1] is not None

    @given(st.integers(1, 10**6))
    def test_an_older_report_changes_nothing(self, seconds: int) -> None:
        before = known(ConnectorState.CHARGING)
        older = reported(ConnectorState.AVAILABLE, NOW - timedelta(seconds=seconds))
        assert rules.status(before, older, CP1, CTX) == (before, None)

    def test_a_clock_that_was_ahead_and_set_right_is_not_older(self) -> None:
        """What it says now is before what it said then, but after we heard that."""
        before = known(ConnectorState.CHARGING, NOW + timedelta(hours=5))
        later = Context(actor="test", tenant=CTX.tenant, now=NOW + timedelta(minutes=1))
        report = reported(ConnectorState.AVAILABLE, NOW + timedelta(minutes=1))
        assert rules.status(before, report, CP1, later)[0].state is ConnectorState.AVAILABLE

    @pytest.mark.parametrize(
        "at", [None, datetime(1970, 1, 1, tzinfo=UTC), datetime(2106, 2, 7, tzinfo=UTC)]
    )
    def test_a_moment_that_cannot_be_is_ours(self, at: datetime | None) -> None:
        connector, _ = rules.status(None, reported(ConnectorState.AVAILABLE, at), CP1, CTX)
        assert connector.state_at == NOW


@given(st.datetimes(timezones=st.just(UTC)))
def test_plausible(said: datetime) -> None:
    expected = timedelta(days=-400) <= said - NOW <= timedelta(days=1)
    assert rules.plausible(said, NOW) is expected


def test_who_may_transact() -> None:
    assert [a for a in Admission if rules.may_transact(a)] == [Admission.ACCEPTED]
