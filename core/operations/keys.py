"""Rotating ENCRYPTION_KEYS: which keys are in use, and sealing every channel's address with the newest again."""

from collections.abc import Callable

from pydantic import BaseModel
from sqlalchemy import LargeBinary, bindparam, func, select, update

from core.db.models import Integration
from core.errors import Code, SoonishError
from core.keys import KeyMissingError, key_id_of
from core.work import SYSTEM, Actor, Core, Work

_BATCH = 500
_KEY_ID = func.substr(Integration.apprise_url, 1, 4, type_=LargeBinary)


class Rotated(BaseModel):
    sealed: int
    """How many addresses were sealed again."""
    unreadable: int
    """Damaged ones that no key opens; they were left as they are."""
    key: str
    """The id of the key that now seals them all."""


async def keys_in_use(work: Work) -> dict[bytes, int]:
    """Key id → how many addresses it seals."""
    rows = await work.session.execute(select(_KEY_ID, func.count()).group_by(_KEY_ID))
    return {bytes(key_id): count for key_id, count in rows}


async def check_keys(core: Core) -> None:
    """Refuses to start without a key that something stored needs. Run by every role before it serves."""
    missing = missing_keys(core, await core.ask(SYSTEM, keys_in_use))
    if missing:
        raise missing_refusal(missing)


def missing_keys(core: Core, in_use: dict[bytes, int]) -> dict[bytes, int]:
    return {key_id: count for key_id, count in in_use.items() if not core.keys.knows(key_id)}


def missing_refusal(missing: dict[bytes, int]) -> SoonishError:
    names = ", ".join(f"{key_id.hex()} ({count} channels)" for key_id, count in missing.items())
    return SoonishError(
        Code.UNAVAILABLE,
        f"A key in use is missing from ENCRYPTION_KEYS: {names}.",
        hint="Add the old key after the new one, run soonish keys rotate, then drop it.",
    )


async def rotate_keys(core: Core, actor: Actor, progress: Callable[[int, int], None]) -> Rotated:
    """Seal everything with the newest key, in short transactions; stopped half-way it goes on where it was.

    `progress` gets (done, total).
    """
    await check_keys(core)
    newest = key_id_of(core.keys.seal(""))
    in_use = await core.ask(SYSTEM, keys_in_use)
    total = sum(count for key_id, count in in_use.items() if key_id != newest)
    sealed = unreadable = after = 0
    while True:
        batch = await core.step(_rotate_batch, newest, after)
        if batch is None:
            return await core.act(actor, keys_rotated, Rotated(sealed=sealed, unreadable=unreadable, key=newest.hex()))
        after, done, failed = batch
        sealed, unreadable = sealed + done, unreadable + failed
        progress(sealed + unreadable, total)


async def keys_rotated(work: Work, done: Rotated) -> Rotated:
    work.subject, work.detail = "service", done.model_dump()
    return done


async def _rotate_batch(work: Work, newest: bytes, after: int) -> tuple[int, int, int] | None:
    """(last id, sealed, unreadable); None when nothing is left."""
    rows = (
        await work.session.execute(
            select(Integration.id, Integration.apprise_url)
            .where(Integration.id > after, _KEY_ID.is_distinct_from(newest))
            .order_by(Integration.id)
            .limit(_BATCH)
            .with_for_update()
        )
    ).all()
    if not rows:
        return None
    fresh = []
    for row in rows:
        try:
            fresh.append({"row": row.id, "sealed": work.keys.seal(work.keys.open(row.apprise_url))})
        except KeyMissingError:
            continue
    if fresh:
        await (await work.session.connection()).execute(_SEAL, fresh)
    return rows[-1].id, len(fresh), len(rows) - len(fresh)


_SEAL = update(Integration).where(Integration.id == bindparam("row")).values(apprise_url=bindparam("sealed"))
