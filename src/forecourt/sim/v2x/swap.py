"""Exchange of batteries (2.1): empty ones go in, full ones come out."""

from functools import partial
from typing import Any, Final

from forecourt.sim.luck import Luck
from forecourt.sim.v2x.table import Commands, Speaker

_HANDLING_S: Final = 15.0
_TAKES_OUT_SHARE: Final = 0.9
_TIMEOUT_S: Final = 120.0


class Swapper:
    """The slots of one station; each of its outlets charges one battery."""

    def __init__(self, speaker: Speaker) -> None:
        self._speaker = speaker
        self._luck: Luck = speaker.station.plan.luck("swap")

    def begin(self, request_id: int, token: Any) -> None:
        """Somebody comes: puts an empty battery in,"""
        world = self._speaker.station.world
        soc_in = round(self._luck.between(5.0, 30.0), 1)
        put_in = partial(self._tell, "BatteryIn", request_id, token, soc_in)
        world.after(_HANDLING_S, put_in)
        # and takes a full one out, or walks away and lets the door close.
        if self._luck.chance(_TAKES_OUT_SHARE):
            out = partial(self._tell, "BatteryOut", request_id, token, 92.0)
            world.after(2 * _HANDLING_S, out)
        else:
            out = partial(self._tell, "BatteryOutTimeout", request_id, token, 92.0)
            world.after(_TIMEOUT_S, out)

    def _tell(self, event: str, request_id: int, token: Any, soc_pct: float) -> None:
        words = self._speaker.words
        outlet = self._luck.pick(self._speaker.station.outlets)
        battery = words.BatteryData(
            evse_id=outlet.id,
            serial_number=f"BAT{self._luck.bits() & 0xFFFFFF:06X}",
            soc=soc_pct,
            soh=round(self._luck.between(80.0, 100.0), 1),
        )
        self._speaker.ask(
            words.BatterySwap(
                battery_data=(battery,),
                event_type=event,
                id_token=token,
                request_id=request_id,
            )
        )


def on_request(speaker: Speaker, request: Any) -> Any:
    respond = speaker.words.RequestBatterySwapResponse
    if "swap" not in speaker.station.plan.features:
        return respond(status="Rejected")
    begin = partial(speaker.organ(Swapper).begin, request.request_id, request.id_token)
    speaker.station.talk.after_answer(begin)
    return respond(status="Accepted")


COMMANDS: Final[Commands] = {"RequestBatterySwap": on_request}
