"""Account mail: what somebody is told about their account, and what an address is asked without having one."""

from typing import Any

from core.contracts import NOTIFICATION_OWED
from core.db.models import Integration, SuppressedAddress, User
from core.delivery.addresses import Channel, mail_channel
from core.integrations.store import anonymous_channel
from core.notifications.owe import default_channel, new_notification, owe_channel
from core.work import Work


async def tell_account(work: Work, user: User, kind: str, title: str, data: dict[str, Any] | None = None) -> None:
    """To the account's address, whether or not nudges go there. Only where there is none, or one that is never written
    to, through another channel of theirs."""
    own = mail_channel(user.email) if user.email is not None and user.email_verified_at is not None else None
    destination = work.keys.digest("destination", own.destination) if own is not None else None
    if own is not None and await work.session.get(SuppressedAddress, destination) is None:
        await write_to(work, own, kind, title, data)
    elif (other := await default_channel(work, user.id, not_to=destination)) is not None:
        await _owe(work, other, kind, title, data)


async def write_to(work: Work, channel: Channel, kind: str, title: str, data: dict[str, Any] | None = None) -> None:
    """To an address as such: no switch of a channel, and no change of the account, leads the mail elsewhere."""
    integration, _ = await anonymous_channel(work, channel)
    await _owe(work, integration, kind, title, data)


async def _owe(work: Work, carrier: Integration, kind: str, title: str, data: dict[str, Any] | None) -> None:
    notification = await new_notification(work, kind, event=None, title=title, data=data)
    await owe_channel(work, notification, carrier)
    work.ring(NOTIFICATION_OWED, notification.id, notification_id=notification.id)
