"""What the operator should know before people do: each part looked at, each trouble with what to do about it."""

import asyncio
import datetime as dt
import shutil
from collections.abc import Awaitable, Callable

from pydantic import BaseModel
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from core.db.migrate import head
from core.db.models import OutboxRow
from core.operations.keys import keys_in_use, missing_keys, missing_refusal
from core.operations.pause import sending_state
from core.operations.reach import check_mail, check_site, check_temporal
from core.operations.report import Finding, fine, trouble
from core.work import SYSTEM, Core, Work

_LITTLE_SPACE = 500 * 1024 * 1024
_OTHERS = 0o077
"""What others may do with a folder that holds keys and addresses: nothing."""
_SECONDS = 15.0
_SLOW = dt.timedelta(minutes=1)

Check = Callable[[Core], Awaitable[Finding]]


class Findings(BaseModel):
    ok: bool
    findings: list[Finding]


async def examine(core: Core) -> Findings:
    """All checks at once, none longer than fifteen seconds. Changes nothing."""
    database = await _bounded("database", check_database, core)
    names: list[tuple[str, Check]] = [
        ("temporal", check_temporal), ("mail", check_mail), ("site", check_site), ("data", check_data)
    ]  # fmt: skip
    if database.ok:
        names += [("keys", check_keys_known), ("sending", check_sending)]
    others = await asyncio.gather(*(_bounded(name, check, core) for name, check in names))
    findings = [database, *others]
    return Findings(ok=all(finding.ok for finding in findings), findings=findings)


async def _bounded(name: str, check: Check, core: Core) -> Finding:
    try:
        async with asyncio.timeout(_SECONDS):
            return await check(core)
    except TimeoutError:
        return trouble(name, f"no answer within {_SECONDS:g} s", "See whether its server is overloaded.")


async def check_database(core: Core) -> Finding:
    kind = "SQLite" if core.settings.sqlite else "PostgreSQL"
    try:
        revision = await core.ask(SYSTEM, _revision)
    except (SQLAlchemyError, OSError) as error:
        words = str(getattr(error, "orig", None) or type(error).__name__).split("\n", 1)[0]
        if "alembic_version" in words:
            return trouble("database", f"{kind} is there, and empty", "Run: soonish db upgrade")
        return trouble("database", f"{kind} does not answer: {words}", "Check DATABASE_URL, and that it runs.")
    newest = head()
    if revision != newest:
        return trouble("database", f"{kind} is at {revision or 'nothing'}, not at {newest}", "Run: soonish db upgrade")
    return fine("database", f"{kind} answers and is up to date ({newest})")


async def _revision(work: Work) -> str | None:
    revision: str | None = await work.session.scalar(text("SELECT version_num FROM alembic_version"))
    return revision


async def check_keys_known(core: Core) -> Finding:
    in_use = await core.ask(SYSTEM, keys_in_use)
    if missing := missing_keys(core, in_use):
        refusal = missing_refusal(missing)
        return trouble("keys", refusal.message, refusal.hint or "")
    old = sum(count for key_id, count in in_use.items() if not core.keys.current(key_id))
    if old:
        return fine("keys", f"every key in use is known; {old} channels wait for: soonish keys rotate")
    return fine("keys", f"every key in use is known ({len(in_use)})")


async def check_sending(core: Core) -> Finding:
    """Whether anything stands still that should move."""
    state = await core.ask(SYSTEM, sending_state)
    if state.paused:
        return trouble("sending", f"all sending is paused; {state.waiting} deliveries wait", "Run: soonish resume")
    waiting, oldest = await core.ask(SYSTEM, _unrelayed)
    if oldest is not None and core.clock.now() - oldest > _SLOW:
        return trouble(
            "sending", f"{waiting} commands wait for a worker for more than a minute", "Start one: soonish run worker"
        )
    return fine("sending", f"nothing stands still; {state.waiting} deliveries are queued")


async def _unrelayed(work: Work) -> tuple[int, dt.datetime | None]:
    oldest = func.min(OutboxRow.created_at, type_=OutboxRow.created_at.type)
    row = (await work.session.execute(select(func.count(), oldest).where(OutboxRow.relayed_at.is_(None)))).one()
    return row[0], row[1]


async def check_data(core: Core) -> Finding:
    folder = core.settings.soonish_data.resolve()
    if not folder.is_dir():
        if core.settings.sqlite:
            return trouble("data", f"there is no folder {folder}", "Set SOONISH_DATA, or run Soonish once.")
        return fine("data", "no data folder, and none is needed")
    if folder.stat().st_mode & _OTHERS:
        return trouble("data", f"other users of this machine can look into {folder}", f"Run: chmod go= {folder}")
    free = shutil.disk_usage(folder).free
    if free < _LITTLE_SPACE:
        return trouble("data", f"only {free // 2**20} MB are free", "Make room: a full disk stops every write.")
    return fine("data", f"closed to others, {free / 2**30:.1f} GB free")
