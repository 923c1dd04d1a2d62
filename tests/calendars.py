"""iCalendar files, read back by two libraries that share no code and must agree, and looked at for their form, which
both forgive."""

import datetime as dt
import re
from dataclasses import dataclass

import icalendar
from ical.calendar_stream import IcsCalendarStream
from ical.event import Event

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_TEXT = re.compile(r"(?:SUMMARY|DESCRIPTION|LOCATION|UID|PRODID):(.*)")
_ESCAPED = re.compile(r"(?:[^\\;,]|\\[\\;,n])*")


@dataclass(frozen=True)
class Entry:
    """One event of a file, with the METHOD of the file around it; None: the file does not say it. Times are in UTC."""

    method: str
    uid: str
    sequence: int
    status: str
    start: dt.datetime
    end: dt.datetime
    stamp: dt.datetime
    modified: dt.datetime
    summary: str
    description: str | None
    location: str | None
    url: str | None
    organizer: str | None
    attendees: tuple[str, ...]


def read_all(text: str) -> list[Entry]:
    """The events of a file, in its order."""
    _look_at_form(text)
    found = _by_icalendar(text)
    assert _by_ical(text) == found
    return found


def read_one(text: str) -> Entry:
    (found,) = read_all(text)
    return found


def _by_icalendar(text: str) -> list[Entry]:
    calendar = icalendar.Calendar.from_ical(text)
    assert calendar["VERSION"] == "2.0"
    assert {each.name for each in calendar.subcomponents} <= {"VEVENT"}
    entries = calendar.events
    assert [each.errors for each in [calendar, *entries]] == [[]] * (1 + len(entries))

    def said(entry: icalendar.Component, name: str) -> str | None:
        return str(entry[name]) if name in entry else None

    return [
        Entry(
            method=str(calendar["METHOD"]),
            uid=str(each["UID"]),
            sequence=each.sequence,
            status=str(each["STATUS"]),
            start=_instant(each.decoded("DTSTART")),
            end=_instant(each.decoded("DTEND")),
            stamp=_instant(each.decoded("DTSTAMP")),
            modified=_instant(each.decoded("LAST-MODIFIED")),
            summary=str(each["SUMMARY"]),
            description=said(each, "DESCRIPTION"),
            location=said(each, "LOCATION"),
            url=said(each, "URL"),
            organizer=said(each, "ORGANIZER"),
            attendees=tuple(map(str, each.attendees)),
        )
        for each in entries
    ]


def _by_ical(text: str) -> list[Entry]:
    calendar = IcsCalendarStream.calendar_from_ics(text)
    assert calendar.version == "2.0"
    assert not any((calendar.todos, calendar.journal, calendar.freebusy, calendar.timezones))

    def entry(of: Event) -> Entry:
        assert calendar.method is not None
        assert of.sequence is not None
        assert of.status is not None
        assert of.summary is not None
        return Entry(
            method=calendar.method,
            uid=of.uid,
            sequence=of.sequence,
            status=of.status.value,
            start=_instant(of.dtstart),
            end=_instant(of.dtend),
            stamp=_instant(of.dtstamp),
            modified=_instant(of.last_modified),
            summary=of.summary,
            description=of.description,
            location=of.location,
            url=of.url,
            organizer=str(of.organizer.uri) if of.organizer else None,
            attendees=tuple(str(each.uri) for each in of.attendees),
        )

    return [entry(each) for each in calendar.events]


def _instant(found: object) -> dt.datetime:
    """Fails for a floating time, a day without an hour, and a time in any zone but UTC."""
    assert isinstance(found, dt.datetime), found
    assert found.tzname() == "UTC", found
    return found


def _look_at_form(text: str) -> None:
    """Lines of at most 75 octets that end in CRLF and cut no letter in two; no control characters; in texts nothing
    unescaped."""
    *lines, rest = text.encode().split(b"\r\n")
    assert rest == b""
    assert {0 < len(line) <= 75 for line in lines} == {True}
    assert all(line.decode() for line in lines)
    for line in text.replace("\r\n ", "").split("\r\n"):
        assert not _CONTROL.search(line), line
        text_of = _TEXT.fullmatch(line)
        assert text_of is None or _ESCAPED.fullmatch(text_of[1]), line
