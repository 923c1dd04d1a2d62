"""Subscribe with one press, through any channel of one's own, and leave as easily."""

from bots.conversation.actions import Action
from bots.conversation.book import BOOK, Option
from bots.conversation.entering import seen
from bots.conversation.screens import Answer, Button, Choice, Choices, Menu, Row, Screen, line
from bots.conversation.showing import heard
from bots.conversation.speaker import Turn, number_in
from core.errors import Code, SoonishError
from core.events.model import EventView
from core.identities.direct import direct_channel
from core.identities.signed import LABELS
from core.integrations.model import IntegrationView
from core.integrations.usecases import greet, list_integrations, try_integration
from core.pages import PageRequest
from core.subscriptions.join import subscribe_by_channel
from core.subscriptions.leave import leave_event, undo_unsubscribe
from core.subscriptions.model import SubscribeByChannel
from core.subscriptions.views import subscriptions_to

_MANY = PageRequest(limit=100)


@BOOK.command(
    "event", "subscribe", "Hear about an event", "everybody",
    Option("event", "Which one", required=True, completes="event"),
    Option("via", "Another channel of yours", completes="channel"),
)  # fmt: skip
async def subscribe(turn: Turn) -> Answer:
    via = turn.given.get("via", "").strip()
    event = await seen(turn, turn.event_id)
    if not via:
        return await _by_direct_message(turn, event)
    if not via.isdecimal():
        raise SoonishError(
            Code.INVALID,
            "Pick the channel from the list.",
            hint=f"Your channels: {turn.speaker.dialect.command('me', 'channels')}.",
        )
    return await _through(turn, event, number_in(via))


@BOOK.press("subscribe")
async def pressed(turn: Turn) -> Answer:
    return await _by_direct_message(turn, await seen(turn, turn.event_id))


@BOOK.press("via")
async def picked(turn: Turn) -> Answer:
    """Another channel instead of, or beside, the one there is."""
    return await _through(turn, await seen(turn, turn.event_id), number_in(turn.given.get("picked", "")))


@BOOK.press("change")
async def change(turn: Turn) -> Answer:
    event = await seen(turn, turn.event_id)
    rows = await turn.ask(subscriptions_to, event.id)
    if not rows:
        return await _by_direct_message(turn, event)
    names = ", ".join(row.label for row in rows)
    return Screen((line(f"You hear about {event.name} by {names}."),), rows=await _rows(turn, event, test=None))


@BOOK.press("test")
async def test(turn: Turn) -> Answer:
    done = await try_integration(turn.core, turn.outbound, await turn.who(), turn.number)
    if done.delivered:
        return Screen((line("Sent. It should be there now."),))
    again = Button("Try again", Action("test", more=turn.more))
    return Screen((line(f"That did not work: {done.reason or 'nobody answered'}"),), rows=((again,),))


@BOOK.command(
    "event", "unsubscribe", "Hear no more about an event", "everybody",
    Option("event", "Which one", required=True, completes="followed"),
)  # fmt: skip
@BOOK.press("leave")
async def leave(turn: Turn) -> Answer:
    left = await turn.act(leave_event, turn.event_id)
    if left.undo is None:
        again = Button("Subscribe", Action("subscribe", turn.event_id))
        return Screen((line(f"You do not follow {left.event_name}."),), rows=((again,),))
    undo = Button("Undo", Action("undo", more=left.undo))
    return Screen((line(f"Done, no more messages about {left.event_name}."),), rows=((undo,),))


@BOOK.press("undo")
async def undo(turn: Turn) -> Answer:
    count = await turn.act(undo_unsubscribe, turn.more)
    return Screen((line("You are back." if count else "There was nothing to bring back."),))


@BOOK.completes("channel")
async def offer_channels(turn: Turn, text: str) -> Choices:
    items = await _channels(turn)
    wanted = text.strip().lower()
    found = [each for each in items if wanted in each.name.lower() or wanted in each.tag]
    return Choices(tuple(Choice(f"{each.name} ({each.kind})"[:100], str(each.id)) for each in found[:25]))


async def _by_direct_message(turn: Turn, event: EventView) -> Screen:
    kind = f"{LABELS[turn.speaker.platform]} DM"
    before = await _channels(turn)
    known = any(each.kind == kind and each.is_active for each in before)
    channel = await turn.act(direct_channel)
    if not known and channel.is_active:
        # The first time, and after it failed: better to hear it now than to miss the event.
        greeted = await greet(turn.core, turn.outbound, await turn.who(), channel.id)
        if greeted.permanent and not greeted.about_message:
            return _closed(turn, event, [each for each in before if each.is_active and each.id != channel.id])
    return await _through(turn, event, channel.id)


def _closed(turn: Turn, event: EventView, others: list[IntegrationView]) -> Screen:
    """Nothing is subscribed: they choose how to be reached."""
    again = Button("Try again", Action("subscribe", event.id), style="primary")
    add = () if others else (Button("Use another channel", Action("channel_add")),)
    said = f"I can't message you: {turn.speaker.dialect.closed}"
    return Screen((line(said),), rows=((again, *add), *_others(event, others)))


async def _through(turn: Turn, event: EventView, channel_id: int) -> Screen:
    done = await turn.act(subscribe_by_channel, event.id, SubscribeByChannel(integration_ids=[channel_id]))
    row = done.subscriptions[0]
    if not done.created:
        change, out = Button("Change", Action("change", event.id)), Button("Unsubscribe", Action("leave", event.id))
        return Screen((line(f"You're already subscribed by {row.label}."),), rows=((change, out),))
    here = row.integration_id == channel_id and row.kind == f"{LABELS[turn.speaker.platform]} DM"
    where = "here by direct message" if here else f"by {row.label}"
    when = heard(event.start_date, turn.core.clock.now())
    said = f"🔔 You'll hear about {event.name} {where}: {when}."
    return Screen((line(said),), rows=await _rows(turn, event, test=channel_id))


async def _rows(turn: Turn, event: EventView, *, test: int | None) -> tuple[Row, ...]:
    buttons = [Button("Send me a test", Action("test", more=str(test)))] if test is not None else []
    rows: list[Row] = [(*buttons, Button("Unsubscribe", Action("leave", event.id)))]
    others = [each for each in await _channels(turn) if each.is_active and each.id != test]
    return (*rows, *_others(event, others))


def _others(event: EventView, channels: list[IntegrationView]) -> tuple[Row, ...]:
    if not channels:
        return ()
    choices = tuple(Choice(each.name[:100], str(each.id), each.kind) for each in channels[:25])
    return (Menu(Action("via", event.id), "Use another channel", choices),)


async def _channels(turn: Turn) -> list[IntegrationView]:
    return (await turn.ask(list_integrations, _MANY)).items
