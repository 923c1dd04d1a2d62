"""`soonish subscribe`, `notify`, `report`, `retry`: what is said about an event, and what became of it."""

import asyncio
import time
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from cli.terminal import (
    LARGEST_ID,
    AsJson,
    Cursor,
    EventId,
    Who,
    acting,
    facts,
    how_many,
    operating,
    progress,
    show,
    table,
)

if TYPE_CHECKING:
    from core.notifications.model import Accepted, Report, Retried
    from core.pages import PageRequest
    from core.subscriptions.model import CheckInbox, Subscribed
    from core.work import Actor, Core

MessageId = Annotated[
    int, typer.Argument(metavar="MESSAGE", min=1, max=LARGEST_ID, help="The number that notify printed.")
]
LOOK_EVERY = 0.2


class Outcome(StrEnum):
    DELIVERED = "delivered"
    FAILED = "failed"
    WAITING = "waiting"
    SKIPPED = "skipped"


def add_to(app: typer.Typer) -> None:
    for command in (subscribe, notify, report, retry):
        app.command()(command)


def subscribe(
    event: EventId,
    email: Annotated[str | None, typer.Option(help="Anybody's address; it is asked to confirm.")] = None,
    integration: Annotated[list[int] | None, typer.Option(help="A channel of yours, by number.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="Channels of yours, by tag.")] = None,
    who: Who = None,
    as_json: AsJson = False,
) -> None:
    """Follow an event: by an address, or through your own channels (unset: your default one)."""
    from core.errors import invalid

    if email is None:
        _subscribe_by_channel(event, integration, tag, who, as_json=as_json)
    elif integration or tag:
        raise invalid("An address and channels are two ways to follow.", hint="Give --email or the others, not both.")
    else:
        _subscribe_by_email(event, email, who, as_json=as_json)


def notify(
    event: EventId,
    title: Annotated[str, typer.Option()],
    body: Annotated[str, typer.Option(help='"-" reads it from the standard input.')],
    to: Annotated[list[int] | None, typer.Option(help="One subscription, by number; repeat for more.")] = None,
    matching: Annotated[str | None, typer.Option(help="Those with this in their name or kind of channel.")] = None,
    missed: Annotated[int | None, typer.Option(help="Those who missed this message, and all since.")] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Until nothing waits any more; exit 1 if somebody missed it.")
    ] = False,
    seconds: Annotated[float, typer.Option("--timeout", help="Seconds to wait at most.")] = 120.0,
    who: Who = None,
    as_json: AsJson = False,
) -> None:
    """Write to everybody who follows an event, or to some of them."""
    from core.notifications.model import NewMessage
    from core.notifications.usecases import send_message

    text = typer.get_text_stream("stdin").read() if body == "-" else body
    message = NewMessage(title=title, body=text, subscription_ids=to or None, matching=matching, missed=missed)
    if not wait:
        show(acting(who, lambda core, actor: core.act(actor, send_message, event, message)), _accepted, as_json=as_json)
        return

    async def send_and_wait(core: "Core", actor: "Actor") -> "Report":
        accepted = await core.act(actor, send_message, event, message)
        with progress("Sending", shown=not as_json) as step:
            return await _settled(core, actor, accepted.id, seconds, step)

    found = acting(who, send_and_wait)
    show(found, _report, as_json=as_json)
    if found.failed or found.waiting:
        raise typer.Exit(1)


def report(
    message: MessageId,
    outcome: Annotated[Outcome | None, typer.Option("--only", help="Of these alone.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Results a page.")] = 50,
    cursor: Cursor = None,
    who: Who = None,
    as_json: AsJson = False,
) -> None:
    """Show who got a message, who did not, and why. Of a long one, those who did not get it."""
    from core.pages import PageRequest

    page = PageRequest(limit=limit, cursor=cursor)

    async def look(core: "Core", actor: "Actor") -> "Report":
        if as_json or outcome or cursor:
            return await _read(core, actor, message, page, outcome)
        return await _what_went_wrong(core, actor, message, page)

    show(acting(who, look), partial(_report, only=outcome), as_json=as_json)


def retry(message: MessageId, who: Who = None, as_json: AsJson = False) -> None:
    """Try the failed deliveries of a message again."""
    from core.notifications.usecases import retry as again

    show(acting(who, lambda core, actor: core.act(actor, again, message)), _retried, as_json=as_json)


def _subscribe_by_email(event: str, email: str, who: str | None, *, as_json: bool) -> None:
    from core.subscriptions.join import subscribe_by_email
    from core.subscriptions.model import SubscribeByEmail

    request = SubscribeByEmail(email=email)
    run = operating if who is None else lambda use: acting(who, use)
    show(run(lambda core, actor: core.act(actor, subscribe_by_email, event, request)), _check_inbox, as_json=as_json)


def _subscribe_by_channel(
    event: str, integration: list[int] | None, tag: list[str] | None, who: str | None, *, as_json: bool
) -> None:
    from core.subscriptions.join import subscribe_by_channel
    from core.subscriptions.model import SubscribeByChannel

    request = SubscribeByChannel(integration_ids=integration or None, tags=tag or None)
    show(
        acting(who, lambda core, actor: core.act(actor, subscribe_by_channel, event, request)),
        _subscribed,
        as_json=as_json,
    )


async def _settled(
    core: "Core", actor: "Actor", message: int, seconds: float, step: Callable[[int, int], None]
) -> "Report":
    """The report once nothing waits, or as it is after `seconds`."""
    from core.pages import PageRequest

    end = time.monotonic() + seconds
    while True:
        found = await _what_went_wrong(core, actor, message, PageRequest(limit=50))
        total = found.delivered + found.failed + found.waiting + found.skipped
        step(total - found.waiting, total)
        if found.waiting == 0 or time.monotonic() > end:
            return found
        await asyncio.sleep(LOOK_EVERY)


async def _read(core: "Core", actor: "Actor", message: int, page: "PageRequest", outcome: Outcome | None) -> "Report":
    from core.notifications.usecases import report as read

    return await core.ask(actor, read, message, page, outcome=outcome.value if outcome else None)


async def _what_went_wrong(core: "Core", actor: "Actor", message: int, page: "PageRequest") -> "Report":
    """All results if they fit the page; else the failed alone: one among two thousand must not hide on page 40."""
    found = await _read(core, actor, message, page, None)
    return await _read(core, actor, message, page, Outcome.FAILED) if found.next and found.failed else found


def _accepted(answer: "Accepted") -> None:
    people = "nobody follows it" if answer.recipients == 0 else how_many(answer.recipients, "channel")
    typer.echo(f"Message {answer.id} is on its way: {people}. See: soonish report {answer.id}")


def _retried(answer: "Retried") -> None:
    typer.echo(
        f"{how_many(answer.retried, 'delivery is', 'deliveries are')} tried again."
        if answer.retried
        else "Nothing has failed."
    )


def _check_inbox(_: "CheckInbox") -> None:
    typer.echo("A mail asks this address to confirm. Nothing else is sent to it before that.")


def _subscribed(answer: "Subscribed") -> None:
    for warning in answer.warnings:
        typer.echo(warning, err=True)
    table(
        ("NUMBER", "EVENT", "CHANNEL", "STATE"),
        [(s.id, s.event_name, s.label, s.state) for s in answer.subscriptions],
        none="Nothing.",
    )


def _report(found: "Report", *, only: Outcome | None = None) -> None:
    typer.secho(found.title, bold=True)
    facts(
        [
            ("Delivered", found.delivered),
            ("Failed", found.failed or ""),
            ("Waiting", found.waiting or ""),
            ("Skipped", found.skipped or ""),
        ]
    )
    first = sorted(found.results, key=lambda result: result.status != "dead")
    rows = [(r.label, r.status, r.attempts, r.reason or "") for r in first]
    table(("WHO", "STATUS", "TRIES", "WHY"), rows, none=f"None is {only.value}." if only else "It is owed to nobody.")
    shown = only or (Outcome.FAILED if rows and all(r.status == "dead" for r in first) else None)
    narrowed = f" --only {shown.value}" if shown else ""
    if found.next:
        typer.echo(f"More: soonish report {found.id}{narrowed} --cursor {found.next}")
    if shown and not only and found.delivered + found.waiting + found.skipped:
        typer.echo(f"These didn't get it. The others: soonish report {found.id} --only delivered")
    if found.failed:
        typer.echo(f"Try the failed ones again: soonish retry {found.id}")
    if found.waiting:
        typer.echo("What waits is tried again by itself. If nothing moves: soonish doctor")
