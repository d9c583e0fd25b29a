"""``forecourt webhook``: customers' endpoints, and what was sent to them."""

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import typer
from rich.markup import escape

from forecourt.base.context import Context
from forecourt.cli import views
from forecourt.cli.options import (
    AsJson,
    DatabaseUrl,
    DataDir,
    Limit,
    changing,
    err,
    in_rooms,
    list_all,
    out,
    print_json,
    tell,
)
from forecourt.domain.rooms import Rooms
from forecourt.domain.webhooks import (
    Attempt,
    Delivery,
    Endpoint,
    EndpointChange,
    EndpointId,
    Health,
    NewEndpoint,
    State,
)

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Webhooks: who hears of events.")

Id = Annotated[str, typer.Argument(help="Of the endpoint: whk_…", metavar="WEBHOOK")]
# What is sent is sent by the platform that runs on the database, a moment later.
ON_ITS_WAY = "on its way; 'forecourt webhook deliveries {id}' tells what became of it"


@app.command()
def add(
    url: Annotated[str, typer.Argument(help="Where events are posted to.")],
    *,
    types: Annotated[
        list[str] | None,
        typer.Option("--type", help="A type, or a beginning with a dot (session.); all without."),
    ] = None,
    sites: Annotated[
        list[str] | None, typer.Option("--site", help="Events of this site's stations alone.")
    ] = None,
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Make an endpoint. Its secret is shown this once."""
    new = NewEndpoint(
        url=url, description=description, types=tuple(types or ()), sites=tuple(sites or ())
    )

    async def work(rooms: Rooms, ctx: Context) -> tuple[Endpoint, str]:
        made, secret = await rooms.webhooks.add(ctx, new)
        await tell(rooms, ctx, "add_webhook", made.id, after=new)
        return made, secret

    _show_secret(*changing(data_dir, database_url, work), as_json=as_json)


@app.command("list")
def list_(
    *,
    limit: Limit = 100,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """List endpoints, and how they did in the last 24 hours."""
    list_all(
        data_dir,
        database_url,
        lambda rooms, ctx, wanted: rooms.webhooks.list(ctx, wanted),
        limit=limit,
        as_json=as_json,
        table=views.webhooks_table,
        none="no endpoints; 'forecourt webhook add URL' makes one",
        told=lambda one: views.webhook(*one),
    )


@app.command()
def show(
    webhook: Id,
    *,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Show an endpoint, and how it did in the last 24 hours."""

    async def work(rooms: Rooms, ctx: Context) -> tuple[Endpoint, Health]:
        return await rooms.webhooks.read(ctx, EndpointId(webhook))

    found = views.webhook(*in_rooms(data_dir, database_url, work))
    if as_json:
        print_json(found)
    else:
        out.print(views.record({**found, **found.pop("health")}))


@app.command("test")
def ping(
    webhook: Id,
    *,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Send an event webhook.ping to an endpoint, the way every event goes."""

    async def work(rooms: Rooms, ctx: Context) -> None:
        await rooms.webhooks.ping(ctx, EndpointId(webhook))
        await tell(rooms, ctx, "ping_webhook", webhook)

    changing(data_dir, database_url, work)
    _say({"webhook": webhook}, ON_ITS_WAY.format(id=escape(webhook)), as_json=as_json)


@app.command()
def rotate(
    webhook: Id,
    *,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Give an endpoint a new secret, shown this once; for 24 hours the old one signs, too."""

    async def work(rooms: Rooms, ctx: Context) -> tuple[Endpoint, str]:
        made, secret = await rooms.webhooks.rotate(ctx, EndpointId(webhook))
        await tell(rooms, ctx, "rotate_webhook_secret", webhook)
        return made, secret

    _show_secret(*changing(data_dir, database_url, work), as_json=as_json)


@app.command()
def enable(
    webhook: Id,
    *,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Send to an endpoint again: what happens from now on."""
    _switch(webhook, data_dir, database_url, enabled=True, as_json=as_json)


@app.command()
def disable(
    webhook: Id,
    *,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Send nothing to an endpoint; what is on its way to it has failed."""
    _switch(webhook, data_dir, database_url, enabled=False, as_json=as_json)


@app.command()
def deliveries(
    webhook: Id,
    *,
    state: Annotated[State | None, typer.Option(help="In this state.")] = None,
    kind: Annotated[str | None, typer.Option("--type", help="Of this type.")] = None,
    delivery: Annotated[
        str | None, typer.Option(help="This one, with its body and its attempts: evt_…")
    ] = None,
    limit: Limit = 100,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """What was or is on its way to an endpoint, newest events first."""
    if delivery is not None:
        _show_delivery(webhook, delivery, data_dir, database_url, as_json=as_json)
        return
    of = EndpointId(webhook)
    list_all(
        data_dir,
        database_url,
        lambda rooms, ctx, wanted: rooms.webhooks.log(ctx, of, wanted, state=state, kind=kind),
        limit=limit,
        as_json=as_json,
        table=views.deliveries_table,
        none="nothing was on its way",
        told=views.delivery,
    )


@app.command()
def replay(
    webhook: Id,
    delivery: Annotated[
        str | None, typer.Argument(help="One delivery: evt_…; without, a range.")
    ] = None,
    *,
    since: Annotated[datetime | None, typer.Option(help="From this moment on (UTC).")] = None,
    until: Annotated[
        datetime | None, typer.Option(help="Before this one (UTC); now, without.")
    ] = None,
    delivered_too: Annotated[
        bool, typer.Option("--delivered-too", help="Also what arrived.")
    ] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Send again: one delivery, or what failed or was never on its way between two moments."""
    if (delivery is None) is (since is None):
        raise typer.BadParameter("name a delivery, or a range by --since")

    async def work(rooms: Rooms, ctx: Context) -> int:
        of = EndpointId(webhook)
        if delivery is not None:
            await rooms.webhooks.send_again(ctx, of, delivery)
            await tell(rooms, ctx, "replay_delivery", delivery)
            return 1
        assert since is not None
        span = {
            "since": since.replace(tzinfo=UTC),
            "until": ctx.now if until is None else until.replace(tzinfo=UTC),
        }
        count = await rooms.webhooks.replay(ctx, of, **span, delivered_too=delivered_too)
        await tell(rooms, ctx, "replay_webhook", webhook, after=span)
        return count

    count = changing(data_dir, database_url, work)
    said = f"{count:,} {ON_ITS_WAY.format(id=escape(webhook))}"
    _say({"deliveries": count}, said, as_json=as_json)


def _switch(
    webhook: str, data_dir: DataDir, database_url: DatabaseUrl, *, enabled: bool, as_json: bool
) -> None:
    async def work(rooms: Rooms, ctx: Context) -> Endpoint:
        change = EndpointChange(enabled=enabled)
        after = await rooms.webhooks.change(ctx, EndpointId(webhook), change)
        await tell(rooms, ctx, "change_webhook", webhook, after={"enabled": enabled})
        return after

    found = changing(data_dir, database_url, work)
    what = "enabled" if enabled else "disabled"
    _say(views.webhook(found), f"{what} [bold]{escape(webhook)}[/]", as_json=as_json)


def _show_secret(endpoint: Endpoint, secret: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"webhook": views.webhook(endpoint), "secret": secret})
    else:
        err.print(f"[bold]{escape(endpoint.id)}[/]; its secret, which is not shown again:")
        out.print(escape(secret), soft_wrap=True, highlight=False)


def _show_delivery(
    webhook: str, delivery: str, data_dir: DataDir, database_url: DatabaseUrl, *, as_json: bool
) -> None:
    async def work(rooms: Rooms, ctx: Context) -> tuple[Delivery, str, list[Attempt]]:
        found, body, tries = await rooms.webhooks.delivery(ctx, EndpointId(webhook), delivery)
        return found, body, [*tries]

    found, body, tries = in_rooms(data_dir, database_url, work)
    said = views.delivery(found)
    if as_json:
        print_json({**said, "body": body, "tries": msgspec.to_builtins(tries)})
        return
    out.print(views.record(said))
    out.print(views.attempts_table(tries))
    out.print(escape(body), soft_wrap=True, highlight=False)


def _say(found: Any, words: str, *, as_json: bool) -> None:
    if as_json:
        print_json(found)
    else:
        out.print(words)
