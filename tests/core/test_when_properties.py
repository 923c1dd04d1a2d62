"""Reading a time: what holds for every text, every zone and every moment."""

import datetime as dt
import time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.errors import Code, SoonishError
from core.times import LATEST
from core.when import read, say, words
from core.zones import zone, zone_names

UTC = dt.UTC
TEN_ZONES = (
    "Europe/Berlin", "Europe/London", "America/New_York", "America/Los_Angeles", "America/Santiago",
    "Australia/Sydney", "Australia/Lord_Howe", "Africa/Casablanca", "Africa/Cairo", "America/St_Johns",
)  # fmt: skip
LOCALES = (None, "en-US", "en-GB", "de-DE", "fr", "es-ES", "ja", "nonsense")
TWO_YEARS = (dt.datetime(2026, 11, 1, tzinfo=UTC), dt.datetime(2028, 11, 1, tzinfo=UTC))


def known(name: str) -> bool:
    try:
        zone(name)
    except SoonishError:
        return False
    return True


ZONES = sorted(name for name in zone_names() if known(name))
moments = st.datetimes(
    min_value=dt.datetime(2026, 1, 1),  # noqa: DTZ001 - Hypothesis adds the zone
    max_value=dt.datetime(2040, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
VOCABULARY = sorted(
    {
        *words.WEEKDAYS, *words.MONTHS, *words.TYPOS, *words.NUMBERS, *words.UNITS, *words.TODAY, *words.TOMORROW,
        *words.DAYPARTS, *words.NOON, *words.MIDNIGHT, *words.NEXT, *words.THIS, *words.IN, *words.GLUE, *words.AT,
        *words.RANGING, *words.RECURRING, *words.VAGUE, "half", "halb", "quarter", "past", "to", "from", "now", "ago",
        "am", "pm", "a.m.", "p", "h", "uhr", "o'clock", "tonight", "the", "after", "day", "EST", "CEST", "UTC", "IST",
        "berlin", "new york", "Europe/Berlin", "America/New_York", "+2", "-05:30", "+02:00", "UTC+2", "7", "7pm", "19",
        "19:30", "7:30", "0730", "1900", "24:00", "2h", "19h30", "12", "31", "27th", "1st", "27.11.", "10.11", "11/12",
        "27/11/2026", "2026-11-27", "29", "feb", "30", "2027", "1999", "9999", "0000", "T", "Z", "<t:1795887000:F>",
        "<t:99999999999>", ":", ".", ",", "-", "/", "·", "@", "(", "!", "?", "\u200f", "\u2212",
    }
)  # fmt: skip
phrases = st.builds(
    lambda parts, gap: gap.join(parts), st.lists(st.sampled_from(VOCABULARY), max_size=9), st.sampled_from([" ", ""])
)


@settings(max_examples=1500, deadline=None)
@given(now=moments, ahead=st.integers(1, int(LATEST.total_seconds()) - 1), name=st.sampled_from(ZONES))
def test_what_is_shown_read_back_in_the_same_zone_is_the_same_instant(now: dt.datetime, ahead: int, name: str) -> None:
    instant = now.replace(microsecond=0) + dt.timedelta(seconds=ahead)
    assume(instant > now)
    assert read(say(instant, now, name), now, name) == [instant]


@settings(max_examples=4000, deadline=None)
@given(
    text=st.one_of(phrases, phrases, st.text(max_size=130)),
    now=moments,
    name=st.sampled_from(TEN_ZONES),
    locale=st.sampled_from(LOCALES),
)
def test_every_text_is_read_as_one_or_two_instants_ahead_or_refused_with_a_hint(
    text: str, now: dt.datetime, name: str, locale: str | None
) -> None:
    readings, refused = _answer(text, now, name, locale)
    if refused is not None:
        assert (refused.code, refused.field) == (Code.INVALID, "when")
        assert refused.message
        assert refused.hint
        return
    assert 1 <= len(readings) <= 2
    assert readings == sorted(set(readings))
    for reading in readings:
        assert reading.tzinfo is UTC
        assert now < reading <= now + LATEST


@settings(max_examples=600, deadline=None)
@given(text=st.one_of(phrases, st.text(max_size=10_000)), locale=st.sampled_from(LOCALES))
def test_no_text_takes_longer_than_five_milliseconds(text: str, locale: str | None) -> None:
    assert _cpu(text, locale) <= 0.005


@pytest.mark.parametrize(
    "text",
    ["x" * 10_000, "7" * 120, "a " * 60, "in 1 " * 24, "and " * 30, "new york " * 13, "1h" * 60, "feb 29 7pm",
     "12 " * 40, "half " * 24, "·Europe/Berlin" * 8, "１" * 120, "ﷺ" * 120, "the day after " * 8, "-1" * 60],
)  # fmt: skip
def test_texts_made_to_be_slow_take_no_longer_than_five_milliseconds(text: str) -> None:
    assert _cpu(text, None) <= 0.005


def _answer(
    text: str, now: dt.datetime, name: str, locale: str | None
) -> tuple[list[dt.datetime], SoonishError | None]:
    try:
        return read(text, now, name, locale), None
    except SoonishError as refused:
        return [], refused


def _cpu(text: str, locale: str | None) -> float:
    """Seconds of processor time, the best of at most five: the first may pay for a cold cache of the machine."""
    best = 1.0
    for _ in range(5):
        began = time.process_time()
        _answer(text, dt.datetime(2026, 11, 23, 14, 30, tzinfo=UTC), "Europe/Berlin", locale)
        best = min(best, time.process_time() - began)
        if best <= 0.005:
            break
    return best


def _edges(name: str) -> list[dt.datetime]:
    """The instants in two years at which the offset of a zone changes."""
    local, (at, last) = ZoneInfo(name), TWO_YEARS
    found = []
    while at < last:
        later = at + dt.timedelta(hours=1)
        if at.astimezone(local).utcoffset() != later.astimezone(local).utcoffset():
            minutes = (at + dt.timedelta(minutes=n) for n in range(1, 61))
            found.append(
                next(m for m in minutes if m.astimezone(local).utcoffset() != at.astimezone(local).utcoffset())
            )
        at = later
    return found


@pytest.mark.parametrize("name", TEN_ZONES)
def test_around_every_edge_of_daylight_saving_a_minute_is_one_instant_or_two_or_refused(name: str) -> None:
    local = ZoneInfo(name)
    edges = _edges(name)
    assert len(edges) >= 4
    kinds = set()
    for edge in edges:
        now = edge - dt.timedelta(days=3)
        # Found by looking at every minute around, not by the arithmetic that the reading uses.
        shown: dict[dt.datetime, list[dt.datetime]] = {}
        for at in (edge + dt.timedelta(minutes=n) for n in range(-400, 401)):
            shown.setdefault(at.astimezone(local).replace(tzinfo=None), []).append(at)
        before = (edge - dt.timedelta(minutes=1)).astimezone(local).replace(tzinfo=None)
        for minutes in range(-130, 131):
            wall = before + dt.timedelta(minutes=minutes)
            text = f"{wall:%Y-%m-%d %H:%M}"
            expected = shown.get(wall, [])
            kinds.add(len(expected))
            if not expected:
                with pytest.raises(SoonishError, match="does not exist"):
                    read(text, now, name)
                continue
            assert read(text, now, name) == expected
            for at in expected:
                assert read(say(at, now, name), now, name) == [at]
    assert kinds == {0, 1, 2}
