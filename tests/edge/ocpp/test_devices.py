"""The device model over true sockets: told, drifted, applied, and as it shall be; each version."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio
from msgspec.structs import replace

from forecourt.base.clock import ManualClock
from forecourt.domain.devices import (
    Network,
    State,
    Step,
    ValueInvalid,
    spelt,
)
from forecourt.domain.stations import (
    GetVariables,
    Outcome,
    SetVariables,
    VariableName,
    VariableValue,
)
from tests.edge.ocpp.house import IN_THE_HOUSE, Yard, a_yard
from tests.edge.ocpp.pliant import Entry
from tests.edge.ocpp.upkeep import (
    BEAT,
    FETCH,
    LOOKS_EVERY_S,
    a_station,
    entries,
    eventually,
    known,
    stands,
    template,
    values,
)

pytestmark = [IN_THE_HOUSE, pytest.mark.storage, pytest.mark.usefixtures("watchful")]
VERSIONS: Final = ("1.6", "2.0.1", "2.1")
versions = pytest.mark.parametrize("version", VERSIONS)
WRITE: Final = ("ChangeConfiguration", "SetVariables")
PRIORITY: Final = "OCPPCommCtrlr.NetworkConfigurationPriority"
NOW: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def eager(
    database_server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Yard]:
    """A house whose caretaker does not wait after a boot."""
    from tests.fixtures.database import database, on_database  # noqa: PLC0415 (beside its use)

    with database(database_server_url, f"TEMPLATE {template}") as name:
        url = on_database(database_server_url, name)
        folder = tmp_path_factory.mktemp("eager")
        async with a_yard(url, folder, upkeep_after_boot_s=0) as yard:
            yield yard


class TestFromReportToConformity:
    @versions
    async def test_told_drifted_applied_as_it_shall_be(self, eager: Yard, version: str) -> None:
        devices = eager.rooms.devices
        async with a_station(eager, version) as (name, station):
            station.boot()
            await eventually(lambda: known(eager, name))
            assert station.count(*FETCH) == 1
            told = await values(eager, name)
            assert told[BEAT] == "300"
            assert told["SecurityCtrlr.BasicAuthPassword"] is None, "a secret is not kept"
            lamp = "AcmeLamp" if version == "1.6" else "Acme.Lamp"
            assert told[lamp] == "on"

            # By the name of 2.x for one, by the key of 1.6 for another, whatever it speaks.
            await devices.add_template(
                eager.ctx,
                template(
                    name,
                    (BEAT, "60"),
                    ("StopTransactionOnInvalidId", "true"),
                    ("ResetRetries", "01"),
                ),
            )
            await stands(eager, name, State.DRIFTED)
            (event,) = await eager.events(name, "station.drifted")
            assert "TxCtrlr.StopTxOnInvalidId" in event["body"]
            assert "ResetRetries" not in event["body"]
            assert station.count(*WRITE) == 0, "nobody said that it shall be set by itself"

            plan, done = await devices.apply(eager.ctx, name, dry_run=True)
            assert [line.step for line in plan.lines] == [Step.SET, Step.SET, Step.ALREADY]
            assert not done
            plan, done = await devices.apply(eager.ctx, name)
            assert [each.outcome for each in done] == [Outcome.ACCEPTED] * 2
            await stands(eager, name, State.CONFORMS)
            assert len(await eager.events(name, "station.conforms")) == 1
            assert station.entries[0].value == "60"
            assert station.count(*WRITE) == 2

            plan, done = await devices.apply(eager.ctx, name)
            assert (plan.state, list(done)) == (State.CONFORMS, [])
            assert station.count(*WRITE) == 2

    @versions
    async def test_by_itself_after_a_boot_and_only_once(self, eager: Yard, version: str) -> None:
        async with a_station(eager, version) as (name, station):
            made = template(name, (BEAT, "60"), auto=True)
            await eager.rooms.devices.add_template(eager.ctx, made)
            station.boot()
            await stands(eager, name, State.CONFORMS)
            assert (station.count(*FETCH), station.count(*WRITE)) == (1, 1)

            station.boot()
            looked = "SELECT checked_at FROM upkeep WHERE station_id = $1"
            before = await eager.value(looked, name)

            async def again() -> bool:
                return bool(await eager.value(looked, name) > before)

            await eventually(again)
            assert (station.count(*FETCH), station.count(*WRITE)) == (1, 1)

            station.boot(firmware="2.0")

            async def twice() -> bool:
                return station.count(*FETCH) == 2

            await eventually(twice)

    @versions
    async def test_somebody_changed_it_on_site(self, eager: Yard, version: str) -> None:
        """Whoever sets it otherwise is seen, and set right."""
        async with a_station(eager, version) as (name, station):
            station.boot()
            await eventually(lambda: known(eager, name))
            made = template(name, (BEAT, "300"), auto=True)
            await eager.rooms.devices.add_template(eager.ctx, made)
            await stands(eager, name, State.CONFORMS)
            value = VariableValue(
                component="OCPPCommCtrlr", variable="HeartbeatInterval", value="30"
            )
            await eager.rooms.stations.command(eager.ctx, name, SetVariables(variables=(value,)))

            async def right_again() -> bool:
                return len(await eager.events(name, "station.conforms")) == 2

            await eventually(right_again)
            assert station.entries[0].value == "300"
            assert station.count(*WRITE) == 2


class TestStationsThatDoNot:
    @versions
    async def test_refused_is_not_asked_again_at_once(self, eager: Yard, version: str) -> None:
        of = entries()
        of[0].on_write = "Rejected"
        async with a_station(eager, version, of) as (name, station):
            made = template(name, (BEAT, "60"), auto=True)
            await eager.rooms.devices.add_template(eager.ctx, made)
            station.boot()

            async def refused() -> bool:
                standing = await eager.rooms.devices.standing(eager.ctx, name)
                return standing.plan.next_try is not None

            await eventually(refused)
            await asyncio.sleep(20 * LOOKS_EVERY_S)
            assert station.count(*WRITE) == 1
            standing = await eager.rooms.devices.standing(eager.ctx, name)
            (line,) = standing.plan.lines
            assert (line.step, standing.plan.state) == (Step.WAITING, State.DRIFTED)
            assert "Rejected" in line.because

            # Somebody who asks is not put off.
            of[0].on_write = "Accepted"
            _, done = await eager.rooms.devices.apply(eager.ctx, name)
            assert [each.outcome for each in done] == [Outcome.ACCEPTED]
            await stands(eager, name, State.CONFORMS)

    @versions
    async def test_what_needs_a_reboot_is_set_and_waits_for_it(
        self, eager: Yard, version: str
    ) -> None:
        of = entries()
        of[0].on_write = "RebootRequired"
        async with a_station(eager, version, of) as (name, station):
            made = template(name, (BEAT, "60"), ("ResetRetries", "1"), auto=True)
            await eager.rooms.devices.add_template(eager.ctx, made)
            station.boot()
            await stands(eager, name, State.REBOOT_NEEDED)
            standing = await eager.rooms.devices.standing(eager.ctx, name)
            assert [line.step for line in standing.plan.lines] == [Step.REBOOT, Step.ALREADY]
            station.boot()
            await stands(eager, name, State.CONFORMS)
            assert station.count(*WRITE) == 1

    @versions
    async def test_read_only_unknown_and_out_of_bounds_are_not_asked(
        self, eager: Yard, version: str
    ) -> None:
        async with a_station(eager, version) as (name, station):
            made = template(
                name,
                ("SmartChargingCtrlr.ProfileStackLevel", "3"),
                ("Moon.Phase", "new"),
                (BEAT, "-1" if version == "1.6" else "901"),
                auto=True,
            )
            if version == "1.6":
                # Its keys have no characteristics; the standards say that it is not negative.
                made = template(name, *((spelt(w), w.value) for w in made.values[:2]), auto=True)
            await eager.rooms.devices.add_template(eager.ctx, made)
            station.boot()
            await stands(eager, name, State.DRIFTED)
            standing = await eager.rooms.devices.standing(eager.ctx, name)
            steps = [line.step for line in standing.plan.lines]
            assert steps == [Step.READ_ONLY, Step.UNKNOWN, Step.INVALID][: len(steps)]
            assert station.count(*WRITE) == 0

    @versions
    async def test_what_a_whole_report_does_not_name_is_gone(
        self, eager: Yard, version: str
    ) -> None:
        async with a_station(eager, version) as (name, station):
            station.boot()
            await eventually(lambda: known(eager, name))
            made = template(name, ("ResetRetries", "1"))
            await eager.rooms.devices.add_template(eager.ctx, made)
            await stands(eager, name, State.CONFORMS)
            station.entries = [e for e in station.entries if e.key != "ResetRetries"]
            station.boot(firmware="2.0")
            await stands(eager, name, State.DRIFTED)
            assert "OCPPCommCtrlr.ResetRetries" not in await values(eager, name)
            assert "OCPPCommCtrlr.ResetRetries" in await values(eager, name, gone=True)
            body = (await eager.events(name, "station.model_reported"))[-1]["body"]
            assert '"gone":1' in body


class TestNetworks:
    @pytest.mark.parametrize("version", ["2.0.1", "2.1"])
    async def test_a_slot_is_filled_before_the_priority_names_it(
        self, eager: Yard, version: str
    ) -> None:
        of = entries()
        of[4] = Entry(PRIORITY, "0", kind="SequenceList", more=(("valuesList", "0,1,2"),))
        async with a_station(eager, version, of) as (name, station):
            network = Network(slot=2, url="wss://csms.example/ocpp", security_profile=2)
            made = replace(template(name, (PRIORITY, "2,0"), auto=True), networks=(network,))
            await eager.rooms.devices.add_template(eager.ctx, made)
            station.boot()
            await stands(eager, name, State.CONFORMS)
            assert station.asked[-2:] == ["SetNetworkProfile", "SetVariables"]
            told = station.networks[2]
            assert told["ocppCsmsUrl"] == "wss://csms.example/ocpp"
            assert (told["securityProfile"], of[4].value) == (2, "2,0")
            ((given, _),) = await eager.rooms.devices.networks(eager.ctx, name)
            assert (given.slot, given.url) == (2, network.url)

            other = replace(made, networks=(replace(network, url="wss://other.example/"),))
            await eager.rooms.devices.save_template(eager.ctx, other)

            async def filled() -> bool:
                return bool(station.networks[2]["ocppCsmsUrl"] == "wss://other.example/")

            await eventually(filled)
            await stands(eager, name, State.CONFORMS)
            assert station.count("SetNetworkProfile") == 2
            assert station.count("SetVariables") == 1


class TestNames:
    async def test_1_6_is_read_and_written_by_the_names_of_2_x(self, eager: Yard) -> None:
        async with a_station(eager, "1.6") as (name, station):
            station.boot()
            await eventually(lambda: known(eager, name))
            ask = eager.rooms.stations.command
            read = await ask(
                eager.ctx,
                name,
                GetVariables(
                    variables=(
                        VariableName(component="TxCtrlr", variable="StopTxOnInvalidId"),
                        VariableName(variable="ResetRetries"),
                    )
                ),
            )
            assert [(v.component, v.variable, v.value) for v in read.variables] == [
                ("TxCtrlr", "StopTxOnInvalidId", "false"),
                ("", "ResetRetries", "1"),
            ]
            new = VariableValue(component="OCPPCommCtrlr", variable="ResetRetries", value="2")
            other = VariableValue(variable="AcmeLamp", value="off")
            written = await ask(eager.ctx, name, SetVariables(variables=(new, other)))
            assert written.outcome is Outcome.ACCEPTED
            assert (station.entries[4].value, station.entries[6].value) == ("2", "off")
            for strange in (
                VariableValue(component="Moon", variable="Phase", value="new"),
                VariableValue(
                    component="OCPPCommCtrlr", variable="ResetRetries", evse=1, value="2"
                ),
                VariableValue(
                    component="OCPPCommCtrlr",
                    variable="ResetRetries",
                    attribute="MaxSet",
                    value="2",
                ),
            ):
                none = await ask(eager.ctx, name, SetVariables(variables=(new, strange)))
                assert none.outcome is Outcome.UNSUPPORTED
                assert "1.6 has no key" in none.reason
            assert station.count(*WRITE) == 2, "all or nothing"

    @pytest.mark.parametrize("version", ["2.0.1", "2.1"])
    async def test_2_x_is_read_and_written_by_the_keys_of_1_6(
        self, eager: Yard, version: str
    ) -> None:
        async with a_station(eager, version) as (name, station):
            station.boot()
            await eventually(lambda: known(eager, name))
            ask = eager.rooms.stations.command
            named = VariableName(variable="resetretries")
            read = await ask(eager.ctx, name, GetVariables(variables=(named,)))
            assert [(v.component, v.variable, v.value) for v in read.variables] == [
                ("OCPPCommCtrlr", "ResetRetries", "1")
            ]
            new = VariableValue(variable="ResetRetries", value="2")
            written = await ask(eager.ctx, name, SetVariables(variables=(new,)))
            assert written.outcome is Outcome.ACCEPTED
            assert station.entries[4].value == "2"
            for key, why in (
                ("NumberOfConnectors", "component for each connector"),
                ("LocalAuthListMaxLength", "limit of LocalAuthListCtrlr.Entries"),
                ("AcmeLamp", "of which"),
            ):
                none = await ask(
                    eager.ctx, name, GetVariables(variables=(VariableName(variable=key),))
                )
                assert none.outcome is Outcome.UNSUPPORTED
                assert why in none.reason
            assert await values(eager, name, variable="ResetRetries") == {
                "OCPPCommCtrlr.ResetRetries": "2"
            }

    @pytest.mark.parametrize("version", ["2.0.1", "2.1"])
    async def test_characteristics_outlive_the_answers_that_do_not_tell_them(
        self, eager: Yard, version: str
    ) -> None:
        async with a_station(eager, version) as (name, station):
            station.boot()
            await eventually(lambda: known(eager, name))
            new = VariableValue(component="OCPPCommCtrlr", variable="HeartbeatInterval", value="9")
            command = SetVariables(variables=(new,))
            await eager.rooms.stations.command(eager.ctx, name, command)
            await eager.house.committer.drained()
            (kept,) = await eager.rooms.devices.variables(
                eager.ctx, name, component="ocppcommctrlr", variable="heartbeatinterval"
            )
            v = kept.variable
            assert (v.value, v.data_type, v.max_limit, v.persistent) == ("9", "integer", 900, True)
            assert (v.mutability, v.supports_monitoring) == ("ReadWrite", True)
            high = VariableValue(
                component="OCPPCommCtrlr", variable="HeartbeatInterval", value="901"
            )
            with pytest.raises(ValueInvalid, match="at most 900"):
                await eager.rooms.devices.check(eager.ctx, name, SetVariables(variables=(high,)))


class TestPatience:
    async def test_a_station_is_left_in_peace_after_its_boot(self, yard: Yard) -> None:
        async with a_station(yard, "1.6") as (name, station):
            station.boot()
            due = "SELECT due_at FROM upkeep WHERE station_id = $1"
            due_at = await eventually(lambda: yard.value(due, name))
            assert 15 < (due_at - yard.clock.now()).total_seconds() <= 40
            assert station.asked == []

    @versions
    async def test_one_that_cannot_is_asked_ever_less_and_then_no_more(
        self, database_url: str, tmp_path: Path, version: str
    ) -> None:
        clock = ManualClock(NOW)
        async with (
            a_yard(database_url, tmp_path, clock, upkeep_after_boot_s=0) as yard,
            a_station(yard, version) as (name, station),
        ):
            station.refuses = "NotSupported"
            station.boot()
            for count in range(1, 7):

                async def asked(count: int = count) -> bool:
                    due = "SELECT due_at FROM upkeep WHERE station_id = $1"
                    fetches = "SELECT fetches FROM upkeep WHERE station_id = $1"
                    due_at = await yard.value(due, name)
                    if (await yard.value(fetches, name) or 0) < count or due_at is None:
                        return False
                    return bool(due_at > clock.now())

                await eventually(asked)
                assert station.count(*FETCH) == count
                clock.advance(120 * 4 ** (count - 1) + 1)

            async def given_up() -> bool:
                due = "SELECT due_at IS NULL FROM upkeep WHERE station_id = $1"
                return bool(await yard.value(due, name))

            await eventually(given_up)
            assert station.count(*FETCH) == 6

    async def test_none_is_asked_where_the_operator_says_so(
        self, database_url: str, tmp_path: Path
    ) -> None:
        async with (
            a_yard(
                database_url, tmp_path, upkeep_after_boot_s=0, fetch_device_models=False
            ) as yard,
            a_station(yard, "2.1") as (name, station),
        ):
            station.boot()
            looked = "SELECT checked_at FROM upkeep WHERE station_id = $1"
            await eventually(lambda: yard.value(looked, name))
            assert station.asked == []


async def test_a_removed_station_leaves_nothing_behind(eager: Yard) -> None:
    async with a_station(eager, "1.6") as (name, station):
        station.boot()
        await eventually(lambda: known(eager, name))
        await eager.rooms.stations.remove(eager.ctx, name)

        async def forgotten() -> bool:
            rows = "SELECT (SELECT count(*) FROM variables WHERE station_id = $1)"
            rows += " + (SELECT count(*) FROM upkeep WHERE station_id = $1)"
            return bool(await eager.value(rows, name) == 0)

        await eventually(forgotten)


async def test_none_is_asked_that_cannot_bear_it(eager: Yard) -> None:
    """Field quirk 19: some boot again and again when they are asked for all that they have."""
    name = await eager.add()
    await eager.rooms.stations.change(eager.ctx, name, quirks="abb-terra-ac-1-8")
    async with a_station(eager, "1.6", name=name) as (_, station):
        station.boot()
        looked = "SELECT checked_at FROM upkeep WHERE station_id = $1"
        await eventually(lambda: eager.value(looked, name))
        assert station.asked == []
