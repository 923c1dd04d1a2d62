"""How far from now: `in 2 hours`, `2 hours from now`, `a week from friday`."""

from core.when import words as w
from core.when.cursor import EXAMPLE, RANGE, Cursor
from core.when.phrase import Span, refuse

_AND = frozenset({"and", "und", "et", "y"})
_NOTHING = Span(0, 0, 0)


def span(c: Cursor) -> bool:
    """`in 2 hours`, `in 1h30`, `in two weeks`; beside a complete time it is the remark that `say` makes."""
    leading = 2 if c.words(0, 2) == ("dentro", "de") else 1
    if leading == 1 and c.word() not in w.IN:
        return False
    measured, atoms = measure(c, leading)
    if measured is None:
        return False
    if c.phrase.complete and c.phrase.span is None and c.phrase.remark is None:
        c.phrase.remark = f"in {measured.words}"
    else:
        store(c, measured)
    return c.take(leading + atoms)


def span_ahead(c: Cursor) -> bool:
    """`2 hours from now`, `a week from friday`, `a week on friday`, `3 days ago`."""
    measured, atoms = measure(c, 0)
    if measured is None:
        return False
    joint, after = c.word(atoms), c.word(atoms + 1)
    if joint == "ago":
        raise refuse("That is in the past.", "Pick a later time.")
    if joint == "from" and after == "now":
        store(c, measured)
        return c.take(atoms + 2)
    if joint not in {"from", "on"} or measured.seconds or not (after in w.WEEKDAYS or after in {"today", "tomorrow"}):
        return False
    store(c, measured)
    c.phrase.counted_from = True
    return c.take(atoms + 1)


def bare(c: Cursor) -> bool:
    """`2 hours`, `+2h`: refused with what was probably meant."""
    measured, _ = measure(c, 1 if c.sym(0, "+") else 0)
    if measured is None:
        return False
    if c.phrase.clocks:
        raise RANGE
    if c.holds({"from", "before", "after"}):
        raise refuse(f"“{measured.words}” from when?", EXAMPLE)
    raise refuse(f"Is “{measured.words}” from now?", f'Write "in {measured.words}".')


def now(c: Cursor) -> bool:
    """The remark that `say` makes in the last half minute."""
    if c.word() == "now" and c.phrase.complete:
        c.phrase.remark = "now"
        return c.take(1)
    return False


def store(c: Cursor, measured: Span) -> None:
    if c.phrase.span is not None or c.phrase.has_day or c.phrase.week is not None:
        raise refuse("Those are two days.", "Write one of them.")
    if measured[:3] == _NOTHING[:3]:
        raise refuse("That is now.", "Pick a later time.")
    c.phrase.span = measured


def store_week(c: Cursor) -> None:
    """`friday week`: a week from that day."""
    c.refuse_second_day(c.phrase.span is not None or c.phrase.week is not None)
    c.phrase.span, c.phrase.counted_from = Span(0, 7, 0, "a week"), True


def measure(c: Cursor, ahead: int) -> tuple[Span | None, int]:
    """One or more amounts with units from there on, and how many atoms they take."""
    total, end, last = _NOTHING, ahead, "h"
    while True:
        joined = end > ahead and c.word(end) in _AND
        found, after, unit = amount(c, end + 1 if joined else end)
        if found is None:
            break
        if not joined and not (w.UNITS[last][2] or last == "d"):
            # "15 jours 19h30": the hour is the time of that day; "1d 4h" is a distance.
            if unit == "h":
                break
            if unit in {"heures", "heure", "horas", "hora"}:
                raise refuse("Is that an hour of the day, or part of the distance?", 'Write the hour like "20:00".')
        total = Span(total.months + found.months, total.days + found.days, total.seconds + found.seconds)
        end, last = after, unit
    if end == ahead:
        return None, 0
    if w.UNITS[last][2] == 3600 and c.words(end, 3) == ("and", "a", "half"):
        total, end = total._replace(seconds=total.seconds + 1800), end + 3
    said = "".join(("" if c.peek(n).glued else " ") + c.peek(n).text for n in range(ahead, end)).strip()
    return total._replace(words=said), end - ahead


def amount(c: Cursor, at: int) -> tuple[Span | None, int, str]:
    """`2 hours`, `an hour`, `half an hour`, `1.5 hours`, `1h30`; where it ends, and its unit as it was written."""
    for seconds, spellings in ((1800, w.HALF_HOURS), (5400, w.HOUR_AND_A_HALF)):
        for spelling in spellings:
            if c.words(at, len(spelling)) == spelling:
                return Span(0, 0, seconds), at + len(spelling), "min"
    count: float | None = c.number(at, digits=9)
    end = at + 1
    if count is None:
        count = w.NUMBERS.get(c.word(at))
    elif c.sym(at + 1, ".,") and c.peek(at + 1).glued and c.peek(at + 2).text == "5" and c.peek(at + 2).glued:
        count, end = count + 0.5, at + 3
    unit = w.UNITS.get(c.word(end))
    if count is None or unit is None or (count != int(count) and unit != w.UNITS["hour"]):
        return None, at, ""
    seconds = int(unit[2] * count)
    minutes = c.number(end + 1)
    if c.word(end) == "h" and minutes is not None and c.peek(end + 1).glued and c.word(end + 2) not in w.UNITS:
        return Span(0, 0, seconds + minutes * 60), end + 2, "h"
    return Span(int(unit[0] * count), int(unit[1] * count), seconds), end + 1, c.word(end)
