"""What a station keeps while nobody listens, and how it tells it afterwards."""

from itertools import pairwise

import pytest

from forecourt.sim.luck import Luck
from forecourt.sim.world import Version
from tests.sim.csms import CARD, Bench

pytestmark = pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])


def finish(bench: Bench) -> None:
    """End the session in hand, and give the wire time to drain."""
    outlet = bench.station.outlets[0]
    bench.station.swipe(outlet, CARD)
    bench.settle()
    bench.station.unplug(outlet)
    bench.settle()
    bench.up, bench.deaf = True, False
    bench.move(600)


def check_acknowledged_once_and_in_order(bench: Bench) -> None:
    notes = bench.acknowledged_notes
    assert bench.station.talk.durable_waiting == 0
    by_tx: dict[str, list[int]] = {}
    for note in notes:
        assert note.tx is not None
        assert note.seq is not None
        by_tx.setdefault(note.tx.ref, []).append(note.seq)
    assert len(by_tx) == bench.stats.started
    for seqs in by_tx.values():
        assert seqs == list(range(len(seqs)))
    assert [n.at for n in notes] == sorted(n.at for n in notes)


def test_a_whole_session_offline_is_replayed(version: Version) -> None:
    bench = Bench(version)
    heard_before = len(bench.heard)
    bench.cut()
    bench.session(seconds=300)
    outlet = bench.station.outlets[0]
    bench.station.swipe(outlet, CARD)
    bench.station.unplug(outlet)
    assert bench.stats.started == bench.stats.ended == 1
    assert len(bench.heard) == heard_before
    waiting = bench.station.talk.durable_waiting
    assert waiting >= 4
    bench.up = True
    bench.move(300)
    check_acknowledged_once_and_in_order(bench)
    assert len(bench.acknowledged_notes) == waiting
    assert len(bench.heard_of("BootNotification")) == 1, "a mere reconnection is no boot"
    if version == "1.6":
        (stop,) = bench.heard_of("StopTransaction")
        assert stop.transaction_id == 1000, "the number came with the replayed start"
        assert {v.transaction_id for v in bench.heard_of("MeterValues")} == {1000}
    else:
        assert all(e.offline for e in bench.heard_of("TransactionEvent"))


def test_the_link_breaks_in_mid_session(version: Version) -> None:
    bench = Bench(version)
    bench.session(seconds=130)
    bench.cut()
    bench.move(200)
    bench.up = True
    bench.move(200)
    assert bench.station.outlets[0].energised, "the car noticed nothing"
    finish(bench)
    check_acknowledged_once_and_in_order(bench)
    if version != "1.6":
        flags = [bool(e.offline) for e in bench.heard_of("TransactionEvent")]
        assert True in flags
        assert flags[0] is False
        assert flags[-1] is False


def test_what_got_no_answer_is_said_again_until_it_gets_one(version: Version) -> None:
    bench = Bench(version)
    bench.session(seconds=65)
    known = len(bench.acknowledged_notes)
    bench.deaf = True
    bench.move(400)
    assert len(bench.acknowledged_notes) == known
    assert bench.stats.timeouts >= 2
    finish(bench)
    check_acknowledged_once_and_in_order(bench)
    said = bench.heard_of("MeterValues" if version == "1.6" else "TransactionEvent")
    assert len(said) > len(set(map(repr, said))), "the same content came again"


def test_a_refused_message_is_tried_again_and_then_given_up(version: Version) -> None:
    bench = Bench(version)
    action = "StartTransaction" if version == "1.6" else "TransactionEvent"

    bench.refusing = action
    bench.session(seconds=400)
    assert bench.stats.given_up >= 1
    assert bench.stats.call_errors >= bench.station.knobs.tx_attempts
    attempts = bench.heard_of(action)
    assert len(attempts) >= bench.station.knobs.tx_attempts
    bench.refusing = ""
    finish(bench)
    assert bench.station.talk.durable_waiting == 0
    if version == "1.6":
        assert bench.heard_of("StopTransaction")[0].transaction_id == -1


def test_power_loss_ends_or_resumes_as_the_model_does(version: Version) -> None:
    for model, resumes in (("Post 7", False), ("Duo 22", True)):
        bench = Bench(version, model)
        bench.session(seconds=120)
        register = bench.station.outlets[0].register_wh
        bench.station.power_cut(60.0)
        bench.settle()
        assert bench.connection is None
        bench.move(30)
        assert bench.station.outlets[0].register_wh == register, "nothing flows without power"
        bench.move(200)
        assert len(bench.heard_of("BootNotification")) == 2
        outlet = bench.station.outlets[0]
        assert outlet.energised is resumes
        if resumes:
            finish(bench)
        else:
            assert bench.acknowledged_notes[-1].kind == "end"
            if version == "1.6":
                assert bench.heard_of("StopTransaction")[0].reason == "PowerLoss"
            else:
                last = bench.heard_of("TransactionEvent")[-1]
                assert last.transaction_info.stopped_reason == "PowerLoss"
                assert last.offline
        check_acknowledged_once_and_in_order(bench)


@pytest.mark.parametrize("seed", range(5))
def test_any_mixture_of_troubles_loses_nothing(version: Version, seed: int) -> None:
    bench, luck = Bench(version), Luck("storm", seed)
    outlet = bench.station.outlets[0]
    for _ in range(40):
        match luck.pick(["cut", "up", "deaf", "hear", "plug", "swipe", "unplug", "power", "wait"]):
            case "cut" if bench.connection is not None:
                bench.cut()
            case "up":
                bench.up = True
            case "deaf" | "hear" as which:
                bench.deaf = which == "deaf"
            case "plug" if outlet.usable and bench.station.powered:
                bench.plug()
            case "swipe":
                bench.station.swipe(outlet, CARD)
            case "unplug" if outlet.plugged:
                bench.station.unplug(outlet)
            case "power":
                bench.station.power_cut(20.0)
            case _:
                pass
        bench.settle()
        bench.move(luck.between(1, 90))
    bench.up, bench.deaf = True, False
    bench.move(400)
    if outlet.plugged:
        bench.station.unplug(outlet)
    bench.move(400)
    check_acknowledged_once_and_in_order(bench)
    assert bench.stats.given_up == 0
    ends = [n for n in bench.acknowledged_notes if n.kind == "end"]
    assert len(ends) == bench.stats.ended == bench.stats.started


def test_back_off_grows_and_is_spread(version: Version) -> None:
    bench = Bench(version)
    dialled: list[float] = []
    connect = bench._connect

    def counting() -> None:
        dialled.append(bench.wire.now)
        connect()

    bench._connect = counting  # type: ignore[method-assign]  # to count
    bench.cut()
    bench.move(600)
    gaps = [b - a for a, b in pairwise(dialled)]
    assert len(dialled) >= 6
    assert gaps[0] < 16
    assert gaps[4] > 90
    assert max(gaps) <= 3 * 2**5 + 5 + 1.5, "it does not grow for ever"
    assert len({round(g % 1, 2) for g in gaps}) > 1
