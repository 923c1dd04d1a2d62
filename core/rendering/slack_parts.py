"""What Slack shows as people typed it: text that calls nobody and links nowhere by itself, cut where it may be cut."""

import datetime as dt
from typing import Any

from core.text import characters, cut
from core.times import one_evening, say, say_clock

LABEL_AT_MOST, URL_AT_MOST = 75, 3000
SECTION_AT_MOST = 3000
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def escape(text: str, limit: int) -> str:
    """At most `limit` characters of mrkdwn. Without an angle bracket there is no mention, no link under other words."""
    return cut([_ENTITIES.get(each, each) for each in characters(text)], limit)


def moment(at: dt.datetime, fallback: str, style: str = "{date_short_pretty} at {time}") -> str:
    """A time that everybody reads in their own zone."""
    readable = escape(fallback.replace("|", " "), 100)
    return f"<!date^{int(at.timestamp())}^{style}|{readable}>"


def span(start: dt.datetime, end: dt.datetime | None, zone: str) -> str:
    """`zone`: of the words for readers whom Slack cannot show their own clock."""
    text = moment(start, say(start, zone))
    if end is None:
        return text
    if one_evening(start, end):
        return f"{text} to {moment(end, say_clock(end, zone), '{time}')}"
    return f"{text} to {moment(end, say(end, zone))}"


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def plain(text: str, limit: int) -> dict[str, Any]:
    """Text in which nothing is markup."""
    shown = text if len(text) <= limit else f"{text[: limit - 1].rstrip()}…"
    return {"type": "plain_text", "text": shown, "emoji": True}


def press_button(label: str, action_id: str, style: str | None = None) -> dict[str, Any]:
    """A press comes to the bot, which finds everything it needs in `action_id`."""
    button: dict[str, Any] = {"type": "button", "text": plain(label, LABEL_AT_MOST), "action_id": action_id}
    return button | ({"style": style} if style else {})


def link_button(label: str, url: str) -> dict[str, Any] | None:
    """None where there is no link, or one that Slack refuses. Slack tells the bot of such a press too."""
    if not url.startswith(("http://", "https://")) or len(url) > URL_AT_MOST:
        return None
    return {"type": "button", "text": plain(label, LABEL_AT_MOST), "url": url, "action_id": f"open:{label[:40]}"}


def button_row(*buttons: dict[str, Any] | None) -> list[dict[str, Any]]:
    """As blocks: one of those buttons that there are, or none."""
    there = [button for button in buttons if button is not None]
    return [{"type": "actions", "elements": there}] if there else []
