"""Which day: words, weekdays, dates in every order."""

from typing import Literal

from core.when import spans
from core.when import words as w
from core.when.cursor import EXAMPLE, RANGE, Cursor
from core.when.phrase import END, Day, refuse

_ORDINALS = frozenset({"st", "nd", "rd", "th", "er", "º", "te", "ten"})
_TIMED = frozenset({"h", "hrs", "hours", "am", "pm", "z", "uhr", "heures"})
_YEAR_FIRST = frozenset({"ja", "zh", "ko", "hu", "sv", "lt"})
_ROMANCE = frozenset({"h", "à", "las", "heures", "horas", "le", "el"})
_WHICH = ("month", "year", "weekend", "week")


def day_word(c: Cursor) -> bool:
    """`today`, `tonight`, `tomorrow`, `the day after tomorrow`, and theirs in other languages."""
    word = c.word()
    the = 1 if word == "the" else 0
    if c.words(the, 3) == ("day", "after", "tomorrow"):
        return set_offset(c, 2, the + 3)
    if word == "pasado" and c.word(1) in {"mañana", "manana"}:
        return set_offset(c, 2, 2)
    if word in w.AFTER_TOMORROW:
        return set_offset(c, 2, 1)
    if word in w.TODAY:
        return set_offset(c, 0, 1)
    if word == "tonight":
        c.set_daypart(w.TONIGHT)
        return set_offset(c, 0, 1)
    if word in w.TOMORROW or word in w.MORNING_OR_TOMORROW:
        return set_offset(c, 1, 1)
    return False


def set_offset(c: Cursor, days: int, atoms: int) -> bool:
    c.refuse_second_day(c.phrase.offset is not None or c.phrase.week is not None or bool(c.phrase.days))
    c.phrase.offset = days
    return c.take(atoms)


def week(c: Cursor) -> bool:
    """`next week`, `this week`, `semaine prochaine`, `semana que viene`: with the weekday beside it."""
    first, second = c.word(), c.word(1)
    if first in w.WEEK and (second in w.NEXT or c.words(1, 2) == ("que", "viene")):
        return set_week(c, 1, 2 if second in w.NEXT else 3)
    if first in w.NEXT and second in w.WEEK:
        return set_week(c, 1, 2)
    if first in w.THIS and second in w.WEEK and (c.phrase.weekday is not None or c.word(2) in w.WEEKDAYS):
        return set_week(c, 0, 2)
    if first == "week" and c.peek(-1).text in w.WEEKDAYS and not c.phrase.pointed:
        spans.store_week(c)
        return c.take(1)
    if first in w.NEXT | w.THIS and second in _WHICH:
        raise refuse(f"Which day of the {second}?", EXAMPLE)
    if first in _WHICH:
        raise refuse(f"Which day of the {first}?", EXAMPLE)
    return False


def set_week(c: Cursor, week: int, atoms: int) -> bool:
    c.refuse_second_day(
        c.phrase.week is not None or c.phrase.offset is not None or bool(c.phrase.days) or bool(c.phrase.pointed)
    )
    c.phrase.week = week
    return c.take(atoms)


def weekday(c: Cursor) -> bool:
    """`fri`, `next friday`, `this friday`, `vendredi prochain`, `el viernes que viene`."""
    pointed: Literal["", "this", "next"] = "next" if c.word() in w.NEXT else "this" if c.word() in w.THIS else ""
    ahead = (2 if pointed == "this" and c.word(1) in w.NEXT else 1) if pointed else 0
    name = c.word(ahead)
    refuse_march_or_tuesday(c, ahead)
    # "20h FR" beside a time is as likely a country.
    if name in {"fr", "sa", "mo"} and c.phrase.clocks and c.language not in {"de", "fr"} and not c.holds({"uhr"}):
        return False
    day = w.WEEKDAYS.get(name, w.WEEKDAYS_OF.get(c.language, {}).get(name))
    if day is None:
        return False
    c.refuse_second_day(c.phrase.weekday is not None or (bool(pointed) and c.phrase.week is not None))
    c.take(ahead + 1)
    if c.sym(0, ".") and c.peek().glued:
        c.take(1)
    # "friday next week" is the week's, "friday next" this one's.
    if not pointed and c.word() in w.NEXT and c.word(1) not in w.WEEK:
        pointed = "next" if c.take(1) else ""
    elif c.words(0, 2) == ("que", "viene"):
        pointed = "next" if c.take(2) else ""
    c.phrase.weekday, c.phrase.pointed = day, pointed
    return True


def refuse_march_or_tuesday(c: Cursor, ahead: int) -> None:
    if c.word(ahead) != "mar" or c.word(ahead - 1) in {"de", "del"}:
        return
    hint = w.MARCH_OR_TUESDAY.get(c.language)
    if hint is None and not c.language and c.holds(_ROMANCE):
        hint = "Write the day or the month in full."
    if hint is not None:
        raise refuse("“mar” is a day and a month.", hint)


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
        return dashed(c, first.text, second.text)
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
        refuse_year_or_day(c, first, sep, third)
        year = int(third) + (2000 if len(third) == 2 else 0)
        set_days(c, dot_orders(c, year, int(first), second) if sep == "." else orders(c, year, int(first), second))
    else:
        return False
    c.take(5)
    if c.word() == "t" and c.peek().glued:
        c.phrase.exact = True
        c.take(1)
    return True


