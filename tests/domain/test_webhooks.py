"""Webhooks on a true database with true receivers: what is sent, to whom, how often, and when."""

import asyncio
import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks.webhooks import Webhook

from forecourt.domain.webhooks import (
    DisabledBy,
    EndpointChange,
    NewEndpoint,
    State,
    TooManyWebhooks,
    WebhookInvalid,
    WebhookOff,
    WebhookUnknown,
)
from forecourt.infra.database import OutOfBounds
from forecourt.infra.outbound import OutboundRefused
from tests.domain.hooked import NOW, eventually, hooked
from tests.fixtures.web import Asked, Said, Web, web

pytestmark = pytest.mark.timeout(60)


def ok(_: Asked) -> Said:
    return 204, {}, b""


def stations_of(server: Web) -> Counter[str]:
    return Counter(json.loads(one.body)["data"]["station"] for one in server.asked)


async def test_an_event_arrives_signed_and_once(database_url: str) -> None:
    async with web(ok) as server, hooked(database_url) as house:
        endpoint = await house.add(f"{server.url}/in?a=b", "station.connected")
        await house.happen("CP1", "CP2")
        await house.settled(endpoint, 2, State.DELIVERED)
        assert stations_of(server) == {"CP1": 1, "CP2": 1}
        one = server.asked[0]
        assert (one.method, one.path) == ("POST", "/in?a=b")
        assert one.headers["content-type"] == "application/json"
        assert one.headers["webhook-timestamp"] == str(int(NOW.timestamp()))
        # The library holds the timestamp against the machine's clock, ours waits.
        fresh = Webhook(house.secrets[endpoint.id])
        at = datetime.fromtimestamp(int(one.headers["webhook-timestamp"]), UTC)
        signed = fresh.sign(one.headers["webhook-id"], at, one.body.decode())
        assert signed == one.headers["webhook-signature"]
        said = json.loads(one.body)
        assert said["type"] == said["data"]["type"] == "station.connected"
        assert said["timestamp"] == "2026-03-01T12:00:00Z"
        found, health = await house.webhooks.read(house.ctx(), endpoint.id)
        assert (health.delivered, health.waiting, health.failed) == (2, 0, 0)
        assert found.delivered_at == NOW


async def test_who_hears_of_what(database_url: str) -> None:
    """Types, beginnings, sites, tenants; and nothing from before an endpoint was made."""
    async with web(ok) as server, hooked(database_url) as house:
        await house.add_station("CP1", "Oslo")
        await house.add_station("CP2", "Bergen")
        await house.happen("EARLY")
        every = await house.add(server.url)
        begun = await house.add(server.url, "station.")
        another = await house.add(server.url, "session.", "alarm.raised", "station.connect")
        oslo = await house.add(server.url, "station.connected", sites=("Oslo", "Rome"))
        theirs = await house.add(server.url, tenant="other")
        await house.happen("CP1", "CP2")
        await house.happen("CP1", tenant="other")
        await house.settled(begun, 2, State.DELIVERED)
        (heard,) = await house.settled(oslo, 1, State.DELIVERED)
        assert heard.subject == "CP1"
        assert await house.log(another) == []
        (other,) = await house.settled(theirs, 1, State.DELIVERED)
        assert (other.type, other.subject) == ("station.connected", "CP1")
        types = Counter(one.type for one in await house.settled(every, 5, State.DELIVERED))
        assert types == {"station.connected": 2, "webhook.added": 3}


