"""Another channel instead of those by which somebody follows an event."""

from core.db.models import Event, Subscription
from core.subscriptions.join import subscribe_by_channel
from core.subscriptions.leave import end_rows
from core.subscriptions.model import SubscribeByChannel, Subscribed
from core.work import Work


async def follow_instead(work: Work, public_id: str, integration_id: int) -> Subscribed:
    """By this channel of one's own, and by no other of them any more: nothing arrives twice, and nothing is missed
    between the one and the other."""
    done = await subscribe_by_channel(work, public_id, SubscribeByChannel(integration_ids=[integration_id]))
    kept = [row.id for row in done.subscriptions]
    others = [Event.public_id == public_id, Subscription.user_id == work.actor.user_id, Subscription.id.not_in(kept)]
    await end_rows(work, others, "unsubscribed", None)
    return done
