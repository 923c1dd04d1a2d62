"""When an event may be."""

import datetime as dt

import pytest

from core.errors import SoonishError
from core.events.checks import check_times

NOW = dt.datetime(2026, 11, 27, 17, 0, tzinfo=dt.UTC)
START = NOW + dt.timedelta(days=1)


@pytest.mark.parametrize(
    ("after", "words"), [(0, "It would end when it starts."), (-1, "It would end before it starts.")]
)
def test_an_end_that_is_too_early_is_refused_for_what_it_is(after: int, words: str) -> None:
    with pytest.raises(SoonishError) as refused:
        check_times(START, START + dt.timedelta(seconds=after), NOW)
    assert (refused.value.message, refused.value.field) == (words, "end_date")
    assert refused.value.hint


def test_an_end_a_second_after_the_start_is_fine() -> None:
    check_times(START, START + dt.timedelta(seconds=1), NOW)