async def test_what_failed_is_tried_again_by_the_schedule(database_url: str) -> None:
    answers = [500, 302, 429, 200]

    def says(_: Asked) -> Said:
        return answers.pop(0), {"Retry-After": "3600", "Location": "http://127.0.0.1:1/"}, b"no\0pe"

    async with web(says) as server, hooked(database_url) as house:
        endpoint = await house.add(server.url, "station.")
        await house.happen("CP1")
        for tries in (1, 2, 3):
            await house.until(lambda tries=tries: len(server.asked) == tries)  # type: ignore[misc]
            (waiting,) = await house.settled(endpoint, 1, State.WAITING)
            # It asked for an hour, which is longer than what the schedule has there.
            assert timedelta(hours=1) <= waiting.next_at - house.clock.now() < timedelta(hours=2)
            house.advance(timedelta(hours=1) - timedelta(seconds=1))
            await asyncio.sleep(0.1)
            assert len(server.asked) == tries
            house.advance(timedelta(seconds=2))
        (done,) = await house.settled(endpoint, 1, State.DELIVERED)
        assert done.attempts == 4
        assert len({one.headers["webhook-id"] for one in server.asked}) == 1
        assert len({one.headers["webhook-timestamp"] for one in server.asked}) == 4
        _, body, attempts = await house.webhooks.delivery(
            house.ctx(), endpoint.id, server.asked[0].headers["webhook-id"]
        )
        assert body.encode() == server.asked[0].body
        assert [one.status for one in attempts] == [500, 302, 429, 200]
        assert attempts[0].answer == "no\ufffdpe"


async def test_after_a_day_it_is_failed_and_can_be_sent_again(database_url: str) -> None:
    status = 503
    async with (
        web(lambda _: (status, {}, b"")) as server,
        hooked(database_url) as house,
    ):
        endpoint = await house.add(server.url, "station.")
        await house.happen("CP1")
        began = house.clock.now()
        for tries in range(1, 9):
            await house.until(lambda tries=tries: len(server.asked) == tries)  # type: ignore[misc]
            await house.until_settled(endpoint, tries)
            if tries < 8:
                (found,) = await house.log(endpoint)
                house.advance(found.next_at - house.clock.now() + timedelta(seconds=1))
        (failed,) = await house.settled(endpoint, 1, State.FAILED)
        assert timedelta(hours=24) < house.clock.now() - began < timedelta(hours=31)
        status = 200
        message = server.asked[0].headers["webhook-id"]
        await house.webhooks.send_again(house.ctx(), endpoint.id, message)
        house.wake()
        (done,) = await house.settled(endpoint, 1, State.DELIVERED)
        assert (done.attempts, failed.attempts) == (9, 8)
        assert server.asked[-1].headers["webhook-id"] == message


async def test_gone_disables_at_once_and_tells(database_url: str) -> None:
    async with (
        web(lambda _: (410, {}, b"")) as server,
        web(ok) as notices,
        hooked(database_url) as house,
    ):
        endpoint = await house.add(server.url, "station.")
        told = await house.add(notices.url, "webhook.disabled")
        await house.happen("CP1")
        await house.settled(endpoint, 1, State.FAILED)
        await house.until(lambda: bool(notices.asked))
        found, _ = await house.webhooks.read(house.ctx(), endpoint.id)
        assert (found.disabled_by, found.disabled_at) == (DisabledBy.GONE, NOW)
        (notice,) = await house.settled(told, 1, State.DELIVERED)
        assert json.loads(notices.asked[0].body)["data"] == {
            "type": "webhook.disabled",
            "tenant": "acme",
            "at": "2026-03-01T12:00:00Z",
            "endpoint": endpoint.id,
            "host": "127.0.0.1",
            "reason": "gone",
        }
        counted = await house.webhooks.house_counts()
        assert counted == {"enabled": 1, "failing": 0, "disabled": 1, "waiting": 0}
        assert notice.subject == endpoint.id

        async def remembered() -> bool:
            return bool((await house.audit.list(house.ctx())).items)

        await eventually(remembered)
        deeds = (await house.audit.list(house.ctx())).items
        assert (deeds[0].actor, deeds[0].action) == ("system:webhooks", "disable_webhook")
        # It hears of nothing, can do nothing, and begins anew when somebody enables it.
        await house.happen("CP2")
        for verb in (
            house.webhooks.ping(house.ctx(), endpoint.id),
            house.webhooks.send_again(house.ctx(), endpoint.id, "evt_1"),
            house.webhooks.replay(
                house.ctx(), endpoint.id, since=NOW, until=NOW + timedelta(hours=1)
            ),
        ):
            with pytest.raises(WebhookOff):
                await verb
        await house.webhooks.change(house.ctx(), endpoint.id, EndpointChange(enabled=True))
        await house.happen("CP3")
        await house.until(lambda: len(server.asked) == 2)
        assert stations_of(server) == {"CP1": 1, "CP3": 1}


