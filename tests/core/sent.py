"""A message that was sent, and the ledger of a worker that may carry it."""

import datetime as dt

from sqlalchemy import select

from core.db.models import Delivery, Notification
from core.delivery.message import Outcome
from core.events.model import EventView
from core.integrations.model import IntegrationChange
from core.integrations.usecases import change_integration
from core.notifications.ledger import Ledger
from core.notifications.model import NewMessage
from core.notifications.rows import Recipient
from core.notifications.usecases import send_message
from tests.core.look import deliveries, rows
from tests.people import Town

LEASE = dt.timedelta(seconds=30)
GRACE = dt.timedelta(days=30)
LATER = Outcome(False, "http_500", "It is in trouble.", host_fault=True)
GONE = Outcome(False, "http_410", "It is gone for good.", permanent=True)
BUSY = Outcome(False, "http_429", "It asked to wait.", deferred=True, retry_after=60.0)


def ledger_of(town: Town, owner: str = "one") -> Ledger:
    return Ledger(town.core.db, owner, lease=LEASE, grace=GRACE, retry_delays=[10, 120, 900])


class Sent:
    """A message of alice's to `count` webhooks of bob's, and the ledger of one worker."""

    def __init__(self, town: Town, event: EventView, notification_id: int, hooks: list[int]) -> None:
        self.town = town
        self.event = event
        self.id = notification_id
        self.hooks = hooks
        self.ledger = ledger_of(town)

    @property
    def now(self) -> dt.datetime:
        return self.town.clock.now()

    async def claim(self, ledger: Ledger | None = None, limit: int = 256) -> list[Recipient]:
        return (await (ledger or self.ledger).claim(self.id, limit, self.now)).recipients

    async def rows(self) -> list[Delivery]:
        return await deliveries(self.town.core, self.id)

    async def row(self) -> Delivery:
        (row,) = await self.rows()
        return row

    async def closed(self) -> bool:
        (row,) = await rows(self.town.core, select(Notification).where(Notification.id == self.id))
        return row.closed_at is not None

    def pass_(self, **time: float) -> None:
        self.town.clock.shift += dt.timedelta(**time)


async def sent_to(town: Town, count: int = 1, start: dt.datetime | None = None) -> Sent:
    event = await town.event(start)
    hooks = [await town.channel(town.bob, f"json://192.0.2.7/{n}", tag=f"t{n}") for n in range(count)]
    await town.follow(town.bob, event, *hooks)
    message = await town.core.act(town.alice.actor, send_message, event.id, NewMessage(title="Hi", body="there"))
    return Sent(town, event, message.id, hooks)


async def switched_off(sent: Sent) -> None:
    """Bob switches the message's first channel off."""
    off = IntegrationChange(is_active=False)
    await sent.town.core.act(sent.town.bob.actor, change_integration, sent.hooks[0], off)
