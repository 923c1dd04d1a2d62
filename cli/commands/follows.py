"""`soonish subscriptions`, `unsubscribe` and `log`: who follows what, leaving, and what came of following."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.terminal import LARGEST_ID, AsJson, Cursor, Limit, Who, acting, show, table

if TYPE_CHECKING:
    from core.pages import Page
    from core.privacy.log_words import LogEntry
    from core.subscriptions.model import SubscriptionView, Unsubscribed


def add_to(app: typer.Typer) -> None:
    app.command()(subscriptions)
    app.command()(unsubscribe)
    app.command()(log)


def subscriptions(
    event: Annotated[
        str | None, typer.Argument(metavar="[EVENT]", help="Who follows this event of yours; unset: what you follow.")
    ] = None,
    removed: Annotated[
        bool, typer.Option("--removed", help="Those you removed from the event, not those who follow.")
    ] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
    who: Who = None,
    as_json: AsJson = False,
) -> None:
    """List what you follow, or who follows an event of yours; the numbers are what notify --to takes."""
    from core.errors import invalid
    from core.pages import PageRequest
    from core.subscriptions.views import event_subscriptions, my_subscriptions

    page = PageRequest(limit=limit, cursor=cursor)
    if event is not None:
        found = acting(who, lambda core, actor: core.ask(actor, event_subscriptions, event, page, removed=removed))
    elif removed:
        raise invalid("Only an event has people who were removed.", hint="Name the event.")
    else:
        found = acting(who, lambda core, actor: core.ask(actor, my_subscriptions, page))
    show(found, _many, as_json=as_json)


def unsubscribe(
    subscription: Annotated[int, typer.Argument(metavar="NUMBER", min=1, max=LARGEST_ID, help="As in subscriptions.")],
    who: Who = None,
    as_json: AsJson = False,
) -> None:
    """End one of your subscriptions. Subscribing again brings it back."""
    from core.subscriptions.leave import end_mine

    show(acting(who, lambda core, actor: core.act(actor, end_mine, subscription)), _ended, as_json=as_json)


def log(
    limit: Limit = 50,
    cursor: Cursor = None,
    who: Who = None,
    as_json: AsJson = False,
) -> None:
    """Show what was sent to you, newest first, and why or why not."""
    from core.pages import PageRequest
    from core.privacy.log import my_log

    page = PageRequest(limit=limit, cursor=cursor)
    show(acting(who, lambda core, actor: core.ask(actor, my_log, page)), _sent, as_json=as_json)


def _sent(page: "Page[LogEntry]") -> None:
    rows = [
        (each.at.isoformat(timespec="seconds"), each.outcome.replace("_", " "), each.what, each.event_name or "",
         each.channel, each.why)
        for each in page.items
    ]  # fmt: skip
    table(("TIME", "OUTCOME", "WHAT", "EVENT", "CHANNEL", "WHY"), rows, none="Nothing was sent to you yet.")
    _more(page.next)


def _more(cursor: str | None) -> None:
    if cursor:
        typer.echo(f"More: --cursor {cursor}")


def _many(page: "Page[SubscriptionView]") -> None:
    rows = [(s.id, s.event_id, s.event_name, s.label, s.state) for s in page.items]
    table(("NUMBER", "EVENT", "NAME", "CHANNEL", "STATE"), rows, none="No subscriptions.")
    _more(page.next)


def _ended(answer: "Unsubscribed") -> None:
    typer.echo("You're out. No hard feelings." if answer.ended else "You're out already.")