async def test_days_of_failures_disable(database_url: str) -> None:
    async with web(lambda _: (500, {}, b"")) as server, hooked(database_url) as house:
        endpoint = await house.add(server.url, "station.")
        await house.happen("CP1")
        await house.until_settled(endpoint, 1)
        house.advance(timedelta(days=2, hours=23))
        await house.until(lambda: len(server.asked) == 2)
        await house.until_settled(endpoint, 2)
        assert (await house.webhooks.read(house.ctx(), endpoint.id))[0].failing_since == NOW
        house.advance(timedelta(hours=2))
        await house.settled(endpoint, 1, State.FAILED)
        found, _ = await house.webhooks.read(house.ctx(), endpoint.id)
        assert found.disabled_by == DisabledBy.FAILING


async def test_a_slow_endpoint_holds_back_itself_alone(database_url: str) -> None:
    async with web(ok) as slow, web(ok) as quick, hooked(database_url) as house:
        slow.silent = True
        stuck = await house.add(slow.url, "station.")
        fine = await house.add(quick.url, "station.")
        names = [f"CP{n}" for n in range(100)]
        await house.happen(*names)
        await house.settled(fine, 100, State.DELIVERED)
        assert stations_of(quick) == Counter(names)
        assert len(await house.log(stuck, State.SENDING)) == 32
        assert len(await house.log(stuck, State.WAITING)) == 68


async def test_two_workers_send_nothing_twice(database_url: str) -> None:
    async with web(ok) as server, hooked(database_url, workers=3) as house:
        endpoint = await house.add(server.url, "station.")
        names = [f"CP{n}" for n in range(300)]
        await house.happen(*names)
        await house.settled(endpoint, 300, State.DELIVERED)
        assert stations_of(server) == Counter(names)
        assert all(sender.sent for sender in house.senders)
        rows = await house.rows("SELECT max(number) AS most FROM webhook_attempts")
        assert rows[0]["most"] == 1


async def test_a_claim_that_was_lost_is_taken_over_and_settles_nothing(database_url: str) -> None:
    """A worker that slept too long comes back to a delivery that another one has sent."""
    async with web(ok) as server, hooked(database_url) as house:
        server.silent = True
        endpoint = await house.add(server.url, "station.")
        await house.happen("CP1")
        await house.until(lambda: len(server.asked) == 1)
        server.silent = False
        house.advance(timedelta(seconds=61))
        (done,) = await house.settled(endpoint, 1, State.DELIVERED)
        assert (done.attempts, len(server.asked)) == (2, 2)


async def test_a_ping_goes_to_one_whatever_it_hears_of(database_url: str) -> None:
    async with web(ok) as server, web(ok) as beside, hooked(database_url) as house:
        endpoint = await house.add(server.url, "session.ended", sites=("Oslo",))
        await house.add(beside.url, "webhook.")
        await house.webhooks.ping(house.ctx(), endpoint.id)
        house.wake()
        (pinged,) = await house.settled(endpoint, 1, State.DELIVERED)
        assert pinged.type == "webhook.ping"
        await asyncio.sleep(0.1)
        assert beside.asked == []


async def test_a_range_is_sent_again(database_url: str) -> None:
    """What failed, what was never on its way; what was delivered only if that is asked for."""
    async with web(ok) as server, hooked(database_url) as house:
        await house.happen("BEFORE")
        house.advance(timedelta(minutes=1))
        endpoint = await house.add(server.url, "station.")
        await house.happen("CP1")
        await house.settled(endpoint, 1, State.DELIVERED)

        async def replay(*, delivered_too: bool = False) -> int:
            return await house.webhooks.replay(
                house.ctx(),
                endpoint.id,
                since=NOW - timedelta(hours=1),
                until=NOW + timedelta(hours=1),
                delivered_too=delivered_too,
            )

        assert await replay() == 1
        house.wake()
        await house.settled(endpoint, 2, State.DELIVERED)
        assert stations_of(server) == {"CP1": 1, "BEFORE": 1}
        assert await replay(delivered_too=True) == 2
        house.wake()
        await house.until(lambda: len(server.asked) == 4)
        with pytest.raises(WebhookInvalid):
            await house.webhooks.replay(house.ctx(), endpoint.id, since=NOW, until=NOW)


