"""Subscribe with one press, through any channel of one's own, and leave as easily."""

from bots.conversation.actions import Action
from bots.conversation.book import BOOK, Option
from bots.conversation.entering import seen
from bots.conversation.own_channels import BACK, one_of, own_channels
from bots.conversation.screens import Answer, Button, Choice, Choices, Menu, Row, Screen, line
from bots.conversation.showing import heard
from bots.conversation.speaker import Turn, number_in
from core.errors import Code, SoonishError
from core.events.model import EventView
from core.identities.direct import direct_channel, greet
from core.identities.signed import LABELS
from core.integrations.model import IntegrationChange, IntegrationView
from core.integrations.usecases import change_integration, try_integration
from core.subscriptions.instead import follow_instead
from core.subscriptions.join import subscribe_by_channel
from core.subscriptions.leave import leave_event
from core.subscriptions.model import SubscribeByChannel, Subscribed, SubscriptionView, Ways
from core.subscriptions.undo import undo_unsubscribe
from core.subscriptions.views import ways_to


@BOOK.command(
    "event", "subscribe", "Hear about an event", "everybody",
    Option("event", "Which one", required=True, completes="event"),
    Option("via", "Another channel of yours", completes="channel"),
)  # fmt: skip
async def subscribe(turn: Turn) -> Answer:
    via = turn.given.get("via", "").strip()
    met = await seen(turn, turn.event_id, ways=True)
    if not via:
        return await by_direct_message(turn, met.event, met.ways)
    if not via.isdecimal():
        raise SoonishError(
            Code.INVALID,
            "Pick the channel from the list.",
            hint=f"Your channels: {turn.speaker.dialect.command('me', 'channels')}.",
        )
    return await _through(turn, met.event, one_of(met.ways.channels, number_in(via)))


@BOOK.press("subscribe")
async def pressed(turn: Turn) -> Answer:
    met = await seen(turn, turn.event_id, ways=True)
    return await by_direct_message(turn, met.event, met.ways)


@BOOK.press("via")
async def picked(turn: Turn) -> Answer:
    """Another channel instead of those there are: what comes by two of them is read twice."""
    event, channel = await _picked(turn)
    if not channel.is_active:
        return await _off(turn, event, channel)
    return await _told(turn, event, channel, await turn.act(follow_instead, event.id, channel.id))


@BOOK.press("also")
async def picked_too(turn: Turn) -> Answer:
    """Another channel beside those there are."""
    event, channel = await _picked(turn)
    return await _through(turn, event, channel)


@BOOK.press("switch_on")
async def switched_on(turn: Turn) -> Answer:
    event = (await seen(turn, turn.event_id)).event
    channel = await turn.act(change_integration, turn.number, IntegrationChange(is_active=True))
    return await _through(turn, event, channel)


@BOOK.press("change")
async def change(turn: Turn) -> Answer:
    met = await seen(turn, turn.event_id, ways=True)
    if not met.ways.follows:
        return await by_direct_message(turn, met.event, met.ways)
    said = line(f"You hear about {met.event.name} by {by_channels(met.ways.follows)}.")
    return Screen((said,), rows=_rows(met.event, met.ways, test=None))


@BOOK.press("test")
async def test(turn: Turn) -> Answer:
    done = await try_integration(turn.core, turn.outbound, await turn.who(), turn.number)
    if done.delivered:
        return Screen((line("Sent. It should be there now."),), rows=((BACK,),))
    again = Button("Try again", Action("test", more=turn.more))
    return Screen((line(f"That did not work: {done.reason or 'nobody answered'}"),), rows=((again, BACK),))


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
    done = await turn.act(undo_unsubscribe, turn.more)
    if done.active:
        said = "You are back."
    elif done.restored:
        said = "It is as it was before."
    else:
        said = "You are still out." if done.still_out else "There was nothing to bring back."
    return Screen((line(said), *(line(f"{each.event_name}: {each.words}") for each in done.still_out)))


@BOOK.completes("channel")
async def offer_channels(turn: Turn, text: str) -> Choices:
    items = await own_channels(turn)
    wanted = text.strip().lower()
    found = [each for each in items if wanted in each.name.lower() or wanted in each.tag]
    return Choices(tuple(Choice(f"{each.name} ({each.kind})"[:100], str(each.id)) for each in found[:25]))


async def by_direct_message(turn: Turn, event: EventView, ways: Ways) -> Screen:
    if (already := await _already(turn, event, ways)) is not None:
        return already
    actor = await turn.who()
    channel = await turn.core.act(actor, direct_channel)  # the same for a press that the platform repeats
    if channel.opened:
        # The first time, and after it failed: better to hear it now than to miss the event.
        greeted = await greet(turn.core, turn.outbound, actor, channel)
        if greeted.permanent and not greeted.about_message:
            return _closed(turn, event, await _others(turn, channel))
    return await _through(turn, event, channel)


