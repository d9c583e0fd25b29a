"""The device model, monitors, display, tariffs and DER of 2.x; the keys of 1.6 at work."""

from typing import Any

import pytest

from forecourt.protocol.ocpp import v16
from forecourt.sim.limits import Limits
from forecourt.sim.v2x.model import model_of
from forecourt.sim.v2x.voice import V2x
from forecourt.sim.world import Version
from tests.sim.csms import CARD, Bench
from tests.sim.tour import at, plug_talking

TWO: tuple[Version, ...] = ("2.0.1", "2.1")
versions = pytest.mark.parametrize("version", TWO)

# OCPP 1.6, chapter 9: every key that it marks as required, and those of the profiles we have.
_NAMES = """
AllowOfflineTxForUnknownId AuthorizationCacheEnabled AuthorizeRemoteTxRequests BlinkRepeat
ClockAlignedDataInterval ConnectionTimeOut ConnectorPhaseRotation ConnectorPhaseRotationMaxLength
GetConfigurationMaxKeys HeartbeatInterval LightIntensity LocalAuthorizeOffline LocalPreAuthorize
MaxEnergyOnInvalidId MeterValuesAlignedData MeterValuesAlignedDataMaxLength MeterValuesSampledData
MeterValuesSampledDataMaxLength MeterValueSampleInterval MinimumStatusDuration NumberOfConnectors
ResetRetries StopTransactionOnEVSideDisconnect StopTransactionOnInvalidId StopTxnAlignedData
StopTxnAlignedDataMaxLength StopTxnSampledData StopTxnSampledDataMaxLength SupportedFeatureProfiles
SupportedFeatureProfilesMaxLength TransactionMessageAttempts TransactionMessageRetryInterval
UnlockConnectorOnEVSideDisconnect WebSocketPingInterval LocalAuthListEnabled LocalAuthListMaxLength
SendLocalListMaxLength ReserveConnectorZeroSupported ChargeProfileMaxStackLevel
ChargingScheduleAllowedChargingRateUnit ChargingScheduleMaxPeriods
ConnectorSwitch3to1PhaseSupported MaxChargingProfilesInstalled
"""
KEYS_16 = set(_NAMES.split())


def turn(bench: Bench, key: str, value: str) -> str:
    answer: Any = bench.command(v16.ChangeConfiguration(key=key, value=value))
    return str(answer.status)


def test_16_has_every_key_of_the_specification() -> None:
    bench = Bench("1.6", "Duo 22")
    answer: Any = bench.command(v16.GetConfiguration())
    keys = {entry.key: entry for entry in answer.configuration_key}
    assert set(keys) >= KEYS_16
    assert keys["AuthorizationKey"].value is None, "written, never read"
    assert keys["ChargeProfileMaxStackLevel"].readonly
    for entry in answer.configuration_key:
        if entry.readonly:
            assert turn(bench, entry.key, "1") in {"Rejected", "NotSupported"}
    assert turn(bench, "LightIntensity", "55") == "Accepted"
    assert turn(bench, "LightIntensity", "101") == "Rejected"
    read: Any = bench.command(v16.GetConfiguration(key=("lightintensity", "Nonsense")))
    assert [(k.key, k.value) for k in read.configuration_key] == [("LightIntensity", "55")]
    assert read.unknown_key == ("Nonsense",)