async def test_a_secret_is_changed_without_a_gap(database_url: str) -> None:
    async with web(ok) as server, hooked(database_url) as house:
        endpoint = await house.add(server.url, "station.")
        old = house.secrets[endpoint.id]
        changed, new = await house.webhooks.rotate(house.ctx(), endpoint.id)
        assert changed.old_secret_until == NOW + timedelta(hours=24)
        await house.happen("CP1")
        await house.settled(endpoint, 1, State.DELIVERED)
        one = server.asked[0]
        expected = [
            Webhook(secret).sign(one.headers["webhook-id"], NOW, one.body.decode())
            for secret in (new, old)
        ]
        assert one.headers["webhook-signature"].split() == expected
        house.advance(timedelta(hours=25))
        await house.happen("CP2")
        await house.settled(endpoint, 2, State.DELIVERED)
        assert len(server.asked[1].headers["webhook-signature"].split()) == 1


async def test_secrets_are_nowhere_in_the_database(database_url: str) -> None:
    async with web(ok) as server, hooked(database_url) as house:
        new = NewEndpoint(url=server.url, headers={"Authorization": "Bearer hunter2"})
        endpoint, secret = await house.webhooks.add(house.ctx(), new)
        house.secrets[endpoint.id] = secret
        await house.happen("CP1")
        await house.until(lambda: bool(server.asked))
        assert server.asked[0].headers["authorization"] == "Bearer hunter2"
        await house.settled(endpoint, 1, State.DELIVERED)
        for table in ("webhook_endpoints", "webhook_deliveries", "webhook_attempts", "events"):
            kept = str(await house.rows(f"SELECT t::text AS row FROM {table} t"))
            raw = str(await house.rows(f"SELECT * FROM {table}"))
            for text in (kept, raw):
                assert "hunter2" not in text
                assert secret.removeprefix("whsec_") not in text


async def test_what_lies_inside_our_network_is_not_asked(database_url: str) -> None:
    """An address that is refused at once, one that a name leads to, and one behind a redirect."""
    async with web(ok) as inside, hooked(database_url, hosts=frozenset()) as house:
        port = inside.url.rpartition(":")[2]
        for url in (
            inside.url,
            "https://10.0.0.1/",
            "https://[::ffff:127.0.0.1]/",
            "https://169.254.169.254/latest/meta-data",
            "http://example.com/",
            "https://user:secret@example.com/",
            "https://example.com:25/",
            "ftp://example.com/",
        ):
            with pytest.raises(OutboundRefused):
                await house.add(url)
        endpoint = await house.add(f"https://localhost:{port}/", "station.")
        await house.happen("CP1")
        await house.until_settled(endpoint, 1)
        (waiting,) = await house.log(endpoint, State.WAITING)
        _, _, attempts = await house.webhooks.delivery(
            house.ctx(), endpoint.id, f"evt_{waiting.seq}"
        )
        assert attempts[0].status is None
        assert attempts[0].error == "localhost is an address inside of our own network"
        assert inside.asked == []


async def test_a_redirect_is_a_failure(database_url: str) -> None:
    async with web(ok) as inside:
        to = {"Location": inside.url.replace("127.0.0.1", "localhost")}
        async with (
            web(lambda _: (307, to, b"")) as server,
            hooked(database_url, hosts=frozenset({"127.0.0.1"})) as house,
        ):
            endpoint = await house.add(server.url, "station.")
            await house.happen("CP1")
            await house.until_settled(endpoint, 1)
            (waiting,) = await house.log(endpoint, State.WAITING)
            assert waiting.status == 307
            assert inside.asked == []


async def test_an_endless_answer_costs_little(database_url: str) -> None:
    async with web(lambda _: (200, {}, b"x" * 5_000_000)) as server, hooked(database_url) as house:
        endpoint = await house.add(server.url, "station.")
        await house.happen("CP1")
        (done,) = await house.settled(endpoint, 1, State.DELIVERED)
        _, _, attempts = await house.webhooks.delivery(house.ctx(), endpoint.id, f"evt_{done.seq}")
        assert attempts[0].answer == "x" * 1_024


