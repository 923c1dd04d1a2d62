"""Where the grammar is in the text."""

from core.errors import SoonishError
from core.when.phrase import END, Atom, Phrase, atoms_of, refuse
from core.when.words import DAYPARTS

DASHES = frozenset("-–—")
EXAMPLE = 'Write a day and a time, like "fri 7pm" or "27 Nov 19:00".'
RANGE = refuse("A span of time is not understood here.", 'Write when it starts, like "fri 7pm"; its end is set apart.')


class Cursor:
    """The atoms, the place reached, and the phrase so far."""

    def __init__(self, text: str, *, month_first: bool | None) -> None:
        self.atoms = atoms_of(text)
        self.at = 0
        self.month_first = month_first
        self.after_at = False
        """The last word was "at" or the like: a bare number is an hour."""
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

    def take(self, count: int) -> bool:
        self.at += count
        return True

    def not_understood(self) -> SoonishError:
        atom = self.peek()
        if atom.kind == "num":
            if len(atom.text) > 2:
                return refuse(f"What is {atom.text[:20]}?", EXAMPLE)
            return refuse(
                f"What is {atom.text}: a day or an hour?", f'Write "{atom.text}pm" or "{atom.text} November".'
            )
        shown = " ".join(found.text for found in self.atoms[self.at : self.at + 2])[:30]
        return refuse(f"I don't understand “{shown}”.", EXAMPLE)

    def refuse_second_day(self, there: bool) -> None:
        if there or self.phrase.span is not None:
            raise refuse("Those are two days.", "Write one of them.")

    def set_daypart(self, name: str) -> None:
        if self.phrase.daypart not in (None, DAYPARTS[name]):
            raise refuse("Those are two parts of the day.", "Write one of them.")
        self.phrase.daypart, self.phrase.daypart_name = DAYPARTS[name], name
