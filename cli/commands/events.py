"""`soonish event …`: what an organizer does with events."""

from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.terminal import AsJson, Cursor, EventId, Limit, Who, Yes, acting, facts, given, show, sure, table

if TYPE_CHECKING:
    from core.events.model import EventView
    from core.pages import Page

Start = typer.Option(metavar="TIME", help="Like 2027-05-01T19:00:00+02:00.")
When = typer.Option(metavar="WORDS", help='The start as you would say it, like "fri 7pm", in the event\'s zone.')
End = typer.Option(metavar="TIME", help="Unset: an hour after the start.")
Where = typer.Option(help="Place or link.")
Contact = typer.Option(help="Who to ask.")
Zone = typer.Option(metavar="ZONE", help="IANA name, such as Europe/Berlin.")


class Which(StrEnum):
    MINE = "mine"
    SUBSCRIBED = "subscribed"


class Tell(StrEnum):
    YES = "yes"
    NO = "no"
    NOW = "now"


_NONE = {
    Which.MINE: "No events yet: soonish event create --help",
    Which.SUBSCRIBED: "You follow none: soonish subscribe EVENT",
}
TELL: dict[Tell, bool | str] = {Tell.YES: True, Tell.NO: False, Tell.NOW: "now"}


def add_to(app: typer.Typer) -> None:
    event = typer.Typer(help="Events.", no_args_is_help=True)
    event.command()(create)
    event.command("list")(list_)
    event.command("show")(show_one)
    event.command()(edit)
    event.command()(cancel)
    app.add_typer(event, name="event")


def create(
    name: Annotated[str, typer.Option(help="What it is called.")],
    start: Annotated[str | None, Start] = None,
    when: Annotated[str | None, When] = None,
    end: Annotated[str | None, End] = None,
    where: Annotated[str | None, Where] = None,
    description: Annotated[str | None, typer.Option()] = None,
    contact: Annotated[str | None, Contact] = None,
    timezone: Annotated[str | None, Zone] = None,
    private: Annotated[bool, typer.Option("--private", help="Only for those who follow it.")] = False,
    listed: Annotated[bool, typer.Option("--listed", help="The front page may list it.")] = False,
    who: Who = None,
    as_json: AsJson = False,
) -> None:
    """Create an event and print its link."""
    from core.errors import invalid
    from core.events.model import NewEvent
    from core.events.usecases import create_event

    if (start is None) == (when is None):
        raise invalid("When does it start?", hint='Give --when "fri 7pm", or --start with the exact time.')
    fields = given(
        start_date=start, when=when, end_date=end, location=where, description=description, contact=contact,
        timezone=timezone,
    )  # fmt: skip
    new = NewEvent(name=name, is_public=not private, is_listed=listed, **fields)
    show(acting(who, lambda core, actor: core.act(actor, create_event, new)), _one, as_json=as_json)


def list_(
    which: Annotated[Which, typer.Argument(help="Those you organize, or those you follow.")] = Which.MINE,
    upcoming: Annotated[bool, typer.Option("--upcoming", help="Leave out what has started.")] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
    who: Who = None,
    as_json: AsJson = False,
) -> None:
    """List your events, newest first."""
    from core.events.usecases import list_events
    from core.pages import PageRequest

    page = PageRequest(limit=limit, cursor=cursor)
    found = acting(who, lambda core, actor: core.ask(actor, list_events, which.value, page, upcoming=upcoming))
    show(found, partial(_many, which=which), as_json=as_json)


def show_one(event: EventId, who: Who = None, as_json: AsJson = False) -> None:
    """Show an event."""
    from core.events.usecases import get_event

    show(acting(who, lambda core, actor: core.ask(actor, get_event, event)), _one, as_json=as_json)


def edit(
    event: EventId,
    name: Annotated[str | None, typer.Option()] = None,
    start: Annotated[str | None, Start] = None,
    when: Annotated[str | None, When] = None,
    end: Annotated[str | None, typer.Option(metavar="TIME", help='"" for no end.')] = None,
    where: Annotated[str | None, Where] = None,
    description: Annotated[str | None, typer.Option()] = None,
    contact: Annotated[str | None, Contact] = None,
    timezone: Annotated[str | None, Zone] = None,
    public: Annotated[bool | None, typer.Option("--public/--private")] = None,
    listed: Annotated[bool | None, typer.Option("--listed/--unlisted", help="On the front page.")] = None,
    notify: Annotated[
        Tell | None, typer.Option(help="Tell those who follow; unset: of a new time or place only.")
    ] = None,
    who: Who = None,
    as_json: AsJson = False,
) -> None:
    """Change what you name; the rest stays."""
    from core.errors import invalid
    from core.events.changes import change_event
    from core.events.model import EventChange

    fields: dict[str, Any] = given(
        name=name, start_date=start, when=when, location=where, description=description, contact=contact,
        timezone=timezone, is_public=public, is_listed=listed, notify=TELL[notify] if notify else None,
    )  # fmt: skip
    if end is not None:
        fields["end_date"] = end or None
    if not fields:
        raise invalid("There is nothing to change.", hint="Name what should change, such as --start or --where.")
    change = EventChange(**fields)
    show(acting(who, lambda core, actor: core.act(actor, change_event, event, change)), _one, as_json=as_json)


def cancel(
    event: EventId,
    reason: Annotated[str, typer.Option(help="A line for those who follow it.")] = "",
    yes: Yes = False,
    who: Who = None,
    as_json: AsJson = False,
) -> None:
    """Cancel an event for good; everybody who follows it is told at once."""
    from core.events.changes import cancel_event
    from core.events.model import Cancellation

    cancellation = Cancellation(reason=reason)
    sure("Cancel this event and tell everybody who follows it?", yes=yes)
    show(acting(who, lambda core, actor: core.act(actor, cancel_event, event, cancellation)), _one, as_json=as_json)


def _one(event: "EventView") -> None:
    from core.times import say

    status = event.status if event.status != "cancelled" else f"cancelled {event.cancel_reason}".strip()
    typer.secho(event.name, bold=True)
    facts(
        [
            ("When", say(event.start_date, event.timezone)),
            ("Until", say(event.end_date, event.timezone) if event.end_date else ""),
            ("Where", event.location),
            ("Contact", event.contact),
            ("Status", status if event.is_public else f"{status}, private"),
            ("Follow it", event.subscribers),
            ("Id", event.id),
            ("Link", event.url),
            ("About", event.description),
        ]
    )


def _many(page: "Page[EventView]", *, which: Which) -> None:
    from core.times import say

    rows = [(e.id, say(e.start_date, e.timezone), e.status, e.subscribers, e.name) for e in page.items]
    table(("ID", "WHEN", "STATUS", "FOLLOW", "NAME"), rows, none=_NONE[which])
    if page.next:
        typer.echo(f"More: --cursor {page.next}")
