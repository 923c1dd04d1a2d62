"""Who follows, and who got what."""

from bots.conversation.actions import Action
from bots.conversation.book import BOOK, Option
from bots.conversation.entering import managed
from bots.conversation.screens import Answer, Button, Choice, Line, Menu, Row, Screen, Strong, line, told
from bots.conversation.showing import counted
from bots.conversation.speaker import Turn, number_in
from core.events.model import EventView
from core.notifications.audience import audience
from core.notifications.usecases import event_messages, report, retry
from core.pages import PageRequest
from core.subscriptions.leave import let_back, remove_subscriber
from core.subscriptions.views import event_subscriptions
from core.times import say_clock

PAGE = 10
_MINE = Option("event", "Which one", required=True, completes="told_event")


@BOOK.command("event", "subscribers", "See who follows an event of yours", "organizers", _MINE)
@BOOK.press("subscribers")
async def subscribers(turn: Turn) -> Answer:
    event = await managed(turn)
    kinds = await turn.ask(audience, event.id)
    page = await turn.ask(event_subscriptions, event.id, PageRequest(limit=PAGE, cursor=turn.more or None))
    if not page.items:
        return told(f"Nobody follows {event.name} yet.")
    title = f"{counted(event.subscribers, 'subscriber', 'subscribers')}: " + ", ".join(
        f"{count} {kind}" for kind, count in kinds.items()
    )
    lines = [line(f"{each.label}" + (" (paused)" if each.state == "paused" else "")) for each in page.items]
    choices = tuple(Choice(each.label[:100], str(each.id)) for each in page.items)
    rows: list[Row] = [Menu(Action("remove", event.id), "Remove somebody", choices)]
    more = (Button("More", Action("subscribers", event.id, page.next)),) if page.next else ()
    rows.append((*more, everybody_link(event)))
    return Screen(tuple(lines), title=title, rows=tuple(rows))


def everybody_link(event: EventView) -> Button:
    return Button("All of them ↗", url=f"{event.url}/subscribers")


@BOOK.press("remove")
async def remove(turn: Turn) -> Answer:
    number = turn.given.get("picked", "")
    event = await managed(turn)
    rows = (
        Button("Remove them", Action("remove_yes", event.id, number), style="danger"),
        Button("Back", Action("subscribers", event.id)),
    )
    said = f"Remove them from {event.name}? We don't write to them about it, and they can't rejoin unless you let them."
    return Screen((line(said),), rows=(rows,))


@BOOK.press("remove_yes")
async def removed(turn: Turn) -> Answer:
    await turn.act(remove_subscriber, turn.event_id, turn.number)
    back = Button("Let them back", Action("let_back", turn.event_id, turn.more))
    return Screen((line("Removed."),), rows=((back,),))


@BOOK.press("let_back")
async def back(turn: Turn) -> Answer:
    await turn.act(let_back, turn.event_id, turn.number)
    return told("They may subscribe again.")


@BOOK.command("event", "report", "See who got your last message", "organizers", _MINE)
@BOOK.press("report")
async def reported(turn: Turn) -> Answer:
    """The newest message, with a list of the others."""
    event = await managed(turn)
    picked = turn.given.get("picked") or turn.more
    messages = await turn.ask(event_messages, event.id, 25)
    if not messages:
        return told(f"Nothing was sent about {event.name} yet.")
    screen = await report_screen(turn, number_in(picked) if picked else messages[0].id)
    others = tuple(Choice(f"{each.title[:70]} · {each.created_at:%d %b %H:%M} UTC", str(each.id)) for each in messages)
    return Screen(screen.lines, screen.title, (*screen.rows, Menu(Action("report", event.id), "Another one", others)))


@BOOK.press("report_more")
async def reported_more(turn: Turn) -> Answer:
    """More of those who missed it."""
    number, _, cursor = turn.more.partition(",")
    return await report_screen(turn, number_in(number), cursor=cursor or None)


@BOOK.press("retry")
async def retried(turn: Turn) -> Answer:
    done = await turn.act(retry, turn.number)
    again = Button("Refresh", Action("report", turn.event_id, turn.more))
    if not done.retried:
        return Screen((line("Nothing failed."),), rows=((again,),))
    return Screen((line(f"Trying {done.retried} again."),), rows=((again,),))


async def report_screen(
    turn: Turn, notification_id: int, *, already: bool = False, cursor: str | None = None
) -> Screen:
    """Counts, and a page of those who missed it with the reason. `already`: to somebody who wanted to send it again."""
    found = await turn.ask(report, notification_id, PageRequest(limit=PAGE, cursor=cursor), outcome="failed")
    waiting = await turn.ask(report, notification_id, PageRequest(limit=3), outcome="waiting")
    zone, _ = await turn.zone()
    counts = [f"Delivered {found.delivered}", f"failed {found.failed}", f"waiting {found.waiting}"]
    if found.skipped:
        counts.append(f"no longer needed {found.skipped}")
    lines: list[Line] = [line(f"✗ {each.label}: {each.reason or 'no reason given'}") for each in found.results]
    lines += [line(f"⏸ {each.label}: {each.reason or 'on its way'}") for each in waiting.results]
    event_id, number = found.event_id or "", str(found.id)
    buttons = [Button("Refresh", Action("report", event_id, number))]
    if found.failed:
        buttons.insert(0, Button("Retry failed", Action("retry", event_id, number), style="primary"))
    if found.next:
        buttons.append(Button("More", Action("report_more", event_id, f"{number},{found.next}")))
    buttons.append(Button("Full report ↗", url=f"{turn.core.settings.public_base_url}/e/{event_id}/messages/{number}"))
    title = f"{' · '.join(counts)}   {found.title} · {say_clock(found.created_at, zone)}"
    lines = lines or [line("Everyone got it.")]
    if already:
        lines.insert(0, line(Strong(f"Already sent at {say_clock(found.created_at, zone)}.")))
    return Screen(tuple(lines), title=title, rows=(tuple(buttons),))
