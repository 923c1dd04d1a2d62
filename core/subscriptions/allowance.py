"""How often strangers may have an address asked whether it wants an event's nudges."""

from collections.abc import Iterable

from core.delivery.addresses import Channel
from core.limits import DAY, HOUR, Limit, give_back, take_all
from core.work import Work

_EVENT = "confirm_event"
_SAID_YES = ("active", "paused")


async def may_ask(work: Work, channel: Channel, event_id: int) -> bool:
    """Count one mail to this address about this event. Both limits count mails: what one of them refuses uses nothing
    of the other up."""
    destination, settings = work.keys.digest("destination", channel.destination), work.settings
    limits = [
        Limit(_EVENT, _who(destination, event_id), settings.subscribe_per_address_event_day, DAY),
        Limit("confirm_address", channel.destination, settings.subscribe_per_address_hour, HOUR),
    ]
    return await take_all(work, limits)


async def allow_anew(work: Work, pairs: Iterable[tuple[str, int]]) -> None:
    """These, each a keyed hash of an address and an event, may be asked again today.

    For those whose own person has just said yes, or ends a yes (`ended_a_yes`): each further mail takes another press
    of theirs. An address that never said yes stays guarded, whatever is ended, removed or let back about it.
    """
    await give_back(work, _EVENT, [_who(destination, event_id) for destination, event_id in set(pairs)])


def ended_a_yes(state_before: str | None) -> bool:
    """Whether a subscription that ended in this state had been said yes to since it was last asked for."""
    return state_before in _SAID_YES


def _who(destination: str, event_id: int) -> str:
    return f"{destination} {event_id}"
