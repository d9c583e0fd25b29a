"""A day at one station that has everything: every command there is, and all that follows."""

from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from forecourt.protocol.ocpp import v16
from forecourt.sim.cars import Car
from forecourt.sim.outlet import Outlet
from forecourt.sim.v2x.smart import SiteLimiter
from forecourt.sim.world import FEATURES, Version
from tests.sim.csms import CARD, Bench, a_car
from tests.sim.pki import Authority

CONTRACT = "DEFCR000000001"
SIGNATURE = b64encode(b"s" * 64).decode()


def toured(version: Version) -> tuple[Bench, set[str]]:
    """The bench after the day, and what the station was asked."""
    bench = Bench(version, "Swift 180 Twin", features=FEATURES)
    asked: set[str] = set()
    day = _day_16(bench) if version == "1.6" else _day_2x(bench)
    for request in day:
        asked.add(type(request).__name__)
        bench.command(request)
        bench.move(30)
    bench.move(400)
    return bench, asked


def at(bench: Bench, seconds: float) -> datetime:
    return datetime.fromtimestamp(bench.world.now, UTC) + timedelta(seconds=seconds)


def plug_talking(bench: Bench, *, contract: str | None = None) -> Outlet:
    """A car that talks, and may give back."""
    outlet = bench.station.outlets[0]
    model = a_car("CCS2").model
    car = Car(model, 60.0, talk="iso20", contract=contract)
    bench.station.plug_in(outlet, car, "CCS2", target_wh=car.capacity_wh * 0.9)
    bench.settle()
    return outlet


def _day_16(bench: Bench) -> Iterator[Any]:
    authority = Authority()
    outlet = bench.session(seconds=60)
    assert outlet.tx is not None
    assert outlet.tx.wire_id is not None
    profile = v16.ChargingProfile(
        charging_profile_id=1,
        stack_level=1,
        charging_profile_purpose="TxDefaultProfile",
        charging_profile_kind="Absolute",
        charging_schedule=v16.ChargingSchedule(
            charging_rate_unit="W",
            start_schedule=at(bench, 0),
            charging_schedule_period=(v16.ChargingSchedulePeriod(start_period=0, limit=9_000),),
        ),
    )
    yield v16.SetChargingProfile(connector_id=1, cs_charging_profiles=profile)
    yield v16.GetCompositeSchedule(connector_id=1, duration=600)
    yield v16.ClearChargingProfile(id=1)
    yield v16.DataTransfer(vendor_id="com.voltreach", message_id="Echo", data="hello")
    yield v16.ChangeConfiguration(key="MeterValueSampleInterval", value="30")
    yield v16.GetConfiguration()
    yield v16.SendLocalList(list_version=1, update_type="Full")
    yield v16.GetLocalListVersion()
    yield v16.ClearCache()
    yield v16.TriggerMessage(requested_message="MeterValues", connector_id=1)
    yield v16.ExtendedTriggerMessage(requested_message="SignChargePointCertificate")
    csr = bench.heard_of("SignCertificate")[0].csr
    yield v16.CertificateSigned(certificate_chain=authority.sign(csr))
    use: Any = "CentralSystemRootCertificate"
    yield v16.InstallCertificate(certificate_type=use, certificate=authority.pem)
    yield v16.GetInstalledCertificateIds(certificate_type=use)
    answer: Any = bench.answers[-1]
    (names,) = answer.response.certificate_hash_data
    yield v16.DeleteCertificate(certificate_hash_data=names)
    log = v16.LogParameters(remote_location="https://logs.example/")
    yield v16.GetLog(log=log, log_type="SecurityLog", request_id=4)
    bench.move(100)
    yield v16.GetDiagnostics(location="ftp://logs.example/")
    yield v16.RemoteStopTransaction(transaction_id=outlet.tx.wire_id)
    yield v16.UnlockConnector(connector_id=1)
    bench.station.unplug(outlet)
    yield v16.ReserveNow(connector_id=1, expiry_date=at(bench, 300), id_tag=CARD, reservation_id=5)
    yield v16.CancelReservation(reservation_id=5)
    yield v16.RemoteStartTransaction(id_tag=CARD, connector_id=1)
    bench.move(100)
    yield v16.ChangeAvailability(connector_id=0, type="Operative")
    yield v16.UpdateFirmware(location="https://fw.example/a-4.3.0.bin", retrieve_date=at(bench, 0))
    bench.move(600)
    yield v16.SignedUpdateFirmware(
        request_id=8,
        firmware=v16.Firmware(
            location="https://fw.example/a-4.4.0.bin",
            retrieve_date_time=at(bench, 0),
            signing_certificate=authority.pem,
            signature=SIGNATURE,
        ),
    )
    bench.move(600)
    yield v16.Reset(type="Soft")


