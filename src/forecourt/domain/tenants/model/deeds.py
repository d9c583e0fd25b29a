"""What was done by whom, and requests that come twice."""

from datetime import datetime
from enum import StrEnum
from typing import Final, TypedDict

from msgspec import Struct


class Deed(Struct, frozen=True, kw_only=True):
    """Something that somebody did, to be remembered."""

    action: str
    subject: str
    before: str = ""
    after: str = ""
    """JSON, without secrets; empty where there was or is nothing."""
    address: str = ""


DEED_SORTS: Final = ("seq",)
"""What deeds may be sorted by."""


class DeedFields(TypedDict, total=False):
    """What deeds can be chosen by; None is any."""

    actor: str | None
    action: str | None
    subject: str | None
    since: datetime | None
    until: datetime | None


class AuditEntry(Struct, frozen=True, kw_only=True):
    """A deed in the trail. Its hash covers the one before, so that none can be taken out unseen."""

    seq: int
    at: datetime
    actor: str
    action: str
    subject: str
    before: str
    after: str
    address: str
    trace: str
    hash: bytes


class KeptAnswer(Struct, frozen=True, array_like=True):
    """What was answered to a request that may come again."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


class Standing(StrEnum):
    """How a request's key stands that has no answer to give again."""

    FRESH = "fresh"
    """Nobody used it: go ahead."""
    RUNNING = "running"
    OTHER = "other"
    """It was used for another request."""
    LOST = "lost"
    """The request began, and nobody knows what came of it."""
