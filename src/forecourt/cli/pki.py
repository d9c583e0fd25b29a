"""``forecourt pki``: authorities and certificates."""

import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer
from rich.markup import escape
from rich.table import Table

from forecourt.base.clock import SystemClock
from forecourt.base.context import Context
from forecourt.base.ids import StationId, TenantId
from forecourt.base.pages import Wanted
from forecourt.cli.options import (
    AsJson,
    DatabaseUrl,
    DataDir,
    Limit,
    account,
    changing,
    err,
    fail,
    in_rooms,
    out,
    print_json,
    tell,
)
from forecourt.domain.rooms import Rooms
from forecourt.domain.security import (
    Certificate,
    CertificateAuthority,
    Reason,
    Role,
    Use,
    check_digit,
    emaid,
    example,
    pem_chain,
)

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Certificates, and those who sign them."
)

PRIVATE: Final = 0o600
PUBLIC: Final = 0o644
TEST_EMAID: Final = "DE8AAC1A2B3C4D"

Days = Annotated[int | None, typer.Option(min=1, max=3_650, help="How long it is good.")]


@app.command()
def init(
    *, as_json: AsJson = False, data_dir: DataDir = None, database_url: DatabaseUrl = None
) -> None:
    """Make our own authorities, those that are missing. The platform does so when it needs them."""

    async def work(rooms: Rooms, ctx: Context) -> list[CertificateAuthority]:
        made = [*await rooms.security.ensure(ctx)]
        for one in made:
            await tell(rooms, ctx, "make_authority", one.id, after=_named(one))
        return made

    made = changing(data_dir, database_url, work)
    if as_json:
        print_json({"items": [authority(one) for one in made]})
    elif made:
        out.print(authorities_table(made))
    else:
        out.print("all authorities are there")


