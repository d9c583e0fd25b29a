"""Finds the platform that runs on a data folder, and asks it over HTTP. Knows no command."""

import contextlib
import json
import os
import ssl
from pathlib import Path
from typing import Any, ClassVar, Final

import httpx
import msgspec

from forecourt.base.context import Context
from forecourt.base.errors import ForecourtError, Kind
from forecourt.cli.options import (
    changing,
    fail,
    tell,
)
from forecourt.domain.rooms import Rooms
from forecourt.domain.tenants import ApiKeyUnknown, Scope
from forecourt.settings import Settings

RUN_FILE: Final = "run.json"
KEY_FILE: Final = "cli.key"
KEY_NAME: Final = "local-cli"
UNAUTHENTICATED: Final = 401
FORBIDDEN: Final = 403
# A station has 30 s to answer, and the way there and back takes a moment too.
TIMEOUT_S: Final = 90.0


class PlatformAway(ForecourtError):
    """No platform runs on this data folder, or it does not answer."""

    kind: ClassVar[Kind] = Kind.UNAVAILABLE
    code: ClassVar[str] = "platform.away"


def post(settings: Settings, path: str, body: Any) -> Any:
    """POST to the running platform, with the local key; a refusal ends the command.

    Raises PlatformAway.
    """
    return _exchange(settings, "POST", path, msgspec.json.encode(body))


def fetch(settings: Settings, path: str) -> Any:
    """GET from the running platform, as ``post``. Raises PlatformAway."""
    return _exchange(settings, "GET", path, None)


def _exchange(settings: Settings, method: str, path: str, body: bytes | None) -> Any:
    base = address(settings.data_dir)
    if not base:
        raise PlatformAway(
            f"no platform runs on {settings.data_dir};"
            f" start it with 'forecourt serve --data-dir {settings.data_dir}'"
        )
    with httpx.Client(base_url=base, verify=_trust(settings), timeout=TIMEOUT_S) as client:

        def send(key: str) -> httpx.Response:
            headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
            return client.request(method, path, content=body, headers=headers)

        try:
            response = send(_key(settings))
            if response.status_code in {UNAUTHENTICATED, FORBIDDEN}:
                # The database is another one than the key's, the key was revoked, or it was made
                # before there was anything that not every key may.
                response = send(_fresh_key(settings))
        except httpx.HTTPError as error:
            raise PlatformAway(f"the platform at {base} does not answer: {error}") from error
    found: Any = response.json()
    if response.is_error:
        fail(f"{found.get('detail') or found.get('title')} ({found.get('code')})")
    return found


def address(data_dir: Path) -> str:
    """Where the platform on this folder is reached from this machine; empty where none runs."""
    file = data_dir / RUN_FILE
    try:
        found = json.loads(file.read_text())
        return str(found["http"]).replace("//0.0.0.0", "//127.0.0.1").rstrip("/")
    except (OSError, ValueError, KeyError):
        return ""


def _trust(settings: Settings) -> ssl.SSLContext | bool:
    """Trust our own certificate, whatever host it is for: the address is from our own folder."""
    if settings.tls_cert is None:
        return True
    context = ssl.create_default_context(cafile=settings.tls_cert)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def _key(settings: Settings) -> str:
    file = settings.data_dir / KEY_FILE
    try:
        return file.read_text().strip()
    except FileNotFoundError:
        return _fresh_key(settings)
    except PermissionError as error:
        raise PlatformAway(
            f"{file} may not be read: run commands as the account that runs the platform"
        ) from error


def _fresh_key(settings: Settings) -> str:
    """Make the key of this folder's commands anew, and keep it where only its owner reads."""

    async def work(rooms: Rooms, ctx: Context) -> str:
        with contextlib.suppress(ApiKeyUnknown):
            old = await rooms.tenants.revoke_key(ctx, KEY_NAME)
            await tell(rooms, ctx, "revoke_api_key", old.id, before=old)
        # Whoever may write in the data folder may do everything.
        made = await rooms.tenants.add_key(ctx, KEY_NAME, scopes=Scope)
        await tell(rooms, ctx, "add_api_key", made.key.id, after=made.key)
        return made.secret

    url = settings.database_url
    key = changing(settings.data_dir, None if url is None else url.get_secret_value(), work)
    fresh = settings.data_dir / f"{KEY_FILE}.{os.getpid()}"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        if os.geteuid() == 0:
            # The account that runs the platform shall read what root made for it.
            owner = settings.data_dir.stat()
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        file.write(key + "\n")
    fresh.replace(settings.data_dir / KEY_FILE)
    return key
