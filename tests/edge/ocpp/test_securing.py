"""New passwords and higher security profiles, over a station's own line."""

import asyncio
import json
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey as PrivateKey
from msgspec.structs import replace

from forecourt.base.ids import StationId
from forecourt.domain.stations import (
    Outcome,
    PasswordNeeded,
    SecurityDowngrade,
    SetVariables,
    Upgrade,
    VariableValue,
    Way,
)
from tests.edge.ocpp.house import IN_THE_HOUSE, SUBPROTOCOLS, Yard, a_yard, until
from tests.edge.ocpp.wire import Refused, Wire, basic
from tests.fixtures.certificates import Ca
from tests.fixtures.pki import csr_pem, key_pem, new_key

pytestmark = [IN_THE_HOUSE, pytest.mark.storage]

OLD = b"the old password, long and random"
versions = pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])


async def come_in(yard: Yard, name: str, password: bytes | None, version: str = "1.6") -> Wire:
    headers = None if password is None else basic(name, password)
    return await yard.open(f"/{name}", offers=[SUBPROTOCOLS[version]], headers=headers)


async def refused(yard: Yard, name: str, password: bytes | None) -> int:
    with pytest.raises(Refused) as told:
        await come_in(yard, name, password)
    return told.value.status


async def given(wire: Wire, version: str) -> tuple[str, str]:
    """The message by which a station is given a password, and that password."""
    if version == "1.6":
        message_id, payload = await wire.asked("ChangeConfiguration")
        assert payload["key"] == "AuthorizationKey"
        return message_id, payload["value"]
    message_id, payload = await wire.asked("SetVariables")
    [data] = payload["setVariableData"]
    assert data["component"]["name"] == "SecurityCtrlr"
    assert data["variable"]["name"] == "BasicAuthPassword"
    return message_id, data["attributeValue"]


def says(wire: Wire, message_id: str, word: str, version: str) -> None:
    """The station's answer to that."""
    if version == "1.6":
        wire.answer(message_id, {"status": word})
        return
    result = {
        "attributeStatus": word,
        "component": {"name": "SecurityCtrlr"},
        "variable": {"name": "BasicAuthPassword"},
    }
    wire.answer(message_id, {"setVariableResult": [result]})


async def rotated(yard: Yard, name: StationId, wire: Wire, word: str, version: str) -> str:
    """Have a password rotated; the station says ``word`` to it."""
    async with asyncio.TaskGroup() as tasks:
        asking = tasks.create_task(yard.rooms.stations.securing.rotate_password(yard.ctx, name))
        message_id, secret = await given(wire, version)
        says(wire, message_id, word, version)
    accepted = word in {"Accepted", "RebootRequired"}
    assert (asking.result().outcome is Outcome.ACCEPTED) is accepted
    return secret


@versions
async def test_old_and_new_are_good_until_the_new_one_was_used(yard: Yard, version: str) -> None:
    name = await yard.add(password=OLD)
    wire = await come_in(yard, name, OLD, version)
    await yard.boot(wire, version)
    secret = await rotated(yard, name, wire, "Accepted", version)
    assert len(bytes.fromhex(secret)) == 20
    assert (await wire.call("Heartbeat", {}))["currentTime"], "the line that was up stays up"
    await (await come_in(yard, name, OLD, version)).close()
    station, _ = await yard.rooms.stations.read(yard.ctx, name)
    assert station.password_changing
    # In the other form, too: as the key that these digits stand for.
    wire = await come_in(yard, name, bytes.fromhex(secret), version)
    await until(lambda: yard.gateway._doors[name].password_next is None)
    await wire.close()
    assert await refused(yard, name, OLD) == 401
    await (await come_in(yard, name, secret.encode(), version)).close()
    [_] = await yard.events(name, "station.password_changed")
    kept = await yard.rows("SELECT * FROM commands WHERE station_id = $1", name)
    told = await yard.rows("SELECT frame FROM messages WHERE station_id = $1", name)
    assert kept
    assert secret not in str(kept) + str(told)


