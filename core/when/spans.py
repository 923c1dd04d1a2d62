"""How far from now: `in 2 hours`, `2 hours from now`."""

from core.when import words as w
from core.when.cursor import RANGE, Cursor
from core.when.phrase import Span, refuse

_AND = frozenset({"and", "und", "et", "y"})


def span(c: Cursor) -> bool:
    """`in 2 hours`, `in 1h30`, `in two weeks`; beside a complete time it is the remark that `say` makes."""
    if c.word() not in w.IN:
        return False
    measured, atoms = measure(c, 1)
    if measured is None:
        return False
    if c.phrase.complete and c.phrase.span is None:
        c.phrase.remark = f"in {measured.words}"
    else:
        store(c, measured)
    return c.take(1 + atoms)


def span_ahead(c: Cursor) -> bool:
    """`2 hours from now`, `2 weeks from today`, `3 days ago`."""
    measured, atoms = measure(c, 0)
    if measured is None:
        return False
    if c.word(atoms) == "ago":
        raise refuse("That is in the past.", "Pick a later time.")
    after = c.word(atoms + 1)
    if c.word(atoms) != "from" or not (after == "now" or (after == "today" and not measured.seconds)):
        return False
    store(c, measured)
    return c.take(atoms + 2)


def bare(c: Cursor) -> bool:
    """`2 hours`, `+2h`: refused with what was probably meant."""
    measured, _ = measure(c, 1 if c.sym(0, "+") else 0)
    if measured is None:
        return False
    if c.phrase.clocks:
        raise RANGE
    raise refuse(f"Is “{measured.words}” from now?", f'Write "in {measured.words}".')


def now(c: Cursor) -> bool:
    """The remark that `say` makes in the last half minute."""
    if c.word() == "now" and c.phrase.complete:
        c.phrase.remark = "now"
        return c.take(1)
    return False


def store(c: Cursor, measured: Span) -> None:
    if c.phrase.span is not None or c.phrase.has_day:
        raise refuse("Those are two days.", "Write one of them.")
    c.phrase.span = measured


def measure(c: Cursor, ahead: int) -> tuple[Span | None, int]:
    """One or more amounts with units from there on, and how many atoms they take."""
    total = Span(0, 0, 0)
    end = ahead
    while True:
        found, atoms = amount(c, end + 1 if end > ahead and c.word(end) in _AND else end)
        if found is None:
            break
        total = Span(total.months + found.months, total.days + found.days, total.seconds + found.seconds)
        end = atoms
    if end == ahead:
        return None, 0
    if total.seconds and c.word(end) == "and" and c.word(end + 1) == "a" and c.word(end + 2) == "half":
        total, end = total._replace(seconds=total.seconds + 1800), end + 3
    said = "".join(("" if c.peek(n).glued else " ") + c.peek(n).text for n in range(ahead, end)).strip()
    return total._replace(words=said), end - ahead


def amount(c: Cursor, at: int) -> tuple[Span | None, int]:
    """`2 hours`, `an hour`, `half an hour`, `1.5 hours`, `1h30`, and where it ends."""
    if c.word(at) == "half" and c.word(at + 1) in {"an", "a"} and c.word(at + 2) == "hour":
        return Span(0, 0, 1800), at + 3
    count: float | None = c.number(at, digits=4)
    end = at + 1
    if count is None:
        count = w.NUMBERS.get(c.word(at))
    elif c.sym(at + 1, ".,") and c.peek(at + 1).glued and c.peek(at + 2).text == "5" and c.peek(at + 2).glued:
        count, end = count + 0.5, at + 3
    unit = w.UNITS.get(c.word(end))
    if count is None or unit is None or (count != int(count) and unit != w.UNITS["hour"]):
        return None, at
    seconds = int(unit[2] * count)
    minutes = c.number(end + 1)
    if c.word(end) == "h" and minutes is not None and c.peek(end + 1).glued and c.word(end + 2) not in w.UNITS:
        return Span(0, 0, seconds + minutes * 60), end + 2
    return Span(int(unit[0] * count), int(unit[1] * count), seconds), end + 1