def test_16_keys_have_effects() -> None:
    bench = Bench("1.6", "Duo 22")
    assert turn(bench, "HeartbeatInterval", "10") == "Accepted"
    before = len(bench.heard_of("Heartbeat"))
    bench.move(60)
    assert len(bench.heard_of("Heartbeat")) - before >= 5
    assert turn(bench, "MeterValueSampleInterval", "20") == "Accepted"
    assert turn(bench, "MeterValuesSampledData", "Power.Active.Import,Nonsense") == "Rejected"
    assert turn(bench, "MeterValuesSampledData", "Power.Active.Import,Frequency") == "Accepted"
    assert turn(bench, "StopTxnSampledData", "Energy.Active.Import.Register") == "Accepted"
    assert turn(bench, "ClockAlignedDataInterval", "60") == "Accepted"
    assert turn(bench, "MeterValuesAlignedData", "Voltage") == "Accepted"
    assert turn(bench, "WebSocketPingInterval", "15") == "Accepted"
    outlet = bench.session(seconds=125)
    samples = bench.heard_of("MeterValues")
    contexts = [m.meter_value[0].sampled_value[0].context for m in samples]
    assert contexts.count("Sample.Periodic") == 6
    assert contexts.count("Sample.Clock") >= 3
    periodic = samples[contexts.index("Sample.Periodic")].meter_value[0].sampled_value
    assert [s.measurand for s in periodic] == ["Power.Active.Import", "Frequency"]
    clock = samples[contexts.index("Sample.Clock")].meter_value[0].sampled_value
    assert {s.measurand for s in clock} == {"Voltage"}
    assert bench.pings >= 7
    bench.station.swipe(outlet, CARD)
    bench.settle()
    (stop,) = bench.heard_of("StopTransaction")
    kept = [value.sampled_value[0].context for value in stop.transaction_data]
    assert kept == ["Transaction.Begin", *["Sample.Periodic"] * 6, "Transaction.End"]


def test_16_a_status_is_told_once_it_lasts() -> None:
    bench = Bench("1.6", "Duo 22")
    assert turn(bench, "MinimumStatusDuration", "10") == "Accepted"
    before = len(bench.heard_of("StatusNotification"))
    outlet = bench.plug()
    bench.move(3)
    bench.station.unplug(outlet)
    bench.move(30)
    assert len(bench.heard_of("StatusNotification")) == before, "it was Preparing for 3 s"


def test_16_energy_after_a_refusal() -> None:
    bench = Bench("1.6", "Duo 22")
    assert turn(bench, "MaxEnergyOnInvalidId", "500") == "Accepted"
    info = v16.IdTagInfo(status="Blocked")
    bench.replies["StartTransaction"] = lambda _: v16.StartTransactionResponse(
        transaction_id=5, id_tag_info=info
    )
    outlet = bench.session(seconds=30)
    assert outlet.energised
    bench.move(1_800)
    (start,), (stop,) = bench.heard_of("StartTransaction"), bench.heard_of("StopTransaction")
    assert 500 <= stop.meter_stop - start.meter_start < 1_000


# --- The device model -----------------------------------------------------------------------------


@versions
def test_stations_of_a_product_share_their_model_and_not_their_values(version: Version) -> None:
    one, other = Bench(version, "Duo 22"), Bench(version, "Duo 22")
    assert isinstance(one.station.voice, V2x)
    assert isinstance(other.station.voice, V2x)
    assert one.station.voice.model() is other.station.voice.model()
    words = one.words
    where = {
        "component": words.Component(name="ClockCtrlr"),
        "variable": words.Variable(name="TimeZone"),
    }

    def read(bench: Bench) -> str:
        request = words.GetVariables(get_variable_data=(words.GetVariableData(**where),))
        answer: Any = bench.command(request)
        return str(answer.get_variable_result[0].attribute_value)

    write = words.SetVariableData(**where, attribute_value="Europe/Oslo")
    one.command(words.SetVariables(set_variable_data=(write,)))
    assert (read(one), read(other)) == ("Europe/Oslo", "Etc/UTC")


@versions
def test_every_variable_can_be_read_and_reports_come_in_pages(version: Version) -> None:
    bench = Bench(version, "Span 350 Quad", features=("iso15118", "v2x", "der", "payment", "swap"))
    bench.station.outlets[0].operative = True
    words = bench.words
    bench.command(words.GetBaseReport(request_id=3, report_base="FullInventory"))
    pages = bench.heard_of("NotifyReport")
    data = [one for page in pages for one in page.report_data]
    assert isinstance(bench.station.voice, V2x)
    assert len(data) == len(bench.station.voice.model().entries) > 250
    assert [bool(p.tbc) for p in pages] == [True] * (len(pages) - 1) + [False]
    names = [
        (d.component.name, d.component.evse, d.component.instance, d.variable.name,
         d.variable.instance)
        for d in data
    ]  # fmt: skip
    assert len(set(map(str, names))) == len(names)
    for at_ in range(0, len(data), 50):
        asked = tuple(
            words.GetVariableData(component=d.component, variable=d.variable)
            for d in data[at_ : at_ + 50]
        )
        answer: Any = bench.command(words.GetVariables(get_variable_data=asked))
        for result in answer.get_variable_result:
            secret = result.variable.name == "BasicAuthPassword"
            assert result.attribute_status == ("Rejected" if secret else "Accepted")
    known = {d.component.name for d in data}
    assert ("DCDERCtrlr" in known) is (version == "2.1")
    assert {"ChargingStation", "EVSE", "Connector", "AcDcConverter", "ISO15118Ctrlr"} <= known