@versions
async def test_who_says_no_keeps_the_old_one(yard: Yard, version: str) -> None:
    name = await yard.add(password=OLD)
    wire = await come_in(yard, name, OLD, version)
    await yard.boot(wire, version)
    secret = await rotated(yard, name, wire, "Rejected", version)
    await until(lambda: yard.gateway._doors[name].password_next is None)
    assert await refused(yard, name, secret.encode()) == 401
    await (await come_in(yard, name, OLD, version)).close()


async def test_who_goes_away_without_a_word_may_have_either(yard: Yard) -> None:
    name = await yard.add(password=OLD)
    wire = await come_in(yard, name, OLD)
    await yard.boot(wire)
    async with asyncio.TaskGroup() as tasks:
        asking = tasks.create_task(yard.rooms.stations.securing.rotate_password(yard.ctx, name))
        _, secret = await given(wire, "1.6")
        await wire.close(None)
    assert asking.result().outcome is Outcome.DISCONNECTED
    await (await come_in(yard, name, OLD)).close()
    await (await come_in(yard, name, secret.encode())).close()


async def test_a_password_that_is_set_by_hand_is_learnt_as_well(yard: Yard) -> None:
    name = await yard.add(password=OLD)
    wire = await come_in(yard, name, OLD)
    await yard.boot(wire)
    secret = "chosen by hand, and long"
    value = VariableValue(component="SecurityCtrlr", variable="BasicAuthPassword", value=secret)
    async with asyncio.TaskGroup() as tasks:
        command = SetVariables(variables=(value,))
        tasks.create_task(yard.rooms.stations.command(yard.ctx, name, command))
        message_id, _ = await given(wire, "1.6")
        says(wire, message_id, "Accepted", "1.6")
    await (await come_in(yard, name, secret.encode())).close()


async def test_a_station_without_a_password_gets_its_first(yard: Yard) -> None:
    name = await yard.add()
    wire = await come_in(yard, name, None)
    await yard.boot(wire)
    secret = await rotated(yard, name, wire, "Accepted", "1.6")
    await (await come_in(yard, name, None)).close()
    wire = await come_in(yard, name, secret.encode())
    await until(lambda: yard.gateway._doors[name].password is not None)
    await wire.close()
    assert await refused(yard, name, None) == 401
    station, _ = await yard.rooms.stations.read(yard.ctx, name)
    assert (station.security_profile, station.profile_used) == (1, 1)


async def test_a_password_can_be_taken_away_where_none_is_needed(yard: Yard) -> None:
    name = await yard.add(password=OLD)
    change = yard.rooms.stations.change
    with pytest.raises(PasswordNeeded):
        await change(yard.ctx, name, no_password=True)
    with pytest.raises(SecurityDowngrade):
        await change(yard.ctx, name, no_password=True, security_profile=0)
    await change(yard.ctx, name, no_password=True, security_profile=0, lower=True)
    await until(lambda: yard.gateway._doors[name].password is None)
    await (await come_in(yard, name, None)).close()
    with pytest.raises(PasswordNeeded):
        await change(yard.ctx, name, security_profile=2)
    await change(yard.ctx, name, security_profile=3)
    await until(lambda: yard.gateway._doors[name].security_profile == 3)
    assert await refused(yard, name, None) == 403


async def test_rotation_outlives_the_house(database_url: str, tmp_path: Path) -> None:
    async with a_yard(database_url, tmp_path) as yard:
        name = await yard.add(password=OLD)
        wire = await come_in(yard, name, OLD)
        await yard.boot(wire)
        secret = (await rotated(yard, name, wire, "Accepted", "1.6")).encode()
    async with a_yard(database_url, tmp_path) as yard:
        await (await come_in(yard, name, OLD)).close()
        await come_in(yard, name, secret)
        await until(lambda: yard.gateway._doors[name].password_next is None)
    async with a_yard(database_url, tmp_path) as yard:
        assert await refused(yard, name, OLD) == 401
        await (await come_in(yard, name, secret)).close()


# ---- higher profiles --------------------------------------------------------------------------


@asynccontextmanager
async def secure(database_url: str, folder: Path) -> AsyncGenerator[tuple[Yard, Ca]]:
    """A house with a port for TLS."""
    ca = Ca(folder / "ca")
    pair = ca.server()
    async with a_yard(
        database_url,
        folder,
        ocpp_tls_port=0,
        tls_cert=pair.cert,
        tls_key=pair.key,
        tls_client_ca=ca.file,
    ) as yard:
        yield yard, ca


