"""Where the demonstration network stands: places on both sides of the Atlantic, in two zones' time.

The simulated world puts kinds of sites in turn (workplace, motorway, street, retail, depot) and
makes for Europe and North America in turn; these places fit it.
"""

from typing import Final

from msgspec import Struct


class Place(Struct, frozen=True, kw_only=True):
    """A site of the demonstration."""

    name: str
    address: str
    postal_code: str
    city: str
    country: str
    latitude: float
    longitude: float
    zone: str


PLACES: Final = (
    Place(
        name="Adlershof Campus",
        address="Rudower Chaussee 17",
        postal_code="12489",
        city="Berlin",
        country="DE",
        latitude=52.4307,
        longitude=13.5350,
        zone="Europe/Berlin",
    ),
    Place(
        name="Eno River Plaza",
        address="I-85, exit 173",
        postal_code="27705",
        city="Durham",
        country="US",
        latitude=36.0379,
        longitude=-78.9553,
        zone="America/New_York",
    ),
    Place(
        name="Jordaan",
        address="Lindengracht 60",
        postal_code="1015 KJ",
        city="Amsterdam",
        country="NL",
        latitude=52.3789,
        longitude=4.8827,
        zone="Europe/Amsterdam",
    ),
    Place(
        name="Yorkdale Parkade",
        address="3401 Dufferin Street",
        postal_code="M6A 2T9",
        city="Toronto",
        country="CA",
        latitude=43.7255,
        longitude=-79.4522,
        zone="America/Toronto",
    ),
    Place(
        name="Dépôt Gerland",
        address="Rue de Gerland 160",
        postal_code="69007",
        city="Lyon",
        country="FR",
        latitude=45.7290,
        longitude=4.8330,
        zone="Europe/Paris",
    ),
    Place(
        name="Kendall Campus",
        address="1 Broadway",
        postal_code="02142",
        city="Cambridge",
        country="US",
        latitude=42.3629,
        longitude=-71.0837,
        zone="America/New_York",
    ),
)
