"""Examples of what operations are asked and answer: made of the schemas, with values from here.

A field has the same value wherever it stands, so that examples belong together: the token of a
session is the one in the list of tokens. Every example fits its schema; a test holds it to that.
Knows no room and no route.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

Schema = Mapping[str, Any]

DEPTH_MAX: Final = 8
OPTIONAL_MAX: Final = 3
"""Of a request: what it must have, and so many more of what it may."""
MOMENT: Final = "2026-03-01T12:00:00Z"
JSON: Final = "application/json"
TEXT: Final = "text"
FORMS: Final[Mapping[str, str]] = {
    "date-time": MOMENT,
    "date": MOMENT[:10],
    "byte": "AAE=",
    "decimal": "12.50",
    "duration": "PT15M",
}
PATTERNED: Final = (
    "a@forecourt.example",
    "wss://csms.forecourt.example",
    "https://a.example",
    "08:00",
)
"""For texts that are bound to a pattern: one of these fits."""

_ULID: Final = "01KJH9Z4T0V8Q2M5R7W3X6Y1AB"
NAMES: Final[Mapping[str, str]] = {
    "Station": "CP-OSLO-1",
    "Session": f"ses_{_ULID}",
    "Site": "oslo-harbour",
    "Order": f"ord_{_ULID}",
    "User": f"usr_{_ULID}",
    "Key": f"key_{_ULID}",
    "Tenant": f"ten_{_ULID}",
    "Place": f"ten_{_ULID}",
    "Share": f"shr_{_ULID}",
    "Provider": f"sso_{_ULID}",
    "Passkey": f"psk_{_ULID}",
    "Browser": f"lgn_{_ULID}",
    "Webhook": f"whk_{_ULID}",
    "Delivery": "evt_48213",
    "Authority": f"aut_{_ULID}",
    "Certificate": f"crt_{_ULID}",
    "Request": f"csr_{_ULID}",
}
"""``id`` of what is called so."""

VALUES: Final[Mapping[str, object]] = {
    # Stations
    **dict.fromkeys(("station", "station_id", "subject"), "CP-OSLO-1"),
    "stations": ["CP-OSLO-1", "CP-OSLO-2"],
    "vendor": "Alpitronic",
    "model": "HYC300",
    "serial": "A-20443",
    "firmware": "2.3.1",
    "protocol": "ocpp2.0.1",
    "boot_reason": "PowerUp",
    "iccid": "89470000000000000001",
    "imsi": "242010000000001",
    "evse": 1,
    "connector": 1,
    "security_profile": 2,
    "password": "correct-horse-battery",
    "quirks": "auto",
    "certificate_name": "CP-OSLO-1",
    "state": "available",
    "connector_type": "cCCS2",
    "action": "Heartbeat",
    "direction": "in",
    "frame": '[2,"17","Heartbeat",{}]',
    "printed": "0113",
    "path": "/c/0113",
    "fix": "long-text",
    # Sites and tenants
    "site": "oslo-harbour",
    "site_id": "oslo-harbour",
    "sites": ["oslo-harbour"],
    "address": ["Havnegata 1"],
    "city": "Oslo",
    "postal_code": "0150",
    "country": "NO",
    "latitude": 59.9075,
    "longitude": 10.7561,
    "zone": "Europe/Oslo",
    "time_zone": "Europe/Oslo",
    "tenant": "default",
    "tenant_id": f"ten_{_ULID}",
    "above": "default",
    # Sessions and tokens
    "session": f"ses_{_ULID}",
    "session_id": f"ses_{_ULID}",
    "transaction": "4711",
    "energy_wh": 23_400,
    "power_w": 118_000,
    "soc_pct": 64.0,
    "export_wh": 0,
    "token": "04A2B3C4D5E680",
    "uid": "04A2B3C4D5E680",
    "label": "Anna's card",
    "group": "fleet-north",
    "token_type": "ISO14443",
    "emaid": "NO8AAC12345678X",
    "stop_reason": "EVDisconnected",
    "charging_state": "Charging",
    "currency": "NOK",
    "vat_number": "NO999999999MVA",
    "total_cost": "187.20",
    "amount": "187.20",
    # Commands and the device model
    "order_id": f"ord_{_ULID}",
    "outcome": "accepted",
    "command": "reset",
    "component": "OCPPCommCtrlr",
    "variable": "HeartbeatInterval",
    "value": "300",
    "key": "HeartbeatInterval",
    "attribute": "Actual",
    "unit": "s",
    "data_type": "integer",
    "request_id": 7,
    "stream_no": 1,
    "template_name": "HYC300",
    "profile_name": "easee",
    # People
    "name": "Anna Berg",
    "email": "anna@forecourt.example",
    "host": "hooks.example",
    "actor": f"user:usr_{_ULID}",
    "acknowledged_by": f"user:usr_{_ULID}",
    "user_id": f"usr_{_ULID}",
    "key_id": f"key_{_ULID}",
    "login_id": f"lgn_{_ULID}",
    "passkey_id": f"psk_{_ULID}",
    "share_id": f"shr_{_ULID}",
    "place": f"ten_{_ULID}",
    "agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/149.0",
    "csrf": "Vn4t9Qm2",
    "secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
    "code": "492039",
    "recovery_codes": ["7K2M-9QWX-4TFD"],
    # Single sign-on and webhooks
    "provider_id": f"sso_{_ULID}",
    "provider": f"sso_{_ULID}",
    "client_id": "forecourt",
    "issuer": "https://id.forecourt.example",
    "domains": ["forecourt.example"],
    "url": "https://hooks.example/forecourt",
    "webhook_id": f"whk_{_ULID}",
    "delivery_id": "evt_48213",
    "types": ["session.", "station.connected"],
    "description": "Our ledger",
    "type": "session.ended",
    "header_names": ["Authorization"],
    # Certificates
    "authority": f"aut_{_ULID}",
    "certificate": f"crt_{_ULID}",
    "fingerprint": "9f86d081884c7d65",
    "chain_pem": "-----BEGIN CERTIFICATE-----\nMIIB…\n-----END CERTIFICATE-----\n",
    "certificates_pem": "-----BEGIN CERTIFICATE-----\nMIIB…\n-----END CERTIFICATE-----\n",
    "certificate_pem": "-----BEGIN CERTIFICATE-----\nMIIB…\n-----END CERTIFICATE-----\n",
    "key_pem": "-----BEGIN PRIVATE KEY-----\nMIGH…\n-----END PRIVATE KEY-----\n",
    "hosts": ["csms.forecourt.example"],
    "days": 365,
    "hash_algorithm": "sha256",
    "issuer_name_hash": "9f86d081",
    "issuer_key_hash": "60303ae2",
    # Around everything
    "next": "WyItaWQiLFsiQ1AtT1NMTy0xIl1d",
    "cursor": "WyItaWQiLFsiQ1AtT1NMTy0xIl1d",
    "limit": 100,
    "q": "oslo",
    "trace": "4bf92f3577b34da6a3ce929d0e0e4736",
    "ocpp_url": "wss://csms.forecourt.example",
    "version": "0.1.0",
    "language": "en",
}


class Examples:
    """Makes examples of the schemas of one document."""

    def __init__(self, schemas: Mapping[str, Schema]) -> None:
        self._schemas = schemas

    def told(self, operation: Mapping[str, Any]) -> dict[str, Any]:
        """The operation, with an example for each parameter, its body, and what it answers."""
        found = dict(operation)
        if "parameters" in found:
            found["parameters"] = [self._parameter(one) for one in found["parameters"]]
        if "requestBody" in found:
            body = found["requestBody"]
            found["requestBody"] = {**body, "content": self._content(body["content"], asked=True)}
        found["responses"] = {
            status: {**said, "content": self._content(said["content"], asked=False)}
            if "content" in said
            else said
            for status, said in found["responses"].items()
        }
        return found

    def _parameter(self, one: Mapping[str, Any]) -> dict[str, Any]:
        value = VALUES.get(one["name"])
        if "example" in one or value is None or not self._fits(value, one["schema"]):
            return dict(one)
        return {**one, "example": value}

    def _content(self, content: Mapping[str, Any], *, asked: bool) -> dict[str, Any]:
        return {
            kind: {**said, "example": self.of(said["schema"], asked=asked)}
            if kind == JSON and "example" not in said
            else said
            for kind, said in content.items()
        }

    def of(self, schema: Schema, *, asked: bool = False, name: str = "", depth: int = 0) -> Any:
        """A value that fits: all that an answer has, or what a request (``asked``) needs."""
        schema = self._resolved(schema, deep=depth > DEPTH_MAX)
        fixed = [schema["const"]] if "const" in schema else schema.get("enum")
        value = schema.get("x-example", VALUES.get(name))
        if fixed:
            return value if value in fixed else next(one for one in (*fixed, "") if one != "")
        kind = _kind(schema)
        if kind == "object":
            return self._object(schema, asked=asked, depth=depth)
        if value is not None and self._fits(value, schema):
            return value
        if kind == "array":
            return self._array(schema, asked=asked, name=name, depth=depth)
        return _plain(kind, schema)

    def _object(self, schema: Schema, *, asked: bool, depth: int) -> dict[str, Any]:
        properties: Mapping[str, Schema] = schema.get("properties", {})
        names = list(schema.get("required", ())) if asked else list(properties)
        if asked and depth == 0:
            known = [one for one in properties if one in VALUES and one not in names]
            names += known[: max(0, OPTIONAL_MAX - len(names))]
        return {
            one: self._named(schema, one)
            or self.of(properties[one], asked=asked, name=one, depth=depth + 1)
            for one in names
            if one in properties
        }

    def _named(self, schema: Schema, field: str) -> str | None:
        """What things of this kind are called."""
        if field != "id":
            return None
        title = str(schema.get("title", ""))
        return next((value for word, value in NAMES.items() if title.startswith(word)), None)

    def _array(self, schema: Schema, *, asked: bool, name: str, depth: int) -> list[Any]:
        least = schema.get("minItems", 0)
        if depth > DEPTH_MAX and not least:
            return []
        item = self.of(
            schema.get("items", {}), asked=asked, name=name.removesuffix("s"), depth=depth + 1
        )
        return [item] * max(1, least)

    def _resolved(self, schema: Schema, *, deep: bool) -> Schema:
        """A schema behind its references; of alternatives the first that is something."""
        while True:
            if "$ref" in schema:
                schema = self._schemas[schema["$ref"].rpartition("/")[2]]
                continue
            kinds = schema.get("oneOf") or schema.get("anyOf")
            if not kinds:
                return schema
            nothing = [one for one in kinds if one.get("type") == "null"]
            chosen = nothing if deep and nothing else [one for one in kinds if one not in nothing]
            rest = {key: value for key, value in schema.items() if key not in ("oneOf", "anyOf")}
            schema = {**rest, **chosen[0]}

    def _fits(self, value: object, schema: Schema) -> bool:
        """Whether a value that is the same everywhere can stand here."""
        schema = self._resolved(schema, deep=False)
        match _kind(schema), value:
            case "string", str():
                sized = (
                    schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value))
                )
                return sized and "format" not in schema and _matches(schema, value)
            case ("integer", int()) | ("number", int() | float()):
                return bool(schema.get("minimum", value) <= value <= schema.get("maximum", value))
            case "array", list():
                items = schema.get("items", {})
                return all(self._fits(one, items) for one in value)
            case _:
                return False


def _matches(schema: Schema, value: str) -> bool:
    if "enum" in schema:
        return value in schema["enum"]
    return "pattern" not in schema or re.search(schema["pattern"], value) is not None


def _kind(schema: Schema) -> str:
    """Its type; of several the first that is something."""
    kinds = schema.get("type", "object" if "properties" in schema else "")
    if isinstance(kinds, str):
        return kinds
    return str(next((one for one in kinds if one != "null"), "null"))


def _plain(kind: str, schema: Schema) -> Any:
    """The least that fits."""
    match kind:
        case "string":
            return _text(schema)
        case "integer":
            return int(max(schema.get("minimum", 1), schema.get("exclusiveMinimum", 0) + 1))
        case "number":
            return float(max(schema.get("minimum", 1.0), schema.get("exclusiveMinimum", 0) + 1))
        case "boolean":
            return False
        case "null":
            return None
        case _:
            return {}


def _text(schema: Schema) -> str:
    shown = FORMS.get(schema.get("format", ""))
    if shown is not None:
        return shown
    made = (TEXT, *PATTERNED, "x" * schema.get("minLength", 0))
    least, most = schema.get("minLength", 0), schema.get("maxLength", len(max(made, key=len)))
    fitting = (one for one in made if least <= len(one) <= most and _matches(schema, one))
    return next(fitting, "")