async def by_tls(
    yard: Yard, ca: Ca, name: str, version: str, *, password: bytes | None, profile: int
) -> Wire:
    """The station comes back by the higher profile."""
    pair = ca.station(name) if profile == 3 else None
    assert yard.house.ocpp_tls_url is not None
    wire = await Wire.open(
        yard.house.ocpp_tls_url,
        f"/{name}",
        offers=[SUBPROTOCOLS[version]],
        headers=basic(name, password) if password else None,
        tls=ca.client(pair),
    )
    yard._wires.append(wire)
    await until(lambda: yard.gateway._doors[StationId(name)].security_profile == profile)
    return wire


def names(upgrade: Upgrade) -> list[str]:
    """The steps that were done."""
    return [step.name for step in upgrade.steps if step.answer is not None]


async def triggered(wire: Wire, version: str) -> None:
    """It is told to ask for a certificate, and says that it will."""
    if version == "1.6":
        message_id, payload = await wire.asked("ExtendedTriggerMessage")
        assert payload == {"requestedMessage": "SignChargePointCertificate"}
    else:
        message_id, payload = await wire.asked("TriggerMessage")
        assert payload == {"requestedMessage": "SignChargingStationCertificate"}
    wire.answer(message_id, {"status": "Accepted"})


async def asks_for_a_certificate(
    wire: Wire, name: str, version: str, *, word: str = "Accepted"
) -> tuple[PrivateKey, str]:
    """Told to, a station asks for its certificate, and says ``word`` to it: its key, the chain."""
    await triggered(wire, version)
    key = new_key()
    assert (await wire.call("SignCertificate", {"csr": csr_pem(name, key=key)}))["status"] == (
        "Accepted"
    )
    message_id, payload = await wire.asked("CertificateSigned")
    wire.answer(message_id, {"status": word})
    return key, payload["certificateChain"]


async def takes_the_root(wire: Wire, version: str, word: str = "Accepted") -> str:
    message_id, payload = await wire.asked("InstallCertificate")
    whose = "CentralSystem" if version == "1.6" else "CSMS"
    assert payload["certificateType"] == f"{whose}RootCertificate"
    wire.answer(message_id, {"status": word})
    return str(payload["certificate"])


async def is_told_the_way(wire: Wire, version: str) -> None:
    """The rest of an upgrade: where to come in, and by which profile."""
    if version == "1.6":
        message_id, payload = await wire.asked("ChangeConfiguration")
        assert payload == {"key": "SecurityProfile", "value": "3"}
        wire.answer(message_id, {"status": "Accepted"})
        return
    message_id, _ = await wire.asked("SetNetworkProfile")
    wire.answer(message_id, {"status": "Accepted"})
    message_id, payload = await wire.asked("SetVariables")
    [wanted] = payload["setVariableData"]
    result = {"attributeStatus": "Accepted"} | {k: wanted[k] for k in ("component", "variable")}
    wire.answer(message_id, {"setVariableResult": [result]})
    message_id, _ = await wire.asked("Reset")
    wire.answer(message_id, {"status": "Accepted"})