def test_an_alternating_current_station_has_other_parts() -> None:
    bench = Bench("2.1", "Duo 22")
    model = model_of(bench.station.plan.model, frozenset(), newest=True)
    parts = {entry.component for entry in model}
    assert "CPPWMController" in parts
    assert "AcDcConverter" not in parts


# --- Monitors -------------------------------------------------------------------------------------


def watch(bench: Bench, name: str, variable: str, **more: Any) -> tuple[str, int | None]:
    words = bench.words
    evse = words.EVSE(id=1) if name == "EVSE" else None
    asked = words.SetMonitoringData(
        component=words.Component(name=name, evse=evse),
        variable=words.Variable(name=variable),
        severity=more.pop("severity", 4),
        **more,
    )
    answer: Any = bench.command(words.SetVariableMonitoring(set_monitoring_data=(asked,)))
    result = answer.set_monitoring_result[0]
    return str(result.status), result.id


def events(bench: Bench) -> list[Any]:
    return [event for message in bench.heard_of("NotifyEvent") for event in message.event_data]


@versions
def test_a_threshold_alarms_and_clears(version: Version) -> None:
    bench = Bench(version, "Duo 22")
    status, number = watch(bench, "EVSE", "Power", type="UpperThreshold", value=5_000)
    assert status == "Accepted"
    outlet = bench.session(seconds=60)
    (alarm,) = events(bench)
    assert (alarm.trigger, alarm.variable_monitoring_id, alarm.cleared) == (
        "Alerting", number, None,
    )  # fmt: skip
    assert float(alarm.actual_value) > 5_000
    bench.station.unplug(outlet)
    bench.move(30)
    assert events(bench)[-1].cleared is True
    answer: Any = bench.command(bench.words.ClearVariableMonitoring(id=(number, 4_711)))
    assert [r.status for r in answer.clear_monitoring_result] == ["Accepted", "NotFound"]
    bench.session(seconds=60)
    assert len(events(bench)) == 2, "nobody watches any more"


@versions
def test_deltas_and_periods(version: Version) -> None:
    bench = Bench(version, "Duo 22")
    watch(bench, "EVSE", "AvailabilityState", type="Delta", value=1)
    status, _ = watch(bench, "EVSE", "Temperature", type="Periodic", value=20)
    assert status == "Accepted"
    bench.move(65)
    assert [e.trigger for e in events(bench)] == ["Periodic"] * 3
    bench.plug()
    bench.move(15)
    changed = [e for e in events(bench) if e.trigger == "Delta"]
    assert [e.actual_value for e in changed] == ["Occupied"]


@versions
def test_monitors_that_make_no_sense(version: Version) -> None:
    bench = Bench(version, "Duo 22")
    assert watch(bench, "EVSE", "Nonsense", type="Delta", value=1)[0] == "UnknownVariable"
    assert watch(bench, "Nonsense", "Power", type="Delta", value=1)[0] == "UnknownComponent"
    upper = {"type": "UpperThreshold", "value": 1.0}
    assert watch(bench, "EVSE", "AvailabilityState", **upper)[0] == "UnsupportedMonitorType"
    high = {"type": "UpperThreshold", "value": 1e9}
    assert watch(bench, "EVSE", "Power", **high)[0] == "Rejected", "above what it can give"
    assert watch(bench, "EVSE", "Power", **upper)[0] == "Accepted"
    assert watch(bench, "EVSE", "Power", **upper)[0] == "Duplicate"
    assert watch(bench, "EVSE", "Power", **upper, id=99)[0] == "Rejected", "no such monitor"


