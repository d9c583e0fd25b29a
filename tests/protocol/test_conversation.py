"""Two ends over a bad line, driven by Hypothesis: what ``Talk`` promises holds after each step."""

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from tests.fuzz.examples import DIALECTS
from tests.fuzz.talk import Talk

ENDS = st.integers(0, 1)
WHICH = st.integers(0, 80)
PIECES = st.binary(max_size=4) | st.sampled_from([b'"', b"[", b"]", b"null", b"1e9", b"\\", b","])
FRAMES = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(
        [
            b'[2,"c-1","Heartbeat",{}]',
            b'[2,"s-1","Reset",{"type":"Soft"}]',
            b'[3,"c-1",{}]',
            b'[3,"s-1",{"status":"Accepted"}]',
            b'[4,"c-1","InternalError","",{}]',
            b'[5,"s-1","InternalError","",{}]',
            b'[6,"c-2","NotifyPeriodicEventStream",{}]',
            b'[4,"-1","RpcFrameworkError","",{}]',
            b"",
        ]
    ),
)


class Conversation(RuleBasedStateMachine):
    def __init__(self, version: str, *, lenient: bool) -> None:
        super().__init__()
        self.talk = Talk(version, lenient=lenient, remembers=lenient)

    @rule(who=ENDS, which=WHICH)
    def call(self, who: int, which: int) -> None:
        self.talk.call(who, which)

    @rule(who=ENDS, which=WHICH, refuse=st.booleans())
    def answer(self, who: int, which: int, *, refuse: bool) -> None:
        self.talk.answer(who, which, refuse=refuse)

    @rule(who=ENDS, which=st.just(0) | WHICH)
    def deliver(self, who: int, which: int) -> None:
        self.talk.deliver(who, which)

    @rule(who=ENDS, which=WHICH)
    def lose(self, who: int, which: int) -> None:
        self.talk.lose(who, which)

    @rule(who=ENDS, which=WHICH)
    def repeat(self, who: int, which: int) -> None:
        self.talk.repeat(who, which)

    @rule(who=ENDS, which=WHICH, at=st.integers(0, 200), piece=PIECES)
    def garble(self, who: int, which: int, at: int, piece: bytes) -> None:
        self.talk.garble(who, which, at, piece)

    @rule(who=ENDS, frame=FRAMES)
    def invent(self, who: int, frame: bytes) -> None:
        self.talk.invent(who, frame)

    @rule(seconds=st.floats(0, 40))
    def wait(self, seconds: float) -> None:
        self.talk.wait(seconds)

    def teardown(self) -> None:
        self.talk.close(0)
        self.talk.close(1)


@pytest.mark.parametrize("lenient", [False, True], ids=["strict", "lenient"])
@pytest.mark.parametrize("version", DIALECTS)
def test_every_call_is_settled_once_whatever_the_line_does(version: str, lenient: bool) -> None:  # noqa: FBT001 (a parameter of the test)
    bounds: Any = settings(max_examples=60, stateful_step_count=40)

    class Here(Conversation):
        def __init__(self) -> None:
            super().__init__(version, lenient=lenient)

    run_state_machine_as_test(Here, settings=bounds)
