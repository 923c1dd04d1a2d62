"""One short id from a request, a command or a reminder's instant to the last delivery it caused, in every log line
between. It is random: it says nothing about anybody."""

import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_FIT = re.compile(r"[A-Za-z0-9-]{8,64}")
_following: ContextVar[str] = ContextVar("trail", default="")


def fresh() -> str:
    return secrets.token_hex(6)


def fit(text: str) -> bool:
    """Whether an id that somebody else made may stand in our logs."""
    return _FIT.fullmatch(text) is not None


def current() -> str:
    """What this task follows; several ids where several requests travel together; "" for nothing."""
    return _following.get()


@contextmanager
def following(*trails: str | None) -> Iterator[str]:
    """Everything in this block belongs to these."""
    joined = ",".join(dict.fromkeys(filter(None, trails)))
    token = _following.set(joined)
    try:
        yield joined
    finally:
        _following.reset(token)


def at_most(limit: int, trails: Iterable[str]) -> list[str]:
    """Each once, the first ones: what travels through a workflow stays small however many rang."""
    return list(dict.fromkeys(trails))[:limit]
