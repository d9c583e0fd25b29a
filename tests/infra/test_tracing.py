"""What is sampled, what a traceparent says, and that spans do not pile up."""

import asyncio
import itertools
import sys
from collections.abc import Callable

import pytest

from forecourt.infra import otlp
from forecourt.infra.otlp import TraceOptions, TracingMissing, sent
from forecourt.infra.tracing import (
    WAITING_MAX,
    Place,
    Tracing,
    current,
    parent_of,
    within,
)
from tests.fixtures.otlp import a_collector, told

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def to(url: str) -> TraceOptions:
    return TraceOptions(endpoint=url, headers="x-key=a%20b, x-two=2", ratio=1, instance="here")


@pytest.mark.parametrize(("ratio", "least", "most"), [(1, 100_000, 100_000), (0.01, 700, 1_300)])
def test_a_share_of_all_is_sampled(ratio: float, least: int, most: int) -> None:
    tracing = Tracing(ratio)
    assert least <= sum(tracing.due() for _ in range(100_000)) <= most


@pytest.mark.parametrize(
    ("header", "sampled"),
    [
        (f"00-{TRACE}-{SPAN}-01", True),
        (f"00-{TRACE}-{SPAN}-00", False),
        (f"00-{TRACE}-{SPAN}-03", True),
        (f" 00-{TRACE}-{SPAN}-01 ", True),
        (f"cc-{TRACE}-{SPAN}-01-what-comes-later", True),
    ],
)
def test_a_caller_says_where_it_comes_from(header: str, *, sampled: bool) -> None:
    expected = Place(bytes.fromhex(TRACE), bytes.fromhex(SPAN), sampled)
    assert parent_of(header) == expected


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "nonsense",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"cc-{TRACE}-{SPAN}-01more",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{SPAN}",
    ],
)
def test_what_is_no_traceparent(header: str | None) -> None:
    assert parent_of(header) is None


def test_what_nobody_takes_away_is_dropped_and_counted() -> None:
    tracing = Tracing(1, now_ns=itertools.count(1).__next__)
    for _ in range(WAITING_MAX + 5):
        tracing.end(tracing.begin("x"))
    assert (len(tracing), tracing.stats.dropped) == (WAITING_MAX, 5)
    assert [span.start_ns for span in tracing.take(2)] == [1, 3]


async def test_a_task_knows_what_it_works_for() -> None:
    tracing = Tracing(1)
    span = tracing.begin("x")

    async def other() -> None:
        assert current() is span
        await asyncio.sleep(0)
        assert current() is span

    with within(span):
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(other())
    assert current() is None


async def test_without_a_collector_there_is_no_tracing() -> None:
    for options in (
        TraceOptions(endpoint="", ratio=1, instance="here"),
        TraceOptions(endpoint="http://localhost", ratio=0, instance="here"),
    ):
        async with sent(options) as tracing:
            assert tracing is None


async def test_without_its_package_it_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "forecourt.infra.otlp_spans", None)
    with pytest.raises(TracingMissing, match=r"forecourt\[otel\]"):
        async with sent(to("http://localhost")):
            raise AssertionError("it opened")


class TestCollector:
    async def test_spans_arrive_as_they_were(self) -> None:
        async with a_collector() as collector:
            async with sent(to(f"{collector.url}/")) as tracing:
                assert tracing is not None
                whole = tracing.begin("whole")
                whole.attributes.update({"text": "é", "number": -3, "yes": True})
                whole.error = "went wrong"
                part = tracing.part(whole, "part", 5, 7)
                part.links.append(Place(b"t" * 16, b"s" * 8))
                tracing.end(whole)
            # What waited when the house closed was sent, too.
            got = {span.name: span for span in collector.spans}
        assert told(got["whole"]) == {"text": "é", "number": -3, "yes": True}
        assert got["whole"].status.message == "went wrong"
        assert got["part"].parent_span_id == got["whole"].span_id == whole.place.span
        times = got["part"].start_time_unix_nano, got["part"].end_time_unix_nano
        assert times == (5, 7)
        assert got["part"].links[0].trace_id == b"t" * 16
        assert (tracing.stats.sent, tracing.stats.dropped) == (2, 0)
        (asked,) = collector.web.asked
        assert (asked.path, asked.headers["x-key"], asked.headers["x-two"]) == (
            "/v1/traces",
            "a b",
            "2",
        )

    async def test_one_that_is_busy_is_asked_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(otlp, "EVERY_S", 0.01)
        monkeypatch.setattr(otlp, "RETRIES_AFTER_S", (0.01, 0.01, 0.01))
        async with a_collector() as collector:
            collector.status = 503
            async with sent(to(collector.url)) as tracing:
                assert tracing is not None
                tracing.end(tracing.begin("first"))
                await reached(lambda: tracing.stats.dropped == 1)
                assert len(collector.web.asked) == 4
                tracing.end(tracing.begin("second"))
                await reached(lambda: len(collector.web.asked) == 5)
                collector.status = 200
                await reached(lambda: tracing.stats.sent == 1)
            assert [span.name for span in collector.spans] == ["second"]

    async def test_what_is_refused_is_not_sent_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(otlp, "EVERY_S", 0.01)
        async with a_collector() as collector:
            collector.status = 400
            async with sent(to(collector.url)) as tracing:
                assert tracing is not None
                tracing.end(tracing.begin("x"))
                await reached(lambda: tracing.stats.dropped == 1)
            assert len(collector.web.asked) == 1

    async def test_text_that_cannot_be_written_costs_only_its_batch(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(otlp, "EVERY_S", 0.01)
        async with a_collector() as collector, sent(to(collector.url)) as tracing:
            assert tracing is not None
            tracing.end(tracing.begin("\ud800"))
            await reached(lambda: tracing.stats.dropped == 1)
            tracing.end(tracing.begin("x"))
            await reached(lambda: tracing.stats.sent == 1)

    async def test_one_that_is_silent_does_not_hold_the_house_up(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(otlp, "EVERY_S", 0.01)
        monkeypatch.setattr(otlp, "LAST_S", 0.1)
        async with a_collector() as collector:
            collector.web.silent = True
            async with asyncio.timeout(10), sent(to(collector.url)) as tracing:
                assert tracing is not None
                tracing.end(tracing.begin("held"))
                await reached(lambda: collector.web.asked)
                for _ in range(300):
                    tracing.end(tracing.begin("waiting"))
            assert (tracing.stats.dropped, len(tracing)) == (301, 0)


async def reached(true: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 (the collector's task knows nothing of its visitors)
            await asyncio.sleep(0.005)
