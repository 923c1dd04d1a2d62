"""The grammar: which part may stand where. Each part takes what it understands; what nobody takes is refused."""

from core.when import clocks, days, parts, places, spans
from core.when import words as w
from core.when.cursor import DASHES, EXAMPLE, RANGE, Cursor
from core.when.phrase import Phrase, refuse

_SEPARATORS = frozenset(",;·•⋅∙|()[]")


def parse(text: str, *, zone: str, month_first: bool | None, language: str) -> Phrase:
    """`zone`: the writer's; `month_first`: how the writer orders 11/12, None when that is not known; `language`: like
    `de`, or empty. Raises SoonishError."""
    c = Cursor(text, zone=zone, month_first=month_first, language=language)
    if not c.atoms:
        raise refuse("There is no time in that.", EXAMPLE)
    while c.at < len(c.atoms):
        if not part(c):
            raise c.not_understood()
    c.phrase.english = language == "en" or any(atom.text in w.ENGLISH_DAYS for atom in c.atoms)
    return c.phrase


def part(c: Cursor) -> bool:
    atom = c.peek()
    if atom.kind == "stamp":
        return stamp(c)
    if atom.kind in ("path", "own"):
        return places.zone(c)
    if atom.kind == "num":
        return (
            spans.span_ahead(c) or days.date(c) or clocks.clock(c) or days.day_of_month(c) or clocks.bare_hour(c)
            or days.late_year(c) or spans.bare(c)
        )  # fmt: skip
    if atom.kind == "word":
        refuse_what_is_not_there_yet(c)
        return (
            parts.daypart(c) or days.day_word(c) or days.week(c) or days.weekday(c) or spans.span(c)
            or spans.span_ahead(c) or spans.now(c) or clocks.noon(c) or clocks.worded(c) or days.month_day(c)
            or places.zone(c) or spans.bare(c) or glue(c)
        )  # fmt: skip
    return places.offset(c) or symbol(c) or spans.bare(c)


def refuse_what_is_not_there_yet(c: Cursor) -> None:
    word, after = c.word(), c.peek(1)
    if word in w.RECURRING or (word in {"los", "les"} and after.text in w.WEEKDAYS):
        raise refuse("Repeating events don't exist yet.", 'Write the first date, like "fri 7pm".')
    if word in w.RANGING and (c.phrase.clocks or c.phrase.has_day or after.kind == "num"):
        raise RANGE
    if word in w.VAGUE:
        raise refuse(f"“{word}” is not a time.", EXAMPLE)
    if word == "half" and (after.kind == "num" or after.text in w.HOURS):
        raise refuse(f"“half {after.text}” is not the same time to everybody.", 'Write it like "7:30".')
    if word in w.YESTERDAY:
        raise refuse(f"That is in the past ({word}).", "Pick a later time.")
    if word == "last" and after.text in w.WEEKDAYS and c.word(2) == "of":
        raise refuse("Which day is that?", EXAMPLE)
    if word in w.LAST and after.text in {*w.WEEKDAYS, "week", "month", "year", "night"}:
        raise refuse(f"That is in the past ({word} {after.text}).", "Pick a later time.")


def stamp(c: Cursor) -> bool:
    if len(c.atoms) > 1:
        raise refuse("A Discord time says it all; there is more beside it.", "Leave the rest out.")
    c.phrase.stamp = int(c.peek().text)
    return c.take(1)


def glue(c: Cursor) -> bool:
    """Small words, each only where it leads on to something: "LA" is no Spanish article, "am" no German "on"."""
    word, after = c.word(), c.peek(1)
    if word == "am":
        closed = c.sym(2, ".") and (c.sym(4, ".") or not (c.peek(3).kind == "num" and c.peek(3).glued))
        dotted = after.kind == "num" and (closed or c.language == "de")
        return (after.text in w.GERMAN_DAYS or dotted) and c.take(1)
    if word == "la":
        led = c.word(-1) == "a" and (after.kind == "num" or after.text in w.HOURS)
        if not (led or after.text in w.WEEK or after.text in w.NEXT):
            raise refuse("“LA” is more than one thing.", 'Write "Los Angeles" for the place.')
        return c.take(1)
    return (word in w.AT or word in w.GLUE) and after.kind != "end" and c.take(1)


def symbol(c: Cursor) -> bool:
    atom = c.peek()
    if atom.text == "@":
        return c.peek(1).kind != "end" and c.take(1)
    if atom.text in ".!?" and c.at and c.peek(1).kind == "end":
        return c.take(1)
    if atom.text in _SEPARATORS:
        return c.take(1)
    if atom.text in DASHES and not atom.glued and not c.peek(1).glued and c.at:
        c.dashed = True
        return c.take(1)
    if atom.text in DASHES and (c.phrase.clocks or c.phrase.has_day):
        raise RANGE
    return False
