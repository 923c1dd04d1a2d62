"""Which time of day: on the clock, noon and midnight, parts of the day."""

from typing import NamedTuple

from core.when import words as w
from core.when.cursor import RANGE, Cursor
from core.when.phrase import Clock, refuse

_HOURS = frozenset({"uhr", "h", "hrs", "hours", "heures", "heure", "horas"})
_PAST = frozenset({"past", "nach"})
_MINUTES = frozenset({"minutes", "min", "minuten"})
_QUARTER = frozenset({"quarter", "viertel"})
ON_THE_CLOCK = 'Write it like "7pm" or "19:00".'


class _Digits(NamedTuple):
    """An hour as written, and how many atoms it took."""

    hour: int
    minute: int = 0
    second: int = 0
    atoms: int = 1
    exact: bool = False
    """Written as only a 24-hour clock is: `07:30`."""
    h: bool = False
    """Parted by "h"."""


def clock(c: Cursor) -> bool:
    """`7pm`, `7:30 pm`, `19:30`, `19.30`, `19h30`, `19 uhr`, `12 noon`, `1900 hours`, `20 past 7`."""
    if military(c) or spoken(c):
        return True
    found = digits(c)
    return found is not None and ending(c, found)


def digits(c: Cursor) -> _Digits | None:
    hour = c.number()
    if hour is None:
        return None
    two = len(c.peek().text) == 2
    h = c.word(1) == "h" and c.peek(1).glued
    if not h and not (c.sym(1, ":.") and c.peek(1).glued):
        return _Digits(hour)
    minute = c.number(2)
    if minute is None or not c.peek(2).glued or len(c.peek(2).text) != 2:
        if c.sym(1, ":"):
            raise refuse("That is not on the clock.", ON_THE_CLOCK)
        return _Digits(hour) if h else None
    exact = two and not c.sym(1, ".")
    second = c.number(4)
    if not c.sym(3, ":") or second is None or not c.peek(4).glued:
        return _Digits(hour, minute, 0, 3, exact, h)
    fraction = c.sym(5, ".") and c.peek(5).glued and c.peek(6).kind == "num"
    if fraction and c.peek(6).text.strip("0"):
        raise refuse("Nothing starts at a fraction of a second.", ON_THE_CLOCK)
    return _Digits(hour, minute, second, 7 if fraction else 5, exact, h)


def ending(c: Cursor, found: _Digits) -> bool:
    """What follows the digits says which half of the day they are in."""
    hour, minute, second, used, exact, h = found
    word, alone = c.word(used), Clock(hour, minute, second)
    if meridiem(c, used, hour):
        if not 1 <= hour <= 12:
            raise refuse(f"{hour} {word} is not on the clock.", ON_THE_CLOCK)
        return set_clocks(c, [alone._replace(hour=hour % 12 + (12 if word[0] == "p" else 0))], used + 1)
    if word in w.NOON | w.MIDNIGHT and hour == 12 and minute == 0:
        return c.take(used) and noon(c)
    if word == "oclock":
        return twelve(c, alone, used + 1)
    if word in _HOURS:
        return hours(c, alone, used, word)
    if used == 1:
        return False
    if h and hour <= 12:
        c.phrase.unmarked_hours = f"{hour}h{minute:02}"
    if exact or h or hour == 0 or hour > 12:
        return set_clocks(c, [alone], used)
    return twelve(c, alone, used)


def meridiem(c: Cursor, used: int, hour: int) -> bool:
    """Whether am or pm follows. "am" is also German for "on": `um 9 am Freitag`, `19:30 am 27.`"""
    word, after = c.word(used), c.peek(used + 1)
    if word == "am" and (c.after_at == "um" or after.text in w.GERMAN_DAYS or (hour > 12 and after.kind == "num")):
        return False
    return word in {"am", "pm"} or (word in {"a", "p"} and c.peek(used).glued)


def hours(c: Cursor, given: Clock, used: int, word: str) -> bool:
    """`19 uhr`, `19 uhr 30`, `19h`, `20 heures`. An "h" alone after a small hour is a distance to some."""
    if given.hour > 23:
        raise refuse(f"There is no hour {given.hour}.", f'Write "in {given.hour} hours" for a distance.')
    if used == 1 and word != "uhr" and not c.after_at and given.hour <= 12:
        c.phrase.unmarked_hours = f"{given.hour}{'h' if word == 'h' else ' ' + word}"
    used += 1
    if word == "uhr" and c.number(used) is not None and given.minute == 0 and not c.sym(used + 1, ".:/"):
        given, used = given._replace(minute=c.number(used) or 0), used + 1
    c.phrase.clocks_of_part = either_half(given)
    return set_clocks(c, [given], used)


def military(c: Cursor) -> bool:
    """`at 1900`, `1900 hours`, `0730`: four digits that can be no year."""
    text = c.peek().text
    if len(text) != 4 or int(text[:2]) > 23 or int(text[2:]) > 59:
        return False
    unit = c.word(1) in {"h", "hrs", "hours"}
    if not unit and not c.after_at and text[0] != "0":
        return False
    return set_clocks(c, [Clock(int(text[:2]), int(text[2:]))], 2 if unit else 1)


def worded(c: Cursor) -> bool:
    """`seven pm`, `sieben Uhr`, `at seven`."""
    if spoken(c):
        return True
    hour = w.HOURS.get(c.word()) if c.word(1) in {"am", "pm", "oclock", "uhr", "heures"} else None
    if hour is not None:
        return ending(c, _Digits(hour))
    hour = w.AT.get(c.after_at, {}).get(c.word())
    return hour is not None and twelve(c, Clock(hour), 1)


