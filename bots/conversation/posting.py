"""Putting an event's card into a channel: announced once there, and open to those who see it there."""

from core.cards.announcements import begin_announcement, drop_announcement, finish_announcement

from bots.conversation.actions import Action
from bots.conversation.book import BOOK
from bots.conversation.screens import Answer, Button, ChannelMenu, Post, Screen, line
from bots.conversation.speaker import Turn
from core.errors import Code, SoonishError
from core.events.usecases import get_event
from core.invitations.model import NewInChat
from core.invitations.offer import invite


async def post_card(turn: Turn, event_id: str, channel_id: str) -> Answer:
    """A private event is open to the channel that its card is posted in: that is what posting it there says."""
    place = turn.speaker.place
    if place is None or not place.tenant_id:
        raise SoonishError(Code.INVALID, "Cards are posted in servers.", hint="Use this in a channel.")
    event = await turn.ask(get_event, event_id)
    if not event.mine:
        raise SoonishError(Code.FORBIDDEN, "Only the organizer posts this.", hint="Ask them.")
    if not event.is_public:
        room = NewInChat(
            kind="space", platform=turn.speaker.platform, tenant_id=place.tenant_id, external_id=channel_id
        )
        await turn.act(invite, event_id, room)
    if not await turn.act(begin_announcement, event_id, turn.speaker.platform, place.tenant_id, channel_id):
        return Screen(
            (line(f"{event.name} is posted there already."),), rows=((Button("Open page ↗", url=event.url),),)
        )
    return Post(event_id, channel_id)


@BOOK.press("post")
async def posted_from_details(turn: Turn) -> Answer:
    place = turn.speaker.place
    channel = turn.given.get("picked") or (place.space_id if place else None) or ""
    return await post_card(turn, turn.event_id, channel)


async def posted(turn: Turn) -> Answer:
    """What its organizer hears when the card stands there."""
    place = turn.speaker.place
    tenant, channel = place.tenant_id if place else "", turn.given["channel"]
    await turn.act(finish_announcement, turn.event_id, turn.speaker.platform, tenant, channel, turn.given["message"])
    event = await turn.ask(get_event, turn.event_id)
    manage = (Button("Details", Action("details", event.id)), Button("Open page ↗", url=event.url))
    return Screen((line(f"Posted {event.name}. The card changes with the event."),), rows=(manage,))


async def not_posted(turn: Turn) -> Answer:
    """The event is there all the same, and may be posted elsewhere."""
    place = turn.speaker.place
    tenant, channel = place.tenant_id if place else "", turn.given["channel"]
    await turn.act(drop_announcement, turn.event_id, turn.speaker.platform, tenant, channel)
    again = Button("Try again", Action("post", turn.event_id))
    elsewhere = ChannelMenu(Action("post", turn.event_id), "Post elsewhere")
    return Screen((line("The event is created, but not posted. ", turn.given["why"]),), rows=((again,), elsewhere))