def _day_2x(bench: Bench) -> Iterator[Any]:
    yield from _device(bench)
    yield from _security(bench)
    yield from _charging(bench)
    if bench.version == "2.1":
        yield from _newest(bench)
    yield from _upkeep(bench)


def _power(words: Any) -> dict[str, Any]:
    return {
        "component": words.Component(name="EVSE", evse=words.EVSE(id=1)),
        "variable": words.Variable(name="Power"),
    }


def _device(bench: Bench) -> Iterator[Any]:
    words = bench.words
    yield words.GetBaseReport(request_id=1, report_base="FullInventory")
    yield words.GetReport(request_id=2, component_criteria=("Problem", "Active"))
    component = words.Component(name="OCPPCommCtrlr")
    variable = words.Variable(name="HeartbeatInterval")
    read = words.GetVariableData(component=component, variable=variable)
    yield words.GetVariables(get_variable_data=(read,))
    write = words.SetVariableData(component=component, variable=variable, attribute_value="120")
    yield words.SetVariables(set_variable_data=(write,))
    watch = words.SetMonitoringData(value=1_000, type="UpperThreshold", severity=3, **_power(words))
    yield words.SetVariableMonitoring(set_monitoring_data=(watch,))
    yield words.GetMonitoringReport(request_id=3)
    yield words.SetMonitoringLevel(severity=6)
    bench.station.fault(bench.station.outlets[1], "GroundFailure", 20)
    yield words.ClearVariableMonitoring(id=(999,))
    yield words.SetMonitoringBase(monitoring_base="FactoryDefault")
    entry = words.AuthorizationData(
        id_token=words.IdToken(id_token=CARD, type="ISO14443"),
        id_token_info=words.IdTokenInfo(status="Accepted"),
    )
    yield words.SendLocalList(
        version_number=1, update_type="Full", local_authorization_list=(entry,)
    )
    yield words.GetLocalListVersion()
    yield words.ClearCache()
    yield words.DataTransfer(vendor_id="com.voltreach", message_id="Echo", data=[1, "two"])
    text = words.MessageContent(format="UTF8", content="Guten Tag")
    info = words.MessageInfo(id=1, priority="NormalCycle", message=text)
    yield words.SetDisplayMessage(message=info)
    yield words.GetDisplayMessages(request_id=4)
    yield words.ClearDisplayMessage(id=1)
    yield words.TriggerMessage(requested_message="MeterValues")
    yield words.ChangeAvailability(operational_status="Operative")
    yield words.UnlockConnector(evse_id=1, connector_id=1)


def _security(bench: Bench) -> Iterator[Any]:
    words, authority = bench.words, Authority()
    yield words.TriggerMessage(requested_message="SignChargingStationCertificate")
    csr = bench.heard_of("SignCertificate")[-1].csr
    yield words.CertificateSigned(certificate_chain=authority.sign(csr))
    use = "CSMSRootCertificate"
    yield words.InstallCertificate(certificate_type=use, certificate=authority.pem)
    yield words.GetInstalledCertificateIds(certificate_type=(use,))
    answer: Any = bench.answers[-1]
    (chain,) = answer.response.certificate_hash_data_chain
    yield words.DeleteCertificate(certificate_hash_data=chain.certificate_hash_data)
    yield words.SetNetworkProfile(
        configuration_slot=1,
        connection_data=words.NetworkConnectionProfile(
            ocpp_version="OCPP20",
            ocpp_transport="JSON",
            ocpp_csms_url="wss://csms.example/ocpp",
            message_timeout=30,
            security_profile=2,
            ocpp_interface="Wired0",
        ),
    )


