"""Seeing an event from chat: who was invited by name, by role or by the channel comes in at the press."""

from bots.conversation.speaker import Turn
from core.errors import Code, SoonishError
from core.events.model import EventView
from core.events.usecases import get_event
from core.invitations.chat import come_in


async def seen(turn: Turn, event_id: str) -> EventView:
    """One read for whoever may see it already; only the others cost a write."""
    try:
        return await turn.ask(get_event, event_id.strip())
    except SoonishError as refusal:
        if refusal.code is not Code.NOT_FOUND:
            raise
    return await turn.act(come_in, event_id.strip())
