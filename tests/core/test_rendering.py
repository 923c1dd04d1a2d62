"""What messages say, in text, Markdown and HTML: nobody's markup, nobody's address, and always a way out."""

import datetime as dt
import re
from html.parser import HTMLParser
from typing import Literal

import pytest

from core.db.models import Event, Notification
from core.delivery.message import Message
from core.events.reminders import WORDS, dedupe_key, latest_missed, reminders, to_come
from core.keys import Keys
from core.notifications.kinds import KINDS
from core.notifications.rows import About, Recipient
from core.rendering.composer import Composer
from core.rendering.notices import notice_for
from core.rendering.updates import change_body
from core.tokens import (
    ConfirmToken,
    LinkToken,
    UnsubscribeToken,
    read_address,
    read_confirm,
    read_link,
    read_unsubscribe,
)

KEYS = Keys("s" * 32, ["e" * 32])
NOW = dt.datetime(2026, 11, 27, 18, 0, tzinfo=dt.UTC)
START = NOW + dt.timedelta(days=1)
BASE = "https://soonish.test"
URL = "json://hook.example.org/s3cret"
EVIL = "<script>alert(1)</script> @everyone [x](http://evil) *b* `c` | > # & \"'"
ACCOUNT = {"verify", "sign_in", "change_email", "email_taken", "email_requested", "email_changed", "password_changed"}
ASKS = {"confirm", "confirm_channel", "invitation"}
MAY_LEAVE = {
    "welcome",
    "reminder_1day",
    "reminder_1hour",
    "update",
    "cancelled",
    "message",
    "verify",
    "change_email",
    "email_taken",
    *ASKS,
}


def event_of(**facts: object) -> Event:
    known: dict[str, object] = {
        "id": 7, "public_id": "Ab3dEf6hJk", "owner_user_id": 1, "name": "Launch party", "description": "",
        "location": "", "contact": "", "timezone": "Europe/Berlin", "start_date": START, "start_set_at": NOW,
        "end_date": None, "status": "scheduled", "cancel_reason": "", "is_public": True, "is_listed": False,
        "revision": 1,
        "updated_at": NOW, **facts,
    }  # fmt: skip
    return Event(**known)


def about(kind: str, event: Event | None = None, *, title: str = "A title", body: str = "A body") -> About:
    data: dict[str, object] = {
        "changes": {},
        "name": "Hook",
        "reason": "It is gone.",
        "who": "Bob",
        "purpose": "follow",
        "invitation": 4,
        "link": 4,
    }
    if kind == "update":
        data["changes"] = {
            "start_date": [(START - dt.timedelta(days=1)).isoformat(), START.isoformat()],
            "location": ["Hall", event.location if event else ""],
            "name": ["Before", event.name if event else ""],
            "description": ["x", "y"],
        }
    notification = Notification(id=3, kind=kind, title=title, body=body, data=data, created_at=NOW)
    with_event = kind not in {"confirm_channel", "channel_disabled", *ACCOUNT}
    return About(notification, (event or event_of()) if with_event else None, "Alice")


def test_a_move_by_seconds_says_two_times_that_differ() -> None:
    before, after = START.isoformat(), (START + dt.timedelta(seconds=5)).isoformat()
    assert change_body(event_of(), {"start_date": [before, after]}) == (
        "Moved from Sat 28 Nov 2026, 19:00 (Europe/Berlin) to Sat 28 Nov 2026, 19:00:05 (Europe/Berlin)."
    )


@pytest.mark.parametrize("later", [dt.timedelta(0), dt.timedelta(days=3)])
def test_a_message_about_a_cancelled_event_says_so_in_every_form_and_invites_nobody(later: dt.timedelta) -> None:
    event = event_of(status="cancelled", location="Café Bea", contact="bea@example.org")
    notice = notice_for(about("message", event), "Europe/Berlin", NOW + later, BASE, subscribed=True)
    said = "Launch party on Sat 28 Nov 2026, 19:00 (Europe/Berlin) is cancelled."
    assert notice.lines == [said, "Alice writes to everybody who follows it:"]
    message = Composer(about("message", event), NOW + later, BASE, KEYS).message_for(recipient())
    assert message.mail is not None
    assert message.direct is not None
    for form in (*forms(message)[1:], message.direct.discord, message.direct.slack):
        assert said in form.replace("\\", "")
        assert "A body" in form
        assert not re.search(r"When|Where|Café Bea", form)


