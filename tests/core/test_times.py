"""Times as people read and write them."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import SoonishError
from core.times import (
    distance,
    effective_end,
    parse_instant,
    place_of,
    say,
    say_clock,
    say_day,
    say_exactly,
    span,
    start_words,
)
from core.zones import zone

NOW = dt.datetime(2026, 11, 27, 17, 0, tzinfo=dt.UTC)
offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: dt.timezone(dt.timedelta(minutes=minutes)))
moments = st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2200, 1, 1), timezones=offsets)  # noqa: DTZ001


@given(moments)
def test_a_written_time_is_read_as_the_same_instant_in_utc(moment: dt.datetime) -> None:
    read = parse_instant(moment.isoformat())
    assert read == moment
    assert read.tzinfo is dt.UTC


@pytest.mark.parametrize(
    "text",
    ["2026-11-27T19:00:00+01:00", "2026-11-27 19:00+01:00", "2026-11-27t18:00:00z", " 2026-11-27T18:00Z ",
     "2026-11-27T18:00:00.000000000Z", "2026-11-27T18:00:00-00:00"],
)  # fmt: skip
def test_what_rfc_3339_allows_is_read_and_seconds_may_be_left_out(text: str) -> None:
    assert parse_instant(text) == dt.datetime(2026, 11, 27, 18, 0, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    "text",
    ["2026-W48-5T19:00+01:00", "2026W485T190000Z", "2026-331T19:00:00Z", "20261127T190000Z", "2026-11-27T1900Z",
     "2026-11-27T19:00:00+01", "2026-11-27T19:00:00+0100", "2026-11-27T19:00:00+01:00:30", "2026-11-27T19Z",
     "2026-11-27T19:00:00,5Z", "2026-11-27_19:00:00Z", "2026-11-27", "2026-11-27T24:30:00Z", "2026-02-30T19:00:00Z",
     "2026-11-27T19:00:60Z", "2026-11-27T19:00:00+99:00", "２026-11-27T19:00:00Z", "2026-11-27T19:00:00Z\n2", ""],
)  # fmt: skip
def test_other_spellings_of_a_time_are_refused_and_the_right_one_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=r"RFC 3339 .* like \d{4}-05-01T19:00:00\+02:00"):
        parse_instant(text)


@pytest.mark.parametrize("text", ["2027-05-01T19:00:00", "2027-05-01t19:00:00.5", "2027-05-01 19:00"])
def test_a_time_without_a_zone_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="has no zone"):
        parse_instant(text)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    try:
        assert parse_instant(text).tzinfo is dt.UTC
    except ValueError as refused:
        assert str(refused).startswith(("That", "This"))  # noqa: PT017


def test_a_time_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="out of range"):
        parse_instant("0001-01-01T00:00:00+14:00")


@pytest.mark.parametrize(
    "name", ["", " ", "Mars/Phobos", "../../etc/passwd", "localtime", "Factory", "+02:00", "gmt+5", "berlin" * 20]
)
def test_an_unknown_zone_is_refused(name: str) -> None:
    with pytest.raises(SoonishError, match="not known"):
        zone(name)


@pytest.mark.parametrize(
    ("typed", "name"),
    [("Berlin", "Europe/Berlin"), ("New York", "America/New_York"), ("europe/berlin", "Europe/Berlin"),
     ("Europe/berlin", "Europe/Berlin"), ("AMERICA/NEW YORK", "America/New_York"), ("utc", "UTC"),
     ("St John's", "America/St_Johns"), ("São Paulo", "America/Sao_Paulo"), (" Kathmandu ", "Asia/Kathmandu"),
     ("Munich", "Europe/Berlin"), ("Louisville", "America/Louisville"), ("Asia/Calcutta", "Asia/Calcutta")],
)  # fmt: skip
def test_a_zone_is_known_in_any_case_and_by_the_city_alone_and_answers_with_its_own_name(typed: str, name: str) -> None:
    assert zone(typed).key == name


@pytest.mark.parametrize(
    ("typed", "hint"),
    [("Samoa", "Write Pacific/Samoa or US/Samoa."), ("east", "If you mean Brazil/East, write all of it."),
     ("San Juan", "If you mean America/Argentina/San_Juan, write all of it.")],
)  # fmt: skip
def test_a_name_of_several_places_is_refused_with_the_zones_that_it_could_be(typed: str, hint: str) -> None:
    with pytest.raises(SoonishError, match="more than one place") as refused:
        zone(typed)
    assert refused.value.hint == hint


def test_a_moment_is_said_with_weekday_and_zone() -> None:
    moment = dt.datetime(2026, 11, 27, 18, 0, tzinfo=dt.UTC)
    assert say(moment, "Europe/Berlin") == "Fri 27 Nov 2026, 19:00 (Europe/Berlin)"
    assert say(moment, "Asia/Tokyo") == "Sat 28 Nov 2026, 03:00 (Asia/Tokyo)"
    assert say_day(moment, "Asia/Tokyo") == "Saturday 28 November 2026"
    assert say_clock(moment, "America/New_York") == "13:00"
    assert place_of("America/New_York") == "New York"


def test_the_two_hours_of_the_same_name_in_autumn_are_not_said_alike() -> None:
    first, second = (dt.datetime(2026, 10, 25, hour, 30, tzinfo=dt.UTC) for hour in (0, 1))
    assert say(first, "Europe/Berlin") == "Sun 25 Oct 2026, 02:30 +02:00 (Europe/Berlin)"
    assert say(second, "Europe/Berlin") == "Sun 25 Oct 2026, 02:30 +01:00 (Europe/Berlin)"


def test_seconds_are_said_only_if_there_are_any_and_alike_everywhere() -> None:
    moment = dt.datetime(2026, 11, 27, 18, 0, 5, tzinfo=dt.UTC)
    assert say(moment, "Europe/Berlin") == "Fri 27 Nov 2026, 19:00:05 (Europe/Berlin)"
    assert say_exactly(moment, "Europe/Berlin") == "Fri 27 Nov 2026, 19:00:05"
    assert say_exactly(moment.replace(second=0), "Europe/Berlin") == "Fri 27 Nov 2026, 19:00"
    assert say_exactly(moment.replace(hour=0, second=0), "UTC") == "Fri 27 Nov 2026, 00:00"


def test_an_event_without_an_end_lasts_an_hour() -> None:
    assert effective_end(NOW, None) == NOW + dt.timedelta(hours=1)
    assert effective_end(NOW, NOW + dt.timedelta(minutes=5)) == NOW + dt.timedelta(minutes=5)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(10, None), (40, "1 minute"), (20 * 60, "20 minutes"), (59 * 60, "59 minutes"), (3600, "1 hour"),
     (75 * 60, "75 minutes"), (2 * 3600, "2 hours"), (24 * 3600, "24 hours"), (3 * 86400, "3 days")],
)  # fmt: skip
def test_a_span_is_said_in_the_largest_unit_that_says_enough(seconds: float, words: str | None) -> None:
    assert span(seconds) == words
    assert distance(NOW, NOW + dt.timedelta(seconds=seconds)) == (f"in {words}" if words else "now")
    assert distance(NOW, NOW - dt.timedelta(seconds=seconds)) == (f"{words} ago" if words else "now")


@pytest.mark.parametrize(
    ("ahead", "words"),
    [({"days": 1}, "is tomorrow"), ({"hours": 23, "minutes": 50}, "is tomorrow"), ({"hours": 1}, "starts in 1 hour"),
     ({"minutes": 20}, "starts in 20 minutes"), ({"seconds": 5}, "starts now"), ({"hours": 5}, "starts in 5 hours")],
)  # fmt: skip
def test_a_reminder_says_how_far_it_really_is(ahead: dict[str, float], words: str) -> None:
    assert start_words(NOW, NOW + dt.timedelta(**ahead), "Europe/Berlin") == words


@pytest.mark.parametrize(
    ("zone_name", "start"),
    [("Europe/Berlin", "2027-03-28T12:00:00+02:00"), ("Europe/Berlin", "2026-10-25T00:30:00+02:00")],
)
def test_a_day_before_is_tomorrow_on_the_days_when_clocks_change(zone_name: str, start: str) -> None:
    instant = parse_instant(start)
    assert start_words(instant - dt.timedelta(days=1), instant, zone_name) == "is tomorrow"
