"""Where the grammar is in the text."""

import difflib

from core.errors import SoonishError
from core.when import words as w
from core.when.phrase import END, Atom, Phrase, atoms_of, refuse

DASHES = frozenset("-–—")
EXAMPLE = 'Write a day and a time, like "fri 7pm" or "27 Nov 19:00".'
RANGE = refuse("A span of time is not understood here.", 'Write when it starts, like "fri 7pm"; its end is set apart.')
_LONG_WORDS = sorted(
    word
    for word in {*w.WEEKDAYS, *w.MONTHS, *w.TODAY, *w.TOMORROW, *w.DAYPARTS, *w.NOON, *w.MIDNIGHT, *w.NEXT, *w.UNITS}
    if len(word) > 4
)


class Cursor:
    """The atoms, the place reached, and the phrase so far."""

    def __init__(self, text: str, *, zone: str, month_first: bool | None, language: str) -> None:
        self.atoms = atoms_of(text, zone)
        self.at = 0
        self.month_first = month_first
        self.language = language
        self.dashed = False
        self.phrase = Phrase()

    def peek(self, ahead: int = 0) -> Atom:
        index = self.at + ahead
        return self.atoms[index] if 0 <= index < len(self.atoms) else END

    def word(self, ahead: int = 0) -> str:
        atom = self.peek(ahead)
        return atom.text if atom.kind == "word" else ""

    def sym(self, ahead: int, symbols: str) -> bool:
        atom = self.peek(ahead)
        return atom.kind == "sym" and atom.text in symbols

    def number(self, ahead: int = 0, *, digits: int = 2) -> int | None:
        """A number of at most that many digits, at that place."""
        atom = self.peek(ahead)
        return int(atom.text) if atom.kind == "num" and len(atom.text) <= digits else None

    @property
    def after_at(self) -> str:
        """The "at" just passed, if any: a bare number after it is an hour."""
        previous = self.peek(-1).text
        return previous if previous in w.AT else ""

    def take(self, count: int) -> bool:
        self.at += count
        return True

    def not_understood(self) -> SoonishError:
        atom = self.peek()
        if atom.kind != "num":
            near = difflib.get_close_matches(atom.text[:12], _LONG_WORDS, 1, 0.8) if atom.kind == "word" else []
            return refuse(f"I don't understand “{atom.text[:30]}”.", f'Did you mean "{near[0]}"?' if near else EXAMPLE)
        if len(atom.text) == 4 and int(atom.text[:2]) < 24 and int(atom.text[2:]) < 60:
            return refuse(f"Is {atom.text} a time?", f'Write it like "{atom.text[:2]}:{atom.text[2:]}".')
        if len(atom.text) > 2:
            return refuse(f"What is {atom.text[:20]}?", EXAMPLE)
        if not 1 <= int(atom.text) <= 31:
            return refuse(f"What is {atom.text}?", EXAMPLE)
        as_hour = f'"{atom.text}pm"' if 1 <= int(atom.text) <= 12 else f'"{atom.text}:00"'
        as_day = f'"the {atom.text}{w.ordinal(int(atom.text))}" for the day'
        hint = f"Write {as_hour} for the hour, {as_day}." if int(atom.text) < 24 else f"Write {as_day}."
        return refuse(f"What is {atom.text}: a day or an hour?", hint)

    def refuse_second_day(self, there: bool) -> None:
        if there or self.phrase.span is not None:
            raise refuse("Those are two days.", "Write one of them.")

    def set_daypart(self, part: w.Daypart) -> None:
        if self.phrase.daypart not in (None, part):
            raise refuse("Those are two parts of the day.", "Write one of them.")
        self.phrase.daypart = part
