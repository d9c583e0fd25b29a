"""Bad behaviour repeats by seed, and each trait does what it says."""

from typing import Any

import pytest

from forecourt.cli.sim import FeatureChoice, TraitChoice
from forecourt.protocol.ocpp import v16
from forecourt.protocol.ocpp.events import Answered, Failed
from forecourt.sim.luck import Luck
from forecourt.sim.mischief import TRAITS, Mischief, Trait
from forecourt.sim.world import FEATURES, Version
from tests.sim.csms import Bench

VERSIONS: tuple[Version, ...] = ("1.6", "2.0.1", "2.1")


def bad(*traits: Trait, rate: float = 1.0, seed: int = 1) -> Mischief:
    return Mischief(Luck(seed, "bad"), rate, traits or TRAITS)


def ask(bench: Bench, request: Any) -> None:
    """A question whose answer may be anything, or missing."""
    if bench.connection is not None:
        bench.connection.tick(bench.wire.now)
    if bench.connection is not None and not bench.connection.waiting:
        bench.connection.call(request, bench.wire.now)
        bench.settle()


def a_bad_day(version: Version, seed: int) -> list[bytes]:
    bench = Bench(version, "Duo 22", mischief=bad(rate=0.7, seed=seed), boot=False)
    bench.tolerant = True
    bench.station.power_on()
    bench.settle()
    for _ in range(30):
        ask(bench, bench.words.ClearCache())
        ask(bench, bench.words.GetLocalListVersion())
        bench.move(40)
    return bench.said


@pytest.mark.parametrize("version", VERSIONS)
def test_the_same_seed_gives_the_same_mischief_byte_for_byte(version: Version) -> None:
    one, again, other = (a_bad_day(version, seed) for seed in (3, 3, 4))
    assert one == again
    assert one != other
    assert len(one) > 30


def outcome(trait: Trait, *, wait_s: float = 0.0) -> tuple[Bench, list[Answered | Failed]]:
    bench = Bench("1.6", "Duo 22", mischief=bad(trait))
    bench.tolerant = True
    ask(bench, v16.ClearCache())
    bench.move(wait_s)
    return bench, bench.answers


def test_each_trait() -> None:
    _, (refused,) = outcome("refuses")
    assert isinstance(refused, Answered)
    assert getattr(refused.response, "status", None) == "Rejected"
    _, (lied,) = outcome("lies")
    assert isinstance(lied, Answered)
    assert getattr(lied.response, "status", None) == "Rejected"
    _, (erred,) = outcome("errs")
    assert isinstance(erred, Failed)
    bench, silent = outcome("mute", wait_s=200)
    assert silent == []
    assert bench.stats.mischief == 1
    bench, late = outcome("slow")
    assert late == []
    bench.move(100)
    assert len(bench.answers) == 1, "it comes, late"
    bench, answers = outcome("garbles")
    assert not answers or isinstance(answers[0], Failed) or bench.stats.mischief
    assert bench.said[-1] != b""
    bench, (_fine,) = outcome("reboots", wait_s=120)
    assert len(bench.heard_of("BootNotification")) == 2
    bench, (_fine,) = outcome("babbles")
    assert bench.broken, "something that nobody can read"


def test_what_is_refused_is_not_done() -> None:
    bench = Bench("1.6", "Duo 22", mischief=bad("refuses"))
    answer: Any = bench.command(v16.Reset(type="Hard"))
    assert answer.status == "Rejected"
    bench.move(120)
    assert len(bench.heard_of("BootNotification")) == 1


def test_the_flags_know_every_trait_and_feature() -> None:
    assert tuple(TraitChoice) == TRAITS
    assert tuple(FeatureChoice) == FEATURES
