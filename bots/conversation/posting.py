"""Putting an event's card into a channel: announced once there, and open to those who see it there."""

from collections.abc import Sequence

from bots.conversation.actions import Action
from bots.conversation.book import BOOK
from bots.conversation.creators import may_put_on_here, refuse_strangers
from bots.conversation.screens import Answer, Button, ChannelMenu, Mention, Post, Row, Screen, line, told
from bots.conversation.showing import calendar_button, details
from bots.conversation.speaker import Turn
from core.cards.announcements import announce, card_for, list_announcements
from core.cards.hands import still_there
from core.cards.model import CALENDAR, Announcement, Posted, Space
from core.errors import Code, SoonishError, conflict
from core.events.model import EventView
from core.events.usecases import get_event

_OPENING = "open"
"""Behind a press: who presses was told that everybody in the channel will see it."""


async def details_of(turn: Turn, event: EventView, *, by: str = "") -> Screen:
    """The event with everything that this person may do with it here. `by`: how they hear about it already."""
    return details(event, turn.core.clock.now(), await _posting_buttons(turn, event), by)


async def _posting_buttons(turn: Turn, event: EventView) -> tuple[Button, ...]:
    place = turn.speaker.place
    if not event.mine or place is None or not await may_put_on_here(turn):
        return ()
    card = (Button("Post a card here", Action("post", event.id)),) if place.space_id else ()
    return (*card, *await _calendar_button(turn, event))


async def _calendar_button(turn: Turn, event: EventView) -> tuple[Button, ...]:
    """Not for what everybody in the place may not see."""
    buttons, place = calendar_button(event, turn.core.clock.now(), turn.speaker.calendar), turn.speaker.place
    if buttons and place is not None and not event.is_public:
        everybody = Space(platform=turn.speaker.platform, tenant_id=place.tenant_id, channel_id=CALENDAR)
        return () if (await turn.ask(card_for, event.id, everybody)).closed else buttons
    return buttons


async def post_card(turn: Turn, event_id: str, channel_id: str, again: Action | None, *, opening: bool) -> Answer:
    """It takes what creating events there takes: one from elsewhere is new to everybody here. A private event is open
    to the channel that its card is posted in: that is what posting it there says. It is so once the card stands there:
    whoever may not write there lets nobody in. `opening`: they were told so before. `again`: what posts it there once
    more."""
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
    if card.closed and not opening:
        return _asked_first(turn, event)
    if card.closed:
        card = await turn.ask(card_for, event_id, space, opening=True)
    elif await _stands(turn, there):
        where = "among the server's events" if calendar else "posted there"
        return Screen((line(f"{event.name} is {where} already."),), rows=((Button("Open page ↗", url=event.url),),))
    return Post(space, card, there[-1].message_id if there else "", again)


def _asked_first(turn: Turn, event: EventView) -> Screen:
    where = turn.speaker.space_name or "this channel"
    said = f"{event.name} is by invitation. Post its card here, and everybody in {where} will see it."
    post = Button("Post it here", Action("post", event.id, _OPENING), style="primary")
    return Screen((line(said),), rows=((post, Button("Back", Action("details", event.id))),))


async def _stands(turn: Turn, there: Sequence[Announcement]) -> bool:
    """Nobody tells us of a card that was deleted, so the platform is asked."""
    for each in there:
        if not each.gone and await still_there(turn.core, turn.outbound.sender, each.id):
            return True
    return False


@BOOK.press("post")
async def posted_from_details(turn: Turn) -> Answer:
    """Here, or where a menu says."""
    place, picked = turn.speaker.place, turn.given.get("picked")
    channel, again = picked or (place.space_id if place else None) or "", None if picked else turn.action
    return await post_card(turn, turn.event_id, channel, again, opening=turn.more == _OPENING)


@BOOK.press("calendar")
async def added_to_calendar(turn: Turn) -> Answer:
    if not turn.speaker.calendar:
        raise SoonishError(Code.INVALID, "There is no list of events here.", hint="Use this in a server.")
    event = await turn.ask(get_event, turn.event_id)
    if event.mine and not calendar_button(event, turn.core.clock.now(), turn.speaker.calendar):
        return told(f"{event.name} is no longer coming up, and the server lists only what is.")
    return await post_card(turn, turn.event_id, CALENDAR, turn.action, opening=False)


async def posted(turn: Turn, post: Post, message_id: str) -> Answer:
    """What its organizer hears when the card stands there."""
    await turn.act(announce, post.card.event_id, Posted(space=post.space, message_id=message_id, card=post.card))
    event = await turn.ask(get_event, post.card.event_id)
    manage = (Button("Details", Action("details", event.id)), Button("Open page ↗", url=event.url))
    if post.space.channel_id == CALENDAR:
        said = f"{event.name} is among the server's events, and changes there too."
        return Screen((line(said), line("Reminders come to whoever presses Subscribe on a card.")), rows=(manage,))
    also = await _calendar_button(turn, event)
    done = line(
        f"Posted {event.name} in ", Mention("channel", post.space.channel_id), ". The card changes with the event."
    )
    return Screen((done,), rows=((*manage, *also),))


async def not_posted(post: Post, why: str) -> Answer:
    """The event is there all the same, and may be posted elsewhere. `why`: a sentence with what to do."""
    again: Row = (Button("Try again", post.again),) if post.again is not None else ()
    if post.space.channel_id == CALENDAR:
        return Screen((line("Not added to the server's events. ", why),), rows=(again,))
    told_before = "" if post.card.is_public else _OPENING
    elsewhere = ChannelMenu(Action("post", post.card.event_id, told_before), "Post elsewhere")
    return Screen(
        (line("The event is created, but not posted. ", why),), rows=(again, elsewhere) if again else (elsewhere,)
    )
