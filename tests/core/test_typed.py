"""An event as people type it: how long it lasts, and what stays when its zone is corrected."""

import datetime as dt

import pytest

from core.errors import SoonishError
from core.events.model import EventView
from core.events.typed import as_typed, change_of, clock_kept, new_event, read_end, read_start
from core.rendering.updates import change_body
from core.times import say, say_exactly
from tests.core.test_rendering import event_of

NOW = dt.datetime(2026, 11, 27, 12, 0, tzinfo=dt.UTC)


def start_at(text: str) -> dt.datetime:
    return read_start(text, NOW, "Europe/Berlin", None)


@pytest.mark.parametrize(
    ("start", "typed", "end"),
    [("sat 19:00", "2h", "Sat 28 Nov 2026, 21:00"), ("sat 19:00", "2 days", "Mon 30 Nov 2026, 19:00"),
     ("sat 19:00", "40 days", "Thu 7 Jan 2027, 19:00"), ("sat 19:00", "2 hours 30", "Sat 28 Nov 2026, 21:30"),
     ("sat 19:00", "2h 30", "Sat 28 Nov 2026, 21:30"), ("sat 19:00", "1h30", "Sat 28 Nov 2026, 20:30"),
     ("sat 19:00", "90 min", "Sat 28 Nov 2026, 20:30"), ("sat 19:00", "90 minutes", "Sat 28 Nov 2026, 20:30"),
     ("sat 19:00", "1 day 2 hours", "Sun 29 Nov 2026, 21:00"), ("sat 19:00", "for 2 weeks", "Sat 12 Dec 2026, 19:00"),
     ("sat 19:00", "until 2", "Sun 29 Nov 2026, 02:00"), ("sat 19:00", "until 2:30", "Sun 29 Nov 2026, 02:30"),
     ("sat 19:00", "until 21", "Sat 28 Nov 2026, 21:00"), ("sat 19:00", "9pm", "Sat 28 Nov 2026, 21:00"),
     ("27 mar 2027 19:00", "1 day", "Sun 28 Mar 2027, 19:00"), ("27 mar 2027 19:00", "24h", "Sun 28 Mar 2027, 20:00")],
)  # fmt: skip
def test_what_says_how_long_in_one_way_is_read(start: str, typed: str, end: str) -> None:
    found = read_end(typed, start_at(start), "Europe/Berlin", None)
    assert found is not None
    assert say_exactly(found, "Europe/Berlin") == end


@pytest.mark.parametrize(
    ("typed", "message", "hint"),
    [("3", "3 what?", 'Type "3h" or "3 days".'), ("90", "90 what?", 'Type "90 min" or "90 days".'),
     ("all day", "An event has an hour at which it ends, a whole day too.", 'Type "until 6pm", or "24h".'),
     ("until 9", "That end can mean two times.", 'Type "until 21:00" or "until 09:00".'),
     ("until fri 27 nov 2026 7pm", "It would end before it starts.", 'Type how long: "2h", or a later end.'),
     ("0h", "It would end when it starts.", "Pick a later end, or leave it out."),
     ("400 days", "An event lasts a year at most.", "Pick an earlier end."),
     ("20 years", "An event lasts a year at most.", "Pick an earlier end."),
     ("a while", "I don't understand “while”.", 'Type "2h", or "until 9pm".')],
)  # fmt: skip
def test_what_does_not_say_how_long_is_refused_with_what_is_wrong_about_it(typed: str, message: str, hint: str) -> None:
    with pytest.raises(SoonishError) as refused:
        read_end(typed, start_at("sat 19:00"), "Europe/Berlin", None, field="until")
    assert (refused.value.message, refused.value.hint, refused.value.field) == (message, hint, "until")


def test_an_end_in_the_hour_that_comes_twice_is_asked_with_both_offsets() -> None:
    start = start_at("30 oct 2027 20:00")
    with pytest.raises(SoonishError) as refused:
        read_end("until 02:30", start, "Europe/Berlin", None)
    assert refused.value.hint is not None
    for offset in ("+02:00", "+01:00"):
        exact = f"until Sun 31 Oct 2027, 02:30 {offset} · Europe/Berlin"
        assert f'"{exact}"' in refused.value.hint
        assert read_end(exact, start, "Europe/Berlin", None) is not None


