"""What each kind of message says: short, warm, plain. A notice is structure; `plain` and `html` give it a form."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field

from core.db.models import Event
from core.events.reminders import REMINDERS, to_come
from core.notifications.rows import About
from core.rendering.updates import change_body, change_title
from core.times import distance, effective_end, one_evening, say, say_clock, start_words

_NEVER = "Never write to me"


@dataclass(frozen=True, slots=True)
class When:
    start: dt.datetime
    end: dt.datetime | None
    zone: str


@dataclass(frozen=True, slots=True)
class Fact:
    """`when`: the same, for services that show every reader their own clock."""

    label: str
    value: str
    when: When | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """`lines` are paragraphs, `quote` is the organizer's own text, `facts` are about the event."""

    subject: str
    lines: list[str] = field(default_factory=list)
    quote: str = ""
    facts: list[Fact] = field(default_factory=list)
    page_url: str = ""
    page_words: str = ""
    """On the button that leads there; empty: the usual ones."""
    press: str = ""
    """The words on the button that leads to the recipient's own confirm page; empty: no button."""
    small: str = ""
    may_leave: bool = True
    leave_words: str = "Unsubscribe"
    never: bool = False
    """The link that leaves offers to suppress the address first: for mail that nobody may have asked for."""
    has_overview: bool = False
    """Leads to everything the reader follows, where there is no account that would show it."""


@dataclass(frozen=True, slots=True)
class _Context:
    about: About
    event: Event
    zone: str
    now: dt.datetime
    page_url: str
    subscribed: bool


def notice_for(about: About, zone: str, now: dt.datetime, base_url: str, *, subscribed: bool) -> Notice:
    """The notice of a notification for readers in `zone`. `subscribed`: whether the reader's row is active already."""
    kind, event = about.notification.kind, about.event
    if event is None:
        return _ACCOUNT[kind](about, base_url)
    page_url = f"{base_url}/e/{event.public_id}"
    return _EVENT[kind](_Context(about, event, zone, now, page_url, subscribed))


def _facts(c: _Context) -> list[Fact]:
    """When, where, and whom to ask: never an account's address."""
    when = say(c.event.start_date, c.zone)
    if c.event.end_date is not None:
        near = one_evening(c.event.start_date, c.event.end_date)
        when += f", until {say_clock(c.event.end_date, c.zone) if near else say(c.event.end_date, c.zone)}"
    facts = [Fact("When", when, When(c.event.start_date, c.event.end_date, c.zone))]
    if c.event.location:
        facts.append(Fact("Where", c.event.location))
    facts.append(Fact("Contact", c.event.contact or c.about.organizer))
    return facts


def _created(c: _Context) -> Notice:
    subject, coming = f"{c.event.name} is live", _coming(c, "Followers", "you write")
    if c.event.is_public:
        share = "Share this link: anyone who opens it can subscribe."
        return Notice(subject, [share, coming], facts=_facts(c), page_url=c.page_url, may_leave=False)
    return Notice(
        subject,
        ["It is private: only people you invite can see it.", coming],
        facts=_facts(c),
        page_url=f"{c.page_url}/people",
        page_words="Invite people",
        may_leave=False,
    )


def _confirm(c: _Context) -> Notice:
    when = say(c.event.start_date, c.zone)
    if c.subscribed:
        return Notice(
            f"You already get nudges for {c.event.name}",
            [f"This address is on the list for {c.event.name} on {when}. There is nothing more to do."],
            page_url=c.page_url,
        )
    return Notice(
        f"Confirm your nudges for {c.event.name}",
        [f"Somebody, hopefully you, asked for nudges about {c.event.name} on {when}."],
        press="Yes, nudge me",
        small="Not you? Do nothing, and this address stays off the list. The link works for 7 days.",
        leave_words=_NEVER,
        never=True,
    )


