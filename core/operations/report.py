"""What a check says."""

from pydantic import BaseModel


class Finding(BaseModel):
    name: str
    ok: bool
    detail: str
    hint: str | None = None
    """What to do about it."""


def fine(name: str, detail: str) -> Finding:
    return Finding(name=name, ok=True, detail=detail)


def trouble(name: str, detail: str, hint: str) -> Finding:
    return Finding(name=name, ok=False, detail=detail, hint=hint)
