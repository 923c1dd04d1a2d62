"""Write to those who follow: a preview with who gets it where, one Send, and what became of it while it happens."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial

from bots.conversation.actions import Action
from bots.conversation.book import BOOK, Option
from bots.conversation.entering import managed
from bots.conversation.refusals import InsteadError, new_reference, refused
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
    Strong,
    Watch,
    line,
    told,
)
from bots.conversation.showing import counted
from bots.conversation.speaker import Turn, of_draft
from bots.conversation.verbs.following import by_direct_message
from bots.conversation.verbs.reporting import everybody_link, report_screen
from core.chat.drafts import DraftView, change_draft, drop_draft, keep_draft, read_draft
from core.errors import SoonishError
from core.events.model import EventView
from core.notifications.audience import audience, how_many
from core.notifications.model import Accepted, NewMessage, Report
from core.notifications.usecases import report, send_message
from core.pages import PageRequest
from core.subscriptions.views import event_subscriptions, subscriptions_to, ways_to

log = logging.getLogger(__name__)

_LOOKS = 60
_BETWEEN_LOOKS = 1.0
"""Seconds; a minute in all. Then the report tells the rest whenever somebody asks."""
_MENU = 25
_IN_A_FIELD = 4_000
"""Of the UTF-16 units in which Discord counts."""


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
    """Refused here already, before somebody types for nothing."""
    return _form((await managed(turn)).id, "")


@BOOK.press("write")
async def written(turn: Turn) -> Answer:
    draft = await _draft_shown(turn) if turn.more else None
    body = "\n".join(filter(None, (turn.given.get(name, "") for name in ("body", "rest"))))
    return await _preview(turn, await managed(turn), body, draft.id if draft is not None else None)


@BOOK.press("write_again", opens_form=True)
async def write_again(turn: Turn) -> Answer:
    draft = await _draft_shown(turn)
    return _form(turn.event_id, draft.data["body"], str(draft.id))


@BOOK.press("choose")
async def choose(turn: Turn) -> Answer:
    """The newest 25; more of them are chosen on the site."""
    event = await managed(turn)
    await _draft_shown(turn)
    page = await turn.ask(event_subscriptions, event.id, PageRequest(limit=_MENU))
    people = [each for each in page.items if each.state == "active"]
    if not people:
        return told(f"Nobody follows {event.name} yet.")
    choices = tuple(Choice(each.label[:100], str(each.id), each.kind) for each in people)
    menu = Menu(Action("chosen", event.id, turn.more), "Who gets it", choices, most=len(choices))
    back = Button("To everybody after all", Action("chosen", event.id, turn.more))
    if not page.next:
        return Screen((line("Who gets it?"),), rows=(menu, (back,)))
    more = line(f"The newest {_MENU} are here. On the page you choose from all and write to them there.")
    return Screen((line("Who gets it?"), more), rows=(menu, (back, everybody_link(event))))


@BOOK.press("chosen")
async def chosen(turn: Turn) -> Answer:
    event = await managed(turn)
    draft = await _draft_shown(turn)
    picked = [int(each) for each in turn.given.get("picked", "").split(",") if each.isdecimal()]
    draft.data = {"body": draft.data["body"], "to": picked or None}
    await turn.act(change_draft, draft.id, "notify", draft.data)
    return await _shown(turn, event, draft)


@BOOK.press("send")
async def send(turn: Turn) -> Answer:
    """Once: pressed again, it tells when."""
    event = await managed(turn)
    draft = await _draft_shown(turn)
    message = NewMessage(title=event.name, body=draft.data["body"], subscription_ids=draft.data["to"])
    accepted = await turn.once(f"draft:{draft.id}", send_message, event.id, message)
    return Watch(_progress(turn, event.id, accepted))


@BOOK.press("send_me")
async def send_to_me(turn: Turn) -> Answer:
    """To one's own subscription of the event, so that it looks as it will for everybody. The preview stays."""
    event = await managed(turn)
    draft = await _draft_shown(turn)
    preview = await _shown(turn, event, draft)
    mine = await turn.ask(subscriptions_to, event.id)
    if not mine:
        follow = Button("🔔 Subscribe", Action("follow_too", event.id, turn.more))
        said = line("You do not follow it yourself, so there is nowhere to send it.")
        return replace(preview, lines=(said, *preview.lines), rows=(*preview.rows, (follow,)))
    message = NewMessage(title=event.name, body=draft.data["body"], subscription_ids=[mine[0].id])
    await turn.act(send_message, event.id, message)
    return replace(preview, lines=(line(Strong(f"Sent to you alone, by {mine[0].label}.")), *preview.lines))


@BOOK.press("follow_too")
async def follow_too(turn: Turn) -> Answer:
    """On the way to send it to oneself."""
    event = await managed(turn)
    done = await by_direct_message(turn, event, await turn.ask(ways_to, event))
    back = Button("Back to the preview", Action("preview", event.id, turn.more))
    return replace(done, rows=(*done.rows, (back,)))


@BOOK.press("preview")
async def looked_again(turn: Turn) -> Answer:
    draft = await _draft_shown(turn)
    return await _shown(turn, await managed(turn), draft)


@BOOK.press("discard")
async def discarded(turn: Turn) -> Answer:
    draft = await _draft_shown(turn)
    await turn.act(drop_draft, draft.id)
    return told("Nothing was sent.")


