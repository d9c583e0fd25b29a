"""The planner: what is wanted and what was told, in; what is to be done, out."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from forecourt.base.ids import StationId, TenantId
from forecourt.domain.devices import (
    Applied,
    Desired,
    Network,
    Plan,
    State,
    Step,
    Template,
    TemplateInvalid,
    Try,
    Wanted,
    spelt,
    standards,
)
from forecourt.domain.devices.rules import (
    applies,
    checked,
    compared,
    desired,
    fault,
    pause,
    plan,
    remembered,
    whole,
)
from forecourt.domain.stations import Admission, Kept, Outcome, Station, Variable

NOW: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)


def wish(name: str, value: str, *, auto: bool = True) -> Desired:
    wanted = Wanted(component="C", variable=name, value=value)
    return Desired(wanted=wanted, template="t", auto=auto)


def told(name: str, value: str | None, **more: object) -> Kept:
    fields = {"component": "C", "variable": name, "value": value, **more}
    variable = Variable(**fields)  # type: ignore[arg-type]  # each case has its own fields
    return Kept(variable=variable, reported_at=NOW)


def planned(
    wishes: Sequence[Desired],
    kept: Sequence[Kept],
    *,
    tries: Sequence[Try] = (),
    known: bool = True,
    patient: bool = True,
    now: datetime = NOW,
) -> Plan:
    return plan(
        wishes,
        kept,
        whole=known,
        tries=tries,
        patient=patient,
        now=now,
        standards=standards(),
    )


def tried(name: str, value: str, *, times: int = 1, accepted: bool = False) -> Try:
    place = wish(name, value).wanted.place
    return Try(place=place, value=value, times=times, at=NOW, said="Rejected", accepted=accepted)


class TestLines:
    @pytest.mark.parametrize(
        ("kept", "step", "state"),
        [
            (told("V", "2"), Step.SET, State.DRIFTED),
            (told("V", None), Step.SET, State.DRIFTED),
            (told("v", "1"), Step.ALREADY, State.CONFORMS),
            (told("V", "01", data_type="integer"), Step.ALREADY, State.CONFORMS),
            (told("V", "1", awaits_reboot=True), Step.REBOOT, State.REBOOT_NEEDED),
            (told("V", "2", awaits_reboot=True), Step.SET, State.DRIFTED),
            (told("V", "2", mutability="ReadOnly"), Step.READ_ONLY, State.DRIFTED),
            (told("V", "2", constant=True), Step.READ_ONLY, State.DRIFTED),
            (told("V", "1", mutability="ReadOnly"), Step.ALREADY, State.CONFORMS),
            (told("V", "2", data_type="integer", min_limit=2.0), Step.INVALID, State.DRIFTED),
            (told("V", None, mutability="WriteOnly"), Step.SET, State.DRIFTED),
            (replace(told("V", "1"), gone_at=NOW), Step.UNKNOWN, State.DRIFTED),
            (told("V", "1", evse_no=1), Step.UNKNOWN, State.DRIFTED),
            (told("V", "1", attribute="Target"), Step.UNKNOWN, State.DRIFTED),
            (told("W", "1"), Step.UNKNOWN, State.DRIFTED),
        ],
    )
    def test_one_variable(self, kept: Kept, step: Step, state: State) -> None:
        made = planned([wish("V", "1")], [kept])
        (line,) = made.lines
        assert (line.step, made.state) == (step, state)
        assert line.because

    def test_nothing_wanted_and_nothing_known(self) -> None:
        assert planned([], [told("V", "1")]).state is State.UNMANAGED
        assert planned([wish("V", "1")], [], known=False).state is State.UNKNOWN
        made = planned([wish("V", "1"), wish("W", "1")], [told("V", "2")], known=False)
        assert made.state is State.UNKNOWN
        assert [line.step for line in made.lines] == [Step.SET, Step.UNKNOWN]

    def test_what_cannot_be_read_is_set_once(self) -> None:
        kept = [told("V", None, mutability="WriteOnly")]
        taken = [tried("V", "1", accepted=True)]
        late = NOW + 1000 * HOUR
        assert planned([wish("V", "1")], kept, tries=taken, now=late).state is State.CONFORMS
        assert planned([wish("V", "2")], kept, tries=taken, now=late).to_set


class TestNetworks:
    NETWORK = Network(slot=1, url="wss://a/b", security_profile=2)

    def test_a_slot_is_compared_with_what_the_station_took(self) -> None:
        made = Template(name="t", networks=(self.NETWORK,), values=template().values)
        wishes = desired([made], station(), standards())
        assert [wish.network is not None for wish in wishes] == [True, False]
        kept = [told("V", "1")]

        def state(*given: Network) -> tuple[Step, State]:
            found = plan(
                wishes,
                kept,
                networks=given,
                whole=True,
                tries=(),
                now=NOW,
                standards=standards(),
            )
            return found.lines[0].step, found.state

        assert state() == (Step.SET, State.DRIFTED)
        assert state(replace(self.NETWORK, slot=2)) == (Step.SET, State.DRIFTED)
        assert state(replace(self.NETWORK, identity="other")) == (Step.SET, State.DRIFTED)
        assert state(self.NETWORK) == (Step.ALREADY, State.CONFORMS)

    @pytest.mark.parametrize(
        "networks",
        [
            (),
            (NETWORK, NETWORK),
            (replace(NETWORK, url="https://a/b"),),
            (replace(NETWORK, url="wss://name:password@a/b"),),
            (replace(NETWORK, url="wss://a /b"),),
        ],
    )
    def test_what_nobody_could_be_held_to(self, networks: tuple[Network, ...]) -> None:
        with pytest.raises(TemplateInvalid):
            checked(Template(name="t", networks=networks), standards())


class TestPatience:
    def test_a_refusal_makes_it_wait_ever_longer(self) -> None:
        pauses = [pause(tried("V", "1", times=times)) for times in range(1, 50)]
        assert pauses[0] == timedelta(minutes=15)
        assert pauses == sorted(pauses)
        assert pauses[-1] == timedelta(days=1)
        assert pause(tried("V", "1", accepted=True)) == timedelta(minutes=1)

    def test_it_waits_and_then_tries_again(self) -> None:
        wishes, kept, tries = [wish("V", "1")], [told("V", "2")], [tried("V", "1")]
        made = planned(wishes, kept, tries=tries)
        assert (made.lines[0].step, made.state) == (Step.WAITING, State.DRIFTED)
        assert made.next_try == NOW + timedelta(minutes=15)
        assert "refused (Rejected)" in made.lines[0].because
        assert planned(wishes, kept, tries=tries, now=made.next_try).to_set
        assert planned(wishes, kept, tries=tries, patient=False).to_set
        assert planned([wish("V", "3")], kept, tries=tries).to_set, "another value is another try"

    def test_what_is_remembered(self) -> None:
        wishes = [wish("V", "1"), wish("W", "1")]
        made = planned(wishes, [told("V", "2"), told("W", "2")])
        said = [
            Applied(line=line, outcome=outcome, status=status, reason="")
            for line, outcome, status in zip(
                made.lines,
                (Outcome.ACCEPTED, Outcome.REJECTED),
                ("Accepted", "Rejected"),
                strict=True,
            )
        ]
        tries = remembered((), made, said, NOW)
        assert [(t.times, t.accepted) for t in tries] == [(1, True), (1, False)]
        tries = remembered(tries, made, said[1:], NOW + HOUR)
        assert sorted(t.times for t in tries) == [1, 2]
        fine = planned(wishes, [told("V", "1"), told("W", "2")])
        assert len(remembered(tries, fine, (), NOW + HOUR)) == 2
        assert len(remembered(tries, fine, (), NOW + 25 * HOUR)) == 1
        assert remembered(tries, planned([], []), (), NOW) == ()


names = st.sampled_from(["A", "B", "D", "E"])
texts = st.sampled_from(["1", "2", "07", "x", "true", "a,b"])
variables = st.builds(
    Variable,
    component=st.just("C"),
    variable=names,
    value=texts | st.none(),
    mutability=st.sampled_from(["", "ReadWrite", "ReadOnly", "WriteOnly"]),
    data_type=st.sampled_from(["", "integer", "boolean", "string", "MemberList"]),
    max_limit=st.none() | st.just(5.0),
)


class SimulatedStation:
    """Takes what its characteristics allow, and tells of it."""

    def __init__(self, of: Sequence[Variable]) -> None:
        self.variables = {v.variable: v for v in of}
        self.asked = 0

    def tell(self) -> list[Kept]:
        return [
            Kept(
                variable=replace(v, value=None if v.mutability == "WriteOnly" else v.value),
                reported_at=NOW,
            )
            for v in self.variables.values()
        ]

    def carry_out(self, made: Plan) -> list[Applied]:
        done = []
        for line in made.to_set:
            self.asked += 1
            held = self.variables[line.wanted.variable]
            good = held.mutability != "ReadOnly" and fault(held, line.wanted.value) is None
            if good:
                self.variables[line.wanted.variable] = replace(held, value=line.wanted.value)
            outcome = Outcome.ACCEPTED if good else Outcome.REJECTED
            done.append(Applied(line=line, outcome=outcome, status=outcome.value, reason=""))
        return done


class TestTogether:
    @given(st.lists(variables, unique_by=lambda v: v.variable), st.dictionaries(names, texts))
    def test_applied_once_nothing_is_left_to_set(
        self, of: list[Variable], values: dict[str, str]
    ) -> None:
        station = SimulatedStation(of)
        wishes = [wish(name, value) for name, value in values.items()]
        first = planned(wishes, station.tell())
        tries = remembered((), first, station.carry_out(first), NOW)
        second = planned(wishes, station.tell(), tries=tries)
        assert not second.to_set, "the executor is idempotent"
        assert not [line for line in second.lines if line.step is Step.WAITING], (
            "what the characteristics rule out is not even tried"
        )
        left = [line.step for line in second.lines if line.step is not Step.ALREADY]
        unchangeable = {Step.READ_ONLY, Step.INVALID, Step.UNKNOWN}
        assert set(left) <= unchangeable
        if wishes and not left:
            assert second.state is State.CONFORMS
        assert left == [line.step for line in first.lines if line.step in unchangeable]

    @given(st.lists(variables, unique_by=lambda v: v.variable), st.dictionaries(names, texts))
    def test_a_plan_is_a_line_for_each_wish_and_depends_on_nothing_else(
        self, of: list[Variable], values: dict[str, str]
    ) -> None:
        station = SimulatedStation(of)
        wishes = [wish(name, value) for name, value in values.items()]
        made = planned(wishes, station.tell())
        assert [line.wanted for line in made.lines] == [w.wanted for w in wishes]
        assert made == planned(wishes, station.tell()[::-1])
        assert station.asked == 0

    @given(st.integers(min_value=1, max_value=100))
    def test_a_station_that_always_refuses_is_asked_ever_less(self, days: int) -> None:
        now, asked, tries = NOW, 0, tuple[Try, ...]()
        while now < NOW + timedelta(days=days):
            made = planned([wish("V", "1")], [told("V", "2")], tries=tries, now=now)
            done = [
                Applied(line=line, outcome=Outcome.REJECTED, status="Rejected", reason="")
                for line in made.to_set
            ]
            asked += len(done)
            tries = remembered(tries, made, done, now)
            now = made.next_try or now + timedelta(seconds=1)
        assert asked <= 4 + days


def station(**more: object) -> Station:
    fields = {
        "id": StationId("CP1"),
        "tenant": TenantId("t"),
        "admission": Admission.ACCEPTED,
        "created_at": NOW,
        "vendor": "Acme",
        "model": "Two Plus",
        "firmware": "1.10.2",
        "site": "Hof",
        **more,
    }
    return Station(**fields)  # type: ignore[arg-type]  # each case has its own fields


def template(name: str = "t", value: str = "1", **more: object) -> Template:
    values = (Wanted(component="C", variable="V", value=value),)
    return Template(name=name, values=values, **more)  # type: ignore[arg-type]  # as above


class TestTemplates:
    @pytest.mark.parametrize(
        ("of", "yes"),
        [
            ({}, True),
            ({"vendor": "acme"}, True),
            ({"vendor": "Ac*", "model": "two*"}, True),
            ({"vendor": "Acm"}, False),
            ({"model": "T?o Plus"}, True),
            ({"firmware_from": "1.9"}, True),
            ({"firmware_from": "1.10.2", "firmware_to": "1.10.2"}, True),
            ({"firmware_to": "1.10.1"}, False),
            ({"firmware_to": "v2"}, True),
            ({"site": "Hof"}, True),
            ({"site": "hof"}, False),
            ({"station": "CP1", "site": "Hof"}, True),
            ({"station": "CP2"}, False),
        ],
    )
    def test_whom_it_is_for(self, of: dict[str, str], *, yes: bool) -> None:
        assert applies(template(**of), station()) is yes

    def test_firmware_that_nobody_knows_is_not_the_one_in_mind(self) -> None:
        assert not applies(template(firmware_from="1"), station(firmware=""))
        assert applies(template(), station(firmware=""))

    def test_the_more_specific_one_overrides(self) -> None:
        general = [
            template("a", "all"),
            template("b", "model", model="Two*"),
            template("c", "site", site="Hof"),
            template("d", "rank", site="Hof", rank=5),
            template("e", "station", station="CP1"),
        ]
        for count, value in enumerate(["all", "model", "site", "rank", "station"], 1):
            for order in (general[:count], general[:count][::-1]):
                (only,) = desired(order, station(), standards())
                assert only.wanted.value == value

    def test_versions_in_their_order(self) -> None:
        order = ["0.9", "1.rc1", "1", "1.0", "1.2-beta", "1.2", "1.2.1", "1.10", "2", "10"]
        for one, other in pairwise(order):
            assert (compared(one, other), compared(other, one)) == (-1, 1), (one, other)
        assert compared("V1.2", "1.2") == 0

    @given(st.text(max_size=12), st.text(max_size=12))
    def test_any_two_versions_have_an_order(self, one: str, other: str) -> None:
        assert compared(one, other) == -compared(other, one)
        assert compared(one, one) == 0

    @pytest.mark.parametrize(
        ("values", "why"),
        [
            (("HeartbeatInterval", "ten"), "whole number"),
            (("AuthorizationKey", "0123456789abcdef"), "secret"),
            (("C.V", "1", "C.v", "2"), "twice"),
            (("HeartbeatInterval", "1", "OCPPCommCtrlr.HeartbeatInterval", "2"), "twice"),
        ],
    )
    def test_what_nobody_could_be_held_to(self, values: tuple[str, ...], why: str) -> None:
        wanted = []
        for name, value in zip(values[::2], values[1::2], strict=True):
            component, _, variable = name.rpartition(".")
            wanted.append(Wanted(component=component, variable=variable, value=value))
        with pytest.raises(TemplateInvalid, match=why):
            checked(Template(name="t", values=tuple(wanted)), standards())

    def test_names_for_people(self) -> None:
        full = Wanted(
            component="EVSE",
            component_instance="Left",
            evse=1,
            connector=2,
            variable="Power",
            instance="L1",
            attribute="MaxSet",
            value="1",
        )
        assert spelt(full) == "EVSE[Left]@1.2.Power[L1]:MaxSet"
        assert spelt(Wanted(variable="VendorsOwn", value="1")) == "VendorsOwn"


class TestReports:
    @pytest.mark.parametrize(
        ("parts", "complete"),
        [
            ([], False),
            ([(0, True)], True),
            ([(0, False)], False),
            ([(1, True)], False),
            ([(2, True), (0, False), (1, False)], True),
            ([(0, False), (2, True)], False),
        ],
    )
    def test_whole_means_all_parts(self, parts: list[tuple[int, bool]], *, complete: bool) -> None:
        assert whole(parts) is complete
