"""Which part of the day: `in the evening`, `this afternoon`, `por la tarde`, `heute Morgen`."""

from core.when import words as w
from core.when.cursor import Cursor


def daypart(c: Cursor) -> bool:
    found = daypart_at(c, 0)
    if found is None:
        return False
    part, atoms = found
    if c.word() in w.THIS:
        c.refuse_second_day(c.phrase.offset not in (None, 0) or bool(c.phrase.days))
        c.phrase.offset = 0
    c.set_daypart(part)
    return c.take(atoms)


def daypart_at(c: Cursor, ahead: int) -> tuple[w.Daypart, int] | None:
    """The part of the day that stands there, and how many atoms it takes."""
    if c.word(ahead) in w.THIS:
        return _after(c, ahead, 1, tells=c.word(ahead) == "esta")
    for before, tells in w.BEFORE_DAYPART.items():
        if c.words(ahead, len(before)) == before:
            found = _after(c, ahead, len(before), tells=tells)
            if found is not None:
                return found
    # "Freitag morgen", "heute morgen": beside a day it is the morning.
    beside = ahead == 0 and (c.phrase.weekday is not None or c.phrase.offset == 0)
    return _after(c, ahead, 0, tells=beside and c.word() == "morgen")


def _after(c: Cursor, ahead: int, before: int, *, tells: bool) -> tuple[w.Daypart, int] | None:
    """`tells`: what stands before makes "mañana" and "morgen" the morning and not tomorrow."""
    word = c.word(ahead + before)
    part = w.DAYPARTS.get(word) or (w.MORNING_OR_TOMORROW.get(word) if tells else None)
    return (part, before + 1) if part else None
