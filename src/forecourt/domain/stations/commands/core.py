"""Commands that every station knows: start, stop, reset, unlock, trigger and their like."""

from typing import Annotated, Literal

from msgspec import Meta

from forecourt.domain.stations.commands.base import Ask, Number, TokenType, TokenUid, Transaction


class Start(Ask, frozen=True, kw_only=True, tag="start"):
    """Start a session for a token, on one EVSE or where the driver plugs in."""

    token: TokenUid
    token_type: TokenType = "Central"  # noqa: S105 (a kind of card)
    evse: Number | None = None


class Stop(Ask, frozen=True, kw_only=True, tag="stop"):
    """Stop a running transaction, named as the station knows it."""

    transaction: Transaction


class Reset(Ask, frozen=True, kw_only=True, tag="reset"):
    """Reboot: ``soft`` ends sessions in good order (2.x: waits for them), ``hard`` at once."""

    mode: Literal["soft", "hard"] = "soft"
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
        "boot", "heartbeat", "status", "meter_values", "firmware", "log", "transaction"
    ]
    evse: Number | None = None
    connector: Number | None = None


class DataTransfer(Ask, frozen=True, kw_only=True, tag="data_transfer"):
    """Send something that only this vendor understands."""

    vendor: Annotated[str, Meta(min_length=1, max_length=255)]
    message: Annotated[str, Meta(max_length=50)] | None = None
    data: Annotated[str, Meta(max_length=65_536)] | None = None


class ClearCache(Ask, frozen=True, kw_only=True, tag="clear_cache"):
    """Forget what was learnt of tokens."""
