"""The phrases of the tests: what people type, and what each of them means by it."""

import datetime as dt
import re
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "phrases"
ESCAPES = {"\\n": "\n", "\\r": "\r", "\\t": "\t"}


class Phrase(NamedTuple):
    """One phrase, who types it where and when, and the instants it means; none of them means that it is refused."""

    subject: str
    """The file it stands in."""
    text: str
    now: dt.datetime
    zone: str
    locale: str | None
    readings: list[dt.datetime]
    hinted: str
    """A word that the refusal must have."""


def phrases() -> list[Phrase]:
    return [
        _phrase(file.stem, line)
        for file in sorted(FOLDER.glob("*.tsv"))
        for line in file.read_text(encoding="utf-8").split("\n")
        if line and not line.startswith("# ")
    ]


def _phrase(subject: str, line: str) -> Phrase:
    text, now, zone, locale, meaning = line.split("\t")
    text = re.sub(r"\\(?:u[0-9a-f]{4}|[nrt])", lambda m: ESCAPES.get(m[0]) or chr(int(m[0][2:], 16)), text)
    refused, _, hinted = meaning.partition(" ") if meaning.startswith("refused") else ("", "", "")
    readings = [] if refused else [dt.datetime.fromisoformat(instant) for instant in meaning.split()]
    return Phrase(
        subject, text, dt.datetime.fromisoformat(now), zone, None if locale == "-" else locale, readings, hinted
    )
