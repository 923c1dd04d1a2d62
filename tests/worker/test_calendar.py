"""The calendar file in the mails that people get: put in, moved, taken out."""

from email.message import EmailMessage

from core.events.changes import cancel_event, change_event
from core.events.model import Cancellation, EventChange
from core.notifications.model import NewMessage
from core.notifications.usecases import send_message
from core.subscriptions.confirm import confirm
from core.subscriptions.join import subscribe_by_email
from core.subscriptions.model import SubscribeByEmail
from tests.calendars import Entry, read_one
from tests.people import Town
from tests.servers import SmtpSink, WebhookSink
from tests.worker.test_story import VISITOR, token_in

NORA = "nora@example.org"


def attached(mail: EmailMessage) -> Entry | None:
    """The one file of a mail; its MIME type says the same METHOD as the file."""
    files = list(mail.iter_attachments())
    if not files:
        return None
    (file,) = files
    assert (file.get_content_type(), file.get_filename()) == ("text/calendar", "event.ics")
    assert (file.get_param("charset"), file.get_param("name")) == ("utf-8", "event.ics")
    content = file.get_payload(decode=True)
    assert isinstance(content, bytes)
    found = read_one(content.decode())
    assert file.get_param("method") == found.method
    return found


async def test_mails_put_an_event_into_calendars_move_it_and_take_it_out(
    live: Town, smtp: SmtpSink, hooks: WebhookSink
) -> None:
    event = await live.event(live.in_(days=3), name="Launch party 🎉", location="Roof; left door")
    await live.core.act(VISITOR, subscribe_by_email, event.id, SubscribeByEmail(email=NORA))
    await smtp.wait_for(1, 10, to=NORA)
    await live.core.act(VISITOR, confirm, token_in(smtp.to(NORA)[0].text, "c"))
    await live.follow(live.bob, event, await live.channel(live.bob, hooks.url("/bob").replace("http:", "json:")))
    await smtp.wait_for(2, 10, to=NORA)
    later = live.in_(days=4)
    await live.core.act(live.alice.actor, change_event, event.id, EventChange(start_date=later))
    await smtp.wait_for(3, 10, to=NORA)
    await live.core.act(live.alice.actor, send_message, event.id, NewMessage(title="Doors", body="Open at six."))
    await smtp.wait_for(4, 10, to=NORA)
    await live.core.act(live.alice.actor, cancel_event, event.id, Cancellation(reason="Venue flooded"))
    await smtp.wait_for(5, 10, to=NORA)
    await hooks.wait_for(4, 10, path="/bob")

    asked, welcome, moved, message, cancelled = (attached(mail.message) for mail in smtp.to(NORA))
    assert asked is None
    assert message is None
    assert welcome is not None
    assert moved is not None
    assert cancelled is not None
    assert [each.method for each in (welcome, moved, cancelled)] == ["PUBLISH", "PUBLISH", "CANCEL"]
    assert [each.status for each in (welcome, moved, cancelled)] == ["CONFIRMED", "CONFIRMED", "CANCELLED"]
    assert {each.uid for each in (welcome, moved, cancelled)} == {f"{event.id}@soonish"}
    assert welcome.sequence < moved.sequence < cancelled.sequence
    assert welcome.start == event.start_date
    assert moved.start == cancelled.start == later
    assert (welcome.summary, welcome.location) == ("Launch party 🎉", "Roof; left door")
    sender = smtp.to(NORA)[1].message["From"].addresses[0].addr_spec
    assert {each.organizer for each in (welcome, moved, cancelled)} == {f"mailto:{sender}"}
    assert all(b"VCALENDAR" not in request.body for request in hooks.requests)
