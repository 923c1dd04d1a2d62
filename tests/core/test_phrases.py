"""What people type, and what each of them means by it: the meanings were written down before the grammar was asked."""

import pytest

from core.errors import SoonishError
from core.when import read, say
from tests.core.phrasebook import Phrase, phrases

ROWS = phrases()


def refusal(text: str, row: Phrase) -> SoonishError:
    with pytest.raises(SoonishError) as refused:
        read(text, row.now, row.zone, row.locale)
    return refused.value


def test_there_are_many_phrases_and_none_twice() -> None:
    asked = [(row.text, row.now, row.zone, row.locale) for row in ROWS]
    assert len(asked) >= 400
    assert len(asked) == len(set(asked))


@pytest.mark.parametrize("row", [row for row in ROWS if row.readings], ids=lambda row: row.text)
def test_a_phrase_is_read_as_its_writer_means_it(row: Phrase) -> None:
    assert read(row.text, row.now, row.zone, row.locale) == row.readings


@pytest.mark.parametrize("row", [row for row in ROWS if row.readings], ids=lambda row: row.text)
def test_what_is_said_back_reads_as_the_same_instant(row: Phrase) -> None:
    for instant in row.readings:
        assert read(say(instant, row.now, row.zone), row.now, row.zone, row.locale) == [instant]


@pytest.mark.parametrize("row", [row for row in ROWS if not row.readings], ids=lambda row: row.text)
def test_a_phrase_that_cannot_be_sure_is_refused_with_a_hint(row: Phrase) -> None:
    refused = refusal(row.text, row)
    assert refused.hint
    assert row.hinted.casefold() in f"{refused.message} {refused.hint}".casefold()


@pytest.mark.parametrize("text", ["7" * 10_000, "fri " * 2_500, "ﷺ" * 10_000, "fri 7pm" + " " * 10_000 + "please"])
def test_a_very_long_phrase_is_refused_with_a_hint(text: str) -> None:
    assert refusal(text, ROWS[0]).hint