async def _already(turn: Turn, event: EventView, ways: Ways) -> Screen | None:
    """What a second press says; None while nothing reaches them, and for a press that the platform repeats."""
    on = {each.id for each in ways.channels if each.is_active}
    reached = any(row.integration_id in on for row in ways.follows)
    if not reached or await turn.acted(subscribe_by_channel) is not None:
        return None
    return _subscribed_before(event, ways.follows)


def _subscribed_before(event: EventView, rows: list[SubscriptionView]) -> Screen:
    change, out = Button("Change", Action("change", event.id)), Button("Unsubscribe", Action("leave", event.id))
    return Screen((line(f"You're already subscribed by {by_channels(rows)}."),), rows=((change, out),))


def _closed(turn: Turn, event: EventView, others: list[IntegrationView]) -> Screen:
    """Nothing is subscribed: they choose how to be reached."""
    again = Button("Try again", Action("subscribe", event.id), style="primary")
    add = () if others else (Button("Use another channel", Action("channel_add")),)
    said = f"I can't message you: {turn.speaker.dialect.closed}"
    return Screen((line(said),), rows=((again, *add), *_menu("via", event, "Use another channel", others)))


async def _off(turn: Turn, event: EventView, channel: IntegrationView) -> Screen:
    """They switched it off themselves, or it waits for its address: nothing is subscribed before they say how."""
    on = Button("Switch on and subscribe", Action("switch_on", event.id, str(channel.id)), style="primary")
    add = Button("Add a channel", Action("channel_add"))
    why = "is switched off" if channel.confirmed else "waits for its address to say yes"
    said = f"Your channel {channel.name} {why}, so nothing would reach you there."
    menu = _menu("via", event, "Use another channel", await _others(turn, channel))
    return Screen((line(said),), rows=((on, add) if channel.confirmed else (add,), *menu))


async def _through(turn: Turn, event: EventView, channel: IntegrationView) -> Screen:
    if not channel.is_active:
        return await _off(turn, event, channel)
    request = SubscribeByChannel(integration_ids=[channel.id])
    done = await turn.act(subscribe_by_channel, event.id, request)
    if not done.created:
        return _subscribed_before(event, (await turn.ask(ways_to, event)).follows)
    return await _told(turn, event, channel, done)


async def _told(turn: Turn, event: EventView, channel: IntegrationView, done: Subscribed) -> Screen:
    """By all the channels there are now, so that nobody wonders what comes twice."""
    ways = await turn.ask(ways_to, event)
    rows = ways.follows or done.subscriptions
    alone = [row.integration_id for row in rows] == [channel.id]
    here = alone and rows[0].kind == f"{LABELS[turn.speaker.platform]} DM"
    where = "here by direct message" if here else f"by {by_channels(rows)}"
    when = heard(event.start_date, turn.core.clock.now())
    said = f"🔔 You'll hear about {event.name} {where}: {when}."
    return Screen((line(said),), rows=_rows(event, ways, test=channel.id))


def _rows(event: EventView, ways: Ways, *, test: int | None) -> tuple[Row, ...]:
    buttons = [Button("Send me a test", Action("test", more=str(test)))] if test is not None else []
    on = [each for each in ways.channels if each.is_active]
    used = {row.integration_id for row in ways.follows}
    one, unused = len(used) == 1, [each for each in on if each.id not in used]
    return (
        (*buttons, Button("Unsubscribe", Action("leave", event.id))),
        *_menu("via", event, "Use another channel" if one else "Use one channel alone", unused if one else on),
        *_menu("also", event, "Add another channel", unused),
    )


def _menu(verb: str, event: EventView, words: str, channels: list[IntegrationView]) -> tuple[Row, ...]:
    if not channels:
        return ()
    choices = tuple(Choice(each.name[:100], str(each.id), each.kind) for each in channels[:25])
    return (Menu(Action(verb, event.id), words, choices),)


def by_channels(rows: list[SubscriptionView]) -> str:
    *first, last = [row.label for row in rows]
    return f"{', '.join(first)} and {last}" if first else last


async def _picked(turn: Turn) -> tuple[EventView, IntegrationView]:
    met = await seen(turn, turn.event_id, ways=True)
    return met.event, one_of(met.ways.channels, number_in(turn.given.get("picked", "")))


async def _others(turn: Turn, channel: IntegrationView) -> list[IntegrationView]:
    return [each for each in await own_channels(turn) if each.is_active and each.id != channel.id]
