"""Which time of day: on the clock, noon and midnight, parts of the day."""

from core.when import words as w
from core.when.cursor import RANGE, Cursor
from core.when.phrase import Clock, refuse

_HOURS = frozenset({"uhr", "h", "hrs", "hours", "heures", "horas"})


def clock(c: Cursor) -> bool:
    """`7pm`, `7:30 pm`, `19:30`, `19.30`, `19h30`, `19 uhr`, `12 noon`."""
    hour = c.number()
    if hour is None:
        return False
    text = c.peek().text
    minute, second, used = 0, 0, 1
    if (c.sym(1, ":.") or c.word(1) == "h") and c.peek(1).glued:
        given = c.number(2)
        if given is not None and c.peek(2).glued and len(c.peek(2).text) == 2:
            minute, used = given, 3
            if c.sym(3, ":") and c.number(4) is not None and c.peek(4).glued:
                second, used = c.number(4) or 0, 5
                if c.sym(5, ".") and c.peek(5).glued and c.peek(6).kind == "num":
                    used = 7
        elif c.word(1) != "h":
            return False
    exact_form = used > 1 and len(text) == 2 and not c.sym(1, ".")
    return ending(c, hour, minute, second, used, exact=exact_form)


def ending(c: Cursor, hour: int, minute: int, second: int, used: int, *, exact: bool) -> bool:
    word = c.word(used)
    if word in {"am", "pm", "a", "p"} and (c.peek(used).glued or word in {"am", "pm"}):
        if not 1 <= hour <= 12:
            raise refuse(f"{hour} {word} is not on the clock.", 'Write it like "7pm" or "19:00".')
        set_clocks(c, [Clock(hour % 12 + (12 if word[0] == "p" else 0), minute, second)])
        return c.take(used + 1)
    if word in w.NOON | w.MIDNIGHT and hour == 12 and minute == 0:
        return c.take(used) and noon(c)
    if word == "oclock":
        return twelve(c, hour, minute, second, used + 1)
    if word in _HOURS and hour < 24:
        used += 1
        if word == "uhr" and c.number(used) is not None and minute == 0 and not c.sym(used + 1, ".:/"):
            minute, used = c.number(used) or 0, used + 1
        set_clocks(c, [Clock(hour, minute, second)])
        return c.take(used)
    if used == 1:
        return False
    if exact or hour == 0 or hour > 12:
        set_clocks(c, [Clock(hour, minute, second)])
        return c.take(used)
    return twelve(c, hour, minute, second, used)


def bare_hour(c: Cursor) -> bool:
    """The number after "at": `at 7` leaves am or pm open, `at 19` does not."""
    hour = c.number()
    if hour is None or hour > 24:
        return False
    return twelve(c, hour, 0, 0, 1)


def twelve(c: Cursor, hour: int, minute: int, second: int, used: int) -> bool:
    both = [Clock(hour % 12, minute, second), Clock(hour % 12 + 12, minute, second)]
    set_clocks(c, both if 1 <= hour <= 12 else [Clock(hour, minute, second)])
    return c.take(used)


def set_clocks(c: Cursor, clocks: list[Clock]) -> None:
    if c.phrase.clocks or c.phrase.midnight:
        raise RANGE if c.dashed else refuse("Those are two times.", "Write one of them.")
    if any(c.hour > 23 or c.minute > 59 or c.second > 59 for c in clocks):
        raise refuse("That is not on the clock.", 'Write it like "7pm" or "19:00".')
    if c.sym(-1, "-–—") and c.peek().glued and c.peek(-2).kind == "num":
        raise RANGE
    c.phrase.clocks = clocks


def noon(c: Cursor) -> bool:
    word = c.word()
    if word in w.NOON:
        set_clocks(c, [Clock(12)])
        return c.take(1)
    if word in w.MIDNIGHT:
        set_clocks(c, [])
        c.phrase.midnight = True
        return c.take(1)
    return False


def daypart(c: Cursor) -> bool:
    """`morning`, `in the evening`, `this afternoon`."""
    ahead = 0
    if c.word() in {"in", "this"} | {"por"} | {"de"}:
        ahead = 1
        if c.word(1) in {"the", "la"}:
            ahead = 2
    name = c.word(ahead)
    if name not in w.DAYPARTS:
        return False
    if c.word() == "this":
        c.refuse_second_day(c.phrase.offset not in (None, 0))
        c.phrase.offset = 0
    c.set_daypart(name)
    return c.take(ahead + 1)