@versions
def test_a_fault_is_told_by_a_monitor_that_cannot_be_taken_off(version: Version) -> None:
    bench = Bench(version, "Duo 22", features=("alarms",))
    bench.station.fault(bench.station.outlets[0], "GroundFailure", 30)
    bench.move(60)
    told = [(e.component.name, e.actual_value) for e in events(bench)]
    assert ("EVSE", "true") in told
    assert ("EVSE", "false") in told
    hard = events(bench)[0]
    assert hard.event_notification_type == "HardWiredMonitor"
    clear = bench.words.ClearVariableMonitoring(id=(hard.variable_monitoring_id,))
    answer: Any = bench.command(clear)
    assert answer.clear_monitoring_result[0].status == "Rejected"


@versions
def test_levels_bases_and_what_waits_while_offline(version: Version) -> None:
    bench = Bench(version, "Duo 22", features=("alarms",))
    words = bench.words
    watch(bench, "EVSE", "Temperature", type="Periodic", value=10, severity=9)
    bench.move(30)
    assert events(bench) == [], "the level is 8"
    answer: Any = bench.command(words.SetMonitoringLevel(severity=9))
    assert answer.status == "Accepted"
    bench.move(30)
    assert len(events(bench)) == 3
    bench.command(words.SetMonitoringBase(monitoring_base="HardWiredOnly"))
    bench.move(30)
    assert len(events(bench)) == 3
    bench.cut()
    bench.station.fault(bench.station.outlets[0], "GroundFailure", 3_000)
    bench.up = True
    bench.station.power_cut(1.0)
    bench.move(120)
    assert any(e.actual_value == "true" for e in events(bench)[3:]), "grave enough to wait"


# --- What is shown, and what it costs -------------------------------------------------------------


@versions
def test_messages_are_shown_when_they_are_due(version: Version) -> None:
    bench = Bench(version, "Duo 22")
    words = bench.words

    def put(number: int, text: str, **more: Any) -> str:
        message = words.MessageContent(format=more.pop("format", "UTF8"), content=text)
        usual: dict[str, Any] = {"priority": "NormalCycle", **more}
        info = words.MessageInfo(id=number, message=message, **usual)
        answer: Any = bench.command(words.SetDisplayMessage(message=info))
        return str(answer.status)

    def shown() -> str:
        where = words.GetVariableData(
            component=words.Component(name="Display"),
            variable=words.Variable(name="DataText", instance="Visible"),
        )
        answer: Any = bench.command(words.GetVariables(get_variable_data=(where,)))
        return str(answer.get_variable_result[0].attribute_value)

    assert put(1, "Welcome") == "Accepted"
    assert put(2, "Charging", state="Charging", priority="InFront") == "Accepted"
    assert put(3, "<b>", format="HTML") == "NotSupportedMessageFormat"
    assert put(4, "Late", end_date_time=at(bench, -5)) == "Rejected"
    assert put(5, "Yours", transaction_id="none") == "UnknownTransaction"
    assert put(6, "Soon over", priority="AlwaysFront", end_date_time=at(bench, 60)) == "Accepted"
    assert shown() == "Soon over"
    bench.move(70)
    assert shown() == "Welcome"
    bench.session(seconds=30)
    assert shown() == "Charging"
    bench.command(words.GetDisplayMessages(request_id=1, priority="InFront"))
    (told,) = bench.heard_of("NotifyDisplayMessages")
    assert [m.id for m in told.message_info] == [2]
    cleared: list[Any] = [bench.command(words.ClearDisplayMessage(id=2)) for _ in range(2)]
    assert [c.status for c in cleared] == ["Accepted", "Unknown"]


def a_tariff(bench: Bench, name: str = "T1", **more: Any) -> Any:
    words = bench.words
    cheap = words.TariffEnergyPrice(
        price_kwh=0.2, conditions=words.TariffConditions(max_energy=2_000.0)
    )
    usual: dict[str, Any] = {
        "tariff_id": name,
        "currency": "EUR",
        "fixed_fee": words.TariffFixed(prices=(words.TariffFixedPrice(price_fixed=1.0),)),
        "energy": words.TariffEnergy(prices=(cheap, words.TariffEnergyPrice(price_kwh=0.5))),
    }
    return words.Tariff(**{**usual, **more})