@versions
async def test_a_bare_station_is_given_all_that_profile_3_needs(
    database_url: str, tmp_path: Path, version: str
) -> None:
    """By its plain line it gets our root and a certificate of its own; it comes back by those."""
    async with a_yard(database_url, tmp_path, ocpp_tls_port=0) as yard:
        name = await yard.add(password=OLD)
        wire = await come_in(yard, name, OLD, version)
        await yard.boot(wire, version)
        securing, way = yard.rooms.stations.securing, Way(url="wss://example.com/ocpp")
        async with asyncio.TaskGroup() as tasks:
            asking = tasks.create_task(securing.upgrade(yard.ctx, name, 3, way))
            root = await takes_the_root(wire, version)
            key, chain = await asks_for_a_certificate(wire, name, version)
            await is_told_the_way(wire, version)
        assert names(asking.result())[:2] == ["root", "certificate"]
        again = await securing.plan_upgrade(yard.ctx, name, 3, way)
        assert [step.name for step in again.steps if step.command is None] == [
            *("root", "certificate", "return"),
        ], "what it has it is not given again"
        await wire.close()

        files = {"root.pem": root, "chain.pem": chain, "key.pem": key_pem(key)}
        for file, text in files.items():
            (tmp_path / file).write_text(text)
        context = ssl.create_default_context(cafile=str(tmp_path / "root.pem"))
        context.load_cert_chain(tmp_path / "chain.pem", tmp_path / "key.pem")
        assert yard.house.ocpp_tls_url is not None
        secured = await Wire.open(
            yard.house.ocpp_tls_url, f"/{name}", offers=[SUBPROTOCOLS[version]], tls=context
        )
        yard._wires.append(secured)
        await until(lambda: yard.gateway._doors[name].security_profile == 3)
        assert (await yard.boot(secured, version))["status"] == "Accepted"
        assert await refused(yard, name, OLD) == 403


