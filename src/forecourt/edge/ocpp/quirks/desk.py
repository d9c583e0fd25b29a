"""The gateway's desk for quirks: who is handled how, and how often that was needed.

Uses are counted in memory and told to the database now and then: never a row for a message.
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any, Final

from msgspec.structs import replace

from forecourt.base.ids import StationId
from forecourt.domain.catalogue import AUTO, STRICT, Catalogue, QuirkProfile
from forecourt.domain.stations import Door, QuirkUse, Station
from forecourt.edge.ocpp.quirks.handling import Handling
from forecourt.edge.ocpp.quirks.incoming import lenient_of
from forecourt.protocol.ocpp import v16, v21, v201
from forecourt.protocol.ocpp.dialect import Dialect
from forecourt.protocol.ocpp.events import Received
from forecourt.protocol.ocpp.lenient import Lenient
from forecourt.protocol.ocpp.rpc import Connection

# Whoever boots under ever new names makes us look each of them up; remember no more than this.
KNOWN_MAX: Final = 10_000
# Uses that are not in the database yet; a fleet has a few for each of its odd stations.
USES_MAX: Final = 100_000


class QuirkDesk:
    """All stations of one gateway."""

    def __init__(self, catalogue: Catalogue, *, speaks: Collection[str]) -> None:
        """``speaks``: the sub-protocols that we have."""
        self._catalogue = catalogue
        self._speaks = speaks
        self._known: dict[tuple[str, str, str, str], QuirkProfile | None] = {}
        self._uses: dict[tuple[StationId, str], QuirkUse] = {}
        self.totals: Counter[str] = Counter()
        """Since the start, by what was done: for the metrics, so it names no station."""

    def handling(self, door: Door, now: Callable[[], datetime]) -> Handling | None:
        """How a station is handled that is known as ``door`` says; None: as the book says."""
        profile = self.profile_of(door)
        lenient = lenient_of(profile, all_fixes=door.lenient and door.quirks != STRICT)
        if profile is None and lenient is None:
            return None
        return Handling(profile, lenient, used=lambda names: self.used(door, names, now()))

    def profile_of(self, door: Door) -> QuirkProfile | None:
        """The profile that a station's choice, or what it is, leads to."""
        key = (door.quirks, door.vendor, door.model, door.firmware)
        if key in self._known:
            return self._known[key]
        choice, vendor, model, firmware = key
        found = self._catalogue.quirk_profile_for(
            choice, vendor=vendor, model=model, firmware=firmware
        )
        if len(self._known) >= KNOWN_MAX:
            self._known.clear()
        self._known[key] = found
        return found

    def spoken(self, door: Door, offered: Sequence[str], now: datetime) -> str | None:
        """The sub-protocol that its profile chooses for it, if one does."""
        profile = self.profile_of(door)
        if profile is None:
            return None
        key, spoken = (
            ("prefer_ocpp", profile.prefer_ocpp)
            if offered
            else ("assume_ocpp", profile.assume_ocpp)
        )
        if spoken is None or spoken not in self._speaks or (offered and spoken not in offered):
            return None
        self.used(door, (key,), now)
        return spoken

    # ---- counting -------------------------------------------------------------------------------

    def used(self, door: Door, names: tuple[str, ...], now: datetime) -> None:
        """Something was forgiven a station, or said otherwise to it."""
        self.totals.update(names)
        for name in names:
            key = (door.id, name)
            use = self._uses.get(key)
            if use is not None:
                use.uses += 1
                use.last_at = now
            elif len(self._uses) < USES_MAX:
                self._uses[key] = QuirkUse(door.id, door.tenant, name, 1, now, now)

    def is_news(self, station: StationId, names: tuple[str, ...]) -> bool:
        """Whether one of these is seen for the first time in a while: then the frame is kept."""
        found = [self._uses.get((station, name)) for name in names]
        return any(use is not None and use.uses == 1 for use in found)

    def drain(self) -> list[QuirkUse]:
        """What was counted since this was asked last."""
        uses, self._uses = list(self._uses.values()), {}
        return uses

    # ---- a boot that cannot be read -------------------------------------------------------------

    def recognised(self, door: Door, dialect: Dialect, frame: bytes) -> Door | None:
        """Whose boot this is that was refused for its form, if a profile would read it.

        It is refused all the same; a station repeats its boot, and is then read as it means.
        """
        if door.quirks != AUTO:
            return None
        reader = Connection(dialect, accepts=dialect.from_station, lenient=Lenient())
        event = reader.receive(frame, 0.0)
        if not isinstance(event, Received):
            return None
        known = replace(door, **told_of(event.request))
        return known if self.profile_of(known) is not None else None


def identified(door: Door, station: Station) -> Door:
    """The door of a station that told what it is."""
    told = (station.vendor, station.model, station.firmware)
    if told == (door.vendor, door.model, door.firmware):
        return door
    return replace(door, vendor=station.vendor, model=station.model, firmware=station.firmware)


def told_of(boot: Any) -> dict[str, str]:
    """Vendor, model and firmware in a boot of any version; nothing in any other message."""
    if isinstance(boot, v16.BootNotification):
        vendor, model = boot.charge_point_vendor, boot.charge_point_model
    elif isinstance(boot, v201.BootNotification | v21.BootNotification):
        boot = boot.charging_station
        vendor, model = boot.vendor_name, boot.model
    else:
        return {}
    return {"vendor": vendor, "model": model, "firmware": boot.firmware_version or ""}
