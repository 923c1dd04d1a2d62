"""Write to those who follow: a preview with who gets it where, one Send, and what became of it while it happens."""

import asyncio
from collections.abc import AsyncIterator

from bots.conversation.actions import Action
from bots.conversation.book import BOOK, Option
from bots.conversation.entering import managed
from bots.conversation.screens import (
    Answer,
    Button,
    Choice,
    Field,
    Form,
    Line,
    Menu,
    Quote,
    Row,
    Screen,
    Watch,
    line,
    told,
)
from bots.conversation.showing import counted
from bots.conversation.speaker import Turn
from bots.conversation.verbs.reporting import report_screen
from core.chat.drafts import change_draft, keep_draft, read_draft
from core.events.model import EventView
from core.notifications.audience import audience
from core.notifications.model import Accepted, NewMessage, Report
from core.notifications.usecases import report, send_message
from core.pages import PageRequest
from core.subscriptions.views import event_subscriptions, subscriptions_to

_LOOKS = 60
_BETWEEN_LOOKS = 1.0
"""Seconds; a minute in all. Then the report tells the rest whenever somebody asks."""
_MENU = 25


@BOOK.command(
    "event", "notify", "Write to everybody who follows", "organizers",
    Option("event", "Which one", required=True, completes="told_event"),
    Option("message", "What to say"),
    opens_form=True, unless=(("message",),),
)  # fmt: skip
async def notify(turn: Turn) -> Answer:
    if turn.given.get("message", "").strip():
        return await _preview(turn, await managed(turn), turn.given["message"], None)
    event = await managed(turn)
    return _form(event.id, "")


@BOOK.press("notify", opens_form=True)
async def pressed(turn: Turn) -> Answer:
    return _form(turn.event_id, "")


@BOOK.press("write")
async def written(turn: Turn) -> Answer:
    number = turn.number if turn.more else None
    return await _preview(turn, await managed(turn), turn.given.get("body", ""), number)


@BOOK.press("write_again", opens_form=True)
async def write_again(turn: Turn) -> Answer:
    draft = await turn.ask(read_draft, turn.number, "notify")
    return _form(turn.event_id, draft.data["body"], turn.more)


@BOOK.press("choose")
async def choose(turn: Turn) -> Answer:
    """The newest 25; more of them are chosen on the site."""
    event = await managed(turn)
    page = await turn.ask(event_subscriptions, event.id, PageRequest(limit=_MENU))
    people = [each for each in page.items if each.state == "active"]
    if not people:
        return told(f"Nobody follows {event.name} yet.")
    choices = tuple(Choice(each.label[:100], str(each.id), each.kind) for each in people)
    menu = Menu(Action("chosen", event.id, turn.more), "Who gets it", choices, most=len(choices))
    back = Button("To everybody after all", Action("chosen", event.id, turn.more))
    more = line(f"The newest {_MENU} are here; the page has everybody.")
    return Screen((line("Who gets it?"), *((more,) if page.next else ())), rows=(menu, (back,)))


@BOOK.press("chosen")
async def chosen(turn: Turn) -> Answer:
    event = await managed(turn)
    draft = await turn.ask(read_draft, turn.number, "notify")
    picked = [int(each) for each in turn.given.get("picked", "").split(",") if each.isdecimal()]
    data = {"body": draft.data["body"], "to": picked or None}
    await turn.act(change_draft, draft.id, "notify", data)
    return await _shown(turn, event, data["body"], picked or None, draft.id)


@BOOK.press("send")
async def send(turn: Turn) -> Answer:
    """Once: pressed again, it tells when."""
    key = f"draft:{turn.more}"
    if (before := await turn.done_before(key, send_message)) is not None:
        return await report_screen(turn, before.id, already=True)
    event = await managed(turn)
    draft = await turn.ask(read_draft, turn.number, "notify")
    message = NewMessage(title=event.name, body=draft.data["body"], subscription_ids=draft.data["to"])
    accepted = await turn.once(key, send_message, event.id, message)
    return Watch(_progress(turn, accepted))


@BOOK.press("send_me")
async def send_to_me(turn: Turn) -> Answer:
    """To one's own subscription of the event, so that it looks as it will for everybody."""
    event = await managed(turn)
    draft = await turn.ask(read_draft, turn.number, "notify")
    mine = await turn.ask(subscriptions_to, event.id)
    if not mine:
        follow = Button("🔔 Subscribe", Action("subscribe", event.id))
        return Screen((line("You do not follow it yourself, so there is nowhere to send it."),), rows=((follow,),))
    message = NewMessage(title=event.name, body=draft.data["body"], subscription_ids=[mine[0].id])
    await turn.act(send_message, event.id, message)
    return told(f"Sent to you alone, by {mine[0].label}.")


def _form(event_id: str, body: str, more: str = "") -> Form:
    fields = (Field("body", "Message", body, "Doors open at six.", required=True, long=True, at_most=4_000),)
    return Form("Write to everybody", Action("write", event_id, more), fields)


async def _preview(turn: Turn, event: EventView, body: str, number: int | None) -> Screen:
    NewMessage(title=event.name, body=body)  # refuses what cannot be sent before anybody looks at it
    to = None
    if number is None:
        number = await turn.act(keep_draft, "notify", {"body": body, "to": None}, event.id)
    else:
        to = (await turn.ask(read_draft, number, "notify")).data["to"]
        await turn.act(change_draft, number, "notify", {"body": body, "to": to})
    return await _shown(turn, event, body, to, number)


async def _shown(turn: Turn, event: EventView, body: str, to: list[int] | None, number: int) -> Screen:
    kinds = await turn.ask(audience, event.id)
    everybody = sum(kinds.values())
    where = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    count = everybody if to is None else len(to)
    whom = f"everyone ({counted(everybody, 'subscriber', 'subscribers')}: {where})" if to is None else f"{count} chosen"
    more = str(number)
    if not everybody:
        return Screen((line(f"Nobody follows {event.name} yet, so nobody would get it."),))
    first: tuple[Button, ...] = (
        Button(f"Send to {count}", Action("send", event.id, more), style="primary"),
        Button("Edit", Action("write_again", event.id, more)),
        Button("Choose people", Action("choose", event.id, more)),
        Button("Send only to me", Action("send_me", event.id, more)),
        Button("Discard", Action("draft_keep", more=more)),
    )
    lines: tuple[Line, ...] = (line(Quote(body)),)
    rows: tuple[Row, ...] = (first,)
    return Screen(lines, title=f"Preview · to {whom}", rows=rows)


async def _progress(turn: Turn, accepted: Accepted) -> AsyncIterator[Screen]:
    """`Sending… 9 of 12` until nothing waits, then the report."""
    last = -1
    for _ in range(_LOOKS):
        found = await turn.ask(report, accepted.id, PageRequest(limit=25), outcome="failed")
        settled = found.delivered + found.failed + found.skipped
        if _settled(found):
            break
        if settled != last:
            last = settled
            yield Screen((line(f"Sending… {settled} of {accepted.recipients}"),))
        await asyncio.sleep(_BETWEEN_LOOKS)
    yield await report_screen(turn, accepted.id)


def _settled(found: Report) -> bool:
    return not found.waiting
