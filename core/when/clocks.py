"""Which time of day: on the clock, as it is spoken, noon and midnight."""

from typing import NamedTuple

from core.when import words as w
from core.when.cursor import RANGE, Cursor
from core.when.parts import daypart_at
from core.when.phrase import Clock, refuse

_HOURS = frozenset({"uhr", "h", "heures", "heure", "horas"})
_QUARTER = frozenset({"quarter", "viertel"})
_MINUTES = frozenset({"minutes", "min", "minuten"})
_AND_MINUTES: dict[tuple[str, ...], int] = {
    ("y", "media"): 30, ("y", "cuarto"): 15, ("et", "demie"): 30, ("et", "demi"): 30, ("et", "quart"): 15,
}  # fmt: skip
ON_THE_CLOCK = 'Write it like "7pm" or "19:00".'


class _Digits(NamedTuple):
    """An hour as written, and how many atoms it took."""

    hour: int
    minute: int = 0
    second: int = 0
    atoms: int = 1
    leading_zero: bool = False
    two_digits: bool = False
    """Two digits and a colon, as a 24-hour clock is written."""
    h: bool = False
    """Parted by "h"."""


def clock(c: Cursor) -> bool:
    """`7pm`, `7:30 pm`, `19:30`, `19.30`, `19h30`, `19 uhr`, `12 noon`, `1900 hours`, `730pm`, `20 past 7`."""
    if colonless(c) or spoken(c):
        return True
    found = digits(c)
    return found is not None and ending(c, found)


def digits(c: Cursor) -> _Digits | None:
    hour = c.number()
    if hour is None:
        return None
    text = c.peek().text
    h = c.word(1) == "h" and c.peek(1).glued
    if not h and not (c.sym(1, ":.") and c.peek(1).glued):
        return _Digits(hour, leading_zero=len(text) == 2 and text[0] == "0")
    minute = c.number(2)
    if minute is None or not c.peek(2).glued or len(c.peek(2).text) != 2:
        if c.sym(1, ":"):
            raise refuse("That is not on the clock.", ON_THE_CLOCK)
        return _Digits(hour) if h else None
    found = _Digits(hour, minute, 0, 3, text[0] == "0", len(text) == 2 and not c.sym(1, "."), h)
    second = c.number(4)
    if not c.sym(3, ":") or second is None or not c.peek(4).glued:
        return found
    c.phrase.exact = True
    fraction = c.sym(5, ".") and c.peek(5).glued and c.peek(6).kind == "num"
    if fraction and c.peek(6).text.strip("0"):
        raise refuse("Nothing starts at a fraction of a second.", ON_THE_CLOCK)
    return found._replace(second=second, atoms=7 if fraction else 5)


def ending(c: Cursor, found: _Digits) -> bool:
    """What follows the digits says which half of the day they are in."""
    given, used = Clock(found.hour, found.minute, found.second), found.atoms
    word = c.word(used)
    if meridiem(c, used, given.hour):
        return set_clocks(c, [half_of(given, word)], used + 1)
    if word in w.NOON | w.MIDNIGHT and given.hour == 12 and given.minute == 0:
        return c.take(used) and noon(c)
    if word == "oclock":
        return twelve(c, given, used + 1)
    if word in {"hrs", "hours"} and used > 1:
        return set_clocks(c, [given], used + 1)
    if word in _HOURS:
        return hours(c, found, word)
    if used == 1:
        return False
    if not found.leading_zero:
        c.phrase.clocks_of_part = either_half(given)
    if found.h and given.hour <= 12 and not c.after_at:
        c.phrase.unmarked_hours = f"{given.hour}h{given.minute:02}"
    if found.two_digits or found.h or found.leading_zero or c.phrase.exact:
        return set_clocks(c, [given], used)
    return twelve(c, given, used)


def meridiem(c: Cursor, used: int, hour: int) -> bool:
    """Whether am or pm follows. "am" is also German for "on": `um 9 am Freitag`, `19:30 am 27.`"""
    word, after = c.word(used), c.peek(used + 1)
    if word == "am" and (c.after_at == "um" or after.text in w.GERMAN_DAYS or (hour > 12 and after.kind == "num")):
        return False
    return word in {"am", "pm"} or (word in {"a", "p"} and c.peek(used).glued)


