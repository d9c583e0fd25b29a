"""The door for people and programs: HTTP, OpenAPI, metrics and a status page.

Authenticates, mounts the rooms' routes and renders failures as RFC 9457 problems. Decides nothing,
and knows neither OCPP nor settings.
"""

from forecourt.edge.http.app import http_app
from forecourt.edge.http.document import document

__all__ = ["document", "http_app"]
