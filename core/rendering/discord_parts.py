"""What Discord shows as people typed it: text in which nothing is markup, cut where it may be cut, and buttons."""

import datetime as dt
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from core.text import characters, cut
from core.times import one_evening

LINK_AT_MOST = 512
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|~>@])")
# A link that says where it leads stays one. With a user name before its host, or letters that look like others, it does
# not say so.
_LINK = re.compile(r"https?://[A-Za-z0-9.-]++(?::\d++)?(?:[/?#][^\s<>\\]*+)?(?=[\s<>,;!)\]}'\"*_~|]|$)", re.ASCII)
_AFTER_A_LINK = ".,;:!?)]}'\"*_~|"


def escape(text: str, limit: int) -> str:
    """At most `limit` of Discord's units. It is cut with an ellipsis, never inside a character, an escape or a link."""
    return cut(list(_pieces(text)), limit, size)


def _pieces(text: str) -> Iterator[str]:
    at = 0
    for link in _LINK.finditer(text):
        yield from map(_escaped, characters(text[at : link.start()]))
        address = link.group().rstrip(_AFTER_A_LINK)
        yield f"<{address}>"  # in angle brackets it is taken as it stands, and no preview is made
        at = link.start() + len(address)
    yield from map(_escaped, characters(text[at:]))


def _escaped(character: str) -> str:
    return _MARKDOWN.sub(r"\\\1", character)


def size(text: str) -> int:
    """In UTF-16 units: as many as Discord counts at most."""
    return len(text) + sum(ch > "\uffff" for ch in text)


def moment(at: dt.datetime, style: str) -> str:
    """A time that everybody reads in their own zone. Styles: F in full, t the clock, R how far."""
    return f"<t:{int(at.timestamp())}:{style}>"


def span(start: dt.datetime, end: dt.datetime | None) -> str:
    if end is None:
        return moment(start, "F")
    return f"{moment(start, 'F')} to {moment(end, 't' if one_evening(start, end) else 'F')}"


def press_button(label: str, custom_id: str, *, emoji: str = "", primary: bool = False) -> dict[str, Any]:
    """A press comes to the bot's process, which finds everything it needs in `custom_id`."""
    button: dict[str, Any] = {"type": 2, "style": 1 if primary else 2, "label": label, "custom_id": custom_id}
    return button | ({"emoji": {"name": emoji}} if emoji else {})


def link_button(label: str, url: str) -> dict[str, Any] | None:
    """None where there is no link, or one that Discord refuses, and the whole message with it: a name without a dot."""
    host = urlsplit(url).hostname or ""
    if not url.startswith(("http://", "https://")) or "." not in host or len(url) > LINK_AT_MOST:
        return None
    return {"type": 2, "style": 5, "label": label, "url": url}


def button_row(*buttons: dict[str, Any] | None) -> list[dict[str, Any]]:
    """A message's `components`: one row of those buttons that there are."""
    there = [button for button in buttons if button is not None]
    return [{"type": 1, "components": there}] if there else []