async def test_walls(database_url: str) -> None:
    """Between tenants, and around sites inside of one."""
    async with web(ok) as server, hooked(database_url) as house:
        await house.add_station("CP1", "Oslo")
        every = await house.add(server.url, "station.")
        oslo = await house.add(server.url, "station.", sites=("Oslo",))
        await house.happen("CP1")
        (sent,) = await house.settled(oslo, 1, State.DELIVERED)
        theirs, bound = house.ctx("other"), house.ctx(sites=("Oslo",))
        for verb in (
            house.webhooks.read(theirs, every.id),
            house.webhooks.remove(theirs, every.id),
            house.webhooks.rotate(theirs, every.id),
            house.webhooks.log(theirs, every.id),
            house.webhooks.ping(bound, every.id),
            house.webhooks.log(bound, every.id),
        ):
            with pytest.raises(WebhookUnknown):
                await verb
        assert (await house.webhooks.list(theirs)).items == []
        assert [one.id for one, _ in (await house.webhooks.list(bound)).items] == [oslo.id]
        _, body, _ = await house.webhooks.delivery(bound, oslo.id, f"evt_{sent.seq}")
        assert json.loads(body)["data"]["station"] == "CP1"
        await house.webhooks.ping(bound, oslo.id)
        house.wake()
        await house.settled(oslo, 2, State.DELIVERED)
        # Nobody makes himself an ear for more than he may see.
        for sites in ((), ("Bergen",), ("Oslo", "Bergen")):
            with pytest.raises(OutOfBounds):
                await house.webhooks.add(bound, NewEndpoint(url=server.url, sites=sites))
        with pytest.raises(OutOfBounds):
            await house.webhooks.change(bound, oslo.id, EndpointChange(sites=()))
        await house.webhooks.add(bound, NewEndpoint(url=server.url, sites=("Oslo",)))


async def test_limits(database_url: str) -> None:
    async with hooked(database_url) as house:
        for _ in range(50):
            await house.webhooks.add(house.ctx(), NewEndpoint(url="https://example.com/"))
        with pytest.raises(TooManyWebhooks):
            await house.webhooks.add(house.ctx(), NewEndpoint(url="https://example.com/"))
        assert len((await house.webhooks.list(house.ctx())).items) == 50


async def test_what_is_old_is_forgotten(database_url: str) -> None:
    async with web(ok) as server, hooked(database_url) as house:
        endpoint = await house.add(server.url, "station.")
        await house.happen("CP1")
        await house.settled(endpoint, 1, State.DELIVERED)
        house.advance(timedelta(days=31))
        await house.settled(endpoint, 0, State.DELIVERED)
        assert await house.rows("SELECT FROM webhook_attempts") == []


async def test_removed_while_it_is_on_its_way(database_url: str) -> None:
    async with web(ok) as server, web(ok) as beside, hooked(database_url) as house:
        server.silent = True
        endpoint = await house.add(server.url, "station.")
        other = await house.add(beside.url, "station.")
        await house.happen("CP1")
        await house.until(lambda: bool(server.asked))
        await house.webhooks.remove(house.ctx(), endpoint.id)
        await house.happen("CP2")
        await house.settled(other, 2, State.DELIVERED)
        with pytest.raises(WebhookUnknown):
            await house.webhooks.read(house.ctx(), endpoint.id)


async def test_nobody_hears_nothing_is_read(database_url: str) -> None:
    """Without an endpoint the mark stays where it is; the first one skips what it never heard."""
    async with web(ok) as server, hooked(database_url) as house:
        mark = "SELECT xid::text, seq FROM relays WHERE name = 'system:webhooks'"
        before = await house.rows(mark)
        await house.happen(*(f"CP{n}" for n in range(50)))
        await asyncio.sleep(0.3)
        assert await house.rows(mark) == before
        endpoint = await house.add(server.url, "station.")
        await house.happen("NEW")
        await house.settled(endpoint, 1, State.DELIVERED)
        assert stations_of(server) == {"NEW": 1}
