"""What a station shall be set to: which templates are for it, and which overrides which. Pure."""

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from itertools import zip_longest
from typing import Final

from msgspec.structs import replace

from forecourt.domain.devices.model import (
    Desired,
    Network,
    Place,
    Template,
    TemplateInvalid,
    Wanted,
    spelt,
)
from forecourt.domain.devices.rules.names import Standards
from forecourt.domain.devices.rules.values import fault
from forecourt.domain.stations import Station, Variable

_URL: Final = re.compile(r"wss?://[^\s@/]+(/\S*)?")


def checked(template: Template, standards: Standards) -> Template:
    """A template that stations can be held to, in the device model's names.

    Raises TemplateInvalid.
    """
    values = tuple(map(standards.canonical, template.values))
    places = [wanted.place for wanted in values]
    for wanted in values:
        if places.count(wanted.place) > 1:
            raise TemplateInvalid(f"{spelt(wanted)} is named twice")
        if standards.is_secret(wanted.component, wanted.variable, wanted.instance):
            raise TemplateInvalid(
                f"{spelt(wanted)} is a secret: a template keeps its values readable"
            )
        blank = Variable(
            component=wanted.component,
            variable=wanted.variable,
            variable_instance=wanted.instance,
            value=None,
        )
        why = fault(standards.characterised(blank), wanted.value)
        if why is not None:
            raise TemplateInvalid(f"{spelt(wanted)} does not take {wanted.value!r}: {why}")
    slots = [network.slot for network in template.networks]
    if len(slots) != len(set(slots)):
        raise TemplateInvalid("a network's slot is named twice")
    for network in template.networks:
        if not _URL.fullmatch(network.url):
            raise TemplateInvalid(
                f"slot {network.slot}: a network's address begins with ws:// or wss://, and holds"
                " no password"
            )
    if not (values or slots):
        raise TemplateInvalid("a template wants at least one thing")
    return replace(template, values=values)


def applies(template: Template, station: Station) -> bool:
    """Whether a template is for this station."""
    return (
        template.station in ("", station.id)
        and template.site in ("", station.site)
        and _like(station.vendor, template.vendor)
        and _like(station.model, template.model)
        and _within(station.firmware, template.firmware_from, template.firmware_to)
    )


def _like(text: str, pattern: str) -> bool:
    return not pattern or fnmatchcase(text.casefold(), pattern.casefold())


def _within(firmware: str, oldest: str, newest: str) -> bool:
    if not (oldest or newest):
        return True
    if not firmware:
        return False  # Nobody knows which it runs: not the one that somebody had in mind.
    return (not oldest or compared(firmware, oldest) >= 0) and (
        not newest or compared(firmware, newest) <= 0
    )


def compared(one: str, other: str) -> int:
    """Versions in their order: numbers by value, words by letters; -1, 0 or 1."""
    for mine, theirs in zip_longest(_parts(one), _parts(other)):
        if mine == theirs:
            continue
        # What ends first is older (1.2 < 1.2.1), unless a word follows: 1.2-rc1 comes before 1.2.
        if mine is None:
            return -1 if theirs[0] else 1
        if theirs is None:
            return 1 if mine[0] else -1
        return -1 if mine < theirs else 1
    return 0


def _parts(version: str) -> list[tuple[bool, int, str]]:
    """Numbers sort after words: 1.0 comes after 1.rc."""
    found = re.findall(r"[0-9]+|[a-z]+", version.casefold().removeprefix("v"))
    return [(True, int(part[:30]), "") if part.isdigit() else (False, 0, part) for part in found]


def desired(
    templates: Iterable[Template], station: Station, standards: Standards
) -> tuple[Desired, ...]:
    """What a station shall be set to: the more specific template overrides the more general."""
    found: dict[Place, Desired] = {}
    for template in sorted((t for t in templates if applies(t, station)), key=_precedence):
        for named in template.values:
            wanted = standards.canonical(named)
            found[wanted.place] = Desired(wanted=wanted, template=template.name, auto=template.auto)
        for network in template.networks:
            wanted = network_wanted(network)
            found[wanted.place] = Desired(
                wanted=wanted, template=template.name, auto=template.auto, network=network
            )
    # A slot is filled before the priority list names it.
    return tuple(sorted(found.values(), key=lambda wish: wish.network is None))


def network_wanted(network: Network) -> Wanted:
    """A network's slot as one value, so that it is planned, tried and shown as any other."""
    value = (
        f"{network.url} {network.protocol} profile {network.security_profile}"
        f" {network.interface} {network.message_timeout_s} s"
    )
    return Wanted(
        component="NetworkConfiguration",
        component_instance=str(network.slot),
        variable="Profile",
        value=value + (f" as {network.identity}" if network.identity else ""),
    )


def _precedence(template: Template) -> tuple[bool, bool, bool, int, str]:
    """Maker and model, then site, then station; within that by rank, then by name."""
    return (
        bool(template.station),
        bool(template.site),
        bool(template.vendor or template.model or template.firmware_from or template.firmware_to),
        template.rank,
        template.name,
    )


def model_of(station: Station) -> str:
    """What the device model of a station depends on."""
    return f"{station.vendor}/{station.model}/{station.firmware}"


def whole(parts: Sequence[tuple[int, bool]]) -> bool:
    """Whether these parts (number, last) make a complete report."""
    numbers = {number for number, _ in parts}
    lasts = {number for number, last in parts if last}
    return bool(lasts) and numbers >= set(range(max(lasts) + 1))
