"""What the API's document promises a server keeps: schemathesis makes requests from the document
alone, good ones and bad ones, of a house that runs and has a row in every table.

The same requests at every run. For an evening: pytest --hypothesis-profile=explore, this file.
"""

import json
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Final

import httpx
import pytest
import schemathesis
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode

from forecourt.base.clock import SystemClock
from forecourt.edge.http.errors import PROBLEM_JSON
from tests.console.running import Forecourt
from tests.edge.http.described import described
from tests.fixtures.database import database, execute, on_database, wait_for
from tests.fixtures.pki import Foreign
from tests.infra.test_database import ROWS, insert

# Of each kind, good and bad; the profile for an evening has more.
EXAMPLES: Final = 4 if settings().derandomize else 100
LEFT_OUT: Final = {
    "live": "never ends; test_live.py",
    "watch_messages": "never ends; tests/edge/ocpp/test_watch.py",
    "log_out": "ends the log-in that asks",
    "end_my_login": "may end the log-in that asks",
    "act_in": "takes the log-in that asks elsewhere",
    "rotate_webhook_secret": "the row's secrets were sealed by nobody; test_webhooks.py",
    "change_webhook": "the same",
    "finish_sso": "its longest addresses are refused by the server below us; test_sso.py",
    "metrics": "text for Prometheus; test_vitals.py",
}
# Whoever names a state that is not will not get to the route: test_editing.py, test_repeats.py.
AROUND: Final = {"If-Match", "If-None-Match", "Idempotency-Key"}
IDS: Final = {
    "station_id": "CP_default",
    "station": "CP_default",
    "session_id": "ses_default",
    "order_id": "ord_default",
    "user_id": "usr_default",
    "key_id": "key_default",
    "certificate": "crt_default",
    "authority": "aut_default",
    "emaid": "e",
    "uid": "uid",
    "template_name": "T",
    "site_id": "Oslo",
    "webhook_id": "whk_default",
    "delivery_id": "evt_1",
    "passkey_id": "psk_default",
    "provider_id": "sso_default",
    "share_id": "shr_default",
    "code": "default",
    "request_id": 1,
    "stream_no": 1,
    "profile_name": "easee",
    "tenant_id": "below",
}
# Made by asking; a row that nobody asked for would break the trail's chain.
MADE: Final = {"audit", "edits", "repeats", "logins"}
# What the rows leave open and routes read.
ROOT: Final = Foreign("Root", SystemClock().now()).certificate.public_bytes(Encoding.DER).hex()
MEANT: Final = f"""
UPDATE authorities SET certificate = '\\x{ROOT}';
UPDATE certificates SET chain = ARRAY['\\x{ROOT}'::bytea];
UPDATE orders SET command = '{{"command": "reset"}}';
UPDATE commands SET command = '{{"command": "reset"}}';
INSERT INTO tenants (tenant_id, name, created_at, kind, above)
  VALUES ('below', 'Below', now(), 'site_host', '{{default}}') ON CONFLICT DO NOTHING;
"""
OWNER: Final = {"email": "owner@forecourt.example", "password": "a long enough password"}


PATIENCE_S: Final = 60
SLOW: Final = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]


@dataclass(frozen=True)
class Asker:
    """Whose requests they are, and of whom."""

    url: str
    headers: dict[str, str]


def promised() -> dict[str, Any]:
    """The document as it is committed, without what stands around the routes."""
    found: dict[str, Any] = json.loads(json.dumps(described()))
    for operations in found["paths"].values():
        for operation in operations.values():
            kept = [one for one in operation.get("parameters", ()) if one["name"] not in AROUND]
            operation["parameters"] = kept
    return found


CONFIG: Final = {
    # Who may ask for what is walked route by route: test_auth.py, test_walk.py.
    "generation": {"with-security-parameters": False},
    "checks": {
        "ignored_auth": {"enabled": False},
        # 503 is how a station that is not there is told.
        "not_a_server_error": {"expected-statuses": ["2xx", "3xx", "4xx", 503]},
        # Some of what no schema can say is refused: a cursor that is none, an order that is over.
        "positive_data_acceptance": {"enabled": False},
    },
}
API: Final = schemathesis.openapi.from_dict(
    promised(), config=SchemathesisConfig.from_dict(CONFIG)
).exclude(operation_id=list(LEFT_OUT))
OPERATIONS: Final = {
    str(found.definition.raw["operationId"]): found
    for found in (one.ok() for one in API.get_all_operations() if isinstance(one, Ok))
}


@pytest.fixture(scope="module")
def database_of_house(database_server_url: str, template: str) -> Generator[str]:
    with database(database_server_url, f"TEMPLATE {template}") as name:
        yield on_database(database_server_url, name)


@pytest.fixture(scope="module")
def owner(database_of_house: str, tmp_path_factory: pytest.TempPathFactory) -> Generator[Asker]:
    """The first owner of a platform that runs, logged in."""
    folder = tmp_path_factory.mktemp("house")
    ports = ("--http-port", "0", "--ocpp-port", "0")
    place = ("--data-dir", str(folder / "data"), "--database-url", database_of_house)
    house = Forecourt(folder / "out", "serve", *ports, *place)
    try:
        url = house.said(r"http=(http://\S+?)/?\s")[1]
        code = house.said(r"set-up code (\S+)")[1]
        first = {**OWNER, "name": "O", "code": code}
        answer = httpx.post(f"{url}/api/v1/setup", json=first, timeout=PATIENCE_S)
        assert answer.status_code == 200, answer.text
        cookies = [one.partition(";")[0] for one in answer.headers.get_list("set-cookie")]
        headers = {"Cookie": "; ".join(cookies), "X-CSRF-Token": answer.json()["csrf"]}
        yield Asker(url, headers)
    finally:
        house.stop()
        assert "http.failed" not in (folder / "out").read_text(encoding="utf-8")


def problems(answer: Any) -> None:
    """What is refused is a problem, and says where it is wrong."""
    if answer.status_code < 400:
        return
    assert answer.headers["content-type"] == [PROBLEM_JSON], answer.text
    said = answer.json()
    assert said["status"] == answer.status_code
    if answer.status_code == 400:
        for fault in said["errors"]:
            assert "pointer" in fault or "parameter" in fault, said


@pytest.fixture
def rows(database_of_house: str) -> None:
    """A row in every table, also after somebody asked for its end."""

    made = (insert(table, "default") for table in ROWS if table not in MADE)
    again = " ON CONFLICT DO NOTHING;"
    wait_for(execute(database_of_house, again.join((*made, MEANT))))


@pytest.mark.slow
@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("name", OPERATIONS)
def test_what_is_promised_is_kept(name: str, owner: Asker) -> None:
    operation = OPERATIONS[name]
    asked = operation.definition.raw
    takes = "requestBody" in asked or any(one["in"] == "query" for one in asked["parameters"])
    for mode in GenerationMode if takes else (GenerationMode.POSITIVE,):
        named = {one: IDS[one] for one in IDS if f"{{{one}}}" in operation.path}
        cases = operation.as_strategy(generation_mode=mode, path_parameters=named)

        @settings(max_examples=EXAMPLES, phases=[Phase.generate], suppress_health_check=SLOW)
        @given(cases)
        def keeps(case: Any) -> None:
            asks = {"headers": owner.headers, "timeout": PATIENCE_S, "allow_redirects": False}
            answer = case.call(base_url=owner.url, **asks)
            case.validate_response(answer)
            problems(answer)

        keeps()