def _profile(bench: Bench, **more: Any) -> Any:
    words = bench.words
    period = words.ChargingSchedulePeriod(start_period=0, limit=20_000.0)
    usual = {
        "id": 1,
        "stack_level": 1,
        "charging_profile_purpose": "TxProfile",
        "charging_profile_kind": "Absolute",
        "charging_schedule": (
            words.ChargingSchedule(
                id=1,
                charging_rate_unit="W",
                start_schedule=at(bench, 0),
                charging_schedule_period=(period,),
            ),
        ),
    }
    return words.ChargingProfile(**{**usual, **more})


def _charging(bench: Bench) -> Iterator[Any]:
    words = bench.words
    token = words.IdToken(id_token=CARD, type="ISO14443")
    yield words.ReserveNow(id=7, expiry_date_time=at(bench, 60), id_token=token, evse_id=1)
    bench.move(60)
    yield words.ReserveNow(id=8, expiry_date_time=at(bench, 600), id_token=token, evse_id=1)
    yield words.CancelReservation(reservation_id=8)
    outlet = plug_talking(bench, contract=CONTRACT)
    bench.move(30)
    assert outlet.tx is not None, "the car charges on its contract"
    ref = outlet.tx.ref
    yield words.SetChargingProfile(evse_id=1, charging_profile=_profile(bench, transaction_id=ref))
    yield words.GetChargingProfiles(
        request_id=9, charging_profile=words.ChargingProfileCriterion(stack_level=1)
    )
    yield words.GetCompositeSchedule(duration=600, evse_id=1)
    yield words.ClearChargingProfile(charging_profile_id=1)
    voice: Any = bench.station.voice
    voice.organ(SiteLimiter).limit()
    bench.move(3_000, step_s=10)
    yield words.CostUpdated(total_cost=3.5, transaction_id=ref)
    yield words.GetTransactionStatus(transaction_id=ref)
    yield words.CustomerInformation(request_id=10, report=True, clear=False, id_token=token)
    yield words.RequestStopTransaction(transaction_id=ref)
    bench.station.unplug(outlet)
    yield words.RequestStartTransaction(id_token=token, remote_start_id=11, evse_id=1)
    bench.move(120)


