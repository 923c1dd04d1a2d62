"""What tests of the core do again and again."""

import datetime as dt

from core.db.models import Subscription
from core.events.changes import change_event
from core.events.model import EventChange, EventView
from core.subscriptions.confirm import confirm
from core.subscriptions.join import subscribe_by_email
from core.subscriptions.model import CheckInbox, SubscribeByEmail
from core.tokens import ConfirmToken, UnsubscribeToken, confirm_token, unsubscribe_token
from core.work import Actor
from tests.core.look import NOBODY, subscriptions
from tests.people import Town

NORA = "nora@example.org"
DAY = dt.timedelta(days=1)


async def edit(town: Town, event: EventView, **changes: object) -> EventView:
    change = EventChange.model_validate(changes)
    return await town.core.act(town.alice.actor, change_event, event.id, change)


async def ask(town: Town, event: EventView, email: str = NORA, who: Actor = NOBODY, **more: str) -> CheckInbox:
    return await town.core.act(who, subscribe_by_email, event.id, SubscribeByEmail(email=email, **more))


def confirm_link(town: Town, row: Subscription) -> str:
    return confirm_token(town.core.keys, ConfirmToken("subscription", row.id, int(row.requested_at.timestamp())))


def leave_link(town: Town, row: Subscription) -> str:
    return unsubscribe_token(town.core.keys, UnsubscribeToken(row.event_id, row.integration_id))


async def joined(town: Town, event: EventView, email: str = NORA) -> Subscription:
    """That address follows the event, having said yes."""
    await ask(town, event, email)
    row = (await subscriptions(town, event))[-1]
    await town.core.act(NOBODY, confirm, confirm_link(town, row))
    return (await subscriptions(town, event))[-1]
