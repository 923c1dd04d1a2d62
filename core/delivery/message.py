"""What is sent, and what became of it: the two values every channel shares."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Mail:
    """What only an e-mail carries. `html` and `Message.text` already contain this recipient's own links: secrets."""

    html: str = field(repr=False)
    message_id: str
    """Without angle brackets; stable for a delivery, so that a repeated send is recognised as the same mail."""
    unsubscribe_url: str | None = field(default=None, repr=False)
    """Becomes List-Unsubscribe with one-click POST (RFC 8058); None for mail that somebody asked for just now."""
    list_id: str | None = None
    calendar: str | None = field(default=None, repr=False)
    """An iCalendar document to attach; its METHOD is `calendar_method`."""
    calendar_method: str = "PUBLISH"


@dataclass(frozen=True, slots=True)
class Direct:
    """What only a direct message by our own bot carries: buttons stand where other messages have links."""

    discord: str = field(repr=False)
    """The body in Discord's Markdown, with nothing in it that people typed as markup."""
    slack: str = field(default="", repr=False)
    """The same in Slack's mrkdwn."""
    page_url: str = ""
    leave: str = ""
    """The public id of the event that a press on Unsubscribe leaves; empty: no such button."""
    page_words: str = ""
    """On the button that leads to the page; empty: the usual ones."""


@dataclass(frozen=True, slots=True)
class Message:
    """One recipient's message: plain text always, Markdown for chat channels, mail parts for mail."""

    title: str
    text: str = field(repr=False)
    markdown: str = field(repr=False)
    mail: Mail | None = None
    direct: Direct | None = None
    key: str = ""
    """Stable for a delivery and for no other: who is sent the same twice can tell by it. At most 25 characters."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the far end said. `permanent` means that trying again cannot help.

    `host_fault` means that the host itself is in trouble (refused, timed out, 5xx): it counts for its breaker.
    `deferred` means that nothing was tried or the host asked to wait: the row keeps its attempt, waits `retry_after`.
    """

    delivered: bool
    code: str
    """Short and stable, for metrics and filters: `ok`, `http_410`, `smtp_550`, `timeout`, `dns`, `blocked`, …"""
    reason: str = ""
    """A sentence for a person; never a URL, an address or a secret."""
    permanent: bool = False
    about_message: bool = False
    """Permanent for this message alone; the channel itself is fine."""
    retry_after: float | None = None
    """Seconds to wait, when the far end or a breaker named them."""
    host_fault: bool = False
    deferred: bool = False
    host_wide: bool = False
    """The server said that the wait is for everybody who writes to it, not for this one address alone."""


OK = Outcome(delivered=True, code="ok")
