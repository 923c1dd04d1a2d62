"""Which clock: zones, cities, abbreviations, offsets."""

from core.when import words as w
from core.when import zones
from core.when.cursor import RANGE, Cursor
from core.when.phrase import refuse


def zone(c: Cursor) -> bool:
    if c.peek().kind == "own":
        set_zone(c, c.peek().text, 1)
        return True
    if c.word() == "et" and c.language == "fr":
        return False
    for length in range(min(zones.LONGEST_NAME, len(c.atoms) - c.at), 0, -1):
        atoms = c.atoms[c.at : c.at + length]
        if any(atom.kind not in ("word", "path") for atom in atoms):
            continue
        name = zones.named(" ".join(atom.text for atom in atoms))
        if name is not None:
            set_zone(c, name, length)
            return True
    word = c.word()
    if word in zones.AMBIGUOUS:
        raise refuse(f"“{word.upper()}” is more than one zone.", f"Name a city instead: {zones.AMBIGUOUS[word]}.")
    if word in zones.SEASONAL:
        hours, where = zones.SEASONAL[word]
        set_zone(c, where, 1)
        c.phrase.seasonal = (hours, where, word.upper())
        return True
    if word in w.IN and c.peek(1).kind in ("word", "path"):
        c.take(1)
        if zone(c):
            return True
        c.at -= 1
    return False


def set_zone(c: Cursor, name: str, atoms: int) -> None:
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


def offset(c: Cursor, *, after_utc: bool = False) -> bool:
    """`+02:00`, `-5` after a clock or after UTC."""
    if not c.sym(0, "+-") or c.peek(1).kind != "num" or not c.peek(1).glued:
        return False
    if c.word(2) in w.UNITS or not (after_utc or c.phrase.clocks):
        return False
    digits = c.peek(1).text
    minutes = c.number(3) if c.sym(2, ":") and c.peek(2).glued else None
    text = c.peek().text + digits + (f":{minutes:02}" if minutes is not None else "")
    found = zones.offset(text)
    if found is None or c.phrase.zone is not None:
        return False
    if c.peek().text == "-" and c.peek(-1).kind == "num" and len(digits) < 4 and minutes is None:
        raise RANGE
    c.phrase.zone = found
    return c.take(4 if minutes is not None else 2)
