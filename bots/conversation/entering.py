"""An event as somebody in chat may have it: who was invited by name, by role or by the channel, to see it or to
organize it too, comes in at the press."""

from bots.conversation.speaker import Turn
from core.errors import Code, SoonishError
from core.events.model import EventView
from core.events.usecases import get_event
from core.invitations.chat import come_in, is_named_organizer, leave_with_role, organizes_by_lost_role


async def seen(turn: Turn, event_id: str) -> EventView:
    """One read for whoever may see it already; only the others cost a write."""
    try:
        return await turn.ask(get_event, event_id.strip())
    except SoonishError as refusal:
        if refusal.code is not Code.NOT_FOUND:
            raise
    return await turn.act(come_in, event_id.strip())


async def organized(turn: Turn, event_id: str) -> EventView:
    """As `seen`, and theirs if they were asked to organize it; not theirs any more if the role is gone that made it
    so."""
    event = await seen(turn, event_id)
    if event.mine and await turn.ask(organizes_by_lost_role, event.id):
        await turn.act(leave_with_role, event.id)
        return await seen(turn, event_id)
    if not event.mine and await turn.ask(is_named_organizer, event.id):
        return await turn.act(come_in, event.id)
    return event


async def managed(turn: Turn) -> EventView:
    """The event, if they organize it; who may see it is told whose it is to do."""
    event = await organized(turn, turn.event_id)
    if not event.mine:
        raise SoonishError(Code.FORBIDDEN, f"Only the organizers of {event.name} do this.")
    return event
