"""Hundreds of people at once; `./dev bench crowd` has a thousand."""

import asyncio
import re
from collections import Counter

from core.subscriptions.confirm import confirm
from core.subscriptions.join import subscribe_by_email
from core.subscriptions.model import SubscribeByEmail
from core.work import Actor
from tests.people import Town
from tests.servers import Mail, SmtpSink
from worker.main import RunningWorker

PEOPLE = 300


async def test_hundreds_of_people_who_come_at_once_are_each_welcomed_once(
    live: Town, worker: RunningWorker, smtp: SmtpSink
) -> None:
    event = await live.event(live.in_(days=3))
    await asyncio.gather(*(_subscribe(live, event.id, number) for number in range(PEOPLE)))
    await smtp.wait_for(PEOPLE + 1, 60)
    asked = [mail for mail in smtp.mails if mail.subject.startswith("Confirm")]
    await asyncio.gather(*(live.core.act(Actor(None, "web"), confirm, _link(mail)) for mail in asked))
    await smtp.wait_for(2 * PEOPLE + 1, 60)
    welcomes = Counter(mail.to[0] for mail in smtp.mails if mail.subject.startswith("You'll hear"))
    assert len(welcomes) == PEOPLE
    assert set(welcomes.values()) == {1}
    status = await worker.temporal.event_status(event.id)
    assert status is not None
    # Two bells each, and joiners travel together.
    assert status.rings < PEOPLE


async def _subscribe(live: Town, event_id: str, number: int) -> None:
    visitor = Actor(None, "web", f"198.51.{number // 250}.{number % 250}")
    await live.core.act(visitor, subscribe_by_email, event_id, SubscribeByEmail(email=f"guest{number}@example.org"))


def _link(mail: Mail) -> str:
    found = re.search(r"/c/([\w-]+)", mail.text)
    assert found
    return found.group(1)