def _invitation(c: _Context) -> Notice:
    """To an address that did not ask: who, what and when, and nothing else of the organizer's."""
    what = f"{c.event.name} on {say(c.event.start_date, c.zone)}"
    asks, press = {
        "follow": (f"{c.about.organizer} invites you to {what}.", "See the invitation"),
        "organize": (f"{c.about.organizer} asks you to help organize {what}.", "See what it is about"),
        "own": (
            f"{c.about.organizer} wants to hand {what} over to you. It becomes yours once you accept.",
            "See the offer",
        ),
    }[c.about.notification.data["purpose"]]
    return Notice(
        c.about.notification.title,
        [asks],
        press=press,
        small="Not for you? Do nothing, and nothing will happen. The link is for you alone.",
        leave_words=_NEVER,
        never=True,
    )


def _welcome(c: _Context) -> Notice:
    return Notice(f"You'll hear about {c.event.name}", [_coming(c)], quote="", facts=_facts(c), page_url=c.page_url)


def _coming(c: _Context, who: str = "You'll", writer: str = "the organizer writes") -> str:
    left = to_come(c.event.start_date, c.now)
    news = f"hear about any change of time or place and anything {writer}."
    if not left:
        return f"It starts {distance(c.now, c.event.start_date)}, so it's too late for reminders. {who} {news}"
    when = " and ".join(each.removesuffix(" before") for each in left)
    said = f"{who} get a reminder {when} before, and {news}"
    if len(left) == len(REMINDERS):
        return said
    return f"It {start_words(c.now, c.event.start_date, c.zone)}. {said}"


def _reminder(c: _Context) -> Notice:
    words = start_words(c.now, c.event.start_date, c.zone)
    subject = f"{c.event.name} {words}"
    if c.about.notification.kind == "reminder_1day" and words == "is tomorrow":
        subject = f"Don't forget! {c.event.name} is tomorrow"
    return Notice(subject, quote=_shortened(c.event.description), facts=_facts(c), page_url=c.page_url)


def _update(c: _Context) -> Notice:
    data = c.about.notification.data
    zone = None if c.zone == c.event.timezone else c.zone
    return Notice(
        change_title(c.event, data["changes"]),
        change_body(c.event, data["changes"], zone, zone_was=data.get("zone_was")).split("\n"),
        facts=_facts(c),
        page_url=c.page_url,
    )


def _cancelled(c: _Context) -> Notice:
    lines = [f"{c.event.name} on {say(c.event.start_date, c.zone)} will not take place."]
    if c.event.cancel_reason:
        lines.append(f"The organizer says: {c.event.cancel_reason}")
    return Notice(f"{c.event.name} is cancelled", lines, page_url=c.page_url)


def _message(c: _Context) -> Notice:
    """Facts are for who means to come: none of what is over, and of what is cancelled that it is."""
    notification = c.about.notification
    cancelled = c.event.status == "cancelled"
    over = effective_end(c.event.start_date, c.event.end_date) <= c.now
    to = "some of the people who follow" if notification.data.get("audience") == "chosen" else "everybody who follows"
    lines = [f"{c.event.name} on {say(c.event.start_date, c.zone)} is cancelled."] if cancelled else []
    return Notice(
        notification.title,
        [*lines, f"{c.about.organizer} writes to {to} {'it' if cancelled else c.event.name}:"],
        quote=notification.body,
        facts=[] if over or cancelled else _facts(c),
        page_url=c.page_url,
    )


def _channel_disabled(about: About, base_url: str) -> Notice:
    data = about.notification.data
    return Notice(
        about.notification.title,
        [
            f"Your channel {data['name']} was switched off. {data['reason']}",
            "Messages for it are on hold. Once it works again, switch it on, and we'll send what is still news.",
        ],
        page_url=f"{base_url}/channels",
        page_words="Your channels",
        may_leave=False,
    )


