"""Cars that talk ISO 15118: what they need, on which contract they charge, what they want signed.

The station passes on what a car says. Its certificates are not real ones: only a car's own exchange
with its provider could tell, and that is sealed.
"""

from base64 import b64encode
from hashlib import sha256
from typing import Any, Final

from forecourt.sim.cars import Car
from forecourt.sim.outlet import Outlet
from forecourt.sim.readings import moment
from forecourt.sim.v2x.table import Speaker

_SCHEMAS: Final = {
    "iso2": "urn:iso:15118:2:2013:MsgDef",
    "iso20": "urn:iso:std:iso:15118:-20:CommonMessages",
}
_OCSP_URL: Final = "http://ocsp.example/"
_TUPLES_MAX: Final = 24


def plugged(speaker: Speaker, outlet: Outlet) -> None:
    """A car is there; whether it and the station can talk."""
    car = outlet.car
    if car is None or car.talk == "none" or "iso15118" not in speaker.station.plan.features:
        return
    if car.contract is not None and speaker.station.knobs.plug_and_charge:
        _charge_on_contract(speaker, outlet, car, car.contract)
    speaker.ask(needs(speaker, outlet, car))


def needs(speaker: Speaker, outlet: Outlet, car: Car) -> Any:
    """K15: what the car wants, before a schedule is made for it."""
    words, model = speaker.words, speaker.station.plan.model
    wanted_wh = max(0.0, outlet.target_wh - car.energy_wh)
    gives = car.bidirectional and speaker.newest and "v2x" in speaker.station.plan.features
    more: dict[str, Any] = {}
    if model.dc:
        mode = "DC_BPT" if gives else "DC"
        more["dc_charging_parameters"] = words.DCChargingParameters(
            ev_max_current=round(car.model.dc_w(20.0) / car.model.pack_v),
            ev_max_voltage=round(car.model.pack_v * 1.1),
            ev_max_power=round(car.model.dc_w(20.0)),
            ev_energy_capacity=round(car.capacity_wh),
            energy_amount=round(wanted_wh),
            state_of_charge=round(car.soc_pct),
            full_soc=100,
            bulk_soc=80,
        )
    else:
        mode = "AC_BPT" if gives else "AC_single_phase" if outlet.phases == 1 else "AC_three_phase"
        more["ac_charging_parameters"] = words.ACChargingParameters(
            energy_amount=round(wanted_wh),
            ev_min_current=6,
            ev_max_current=round(car.model.ac_w(model.region) / model.volts / outlet.phases),
            ev_max_voltage=model.volts,
        )
    if gives:
        power_w = float(round(car.gives_w(dc=model.dc, region=model.region)))
        more["v2x_charging_parameters"] = words.V2XChargingParameters(
            max_charge_power=float(round(car.takes_w(dc=model.dc, region=model.region))),
            max_discharge_power=-power_w,
            ev_target_energy_request=float(round(wanted_wh)),
            ev_min_energy_request=0.0,
            target_soc=min(100, round(100 * outlet.target_wh / car.capacity_wh)),
        )
        more["control_mode"] = "DynamicControl"
    at = {"timestamp": moment(speaker.station.world.now)} if speaker.newest else {}
    return words.NotifyEVChargingNeeds(
        evse_id=outlet.id,
        max_schedule_tuples=_TUPLES_MAX,
        charging_needs=words.ChargingNeeds(requested_energy_transfer=mode, **more),
        **at,
    )


def _charge_on_contract(speaker: Speaker, outlet: Outlet, car: Car, contract: str) -> None:
    """C07, C08: no card; the car's contract certificate speaks for it."""
    _ask_for_status(speaker, contract)
    _ask_for_update(speaker, car, contract)
    speaker.station.swipe(outlet, contract)


def ocsp_data(contract: str) -> dict[str, Any]:
    """Names of the contract's certificate, the same each time."""

    def digest(what: str) -> str:
        return sha256(f"{contract}/{what}".encode()).hexdigest()

    return {
        "hash_algorithm": "SHA256",
        "issuer_name_hash": digest("issuer"),
        "issuer_key_hash": digest("key"),
        "serial_number": digest("serial")[:32],
    }


def _ask_for_status(speaker: Speaker, contract: str) -> None:
    """M06, and in 2.1 M07: whether certificates along the chain still hold."""
    words, names = speaker.words, ocsp_data(contract)
    speaker.ask(
        words.GetCertificateStatus(
            ocsp_request_data=words.OCSPRequestData(**names, responder_url=_OCSP_URL)
        )
    )
    if speaker.newest:
        wanted = words.CertificateStatusRequestInfo(
            certificate_hash_data=words.CertificateHashData(**names),
            source="OCSP",
            urls=(_OCSP_URL,),
        )
        speaker.ask(words.GetCertificateChainStatus(certificate_status_requests=(wanted,)))


def _ask_for_update(speaker: Speaker, car: Car, contract: str) -> None:
    """M02: some cars renew their contract's certificate at the cable; sealed for the provider."""
    exi = b64encode(sha256(f"{contract}/{car.model.name}".encode()).digest() * 8).decode()
    speaker.ask(
        speaker.words.Get15118EVCertificate(
            iso15118_schema_version=_SCHEMAS[car.talk],
            action="Update",
            exi_request=exi,
        )
    )
