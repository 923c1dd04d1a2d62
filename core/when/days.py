"""Which day: words, weekdays, dates in every order."""

from core.when import words as w
from core.when.cursor import EXAMPLE, RANGE, Cursor
from core.when.phrase import END, Day, refuse

_ORDINALS = frozenset({"st", "nd", "rd", "th", "er", "º", "te", "ten"})
_WEEK = frozenset({"week", "woche", "semaine", "semana"})


def day_word(c: Cursor) -> bool:
    word, after = c.word(), (c.word(1), c.word(2), c.word(3))
    if word in {"day", "the"} and "after" in after[:2]:
        length = 3 if word == "day" else 4
        if [c.word(n) for n in range(length)][-3:] == ["day", "after", "tomorrow"]:
            return set_offset(c, 2, length)
    if word == "après" and c.sym(1, "-") and c.word(2) == "demain":
        return set_offset(c, 2, 3)
    if word == "pasado" and after[0] in {"mañana", "manana"}:
        return set_offset(c, 2, 2)
    if word in w.AFTER_TOMORROW:
        return set_offset(c, 2, 1)
    if word in w.TODAY:
        return set_offset(c, 0, 1)
    if word == "aujourd'hui":
        return set_offset(c, 0, 1)
    if word == "tonight":
        c.set_daypart(w.TONIGHT)
        return set_offset(c, 0, 1)
    if word in w.TOMORROW or word in w.MORNING_OR_TOMORROW:
        return set_offset(c, 1, 1)
    return False


def set_offset(c: Cursor, days: int, atoms: int) -> bool:
    c.refuse_second_day(c.phrase.offset is not None)
    c.phrase.offset = days
    return c.take(atoms)


def weekday(c: Cursor) -> bool:
    word, ahead = c.word(), 0
    strictly = word in w.NEXT
    if strictly and c.word(1) in _WEEK:
        return next_week(c)
    if strictly or word in w.THIS:
        ahead = 1
        if c.word(1) in {"month", "year", "weekend", "week"}:
            raise refuse(f"Which day of the {c.word(1)}?", EXAMPLE)
    name = c.word(ahead)
    if name == "mar" and c.language in w.MARCH_OR_TUESDAY and c.word(ahead - 1) not in {"de", "del"}:
        raise refuse("“mar” is a day and a month.", w.MARCH_OR_TUESDAY[c.language])
    day = w.WEEKDAYS.get(name, w.WEEKDAYS_OF.get(c.language, {}).get(name))
    if day is None:
        return False
    if c.phrase.weekday is not None:
        c.refuse_second_day(there=True)
    c.phrase.weekday, c.phrase.strictly_next = day, strictly
    c.take(ahead + 1)
    if c.sym(0, ".") and c.peek().glued:
        c.take(1)
    return True


def next_week(c: Cursor) -> bool:
    c.refuse_second_day(bool(c.phrase.week))
    c.phrase.week = 1
    return c.take(2)


def date(c: Cursor) -> bool:
    """Numbers with separators: 2026-11-27, 27/11/2026, 11/27, 27.11., 27.11.2026."""
    first, sep, second = c.peek(), c.peek(1), c.peek(2)
    if first.kind != "num" or second.kind != "num" or sep.text not in "/.-" or sep.kind != "sym":
        return False
    if not (sep.glued and second.glued) or len(second.text) > 2:
        return False
    third = c.peek(4) if c.sym(3, sep.text) and c.peek(3).glued and c.peek(4).glued else END
    if third.kind == "num":
        return long_date(c, first.text, sep.text, int(second.text), third.text)
    if sep.text == "-":
        raise RANGE
    if len(first.text) > 2:
        return False
    if sep.text == ".":
        return dotted(c, int(first.text), second.text)
    set_days(c, orders(c, None, int(first.text), int(second.text)))
    return c.take(3)


def long_date(c: Cursor, first: str, sep: str, second: int, third: str) -> bool:
    if len(first) == 4 and len(third) <= 2:
        set_days(c, [Day(int(first), second, int(third))])
    elif len(first) <= 2 and len(third) in (2, 4):
        year = int(third) + (2000 if len(third) == 2 else 0)
        set_days(c, [Day(year, second, int(first))] if sep == "." else orders(c, year, int(first), second))
    else:
        return False
    c.take(5)
    if c.word() == "t" and c.peek().glued:
        c.take(1)
    return True


