"""Writes openapi/forecourt.json from the code: the API's description, for clients and reviewers.

``--check`` writes nothing and fails when the committed document says something else.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from forecourt.base.clock import SystemClock
from forecourt.base.digest import KEY_BYTES
from forecourt.domain.access import Access
from forecourt.domain.billing import Billing
from forecourt.domain.catalogue import Catalogue
from forecourt.domain.devices import Devices
from forecourt.domain.drivers import Below, Drivers
from forecourt.domain.energy import Energy
from forecourt.domain.firmware import Firmware
from forecourt.domain.monitoring import Monitoring
from forecourt.domain.orders import Orders
from forecourt.domain.rooms import Rooms
from forecourt.domain.security import Security
from forecourt.domain.sessions import Sessions
from forecourt.domain.sites import Sites
from forecourt.domain.stations import Links, Stations
from forecourt.domain.tariffs import Tariffs
from forecourt.domain.tenants import Audit, Edits, People, Repeats, Tenants
from forecourt.domain.webhooks import Webhooks
from forecourt.edge.http import document, http_app
from forecourt.edge.http.vitals import QuirkCounts, WireCounts
from forecourt.edge.ocpp import Watch
from forecourt.infra.commit import Committer
from forecourt.infra.database import Database
from forecourt.infra.outbound import Outbound

DOCUMENT: Final = Path(__file__).parents[1] / "openapi" / "forecourt.json"
NO_KEY: Final = bytes(KEY_BYTES)


class NoWire:
    """A gateway that nobody connects to."""

    malformed = strays = superseded = refused_doors = 0
    logins_failed = logins_held = tls_failed = deflated = 0
    accepting = False
    watch = Watch()

    @property
    def quirks(self) -> QuirkCounts:
        return self

    @property
    def totals(self) -> Mapping[str, int]:
        return {}

    @property
    def counts(self) -> WireCounts:
        return self

    def __len__(self) -> int:
        return 0


async def described() -> str:
    """The document. The house that it is read from has no database: nobody asks it anything."""
    db = Database("postgresql://nowhere", pool_size=1)
    stations = Stations(db, links=Links(), secret_key=NO_KEY)
    below = Below(
        catalogue=Catalogue(),
        stations=stations,
        access=Access(db),
        sessions=Sessions(db),
        tariffs=Tariffs(db),
    )
    rooms = Rooms(
        tenants=Tenants(db, secret_key=NO_KEY),
        people=People(db, secret_key=NO_KEY),
        audit=Audit(db),
        edits=Edits(db),
        repeats=Repeats(db, secret_key=NO_KEY),
        catalogue=Catalogue(),
        security=Security(db, secret_key=NO_KEY),
        sites=Sites(db),
        stations=stations,
        devices=Devices(db, stations=stations, links=Links(), catalogue=Catalogue()),
        orders=Orders(db),
        monitoring=Monitoring(db),
        access=Access(db),
        tariffs=Tariffs(db),
        sessions=Sessions(db),
        energy=Energy(db, stations=stations, monitoring=Monitoring(db)),
        firmware=Firmware(db),
        billing=Billing(db),
        drivers=Drivers(db, below, secret_key=NO_KEY),
        webhooks=Webhooks(db, outbound=Outbound(), secret_key=NO_KEY),
    )
    app = http_app(
        rooms,
        clock=SystemClock(),
        db=db,
        gateway=NoWire(),
        committer=Committer(db.raw, order=()),
    )
    return json.dumps(document(app), indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    """Write the document, or compare."""
    arguments = argparse.ArgumentParser(description="Write openapi/forecourt.json from the code.")
    arguments.add_argument("--check", action="store_true", help="write nothing, compare")
    chosen = arguments.parse_args()
    text = asyncio.run(described())
    if chosen.check:
        if DOCUMENT.is_file() and DOCUMENT.read_text(encoding="utf-8") == text:
            return 0
        sys.stderr.write(f"{DOCUMENT.name} is stale: run python tools/generate_openapi.py\n")
        return 1
    DOCUMENT.parent.mkdir(exist_ok=True)
    DOCUMENT.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
