"""Transactions that lost to another one and may simply be done again: they have changed nothing."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm.exc import StaleDataError

T = TypeVar("T")

ATTEMPTS = 5
_WAIT = 0.02
"""Seconds, at most, before the second attempt; each later one may wait as long again."""
_LOST = {"40001", "40P01"}
"""PostgreSQL's codes for a transaction that others overtook, and for one of two that waited for each other."""


def lost_to_another(error: BaseException) -> bool:
    """Two made the same row, changed the same row, or waited for each other: whoever looks again sees the other's."""
    if isinstance(error, IntegrityError | StaleDataError):
        return True
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in _LOST


async def until_done(transaction: Callable[[], Awaitable[T]]) -> T:
    """Do it, and again when it lost to another one, a few times."""
    for attempt in range(1, ATTEMPTS):
        try:
            return await transaction()
        except (DBAPIError, StaleDataError) as error:
            if not lost_to_another(error):
                raise
            await asyncio.sleep(random.uniform(0, _WAIT * attempt))  # noqa: S311 - not a secret
    return await transaction()