def dotted(c: Cursor, first: int, second: str) -> bool:
    """`27.11.` and `27.11` are days; `19.30` is a time; `10.11` could be either."""
    closed = c.sym(3, ".") and c.peek(3).glued
    meridiem = c.word(3) in {"am", "pm", "uhr", "h"}
    as_day = 1 <= int(second) <= 12 and 1 <= first <= 31
    as_clock = len(second) == 2 and first < 24 and int(second) < 60
    if closed and as_day:
        set_days(c, [Day(None, int(second), first)])
        return c.take(4)
    if meridiem or not as_day:
        return False
    if as_clock and not c.phrase.clocks:
        raise refuse(
            f"Is {first}.{second} a day or a time?",
            f'Write "{first}:{second}" for a time, "{first}.{second}." for a day.',
        )
    set_days(c, [Day(None, int(second), first)])
    return c.take(3)


def orders(c: Cursor, year: int | None, first: int, second: int) -> list[Day]:
    """Day and month in the reader's order; in both where it is not known, unless only one is possible."""
    day_first, month_first = Day(year, second, first), Day(year, first, second)
    if first > 12 or first == second:
        return [day_first]
    if second > 12:
        return [month_first]
    if c.month_first is None:
        return [day_first, month_first]
    return [month_first if c.month_first else day_first]


def set_days(c: Cursor, days: list[Day]) -> None:
    c.refuse_second_day(bool(c.phrase.days) or c.phrase.offset is not None)
    c.phrase.days = days


def month_day(c: Cursor) -> bool:
    """`Nov 27`, `November 27th, 2026`."""
    month = w.MONTHS.get(c.word())
    if month is None:
        return False
    dot = 1 if c.sym(1, ".") and c.peek(1).glued else 0
    article = 1 if c.word(1 + dot) == "the" else 0
    day = c.number(1 + dot + article)
    if day is None:
        raise refuse(f"Which day of {c.word().title()}?", EXAMPLE)
    if c.sym(2 + dot + article, ":"):
        raise refuse(f"Which day of {c.word().title()}?", EXAMPLE)
    c.take(2 + dot + article)
    ordinal(c)
    set_days(c, [Day(year(c), month, day)])
    return True


def day_of_month(c: Cursor) -> bool:
    """`27 Nov`, `27th of November 2026`, `27. November`, `27-Nov-2026`, `the 27th`."""
    day = c.number()
    if day is None:
        return False
    before = c.at
    c.take(1)
    counted = ordinal(c)
    parted = c.sym(0, "./-") and c.peek().glued
    if parted:
        c.take(1)
    if c.word() in {"of", "de"}:
        c.take(1)
    month = w.MONTHS.get(c.word())
    if month is not None:
        c.take(1)
        if c.sym(0, ".") and c.peek().glued:
            c.take(1)
        if c.word() in {"de", "del"}:
            c.take(1)
        set_days(c, [Day(year(c), month, day)])
        return True
    if counted and not parted:
        set_days(c, [Day(None, None, day)])
        return True
    c.at = before
    return False


def ordinal(c: Cursor) -> bool:
    if c.word() in _ORDINALS and c.peek().glued:
        return c.take(1)
    return False


def year(c: Cursor) -> int | None:
    comma = 1 if c.sym(0, ",") or (c.sym(0, "/-") and c.peek().glued and c.peek(1).glued) else 0
    atom = c.peek(comma)
    if atom.kind != "num" or len(atom.text) != 4 or c.sym(comma + 1, ":"):
        return None
    c.take(comma + 1)
    return int(atom.text)


def late_year(c: Cursor) -> bool:
    """A year after the time, as in `Fri Nov 27 19:00:00 2026`."""
    days = c.phrase.days
    if len(c.peek().text) != 4 or not days or any(day.year is not None or day.month is None for day in days):
        return False
    c.phrase.days = [day._replace(year=int(c.peek().text)) for day in days]
    return c.take(1)