def _form(event_id: str, body: str, more: str = "") -> Form:
    """One field, and a second for the end of what does not fit into it."""
    first, rest = _divided(body)
    fields = [Field("body", "Message", first, "Doors open at six.", required=True, long=True, at_most=4_000)]
    if rest:
        fields.append(Field("rest", "The end of it", rest, long=True, at_most=4_000))
    return Form("Write to everybody", Action("write", event_id, more), tuple(fields))


def _divided(body: str) -> tuple[str, str]:
    """Between two words, if there are any."""
    first = body.encode("utf-16-le")[: 2 * _IN_A_FIELD].decode("utf-16-le", "ignore")
    if first == body:
        return body, ""
    between = max(first.rfind("\n"), first.rfind(" "))
    at = between if between > 0 else len(first)
    return body[:at].rstrip(), body[at:].lstrip()


async def _preview(turn: Turn, event: EventView, body: str, number: int | None) -> Screen:
    turn.again = partial(_kept, turn, event, body, number)
    NewMessage(title=event.name, body=body)  # refuses what cannot be sent before anybody looks at it
    return await _shown(turn, event, await _keep(turn, event, body, number))


async def _kept(turn: Turn, event: EventView, body: str, number: int | None) -> Action:
    return Action("write_again", event.id, str((await _keep(turn, event, body, number)).id))


async def _keep(turn: Turn, event: EventView, body: str, number: int | None) -> DraftView:
    """To whom it goes, what was chosen, stays when the words change."""
    if number is None:
        data = {"body": body, "to": None}
        number = await turn.act(keep_draft, "notify", data, event.id)
        return DraftView(id=number, purpose="notify", data=data, created_at=turn.core.clock.now())
    draft = await turn.ask(read_draft, number, "notify")
    draft.data = {"body": body, "to": draft.data["to"]}
    await turn.act(change_draft, number, "notify", draft.data)
    return draft


async def _draft_shown(turn: Turn) -> DraftView:
    """What the preview shows. Raises InsteadError where it is sent, or was changed since."""
    number, mark, _ = of_draft(turn.more)
    if (before := await turn.done_before(f"draft:{number}", send_message)) is not None:
        raise InsteadError(await report_screen(turn, before.id, already=True))
    draft = await turn.ask(read_draft, number, "notify")
    if not mark or mark == draft.mark:
        return draft
    now = await _shown(turn, await managed(turn), draft)
    said = line("This preview was changed since. This is how it is now:")
    raise InsteadError(replace(now, lines=(said, *now.lines)))


async def _shown(turn: Turn, event: EventView, draft: DraftView) -> Screen:
    body, to = draft.data["body"], draft.data["to"]
    kinds = await turn.ask(audience, event.id)
    where = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    message = NewMessage(title=event.name, body=body, subscription_ids=to)
    count = event.subscribers if to is None else await turn.ask(how_many, event.id, message)
    whom = f"everyone ({counted(count, 'subscriber', 'subscribers')}: {where})" if to is None else f"{count} chosen"
    more = f"{draft.id},{draft.mark}"
    if not kinds:
        return Screen((line(f"Nobody follows {event.name} yet, so nobody would get it."),))
    first: tuple[Button, ...] = (
        Button(f"Send to {count}", Action("send", event.id, more), style="primary"),
        Button("Edit", Action("write_again", event.id, more)),
        Button("Choose people", Action("choose", event.id, more)),
        Button("Send only to me", Action("send_me", event.id, more)),
        Button("Discard", Action("discard", event.id, more)),
    )
    lines: tuple[Line, ...] = (line(Strong(event.name)), line(Quote(body)))
    rows: tuple[Row, ...] = (first,)
    return Screen(lines, title=f"Preview · to {whom}", rows=rows)


async def _progress(turn: Turn, event_id: str, accepted: Accepted) -> AsyncIterator[Screen]:
    """`Sending… 9 of 12` until nothing waits, then the report. The sending goes on whatever fails here, so every screen
    has a way to look again, also after the end of this process."""
    refresh = ((Button("Refresh", Action("report", event_id, str(accepted.id))),),)
    last = -1
    for _ in range(_LOOKS):
        found = await _looked(turn, accepted)
        if found is not None and not found.waiting:
            break
        settled = found.delivered + found.failed + found.skipped if found is not None else last
        if settled != last:
            last = settled
            yield told(f"Sending… {settled} of {accepted.recipients}", rows=refresh)
        await asyncio.sleep(_BETWEEN_LOOKS)
    yield await _ended(turn, accepted, refresh)


async def _looked(turn: Turn, accepted: Accepted) -> Report | None:
    try:
        return await turn.ask(report, accepted.id, PageRequest(limit=1), outcome="failed")
    except Exception:
        log.exception("a look at message %d failed", accepted.id)
        return None


async def _ended(turn: Turn, accepted: Accepted, refresh: tuple[Row, ...]) -> Screen:
    try:
        return await report_screen(turn, accepted.id)
    except SoonishError as refusal:
        return refused(refusal)
    except Exception:
        said = new_reference()
        log.exception("reference %s: the report of message %d failed", said, accepted.id)
        return told(
            f"Something broke on our side. Your message is being sent all the same. Reference {said}.", rows=refresh
        )
