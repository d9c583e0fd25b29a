"""VAT numbers over HTTP: what can be said of them without asking anybody."""

import httpx
import pytest

from forecourt.domain.tenants import Role
from tests.edge.http.conftest import LogIn

pytestmark = pytest.mark.storage

BASE = "/api/v1/vat-numbers"


@pytest.mark.parametrize(
    ("typed", "number", "country", "valid", "checked"),
    [
        ("DE136695976", "DE136695976", "DE", True, True),
        ("de 136.695-976", "DE136695976", "DE", True, True),
        ("DE136695977", "DE136695977", "DE", False, True),
        ("DE1366959", "DE1366959", "DE", False, False),
        ("GR094259216", "EL094259216", "EL", True, True),
        ("NO999999999MVA", "NO999999999MVA", "", False, False),
        ("IE1+23456L", "IE1+23456L", "IE", True, False),
        ("' OR 1=1", "'OR1=1", "", False, False),
        ("ß", "SS", "", False, False),
        ("x" * 4_000, "X" * 4_000, "", False, False),
    ],
)
async def test_a_verdict(
    acme: httpx.AsyncClient, typed: str, number: str, country: str, *, valid: bool, checked: bool
) -> None:
    answer = await acme.get(f"{BASE}/{typed}")
    assert answer.status_code == 200
    told = answer.json()
    assert told.pop("reason")
    assert told == {"valid": valid, "number": number, "country": country, "checked": checked}


@pytest.mark.parametrize("typed", ["DE%0A136695976", "DE%00"])
async def test_what_is_not_looked_at(acme: httpx.AsyncClient, typed: str) -> None:
    answer = await acme.get(f"{BASE}/{typed}")
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


async def test_who_may_not(stranger: httpx.AsyncClient, log_in: LogIn) -> None:
    assert (await stranger.get(f"{BASE}/DE136695976")).status_code == 401
    maker = await log_in(Role.MANUFACTURER)
    assert (await maker.get(f"{BASE}/DE136695976")).status_code == 403