def test_a_start_in_the_hour_that_comes_twice_says_how_to_choose() -> None:
    with pytest.raises(SoonishError) as refused:
        start_at("31 oct 2027 2:30")
    assert refused.value.message == "02:30 comes twice that night: the clocks go back."
    first, second = (f"Sun 31 Oct 2027, 02:30 {offset} · Europe/Berlin" for offset in ("+02:00", "+01:00"))
    assert refused.value.hint == f'Write "{first}" or "{second}"; the afternoon is "14:30".'
    assert start_at(second) - start_at(first) == dt.timedelta(hours=1)


def view(end: dt.timedelta | None = None) -> EventView:
    """On 5 December 2026 at 19:00, in UTC."""
    start = dt.datetime(2026, 12, 5, 19, 0, tzinfo=dt.UTC)
    return EventView(
        id="Ab3dEf6hJk", url="https://soonish.test/e/Ab3dEf6hJk", name="Film night", description="", location="",
        contact="", timezone="UTC", start_date=start, end_date=start + end if end else None, status="scheduled",
        cancel_reason="", is_public=True, is_listed=False, revision=1, subscribers=0, mine=True, created_at=NOW,
        updated_at=NOW,
    )  # fmt: skip


def test_a_corrected_zone_keeps_the_clock_time_of_start_and_end() -> None:
    event = view(end=dt.timedelta(hours=3))
    shown = as_typed(event)
    change = change_of(event, {**shown, "timezone": "kathmandu"}, shown, NOW, None)
    assert change.start_date is not None
    assert change.end_date is not None
    assert change.timezone == "Asia/Kathmandu"
    assert say(change.start_date, change.timezone) == "Sat 5 Dec 2026, 19:00 (Asia/Kathmandu)"
    assert say(change.end_date, change.timezone) == "Sat 5 Dec 2026, 22:00 (Asia/Kathmandu)"
    assert clock_kept(event, change) is True


def test_the_same_moment_in_another_zone_moves_nothing_and_the_same_zone_in_other_words_is_no_change() -> None:
    event = view()
    shown = as_typed(event)
    same = {**shown, "timezone": "Asia/Kathmandu", "when": "Sun 6 Dec 2026, 00:45 · Asia/Kathmandu"}
    change = change_of(event, {**same, "zone_was": "Asia/Kathmandu"}, shown, NOW, None)
    assert set(change.changes()) == {"timezone"}
    assert clock_kept(event, change) is False
    assert not change_of(event, {**shown, "timezone": "utc"}, shown, NOW, None).changes()


def test_an_event_that_has_started_is_not_moved_by_its_zone() -> None:
    event = view(end=dt.timedelta(hours=3))
    shown = as_typed(event)
    during = event.start_date + dt.timedelta(hours=1)
    change = change_of(event, {**shown, "timezone": "Asia/Kathmandu"}, shown, during, None)
    assert set(change.changes()) == {"timezone"}
    assert clock_kept(event, change) is False


@pytest.mark.parametrize(
    ("was", "said"),
    [("UTC", "Sat 5 Dec 2026, 19:00"), ("Asia/Tokyo", "Sun 6 Dec 2026, 00:45"), ("", "Sun 6 Dec 2026, 00:45")],
)
def test_a_time_that_a_form_wrote_follows_its_zone_and_one_that_was_pasted_does_not(was: str, said: str) -> None:
    typed = {"name": "Film night", "when": "Sat 5 Dec 2026, 19:00 · UTC", "duration": "2h", "zone_was": was}
    new = new_event(typed, "Kathmandu", NOW, None)
    assert new.timezone == "Asia/Kathmandu"
    assert new.start_date is not None
    assert say_exactly(new.start_date, "Asia/Kathmandu") == said


def test_who_is_told_of_a_move_into_another_zone_reads_the_old_time_in_the_old_one() -> None:
    before, after = "2026-12-05T19:00:00+00:00", "2026-12-05T13:15:00+00:00"
    event = event_of(timezone="Asia/Kathmandu")
    said = "Moved from Sat 5 Dec 2026, 19:00 (UTC) to Sat 5 Dec 2026, 19:00 (Asia/Kathmandu)."
    assert change_body(event, {"start_date": [before, after]}, zone_was="UTC") == said
    elsewhere = "Moved from Sat 5 Dec 2026, 20:00 (Europe/Berlin) to Sat 5 Dec 2026, 14:15 (Europe/Berlin)."
    assert change_body(event, {"start_date": [before, after]}, "Europe/Berlin", zone_was="UTC") == elsewhere