def _newest(bench: Bench) -> Iterator[Any]:
    words = bench.words
    tariff = words.Tariff(
        tariff_id="T1",
        currency="EUR",
        energy=words.TariffEnergy(prices=(words.TariffEnergyPrice(price_kwh=0.4),)),
    )
    yield words.SetDefaultTariff(evse_id=0, tariff=tariff)
    yield words.GetTariffs(evse_id=0)
    outlet = plug_talking(bench)
    bench.station.swipe(outlet, CARD)
    bench.move(120)
    assert outlet.tx is not None
    ref = outlet.tx.ref
    yield words.ChangeTransactionTariff(transaction_id=ref, tariff=tariff)
    yield words.ClearTariffs()
    dynamic = _profile(
        bench,
        id=5,
        transaction_id=ref,
        charging_profile_kind="Dynamic",
        dyn_update_interval=60,
        charging_schedule=(
            words.ChargingSchedule(
                id=5,
                charging_rate_unit="W",
                charging_schedule_period=(
                    words.ChargingSchedulePeriod(
                        start_period=0,
                        operation_mode="CentralFrequency",
                        v2x_baseline=0.0,
                        v2x_signal_watt_curve=(
                            words.V2XSignalWattPoint(signal=-100, power=-10_000.0),
                            words.V2XSignalWattPoint(signal=100, power=10_000.0),
                        ),
                    ),
                ),
            ),
        ),
    )
    yield words.SetChargingProfile(evse_id=1, charging_profile=dynamic)
    yield words.AFRRSignal(timestamp=at(bench, 0), signal=-50)
    update = words.ChargingScheduleUpdate(setpoint=-5_000.0)
    yield words.UpdateDynamicSchedule(charging_profile_id=5, schedule_update=update)
    yield words.NotifyAllowedEnergyTransfer(
        transaction_id=ref, allowed_energy_transfer=("DC", "DC_BPT")
    )
    priority = _profile(bench, id=6, charging_profile_purpose="PriorityCharging")
    yield words.SetChargingProfile(evse_id=1, charging_profile=priority)
    yield words.UsePriorityCharging(transaction_id=ref, activate=True)
    yield from _grid(bench)
    yield from _streams(bench)
    yield words.RequestBatterySwap(
        request_id=12, id_token=words.IdToken(id_token=CARD, type="ISO14443")
    )
    yield words.NotifyWebPaymentStarted(evse_id=2, timeout=60)
    for _ in range(12):  # Half of the people pay here, a third of these with a VAT number.
        bench.station.stop(outlet, "Local", "StopAuthorized")
        bench.station.unplug(outlet)
        bench.settle()
        plug_talking(bench)
        bench.station.swipe(outlet, CARD)
        bench.move(30)
    bench.station.unplug(outlet)


def _grid(bench: Bench) -> Iterator[Any]:
    words = bench.words
    curve = words.DERCurve(
        curve_data=(words.DERCurvePoints(x=0.0, y=1.0), words.DERCurvePoints(x=1.0, y=0.0)),
        priority=1,
        y_unit="PctMaxW",
        start_time=at(bench, 0),
        duration=200.0,
    )
    yield words.SetDERControl(
        is_default=False, control_id="C1", control_type="HVMustTrip", curve=curve
    )
    yield words.SetDERControl(
        is_default=True,
        control_id="C2",
        control_type="Gradients",
        gradient=words.Gradient(priority=0, gradient=1.0, soft_gradient=0.5),
    )
    yield words.GetDERControl(request_id=13)
    yield words.ClearDERControl(is_default=True)


def _streams(bench: Bench) -> Iterator[Any]:
    words = bench.words
    params = words.PeriodicEventStreamParams(interval=30, values=5)
    watch = words.SetMonitoringData(
        value=5, type="Periodic", severity=7, periodic_event_stream=params, **_power(words)
    )
    yield words.SetVariableMonitoring(set_monitoring_data=(watch,))
    answer: Any = bench.answers[-1]
    monitor_id = answer.response.set_monitoring_result[0].id
    yield words.GetPeriodicEventStream()
    yield words.AdjustPeriodicEventStream(id=1, params=params)
    yield words.ClearVariableMonitoring(id=(monitor_id,))


def _upkeep(bench: Bench) -> Iterator[Any]:
    words = bench.words
    log = words.LogParameters(remote_location="https://logs.example/")
    yield words.GetLog(log=log, log_type="SecurityLog", request_id=20)
    checksum = "0123456789abcdef0123456789abcdef"
    yield words.PublishFirmware(
        location="https://fw.example/b-1.2.bin", checksum=checksum, request_id=21
    )
    bench.move(200)
    yield words.UnpublishFirmware(checksum=checksum)
    for outlet in bench.station.outlets:
        bench.station.unplug(outlet)
    yield words.UpdateFirmware(
        request_id=22,
        firmware=words.Firmware(
            location="https://fw.example/b-9.9.bin",
            retrieve_date_time=at(bench, 10),
            signing_certificate=Authority().pem,
            signature=SIGNATURE,
        ),
    )
    bench.move(600)
    yield words.Reset(type="Immediate")
