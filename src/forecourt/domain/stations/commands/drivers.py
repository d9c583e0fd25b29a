"""Commands about drivers: reservations, local lists, displays, what is known of customers."""

from typing import Annotated, Literal

from msgspec import Meta

from forecourt.domain.stations.commands.base import (
    Ask,
    DetailsPart,
    Moment,
    Number,
    Part,
    TokenType,
    TokenUid,
    Transaction,
    Whole,
)
from forecourt.domain.stations.commands.certificates import CertificateHash

Text = Annotated[str, Meta(min_length=1, max_length=1024)]
Language = Annotated[str, Meta(min_length=2, max_length=8)]


class Reserve(Ask, frozen=True, kw_only=True, tag="reserve"):
    """Keep an EVSE, or any of a kind, free for a token until a moment."""

    token: TokenUid
    expires_at: Moment
    token_type: TokenType = "Central"  # noqa: S105 (a kind of card)
    evse: Number | None = None
    """Nothing means any; 1.6 calls that connector 0."""
    connector_type: Annotated[str, Meta(min_length=1, max_length=20)] | None = None
    group: TokenUid | None = None
    reservation: Whole | None = None
    """Its number; one is made where none is given, and told in the answer."""


class CancelReservation(Ask, frozen=True, kw_only=True, tag="cancel_reservation"):
    """Give up a reservation."""

    reservation: Whole


class GetLocalListVersion(Ask, frozen=True, kw_only=True, tag="get_local_list_version"):
    """Ask which version of the local list a station has; -1: it has no room for one (1.6)."""


class LocalListVersion(DetailsPart, frozen=True, kw_only=True, tag="local_list_version"):
    """The version of a station's local list; 0: it is empty."""

    version: int


class ListEntry(Part, frozen=True, kw_only=True):
    """A token of a local list."""

    token: TokenUid
    token_type: TokenType = "ISO14443"  # noqa: S105 (a kind of card)
    standing: Literal["accepted", "blocked", "expired", "invalid", "remove"] = "accepted"
    """``remove``: take it off the list (differential)."""
    expires_at: Moment | None = None
    group: TokenUid | None = None


class SendLocalList(Ask, frozen=True, kw_only=True, tag="send_local_list"):
    """Give a station its local list, or what changed in it; in parts where it takes no more."""

    version: Annotated[int, Meta(ge=1, le=2**31 - 1)]
    mode: Literal["full", "differential"] = "full"
    entries: Annotated[tuple[ListEntry, ...], Meta(max_length=10_000)] = ()


class DisplayText(Part, frozen=True, kw_only=True):
    """A text in one language."""

    content: Text
    format: Literal["ASCII", "HTML", "URI", "UTF8", "QRCODE"] = "UTF8"
    language: Language | None = None


class SetDisplayMessage(Ask, frozen=True, kw_only=True, tag="set_display_message"):
    """Have a station show a message."""

    id: Whole
    message: DisplayText
    priority: Literal["always_front", "in_front", "normal_cycle"] = "normal_cycle"
    state: (
        Literal["charging", "faulted", "idle", "unavailable", "suspended", "discharging"] | None
    ) = None
    start_at: Moment | None = None
    end_at: Moment | None = None
    transaction: Transaction | None = None
    display: Annotated[str, Meta(min_length=1, max_length=50)] | None = None
    """The component that shows it, where a station has several."""
    translations: Annotated[tuple[DisplayText, ...], Meta(max_length=4)] = ()


class GetDisplayMessages(Ask, frozen=True, kw_only=True, tag="get_display_messages"):
    """Ask which messages a station has; it reports them in parts."""

    ids: Annotated[tuple[Whole, ...], Meta(max_length=100)] = ()
    priority: Literal["always_front", "in_front", "normal_cycle"] | None = None
    state: (
        Literal["charging", "faulted", "idle", "unavailable", "suspended", "discharging"] | None
    ) = None


class ClearDisplayMessage(Ask, frozen=True, kw_only=True, tag="clear_display_message"):
    """Have a station show a message no longer."""

    id: Whole


class CustomerInformation(Ask, frozen=True, kw_only=True, tag="customer_information"):
    """Have a station report what it knows of a customer, or forget it, or both (GDPR)."""

    report: bool = True
    clear: bool = False
    customer: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    token: TokenUid | None = None
    token_type: TokenType = "Central"  # noqa: S105 (a kind of card)
    certificate: CertificateHash | None = None
