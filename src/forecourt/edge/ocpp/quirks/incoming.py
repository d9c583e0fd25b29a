"""What a profile mends in a station's messages, as one ``Lenient``. Knows no connection."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from msgspec.structs import replace

from forecourt.domain.catalogue import QuirkProfile
from forecourt.protocol.ocpp import v16, v21, v201
from forecourt.protocol.ocpp.lenient import ALL_FIXES, Fix, Lenient, Rewrite
from forecourt.protocol.ocpp.values import Message

# 1.6 promises 32 bits (part 4, 3.1 of the JSON specification); we give no number beyond.
NUMBER_MAX: Final = 2**31 - 1
NO_ERROR: Final = "NoError"

# Keys that are a fault of form, and which of the parser's fixes each one is.
FIXES: Final[Mapping[str, frozenset[Fix]]] = {
    "repair_json": frozenset({Fix.BROKEN_JSON, Fix.NULL_FIELD}),
    "tolerate_empty_sampled_values": frozenset({Fix.EMPTY_LIST}),
    "tolerate_int64_txid": frozenset({Fix.HUGE_NUMBER}),
}

Maker = Callable[[QuirkProfile], Mapping[type[Message], Rewrite]]


def lenient_of(profile: QuirkProfile | None, *, all_fixes: bool) -> Lenient | None:
    """What is forgiven a station of this profile; None where nothing is."""
    if profile is None:
        return _ALL if all_fixes else None
    return _lenient_of(profile, all_fixes)


@lru_cache(maxsize=1024)
def _lenient_of(profile: QuirkProfile, all_fixes: bool) -> Lenient | None:  # noqa: FBT001 (a key of the cache)
    fixes = ALL_FIXES if all_fixes else frozenset(Fix(fix.value) for fix in profile.fixes)
    for key, mended in FIXES.items():
        if getattr(profile, key):
            fixes |= mended
    rewrites: dict[type[Message], tuple[tuple[str, Rewrite], ...]] = {}
    for key, maker in REWRITES.items():
        if getattr(profile, key):
            for kind, made in maker(profile).items():
                rewrites[kind] = (*rewrites.get(kind, ()), (key, made))
    return Lenient(fixes, rewrites) if fixes or rewrites else None


def _txid(_profile: QuirkProfile) -> Mapping[type[Message], Rewrite]:
    """A transaction that nobody numbered is none."""

    def in_meter_values(msg: v16.MeterValues) -> Message:
        number = msg.transaction_id
        if number is None or -NUMBER_MAX <= number <= NUMBER_MAX:
            return msg
        return replace(msg, transaction_id=None)

    return {v16.MeterValues: in_meter_values}


def _vendor_error(profile: QuirkProfile) -> Mapping[type[Message], Rewrite]:
    """A vendor's code beside "no error" that means none."""

    def in_status(msg: v16.StatusNotification) -> Message:
        if msg.error_code == NO_ERROR and msg.vendor_error_code in profile.ignore_vendor_error:
            return replace(msg, vendor_error_code=None)
        return msg

    return {v16.StatusNotification: in_status}


def _id_tag(profile: QuirkProfile) -> Mapping[type[Message], Rewrite]:
    """A card's number, without what the station appends to it (field quirk 24)."""

    def cut(text: str) -> str:
        return text.partition(profile.id_tag_cut)[0] or text

    def in_16(msg: Any) -> Message:
        tag = msg.id_tag
        kept: Message = msg if tag is None or cut(tag) == tag else replace(msg, id_tag=cut(tag))
        return kept

    def in_2x(msg: Any) -> Message:
        token = msg.id_token
        kept: Message = msg
        if token is not None and cut(token.id_token) != token.id_token:
            kept = replace(msg, id_token=replace(token, id_token=cut(token.id_token)))
        return kept

    first = (v16.Authorize, v16.StartTransaction, v16.StopTransaction)
    second = (v201.Authorize, v201.TransactionEvent, v21.Authorize, v21.TransactionEvent)
    return {**dict.fromkeys(first, in_16), **dict.fromkeys(second, in_2x)}


REWRITES: Final[Mapping[str, Maker]] = {
    "tolerate_int64_txid": _txid,
    "ignore_vendor_error": _vendor_error,
    "id_tag_cut": _id_tag,
}
_ALL: Final = Lenient()