def _confirm_channel(about: About, base_url: str) -> Notice:
    return Notice(
        "May Soonish write to this address?",
        [f"{about.notification.data['who']} wants to get their nudges at this address."],
        press="Yes, that's me",
        small="Not you? Do nothing, and no nudges will come here. The link works for 7 days.",
        leave_words=_NEVER,
        never=True,
    )


def _verify(_: About, base_url: str) -> Notice:
    return Notice(
        "Is this your address?",
        [f"Somebody, hopefully you, wants an account with this address at {base_url}."],
        press="Yes, that's me",
        small="Not you? Do nothing, and no account is made. The link works once, for 7 days.",
        leave_words=_NEVER,
        never=True,
    )


def _sign_in(_: About, base_url: str) -> Notice:
    return Notice(
        "Your way in",
        [f"Press this to sign in at {base_url}. It works once, for 15 minutes."],
        press="Sign in",
        small="Not you? Do nothing, and show this mail to nobody: whoever has it could sign in.",
        may_leave=False,
    )


def _change_email(_: About, base_url: str) -> Notice:
    return Notice(
        "Is this your new address?",
        [f"Somebody, hopefully you, wants to use this address for their account at {base_url}."],
        press="See what it is about",
        small="Not you? Do nothing, and nothing changes. The link works once, for a day.",
        leave_words=_NEVER,
        never=True,
    )


def _email_taken(_: About, base_url: str) -> Notice:
    return Notice(
        "This address has an account already",
        [
            f"Somebody, hopefully you, wanted to use this address for another account at {base_url}. It belongs to an "
            "account, so nothing was changed and no accounts were merged.",
            "If it was you: sign in with this address.",
        ],
        page_url=f"{base_url}/sign-in",
        page_words="Sign in",
        leave_words=_NEVER,
        never=True,
    )


def _email_requested(_: About, base_url: str) -> Notice:
    return Notice(
        "Someone asked to change your account's address",
        [
            f"Somebody signed in to your account at {base_url} asked to use another address instead of this one. The "
            "change happens once they confirm it from there.",
            "If this was not you, set a new password on your account's page: that voids the request, and signs "
            "everybody else out.",
        ],
        page_url=f"{base_url}/account",
        page_words="Your account",
        may_leave=False,
    )


def _email_changed(_: About, base_url: str) -> Notice:
    return Notice(
        "Your account has a new address",
        [
            f"Your account at {base_url} is no longer at this address. What you followed here goes to the new one, and "
            "so do links to sign in.",
            "If this was not you, tell whoever runs the site.",
        ],
        page_url=base_url,
        may_leave=False,
    )


def _password_changed(about: About, base_url: str) -> Notice:
    was = "set" if about.notification.data.get("first") else "changed"
    return Notice(
        f"Your password was {was}",
        [
            f"The password of your account at {base_url} was {was}, and every other browser was signed out.",
            "If this was not you, sign in by mail and set another one on your account's page.",
        ],
        page_url=f"{base_url}/sign-in",
        page_words="Sign in",
        may_leave=False,
    )


def _shortened(text: str, limit: int = 600) -> str:
    return text if len(text) <= limit else text[: limit - 1].rsplit(" ", 1)[0] + "…"


_EVENT: dict[str, Callable[[_Context], Notice]] = {
    "created": _created,
    "confirm": _confirm,
    "invitation": _invitation,
    "welcome": _welcome,
    "reminder_1day": _reminder,
    "reminder_1hour": _reminder,
    "update": _update,
    "cancelled": _cancelled,
    "message": _message,
}
_ACCOUNT: dict[str, Callable[[About, str], Notice]] = {
    "channel_disabled": _channel_disabled,
    "confirm_channel": _confirm_channel,
    "verify": _verify,
    "sign_in": _sign_in,
    "change_email": _change_email,
    "email_taken": _email_taken,
    "email_requested": _email_requested,
    "email_changed": _email_changed,
    "password_changed": _password_changed,
}
