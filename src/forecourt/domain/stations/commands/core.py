"""Commands that every station knows: start, stop, reset, unlock, trigger and their like."""

from typing import Annotated, Literal

from msgspec import Meta

from forecourt.domain.stations.commands.base import (
    Ask,
    DetailsPart,
    Number,
    TokenType,
    TokenUid,
    Transaction,
)
from forecourt.domain.stations.commands.charging import ChargingProfile


class Start(Ask, frozen=True, kw_only=True, tag="start"):
    """Start a session for a token, on one EVSE or where the driver plugs in."""

    token: TokenUid
    token_type: TokenType = "Central"  # noqa: S105 (a kind of card)
    evse: Number | None = None
    group: TokenUid | None = None
    """Whoever has a token of this group may stop it as well."""
    profile: ChargingProfile | None = None
    """How the session shall charge."""


class Stop(Ask, frozen=True, kw_only=True, tag="stop"):
    """Stop a running transaction, named as the station knows it."""

    transaction: Transaction


class Reset(Ask, frozen=True, kw_only=True, tag="reset"):
    """Reboot: ``soft`` ends sessions in good order (2.x: waits for them), ``hard`` at once.

    ``resume`` reboots at once and goes on with the sessions (2.1).
    """

    mode: Literal["soft", "hard", "resume"] = "soft"
    evse: Number | None = None


class Unlock(Ask, frozen=True, kw_only=True, tag="unlock"):
    """Let go of a cable."""

    evse: Annotated[int, Meta(ge=1, le=10_000)]
    connector: Annotated[int, Meta(ge=1, le=100)] = 1


class Availability(Ask, frozen=True, kw_only=True, tag="availability"):
    """Take a station, an EVSE or a connector out of service, or back into it."""

    operative: bool
    evse: Number = 0
    connector: Number | None = None


class Trigger(Ask, frozen=True, kw_only=True, tag="trigger"):
    """Ask for a message now."""

    message: Literal[
        "boot",
        "heartbeat",
        "status",
        "meter_values",
        "firmware",
        "signed_firmware",
        "publish_firmware",
        "log",
        "diagnostics",
        "transaction",
        "sign_certificate",
        "sign_v2g_certificate",
        "sign_v2g20_certificate",
        "sign_combined_certificate",
        "custom",
    ]
    evse: Number | None = None
    connector: Number | None = None
    custom: Annotated[str, Meta(min_length=1, max_length=50)] | None = None
    """Which of the station's own triggers, for ``custom`` (2.1)."""


class DataTransfer(Ask, frozen=True, kw_only=True, tag="data_transfer"):
    """Send something that only this vendor understands."""

    vendor: Annotated[str, Meta(min_length=1, max_length=255)]
    message: Annotated[str, Meta(max_length=50)] | None = None
    data: Annotated[str, Meta(max_length=65_536)] | None = None


class GetTransactionStatus(Ask, frozen=True, kw_only=True, tag="get_transaction_status"):
    """Ask whether a session goes on, and whether messages of it, or of any, still wait."""

    transaction: Transaction | None = None


class TransactionStatus(DetailsPart, frozen=True, kw_only=True, tag="transaction_status"):
    """Whether a session goes on, and whether messages still wait to be sent."""

    messages_queued: bool
    ongoing: bool | None = None


class Started(DetailsPart, frozen=True, kw_only=True, tag="started"):
    """The transaction that a start belongs to, where the station knows it already."""

    transaction: str


class ClearCache(Ask, frozen=True, kw_only=True, tag="clear_cache"):
    """Forget what was learnt of tokens."""