def test_the_station_works_out_what_a_session_costs() -> None:
    bench = Bench("2.1", "Duo 22")
    words = bench.words
    answer: Any = bench.command(words.SetDefaultTariff(evse_id=0, tariff=a_tariff(bench)))
    assert answer.status == "Accepted"
    outlet = bench.session(seconds=3_600)
    bench.station.swipe(outlet, CARD)
    bench.settle()
    bench.station.unplug(outlet)
    bench.settle()
    ended = bench.heard_of("TransactionEvent")[-1]
    details = ended.cost_details
    assert ended.event_type == "Ended"
    assert ended.transaction_info.tariff_id == "T1"
    kwh = details.total_usage.energy / 1_000
    assert kwh > 3
    expected = 1.0 + 0.2 * 2.0 + 0.5 * (kwh - 2.0)
    assert details.total_cost.total.excl_tax == pytest.approx(expected, abs=0.1)
    assert details.total_cost.fixed.excl_tax == 1.0
    volumes = [
        d.volume for p in details.charging_periods for d in p.dimensions if d.type == "Energy"
    ]
    assert sum(volumes) == pytest.approx(details.total_usage.energy)


def test_a_tariff_has_floors_ceilings_and_owners() -> None:
    bench = Bench("2.1", "Duo 22")
    words = bench.words
    high = a_tariff(bench, "MIN", min_cost=words.Price(excl_tax=5.0))
    bench.command(words.SetDefaultTariff(evse_id=1, tariff=high))
    taken: Any = bench.command(words.SetDefaultTariff(evse_id=2, tariff=high))
    assert taken.status == "DuplicateTariffId"
    token = words.IdTokenInfo(status="Accepted")
    bench.replies["Authorize"] = lambda _: words.AuthorizeResponse(
        id_token_info=token, tariff=a_tariff(bench, "DRIVER")
    )
    listed: Any = bench.command(words.GetTariffs(evse_id=0))
    assert [a.tariff_id for a in listed.tariff_assignments] == ["MIN"]
    outlet = bench.session(seconds=60)
    assert outlet.tx is not None
    told = bench.heard_of("TransactionEvent")[-1].transaction_info.tariff_id
    listed = bench.command(words.GetTariffs(evse_id=0))
    kinds = {a.tariff_id: a.tariff_kind for a in listed.tariff_assignments}
    assert kinds == {"MIN": "DefaultTariff", "DRIVER": "DriverTariff"}
    other = a_tariff(bench, "SEK", currency="SEK")
    ref = outlet.tx.ref
    change: Any = bench.command(words.ChangeTransactionTariff(transaction_id=ref, tariff=other))
    assert change.status == "NoCurrencyChange"
    assert told in {"MIN", "DRIVER"}
    cleared: Any = bench.command(words.ClearTariffs(tariff_ids=("MIN", "NONE")))
    assert [r.status for r in cleared.clear_tariffs_result] == ["Accepted", "NoTariff"]


@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        ({"max_energy": 1_000.0}, "EnergyLimitReached"),
        ({"max_time": 300}, "TimeLimitReached"),
        ({"max_soc": 62}, "SOCLimitReached"),
        ({"max_cost": 1.2}, "LocalOutOfCredit"),
    ],
)
def test_a_transaction_ends_at_its_limit(limit: dict[str, float], reason: str) -> None:
    bench = Bench("2.1", "Swift 180 Twin", features=("iso15118",))
    words = bench.words
    bench.command(words.SetDefaultTariff(evse_id=0, tariff=a_tariff(bench)))
    most = words.TransactionLimit(**limit)
    bench.replies["TransactionEvent"] = lambda _: words.TransactionEventResponse(
        transaction_limit=most
    )
    outlet = plug_talking(bench)
    bench.station.swipe(outlet, CARD)
    bench.move(900)
    bench.station.unplug(outlet)
    bench.settle()
    ended = bench.heard_of("TransactionEvent")[-1]
    assert ended.event_type == "Ended"
    assert ended.transaction_info.stopped_reason == reason


