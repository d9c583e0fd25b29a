"""Single sign-on before the door: the way to a provider, and the way back."""

from typing import Annotated, Any, Final

import structlog
from litestar import Controller, Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody, QueryParameter
from msgspec import Struct

from forecourt.base.errors import ForecourtError
from forecourt.base.text import Line
from forecourt.edge.http.login import (
    CALLBACK,
    TRIP_COOKIE,
    TRIP_LASTS_S,
    Desk,
    LoginOptions,
)

log = structlog.get_logger(__name__)

# Providers choose the lengths of their codes; some hold all of a session.
CODE_LENGTH_MAX: Final = 8_000


class Wish(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """By whom somebody wants to log in: one that was offered, or who vouches for an address."""

    provider: Line = ""
    email: Line = ""
    anew: bool = False
    """Ask the user once more, also where the provider knows the browser."""


class Way(Struct, frozen=True, kw_only=True):
    """Where to send the browser."""

    url: str


class SsoRoutes(Controller):
    """For browsers: logging in by an OpenID provider."""

    path = "/"
    tags = ("Log-in",)
    security = ({},)

    @get("/api/v1/login/options", operation_id="login_options", summary="How one may log in")
    async def options(self, desk: NamedDependency[Desk]) -> LoginOptions:
        """The providers of the installation's own tenant; those of others are found by address."""
        return await desk.offered()

    @post("/api/v1/login/sso", operation_id="begin_sso", summary="To a provider", status_code=200)
    async def begin(
        self,
        request: Request[Any, Any, Any],
        desk: NamedDependency[Desk],
        data: JSONBody[Wish],
    ) -> Response[Way]:
        """Where to send the browser. The way back is open to it alone, once, for ten minutes."""
        secret, url = await desk.begin_sso(request, data.provider, data.email, anew=data.anew)
        cookie = Cookie(
            key=TRIP_COOKIE,
            value=secret,
            httponly=True,
            # Strict ones are not sent when another site leads here, which is what providers do.
            samesite="lax",
            secure=request.url.scheme == "https",
            path=CALLBACK,
            max_age=TRIP_LASTS_S,
        )
        return Response(Way(url=url), cookies=[cookie], status_code=200)

    @get(CALLBACK, operation_id="finish_sso", summary="Back from a provider", status_code=303)
    async def finish(
        self,
        request: Request[Any, Any, Any],
        desk: NamedDependency[Desk],
        *,
        state_: Annotated[str, QueryParameter(name="state", max_length=200)] = "",
        code: Annotated[str, QueryParameter(max_length=CODE_LENGTH_MAX)] = "",
        error: FromQuery[Line] = "",
    ) -> Response[None]:
        """Log the browser in and send it to the console, which says what went wrong if it did."""
        try:
            done = await desk.finish_sso(request, state_, "" if error else code)
        except ForecourtError as refused:
            log.info("sso.refused", code=refused.code, said=refused.message, error=error)
            place = f"/?refused={refused.code}"
            return Response(None, status_code=303, headers={"Location": place})
        return Response(None, status_code=303, headers={"Location": "/"}, cookies=done.cookies)