@pytest.mark.parametrize("at", ["root", "silence", "certificate"])
async def test_who_lacks_a_certificate_is_not_sent_away(
    database_url: str, tmp_path: Path, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not take the root, never asks, or does not take what was signed: all stays as is."""
    async with a_yard(database_url, tmp_path, ocpp_tls_port=0) as yard:
        name = await yard.add(password=OLD)
        wire = await come_in(yard, name, OLD)
        await yard.boot(wire)
        securing = yard.rooms.stations.securing
        assert securing._vouching is not None
        monkeypatch.setattr(securing, "_vouching", replace(securing._vouching, within_s=2))
        async with asyncio.TaskGroup() as tasks:
            way = Way(url="wss://example.com/ocpp")
            asking = tasks.create_task(securing.upgrade(yard.ctx, name, 3, way))
            await takes_the_root(wire, "1.6", "Rejected" if at == "root" else "Accepted")
            if at == "silence":
                await triggered(wire, "1.6")
            elif at == "certificate":
                await asks_for_a_certificate(wire, name, "1.6", word="Rejected")
        last = [step for step in asking.result().steps if step.answer is not None][-1]
        assert last.answer is not None
        assert last.answer.outcome in {Outcome.REJECTED, Outcome.FAILED}
        if at != "root":
            wanted = {"silence": "did not ask", "certificate": "request is rejected"}[at]
            assert wanted in last.answer.reason
        assert await wire.silent()
        station, _ = await yard.rooms.stations.read(yard.ctx, name)
        assert (station.security_profile, station.profile_wanted) == (1, None)


@pytest.mark.parametrize("profile", [2, 3])
async def test_a_station_of_1_6_is_told_its_profile(
    database_url: str, tmp_path: Path, profile: int
) -> None:
    """1.6 security A05."""
    async with secure(database_url, tmp_path) as (yard, ca):
        name = await yard.add(password=OLD)
        wire = await come_in(yard, name, OLD)
        await yard.boot(wire)
        way = Way(url="wss://example.com/ocpp")
        planned = await yard.rooms.stations.securing.plan_upgrade(yard.ctx, name, profile, way)
        assert planned.steps[-1].name == "return"
        assert all(step.because for step in planned.steps)
        assert await wire.silent(), "a plan asks nothing"
        async with asyncio.TaskGroup() as tasks:
            asking = tasks.create_task(
                yard.rooms.stations.securing.upgrade(yard.ctx, name, profile, way)
            )
            if profile == 3:
                await asks_for_a_certificate(wire, name, "1.6")
            message_id, payload = await wire.asked("ChangeConfiguration")
            assert payload == {"key": "SecurityProfile", "value": str(profile)}
            wire.answer(message_id, {"status": "Accepted"})
        assert names(asking.result()) == ["profile"] if profile == 2 else ["certificate", "profile"]
        await wire.close()
        # It cannot, and falls back: it must still be let in.
        await (await come_in(yard, name, OLD)).close()
        await by_tls(yard, ca, name, "1.6", password=OLD if profile == 2 else None, profile=profile)
        assert await refused(yard, name, OLD) == 403
        [event] = await yard.events(name, "station.secured")
        body = json.loads(event["body"])
        assert (body["before"], body["profile"]) == (1, profile)
        station, _ = await yard.rooms.stations.read(yard.ctx, name)
        assert station.profile_wanted is None


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
async def test_a_station_of_2_x_is_given_a_network_profile(
    database_url: str, tmp_path: Path, version: str
) -> None:
    """2.0.1 A05, B09, B10: TC_A_19_CSMS."""
    async with secure(database_url, tmp_path) as (yard, ca):
        name = await yard.add(password=OLD)
        wire = await come_in(yard, name, OLD, version)
        await yard.boot(wire, version)
        way = Way(url="wss://example.com/ocpp", slot=2, interface="Wireless0")
        async with asyncio.TaskGroup() as tasks:
            asking = tasks.create_task(yard.rooms.stations.securing.upgrade(yard.ctx, name, 2, way))
            message_id, payload = await wire.asked("SetNetworkProfile")
            assert payload["configurationSlot"] == 2
            data = payload["connectionData"]
            assert (data["securityProfile"], data["ocppTransport"]) == (2, "JSON")
            assert data["ocppCsmsUrl"] == "wss://example.com/ocpp"
            assert data["ocppInterface"] == "Wireless0"
            assert data["ocppVersion"] == ("OCPP20" if version == "2.0.1" else "OCPP21")
            wire.answer(message_id, {"status": "Accepted"})
            message_id, payload = await wire.asked("SetVariables")
            [wanted] = payload["setVariableData"]
            assert wanted["component"]["name"] == "OCPPCommCtrlr"
            assert wanted["variable"]["name"] == "NetworkConfigurationPriority"
            assert wanted["attributeValue"].split(",")[0] == "2"
            result: dict[str, Any] = {
                "attributeStatus": "RebootRequired",
                "component": wanted["component"],
                "variable": wanted["variable"],
            }
            wire.answer(message_id, {"setVariableResult": [result]})
            message_id, payload = await wire.asked("Reset")
            assert payload["type"] == "OnIdle"
            wire.answer(message_id, {"status": "Accepted"})
        assert names(asking.result()) == ["network_profile", "priority", "reset"]
        await wire.close()
        await by_tls(yard, ca, name, version, password=OLD, profile=2)
        assert await refused(yard, name, OLD) == 403


async def test_who_says_no_stays_where_it_is(database_url: str, tmp_path: Path) -> None:
    async with secure(database_url, tmp_path) as (yard, ca):
        name = await yard.add(password=OLD)
        wire = await come_in(yard, name, OLD, "2.0.1")
        await yard.boot(wire, "2.0.1")
        way = Way(url="wss://example.com/ocpp")
        async with asyncio.TaskGroup() as tasks:
            asking = tasks.create_task(yard.rooms.stations.securing.upgrade(yard.ctx, name, 2, way))
            message_id, _ = await wire.asked("SetNetworkProfile")
            wire.answer(message_id, {"status": "Rejected"})
        assert names(asking.result()) == ["network_profile"]
        assert await wire.silent()
        station, _ = await yard.rooms.stations.read(yard.ctx, name)
        assert (station.security_profile, station.profile_wanted) == (1, None)
        # By TLS all the same, of its own accord: good, and nothing rises by that.
        assert yard.house.ocpp_tls_url is not None
        higher = await Wire.open(
            yard.house.ocpp_tls_url,
            f"/{name}",
            offers=["ocpp2.0.1"],
            headers=basic(name, OLD),
            tls=ca.client(),
        )
        assert (await yard.boot(higher, "2.0.1"))["status"] == "Accepted"
        # Asked for what it has: held to it from now on, and not to less.
        done = await yard.rooms.stations.securing.upgrade(yard.ctx, name, 2, way)
        assert [step.name for step in done.steps] == ["hold"]
        await until(lambda: yard.gateway._doors[name].security_profile == 2)
        with pytest.raises(SecurityDowngrade):
            await yard.rooms.stations.securing.upgrade(yard.ctx, name, 1, way)
        with pytest.raises(SecurityDowngrade):
            await yard.rooms.stations.change(yard.ctx, name, security_profile=1)
        await higher.close()