@app.command()
def show(
    *,
    pem: Annotated[
        bool, typer.Option("--pem", help="Whom stations' certificates lead to.")
    ] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Show our authorities, and those that we trust."""

    async def work(rooms: Rooms, ctx: Context) -> tuple[list[CertificateAuthority], str]:
        found = [*await rooms.security.authorities(ctx)]
        return found, await rooms.security.station_trust_pem(ctx)

    found, trust = in_rooms(data_dir, database_url, work)
    if pem:
        sys.stdout.write(trust)
    elif as_json:
        print_json({"items": [authority(one) for one in found]})
    else:
        out.print(authorities_table(found))


@app.command()
def issue(
    name: Annotated[str, typer.Argument(help="The common name: host, station, SECC or eMAID.")],
    *,
    use: Annotated[Use, typer.Option(help="What for.")] = Use.STATION,
    folder: Annotated[Path, typer.Option("--to", help="Where the files go.")] = Path(),
    host: Annotated[list[str] | None, typer.Option(help="A server's further names.")] = None,
    days: Days = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Make a key and a certificate for it, as NAME.key and NAME.pem. The key is not kept here."""
    hosts = tuple(dict.fromkeys([name, *host])) if host else ()

    async def work(rooms: Rooms, ctx: Context) -> tuple[Certificate, str]:
        made, key = await rooms.security.issue(ctx, use, name, hosts=hosts, days=days)
        given = {"use": use, "name": name, "hosts": hosts, "days": days}
        await tell(rooms, ctx, "issue_certificate", made.id, after=given)
        return made, key

    made, key = changing(data_dir, database_url, work)
    bare = "".join(letter if letter.isalnum() or letter in ".-_" else "_" for letter in name)
    written(folder, {f"{bare}.pem": pem_chain(made.chain), f"{bare}.key": key})
    out.print(f"{made.id}, good until {made.expires_at:%Y-%m-%d}: {folder / bare}.pem, .key")


@app.command()
def sign(
    csr: Annotated[Path, typer.Argument(help="The request (PEM).", exists=True, dir_okay=False)],
    *,
    use: Annotated[Use, typer.Option(help="What for.")] = Use.STATION,
    days: Days = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Sign a request, and print the certificate and its issuers. You vouch for the name in it."""

    async def work(rooms: Rooms, ctx: Context) -> Certificate:
        made = await rooms.security.sign(ctx, csr.read_text("utf-8"), use, days=days)
        given = {"use": use, "name": made.subject, "days": days}
        await tell(rooms, ctx, "sign_certificate", made.id, after=given)
        return made

    sys.stdout.write(pem_chain(changing(data_dir, database_url, work).chain))


@app.command()
def revoke(
    certificate: Annotated[str, typer.Argument(help="Its id (crt_…) or SHA-256 fingerprint.")],
    *,
    reason: Annotated[Reason, typer.Option(help="Why.")] = Reason.UNSPECIFIED,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Take a certificate back. The station that shows it to us is hung up on."""

    async def work(rooms: Rooms, ctx: Context) -> bool:
        told = await rooms.security.statuses.revoke(ctx, certificate, reason)
        await tell(rooms, ctx, "revoke_certificate", certificate, after={"reason": reason})
        return told

    told = changing(data_dir, database_url, work)
    out.print(f"revoked [bold]{escape(certificate)}[/]")
    if not told:
        err.print("The authority that signed it is outside: have it revoke the certificate, too.")


@app.command("list")
def list_(
    *,
    use: Annotated[Use | None, typer.Option(help="Only those for this.")] = None,
    station: Annotated[str | None, typer.Option(help="Only this station's.")] = None,
    expiring: Annotated[
        datetime | None, typer.Option(help="Only those that end before (UTC).")
    ] = None,
    limit: Limit = 100,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """List certificates that were issued, oldest first."""

    async def work(rooms: Rooms, ctx: Context) -> list[Certificate]:
        found = await rooms.security.inventory.certificates(
            ctx,
            Wanted(limit=limit),
            use=use,
            station=None if station is None else StationId(station),
            expires_before=None if expiring is None else expiring.replace(tzinfo=ctx.now.tzinfo),
        )
        return [*found.items]

    found = in_rooms(data_dir, database_url, work)
    if as_json:
        print_json({"items": [certificate(one) for one in found]})
    else:
        out.print(certificates_table(found))


@app.command()
def trust(
    file: Annotated[Path, typer.Argument(help="Certificates (PEM).", exists=True, dir_okay=False)],
    *,
    role: Annotated[Role, typer.Option(help="What for: v2g_root, mo_root, station …")],
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Trust somebody else's authorities: a V2G root, a contract issuer, who signs stations."""

    async def work(rooms: Rooms, ctx: Context) -> list[CertificateAuthority]:
        trusted = [*await rooms.security.trust(ctx, file.read_text("utf-8"), role)]
        for one in trusted:
            await tell(rooms, ctx, "trust_authority", one.id, after=_named(one))
        return trusted

    out.print(authorities_table(changing(data_dir, database_url, work)))


@app.command()
def distrust(
    authority: Annotated[str, typer.Argument(help="Its id (aut_…).")],
    *,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Trust somebody else's authority no more."""

    async def work(rooms: Rooms, ctx: Context) -> None:
        await rooms.security.distrust(ctx, authority)
        await tell(rooms, ctx, "distrust_authority", authority)

    changing(data_dir, database_url, work)
    out.print(f"[bold]{escape(authority)}[/] is trusted no more")


@app.command("test-chain")
def chain_for_trying(
    folder: Annotated[Path, typer.Argument(help="Where the files go; made when missing.")],
    *,
    station: Annotated[str, typer.Option(help="The station's identity.")] = "CP1",
    contract: Annotated[
        str, typer.Option(help="The contract's eMAID, with its check digit or without.")
    ] = TEST_EMAID,
    secc: Annotated[str, typer.Option(help="The SECC's name before cars.")] = "DEFRCS0001",
    host: Annotated[list[str] | None, typer.Option(help="The server's names.")] = None,
) -> None:
    """Make everybody's certificates and keys for trying: CSMS, station, SECC, contract.

    Needs no platform. Nobody trusts these unless told to: 'forecourt pki trust'.
    """
    short = emaid(contract)
    if short is None:
        fail(f"{contract!r} is no eMAID, or its check digit is wrong")
    ctx = Context(actor=f"cli:{account()}", tenant=TenantId("test"), now=SystemClock().now())
    files = example(
        ctx,
        station=station,
        emaid=short + check_digit(short),
        secc=secc,
        hosts=host or ["localhost", "127.0.0.1"],
    )
    written(folder, files)
    out.print(f"{len(files)} files in {folder}: keys are *.key, certificates *.pem")


def _named(one: CertificateAuthority) -> dict[str, object]:
    return {"role": one.role, "name": one.name}


def written(folder: Path, files: dict[str, str]) -> None:
    """Write files; a key is for its owner's eyes alone."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        mode = PRIVATE if name.endswith(".key") else PUBLIC
        file = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(file, "w") as opened:
            opened.write(text)


def authority(one: CertificateAuthority) -> dict[str, Any]:
    """An authority for machines."""
    return {**msgspec.to_builtins(one), "certificate": pem_chain([one.certificate])}


def certificate(one: Certificate) -> dict[str, Any]:
    """A certificate for machines."""
    return {**msgspec.to_builtins(one), "chain": pem_chain(one.chain)}


def authorities_table(found: list[CertificateAuthority]) -> Table:
    """Authorities, one a line."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for head in ("id", "role", "name", "ours", "good until"):
        table.add_column(head, overflow="fold")
    for one in found:
        table.add_row(
            one.id,
            one.role.value,
            escape(one.name),
            "yes" if one.own else "",
            f"{one.expires_at:%Y-%m-%d}",
        )
    return table


def certificates_table(found: list[Certificate]) -> Table:
    """Certificates, one a line."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for head in ("id", "use", "subject", "station", "serial", "good until", "revoked"):
        table.add_column(head, overflow="fold")
    for one in found:
        table.add_row(
            one.id,
            one.use.value,
            escape(one.subject),
            escape(one.station or ""),
            one.serial,
            f"{one.expires_at:%Y-%m-%d}",
            "" if one.revoked_at is None else f"{one.revoked_at:%Y-%m-%d}",
        )
    return table
