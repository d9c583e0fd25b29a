"""The room's verbs: ``Stations``, and what it holds by topic."""

from forecourt.domain.stations.service.stations import Known, Link, Links, Stations, failed

__all__ = ["Known", "Link", "Links", "Stations", "failed"]
