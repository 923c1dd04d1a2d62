"""Lists in pages: `{items, next}` with a limit and an opaque cursor."""

import base64
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from core.errors import invalid

T = TypeVar("T")


class PageRequest(BaseModel):
    model_config = ConfigDict(frozen=True)

    limit: int = Field(50, ge=1, le=1000)
    cursor: str | None = Field(None, max_length=40)


class Page(BaseModel, Generic[T]):
    """`next` is the cursor of the following page, None on the last one."""

    items: list[T]
    next: str | None = None


def position(cursor: str) -> int:
    """The row id behind a cursor."""
    try:
        number = int(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError:
        number = -1
    if not 0 <= number < 2**63:
        raise invalid("This cursor is not one of ours.", field="cursor", hint="Start from the first page.")
    return number


def cut(rows: list[tuple[int, T]], page: PageRequest) -> Page[T]:
    """A page out of `limit + 1` (row id, item) pairs."""
    items = [item for _, item in rows[: page.limit]]
    more = len(rows) > page.limit
    last = rows[page.limit - 1][0] if more else 0
    return Page(items=items, next=base64.urlsafe_b64encode(str(last).encode()).rstrip(b"=").decode() if more else None)
