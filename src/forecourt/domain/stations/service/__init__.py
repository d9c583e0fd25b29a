"""The room's verbs: ``Stations``, and what it holds by topic."""

from forecourt.domain.stations.service.links import Known, Link, Links
from forecourt.domain.stations.service.securing import Vouching
from forecourt.domain.stations.service.stations import VARIABLES_MAX, Stations, failed

__all__ = ["VARIABLES_MAX", "Known", "Link", "Links", "Stations", "Vouching", "failed"]
