"""How far from now: `in 2 hours`, `2 hours from now`."""

from core.when import words as w
from core.when.cursor import Cursor
from core.when.phrase import Span, refuse


def span(c: Cursor) -> bool:
    """`in 2 hours`, `in 1h30`, `in two weeks`."""
    if c.word() not in w.IN:
        return False
    before = c.at
    c.take(1)
    if span_of(c) is None:
        c.at = before
        return False
    return True


def span_ahead(c: Cursor) -> bool:
    """`2 hours from now`, `3 days ago`."""
    ending = {c.word(ahead) for ahead in range(1, 9)}
    if "ago" not in ending and "from" not in ending:
        return False
    before, had = c.at, (c.phrase.span, c.phrase.remark)
    length = span_of(c)
    if length is not None:
        if c.word() == "ago":
            raise refuse("That is in the past.", "Pick a later time.")
        if c.word() == "from" and c.word(1) == "now":
            return c.take(2)
    c.at = before
    c.phrase.span, c.phrase.remark = had
    return False


def span_of(c: Cursor) -> Span | None:
    """One or more amounts with units. Stores the span, or the remark beside a complete time."""
    start, total = c.at, [0, 0, 0]
    while True:
        found = amount(c)
        if found is None:
            break
        for index in range(3):
            total[index] += found[index]
        if c.word() in {"and", "und", "et", "y"} and c.peek(1).kind in ("num", "word"):
            c.take(1)
    if c.at == start:
        return None
    said = " ".join(atom.text for atom in c.atoms[start : c.at])
    measured = Span(total[0], total[1], total[2], said)
    if c.phrase.complete and c.phrase.span is None:
        c.phrase.remark = said
    elif c.phrase.span is not None or c.phrase.has_day:
        raise refuse("Those are two days.", "Write one of them.")
    else:
        c.phrase.span = measured
    return measured


def amount(c: Cursor) -> tuple[int, int, int] | None:
    """`2 hours`, `an hour`, `half an hour`, `1.5 hours`, `1h30`."""
    if c.word() == "half" and c.word(1) in {"an", "a"} and c.word(2) == "hour":
        c.take(3)
        return 0, 0, 1800
    count: float | None = c.number(digits=4)
    used = 1
    if count is None:
        count = w.NUMBERS.get(c.word())
    elif c.sym(1, ".,") and c.peek(1).glued and c.peek(2).text == "5" and c.peek(2).glued:
        count, used = count + 0.5, 3
    unit = w.UNITS.get(c.word(used))
    if count is None or unit is None:
        return None
    if count != int(count) and unit != w.UNITS["hour"]:
        return None
    short_hour = c.word(used) == "h"
    c.take(used + 1)
    seconds = int(unit[2] * count)
    if short_hour and c.number() is not None and c.peek().glued and c.word(1) not in w.UNITS:
        seconds += (c.number() or 0) * 60
        c.take(1)
    return int(unit[0] * count), int(unit[1] * count), seconds