def half_of(given: Clock, word: str) -> Clock:
    if not 1 <= given.hour <= 12:
        raise refuse(f"{given.hour} {word} is not on the clock.", ON_THE_CLOCK)
    return given._replace(hour=given.hour % 12 + (12 if word[0] == "p" else 0))


def hours(c: Cursor, found: _Digits, word: str) -> bool:
    """`19 uhr`, `19 uhr 30`, `19 h 30`, `20 heures`. An "h" alone after a small hour is a distance to some, and "3 Uhr"
    the afternoon to most."""
    given, used = Clock(found.hour, found.minute, found.second), found.atoms
    if given.hour > 24:
        raise refuse(f"There is no hour {given.hour}.", f'Write "in {given.hour} hours" for a distance.')
    if used == 1 and word == "h" and not c.after_at and given.hour <= 12:
        c.phrase.unmarked_hours = f"{given.hour}h"
    used += 1
    if found.atoms == 1:
        minutes, atoms = minutes_after(c, used)
        given, used = given._replace(minute=minutes), used + atoms
    c.phrase.clocks_of_part = either_half(given)
    before_seven = 1 <= given.hour <= 6 and not found.leading_zero
    return set_clocks(c, either_half(given) if before_seven else [given], used)


def minutes_after(c: Cursor, at: int) -> tuple[int, int]:
    """`30` of `19 Uhr 30` and of `siete y media`, and how many atoms it takes."""
    if c.words(at, 2) in _AND_MINUTES:
        return _AND_MINUTES[c.words(at, 2)], 2
    minutes = c.number(at)
    dated = c.sym(at + 1, ".:/-") or c.word(at + 1) in w.MONTHS or c.word(at + 1) in {"th", "st", "nd", "rd"}
    if minutes is None or len(c.peek(at).text) != 2 or dated:
        return 0, 0
    return minutes, 1


def colonless(c: Cursor) -> bool:
    """`730pm`, `at 1900`, `1900 hours`, `1900z`, `0730`: digits that can be no year."""
    text = c.peek().text
    if c.peek().kind != "num" or len(text) not in (3, 4) or int(text[:-2]) > 23 or int(text[-2:]) > 59:
        return False
    given, word = Clock(int(text[:-2]), int(text[-2:])), c.word(1)
    if word in {"am", "pm"} and c.peek(2).text not in w.GERMAN_DAYS:
        return set_clocks(c, [half_of(given, word)], 2)
    if len(text) == 3:
        return False
    unit = word in {"h", "hrs", "hours"}
    if not unit and not c.after_at and text[0] != "0" and not (word == "z" and c.peek(1).glued):
        return False
    return set_clocks(c, [given], 2 if unit else 1)


def worded(c: Cursor) -> bool:
    """`seven pm`, `seven thirty pm`, `sieben Uhr`, `at seven`."""
    if spoken(c):
        return True
    hour = w.HOURS.get(c.word())
    if hour is None:
        return False
    if c.word(1) in {"am", "pm", "oclock", "uhr", "heures"}:
        return ending(c, _Digits(hour))
    minute = w.NUMBERS.get(c.word(1), 0)
    if minute >= 15 and c.word(2) in {"am", "pm"}:
        return set_clocks(c, [half_of(Clock(hour, minute), c.word(2))], 3)
    if c.word() not in w.AT.get(c.after_at, {}):
        return False
    minute, atoms = minutes_after(c, 1)
    return twelve(c, Clock(hour, minute), 1 + atoms)


