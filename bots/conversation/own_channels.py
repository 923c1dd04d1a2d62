"""The channels of whoever speaks."""

from collections.abc import Sequence

from bots.conversation.actions import Action
from bots.conversation.screens import Button
from bots.conversation.speaker import Turn
from core.errors import not_found
from core.integrations.model import IntegrationView
from core.integrations.usecases import list_integrations
from core.pages import PageRequest

_MANY = PageRequest(limit=100)
"""As many as anybody may have."""
BACK = Button("Back to your channels", Action("channels"))


async def own_channels(turn: Turn) -> list[IntegrationView]:
    return (await turn.ask(list_integrations, _MANY)).items


async def own_channel(turn: Turn, number: int) -> IntegrationView:
    """Raises SoonishError for one that is not theirs."""
    return one_of(await own_channels(turn), number)


def one_of(channels: Sequence[IntegrationView], number: int) -> IntegrationView:
    """The same, where theirs were asked for already."""
    found = next((each for each in channels if each.id == number), None)
    if found is None:
        raise not_found("channel")
    return found
