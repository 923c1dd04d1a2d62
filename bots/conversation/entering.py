"""An event as somebody in chat may have it: who was invited by name, by role or by the channel, to see it or to
organize it too, comes in at the press."""

from bots.conversation.speaker import Turn
from core.errors import Code, SoonishError
from core.events.model import EventView
from core.invitations.chat import Met, come_in, leave_with_role, meet
from core.subscriptions.views import ways_to


async def seen(turn: Turn, event_id: str, *, ways: bool = False) -> Met:
    """One read for whoever may see it already; only the others cost a write, and make an account. `ways`: with how they
    hear about it."""
    try:
        return await turn.look(meet, event_id.strip(), ways=ways)
    except SoonishError as refusal:
        if refusal.code is not Code.NOT_FOUND:
            raise
    return await _let_in(turn, event_id.strip(), ways=ways)


async def organized(turn: Turn, event_id: str, *, ways: bool = False) -> Met:
    """As `seen`, and theirs if they were asked to organize it; not theirs any more if the role is gone that made it
    so."""
    met = await seen(turn, event_id, ways=ways)
    if met.event.mine and met.lost:
        await turn.act(leave_with_role, met.event.id)
        return await seen(turn, event_id, ways=ways)
    return await _let_in(turn, met.event.id, ways=ways) if met.asked else met


async def managed(turn: Turn) -> EventView:
    """The event, if they organize it; who may see it is told whose it is to do."""
    event = (await organized(turn, turn.event_id)).event
    if not event.mine:
        raise SoonishError(Code.FORBIDDEN, f"Only the organizers of {event.name} do this.")
    return event


async def _let_in(turn: Turn, event_id: str, *, ways: bool) -> Met:
    """Every invitation that fits this press is accepted, so none is left that asks."""
    met = Met(event=await turn.act(come_in, event_id), asked=False, lost=False)
    if ways:
        met.ways = await turn.ask(ways_to, met.event)
    return met
