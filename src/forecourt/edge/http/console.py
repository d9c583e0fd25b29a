"""The console: files that were built beforehand, served from memory. Knows no room.

They are read once, so no request names a path on the disk. Where nothing was built there is no
console, and the status page stays at ``/``.
"""

import mimetypes
import secrets
from collections.abc import Mapping
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from litestar import Controller, Request, Response, get
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from msgspec import Struct

from forecourt.edge.http.behind import behind
from forecourt.edge.http.errors import HARDENED, Problem, on_http_exception

BUILT: Final = Path(__file__).parents[2] / "console"
INDEX: Final = "index.html"
NONCE_PLACE: Final = b'name="csp-nonce" content=""'
TILES_PLACE: Final = b'name="map-tiles" content=""'
NOT_PAGES: Final = (
    "/api/",
    "/c/",
    "/schema",
    "/healthz",
    "/readyz",
    "/metrics",
    "/pki/",
    "/assets/",
)
"""What is no page: a browser that asks for it and finds nothing is told so."""
FOREVER: Final = "public, max-age=31536000, immutable"
ASK_AGAIN: Final = "no-cache"
ENCODINGS: Final = (("br", ".br"), ("gzip", ".gz"))
"""Smallest first, with the ending that the build gives them."""


class Asset(Struct, frozen=True, kw_only=True):
    """One file, as it is and packed."""

    media_type: str
    body: bytes
    packed: Mapping[str, bytes]
    etag: str


class Tiles(Struct, frozen=True, kw_only=True):
    """Where browsers get pictures for the map, and whom these are of."""

    url: str
    credit: str = ""

    @property
    def host(self) -> str:
        """As a source in a content security policy."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"


class Console:
    """All files of a build."""

    def __init__(self, folder: Path, tiles: Tiles | None = None) -> None:
        self._tiles = tiles
        packed = {ending for _, ending in ENCODINGS}
        self._assets = {
            path.relative_to(folder).as_posix(): _read(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file()
            and path.suffix not in packed
            and not path.relative_to(folder).as_posix().startswith(".")
        }

    @property
    def built(self) -> bool:
        """Whether there is one."""
        return INDEX in self._assets

    def page(self) -> Response[bytes]:
        """The one page; which route it shows is its own business."""
        # Styles that the page makes at run time carry this; nothing else inline is let in.
        nonce = secrets.token_urlsafe(16)
        body = self._assets[INDEX].body.replace(
            NONCE_PLACE, f'name="csp-nonce" content="{nonce}"'.encode()
        )
        pictures = ""
        if self._tiles is not None:
            said = f'name="map-tiles" content="{escape(self._tiles.url)}"'
            credit = f'data-credit="{escape(self._tiles.credit)}"'
            body = body.replace(TILES_PLACE, f"{said} {credit}".encode())
            pictures = f" {self._tiles.host}"
        return Response(
            body,
            media_type="text/html",
            headers={
                **HARDENED,
                "Content-Security-Policy": (
                    f"default-src 'self'; img-src 'self' data:{pictures};"
                    f" connect-src 'self'{pictures}; object-src 'none'; base-uri 'none';"
                    f" style-src 'self' 'nonce-{nonce}'; form-action 'self'; frame-ancestors 'none'"
                ),
            },
        )

    def file(self, name: str, request: Request[Any, Any, Any]) -> Response[bytes]:
        """One file, packed as the browser likes it. Raises NotFoundException."""
        asset = None if name == INDEX else self._assets.get(name)
        if asset is None:
            raise NotFoundException
        headers = {
            **HARDENED,
            # The build puts a digest of the content into the names of these.
            "Cache-Control": FOREVER if name.startswith("assets/") else ASK_AGAIN,
            "ETag": asset.etag,
            "Vary": "Accept-Encoding",
        }
        if request.headers.get("if-none-match") == asset.etag:
            return Response(b"", status_code=304, headers=headers)
        taken = {
            one.partition(";")[0].strip()
            for one in request.headers.get("accept-encoding", "").split(",")
            if not one.replace(" ", "").endswith(";q=0")
        }
        for encoding, body in asset.packed.items():
            if encoding in taken:
                headers["Content-Encoding"] = encoding
                return Response(body, media_type=asset.media_type, headers=headers)
        return Response(asset.body, media_type=asset.media_type, headers=headers)


def _read(path: Path) -> Asset:
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    packed = {
        encoding: other.read_bytes()
        for encoding, ending in ENCODINGS
        if (other := path.with_name(path.name + ending)).is_file()
    }
    body = path.read_bytes()
    return Asset(
        media_type=media_type, body=body, packed=packed, etag=f'"{sha256(body).hexdigest()[:20]}"'
    )


class ConsoleRoutes(Controller):
    """The files beside the page."""

    include_in_schema = False

    @get("/assets/{name:str}", sync_to_thread=False)
    def asset(
        self,
        request: Request[Any, Any, Any],
        console: NamedDependency[Console],
        name: FromPath[str],
    ) -> Response[bytes]:
        """What the page loads; its name changes with its content."""
        return console.file(f"assets/{name}", request)

    @get(["/favicon.svg", "/scheme.js"], sync_to_thread=False)
    def beside(
        self, request: Request[Any, Any, Any], console: NamedDependency[Console]
    ) -> Response[bytes]:
        """What has the same name in every build."""
        return console.file(request.url.path.lstrip("/"), request)


def on_not_found(
    request: Request[Any, Any, Any], error: NotFoundException
) -> Response[Problem] | Response[bytes]:
    """A path that no route has is a page of the console, if a browser asks for a page."""
    console: Console = behind(request.scope).given["console"]
    path = request.url.path
    wants_page = request.method == "GET" and "text/html" in request.headers.get("accept", "")
    if console.built and wants_page and not path.startswith(NOT_PAGES):
        return console.page()
    return on_http_exception(request, error)