@versions
def test_cost_and_personal_messages_are_shown(version: Version) -> None:
    bench = Bench(version, "Duo 22")
    words = bench.words
    outlet = bench.session(seconds=30)
    assert outlet.tx is not None
    text = words.MessageContent(format="UTF8", content="Hello Ada")
    bench.replies["TransactionEvent"] = lambda _: words.TransactionEventResponse(
        total_cost=4.25, updated_personal_message=text
    )
    bench.move(120)
    where = words.GetVariableData(
        component=words.Component(name="Display"),
        variable=words.Variable(name="DataText", instance="Visible"),
    )
    answer: Any = bench.command(words.GetVariables(get_variable_data=(where,)))
    assert answer.get_variable_result[0].attribute_value == "Hello Ada | 4.25"


# --- DER controls ---------------------------------------------------------------------------------


def der_contents(words: Any) -> dict[str, dict[str, Any]]:
    """One control of each kind, as the message wants its content."""
    curve = words.DERCurve(
        curve_data=(words.DERCurvePoints(x=0.0, y=1.0),), priority=1, y_unit="PctMaxW"
    )
    fixed_pf = words.FixedPF(priority=1, displacement=0.9, excitation=True)
    return {
        "EnterService": {
            "enter_service": words.EnterService(
                priority=1, high_voltage=250.0, low_voltage=210.0, high_freq=51.0, low_freq=49.0
            )
        },
        "FreqDroop": {
            "freq_droop": words.FreqDroop(
                priority=1, over_freq=50.2, under_freq=49.8, over_droop=0.05, under_droop=0.05,
                response_time=1.0,
            )
        },
        "FixedPFAbsorb": {"fixed_pf_absorb": fixed_pf},
        "FixedPFInject": {"fixed_pf_inject": fixed_pf},
        "FixedVar": {"fixed_var": words.FixedVar(priority=1, setpoint=10.0, unit="PctMaxVar")},
        "Gradients": {"gradient": words.Gradient(priority=1, gradient=1.0, soft_gradient=1.0)},
        "LimitMaxDischarge": {
            "limit_max_discharge": words.LimitMaxDischarge(priority=1, pct_max_discharge_power=80.0)
        },
        "VoltVar": {"curve": curve},
        "VoltWatt": {"curve": curve},
    }  # fmt: skip


def test_der_controls_of_all_nine_kinds_are_kept_ranked_and_reported() -> None:
    bench = Bench("2.1", "Swift 180 Twin", features=("der",))
    words = bench.words
    contents = der_contents(words)
    for kind, content in contents.items():
        request = words.SetDERControl(
            is_default=True, control_id=kind, control_type=kind, **content
        )
        answer: Any = bench.command(request)
        assert answer.status == "Accepted", kind
    wrong = words.SetDERControl(
        is_default=True,
        control_id="X",
        control_type="VoltVar",
        fixed_pf_absorb=contents["FixedPFAbsorb"]["fixed_pf_absorb"],
    )
    answer = bench.command(wrong)
    assert answer.status == "Rejected", "the content is of another kind"
    answer = bench.command(words.GetDERControl(request_id=1))
    assert answer.status == "Accepted"
    reports = bench.heard_of("ReportDERControl")
    assert [bool(r.tbc) for r in reports] == [True] * (len(reports) - 1) + [False]
    names = {
        one.id
        for report in reports
        for field in type(report).__struct_fields__
        if field not in {"request_id", "tbc", "custom_data"}
        for one in getattr(report, field) or ()
    }
    assert names == set(contents)
    event = words.SetDERControl(
        is_default=False,
        control_id="E1",
        control_type="VoltVar",
        curve=words.DERCurve(
            curve_data=(words.DERCurvePoints(x=0.0, y=1.0),),
            priority=0,
            y_unit="PctMaxW",
            start_time=at(bench, 30),
            duration=60.0,
        ),
    )
    bench.command(event)
    bench.move(120)
    told = [(m.control_id, m.started) for m in bench.heard_of("NotifyDERStartStop")]
    assert told == [("E1", True), ("E1", False)]
    answer = bench.command(words.ClearDERControl(is_default=True, control_type="VoltVar"))
    assert answer.status == "Accepted"
    answer = bench.command(words.GetDERControl(request_id=2, control_id="VoltVar"))
    assert answer.status == "NotFound"


def test_stations_without_an_inverter_say_so() -> None:
    bench = Bench("2.1", "Duo 22")
    answer: Any = bench.command(bench.words.GetDERControl(request_id=1))
    assert answer.status == "NotSupported"
    assert len(Limits()) == 0
