"""Putting an event's card into a channel: announced once there, and open to those who see it there."""

from collections.abc import Sequence

from bots.conversation.actions import Action
from bots.conversation.book import BOOK
from bots.conversation.creators import may_put_on_here, refuse_strangers
from bots.conversation.screens import Answer, Button, ChannelMenu, Post, Screen, line, told
from bots.conversation.showing import calendar_button, details
from bots.conversation.speaker import Turn
from core.cards.announcements import announce, card_for, list_announcements
from core.cards.hands import still_there
from core.cards.model import CALENDAR, Announcement, Posted, Space
from core.errors import Code, SoonishError, conflict
from core.events.model import EventView
from core.events.usecases import get_event


async def details_of(turn: Turn, event: EventView) -> Screen:
    """The event with everything that this person may do with it here."""
    return details(event, turn.core.clock.now(), await _posting_buttons(turn, event))


async def _posting_buttons(turn: Turn, event: EventView) -> tuple[Button, ...]:
    place = turn.speaker.place
    if not event.mine or place is None or not await may_put_on_here(turn):
        return ()
    card = (Button("Post a card here", Action("post", event.id)),) if place.space_id else ()
    return (*card, *calendar_button(event, turn.core.clock.now(), turn.speaker.calendar))


async def post_card(turn: Turn, event_id: str, channel_id: str) -> Answer:
    """It takes what creating events there takes: one from elsewhere is new to everybody here. A private event is open
    to the channel that its card is posted in: that is what posting it there says. It is so once the card stands there:
    whoever may not write there lets nobody in."""
    place = turn.speaker.place
    if place is None or not place.tenant_id:
        where = f"{turn.speaker.dialect.space}s"
        raise SoonishError(Code.INVALID, f"Cards are posted in {where}.", hint="Use this in a channel.")
    if not channel_id:
        raise SoonishError(Code.INVALID, "There is no channel here to post in.", hint="Use this in one.")
    await refuse_strangers(turn)
    event = await turn.ask(get_event, event_id)
    if not event.mine:
        raise SoonishError(Code.FORBIDDEN, "Only the organizer posts this.", hint="Ask them.")
    calendar = channel_id == CALENDAR
    space = Space(platform=turn.speaker.platform, tenant_id=place.tenant_id, channel_id=channel_id)
    there = [each for each in (await turn.ask(list_announcements, event_id)).items if each.space == space]
    card = await turn.ask(card_for, event_id, space)
    if card.closed and calendar:
        raise conflict(
            f"Everybody here sees the {turn.speaker.dialect.space}'s events, and {event.name} is by invitation.",
            hint="Post its card in a channel instead.",
        )
    if card.closed:
        card = await turn.ask(card_for, event_id, space, opening=True)
    elif await _stands(turn, there):
        where = "among the server's events" if calendar else "posted there"
        return Screen((line(f"{event.name} is {where} already."),), rows=((Button("Open page ↗", url=event.url),),))
    return Post(space, card, there[-1].message_id if there else "")


async def _stands(turn: Turn, there: Sequence[Announcement]) -> bool:
    """Nobody tells us of a card that was deleted, so the platform is asked."""
    for each in there:
        if not each.gone and await still_there(turn.core, turn.outbound.sender, each.id):
            return True
    return False


@BOOK.press("post")
async def posted_from_details(turn: Turn) -> Answer:
    place = turn.speaker.place
    channel = turn.given.get("picked") or (place.space_id if place else None) or ""
    return await post_card(turn, turn.event_id, channel)


@BOOK.press("calendar")
async def added_to_calendar(turn: Turn) -> Answer:
    if not turn.speaker.calendar:
        raise SoonishError(Code.INVALID, "There is no list of events here.", hint="Use this in a server.")
    event = await turn.ask(get_event, turn.event_id)
    if event.mine and not calendar_button(event, turn.core.clock.now(), turn.speaker.calendar):
        return told(f"{event.name} is not to come any more, and the server lists only what is.")
    return await post_card(turn, turn.event_id, CALENDAR)


async def posted(turn: Turn, post: Post, message_id: str) -> Answer:
    """What its organizer hears when the card stands there."""
    await turn.act(announce, post.card.event_id, Posted(space=post.space, message_id=message_id, card=post.card))
    event = await turn.ask(get_event, post.card.event_id)
    manage = (Button("Details", Action("details", event.id)), Button("Open page ↗", url=event.url))
    if post.space.channel_id == CALENDAR:
        said = f"{event.name} is among the server's events, and changes there too."
        return Screen((line(said), line("Reminders come to whoever presses Subscribe on a card.")), rows=(manage,))
    also = calendar_button(event, turn.core.clock.now(), turn.speaker.calendar)
    return Screen((line(f"Posted {event.name}. The card changes with the event."),), rows=((*manage, *also),))


async def not_posted(post: Post, why: str) -> Answer:
    """The event is there all the same, and may be posted elsewhere. `why`: a sentence with what to do."""
    if post.space.channel_id == CALENDAR:
        again = Button("Try again", Action("calendar", post.card.event_id))
        return Screen((line("Not added to the server's events. ", why),), rows=((again,),))
    again = Button("Try again", Action("post", post.card.event_id))
    elsewhere = ChannelMenu(Action("post", post.card.event_id), "Post elsewhere")
    return Screen((line("The event is created, but not posted. ", why),), rows=((again,), elsewhere))
