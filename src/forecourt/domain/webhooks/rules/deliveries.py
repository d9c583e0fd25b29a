"""Pure decisions: how a delivery is signed, when it is tried again, when an endpoint is given up.

The wire is that of Standard Webhooks (github.com/standard-webhooks/standard-webhooks, spec).
"""

import base64
import binascii
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from hashlib import sha256
from typing import Final

import msgspec

from forecourt.domain.webhooks.model import (
    Attempt,
    Claimed,
    DisabledBy,
    Outcome,
    Sealable,
    SigningSecret,
    State,
)

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 (what every secret begins with)
SECRET_BYTES: Final = 32
MESSAGE_PREFIX: Final = "evt_"
# Whoever receives needs time to bring the new secret to all of its machines.
SECRET_OVERLAP: Final = timedelta(hours=24)
# Each is one more signature in every header; rotating twice within a day ends the oldest.
SECRETS_MAX: Final = 3

# The waits before the second attempt and so on: those of the specification, over a good day.
DELAYS_S: Final = (5, 300, 1_800, 7_200, 18_000, 36_000, 25_200)
# Up to so much longer, so that what failed together is not tried again together.
JITTER: Final = 0.2
# An endpoint that failed on a Friday evening is looked at on Monday.
GIVEN_UP_AFTER: Final = timedelta(days=3)
RETRY_AFTER_MAX: Final = timedelta(hours=24)

GONE: Final = 410
OK_FROM, OK_TO = 200, 300

HEADERS_MAX: Final = 10
HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
HEADER_VALUE: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,998}[\x21-\x7e])?")
# Ours to say, or the connection's.
HEADERS_OURS: Final = frozenset(
    {"host", "content-length", "content-type", "transfer-encoding", "connection", "user-agent"}
    | {"accept-encoding", "te", "trailer", "upgrade", "expect", "keep-alive", "cookie"}
)
TYPE: Final = re.compile(r"[a-z0-9_]{1,40}\.(?:[a-z0-9_]{1,60})?")


def message_id(seq: int) -> str:
    """The same for an event on every attempt, and to every endpoint."""
    return f"{MESSAGE_PREFIX}{seq}"


def seq_of(message: str) -> int | None:
    """The event's number, from a message's id; None for what is none."""
    found = re.fullmatch(rf"{MESSAGE_PREFIX}([0-9]{{1,18}})", message)
    return None if found is None else int(found[1])


def payload(kind: str, at: datetime, body: str) -> bytes:
    """What is sent: the event's type, when it happened, and the event itself."""
    said = {"type": kind, "timestamp": at.astimezone(UTC), "data": msgspec.Raw(body.encode())}
    return msgspec.json.encode(said)


def new_secret(chance: bytes) -> str:
    """A secret as its owner gets it."""
    assert len(chance) == SECRET_BYTES, "a secret has 32 bytes of chance"
    return SECRET_PREFIX + base64.b64encode(chance).decode()


def signature(secret: str, message: str, at: datetime, body: bytes) -> str:
    """One signature of the scheme ``v1``: HMAC-SHA256 over id, seconds and body."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = b"%b.%d.%b" % (message.encode(), int(at.timestamp()), body)
    return "v1," + base64.b64encode(hmac.digest(key, signed, sha256)).decode()


def headers(sealed: Sealable, message: str, now: datetime, body: bytes) -> dict[str, str]:
    """What is said beside the body: who signed it, with every secret that is still good."""
    good = [one.text for one in sealed.secrets if one.until is None or one.until > now]
    return {
        **sealed.headers,
        "content-type": "application/json",
        "webhook-id": message,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signature(text, message, now, body) for text in good),
    }


def verified(secret: str, given: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """Whether a delivery was signed with ``secret``, within five minutes of ``now``."""
    try:
        at = datetime.fromtimestamp(int(given["webhook-timestamp"]), UTC)
        wanted = signature(secret, given["webhook-id"], at, body)
        signed = given["webhook-signature"]
    except (KeyError, ValueError, OverflowError, OSError, binascii.Error):
        return False
    near = abs(now - at) <= timedelta(minutes=5)
    return near and any(hmac.compare_digest(one, wanted) for one in signed.split())


def rotated(sealed: Sealable, fresh: str, now: datetime) -> Sealable:
    """With a new secret in front; the one before it is good for a day."""
    until = now + SECRET_OVERLAP
    old = [
        msgspec.structs.replace(one, until=until if one.until is None else one.until)
        for one in sealed.secrets
        if one.until is None or one.until > now
    ]
    secrets = (SigningSecret(text=fresh), *old)[:SECRETS_MAX]
    return msgspec.structs.replace(sealed, secrets=secrets)


def fault_of_types(types: Sequence[str]) -> str | None:
    """Why these are no types to choose, or None."""
    for one in types:
        if TYPE.fullmatch(one) is None:
            return f"{one!r} is no event type, and no beginning of one (such as 'session.')"
    return None


def fault_of_headers(given: Mapping[str, str]) -> str | None:
    """Why these cannot be sent along, or None."""
    if len(given) > HEADERS_MAX:
        return f"at most {HEADERS_MAX} headers are sent along"
    for name, value in given.items():
        if HEADER_NAME.fullmatch(name) is None or HEADER_VALUE.fullmatch(value) is None:
            return f"{name!r} is no header that can be sent"
        if name.lower() in HEADERS_OURS or name.lower().startswith("webhook-"):
            return f"{name!r} is ours to send"
    return None


def judged(
    claimed: Claimed, attempt: Attempt, now: datetime, *, retry_after: str, luck: float
) -> Outcome:
    """What follows from an attempt. ``luck`` is from 0 up to 1."""
    if attempt.status is not None and OK_FROM <= attempt.status < OK_TO:
        return Outcome(claimed=claimed, attempt=attempt, state=State.DELIVERED, next_at=now)
    if attempt.status == GONE:
        return Outcome(
            claimed=claimed,
            attempt=attempt,
            state=State.FAILED,
            next_at=now,
            disable=DisabledBy.GONE,
        )
    failing = claimed.failing_since is not None and now - claimed.failing_since >= GIVEN_UP_AFTER
    again = claimed.round < len(DELAYS_S) and claimed.body is not None
    next_at = now
    if again:
        wait = timedelta(seconds=DELAYS_S[claimed.round] * (1 + JITTER * luck))
        next_at = now + max(wait, asked_to_wait(retry_after, now))
    return Outcome(
        claimed=claimed,
        attempt=attempt,
        state=State.WAITING if again else State.FAILED,
        next_at=next_at,
        disable=DisabledBy.FAILING if failing else None,
    )


def asked_to_wait(retry_after: str, now: datetime) -> timedelta:
    """How long a ``Retry-After`` (seconds or a date, RFC 9110) asks us to wait, a day at most."""
    text = retry_after.strip()
    if re.fullmatch(r"[0-9]{1,9}", text):
        asked = timedelta(seconds=int(text))
    else:
        try:
            moment = parsedate_to_datetime(text)
        except ValueError:
            return timedelta(0)
        asked = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now
    return min(max(asked, timedelta(0)), RETRY_AFTER_MAX)
