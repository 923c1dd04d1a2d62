"""A copy of an SQLite database that is in use, and the way back. Keys are in neither: without them the addresses of
channels in a backup stay sealed. What accounts and events say stands in it in clear."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, unquote

from pydantic import BaseModel
from sqlalchemy import select

from core.clock import SystemClock
from core.db.engine import Database
from core.db.migrate import head, revisions, upgrade
from core.db.models import Integration
from core.delivery.addresses import mail_channel
from core.errors import conflict, invalid
from core.keys import KeyMissingError, load_keys
from core.operations.keys import check_keys
from core.operations.pause import Sending, pause_sending
from core.operations.ring import ring_all
from core.settings import Settings
from core.work import SYSTEM, Actor, Core, Work

_SEALED_MAIL = "systemmail://"


class BackedUp(BaseModel):
    file: str
    bytes: int
    keys: str
    """Where the keys are that it cannot be read without."""


class Restored(BaseModel):
    database: str
    waiting: int
    """Deliveries that were not settled at the time of the backup."""
    rung: int


def back_up(settings: Settings, target: Path) -> BackedUp:
    """The database as it is at this moment, while everything runs. Nothing half done: the file is there whole or not
    at all, for its owner's eyes only."""
    source = _sqlite(settings)
    if not source.exists():
        raise conflict(f"There is no database {source} yet.", hint="Run: soonish db upgrade")
    if target.exists():
        raise conflict(f"{target} is there already.", hint="Name a file that does not exist yet.")
    if not target.parent.is_dir():
        raise invalid(f"There is no folder {target.parent}.", hint="Make it first.")
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        draft.touch(0o600, exist_ok=False)
        _copy(source, draft)
        draft.replace(target)
    except sqlite3.Error as error:
        raise conflict(f"The database could not be copied: {error}.", hint="See that there is room for it.") from error
    finally:
        draft.unlink(missing_ok=True)
    return BackedUp(file=str(target), bytes=target.stat().st_size, keys=_where_keys_are(settings))


async def restore(settings: Settings, source: Path, actor: Actor) -> Restored:
    """Put a backup where there is no database yet. All sending is paused then: what waited at that moment may have
    gone out since."""
    target = _sqlite(settings)
    if target.exists():
        raise conflict(f"There is a database already: {target}.", hint="Move it away, or choose another SOONISH_DATA.")
    _check_file(source)
    _refuse_without_keys(settings)
    settings.soonish_data.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = target.with_name(f".restoring-{os.getpid()}.db")
    try:
        draft.touch(0o600, exist_ok=False)
        _copy(source, draft)
        database = f"sqlite+aiosqlite:///{quote(str(draft.resolve()))}"
        upgrade(database)
        core = Core(settings, SystemClock(), Database(database), load_keys(settings))
        try:
            done = await _prepare(core, actor)
        finally:
            await core.db.close()
        draft.replace(target)
    finally:
        for left in target.parent.glob(f"{draft.name}*"):
            left.unlink()
    return Restored(database=str(target), waiting=done[0].waiting, rung=done[1])


async def _prepare(core: Core, actor: Actor) -> tuple[Sending, int]:
    await check_keys(core)
    if not await core.ask(SYSTEM, _same_secret):
        raise conflict(
            "SECRET_KEY is not the one that this backup was made with.",
            hint="Set the old one: without it no link in old mail works, and no address is found again.",
        )
    return await core.act(actor, pause_sending), await core.act(actor, ring_all)


async def _same_secret(work: Work) -> bool:
    """Whether an address that is stored is found by its hash. True where there is none to try."""
    rows = await work.session.execute(
        select(Integration.apprise_url, Integration.destination)
        .where(Integration.removed_at.is_(None))
        .order_by(Integration.id.desc())
        .limit(200)
    )
    for sealed, destination in rows:
        try:
            url = work.keys.open(sealed)
        except KeyMissingError:
            continue  # a damaged row; a missing key is refused before
        if url.startswith(_SEALED_MAIL):
            channel = mail_channel(_address(url))
            return work.keys.digest("destination", channel.destination) == destination
    return True


def _address(url: str) -> str:
    return unquote(url.removeprefix(_SEALED_MAIL).partition("?")[0].rstrip("/"))


def _sqlite(settings: Settings) -> Path:
    if settings.sqlite_file is None:
        raise conflict(
            "PostgreSQL is backed up and restored by its own tools.",
            hint='Run: pg_dump --format=custom --file=FILE "$URL", and pg_restore --dbname="$URL" FILE into an empty'
            " database, where URL is DATABASE_URL without +psycopg. Then: soonish pause, soonish ring. Keys: as"
            " docs/operating.md says.",
        )
    return settings.sqlite_file


def _copy(source: Path, target: Path) -> None:
    """SQLite's online backup, in one step: in write-ahead mode it holds up no writer, and no writer makes it begin
    again. The copy is one file."""
    with (
        closing(sqlite3.connect(f"file:{quote(str(source.resolve()))}?mode=ro", uri=True)) as read,
        closing(sqlite3.connect(target)) as written,
    ):
        read.backup(written)
        written.execute("PRAGMA journal_mode=DELETE")


def _check_file(source: Path) -> None:
    if not source.is_file():
        raise invalid(f"There is no file {source}.", hint="Name a file that soonish backup made.")
    try:
        with closing(sqlite3.connect(f"file:{quote(str(source.resolve()))}?mode=ro", uri=True)) as connection:
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except (sqlite3.Error, TypeError) as error:
        raise invalid(f"{source} is no backup of Soonish.", hint="Name a file that soonish backup made.") from error
    if found != "ok":
        raise invalid(f"{source} is damaged: {found}", hint="Take another backup.")
    if revision not in revisions():
        hint = f"Restore it with the release that made it: this one knows {head()}."
        raise conflict(f"{source} is of a newer release ({revision}).", hint=hint)


def _refuse_without_keys(settings: Settings) -> None:
    """Before any are generated: fresh ones would open nothing."""
    if (settings.secret_key and settings.encryption_keys) or (settings.soonish_data / "secrets.json").exists():
        return
    raise conflict(
        "The keys of this backup are not here, and it cannot be read without them.",
        hint="Set SECRET_KEY and ENCRYPTION_KEYS as they were, or put the old secrets.json into"
        f" {settings.soonish_data}.",
    )


def _where_keys_are(settings: Settings) -> str:
    if settings.secret_key and settings.encryption_keys:
        return "SECRET_KEY and ENCRYPTION_KEYS, in this installation's settings"
    return str((settings.soonish_data / "secrets.json").resolve())
