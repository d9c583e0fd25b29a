"""What is signed, tried again and given up; and what there is to hear of."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # it ships no types
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from forecourt.base.ids import TenantId
from forecourt.domain import rooms
from forecourt.domain.webhooks import DisabledBy, EndpointId, State
from forecourt.domain.webhooks.model import Attempt, Claimed, Outcome, Sealable, SigningSecret
from forecourt.domain.webhooks.rules import (
    DELAYS_S,
    event_types,
    fault_of_headers,
    fault_of_types,
    headers,
    judged,
    new_secret,
    payload,
    rotated,
    signature,
    verified,
)
from forecourt.domain.webhooks.rules.deliveries import asked_to_wait

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECRET = new_secret(bytes(range(32)))
ALL_ROOMS = rooms  # Imported, so that every event is known.


def claimed(**given: Any) -> Claimed:
    known: dict[str, Any] = {
        "endpoint": EndpointId("whk_1"),
        "tenant": TenantId("acme"),
        "seq": 7,
        "type": "session.ended",
        "at": NOW,
        "body": "{}",
        "url": "https://x",
        "sealed": b"",
        "attempt": 1,
        "round": 0,
        "failing_since": None,
    }
    return Claimed(**known | given)


def answered(status: int | None, number: int = 1) -> Attempt:
    return Attempt(number=number, at=NOW, latency_ms=5, status=status, error="", answer="")


def judge(status: int | None, *, retry_after: str = "", luck: float = 0.0, **given: Any) -> Outcome:
    return judged(claimed(**given), answered(status), NOW, retry_after=retry_after, luck=luck)


# ---- signatures ---------------------------------------------------------------------------------


def test_the_specification_s_own_example() -> None:
    # From the tests of its reference libraries.
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    at = datetime.fromtimestamp(1614265330, UTC)
    assert (
        signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}')
        == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


@given(some.text(max_size=50), some.binary(min_size=32, max_size=32))
def test_a_library_of_others_takes_what_we_sign(text: str, chance: bytes) -> None:
    secret = new_secret(chance)
    now = datetime.now(UTC)  # noqa: TID251 (the library asks the machine, too)
    body = payload("session.ended", NOW, json.dumps({"text": text}))
    sealed = Sealable(secrets=(SigningSecret(text=secret),), headers={})
    told = headers(sealed, "evt_7", now, body)
    assert Webhook(secret).verify(body.decode(), told) == json.loads(body)
    assert verified(secret, told, body, now)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body.decode() + " ", told)
    assert not verified(secret, told, body + b" ", now)


def test_after_a_rotation_both_secrets_sign_for_a_day() -> None:
    now = datetime.now(UTC)  # noqa: TID251 (as above)
    sealed = Sealable(secrets=(SigningSecret(text=SECRET),), headers={"X-A": "b"})
    fresh = new_secret(bytes(32))
    both = rotated(sealed, fresh, now)
    told = headers(both, "evt_1", now, b"{}")
    assert told["X-A"] == "b"
    assert len(told["webhook-signature"].split()) == 2
    for secret in (SECRET, fresh):
        Webhook(secret).verify("{}", told)
    later = headers(both, "evt_1", now + timedelta(hours=24, seconds=1), b"{}")
    assert len(later["webhook-signature"].split()) == 1
    # Rotated once more, the oldest keeps the end that it had; a fourth would push it out.
    third = rotated(both, new_secret(bytes(range(1, 33))), now + timedelta(hours=1))
    assert [one.until for one in third.secrets] == [
        None,
        now + timedelta(hours=25),
        now + timedelta(hours=24),
    ]
    assert len(rotated(third, SECRET, now + timedelta(hours=2)).secrets) == 3


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-timestamp": "1"},
        {"webhook-timestamp": "now"},
        {"webhook-timestamp": "9" * 30},
        {"webhook-id": "evt_8"},
        {"webhook-signature": ""},
        {"webhook-signature": "v1,xxx v2,yyy"},
    ],
)
def test_what_does_not_verify(change: dict[str, str]) -> None:
    sealed = Sealable(secrets=(SigningSecret(text=SECRET),), headers={})
    told = headers(sealed, "evt_7", NOW, b"{}")
    assert verified(SECRET, told, b"{}", NOW)
    assert not verified(SECRET, told | change, b"{}", NOW)
    assert not verified(SECRET, {}, b"{}", NOW)
    assert not verified("whsec_???", told, b"{}", NOW)
    assert not verified(SECRET, told, b"{}", NOW + timedelta(minutes=6))


# ---- what follows from an attempt ---------------------------------------------------------------


def test_the_schedule_spans_a_day() -> None:
    waits = [(judge(500, round=n).next_at - NOW).total_seconds() for n in range(len(DELAYS_S))]
    assert waits == [5, 300, 1_800, 7_200, 18_000, 36_000, 25_200]
    assert timedelta(hours=24) < timedelta(seconds=sum(waits)) < timedelta(hours=25)
    last = judge(500, round=len(DELAYS_S))
    assert (last.state, last.disable) == (State.FAILED, None)


@given(some.floats(0, 1, exclude_max=True), some.integers(0, len(DELAYS_S) - 1))
def test_luck_spreads_attempts_and_hurries_none(luck: float, n: int) -> None:
    wait_s = (judge(None, round=n, luck=luck).next_at - NOW).total_seconds()
    assert DELAYS_S[n] <= wait_s <= DELAYS_S[n] * 1.2


@pytest.mark.parametrize(
    ("status", "state", "disable"),
    [
        (200, State.DELIVERED, None),
        (204, State.DELIVERED, None),
        (299, State.DELIVERED, None),
        (301, State.WAITING, None),
        (404, State.WAITING, None),
        (410, State.FAILED, DisabledBy.GONE),
        (429, State.WAITING, None),
        (500, State.WAITING, None),
        (None, State.WAITING, None),
    ],
)
def test_what_an_answer_means(status: int | None, state: State, disable: DisabledBy | None) -> None:
    outcome = judge(status)
    assert (outcome.state, outcome.disable) == (state, disable)


def test_three_days_of_failures_are_enough() -> None:
    since = NOW - timedelta(days=3)
    assert judge(500, failing_since=since).disable == DisabledBy.FAILING
    assert judge(500, failing_since=since + timedelta(minutes=1)).disable is None
    assert judge(200, failing_since=since).disable is None


def test_an_event_that_is_not_kept_any_more_is_not_tried_again() -> None:
    assert judge(None, body=None).state == State.FAILED


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("", 0),
        ("120", 120),
        (" 7 ", 7),
        ("-5", 0),
        ("1e9", 0),
        ("999999999", 86_400),
        ("9" * 50, 0),
        ("Sun, 01 Mar 2026 12:10:00 GMT", 600),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0),
        ("soon", 0),
        ("Fri, 99 Zzz 2026 99:99:99 GMT", 0),
    ],
)
def test_retry_after(said: str, seconds: int) -> None:
    assert asked_to_wait(said, NOW) == timedelta(seconds=seconds)
    assert judge(503, retry_after=said).next_at == NOW + timedelta(seconds=max(5, seconds))


@given(some.text(max_size=40))
def test_retry_after_is_anything(said: str) -> None:
    assert timedelta(0) <= asked_to_wait(said, NOW) <= timedelta(hours=24)


# ---- what may be chosen -------------------------------------------------------------------------


def test_types_and_beginnings() -> None:
    assert fault_of_types(["session.ended", "station.", "webhook.ping"]) is None
    for wrong in ("", "session", "*", "session.*", "Session.ended", "a.b.c", "x.y\n", "'.'"):
        assert fault_of_types([wrong])


def test_headers_that_may_be_sent_along() -> None:
    assert fault_of_headers({"Authorization": "Bearer x y", "X-Tenant": "7"}) is None
    for name, value in (
        ("Host", "x"),
        ("Webhook-Id", "x"),
        ("Content-Length", "5"),
        ("X A", "x"),
        ("", "x"),
        ("X", ""),
        ("X", "a\r\nHost: b"),
        ("X", "ä"),
        ("X", "a" * 2_000),
    ):
        assert fault_of_headers({name: value}), (name, value)
    assert fault_of_headers({f"X-{n}": "v" for n in range(11)})


def test_every_event_is_in_the_catalogue_with_an_example_that_fits() -> None:
    found = {one.type: one for one in event_types()}
    assert {"session.ended", "station.connected", "webhook.disabled", "webhook.ping"} <= set(found)
    assert len(found) > 50
    for one in found.values():
        assert fault_of_types([one.type]) is None
        assert one.description
        assert one.example["type"] == one.type
        jsonschema.validate(one.example["data"], dict(one.schema))
        assert msgspec.json.decode(msgspec.json.encode(one.example)) == one.example
