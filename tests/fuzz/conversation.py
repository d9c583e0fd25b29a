"""Target: two ends that talk over a bad line; the input chooses every step."""

from collections.abc import Iterator
from typing import Final

from tests.fuzz.decode import CHOICES
from tests.fuzz.talk import Talk

STEPS_MAX: Final = 200


class _Bytes:
    """The input, read piece by piece; zeros once it is used up."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def one(self) -> int:
        self._at += 1
        return self._data[self._at - 1] if self._at <= len(self._data) else 0

    def some(self) -> bytes:
        count = self.one()
        self._at += count
        return self._data[self._at - count : self._at]


def run(data: bytes) -> None:
    """One input: all that ``Talk`` promises holds after each of its steps."""
    given = _Bytes(data)
    version, lenient, remembers = CHOICES[given.one() % len(CHOICES)]
    talk = Talk(version, lenient=lenient is not None, remembers=remembers)
    for _ in range(STEPS_MAX):
        if not given:
            break
        _step(talk, given)
    talk.close(0)
    talk.close(1)


def _step(talk: Talk, given: _Bytes) -> None:  # noqa: C901 (one case for each step)
    kind = given.one()
    who = kind & 1
    match kind >> 1 & 15:
        case 0 | 1:
            talk.call(who, given.one())
        case 2 | 3:
            talk.answer(who, given.one())
        case 4:
            talk.answer(who, given.one(), refuse=True)
        case 5 | 6 | 7 | 8:
            talk.deliver(who)
        case 9:
            talk.deliver(who, given.one())
        case 10:
            talk.lose(who, given.one())
        case 11:
            talk.repeat(who, given.one())
        case 12:
            talk.garble(who, given.one(), given.one(), given.some())
        case 13:
            talk.invent(who, given.some())
        case 14:
            talk.wait(given.one())
        case _:
            talk.close(who)


def seeds() -> Iterator[bytes]:
    """Talks in good order, one of each kind, and some that go wrong."""
    call, reply, refuse, deliver, lose, repeat = 0, 4, 8, 10, 20, 22
    for nth in range(len(CHOICES)):
        for which in range(0, 40, 7):
            good = [call, which, deliver | 1, reply | 1, 0, deliver]
            yield bytes([nth, *good, *(step ^ 1 for step in good[:1]), which])
            yield bytes([nth, call, which, deliver | 1, refuse | 1, which, deliver])
            yield bytes([nth, call, which, call, which, lose | 1, 0, 28, 31, deliver | 1])
            yield bytes([nth, call, which, repeat | 1, 0, deliver | 1, deliver | 1, reply | 1, 0])
            yield bytes([nth, call, which, 24 | 1, 0, 9, 2, 34, 44, deliver | 1, deliver])
        frame = b'[3,"c-1",{}]'
        yield bytes([nth, call | 1, 3, 26 | 1, len(frame)]) + frame
