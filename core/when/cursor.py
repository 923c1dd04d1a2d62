"""Where the grammar is in the text."""

import difflib
from collections.abc import Collection

from core.errors import SoonishError
from core.when import words as w
from core.when.phrase import END, Atom, Phrase, atoms_of, refuse

DASHES = frozenset("-–—")
EXAMPLE = 'Write a day and a time, like "fri 7pm" or "27 Nov 19:00".'
RANGE = refuse(
    "A span of time is not understood here.", 'Write when it starts, like "fri 7pm"; put the end in the next field.'
)
_BETWEEN = frozenset({"to", "till", "til", "until", "bis", "a", "à"})
_NAMES = sorted(name for name in {*w.WEEKDAYS, *w.MONTHS, "today", "tomorrow", "tonight"} if len(name) > 4)


class Cursor:
    """The atoms, the place reached, and the phrase so far."""

    def __init__(self, text: str, *, zone: str, month_first: bool | None, language: str) -> None:
        self.atoms = atoms_of(text, zone)
        self.at = 0
        self.zone = zone
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

    def words(self, ahead: int, count: int) -> tuple[str, ...]:
        return tuple(self.word(ahead + n) for n in range(count))

    def sym(self, ahead: int, symbols: str) -> bool:
        atom = self.peek(ahead)
        return atom.kind == "sym" and atom.text in symbols

    def number(self, ahead: int = 0, *, digits: int = 2) -> int | None:
        """A number of at most that many digits, at that place."""
        atom = self.peek(ahead)
        return int(atom.text) if atom.kind == "num" and len(atom.text) <= digits else None

    def holds(self, words: Collection[str]) -> bool:
        """Whether one of them stands anywhere."""
        return any(atom.text in words for atom in self.atoms)

    @property
    def after_at(self) -> str:
        """The "at" just passed, if any: a bare number after it is an hour."""
        previous = self.peek(-1).text
        if previous == "la" and self.word(-2) == "a":
            return "las"
        return previous if previous in w.AT else ""

    def take(self, count: int) -> bool:
        self.at += count
        return True

    def not_understood(self) -> SoonishError:
        atom = self.peek()
        if atom.kind == "num":
            return self._what_number(atom.text)
        if atom.text in w.IN and self.peek(1).kind != "end":
            after = " ".join(found.text for found in self.atoms[self.at : self.at + 3])
            return refuse(f"I don't understand “{after[:40]}”.", 'Write it like "in 2 hours".')
        if atom.text in w.HOURS and self.word(1) in _BETWEEN and self.word(2) in w.HOURS:
            return RANGE
        near = []
        if atom.kind == "word" and len(atom.text) > 4:
            near = [name for name in difflib.get_close_matches(atom.text[:12], _NAMES, 1, 0.8) if name != atom.text]
        return refuse(f"I don't understand “{atom.text[:30]}”.", f'Did you mean "{near[0]}"?' if near else EXAMPLE)

    def _what_number(self, text: str) -> SoonishError:
        after = self.peek(2)
        if after.kind == "num" and (self.sym(1, "-–—") or self.word(1) in _BETWEEN):
            return RANGE
        if self.sym(-1, "-–—,/") or self.word(-1) == "and" or (self.dashed and self.phrase.clocks):
            return RANGE
        if len(text) == 10 and 1_500_000_000 < int(text) < 4_000_000_000:
            return refuse(f"Is {text} a moment in seconds?", f'Write "<t:{text}>".')
        if len(text) in (3, 4) and not self.phrase.clocks and int(text[:-2]) < 24 and int(text[-2:]) < 60:
            return refuse(f"Is {text} a time?", f'Write it like "{text[:-2]}:{text[-2:]}".')
        if len(text) == 2 and any(day.month is not None for day in self.phrase.days):
            return refuse(f"Is {text} the year?", f'Write all of it, like "20{text}".')
        if len(text) > 2 or not 1 <= int(text) <= 31:
            return refuse(f"What is {text[:20]}?", EXAMPLE)
        as_hour = f'"{text}pm"' if int(text) <= 12 else f'"{text}:00"'
        as_day = f'"the {text}{w.ordinal(int(text))}" for the day'
        hint = f"Write {as_hour} for the hour, {as_day}." if int(text) < 24 else f"Write {as_day}."
        return refuse(f"What is {text}: a day or an hour?", hint)

    def refuse_second_day(self, there: bool) -> None:
        if there or (self.phrase.span is not None and not self.phrase.counted_from):
            raise refuse("Those are two days.", "Write one of them.")

    def set_daypart(self, part: w.Daypart) -> None:
        if self.phrase.daypart not in (None, part):
            raise refuse("Those are two parts of the day.", "Write one of them.")
        self.phrase.daypart = part
