"""What the operator should know before people do: each part looked at, each trouble with what to do about it."""

import asyncio
import datetime as dt
import shutil
from collections.abc import Awaitable, Callable
from functools import partial

from pydantic import BaseModel
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from core.db.migrate import revisions
from core.db.models import OutboxRow
from core.metrics.backlog import backlog
from core.operations.chat import check_discord
from core.operations.keys import keys_in_use, missing_keys, missing_refusal
from core.operations.pause import sending_state
from core.operations.pulse import try_write
from core.operations.reach import check_mail, check_site, check_temporal, check_worker
from core.operations.report import Finding, fine, trouble
from core.operations.slack import check_installations, check_slack
from core.temporal import TemporalAwayError
from core.work import SYSTEM, Core, Work

_LITTLE_SPACE = 500 * 1024 * 1024
_OTHERS = 0o077
"""What others may do with a folder that holds keys and addresses: nothing."""
_SECONDS = 15.0
_SLOW = dt.timedelta(minutes=1)
_NO_WRITES = "Make room on its disk, and see that its user may write to it. People cannot do anything until then."

Check = Callable[[Core], Awaitable[Finding]]


class Findings(BaseModel):
    ok: bool
    findings: list[Finding]


async def examine(core: Core) -> Findings:
    """Each check at most fifteen seconds. Changes nothing. What cannot be told while another part is away is left
    out: that part's own sentence is the one to act on."""
    database, temporal = await _together(core, ("database", check_database), ("temporal", check_temporal))
    worker = await _together(core, ("worker", check_worker)) if temporal.ok else []
    others = await _together(core, ("mail", check_mail), ("site", check_site), ("data", check_data))
    if database.ok and core.settings.discord_bot_token is not None:
        others += await _together(core, ("discord", check_discord))
    if core.settings.on_slack:
        others += await _together(core, ("slack", check_slack))
    if database.ok and core.settings.slack_installs:
        others += await _together(core, ("workspaces", check_installations))
    moving = temporal.ok and all(finding.ok for finding in worker)
    if database.ok:
        others += await _together(
            core, ("keys", check_keys_known), ("sending", partial(check_sending, moving=moving))
        )  # fmt: skip
    findings = [database, temporal, *worker, *others]
    return Findings(ok=all(finding.ok for finding in findings), findings=findings)


async def _together(core: Core, *checks: tuple[str, Check]) -> list[Finding]:
    return await asyncio.gather(*(_bounded(name, check, core) for name, check in checks))


async def _bounded(name: str, check: Check, core: Core) -> Finding:
    try:
        async with asyncio.timeout(_SECONDS):
            return await check(core)
    except TimeoutError:
        return trouble(name, f"no answer within {_SECONDS:g} s", "See whether its server is overloaded.")
    except TemporalAwayError as error:
        return trouble(name, f"Temporal does not tell: {error}", "Run again: soonish doctor")


async def check_database(core: Core) -> Finding:
    kind = "SQLite" if core.settings.sqlite else "PostgreSQL"
    if (file := core.settings.sqlite_file) and not file.exists():
        # Asking would make an empty one.
        if file.parent.is_dir():
            return trouble("database", f"there is no {file} yet", "Run: soonish db upgrade")
        return trouble("database", f"there is no folder {file.parent}", "Make it, or correct DATABASE_URL.")
    try:
        revision = await core.ask(SYSTEM, _revision)
    except (SQLAlchemyError, OSError) as error:
        words = str(getattr(error, "orig", None) or type(error).__name__).split("\n", 1)[0]
        if "alembic_version" in words:
            return trouble("database", f"{kind} is there, and holds nothing of Soonish", "Run: soonish db upgrade")
        if file:
            hint = "See that this file is Soonish's and may be read, or correct DATABASE_URL."
            return trouble("database", f"{file} cannot be read: {words}", hint)
        return trouble("database", f"{kind} does not answer: {words}", "Check DATABASE_URL, and that it runs.")
    known = revisions()
    head = known[-1]
    if revision is not None and revision not in known:
        words = f"{kind} is at {revision}, which this release does not know"
        return trouble("database", words, f"Run the newer release that upgraded it: this one ends at {head}.")
    if revision != head:
        return trouble("database", f"{kind} is at {revision or 'nothing'}, not at {head}", "Run: soonish db upgrade")
    try:
        await try_write(core)
    except (SQLAlchemyError, OSError) as error:
        words = str(getattr(error, "orig", None) or type(error).__name__).split("\n", 1)[0]
        return trouble("database", f"{kind} answers, and takes no writes: {words}", _NO_WRITES)
    return fine("database", f"{kind} answers and is up to date ({head})")


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
        return fine("keys", f"every key in use is known; {old} addresses and tokens wait for: soonish keys rotate")
    return fine("keys", f"every key in use is known ({len(in_use)})")


async def check_sending(core: Core, *, moving: bool) -> Finding:
    """Whether anything stands still that should move. `moving`: Temporal answers and a worker is there."""
    state = await core.ask(SYSTEM, sending_state)
    if state.paused:
        return trouble("sending", f"all sending is paused; {_deliveries(state.waiting)}", "Run: soonish resume")
    waiting, oldest = await core.ask(SYSTEM, _unrelayed)
    if not moving:
        if not waiting and not state.waiting:
            return fine("sending", "nothing waits")
        words = f"nothing is sent now; {_deliveries(state.waiting)}, {_commands(waiting)}"
        return trouble("sending", words, "They go by themselves once Temporal answers and a worker runs.")
    if oldest is not None and core.clock.now() - oldest > _SLOW:
        words = f"{_commands(waiting)} for more than a minute, though a worker asked for work lately"
        hint = "See the worker's log; if it says nothing new, start the worker again: soonish run worker"
        return trouble("sending", words, hint)
    found = await core.ask(SYSTEM, backlog)
    if found.late:
        minutes = max(found.ages.values()).total_seconds() / 60
        words = f"{_deliveries(state.waiting)}; the oldest has been due for {minutes:.0f} minutes"
        hint = "See the worker's log; if it says nothing new, start the worker again: soonish run worker"
        return trouble("sending", words, hint)
    return fine("sending", f"nothing stands still; deliveries queued: {state.waiting}")


def _deliveries(count: int) -> str:
    return "1 delivery waits" if count == 1 else f"{count} deliveries wait"


def _commands(count: int) -> str:
    return "1 command waits" if count == 1 else f"{count} commands wait"


async def _unrelayed(work: Work) -> tuple[int, dt.datetime | None]:
    oldest = func.min(OutboxRow.created_at, type_=OutboxRow.created_at.type)
    row = (await work.session.execute(select(func.count(), oldest).where(OutboxRow.relayed_at.is_(None)))).one()
    return row[0], row[1]


async def check_data(core: Core) -> Finding:
    folder = core.settings.soonish_data.resolve()
    if not folder.is_dir():
        if core.settings.sqlite:
            return trouble("data", f"there is no folder {folder}", "Run: soonish db upgrade, or correct SOONISH_DATA.")
        return fine("data", "no data folder, and none is needed")
    if folder.stat().st_mode & _OTHERS:
        return trouble("data", f"other users of this machine can look into {folder}", f"Run: chmod go= {folder}")
    free = shutil.disk_usage(folder).free
    if free < _LITTLE_SPACE:
        return trouble("data", f"only {free // 2**20} MB are free", "Make room: a full disk stops every write.")
    return fine("data", f"closed to others, {free / 2**30:.1f} GB free")
