"""Periodic event streams (2.1): values of a monitor, sent together and without an answer."""

from functools import partial
from typing import Any, Final

from msgspec import Struct

from forecourt.sim.readings import moment
from forecourt.sim.timeline import Timer
from forecourt.sim.v2x.table import Commands, Speaker

_INTERVAL_S: Final = 60
_VALUES: Final = 10
_KEPT_MAX: Final = 500
"""While nobody is there to hear it, the oldest are forgotten."""


class Stream(Struct, kw_only=True, eq=False):
    """One stream."""

    id: int
    monitor_id: int
    interval_s: int
    values_max: int
    begun_at: float = 0.0
    opened: bool = False
    values: list[tuple[float, str]]
    timer: Timer | None = None


class Streams:
    """All of one station."""

    def __init__(self, speaker: Speaker) -> None:
        self._speaker = speaker
        self._by_id: dict[int, Stream] = {}
        self._next_id = 1

    def open(self, monitor_id: int, params: Any) -> int:
        """Ask for a stream; it flows once the central system has agreed."""
        stream = Stream(
            id=self._next_id,
            monitor_id=monitor_id,
            interval_s=params.interval or _INTERVAL_S,
            values_max=params.values or _VALUES,
            values=[],
        )
        self._next_id += 1
        self._by_id[stream.id] = stream
        self._speaker.station.talk.after_answer(partial(self._ask, stream))
        return stream.id

    def _ask(self, stream: Stream) -> None:
        words = self._speaker.words
        self._speaker.ask(
            words.OpenPeriodicEventStream(constant_stream_data=self._data(stream)),
            done=partial(self._opened, stream),
        )

    def _opened(self, stream: Stream, response: Any) -> None:
        if response.status == "Accepted" and stream.id in self._by_id:
            stream.opened = True
            self._arm(stream)

    def close(self, stream_id: int) -> None:
        stream = self._by_id.pop(stream_id, None)
        if stream is None:
            return
        if stream.timer is not None:
            stream.timer.cancel()
        tell = partial(
            self._speaker.ask, self._speaker.words.ClosePeriodicEventStream(id=stream_id)
        )
        self._speaker.station.talk.after_answer(tell)

    def add(self, stream_id: int, value: str) -> None:
        """One more value; enough of them are sent at once."""
        stream = self._by_id.get(stream_id)
        if stream is None or not stream.opened:
            return
        stream.values = [*stream.values, (self._speaker.station.world.now, value)][-_KEPT_MAX:]
        if len(stream.values) >= stream.values_max:
            self._send(stream)

    def adjust(self, stream_id: int, params: Any) -> bool:
        stream = self._by_id.get(stream_id)
        if stream is None:
            return False
        stream.interval_s = params.interval or stream.interval_s
        stream.values_max = params.values or stream.values_max
        self._arm(stream)
        return True

    def listed(self) -> tuple[Any, ...]:
        return tuple(self._data(stream) for stream in self._by_id.values())

    def _data(self, stream: Stream) -> Any:
        words = self._speaker.words
        return words.ConstantStreamData(
            id=stream.id,
            variable_monitoring_id=stream.monitor_id,
            params=words.PeriodicEventStreamParams(
                interval=stream.interval_s, values=stream.values_max
            ),
        )

    def _arm(self, stream: Stream) -> None:
        if stream.timer is not None:
            stream.timer.cancel()
        world = self._speaker.station.world
        stream.timer = world.after(stream.interval_s, partial(self._due, stream))

    def _due(self, stream: Stream) -> None:
        if stream.values:
            self._send(stream)
        self._arm(stream)

    def _send(self, stream: Stream) -> None:
        words = self._speaker.words
        now, stream.values = stream.values[: stream.values_max], stream.values[stream.values_max :]
        begun = now[0][0]
        said = words.NotifyPeriodicEventStream(
            id=stream.id,
            pending=len(stream.values),
            basetime=moment(begun),
            data=tuple(words.StreamDataElement(t=round(at - begun, 3), v=v) for at, v in now),
        )
        if not self._speaker.station.talk.send(said):
            stream.values = [*now, *stream.values][-_KEPT_MAX:]


def on_list(speaker: Speaker, _request: Any) -> Any:
    streams = speaker.organ(Streams).listed()
    return speaker.words.GetPeriodicEventStreamResponse(constant_stream_data=streams or None)


def on_adjust(speaker: Speaker, request: Any) -> Any:
    adjusted = speaker.organ(Streams).adjust(request.id, request.params)
    status = "Accepted" if adjusted else "Rejected"
    return speaker.words.AdjustPeriodicEventStreamResponse(status=status)


COMMANDS: Final[Commands] = {
    "GetPeriodicEventStream": on_list,
    "AdjustPeriodicEventStream": on_adjust,
}
