"""Every link in every mail there is: opened by robots it changes nothing, and what works no more says so kindly."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import select

from core.db.models import Base, Delivery, Event, Notification
from core.delivery.message import Message, Outcome
from core.events.duties import make_reminder
from core.events.reminders import REMINDERS
from core.integrations.usecases import disable_channel
from core.keys import Keys
from core.notifications.courier import Courier
from core.notifications.kinds import KINDS
from core.tokens import LinkToken, UnsubscribeToken, invitation_token, link_token, unsubscribe_token
from tests.web.client import Browser
from tests.web.conftest import HOOK, START, RecordingSender, Stage
from tests.web.test_accounts import ALICE, PASSWORD, newest_link, signed_in
from tests.web.test_address import ask, change_link
from tests.web.test_invitations import invited
from tests.web.test_links import asked, confirmed
from tests.web.test_sudo import BACK

_LINK = re.compile(r"https://soonish\.test[^\s\"<>)\]]*")
ROBOTS: tuple[tuple[str, dict[str, str]], ...] = (
    ("HEAD", {}),
    ("GET", {}),
    ("GET", {"sec_purpose": "prefetch;prerender"}),
    ("GET", {"purpose": "prefetch"}),
    ("GET", {"sec_fetch_dest": "image", "sec_fetch_site": "cross-site"}),
    ("GET", {"sec_fetch_dest": "iframe", "sec_fetch_site": "cross-site"}),
)


@dataclass
class Post:
    """What was carried so far: every message, by the kind of its notification."""

    stage: Stage
    courier: Courier
    sender: RecordingSender
    event: str
    browser: Browser
    messages: dict[str, list[Message]] = field(default_factory=dict)

    async def carry(self) -> None:
        open_ones = (
            select(Notification.id, Notification.kind)
            .join(Delivery, Delivery.notification_id == Notification.id)
            .where(Delivery.status == "queued", Notification.superseded_at.is_(None))
            .distinct()
        )
        async with self.stage.core.db.read() as session:
            found = (await session.execute(open_ones)).all()
        for number, kind in found:
            self.sender.sent.clear()
            await self.courier.deliver(number)
            self.messages.setdefault(kind, []).extend(message for _, message in self.sender.sent)

    async def reminder(self, kind: str) -> None:
        """At the moment when it is due."""
        async with self.stage.core.db.read() as session:
            event = (await session.scalars(select(Event).where(Event.public_id == self.event))).one()
        self.stage.clock.moment = event.start_date - REMINDERS[kind]
        await self.stage.core.step(make_reminder, event.id, kind, int(event.start_date.timestamp()))


@pytest.fixture
async def post(stage: Stage) -> AsyncIterator[Post]:
    async def on_permanent(_: int, __: Outcome) -> None:
        raise AssertionError("nothing fails here")

    sender, core = RecordingSender(), stage.core
    kept: Any = sender
    courier = Courier(
        settings=core.settings, clock=stage.clock, db=core.db, keys=core.keys, sender=kept, on_permanent=on_permanent
    )
    await courier.start()
    yield Post(stage, courier, sender, "", Browser(stage.app))
    await courier.close()


async def _created(post: Post) -> None:
    post.event = await post.stage.event(location="Kino")


async def _invitations(post: Post) -> None:
    for path in ("organizers", "transfer"):
        await post.stage.alice.post(f"/api/events/{post.event}/{path}", {"email": f"{path}@example.org"})
    body = {"kind": "email", "email": "guest@example.org"}
    await post.stage.alice.post(f"/api/events/{post.event}/invitations", body)


async def _switched_off(post: Post) -> None:
    made = await post.stage.bob.post("/api/integrations", {"name": "Hook", "apprise_url": HOOK})
    await post.stage.core.step(disable_channel, made.json["id"], "It is gone.")


async def _sign_in(post: Post) -> None:
    await post.browser.post("/api/auth/login", {"email": ALICE})


async def _change(post: Post, email: str) -> None:
    post.browser = await signed_in(post.stage)
    assert (await ask(post.browser, email)).status == 202


async def _changed(post: Post) -> None:
    assert (await post.browser.form(await change_link(post.stage), {})).status == 200


Cause = Callable[[Post], Awaitable[object]]
CAUSES: dict[str, Cause] = {
    "created": _created,
    "confirm": lambda p: asked(p.stage, p.event),
    "invitation": _invitations,
    "confirm_channel": lambda p: p.stage.alice.post(
        "/api/integrations", {"name": "Work", "apprise_url": "mailto://work@example.org"}
    ),
    "welcome": lambda p: p.stage.bob.post(f"/api/events/{p.event}/subscribe"),
    "update": lambda p: p.stage.alice.patch(f"/api/events/{p.event}", {"location": "Roof", "notify": "now"}),
    "message": lambda p: p.stage.alice.post(f"/api/events/{p.event}/notify", {"title": "Hi", "body": "There"}),
    "channel_disabled": _switched_off,
    "reminder_1day": lambda p: p.reminder("reminder_1day"),
    "reminder_1hour": lambda p: p.reminder("reminder_1hour"),
    "cancelled": lambda p: p.stage.alice.post(f"/api/events/{p.event}/cancel", {}),
    "verify": lambda p: p.browser.post("/api/auth/register", {"email": "olga@example.org"}),
    "sign_in": _sign_in,
    "email_taken": lambda p: _change(p, "bob@example.org"),
    "change_email": lambda p: _change(p, "new@example.org"),
    "email_requested": lambda p: _change(p, "newer@example.org"),
    "email_changed": _changed,
    "password_changed": lambda p: p.browser.send("PUT", "/api/me/password", json={"password": PASSWORD}),
}
"""How each kind of mail comes about, in an order in which one makes the next possible."""


def test_every_kind_of_mail_has_its_cause_here() -> None:
    assert set(CAUSES) == set(KINDS), "a kind of message without an entry: say in CAUSES how it comes about"


async def dump(stage: Stage) -> dict[str, list[str]]:
    """Every row of every table."""
    async with stage.core.db.read_rows() as connection:
        return {
            table.name: [repr(row) for row in await connection.execute(select(table))]
            for table in Base.metadata.sorted_tables
        }


def links_of(message: Message) -> set[str]:
    assert message.mail is not None
    texts = (message.text, message.markdown, message.mail.html, message.mail.unsubscribe_url or "")
    return {link.replace("&amp;", "&").rstrip(".,:") for text in texts for link in _LINK.findall(text)}


async def test_every_link_in_every_mail_is_opened_by_robots_and_changes_nothing(post: Post) -> None:
    for kind, cause in CAUSES.items():
        await cause(post)
        await post.carry()
        assert post.messages.get(kind), f"no mail of the kind {kind} was sent"
        if kind == "sign_in":
            await _opened(post, "sign_in")
    assert set(post.messages) == set(KINDS)
    for kind in KINDS:
        await _opened(post, kind)


async def _opened(post: Post, kind: str) -> None:
    links = {link.removeprefix("https://soonish.test") for each in post.messages[kind] for link in links_of(each)}
    assert links, f"a mail of the kind {kind} leads nowhere"
    before = await dump(post.stage)
    for link in sorted(links):
        for method, headers in ROBOTS:
            for browser in (Browser(post.stage.app), post.browser):
                if browser is post.browser and (method, headers) == ("GET", {}):
                    continue  # a person, in the browser that asked
                answer = await browser.send(method, link or "/", headers=headers)
                assert answer.status < 500, (kind, link)
                # Where a page of somebody's own was asked for, or an invitation for an account, is all that is kept.
                assert all(each.startswith(f"{BACK}=") for each in answer.cookies), (kind, link)
    assert await dump(post.stage) == before, kind


# Links that work no more


OTHER = Keys("another installation's secret, of 32", ["e" * 32])


async def test_truncated_and_foreign_links_say_what_to_do(stage: Stage) -> None:
    event = await stage.event()
    unsubscribe = await confirmed(stage, event)
    confirm = await asked(stage, event, "olga@example.org")
    _, _, invitation = await invited(stage)
    await stage.visitor.post("/api/auth/register", {"email": ALICE})
    sign_in = await newest_link(stage)
    real = {"/c/": confirm, "/u/": unsubscribe, "/in/": sign_in, "/i/": invitation}
    forged = {
        "/c/": "A" * 54,
        "/u/": unsubscribe_token(OTHER, UnsubscribeToken(1, 1)),
        "/in/": link_token(OTHER, LinkToken("sign_in", 1, int(stage.clock.now().timestamp()))),
        "/i/": invitation_token(OTHER, 1),
    }
    for path, link in real.items():
        tokens = [each.removeprefix(where) for where, each in real.items() if where != path]
        for bad in (link[:-3], path + forged[path], *(path + token for token in tokens)):
            for answer in (await Browser(stage.app).get(bad), await Browser(stage.app).form(bad, {})):
                assert answer.status == 404, bad
                assert "not one of ours" in answer.text, bad
                assert re.search("Open it from the message again|Open the whole link again", answer.text), bad


async def test_used_links_say_that_they_have_done_their_work(stage: Stage) -> None:
    event = await stage.event()
    browser = Browser(stage.app)
    unsubscribe = await confirmed(stage, event)
    confirm = await asked(stage, event, "olga@example.org")
    _, _, invitation = await invited(stage, max_uses=1)
    await browser.post("/api/auth/login", {"email": ALICE})
    sign_in = await newest_link(stage)
    await browser.form(confirm, {})
    await browser.form(unsubscribe, {"scope": "event"})
    await browser.form(sign_in, {})
    await browser.form(f"{invitation}/accept", {})
    for link, status, words in (
        (confirm, 200, "You're set."),
        (unsubscribe, 200, "You're out already."),
        (sign_in, 409, "Each works once; ask for a fresh one"),
        (invitation, 404, "Ask whoever invited you for a new one."),
    ):
        answer = await Browser(stage.app).get(link)
        assert (answer.status, words in answer.read) == (status, True), answer.text


async def test_expired_links_say_where_to_get_a_fresh_one_and_unsubscribing_never_expires(stage: Stage) -> None:
    event = await stage.event(start_date=START.replace("2027", "2029"))
    unsubscribe = await confirmed(stage, event)
    confirm = await asked(stage, event, "olga@example.org")
    _, _, invitation = await invited(stage)
    await stage.visitor.post("/api/auth/login", {"email": ALICE})
    sign_in = await newest_link(stage)
    stage.clock.pass_(days=400)
    for link, status, words in (
        (confirm, 404, "Subscribe again to get a fresh one."),
        (sign_in, 404, "Ask for a fresh one on the page"),
        (invitation, 404, "Ask whoever invited you for a new one."),
        (unsubscribe, 200, "Stop nudges for Film night?"),
    ):
        answer = await Browser(stage.app).get(link)
        assert (answer.status, words in answer.read) == (status, True), answer.text
    assert (await Browser(stage.app).form(unsubscribe, {})).status == 200
