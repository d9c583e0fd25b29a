"""Bank cards and web payments at a station with a terminal (2.1): receipts, VAT numbers, codes."""

from functools import partial
from typing import Any, Final

from forecourt.sim.luck import Luck
from forecourt.sim.outlet import Transaction
from forecourt.sim.readings import moment
from forecourt.sim.timeline import Timer
from forecourt.sim.v2x.table import Commands, Speaker
from forecourt.sim.v2x.tariffs import Tariffs

_SETTLES_S: Final = 5.0
_VAT_NUMBERS: Final = ("NL123456789B01", "DE123456789", "FR40303265045")
# Without a tariff the terminal has a price of its own, per kWh.
_OWN_PRICE: Final = 0.59
_VAT_SHARE: Final = 0.3


class Terminal:
    """The payment terminal of one station."""

    def __init__(self, speaker: Speaker) -> None:
        self._speaker = speaker
        self._luck: Luck = speaker.station.plan.luck("terminal")
        self._receipts = 0
        self.waiting: dict[int, Timer] = {}
        """Outlets on whose display somebody has scanned the code."""

    def ended(self, tx: Transaction, energy_wh: int) -> None:
        """Some of those who charge pay here; their bank settles a moment later."""
        if not self._luck.chance(0.5):
            return
        details = self._speaker.organ(Tariffs).details(tx, final=False)
        amount = round(energy_wh / 1000.0 * _OWN_PRICE, 2)
        if details is not None:
            amount = round(details.total_cost.total.excl_tax, 2)
        settle = partial(self._settle, tx.ref, amount)
        if self._luck.chance(_VAT_SHARE):
            settle = partial(self._validate, tx.outlet.id, tx.ref, amount)
        self._speaker.station.world.after(_SETTLES_S, settle)

    def _validate(self, evse: int, tx_ref: str, amount: float) -> None:
        """C25: a company wants a receipt of its own."""
        number = self._luck.pick(_VAT_NUMBERS)

        def answered(response: Any) -> None:
            company = response.company if response.status == "Accepted" else None
            self._settle(tx_ref, amount, vat_number=number, company=company)

        self._speaker.ask(
            self._speaker.words.VatNumberValidation(vat_number=number, evse_id=evse),
            done=answered,
            failed=lambda _: self._settle(tx_ref, amount),
        )

    def _settle(
        self, tx_ref: str, amount: float, *, vat_number: str | None = None, company: Any = None
    ) -> None:
        station, words = self._speaker.station, self._speaker.words
        self._receipts += 1
        fails = self._luck.chance(station.knobs.fail_share)
        receipt = f"{station.plan.serial}-{self._receipts}"
        self._speaker.ask(
            words.NotifySettlement(
                psp_ref=f"PSP{self._luck.bits() & 0xFFFFFFFF:08X}",
                status="Failed" if fails else "Settled",
                settlement_amount=amount,
                settlement_time=moment(station.world.now),
                transaction_id=tx_ref,
                receipt_id=receipt,
                receipt_url=f"https://receipts.example/{receipt}",
                vat_number=vat_number,
                vat_company=company,
            )
        )


def on_web_payment(speaker: Speaker, request: Any) -> Any:
    """C24: somebody has scanned the code; the outlet waits for that one, for a while."""
    station, terminal = speaker.station, speaker.organ(Terminal)
    for outlet in station.outlets:
        if request.evse_id in (0, outlet.id):
            old = terminal.waiting.pop(outlet.id, None)
            if old is not None:
                old.cancel()
            over = partial(terminal.waiting.pop, outlet.id, None)
            terminal.waiting[outlet.id] = station.world.after(max(request.timeout, 0), over)
    return speaker.words.NotifyWebPaymentStartedResponse()


COMMANDS: Final[Commands] = {"NotifyWebPaymentStarted": on_web_payment}
