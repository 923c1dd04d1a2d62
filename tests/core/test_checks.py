"""When an event may be."""

import datetime as dt

import pytest

from core.errors import SoonishError
from core.events.checks import check_times
from core.events.model import NewEvent

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


def test_an_event_begins_on_a_whole_second_so_that_no_move_is_too_small_to_be_said() -> None:
    for written in ("2099-05-01T19:00:00.999Z", dt.datetime(2099, 5, 1, 19, 0, 0, 999_000, tzinfo=dt.UTC)):
        new = NewEvent.model_validate({"name": "Party", "start_date": written})
        assert new.start_date == dt.datetime(2099, 5, 1, 19, 0, tzinfo=dt.UTC)
