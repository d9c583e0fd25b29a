"""What 2.1 stations tell of money: settlements, VAT numbers, costs of their own reckoning."""

from decimal import Decimal
from typing import Any

import pytest

from tests.edge.ocpp.house import IN_THE_HOUSE, Yard
from tests.edge.ocpp.says import event
from tests.edge.ocpp.wire import CallError

pytestmark = [IN_THE_HOUSE, pytest.mark.storage]


class TestSettlements:
    async def test_what_a_terminal_settled(self, yard: Yard) -> None:
        station, wire = await yard.station("2.1")
        company = {"name": "Acme", "address1": "Main 1", "city": "Delft", "country": "NL"}
        body = {
            "pspRef": "psp-1",
            "status": "Settled",
            "settlementAmount": 17.1,
            "settlementTime": yard.at(),
            "transactionId": "tx1",
            "receiptId": "r-9",
            "vatCompany": company,
            "vatNumber": "NL004495445B01",
        }
        assert await wire.call("NotifySettlement", body) == {}
        assert await wire.call("NotifySettlement", body) == {}
        (held,) = (await yard.rooms.billing.settlements(yard.ctx, station)).items
        # 17.1 has no exact float; what was written is what is kept.
        assert held.amount == Decimal("17.1")
        assert (held.state, held.reference, held.receipt) == ("settled", "psp-1", "r-9")
        assert held.company is not None
        assert held.company.city == "Delft"
        (told,) = await yard.events(station, "payment.settled")
        assert '"17.1"' in told["body"]

    async def test_a_payment_that_failed_and_then_did_not(self, yard: Yard) -> None:
        station, wire = await yard.station("2.1")
        body = {"pspRef": "psp-2", "settlementAmount": 5, "settlementTime": yard.at()}
        await wire.call("NotifySettlement", {**body, "status": "Failed", "statusInfo": "no line"})
        await wire.call(
            "NotifySettlement", {**body, "status": "Settled", "settlementTime": yard.at(1)}
        )
        second, first = (await yard.rooms.billing.settlements(yard.ctx, station)).items
        assert (first.state, first.info, second.state) == ("failed", "no line", "settled")

    @pytest.mark.parametrize("amount", [-0.01, 1e13])
    async def test_an_amount_that_cannot_be(self, yard: Yard, amount: float) -> None:
        station, wire = await yard.station("2.1")
        body = {"pspRef": "x", "settlementAmount": amount, "settlementTime": yard.at()}
        with pytest.raises(CallError) as refused:
            await wire.call("NotifySettlement", {**body, "status": "Settled"})
        assert refused.value.code == "PropertyConstraintViolation"
        assert (await yard.rooms.billing.settlements(yard.ctx, station)).items == []


@pytest.mark.parametrize(
    ("number", "status", "reason"),
    [
        ("NL004495445B01", "Accepted", "NoError"),
        ("NL004495446B01", "Rejected", "InvalidValue"),
        ("XX1", "Rejected", "InvalidValue"),
    ],
)
async def test_a_vat_number(yard: Yard, number: str, status: str, reason: str) -> None:
    _, wire = await yard.station("2.1")
    answer = await wire.call("VatNumberValidation", {"vatNumber": number, "evseId": 1})
    info = answer.pop("statusInfo")
    assert answer == {"vatNumber": number, "evseId": 1, "status": status}
    assert info["reasonCode"] == reason
    assert ("no register was asked" in info["additionalInfo"]) == (status == "Accepted")


class TestCosts:
    def details(self, incl: float, energy: float) -> dict[str, Any]:
        total = {"exclTax": 1.1, "inclTax": incl}
        return {
            "totalCost": {"currency": "EUR", "typeOfCost": "NormalCost", "total": total},
            "totalUsage": {"energy": energy, "chargingTime": 600, "idleTime": 0},
        }

    async def test_what_a_station_reckons(self, yard: Yard) -> None:
        station, wire = await yard.station("2.1")
        info = {"tariffId": "T1", "transactionLimit": {"maxCost": 20.2, "maxSoC": 80}}
        token = await yard.token()
        begun = event("Started", "tx-cost", 0, yard.at(-600), 0, evse=1, token=token, info=info)
        answer = await wire.call("TransactionEvent", begun)
        assert answer["idTokenInfo"]["status"] == "Accepted"
        running = event("Updated", "tx-cost", 1, yard.at(-300), 4_000)
        await wire.call("TransactionEvent", {**running, "costDetails": self.details(1.33, 4_000)})
        ended = event("Ended", "tx-cost", 2, yard.at(), 8_000)
        last = {**ended, "costDetails": self.details(2.66, 8_000)}
        await wire.call("TransactionEvent", last)
        await wire.call("TransactionEvent", last)
        cost = await yard.rooms.tariffs.cost(yard.ctx, station, "tx-cost")
        assert cost is not None
        assert (cost.tariff, cost.currency, cost.energy_wh) == ("T1", "EUR", 8_000)
        assert (cost.excl_tax, cost.incl_tax) == (Decimal("1.1"), Decimal("2.66"))
        assert cost.limit is not None
        assert (cost.limit.cost_max, cost.limit.soc_pct_max) == (Decimal("20.2"), 80)
        session = await yard.session(station)
        assert (session.state, session.progress.energy_wh) == ("ended", 8_000)
        assert len(await yard.readings(station)) == 3

    async def test_a_station_that_cannot_tell(self, yard: Yard) -> None:
        station, wire = await yard.station("2.1")
        begun = event("Started", "tx-dear", 0, yard.at(-60), evse=1)
        details = {**self.details(0, 0), "failureToCalculate": True, "failureReason": "no tariff"}
        await wire.call("TransactionEvent", {**begun, "costDetails": details})
        (cost,) = (await yard.rooms.tariffs.costs(yard.ctx, station)).items
        assert (cost.failure, cost.incl_tax) == ("no tariff", Decimal(0))
