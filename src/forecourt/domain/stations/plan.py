"""How a station gets to a higher security profile, step by step: pure, with a reason for each step.

The commands are in the device model's names. A station that has no network profiles is told its
profile itself; which kind it is, its own answer says.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from forecourt.domain.stations.commands import (
    Answer,
    Ask,
    InstallCertificate,
    Interface,
    Protocol,
    Reset,
    SetNetworkProfile,
    SetVariables,
    Trigger,
    VariableValue,
)
from forecourt.domain.stations.model import (
    CERTIFICATE_PROFILE,
    ENCRYPTED_FROM,
    PASSWORD_PROFILES,
    Door,
    SecurityDowngrade,
    Station,
)

COMMS: Final = "OCPPCommCtrlr"
PRIORITY: Final = "NetworkConfigurationPriority"
ACTIVE: Final = "ActiveNetworkProfile"
ASKED_FOR: Final = frozenset({PRIORITY, ACTIVE})
SECURITY: Final = "SecurityCtrlr"
PROFILE: Final = "SecurityProfile"
PASSWORD: Final = "BasicAuthPassword"  # noqa: S105 (a variable's name)
SLOTS_TRIED: Final = range(1, 10)
ROOT: Final = "root"
CERTIFICATE: Final = "certificate"


class Way(Struct, frozen=True, kw_only=True):
    """How a station shall reach us."""

    url: str
    """Without the identity, which the station adds."""
    slot: int | None = None
    """Which of its network profiles to use; None: one that is not in use."""
    interface: Interface = "Wired0"
    protocol: Protocol | None = None
    """None: the one that it speaks now."""
    root: str = ""
    """Who signed our certificate there, PEM; without it our own authority, where that signed it."""


class Trust(Struct, frozen=True, kw_only=True):
    """What a station has already, and what it can be given, so that both sides are believed."""

    root: str = ""
    """Who signed our certificate (PEM); empty where that is not ours to know."""
    holds_root: bool = False
    signs: bool = False
    """Certificates of stations are signed here."""
    holds_certificate: bool = False
    """It took one that we signed, and that is good."""


class Step(Struct, frozen=True, kw_only=True):
    """One step of a plan, and why."""

    name: str
    because: str
    command: Ask | None = None
    """What is asked of the station; nothing where it is for others to see to."""
    needs_secret: bool = False
    """The command is made when it is put: it holds a password."""
    answer: Answer | None = None


class Upgrade(Struct, frozen=True, kw_only=True):
    """How a station gets to a security profile, and how far it got."""

    profile: int
    before: int
    steps: tuple[Step, ...]


def password(secret: str) -> SetVariables:
    """Give a station its password."""
    return SetVariables(
        variables=(VariableValue(component=SECURITY, variable=PASSWORD, value=secret),)
    )


def upgrade(
    station: Station,
    door: Door,
    known: Mapping[tuple[str, str, str], str],
    profile: int,
    way: Way,
    *,
    slots: Sequence[int] = (),
    trust: Trust | None = None,
) -> Upgrade:
    """What brings this station to ``profile``. Raises SecurityDowngrade.

    ``known`` is what it told of its network profiles; ``slots`` are those that it can have. Without
    ``trust`` certificates are for others to see to.
    """
    if profile < door.security_profile:
        raise SecurityDowngrade(
            f"station {station.id} is held to security profile {door.security_profile} already",
            station=station.id,
        )
    if station.profile_used >= profile and station.connected:
        step = Step(
            name="hold",
            because=f"it comes in by profile {station.profile_used} already: that is its least now",
        )
        return Upgrade(profile=profile, before=door.security_profile, steps=(step,))
    return Upgrade(
        profile=profile,
        before=door.security_profile,
        steps=(
            *_prerequisites(door, profile, trust or Trust()),
            *_network(known, profile, way, slots),
            Step(
                name="profile",
                because="a station without network profiles is told its profile itself, and comes"
                " back by it",
                command=_told(profile),
            ),
            Step(
                name="reset",
                because="it takes the new way when it starts again; sessions end in good order",
                command=Reset(mode="soft"),
            ),
            Step(
                name="return",
                because=f"when it comes in by profile {profile}, that is its least, and lower ones"
                " are refused; if it cannot, it falls back to how it came in before",
            ),
        ),
    )


def _prerequisites(door: Door, profile: int, trust: Trust) -> Sequence[Step]:
    steps = []
    if profile in PASSWORD_PROFILES and door.password is None and door.password_next is None:
        steps.append(
            Step(
                name="password",
                because=f"profile {profile} needs a password, and it has none",
                needs_secret=True,
            )
        )
    if profile >= ENCRYPTED_FROM:
        steps.append(_root(trust))
    if profile >= CERTIFICATE_PROFILE:
        steps.append(_certificate(trust))
    return steps


def _root(trust: Trust) -> Step:
    """Without one it is to say no: 1.6 security A05.FR.03, 2.0.1 A05.FR.02 (TC_A_20_CS)."""
    if trust.holds_root:
        return Step(name=ROOT, because="it trusts who signed our certificate already")
    if not trust.root:
        return Step(
            name=ROOT,
            because="it must trust who signed our certificate, or it says no to what follows; that"
            " is not our own authority, so name it here, or give it that root by a command",
        )
    return Step(
        name=ROOT,
        because="it must trust who signed our certificate, or it says no to what follows",
        command=InstallCertificate(use="csms_root", certificate=trust.root),
    )


def _certificate(trust: Trust) -> Step:
    """Without one it is to say no: 1.6 security A05.FR.04, 2.0.1 A05.FR.03."""
    if trust.holds_certificate:
        return Step(name=CERTIFICATE, because="it has a good certificate of ours already")
    if not trust.signs:
        return Step(
            name=CERTIFICATE,
            because="it must have a certificate of its own by now, or it says no to what follows",
        )
    return Step(
        name=CERTIFICATE,
        because="it must have a certificate of its own, or it says no to what follows: it is told"
        " to ask for one, which is signed and handed over before anything else is done",
        command=Trigger(message="sign_certificate"),
    )


def _network(
    known: Mapping[tuple[str, str, str], str],
    profile: int,
    way: Way,
    slots: Sequence[int],
) -> Sequence[Step]:
    priorities = _numbers(known.get((COMMS, PRIORITY, ""), ""))
    active = _numbers(known.get((COMMS, ACTIVE, ""), ""))
    used = active[:1] or priorities[:1]
    slot = way.slot
    if slot is None:
        free = [n for n in slots or SLOTS_TRIED if n not in used]
        slot = next((n for n in free if n not in priorities), free[0] if free else 1)
    kept = [n for n in (*used, *priorities) if n != slot]
    order = list(dict.fromkeys([slot, *kept]))
    return (
        Step(
            name="network_profile",
            because=f"slot {slot} holds no way that is in use: the new one is put there",
            command=SetNetworkProfile(
                slot=slot,
                url=way.url,
                protocol=way.protocol or "ocpp2.0.1",
                interface=way.interface,
                security_profile=profile,
            ),
        ),
        Step(
            name="priority",
            because="it tries the new way first, and the one that works now after it"
            if kept
            else "it tries the new way first",
            command=SetVariables(
                variables=(
                    VariableValue(
                        component=COMMS, variable=PRIORITY, value=",".join(map(str, order))
                    ),
                )
            ),
        ),
    )


def _told(profile: int) -> SetVariables:
    return SetVariables(
        variables=(VariableValue(component=SECURITY, variable=PROFILE, value=str(profile)),)
    )


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.replace(" ", "").split(",") if part.isdecimal()]
