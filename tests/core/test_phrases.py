"""What people type, and what each of them means by it: the meanings were written down before the grammar was asked."""

import datetime as dt
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from core.errors import SoonishError
from core.when import read, say

FOLDER = Path(__file__).parent / "phrases"
ESCAPES = {"\\n": "\n", "\\r": "\r", "\\t": "\t"}


class Row(NamedTuple):
    """One phrase, who types it where and when, and the instants it means; none of them means that it is refused."""

    text: str
    now: dt.datetime
    zone: str
    locale: str | None
    meaning: list[dt.datetime]
    hinted: str

    @classmethod
    def of(cls, line: str) -> "Row":
        text, now, zone, locale, meaning = line.split("\t")
        text = re.sub(r"\\(?:u[0-9a-f]{4}|[nrt])", lambda m: ESCAPES.get(m[0]) or chr(int(m[0][2:], 16)), text)
        first, _, rest = meaning.partition(" ")
        refused = first == "refused"
        instants = [] if refused else [dt.datetime.fromisoformat(instant) for instant in meaning.split()]
        hinted = rest if refused else ""
        return cls(text, dt.datetime.fromisoformat(now), zone, None if locale == "-" else locale, instants, hinted)


def rows_of(file: Path) -> list[Row]:
    lines = file.read_text(encoding="utf-8").split("\n")
    return [Row.of(line) for line in lines if line and not line.startswith("# ")]


ROWS = [row for file in sorted(FOLDER.glob("*.tsv")) for row in rows_of(file)]


def refusal(text: str, row: Row) -> SoonishError:
    with pytest.raises(SoonishError) as refused:
        read(text, row.now, row.zone, row.locale)
    return refused.value


def test_there_are_many_phrases_and_none_twice() -> None:
    asked = [(row.text, row.now, row.zone, row.locale) for row in ROWS]
    assert len(asked) >= 400
    assert len(asked) == len(set(asked))


@pytest.mark.parametrize("row", [row for row in ROWS if row.meaning], ids=lambda row: row.text)
def test_a_phrase_is_read_as_its_writer_means_it(row: Row) -> None:
    assert read(row.text, row.now, row.zone, row.locale) == row.meaning


@pytest.mark.parametrize("row", [row for row in ROWS if row.meaning], ids=lambda row: row.text)
def test_what_is_said_back_reads_as_the_same_instant(row: Row) -> None:
    for instant in row.meaning:
        assert read(say(instant, row.now, row.zone), row.now, row.zone, row.locale) == [instant]


@pytest.mark.parametrize("row", [row for row in ROWS if not row.meaning], ids=lambda row: row.text)
def test_a_phrase_that_cannot_be_sure_is_refused_with_a_hint(row: Row) -> None:
    refused = refusal(row.text, row)
    assert refused.hint
    assert row.hinted.casefold() in f"{refused.message} {refused.hint}".casefold()


@pytest.mark.parametrize("text", ["7" * 10_000, "fri " * 2_500, "ﷺ" * 10_000, "fri 7pm" + " " * 10_000 + "please"])
def test_a_very_long_phrase_is_refused_with_a_hint(text: str) -> None:
    assert refusal(text, ROWS[0]).hint