def recipient(**facts: object) -> Recipient:
    known: dict[str, object] = {
        "delivery_id": 11, "created_at": NOW, "attempts": 0, "integration_id": 5, "subscription_id": 9,
        "subscription_state": "active", "requested_at": NOW, "sealed_url": KEYS.seal(URL), "zone": None, "failures": 0,
        **facts,
    }  # fmt: skip
    return Recipient(**known)  # type: ignore[arg-type]


def compose(found: About, now: dt.datetime = NOW, **facts: object) -> Message:
    if found.event is None:
        facts = {"subscription_id": None, "subscription_state": None, **facts}
    elif found.notification.kind == "confirm":
        facts = {"subscription_state": "unconfirmed", **facts}
    return Composer(found, now, BASE, KEYS).message_for(recipient(**facts))


def forms(message: Message) -> list[str]:
    assert message.mail is not None
    return [message.title, message.text, message.markdown, message.mail.html]


class Page(HTMLParser):
    """The tags and links of a document, and whether they nest."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]
        if tag not in ("br", "meta"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag


every_kind = pytest.mark.parametrize("kind", sorted(KINDS))


@every_kind
def test_every_kind_has_words_in_every_form(kind: str) -> None:
    for form in forms(compose(about(kind))):
        assert form.strip()
        assert "None" not in form
        assert "\x02" not in form


@every_kind
def test_what_people_typed_is_never_markup(kind: str) -> None:
    event = event_of(name=EVIL, location=EVIL, contact=EVIL, description=EVIL, cancel_reason=EVIL)
    found = about(kind, event, title=EVIL, body=f"{EVIL}\n{EVIL}")
    found.notification.data |= {"name": EVIL, "who": EVIL, "reason": EVIL}
    message = compose(About(found.notification, found.event, EVIL))
    assert message.mail is not None
    page = Page(message.mail.html)
    assert set(page.tags) <= {
        "html", "head", "meta", "title", "body", "h1", "p", "a", "blockquote", "br", "table", "tr", "td",
    }  # fmt: skip
    assert all(link.startswith(f"{BASE}/") or link == BASE for link in page.links)
    written = re.sub(r"\\.", "", message.markdown)
    assert not re.search(r"<script|@everyone|\[x\]\(|`c`|\*b\*", written)


@every_kind
def test_no_address_and_no_url_of_a_channel_is_shown(kind: str) -> None:
    for form in forms(compose(about(kind))):
        assert "s3cret" not in form
        assert "hook.example.org" not in form
        assert not re.search(r"[\w.]+@[\w.]+", form)


@every_kind
def test_every_message_that_may_be_left_says_how_in_every_form(kind: str) -> None:
    message = compose(about(kind))
    assert message.mail is not None
    links = [re.findall(rf"{BASE}/u/([\w-]+)", form) for form in forms(message)[1:]]
    if kind not in MAY_LEAVE:
        assert links == [[], [], []]
        assert (message.mail.unsubscribe_url, message.mail.list_id) == (None, None)
        return
    (token,) = {token for found in links for token in found}
    assert all(links)
    about_event = kind not in {"confirm_channel", *ACCOUNT}
    assert read_unsubscribe(KEYS, token) == UnsubscribeToken(7 if about_event else 0, 5)
    assert message.mail.unsubscribe_url == f"{BASE}/u/{token}"
    assert message.mail.list_id == ("Ab3dEf6hJk.soonish.test" if about_event else None)


@every_kind
def test_mail_to_an_address_without_an_account_leads_to_everything_it_follows(kind: str) -> None:
    """Not what it never asked for, and not what goes to an account, which has a page of its own."""
    for account in (True, False):
        message = compose(about(kind), account=account)
        assert message.mail is not None
        expected = not account and kind in MAY_LEAVE - ASKS - ACCOUNT
        for form in (message.text, message.mail.html):
            found = re.findall(rf"{BASE}/s/([\w-]+)", form)
            assert [read_address(KEYS, token) for token in found] == [5] * expected
            assert ("Everything you follow" in form) is expected
        assert "\x02" not in "".join(forms(message))


@pytest.mark.parametrize(("kind", "named"), [("confirm", "subscription"), ("confirm_channel", "integration")])
def test_a_mail_that_asks_carries_a_link_to_a_button_in_every_form(kind: str, named: str) -> None:
    message = compose(about(kind))
    for form in forms(message)[1:]:
        (token,) = set(re.findall(rf"{BASE}/c/([\w-]+)", form))
        subject = 9 if named == "subscription" else 5
        assert read_confirm(KEYS, token, NOW) == ConfirmToken(named, subject, int(NOW.timestamp()))


@pytest.mark.parametrize("kind", sorted(ASKS))
def test_a_mail_that_asks_offers_never_to_write_again(kind: str) -> None:
    message = compose(about(kind))
    for form in forms(message)[1:]:
        assert "Never write to me" in form
        assert "?scope=everything" in form
        assert "no more mail" not in form


def test_a_mail_that_asks_says_name_and_date_of_the_event_and_nothing_of_the_organizers() -> None:
    event = event_of(description="Buy my coin", location="evil.example", contact="call me")
    for form in forms(compose(about("confirm", event)))[1:]:
        assert "Launch party" in form
        assert not re.search(r"Buy my coin|evil\.example|call me|Alice", form)


def test_who_follows_already_is_told_so_and_may_leave() -> None:
    message = compose(about("confirm"), subscription_state="active")
    assert message.title == "You already get nudges for Launch party"
    assert "/c/" not in message.text
    assert "/u/" in message.text


@pytest.mark.parametrize("kind", ["welcome", "reminder_1day", "update", "message", "cancelled", "confirm"])
def test_times_are_the_readers_own_and_name_their_zone(kind: str) -> None:
    assert "Sat 28 Nov 2026, 19:00 (Europe/Berlin)" in compose(about(kind)).text
    assert "Sun 29 Nov 2026, 03:00 (Asia/Tokyo)" in compose(about(kind), zone="Asia/Tokyo").text


def test_one_composer_serves_readers_in_many_zones() -> None:
    composer = Composer(about("welcome"), NOW, BASE, KEYS)
    zones = ["Asia/Tokyo", "Europe/Berlin", "America/New_York"]
    texts = [composer.message_for(recipient(zone=zone, integration_id=n)).text for n, zone in enumerate(zones)]
    assert [zone in text for zone, text in zip(zones, texts, strict=True)] == [True] * 3
    assert len({re.findall(r"/u/[\w-]+", text)[0] for text in texts}) == 3


@pytest.mark.parametrize(
    ("kind", "before", "subject"),
    [
        ("reminder_1day", {"days": 1}, "Don't forget! Launch party is tomorrow"),
        ("reminder_1hour", {"hours": 1}, "Launch party starts in 1 hour"),
        ("reminder_1hour", {"minutes": 20}, "Launch party starts in 20 minutes"),
        ("reminder_1day", {"hours": 5}, "Launch party starts in 5 hours"),
        ("reminder_1hour", {"seconds": 3}, "Launch party starts now"),
    ],
)
def test_a_reminder_says_what_is_true_when_it_is_sent(kind: str, before: dict[str, float], subject: str) -> None:
    message = compose(about(kind), START - dt.timedelta(**before))
    assert message.title == subject
    assert "Contact: Alice" in message.text


def test_a_reminder_names_the_events_own_contact_and_what_it_is() -> None:
    event = event_of(contact="Desk 3", description="Bring a torch.\nAnd a friend.", location="Roof")
    text = compose(about("reminder_1day", event)).text
    assert "Contact: Desk 3" in text
    assert "Where: Roof" in text
    assert "Bring a torch.\nAnd a friend." in text


def test_a_welcome_says_which_reminders_are_left() -> None:
    for before, words in (
        (dt.timedelta(days=3), "You'll get a reminder 1 day and 1 hour before, and hear"),
        (dt.timedelta(hours=5), "It starts in 5 hours. You'll get a reminder 1 hour before, and hear"),
        (dt.timedelta(minutes=30), "so it's too late for reminders. You'll hear"),
    ):
        assert words in compose(about("welcome"), START - before).text


def test_an_update_says_old_and_new_and_a_cancellation_why() -> None:
    text = compose(about("update", event_of(location="Roof"))).text
    assert "Moved from Fri 27 Nov 2026, 19:00 (Europe/Berlin) to Sat 28 Nov 2026, 19:00 (Europe/Berlin)." in text
    assert "Place: Roof (was Hall)." in text
    cancelled = compose(about("cancelled", event_of(cancel_reason="Flood"))).text
    assert "The organizer says: Flood" in cancelled


def test_a_message_says_whether_everybody_gets_it() -> None:
    found = about("message")
    assert "Alice writes to everybody who follows Launch party:" in compose(found).text
    found.notification.data["audience"] = "chosen"
    assert "Alice writes to some of the people who follow Launch party:" in compose(found).text


def test_a_repeated_send_is_recognised_as_the_same_mail() -> None:
    one, two = compose(about("welcome")), compose(about("welcome"), NOW + dt.timedelta(hours=1))
    assert one.mail is not None
    assert two.mail is not None
    assert one.mail.message_id == two.mail.message_id == "d11@soonish.test"


@pytest.mark.parametrize("kind", ["verify", "sign_in"])
def test_a_mail_that_lets_in_carries_its_own_link(kind: Literal["verify", "sign_in"]) -> None:
    message = compose(about(kind))
    links = {found for form in forms(message)[1:] for found in re.findall(rf"{BASE}/in/([\w-]+)", form)}
    (link,) = links
    assert read_link(KEYS, link, NOW) == LinkToken(kind, 4, int(NOW.timestamp()))


def test_every_kind_has_a_notice() -> None:
    for kind in KINDS:
        assert notice_for(about(kind), "UTC", NOW, BASE, subscribed=True).subject


# When reminders are due


def test_reminders_are_a_day_and_an_hour_before_and_never_promised_too_late() -> None:
    long_ago = START - dt.timedelta(days=9)
    hour = dt.timedelta(hours=1)
    for now, set_at, states in (
        (START - dt.timedelta(days=2), long_ago, ["ahead", "ahead"]),
        (START - 12 * hour, long_ago, ["missed", "ahead"]),
        (START - hour / 2, long_ago, ["missed", "missed"]),
        (START - 12 * hour, START - 13 * hour, ["never", "ahead"]),
        (START - hour / 2, START - hour, ["never", "never"]),
    ):
        assert [reminder.due for reminder in reminders(START, set_at, now)] == states
    assert [reminder.at for reminder in reminders(START, NOW, NOW)] == [START - dt.timedelta(days=1), START - hour]


def test_after_an_outage_the_latest_missed_reminder_alone_is_owed_and_none_after_the_start() -> None:
    long_ago = START - dt.timedelta(days=9)
    late = latest_missed(START, long_ago, START - dt.timedelta(minutes=20))
    assert late is not None
    assert late.kind == "reminder_1hour"
    assert latest_missed(START, long_ago, START) is None
    assert latest_missed(START, START - dt.timedelta(minutes=30), START - dt.timedelta(minutes=20)) is None


def test_a_reminder_is_an_event_a_kind_and_a_start() -> None:
    keys = {dedupe_key(event, kind, start) for event in (1, 2) for kind in WORDS for start in (START, NOW)}
    assert len(keys) == 8
    assert to_come(START, START - dt.timedelta(hours=2)) == ["1 hour before"]


def test_a_private_events_first_mail_leads_to_its_invitations_and_a_public_ones_to_its_page() -> None:
    private = compose(about("created", event_of(is_public=False)), account=True)
    assert private.mail is not None
    assert private.direct is not None
    assert f'href="{BASE}/e/Ab3dEf6hJk/people"' in private.mail.html
    assert ">Invite people</a>" in private.mail.html
    assert f"Invite people: {BASE}/e/Ab3dEf6hJk/people" in private.text
    assert (private.direct.page_url, private.direct.page_words) == (f"{BASE}/e/Ab3dEf6hJk/people", "Invite people")
    public = compose(about("created"), account=True)
    assert public.mail is not None
    assert f'href="{BASE}/e/Ab3dEf6hJk"' in public.mail.html
    assert "Followers get a reminder" in public.text


def test_a_channel_that_was_switched_off_leads_to_the_channels() -> None:
    mail = compose(about("channel_disabled"), account=True).mail
    assert mail is not None
    assert f'href="{BASE}/channels"' in mail.html
    assert ">Your channels</a>" in mail.html
