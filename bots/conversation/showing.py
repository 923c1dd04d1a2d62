"""An event in chat: the lines and buttons that several answers share."""

import datetime as dt

from bots.conversation.actions import Action
from bots.conversation.screens import Button, Clock, Distance, Line, Moment, Piece, Screen, Strong, Struck, line
from core.events.model import EventView
from core.events.reminders import to_come
from core.times import distance, one_evening, say, say_clock

DESCRIPTION_AT_MOST = 600


def when_pieces(event: EventView, now: dt.datetime) -> Line:
    """`🗓 Friday, 27 November 2026 19:00 (in 4 days)   ends 21:00`"""
    return when_line(event.start_date, event.end_date, event.timezone, now)


def when_line(start: dt.datetime, end: dt.datetime | None, zone: str, now: dt.datetime) -> Line:
    pieces: list[Piece] = ["🗓 ", moment(start, zone), " (", Distance(start, distance(now, start)), ")"]
    if end is not None:
        pieces += ["   ends ", Clock(end, say_clock(end, zone)) if one_evening(start, end) else moment(end, zone)]
    return tuple(pieces)


def moment(at: dt.datetime, zone: str) -> Moment:
    return Moment(at, say(at, zone))


def about(event: EventView, now: dt.datetime) -> tuple[Line, ...]:
    """Name, state, time, place, text, and how many follow."""
    name: Piece = Struck(event.name) if event.status == "cancelled" else Strong(event.name)
    first: Line = (name,) if event.status != "cancelled" else (name, " · cancelled", reason_of(event))
    lines = [first, when_pieces(event, now)]
    if event.location:
        lines.append(line("📍 ", event.location))
    if event.description:
        text = event.description
        lines.append(line(text if len(text) <= DESCRIPTION_AT_MOST else text[:DESCRIPTION_AT_MOST].rstrip() + "…"))
    seen_by = "Anyone with the link" if event.is_public else "Invited people only"
    lines.append(line(f"🌐 {seen_by}   🔔 {counted(event.subscribers, 'subscribed', 'subscribed')}"))
    if event.status == "ended":
        lines.append(line("It is over."))
    return tuple(lines)


def heard(start: dt.datetime, now: dt.datetime) -> str:
    """When whoever follows from now on hears of it."""
    said = "when the organizer writes"
    reminders = to_come(start, now)
    return f"{', '.join(reminders)}, and {said}" if reminders else said


def reason_of(event: EventView) -> str:
    return f": {event.cancel_reason}" if event.cancel_reason else ""


def counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def details(event: EventView, now: dt.datetime, posting: tuple[Button, ...], by: str) -> Screen:
    """What somebody may do with it; its organizers find Manage here, with the buttons that post it. `by`: how they hear
    about it already."""
    rows = [(*_following(event, by), Button("Open page ↗", url=event.url))]
    if event.mine:
        rows.append(manage_buttons(event))
        subscribers = Button("Subscribers", Action("subscribers", event.id))
        rows.append((subscribers, Button("Report", Action("report", event.id)), *posting))
    follows = (line(f"You hear about it by {by}."),) if by else ()
    return Screen((*about(event, now), *follows), rows=tuple(rows))


def _following(event: EventView, by: str) -> tuple[Button, ...]:
    if event.status != "scheduled":
        return ()
    if not by:
        return (Button("🔔 Subscribe", Action("subscribe", event.id), style="primary"),)
    return Button("Change", Action("change", event.id)), Button("Unsubscribe", Action("leave", event.id))


def calendar_button(event: EventView, now: dt.datetime, calendar: str) -> tuple[Button, ...]:
    """None where there is no such list, and for what has begun: it takes only what is still to come."""
    coming = event.status == "scheduled" and event.start_date > now
    return (Button(calendar, Action("calendar", event.id)),) if calendar and coming else ()


def manage_buttons(event: EventView) -> tuple[Button, ...]:
    write = Button("Write to everybody", Action("notify", event.id))
    if event.status != "scheduled":
        return (write,)
    return (
        write,
        Button("Edit", Action("edit", event.id)),
        Button("Invite", Action("invite", event.id)),
        Button("Cancel event", Action("cancel", event.id), style="danger"),
    )
