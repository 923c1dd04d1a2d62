"""Which clock: zones, cities, abbreviations, offsets."""

from core.when import words as w
from core.when import zones
from core.when.cursor import RANGE, Cursor
from core.when.phrase import refuse
from core.zones import LONGEST_NAME, named

_OWN = {("my", "time"), ("local", "time"), ("our", "time")}


def zone(c: Cursor) -> bool:
    """A zone by its name, a city, an abbreviation; `my time`."""
    if c.peek().kind == "own":
        return set_zone(c, c.peek().text, 1)
    if c.words(0, 2) in _OWN:
        return set_zone(c, c.zone, 2)
    if c.word() == "ortszeit":
        return set_zone(c, c.zone, 1)
    if c.language == "fr" and (c.word() == "et" or (c.word() == "cest" and not c.phrase.clocks)):
        return False
    if c.word() in {"ct", "pt"} and (c.language in {"de", "pt"} or c.holds({"uhr"})):
        raise refuse(f"“{c.word().upper()}” is more than one thing.", "Name a city instead.")
    for length in range(min(LONGEST_NAME, len(c.atoms) - c.at), 0, -1):
        atoms = c.atoms[c.at : c.at + length]
        if any(atom.kind not in ("word", "path") for atom in atoms):
            continue
        name = named(" ".join(atom.text for atom in atoms))
        if name is not None:
            return set_zone(c, name, length)
    word = c.word()
    hours = zones.abbreviations(c.zone).get(word) if len(word) > 2 else None
    if hours is None and word in zones.AMBIGUOUS:
        raise refuse(f"“{word.upper()}” is more than one zone.", f"Name a city instead: {zones.AMBIGUOUS[word]}.")
    hours, where = (hours, c.zone) if hours is not None else zones.SEASONAL.get(word, (None, ""))
    if hours is not None:
        set_zone(c, where, 1)
        c.phrase.seasonal = (hours, where, zones.shown(word))
        return True
    if word in w.IN and c.peek(1).kind in ("word", "path"):
        c.take(1)
        if zone(c):
            return True
        c.at -= 1
    return False


def set_zone(c: Cursor, name: str, atoms: int) -> bool:
    if c.phrase.zone == name:
        return c.take(atoms)
    if isinstance(c.phrase.zone, str):
        raise refuse("Those are two zones.", "Write one of them.")
    if c.phrase.zone is not None:
        c.phrase.also_offset = c.phrase.zone
    c.phrase.zone = name
    c.take(atoms)
    if name == "UTC" and c.sym(0, "+-") and c.phrase.also_offset is None:
        c.phrase.zone = None
        if not offset(c, after_utc=True):
            c.phrase.zone = name
    if c.word() in {"time", "zeit"}:
        c.take(1)
    return True


def offset(c: Cursor, *, after_utc: bool = False) -> bool:
    """`+02:00`, `-0500` after a clock, or any after UTC. What could be the end of a span, or guests, is none."""
    if not c.sym(0, "+-") or c.peek(1).kind != "num" or not c.peek(1).glued or c.word(2) in w.UNITS:
        return False
    if not (after_utc or c.phrase.clocks):
        return False
    sign, digits = c.peek().text, c.peek(1).text
    minutes = c.number(3) if c.sym(2, ":") and c.peek(2).glued else None
    atoms = 4 if minutes is not None else 2
    if not after_utc:
        dated = any(day.year is not None for day in c.phrase.days)
        shown = c.sym(atoms, "·") and c.peek(atoms + 1).kind == "own"
        mailed = len(digits) == 4 and not c.peek().glued
        if sign == "-" and not (dated and (c.phrase.exact or mailed)) and not shown:
            raise RANGE
        if minutes is not None and len(digits) != 2 and c.peek().glued:
            return False
        if minutes is None and len(digits) != 4 and not (c.phrase.exact and len(digits) == 2):
            raise refuse(f"Is “{sign}{digits}” a zone?", f'Write "UTC{sign}{digits}".')
    found = zones.offset(sign + digits + (f":{minutes:02}" if minutes is not None else ""))
    if found is None or c.phrase.zone is not None:
        return False
    c.phrase.zone = found
    return c.take(atoms)
