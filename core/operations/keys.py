"""Rotating ENCRYPTION_KEYS: which keys are in use, and sealing whatever is stored sealed with the newest."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from sqlalchemy import ColumnElement, LargeBinary, bindparam, func, select, update
from sqlalchemy.orm import InstrumentedAttribute

from core.db.models import ChatInstallation, Integration
from core.errors import Code, SoonishError
from core.keys import key_id_of
from core.work import SYSTEM, Actor, Core, Work

_BATCH = 500


@dataclass(frozen=True, slots=True)
class Sealed:
    """One column that is stored sealed. NULL seals nothing."""

    table: type[Integration | ChatInstallation]
    column: InstrumentedAttribute[Any]

    @property
    def key_id(self) -> ColumnElement[bytes]:
        return func.substr(self.column, 1, 4, type_=LargeBinary)


SEALED = (
    Sealed(Integration, Integration.apprise_url),
    Sealed(ChatInstallation, ChatInstallation.bot_token),
)


class Rotated(BaseModel):
    sealed: int
    """How many addresses and tokens were sealed again."""
    unreadable: int
    """Damaged ones that no key opens; they were left as they are."""
    key: str
    """The id of the key that now seals them all."""


async def keys_in_use(work: Work) -> dict[bytes, int]:
    """Key id → how many addresses and tokens it seals."""
    in_use: Counter[bytes] = Counter()
    for each in SEALED:
        key = each.key_id
        query = select(key, func.count()).where(each.column.is_not(None)).group_by(key)
        in_use.update({bytes(key_id): count for key_id, count in await work.session.execute(query)})
    return dict(in_use)


async def check_keys(core: Core) -> None:
    """Refuses to start without a key that something stored needs. Run by every role before it serves."""
    missing = missing_keys(core, await core.ask(SYSTEM, keys_in_use))
    if missing:
        raise missing_refusal(missing)


def missing_keys(core: Core, in_use: dict[bytes, int]) -> dict[bytes, int]:
    return {key_id: count for key_id, count in in_use.items() if not core.keys.knows(key_id)}


def missing_refusal(missing: dict[bytes, int]) -> SoonishError:
    names = ", ".join(f"{key_id.hex()} ({count} addresses and tokens)" for key_id, count in missing.items())
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
    sealed = unreadable = 0
    for each in SEALED:
        after = 0
        while (batch := await core.step(_rotate_batch, each, newest, after)) is not None:
            after, done, failed = batch
            sealed, unreadable = sealed + done, unreadable + failed
            progress(sealed + unreadable, total)
    return await core.act(actor, keys_rotated, Rotated(sealed=sealed, unreadable=unreadable, key=newest.hex()))


async def keys_rotated(work: Work, done: Rotated) -> Rotated:
    work.subject, work.detail = "service", done.model_dump()
    return done


async def _rotate_batch(work: Work, which: Sealed, newest: bytes, after: int) -> tuple[int, int, int] | None:
    """(last id, sealed, unreadable); None when nothing is left."""
    table, column = which.table, which.column
    rows = (
        await work.session.execute(
            select(table.id, column.label("stored"))
            .where(table.id > after, column.is_not(None), which.key_id.is_distinct_from(newest))
            .order_by(table.id)
            .limit(_BATCH)
            .with_for_update()
        )
    ).all()
    if not rows:
        return None
    opened = [(row.id, work.keys.opened(row.stored)) for row in rows]
    fresh = [{"row": number, "sealed": work.keys.seal(text)} for number, text in opened if text is not None]
    if fresh:
        seal = update(table).where(table.id == bindparam("row")).values({column.key: bindparam("sealed")})
        await (await work.session.connection()).execute(seal, fresh)
    return rows[-1].id, len(fresh), len(rows) - len(fresh)
