"""The main job, end to end: real Temporal, real SQLite, real SMTP, real HTTP."""

import json
import re

import pytest

from core.events.changes import cancel_event, change_event
from core.events.model import Cancellation, EventChange
from core.notifications.model import NewMessage
from core.notifications.usecases import send_message
from core.subscriptions.confirm import confirm
from core.subscriptions.join import subscribe_by_email
from core.subscriptions.leave import unsubscribe
from core.subscriptions.model import SubscribeByEmail
from core.work import Actor
from tests.people import Town
from tests.servers import SmtpSink, WebhookSink

pytestmark = pytest.mark.both_databases

VISITOR = Actor(None, "web", "203.0.113.9")


def token_in(text: str, letter: str) -> str:
    found = re.search(rf"/{letter}/([\w-]+)", text)
    assert found, text
    return found.group(1)


async def test_an_event_reaches_its_subscribers_from_creation_to_unsubscribe(
    live: Town, smtp: SmtpSink, hooks: WebhookSink
) -> None:
    event = await live.event(live.in_(days=3))
    await smtp.wait_for(1, 10, to="alice@example.org")
    await live.core.act(VISITOR, subscribe_by_email, event.id, SubscribeByEmail(email="nora@example.org"))
    await smtp.wait_for(1, 10, to="nora@example.org")
    asked = smtp.to("nora@example.org")[0]
    assert asked.subject == "Confirm your nudges for Launch party"
    await live.core.act(VISITOR, confirm, token_in(asked.text, "c"))
    await live.follow(live.bob, event, await live.channel(live.bob, hooks.url("/bob").replace("http:", "json:")))
    await smtp.wait_for(2, 10, to="nora@example.org")
    await hooks.wait_for(1, 10, path="/bob")

    sent = await live.core.act(live.alice.actor, send_message, event.id, NewMessage(title="Doors", body="Open at six."))
    await smtp.wait_for(3, 10, to="nora@example.org")
    await hooks.wait_for(2, 10, path="/bob")
    message = json.loads(hooks.requests[-1].body)
    assert message["title"] == "Doors"
    assert "Open at six." in message["message"]
    found = await live.settled(sent.id)
    assert (found.delivered, found.failed, found.waiting) == (2, 0, 0)

    moved = EventChange(start_date=live.in_(days=3, hours=1))
    await live.core.act(live.alice.actor, change_event, event.id, moved)
    await smtp.wait_for(4, 10, to="nora@example.org")
    assert smtp.to("nora@example.org")[-1].subject == "Launch party was moved"

    left = await live.core.act(VISITOR, unsubscribe, token_in(smtp.to("nora@example.org")[-1].text, "u"))
    assert left.ended == 1
    await live.core.act(live.alice.actor, cancel_event, event.id, Cancellation(reason="Venue flooded"))
    await hooks.wait_for(4, 10, path="/bob")
    assert len(smtp.to("nora@example.org")) == 4