def dashed(c: Cursor, first: str, second: str) -> bool:
    """`7-9pm` is a span of hours; `11-27 7pm` was meant as a day."""
    hours = c.word(3) in {"am", "pm", "uhr", "h"} or c.after_at
    if c.word(3) in w.MONTHS or hours or len(first) > 2 or int(first) > 31 or int(second) > 31:
        raise RANGE
    if max(int(first), int(second)) <= 24 and not c.phrase.clocks and c.peek(3).kind == "end":
        raise RANGE
    raise refuse(f"Is {first}-{second} a day, or a span?", 'Write the month as a word, like "27 Nov".')


def dotted(c: Cursor, first: int, second: str) -> bool:
    """`27.11.` and `27.11` are days; `19.30` is a time; `10.11` could be either, unless a time stands elsewhere."""
    closed = c.sym(3, ".") and c.peek(3).glued
    as_day = 1 <= int(second) <= 12 and 1 <= first <= 31
    as_clock = len(second) == 2 and first < 24 and int(second) < 60
    if not as_day or (not closed and c.word(3) in {"am", "pm", "uhr", "h"}):
        return False
    if as_clock and not closed and not c.phrase.clocks and c.word(-1) != "am" and not clock_follows(c, 3):
        raise refuse(
            f"Is {first}.{second} a day or a time?",
            f'Write "{first}:{second}" for a time, "{first}.{second}." for a day.',
        )
    set_days(c, dot_orders(c, None, first, int(second)))
    return c.take(4 if closed else 3)


def dot_orders(c: Cursor, year: int | None, first: int, second: int) -> list[Day]:
    """Dots are European, but somebody who puts the month first may not know."""
    other = [Day(year, first, second)] if c.month_first and max(first, second) <= 12 and first != second else []
    return [Day(year, second, first), *other]


def refuse_year_or_day(c: Cursor, first: str, sep: str, third: str) -> None:
    """`26-11-27` begins with the year to some."""
    asked = c.language in _YEAR_FIRST or (not c.language and sep == "-")
    if asked and len(third) == 2 and 20 <= int(first) <= 31:
        raise refuse(f"Is {first} the day or the year?", f'Write the year in four digits, like "20{third}".')


def clock_follows(c: Cursor, ahead: int) -> bool:
    """Whether what comes holds a time of day for sure."""
    for n in range(ahead, len(c.atoms) - c.at):
        if c.word(n) in {"am", "pm", "uhr", "h", "heures", "oclock", "noon", "midnight"}:
            return True
        if (c.sym(n, ":") or c.peek(n - 1).text in w.AT) and (c.peek(n - 1).kind == "num" or c.peek(n).kind == "num"):
            return True
    return False


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
    phrase = c.phrase
    c.refuse_second_day(
        bool(phrase.days) or phrase.offset is not None or phrase.week is not None or phrase.span is not None
    )
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
    if c.word(2 + dot + article) in {"am", "pm"} and c.peek(3 + dot + article).text not in w.GERMAN_DAYS:
        raise refuse(f"Is {day} the day or the hour?", f'Write both, like "{c.word().title()} {day} 7pm".')
    c.take(2 + dot + article)
    ordinal(c)
    set_days(c, [Day(year(c), month, day)])
    return True


def day_of_month(c: Cursor) -> bool:
    """`27 Nov`, `27th of November 2026`, `27. November`, `27-Nov-2026`, `the 27th`."""
    day = c.number()
    if day is None:
        return False
    before, before_it = c.at, c.word(-1)
    c.take(1)
    ordinary = ordinal(c)
    if ordinary and day <= 5 and c.word() in w.WEEKDAYS:
        raise refuse("Which one of which month is that?", EXAMPLE)
    # "fri 27 7pm": the weekday makes it a day, and must agree with it.
    confirmed = before_it in w.WEEKDAYS and clock_follows(c, 0)
    counted = ordinary or before_it in {"the", "le", "el"} or confirmed
    parted = c.sym(0, "./-") and c.peek().glued
    mark = c.peek().text if parted else ""
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
        set_days(c, [Day(year(c, mark), month, day)])
        return True
    if (counted and not parted) or (c.sym(-1, ".") and before_it in {"am", "der", "den"}):
        set_days(c, [Day(None, None, day)])
        return True
    c.at = before
    return False


def ordinal(c: Cursor) -> bool:
    if c.word() in _ORDINALS and c.peek().glued:
        return c.take(1)
    return False


def year(c: Cursor, mark: str = "") -> int | None:
    """The year after a day: in four digits, in two after an apostrophe or after the `mark` that parts day and month.
    What a unit follows, or a zero begins, is a time."""
    marked = bool(mark) and c.sym(0, mark) and c.peek().glued and c.peek(1).glued
    skipped = 1 if marked or c.sym(0, ",'") else 0
    atom = c.peek(skipped)
    if atom.kind != "num" or c.sym(skipped + 1, ":") or c.word(skipped + 1) in _TIMED:
        return None
    short = len(atom.text) == 2 and (marked or (c.sym(0, "'") and atom.glued))
    if not short and (len(atom.text) != 4 or atom.text[0] == "0" or c.sym(0, "'")):
        return None
    c.take(skipped + 1)
    return int(atom.text) + (2000 if short else 0)


def late_year(c: Cursor) -> bool:
    """A year after a time with seconds, as in `Fri Nov 27 19:00:00 2026`."""
    days = c.phrase.days
    if len(c.peek().text) != 4 or not c.phrase.exact or not days or c.dashed:
        return False
    if any(day.year is not None or day.month is None for day in days):
        return False
    c.phrase.days = [day._replace(year=int(c.peek().text)) for day in days]
    return c.take(1)