def spoken(c: Cursor) -> bool:
    """`half past 7`, `quarter to eight`, `20 past 7`, `ten to eight`, `halb acht`, `viertel nach 7`."""
    article = 1 if c.word() == "a" and c.word(1) in _QUARTER else 0
    minutes: int | None = c.number(article)
    if c.word(article) in _QUARTER:
        minutes = 15
    elif c.words(0, 2) == ("half", "past"):
        minutes = 30
    elif c.word() == "halb":
        return spoken_hour(c, 1, -30)
    elif minutes is None:
        minutes = w.NUMBERS.get(c.word()) if c.word() not in {"a", "an"} else None
    if minutes is None or not 0 < minutes < 60:
        return False
    counted = c.word(article + 1) in _MINUTES
    used = article + (2 if counted else 1)
    if c.word(used) in {"past", "nach"}:
        return spoken_hour(c, used + 1, minutes)
    # "10 to 12" and "ten to six" are spans to most; with a unit, or with what is no hour, they are not.
    said = c.word(article) in _QUARTER or (c.peek(article).kind == "word" and minutes > 12)
    to = c.word(used) == "vor" or (c.word(used) == "to" and (counted or said))
    return to and minutes <= 30 and spoken_hour(c, used + 1, -minutes)


def spoken_hour(c: Cursor, used: int, minutes: int) -> bool:
    hour = c.number(used)
    if hour is None:
        hour = w.HOURS.get(c.word(used))
    if hour is None or not 1 <= hour <= 12 or (c.sym(used + 1, ":.") and c.peek(used + 1).glued):
        return False
    word = c.word(used + 1)
    half = word in {"am", "pm"} and not (word == "am" and c.peek(used + 2).text in w.GERMAN_DAYS)
    if half and hour == 12 and minutes < 0:
        raise refuse(
            f"Is that 11:{60 + minutes} in the morning or at night?", f'Write "11:{60 + minutes}pm" for the night.'
        )
    given = Clock(hour, minutes) if minutes > 0 else Clock((hour - 1) or 12, 60 + minutes)
    if half:
        return set_clocks(c, [half_of(given, word)], used + 2)
    return twelve(c, given, used + (2 if word in {"uhr", "oclock"} else 1))


def bare_hour(c: Cursor) -> bool:
    """The number after "at" or beside a part of the day: `at 7` leaves am or pm open, `at 19` does not."""
    hour = c.number()
    if hour is None or hour > 24 or (c.sym(1, "/.-") and c.peek(1).glued and c.peek(2).kind == "num"):
        return False
    minute, atoms = minutes_after(c, 1) if c.words(1, 2) in _AND_MINUTES else (0, 0)
    if not (c.after_at or c.phrase.daypart or atoms or daypart_at(c, 1) or c.word(1) == "tonight"):
        return False
    return twelve(c, Clock(hour, minute), 1 + atoms)


def twelve(c: Cursor, given: Clock, used: int) -> bool:
    """A time on a clock of twelve hours, which may be either; above twelve there is no choice."""
    return set_clocks(c, either_half(given), used)


def either_half(given: Clock) -> list[Clock]:
    if not 1 <= given.hour <= 12:
        return [given]
    early = given._replace(hour=given.hour % 12)
    return [early, early._replace(hour=early.hour + 12)]


def set_clocks(c: Cursor, clocks: list[Clock], used: int) -> bool:
    if any(found.hour == 24 for found in clocks):
        raise refuse("Midnight begins the next day.", 'Name that day, like "sat 00:00".')
    if any(found.hour > 23 or found.minute > 59 or found.second > 59 for found in clocks):
        raise refuse("That is not on the clock.", ON_THE_CLOCK)
    if c.sym(-1, "-–—") and c.peek().glued and c.peek(-2).kind == "num":
        raise RANGE
    if c.phrase.noon and Clock(12) in clocks and not c.dashed:
        return c.take(used)
    if c.phrase.clocks or c.phrase.midnight:
        raise RANGE if c.dashed else refuse("Those are two times.", "Write one of them.")
    c.phrase.clocks = clocks
    return c.take(used)


def noon(c: Cursor) -> bool:
    """`noon`, and `midnight`; noon may be said beside the twelve that it is."""
    word = c.word()
    if word in w.NOON:
        if Clock(12) in c.phrase.clocks and not c.dashed:
            c.phrase.clocks = []
        set_clocks(c, [Clock(12)], 1)
        c.phrase.noon = True
        return True
    if word in w.MIDNIGHT:
        set_clocks(c, [], 1)
        c.phrase.midnight = True
        return True
    return False
