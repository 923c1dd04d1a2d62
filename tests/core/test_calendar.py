"""The iCalendar file of an event, read back by two libraries."""

import datetime as dt
import re
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ical.exceptions import CalendarParseError
from pydantic import TypeAdapter

from core.db.models import Event
from core.errors import Code
from core.events.calendar import event_calendar
from core.events.changes import cancel_event
from core.events.model import Cancellation, EventView
from core.notifications.kinds import KINDS
from core.rendering.calendar import Method, calendar_file
from core.rendering.composer import Composer
from core.text import Block, Line, Name
from core.zones import zone_names
from tests.calendars import Entry, read_all, read_one
from tests.core.look import NOBODY, refusal
from tests.core.steps import edit
from tests.core.test_rendering import BASE, KEYS, NOW, START, about, event_of, recipient
from tests.people import Town

SENDER = "Soonish <nudge@soonish.test>"
NASTY = "a\r\nBEGIN:VEVENT\nUID:x\rATTENDEE:mailto:eve@example.org\x00\x0b\u2028b; c, d\\n \\"


def file(found: Event, method: Method = "PUBLISH", sender: str = SENDER) -> str:
    return calendar_file(found, BASE, sender, method)


def test_a_file_says_all_that_a_calendar_shows() -> None:
    found = read_one(
        file(
            event_of(description="Two films.\nBring; a blanket, please \\o/ 🎬", location="Roof, 2nd floor", revision=4)
        )
    )
    assert (found.method, found.status) == ("PUBLISH", "CONFIRMED")
    assert (found.uid, found.sequence, found.summary) == ("Ab3dEf6hJk@soonish", 4, "Launch party")
    assert found.description == "Two films.\nBring; a blanket, please \\o/ 🎬"
    assert (found.location, found.url) == ("Roof, 2nd floor", f"{BASE}/e/Ab3dEf6hJk")
    assert found.start == START
    assert found.end == START + dt.timedelta(hours=1)
    assert found.stamp == found.modified == NOW


@pytest.mark.parametrize(("written", "otherwise"), [
    ("DTSTART:20261128T180000Z\r\nDTEND:20261128T190000Z", "DTSTART:20261128T180000\r\nDTEND:20261128T190000"),
    ("DTSTART:20261128T180000Z\r\nDTEND:20261128T190000Z", "DTSTART;VALUE=DATE:20261128\r\nDTEND;VALUE=DATE:20261129"),
    ("DTSTART:20261128T180000Z", "DTSTART;TZID=Europe/London:20261128T180000"),
    ("SEQUENCE:4", "SEQUENCE:four"), ("STATUS:CONFIRMED", "STATUS:OFF"), ("UID:", "UID:twice\r\nUID:"),
    ("END:VEVENT\r\n", ""), ("VERSION:2.0", "VERSION:1.0"),
    ("Roof\\, 2nd", "Roof, 2nd"), ("\r\n", "\n"), ("Launch party", "Launch party " * 6), ("Launch", "Lau\x07nch"),
])  # fmt: skip
def test_what_some_calendars_read_otherwise_is_seen(written: str, otherwise: str) -> None:
    text = file(event_of(location="Roof, 2nd floor", revision=4))
    assert written in text
    with pytest.raises((AssertionError, ValueError, CalendarParseError)):
        read_all(text.replace(written, otherwise))


def test_what_is_not_there_is_left_out() -> None:
    found = read_one(file(event_of(), sender=""))
    assert (found.description, found.location, found.organizer) == (None, None, None)


def test_the_organizer_is_the_service_and_nobody_is_asked_for_a_reply() -> None:
    text = file(event_of(contact="alice@example.org"))
    found = read_one(text)
    assert found.organizer == "mailto:nudge@soonish.test"
    assert found.attendees == ()
    assert re.findall(r"[\w.]+@[\w.]+", text) == ["Ab3dEf6hJk@soonish", "nudge@soonish.test"]


def test_a_private_events_file_names_no_page() -> None:
    assert BASE not in file(event_of(is_public=False))


def test_the_same_event_is_the_same_entry_when_the_service_moves() -> None:
    here, there = (read_one(calendar_file(event_of(), base, SENDER)) for base in (BASE, "https://elsewhere.example"))
    assert here.uid == there.uid
    assert here.url != there.url


def test_the_file_of_an_unchanged_event_does_not_change() -> None:
    assert file(event_of()) == file(event_of())


@pytest.mark.parametrize("field", ["name", "location", "description"])
def test_no_text_becomes_a_line_of_its_own(field: str) -> None:
    found = read_one(file(event_of(**{field: NASTY})))
    assert found.attendees == ()
    assert found.uid == "Ab3dEf6hJk@soonish"


def test_a_nasty_sender_becomes_no_line_of_its_own() -> None:
    found = read_one(file(event_of(), sender='"Soo;n:ish, \\"Ltd\\""\r\nATTENDEE:x <nudge@soonish.test>'))
    assert found.organizer == "mailto:nudge@soonish.test"
    assert found == read_one(file(event_of()))


