"""A command as it is kept: everything that was asked, and no secret.

What a station shall use as a password passes through here and is never stored.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, TypedDict

import msgspec
from msgspec import Struct

from forecourt.domain.stations.commands.answers import Outcome
from forecourt.domain.stations.commands.base import Ask

HIDDEN: Final = "***"
SECRET_VARIABLES: Final = frozenset({"authorizationkey", "basicauthpassword"})
"""1.6's key and 2.x's variable for the password of HTTP Basic; names have no case."""
_SECRET_FIELDS: Final = frozenset(
    {"password", "apn_password", "sim_pin", "basicAuthPassword", "apnPassword", "simPin"}
)
_TUNNEL: Final = "vpn"
_USERINFO: Final = re.compile(r"(?<=://)[^/@\s]+@")


GIVEN_SORTS: Final = ("id",)
"""What commands that were given may be sorted by: their ids are in the order of time."""


class GivenCommand(Struct, frozen=True, kw_only=True):
    """A command that was given to a station, and what came of it, as it is kept."""

    id: str
    actor: str
    command: Any
    asked_at: datetime
    outcome: Outcome | None
    """None: it is still in hand, or the platform stopped before its answer."""
    answer: Any
    answered_at: datetime | None


class GivenFields(TypedDict, total=False):
    """What they can be chosen by; None is any."""

    outcome: Outcome | None
    since: datetime | None
    """Asked then or later."""
    until: datetime | None
    """Asked before then."""


def without_secrets(told: Any) -> Any:
    """Plain values, as a command or an answer has them, with secrets hidden."""
    return _open(told)


def recorded(command: Ask) -> Any:
    """The command as plain values, its secrets hidden."""
    return _open(msgspec.to_builtins(command))


def holds_secret(command: Ask) -> bool:
    """Whether something of the command must not be kept."""
    return bool(recorded(command) != msgspec.to_builtins(command))


def is_secret(variable: str) -> bool:
    """Whether a variable's value is nobody's to read."""
    return variable.strip().casefold() in SECRET_VARIABLES


def _open(value: Any, name: str = "") -> Any:
    match value:
        case dict():
            return {
                key: HIDDEN if item is not None and _hides(value, key, name) else _open(item, key)
                for key, item in value.items()
            }
        case list() | tuple():
            return type(value)(_open(item, name) for item in value)
        case str():
            return _USERINFO.sub(f"{HIDDEN}@", value)
        case _:
            return value


def _hides(parent: Mapping[str, Any], key: str, name: str) -> bool:
    """Whether a field holds a secret, by its own name or by that of the variable beside it."""
    if key in _SECRET_FIELDS or (name == _TUNNEL and key == "key"):
        return True
    if key not in {"value", "attributeValue"}:
        return False
    named = parent.get("variable", parent.get("key", ""))
    return is_secret(str(named.get("name", "") if isinstance(named, dict) else named))
