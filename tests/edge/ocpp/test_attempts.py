"""Failed log-ins: who must wait, for how long, and whom that leaves alone."""

from forecourt.edge.ocpp import attempts
from forecourt.edge.ocpp.attempts import Attempts


def fail(kept: Attempts, station: str, address: str, times: int, now_s: float = 0) -> list[int]:
    """So many failures; those that are told of."""
    told = [kept.failed(station, address, now_s) for _ in range(times)]
    return [count for count in told if count is not None]


def test_one_who_fails_waits_longer_each_time() -> None:
    kept = Attempts()
    fail(kept, "CP", "a", attempts.PAIR_FREE - 1)
    assert kept.wait_s("CP", "a", 0) == 0
    waits = []
    for _ in range(8):
        fail(kept, "CP", "a", 1)
        waits.append(kept.wait_s("CP", "a", 0))
    assert waits == [2, 4, 8, 16, 32, 60, 60, 60]
    assert kept.wait_s("CP", "a", 60) == 0
    # After a quiet minute all is forgotten.
    fail(kept, "CP", "a", 1, now_s=121)
    assert kept.wait_s("CP", "a", 121) == 0


def test_a_station_is_guessed_at_from_many_addresses() -> None:
    kept = Attempts()
    kept.succeeded("CP", "home")
    for n in range(attempts.STATION_FREE):
        fail(kept, "CP", f"bot-{n}", 1)
    assert kept.wait_s("CP", "another-bot", 0) > 0
    assert kept.wait_s("CP", "home", 0) == 0, "where it came in from before, it comes in"
    assert kept.wait_s("CP2", "another-bot", 0) == 0


def test_an_address_guesses_at_many_stations() -> None:
    kept = Attempts()
    kept.succeeded("CP-0", "router")
    for n in range(attempts.ADDRESS_FREE):
        fail(kept, f"CP-{n + 1}", "router", 1)
    assert kept.wait_s("CP-999", "router", 0) > 0
    assert kept.wait_s("CP-0", "router", 0) == 0, "a neighbour that is at home there"
    assert kept.wait_s("CP-999", "elsewhere", 0) == 0


def test_one_a_minute_is_told_of_with_the_number_of_all() -> None:
    kept = Attempts()
    assert fail(kept, "CP", "a", 50) == [1]
    assert fail(kept, "CP", "a", 1, now_s=61) == [50]
    assert fail(kept, "CP", "b", 1, now_s=62) == []


def test_who_asks_first_without_a_password_did_not_fail() -> None:
    kept = Attempts()
    for now_s in (0.0, 100.0, 200.0):
        assert kept.failed("CP", "a", now_s, first_is_nothing=True) is None
        kept.succeeded("CP", "a")
    assert kept.failed("CP", "a", 300, first_is_nothing=True) is None
    assert kept.failed("CP", "a", 301, first_is_nothing=True) == 1


def test_a_scan_of_identities_is_bounded() -> None:
    kept = Attempts()
    told = [kept.failed(f"CP-{n}", "scanner", 0) for n in range(60_000)]
    assert sum(count is not None for count in told) == attempts.TOLD_PER_MINUTE
    assert len(kept._tallies) <= attempts.KEPT_MAX
    assert len(kept._told) <= attempts.KEPT_MAX
