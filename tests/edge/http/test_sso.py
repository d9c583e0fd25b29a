"""Single sign-on against an OpenID provider of the test's own, and what attackers send instead."""

import base64
import hmac
import json
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from forecourt.domain.tenants import NewUser, Role
from forecourt.infra.outbound import Outbound
from tests.edge.http.conftest import Door
from tests.fixtures.web import Asked, Said, Web, web

pytestmark = pytest.mark.storage

PASSWORD = "a long enough password"
CLIENT, SECRET = "forecourt", "s3cret:with/odd+letters"


def unsigned(claims: dict[str, Any], alg: str = "none") -> str:
    """A token that nobody signed."""
    parts = ({"alg": alg, "kid": "one"}, claims)
    said = (base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=") for one in parts)
    return b".".join(said).decode() + "."


@dataclass
class Provider:
    """An OpenID provider: discovery, keys, and codes for tokens. It can also lie."""

    now: int
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    claims: dict[str, Any] = field(default_factory=dict)
    """What it says of whoever comes, besides the usual."""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    url: str = ""
    calls_itself: str = ""
    sign: Any = None
    server: Web | None = None

    def says(self, asked: Asked) -> Said:
        path = urlsplit(asked.path).path
        match path:
            case "/.well-known/openid-configuration":
                return self._json(
                    {
                        "issuer": self.calls_itself or self.url,
                        "authorization_endpoint": f"{self.url}/authorize",
                        "token_endpoint": f"{self.url}/token",
                        "jwks_uri": f"{self.url}/keys",
                        "end_session_endpoint": f"{self.url}/logout",
                    }
                )
            case "/keys":
                return self._json(dict(KeySet([self.key]).as_dict(private=False)))
            case "/token":
                return self._token(asked)
            case _:
                return 404, {}, b""

    def log_in(self, way: str, code: str = "code-1") -> dict[str, str]:
        """What somebody's browser comes back with."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(way).query).items()}
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        self.codes[code] = query
        return {"state": query["state"], "code": code}

    def _token(self, asked: Asked) -> Said:
        form = dict(parse_qsl(asked.body.decode()))
        pair = base64.b64decode(asked.headers["authorization"].removeprefix("Basic ")).decode()
        assert pair == "forecourt:s3cret%3Awith%2Fodd%2Bletters"
        query = self.codes.pop(form["code"], None)
        if query is None:
            return 400, {}, b'{"error": "invalid_grant"}'
        digest = sha256(form["code_verifier"].encode()).digest()
        assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == query["code_challenge"]
        assert form["redirect_uri"] == query["redirect_uri"]
        claims = {
            "iss": self.url,
            "aud": CLIENT,
            "sub": "sub-1",
            "iat": self.now,
            "exp": self.now + 300,
            "nonce": query["nonce"],
            "email": "ann@corp.example",
            "email_verified": True,
            "name": "Ann",
            **self.claims,
        }
        said = {name: value for name, value in claims.items() if value is not None}
        token = self.sign(said) if self.sign else self.signed(said)
        return self._json({"id_token": token, "access_token": "x", "token_type": "Bearer"})

    def signed(self, claims: dict[str, Any], kid: str = "one") -> str:
        return jwt.encode({"alg": "RS256", "kid": kid}, claims, self.key)

    @staticmethod
    def _json(said: dict[str, Any]) -> Said:
        return 200, {"Content-Type": "application/json"}, json.dumps(said).encode()


@asynccontextmanager
async def running(now: int) -> AsyncGenerator[Provider]:
    made = Provider(now=now)
    async with web(made.says) as server:
        made.url, made.server = server.url.rstrip("/"), server
        yield made


@pytest.fixture
async def provider(door: Door) -> AsyncGenerator[Provider]:
    async with running(int(door.clock.now().timestamp())) as made:
        # The provider is on this machine, which the guard keeps others from asking.
        door.rooms.people.sso._outbound = Outbound(hosts=frozenset({"127.0.0.1"}))
        yield made


@pytest.fixture
async def owner(door: Door) -> AsyncGenerator[httpx.AsyncClient]:
    new = NewUser(email="o@b.example", name="O", role=Role.OWNER, password=PASSWORD)
    await door.rooms.people.add(door.ctx(), new)
    async with browser(door) as client:
        answer = await client.post(
            "/api/v1/login", json={"email": "o@b.example", "password": PASSWORD}
        )
        client.headers["X-CSRF-Token"] = answer.json()["csrf"]
        yield client


def browser(door: Door) -> httpx.AsyncClient:
    client = door.client()
    client.base_url = httpx.URL("http://localhost:8080")
    return client


def setting(provider: Provider, **changed: Any) -> dict[str, Any]:
    return {
        "name": "Corp",
        "issuer": provider.url,
        "client_id": CLIENT,
        "client_secret": SECRET,
        "domains": ["corp.example"],
        "invites_only": False,
        "default_role": "read_only",
        **changed,
    }


async def add(owner: httpx.AsyncClient, provider: Provider, **changed: Any) -> str:
    answer = await owner.post("/api/v1/sso-providers", json=setting(provider, **changed))
    assert answer.status_code == 201, answer.text
    assert SECRET not in answer.text
    return str(answer.json()["id"])


async def begin(client: httpx.AsyncClient, **wish: str) -> str:
    answer = await client.post("/api/v1/login/sso", json=wish)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["url"])


async def come_back(client: httpx.AsyncClient, query: dict[str, str]) -> str:
    """Where the console is opened: at its beginning, or with a reason."""
    answer = await client.get("/api/v1/login/sso/callback", params=query)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


async def attempt(door: Door, provider: Provider, provider_id: str) -> str:
    async with browser(door) as client:
        place = await come_back(client, provider.log_in(await begin(client, provider=provider_id)))
        logged_in = (await client.get("/api/v1/me")).status_code == 200
        assert logged_in is (place == "/"), place
        return place


async def test_somebody_new_logs_in_and_out_by_the_provider(
    door: Door, owner: httpx.AsyncClient, provider: Provider
) -> None:
    await add(owner, provider)
    async with browser(door) as client:
        offered = (await client.get("/api/v1/login/options")).json()["providers"]
        assert [one["name"] for one in offered] == ["Corp"]
        way = await begin(client, provider=offered[0]["id"])
        assert way.startswith(f"{provider.url}/authorize?")
        back = parse_qs(urlsplit(way).query)["redirect_uri"][0]
        assert back == "http://localhost:8080/api/v1/login/sso/callback"
        assert await come_back(client, provider.log_in(way)) == "/"
        me = (await client.get("/api/v1/me")).json()
        assert (me["user"]["email"], me["user"]["role"]) == ("ann@corp.example", "read_only")
        [login] = (await client.get("/api/v1/me/logins")).json()["items"]
        assert login["method"] == "sso"
        client.headers["X-CSRF-Token"] = me["csrf"]
        out = await client.post("/api/v1/logout")
        assert out.headers["location"].startswith(f"{provider.url}/logout?client_id=forecourt")
        assert (await client.get("/api/v1/me")).status_code == 401
        # Nobody has a password that was never set.
        for password in ("", "x", "a long enough password"):
            body = {"email": "ann@corp.example", "password": password or " "}
            assert (await client.post("/api/v1/login", json=body)).status_code == 401
    kept = await door.rooms.people.sso.list(door.ctx())
    assert SECRET not in str(kept)
    trail = (await owner.get("/api/v1/audit")).text
    assert "add_sso_provider" in trail
    assert SECRET not in trail


async def test_who_comes_from_a_provider_shows_there_who_it_is(
    door: Door, owner: httpx.AsyncClient, provider: Provider
) -> None:
    """The provider says when that was; that it knows the browser is no proof."""
    named = await add(owner, provider, default_role="owner")
    ago = provider.now - 16 * 60
    for auth_time, stale in ((ago, True), (provider.now, False), (None, False), ("x", False)):
        provider.claims = {"auth_time": auth_time}
        async with browser(door) as client:
            way = await begin(client, provider=named)
            assert "prompt" not in parse_qs(urlsplit(way).query)
            await come_back(client, provider.log_in(way))
            me = (await client.get("/api/v1/me")).json()
            assert me["user"]["has_password"] is False
            client.headers["X-CSRF-Token"] = me["csrf"]
            answer = await client.post("/api/v1/apikeys", json={"name": f"key {auth_time}"})
            assert (answer.status_code == 403) is stale, (auth_time, answer.text)
    answer = await owner.post("/api/v1/login/sso", json={"provider": named, "anew": True})
    asked = parse_qs(urlsplit(answer.json()["url"]).query)
    assert (asked["prompt"], asked["max_age"]) == (["login"], ["0"])


async def test_a_provider_is_found_by_address(
    door: Door, owner: httpx.AsyncClient, provider: Provider
) -> None:
    await add(owner, provider)
    async with browser(door) as client:
        assert (await begin(client, email="Bob@Corp.Example")).startswith(provider.url)
        answer = await client.post("/api/v1/login/sso", json={"email": "bob@evil.example"})
        assert (answer.status_code, answer.json()["code"]) == (404, "sso.unknown")


def other_key(_: Provider) -> Any:
    key = RSAKey.generate_key(2048, {"kid": "one"})
    return lambda claims: jwt.encode({"alg": "RS256", "kid": "one"}, claims, key)


def shared_secret(provider: Provider) -> Any:
    """The provider's public key taken for a secret (RFC 8725, 2.1)."""
    secret = provider.key.as_pem(private=False)

    def signed(claims: dict[str, Any]) -> str:
        said = unsigned(claims, alg="HS256").rstrip(".")
        mac = hmac.digest(secret, said.encode(), "sha256")
        return f"{said}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"

    return signed


LIES: dict[str, dict[str, Any]] = {
    "wrong nonce": {"nonce": "another"},
    "no nonce": {"nonce": None},
    "wrong audience": {"aud": "somebody-else"},
    "several audiences": {"aud": [CLIENT, "somebody-else"]},
    "made for another": {"aud": [CLIENT, "b"], "azp": "b"},
    "other issuer": {"iss": "https://evil.example"},
    "expired": {"exp": 1},
    "never expires": {"exp": None},
    "nobody": {"sub": None},
    "other domain": {"email": "ann@evil.example"},
    "domain that looks alike": {"email": "ann@evil.example@corp.example.evil"},
    "unverified address": {"email_verified": False},
    "address said to be verified": {"email_verified": "true"},
    "no address": {"email": None},
}


@pytest.mark.parametrize("lie", LIES)
async def test_what_a_token_must_not_say(
    door: Door, owner: httpx.AsyncClient, provider: Provider, lie: str
) -> None:
    name = await add(owner, provider)
    provider.claims = LIES[lie]
    assert await attempt(door, provider, name) == "/?refused=sso.refused"


@pytest.mark.parametrize("signing", [other_key, shared_secret, lambda _: unsigned])
async def test_signatures_that_are_none(
    door: Door, owner: httpx.AsyncClient, provider: Provider, signing: Any
) -> None:
    name = await add(owner, provider)
    provider.sign = signing(provider)
    assert await attempt(door, provider, name) == "/?refused=sso.refused"


async def test_another_issuer_s_token_is_worth_nothing_here(
    door: Door, owner: httpx.AsyncClient, provider: Provider
) -> None:
    name = await add(owner, provider)
    async with running(provider.now) as evil:
        provider.sign = lambda claims: evil.signed({**claims, "iss": evil.url})
        assert await attempt(door, provider, name) == "/?refused=sso.refused"


async def test_a_way_back_is_good_once_in_one_browser_and_not_for_long(
    door: Door, owner: httpx.AsyncClient, provider: Provider
) -> None:
    name = await add(owner, provider)
    refused = "/?refused=sso.refused"
    async with browser(door) as client, browser(door) as thief:
        query = provider.log_in(await begin(client, provider=name))
        assert await come_back(thief, query) == refused, "not the browser that went"
        wrong = {**query, "state": "guess"}
        assert await come_back(client, wrong) == refused
        assert await come_back(client, query) == refused, "used up by the failure"
        query = provider.log_in(await begin(client, provider=name))
        cookies = dict(client.cookies)
        assert await come_back(client, query) == "/"
        provider.log_in(await begin(thief, provider=name))
        client.cookies.clear()
        client.cookies.update(cookies)
        assert await come_back(client, query) == refused, "replayed"
        query = provider.log_in(await begin(client, provider=name))
        door.clock.advance(601)
        assert await come_back(client, query) == refused, "late"


async def test_invited_people_keep_their_role_and_others_stay_out(
    door: Door, owner: httpx.AsyncClient, provider: Provider
) -> None:
    name = await add(owner, provider, invites_only=True)
    assert await attempt(door, provider, name) == "/?refused=sso.refused"
    new = NewUser(email="Ann@corp.example", name="Ann", role=Role.TECHNICIAN, password=PASSWORD)
    user = await door.rooms.people.add(door.ctx(), new)
    assert await attempt(door, provider, name) == "/"
    assert (await door.rooms.people.read(door.ctx(), user.id)).role is Role.TECHNICIAN
    # From now on it is the provider's name of her that counts, not the address.
    provider.claims = {"email": "ann.smith@elsewhere.example"}
    assert await attempt(door, provider, name) == "/"
    await owner.patch(f"/api/v1/users/{user.id}", json={"disabled": True})
    assert await attempt(door, provider, name) == "/?refused=login.refused"


async def test_nobody_of_another_tenant_is_vouched_for(
    door: Door, owner: httpx.AsyncClient, provider: Provider
) -> None:
    new = NewUser(email="ann@corp.example", name="Ann", role=Role.OWNER, password=PASSWORD)
    await door.rooms.people.add(door.ctx("other"), new)
    name = await add(owner, provider)
    assert await attempt(door, provider, name) == "/?refused=sso.refused"


async def test_a_claim_says_the_role_at_each_log_in(
    door: Door, owner: httpx.AsyncClient, provider: Provider
) -> None:
    roles = {"ops": "operator", "fin": "accountant"}
    name = await add(
        owner, provider, role_claim="realm_access.roles", roles=roles, default_role=None
    )
    assert await attempt(door, provider, name) == "/?refused=sso.refused", "no role, no way in"
    for said, role in ((["x", "fin"], Role.ACCOUNTANT), (["fin", "ops"], Role.OPERATOR)):
        provider.claims = {"realm_access": {"roles": said}}
        assert await attempt(door, provider, name) == "/"
        user = await door.rooms.people.find(door.ctx(), "ann@corp.example")
        assert user is not None
        assert user.role is role
    deeds = (await door.rooms.audit.list(door.ctx(), actor=f"sso:{name}")).items
    told = [(one.action, one.before, one.after) for one in reversed(deeds)]
    assert told == [
        (
            "add_user",
            "",
            '{"email": "ann@corp.example", "name": "Ann", "role": "accountant"}',
        ),
        ("change_user", '{"role": "accountant"}', '{"role": "operator"}'),
    ]
    provider.claims = {"realm_access": "nonsense"}
    assert await attempt(door, provider, name) == "/?refused=sso.refused"


async def test_a_new_key_of_the_provider_is_read_and_made_up_ones_are_not_asked_for_each_time(
    door: Door, owner: httpx.AsyncClient, provider: Provider
) -> None:
    name = await add(owner, provider)
    assert await attempt(door, provider, name) == "/"
    provider.key = RSAKey.generate_key(2048, {"kid": "two"})
    provider.sign = lambda claims: provider.signed(claims, "two")
    door.clock.advance(61)
    provider.now += 61
    assert await attempt(door, provider, name) == "/"
    provider.sign = lambda claims: provider.signed(claims, "made-up")
    assert provider.server is not None
    before = [one.path for one in provider.server.asked].count("/keys")
    for _ in range(3):
        assert await attempt(door, provider, name) == "/?refused=sso.refused"
    assert [one.path for one in provider.server.asked].count("/keys") == before


async def test_what_is_no_provider_is_not_kept(
    owner: httpx.AsyncClient, provider: Provider
) -> None:
    for changed, code in (
        ({"issuer": provider.url + "/nothing"}, "sso.invalid"),
        ({"issuer": "http://corp.example"}, "sso.invalid"),
        ({"issuer": "file:///etc/passwd"}, "sso.invalid"),
        ({"issuer": "https://10.0.0.1"}, "outbound.refused"),
        ({"domains": ["@corp"]}, "sso.invalid"),
        ({"client_secret": ""}, "sso.invalid"),
    ):
        answer = await owner.post("/api/v1/sso-providers", json=setting(provider, **changed))
        assert (answer.status_code, answer.json()["code"]) == (400, code), changed
    provider.calls_itself = "https://somebody-else.example"
    answer = await owner.post("/api/v1/sso-providers", json=setting(provider))
    assert answer.json()["code"] == "sso.invalid"
    provider.calls_itself = ""
    await add(owner, provider)
    answer = await owner.post("/api/v1/sso-providers", json=setting(provider))
    assert (answer.status_code, answer.json()["code"]) == (409, "sso.domain_taken")


async def test_a_provider_is_changed_turned_off_and_forgotten(
    door: Door, owner: httpx.AsyncClient, provider: Provider
) -> None:
    name = await add(owner, provider)
    path = f"/api/v1/sso-providers/{name}"
    changed = setting(provider, name="Corp 2", client_secret="", disabled=True)
    assert (await owner.put(path, json=changed)).json()["name"] == "Corp 2"
    async with browser(door) as client:
        answer = await client.post("/api/v1/login/sso", json={"provider": name})
        assert answer.status_code == 404
        await owner.put(path, json=setting(provider, client_secret=""))
        assert await come_back(client, provider.log_in(await begin(client, provider=name))) == "/"
    assert (await owner.delete(path)).status_code == 204
    assert (await owner.get("/api/v1/sso-providers")).json()["items"] == []


async def test_a_provider_that_is_away_or_talks_nonsense_is_told_apart_from_a_bug(
    door: Door, owner: httpx.AsyncClient, provider: Provider
) -> None:
    name = await add(owner, provider)
    began = time.monotonic()
    async with browser(door) as client:
        query = provider.log_in(await begin(client, provider=name))
        provider.codes.clear()
        assert await come_back(client, query) == "/?refused=sso.refused"
        assert await come_back(client, {"error": "access_denied"}) == "/?refused=sso.refused"
    assert time.monotonic() - began < 60
