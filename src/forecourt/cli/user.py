"""``forecourt user``: who may log in."""

import secrets
import sys
from typing import Annotated, Any

import typer
from rich.markup import escape

from forecourt.base.context import Context
from forecourt.cli import platform, views
from forecourt.cli.options import (
    AsJson,
    DatabaseUrl,
    DataDir,
    Limit,
    changing,
    err,
    fail,
    list_all,
    out,
    print_json,
    settings,
    tell,
)
from forecourt.domain.rooms import Rooms
from forecourt.domain.tenants import NewUser, ResetLink, Role, User, UserUnknown

app = typer.Typer(no_args_is_help=True, add_completion=False, help="People: who may log in.")

PASSWORD_BYTES = 12
Email = Annotated[str, typer.Argument(help="The address that the user logs in with.")]
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password's one line from standard input.")
]


@app.command()
def add(
    email: Email,
    *,
    role: Annotated[Role, typer.Option(help="What the user may do.")] = Role.OPERATOR,
    name: Annotated[str, typer.Option(help="How the user is called (default: the address).")] = "",
    site: Annotated[
        list[str] | None, typer.Option(help="Bind the user to this site; may be said again.")
    ] = None,
    password_stdin: FromStdin = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Let somebody in, with a password that is made up and printed this once."""
    if not all(one.strip() for one in site or ()):
        # No name would bind to nothing, and nothing is every site.
        fail("a site has a name: leave --site out for somebody who may see all sites")
    password = _password(given=password_stdin)
    new = NewUser(
        email=email, name=name or email, role=role, password=password, sites=tuple(site or ())
    )

    async def work(rooms: Rooms, ctx: Context) -> User:
        made = await rooms.people.add(ctx, new)
        await tell(rooms, ctx, "add_user", made.id, after=new)
        return made

    made = changing(data_dir, database_url, work)
    told = {} if password_stdin else {"password": password}
    if as_json:
        print_json({"id": made.id, "email": made.email, "role": made.role, **told})
    elif password_stdin:
        out.print(f"added [bold]{escape(made.email)}[/] as {made.role.value}")
    else:
        err.print("Keep it safe: it is shown this once.")
        out.print(password, markup=False)


@app.command("list")
def list_(
    *,
    limit: Limit = 1_000,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """List users."""
    list_all(
        data_dir,
        database_url,
        lambda rooms, ctx, wanted: rooms.people.list(ctx, wanted),
        limit=limit,
        as_json=as_json,
        table=views.users_table,
    )


@app.command("set")
def set_(
    email: Email,
    *,
    role: Annotated[Role | None, typer.Option(help="What the user may do from now on.")] = None,
    new_password: Annotated[
        bool, typer.Option("--new-password", help="Make up a password, and print it this once.")
    ] = False,
    password_stdin: FromStdin = False,
    disabled: Annotated[
        bool | None, typer.Option("--disable/--enable", help="Lock the user out, or in again.")
    ] = None,
    without_totp: Annotated[
        bool, typer.Option("--without-totp", help="Take a lost second factor away.")
    ] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Change a user; it logs the user out everywhere."""
    changes_password = new_password or password_stdin
    password = _password(given=password_stdin) if changes_password else None

    async def work(rooms: Rooms, ctx: Context) -> User:
        user = await _named(rooms, ctx, email)
        changed = await rooms.people.change(
            ctx,
            user.id,
            role=role,
            password=password,
            disabled=disabled,
            without_totp=without_totp,
        )
        given = {
            "role": role,
            "password": password,
            "disabled": disabled,
            "without_totp": without_totp or None,
        }
        after = {name: value for name, value in given.items() if value is not None}
        await tell(rooms, ctx, "change_user", user.id, before=user, after=after)
        return changed

    changed = changing(data_dir, database_url, work)
    told: dict[str, Any] = {"password": password} if new_password and not password_stdin else {}
    if as_json:
        print_json({"id": changed.id, "email": changed.email, "role": changed.role, **told})
    else:
        out.print(f"changed [bold]{escape(changed.email)}[/]")
        if told:
            out.print(password, markup=False)


@app.command()
def remove(email: Email, *, data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """Forget a user; what the user did stays in the audit trail."""

    async def work(rooms: Rooms, ctx: Context) -> None:
        user = await _named(rooms, ctx, email)
        await rooms.people.remove(ctx, user.id)
        await tell(rooms, ctx, "remove_user", user.id, before=user)

    changing(data_dir, database_url, work)
    out.print(f"removed [bold]{escape(email)}[/]")


@app.command("reset-link")
def reset_link(
    email: Email,
    *,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Make a link by which the user sets a password: once, within a day. Printed this once.

    The last one that was made for the user is good no more. A second factor stays wanted.
    """

    async def work(rooms: Rooms, ctx: Context) -> tuple[ResetLink, str]:
        user = await _named(rooms, ctx, email)
        made = await rooms.people.make_reset_link(ctx, user.id)
        await tell(rooms, ctx, "make_reset_link", user.id)
        return made, rooms.people.public_url

    made, public_url = changing(data_dir, database_url, work)
    base = public_url or platform.address(settings(data_dir, database_url).data_dir)
    link = f"{base}/reset#{made.secret}"
    if as_json:
        print_json({"id": made.user.id, "reset_link": link, "expires_at": made.expires_at})
    else:
        err.print(f"Good once, until {made.expires_at:%Y-%m-%d %H:%M} UTC. Whoever has it gets in.")
        out.print(link, markup=False)


async def _named(rooms: Rooms, ctx: Context, email: str) -> User:
    found = await rooms.people.find(ctx, email)
    if found is None:
        raise UserUnknown(f"nobody logs in as {email!r}", email=email)
    return found


def _password(*, given: bool) -> str:
    return sys.stdin.readline().rstrip("\n") if given else secrets.token_urlsafe(PASSWORD_BYTES)
