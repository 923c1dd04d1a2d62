"""What the operator does: the database, the check-up, pausing, keys, seeding."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.terminal import AsJson, how_many, opened, operating, progress, show, show_json, table

if TYPE_CHECKING:
    from core.db.copy import Copied
    from core.operations.doctor import Findings
    from core.operations.pause import Sending


def add_to(app: typer.Typer) -> None:
    db = typer.Typer(help="The database.", no_args_is_help=True)
    db.command()(upgrade)
    db.command("copy")(copy_database)
    keys = typer.Typer(help="Encryption keys.", no_args_is_help=True)
    keys.command()(rotate)
    app.command()(doctor)
    app.command()(pause)
    app.command()(resume)
    app.command()(backup)
    app.command()(restore)
    app.command()(ring)
    app.command()(seed)
    app.add_typer(db, name="db")
    app.add_typer(keys, name="keys")


def upgrade(as_json: AsJson = False) -> None:
    """Bring the database up to date. Running it again changes nothing."""
    from core.db.migrate import upgrade as migrate
    from core.settings import Settings

    settings = Settings()
    if settings.sqlite:
        settings.soonish_data.mkdir(parents=True, exist_ok=True, mode=0o700)
    migrate(settings.database)
    show_json({"upgraded": True}) if as_json else typer.echo("The database is up to date.")


def copy_database(
    source: Annotated[Path, typer.Option("--from", metavar="FILE", help="The SQLite file to copy.")],
    as_json: AsJson = False,
) -> None:
    """Copy an SQLite file into the empty PostgreSQL database that DATABASE_URL names. Stop everything first."""
    from core.db.copy import Copied, copy_file
    from core.settings import Settings

    async def run() -> Copied:
        with progress("Copying", shown=not as_json) as step:
            return await copy_file(source, Settings().database, step)

    show(asyncio.run(run()), _copied, as_json=as_json)


def _copied(done: "Copied") -> None:
    table(("TABLE", "ROWS", "SHA-256"), [(each.table, each.rows, each.checksum) for each in done.tables], none="")
    typer.echo("Both databases hold exactly this. Start everything with DATABASE_URL naming the new one.")


def doctor(as_json: AsJson = False) -> None:
    """Check everything Soonish needs; exit 1 if something is wrong."""
    from pydantic import ValidationError

    from cli.refusals import as_refusal
    from core.operations.doctor import Findings, examine
    from core.operations.report import trouble

    async def look() -> Findings:
        async with opened() as core:
            return await examine(core)

    try:
        found = asyncio.run(look())
    except ValidationError as error:
        refusal = as_refusal(error)
        found = Findings(ok=False, findings=[trouble("settings", refusal.message, refusal.hint or "")])
    show(found, _findings, as_json=as_json)
    if not found.ok:
        raise typer.Exit(1)


def pause(as_json: AsJson = False) -> None:
    """Stop all sending. Commands are still taken; what is owed waits."""
    from core.operations.pause import pause_sending

    show(operating(lambda core, operator: core.act(operator, pause_sending)), _sending, as_json=as_json)


def resume(as_json: AsJson = False) -> None:
    """Send again, beginning with what waits."""
    from core.operations.pause import resume_sending

    show(operating(lambda core, operator: core.act(operator, resume_sending)), _sending, as_json=as_json)


def backup(file: Annotated[Path, typer.Argument(metavar="FILE")], as_json: AsJson = False) -> None:
    """Copy the SQLite database into a file, with everything running. The keys are not in it."""
    from cli.terminal import settings_in_force
    from core.operations.backup import back_up

    show(
        back_up(settings_in_force(), file),
        lambda done: typer.echo(
            f"{done.file} holds the database ({done.bytes / 2**20:.1f} MB): events, accounts with their addresses, and"
            " what was sent to whom.\nNot in it: the keys, without which it cannot be restored. Keep them in another"
            f" place: {done.keys}.\nTemporal's own database needs no backup: what it forgot is rung again."
        ),
        as_json=as_json,
    )


def restore(file: Annotated[Path, typer.Argument(metavar="FILE")], as_json: AsJson = False) -> None:
    """Put a backup where there is no database yet. Sending stays paused until soonish resume."""
    from cli.terminal import VIA, settings_in_force
    from core.operations.backup import restore as bring_back
    from core.work import Actor

    show(
        asyncio.run(bring_back(settings_in_force(), file, Actor(None, VIA))),
        lambda done: typer.echo(
            f"{done.database} is restored, and {how_many(done.rung, 'bell', 'bells')} will ring once a worker runs."
            f"\nSending is paused: {how_many(done.waiting, 'delivery', 'deliveries')} waited when the backup was made"
            " and may have gone out since. soonish resume sends them."
        ),
        as_json=as_json,
    )


def ring(as_json: AsJson = False) -> None:
    """Wake every event, mail and account in Temporal: after its database was restored to another moment."""
    from core.operations.ring import ring_all

    rung = operating(lambda core, operator: core.act(operator, ring_all))
    show_json({"rung": rung}) if as_json else typer.echo(f"{how_many(rung, 'bell', 'bells')} will ring.")


def rotate(as_json: AsJson = False) -> None:
    """Seal every channel's address and every workspace's token with the newest of ENCRYPTION_KEYS."""
    from core.operations.keys import rotate_keys

    with progress("Sealing", shown=not as_json) as step:
        done = operating(lambda core, operator: rotate_keys(core, operator, step))
    show(
        done,
        lambda answer: typer.echo(
            f"Sealed {answer.sealed} again; key {answer.key} seals "
            + (f"all but {answer.unreadable} damaged ones." if answer.unreadable else "everything.")
            + " Once every process runs with it, older keys can be dropped from ENCRYPTION_KEYS."
        ),
        as_json=as_json,
    )


def seed(
    event: Annotated[str, typer.Argument(metavar="EVENT", help="The event's id.")],
    to: Annotated[str, typer.Option(help="Like json://127.0.0.1:9000/hook/{n} or mailto://n{n}@example.org")],
    subscribers: Annotated[int, typer.Option(help="How many.")] = 1000,
    as_json: AsJson = False,
) -> None:
    """Let many made-up subscribers follow an event. Development only."""
    from core.operations.seed import seed as plant

    with progress("Seeding", shown=not as_json) as step:
        done = operating(lambda core, operator: plant(core, operator, event, subscribers, to, step))
    if done.opened and not as_json:
        typer.echo(f"Opened {done.opened} to deliveries for one hour.")
    show(
        done, lambda answer: typer.echo(f"{answer.added} more follow it, {answer.subscribers} in all."), as_json=as_json
    )


def _findings(found: "Findings") -> None:
    for finding in found.findings:
        mark, colour = ("ok     ", "green") if finding.ok else ("problem", "red")
        typer.echo(f"{typer.style(mark, fg=colour)}  {finding.name:<10} {finding.detail}")
        if finding.hint:
            typer.echo(f"{'':<20}{finding.hint}")
    typer.echo("Everything is in order." if found.ok else "Something needs you.")


def _sending(state: "Sending") -> None:
    waiting = how_many(state.waiting, "delivery waits", "deliveries wait") if state.waiting else "nothing waits"
    typer.echo(f"Sending is paused; {waiting}." if state.paused else f"Sending goes on; {waiting}.")