def spoken(c: Cursor) -> bool:
    """`half past 7`, `quarter to eight`, `20 past 7`, `halb acht`, `viertel nach 7`."""
    article = 1 if c.word() == "a" and c.word(1) in _QUARTER else 0
    minutes: int | None = c.number(article)
    if c.word(article) in _QUARTER:
        minutes = 15
    elif c.word() == "half" and c.word(1) == "past":
        minutes = 30
    elif c.word() == "halb":
        return spoken_hour(c, 1, -30)
    elif minutes is None:
        minutes = w.HOURS.get(c.word())
    if minutes is None or not 0 < minutes < 60:
        return False
    counted = c.word(article + 1) in _MINUTES
    used = article + (2 if counted else 1)
    if c.word(used) in _PAST:
        return spoken_hour(c, used + 1, minutes)
    # "10 to 12" is a span to most; with a unit, or as a quarter, it is not.
    to = c.word(used) == "vor" or (c.word(used) == "to" and (counted or c.word(article) in _QUARTER))
    return to and minutes <= 30 and spoken_hour(c, used + 1, -minutes)


def spoken_hour(c: Cursor, used: int, minutes: int) -> bool:
    hour = c.number(used)
    if hour is None:
        hour = w.HOURS.get(c.word(used))
    if hour is None or not 1 <= hour <= 12 or (c.sym(used + 1, ":.") and c.peek(used + 1).glued):
        return False
    hour, minute = (hour, minutes) if minutes > 0 else ((hour - 1) or 12, 60 + minutes)
    word = c.word(used + 1)
    if word in {"am", "pm"} and not (word == "am" and c.peek(used + 2).text in w.GERMAN_DAYS):
        return set_clocks(c, [Clock(hour % 12 + (12 if word == "pm" else 0), minute)], used + 2)
    return twelve(c, Clock(hour, minute), used + (2 if word in {"uhr", "oclock"} else 1))


def bare_hour(c: Cursor) -> bool:
    """The number after "at" or beside a part of the day: `at 7` leaves am or pm open, `at 19` does not."""
    if not (c.after_at or c.phrase.daypart or daypart_at(c, 1)):
        return False
    hour = c.number()
    if hour is None or hour > 24 or (c.sym(1, "/.-") and c.peek(1).glued and c.peek(2).kind == "num"):
        return False
    return twelve(c, Clock(hour), 1)


def twelve(c: Cursor, given: Clock, used: int) -> bool:
    """A time on a clock of twelve hours, which may be either; above twelve there is no choice."""
    return set_clocks(c, either_half(given), used)


def either_half(given: Clock) -> list[Clock]:
    if not 1 <= given.hour <= 12:
        return [given]
    early = given._replace(hour=given.hour % 12)
    return [early, early._replace(hour=early.hour + 12)]


def set_clocks(c: Cursor, clocks: list[Clock], used: int) -> bool:
    if c.phrase.clocks or c.phrase.midnight:
        raise RANGE if c.dashed else refuse("Those are two times.", "Write one of them.")
    if any(found.hour == 24 for found in clocks):
        raise refuse("Midnight begins the next day.", 'Write "00:00" with that day.')
    if any(found.hour > 23 or found.minute > 59 or found.second > 59 for found in clocks):
        raise refuse("That is not on the clock.", ON_THE_CLOCK)
    if c.sym(-1, "-–—") and c.peek().glued and c.peek(-2).kind == "num":
        raise RANGE
    c.phrase.clocks = clocks
    return c.take(used)


def noon(c: Cursor) -> bool:
    word = c.word()
    if word in w.NOON:
        return set_clocks(c, [Clock(12)], 1)
    if word in w.MIDNIGHT:
        set_clocks(c, [], 1)
        c.phrase.midnight = True
        return True
    return False


def daypart(c: Cursor) -> bool:
    """`morning`, `in the evening`, `this afternoon`, `por la tarde`, `heute Morgen`."""
    found = daypart_at(c, 0)
    if found is None:
        return False
    part, atoms = found
    if c.word() in w.THIS:
        c.refuse_second_day(c.phrase.offset not in (None, 0))
        c.phrase.offset = 0
    c.set_daypart(part)
    return c.take(atoms)


def daypart_at(c: Cursor, ahead: int) -> tuple[w.Daypart, int] | None:
    """The part of the day that stands there, and how many atoms it takes."""
    day_before = ahead == 0 and (c.phrase.weekday is not None or c.phrase.offset == 0)
    if day_before and c.word() == "morgen":
        return w.MORNING_OR_TOMORROW["morgen"], 1
    for before, tells in w.BEFORE_DAYPART.items():
        if tuple(c.word(ahead + n) for n in range(len(before))) == before:
            found = _named_part(c, ahead + len(before), tells=tells)
            if found is not None:
                return found[0], len(before) + found[1]
    if ahead == 0 and c.word() in w.THIS:
        found = _named_part(c, 1, tells=c.word() == "esta")
        return (found[0], 1 + found[1]) if found else None
    return _named_part(c, ahead, tells=False)


def _named_part(c: Cursor, ahead: int, *, tells: bool) -> tuple[w.Daypart, int] | None:
    """`tells`: what stands before makes "mañana" the morning and not tomorrow."""
    word = c.word(ahead)
    if word == "après" and c.sym(ahead + 1, "-") and c.word(ahead + 2) == "midi":
        return w.DAYPARTS["afternoon"], 3
    part = w.DAYPARTS.get(word) or (w.MORNING_OR_TOMORROW.get(word) if tells else None)
    return (part, 1) if part else None