def _typed(adapter: TypeAdapter[str]) -> st.SearchStrategy[str]:
    """What people may type there, as it is stored."""

    def accepted(text: str) -> bool:
        try:
            adapter.validate_python(text)
        except ValueError:
            return False
        return True

    letters = st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from(list("\n\t,;:\\\"'^=ünß🎉👩‍👩‍👧 "))
    return st.text(letters, max_size=120).filter(accepted).map(adapter.validate_python)


walls = st.datetimes(dt.datetime(2000, 1, 1), dt.datetime(2100, 1, 1)).map(  # noqa: DTZ001 - the zone comes after
    lambda found: found.replace(microsecond=0)
)


@given(name=_typed(TypeAdapter(Name)), location=_typed(TypeAdapter(Line)), description=_typed(TypeAdapter(Block)))
def test_whatever_people_type_is_read_back_as_it_was(name: str, location: str, description: str) -> None:
    found = read_one(file(event_of(name=name, location=location, description=description)))
    assert found.summary.split() == name.split()
    assert (found.location or "").split() == location.split()
    assert (found.description or "") == description


@given(wall=walls, zone=st.sampled_from(sorted(zone_names())), minutes=st.none() | st.integers(1, 60 * 24 * 30))
def test_times_are_instants_whatever_the_zone(wall: dt.datetime, zone: str, minutes: int | None) -> None:
    start = wall.replace(tzinfo=ZoneInfo(zone)).astimezone(dt.UTC)
    end = None if minutes is None else start + dt.timedelta(minutes=minutes)
    found = read_one(file(event_of(start_date=start, end_date=end, timezone=zone)))
    assert found.start == start
    assert found.end == (end or start + dt.timedelta(hours=1))


# The life of an event


async def entry(town: Town, of: EventView) -> Entry:
    return read_one(await town.core.ask(NOBODY, event_calendar, of.id))


async def test_moved_and_cancelled_an_event_stays_the_same_entry_with_a_higher_sequence(town: Town) -> None:
    event = await town.event(description="Bring a torch")
    created = await entry(town, event)
    town.clock.shift += dt.timedelta(minutes=5)
    later = town.in_(days=5)
    await edit(town, event, start_date=later, end_date=later + dt.timedelta(hours=3))
    moved = await entry(town, event)
    await edit(town, event, description="Bring two", notify=False)
    reworded = await entry(town, event)
    await town.core.act(town.alice.actor, cancel_event, event.id, Cancellation(reason="Flood"))
    cancelled = await entry(town, event)

    lives = [created, moved, reworded, cancelled]
    assert {each.uid for each in lives} == {f"{event.id}@soonish"}
    assert [each.sequence for each in lives] == sorted({each.sequence for each in lives})
    assert [each.status for each in lives] == ["CONFIRMED", "CONFIRMED", "CONFIRMED", "CANCELLED"]
    assert (moved.start, moved.end) == (later, later + dt.timedelta(hours=3))
    assert moved.stamp > created.stamp
    assert {each.method for each in lives} == {"PUBLISH"}


async def test_an_edit_that_changes_nothing_changes_no_file(town: Town) -> None:
    event = await town.event()
    before = await town.core.ask(NOBODY, event_calendar, event.id)
    await edit(town, event, name=event.name)
    assert await town.core.ask(NOBODY, event_calendar, event.id) == before


async def test_a_private_events_file_is_for_those_who_may_see_it(town: Town) -> None:
    event = await town.event(is_public=False)
    assert "SUMMARY:Launch party" in await town.core.ask(town.alice.actor, event_calendar, event.id)
    for stranger in (NOBODY, town.carol.actor):
        await refusal(town.core.ask(stranger, event_calendar, event.id), Code.NOT_FOUND)
    await edit(town, event, is_public=True)
    assert "SUMMARY:Launch party" in await town.core.ask(town.carol.actor, event_calendar, event.id)


# What mails carry


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_only_mails_that_put_in_move_or_take_out_carry_a_file(kind: str) -> None:
    found = about(kind, event_of(status="cancelled" if kind == "cancelled" else "scheduled"))
    mail = Composer(found, NOW, BASE, KEYS, SENDER).message_for(recipient()).mail
    assert mail is not None
    methods = {"welcome": "PUBLISH", "update": "PUBLISH", "cancelled": "CANCEL"}
    if kind not in methods:
        assert mail.calendar is None
        return
    assert mail.calendar is not None
    entry = read_one(mail.calendar)
    assert entry.method == mail.calendar_method == methods[kind]
    assert entry.status == ("CANCELLED" if kind == "cancelled" else "CONFIRMED")
    assert entry.organizer is not None


def test_the_file_is_made_once_for_all_who_get_it() -> None:
    composer = Composer(about("welcome", event_of()), NOW, BASE, KEYS, SENDER)
    mails = [composer.message_for(recipient(zone=zone, account=account)).mail
             for zone in ("Asia/Tokyo", None) for account in (True, False)]  # fmt: skip
    assert len({id(mail.calendar) for mail in mails if mail is not None}) == 1
