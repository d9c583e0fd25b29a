"""What is kept of a command: all but its secrets."""

import msgspec
import pytest

from forecourt.domain.stations import (
    Apn,
    Ask,
    GetLog,
    Raw,
    Reset,
    SetNetworkProfile,
    SetVariables,
    VariableValue,
    Vpn,
    holds_secret,
    recorded,
)

SECRET = "do-not-keep-me"
WITH_SECRETS: list[Ask] = [
    SetNetworkProfile(slot=1, url="wss://x.example", security_profile=1, password=SECRET),
    SetNetworkProfile(
        slot=1,
        url="wss://x.example",
        security_profile=1,
        apn=Apn(apn="internet", apn_authentication="PAP", apn_password=SECRET),
        vpn=Vpn(server="s", user="u", password=SECRET, key=SECRET, type="IPSec"),
    ),
    SetVariables(
        variables=(
            VariableValue(variable="HeartbeatInterval", value="60"),
            VariableValue(variable="authorizationKey ", value=SECRET),
        )
    ),
    GetLog(location=f"ftp://me:{SECRET}@files.example/up"),
    Raw(action="ChangeConfiguration", payload={"key": "AuthorizationKey", "value": SECRET}),
    Raw(
        action="SetVariables",
        payload={
            "setVariableData": [
                {
                    "component": {"name": "SecurityCtrlr"},
                    "variable": {"name": "BasicAuthPassword"},
                    "attributeValue": SECRET,
                }
            ]
        },
    ),
    Raw(
        action="SetNetworkProfile",
        payload={"connectionData": {"vpn": {"key": SECRET}, "basicAuthPassword": SECRET}},
    ),
]


@pytest.mark.parametrize("command", WITH_SECRETS)
def test_a_secret_is_not_kept(command: Ask) -> None:
    kept = msgspec.json.encode(recorded(command)).decode()
    assert SECRET in msgspec.json.encode(command).decode()
    assert SECRET not in kept
    assert holds_secret(command)


@pytest.mark.parametrize(
    "command",
    [
        Reset(mode="hard"),
        GetLog(location="https://files.example/a@b"),
        SetVariables(variables=(VariableValue(variable="HeartbeatInterval", value="60"),)),
        SetNetworkProfile(slot=1, url="wss://x.example", security_profile=1),
    ],
)
def test_all_else_is(command: Ask) -> None:
    assert recorded(command) == msgspec.to_builtins(command)
    assert not holds_secret(command)
