"""A card as Slack's blocks: what the bot posts, and what the worker puts in its place when something changes."""

from typing import Any

from core.cards.model import Card
from core.rendering.slack_parts import button_row, escape, link_button, press_button, section, span

NAME, CANCELLED_NAME, REASON = 300, 140, 80
LOCATION, HOST, DESCRIPTION = 200, 80, 1000
_ZONE = "UTC"
"""Of the fallback, which is read where Slack cannot show a reader's own clock."""


def slack_card(card: Card) -> dict[str, Any]:
    """The body of a message, for posting and for editing alike. `text` is what notifications and screen readers say."""
    title, lines = ("*A private event*", _closed()) if card.closed else (_title(card), _lines(card))
    blocks = [section("\n".join([title, *lines]))]
    if not card.closed and card.description:
        blocks.append(section(escape(card.description, DESCRIPTION)))
    return {
        "text": "A private event" if card.closed else escape(card.name, NAME),
        "blocks": [*blocks, *button_row(*_buttons(card))],
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _title(card: Card) -> str:
    if card.status != "cancelled":
        return f"*{escape(card.name, NAME)}*"
    name = f"~{escape(card.name, CANCELLED_NAME)}~ · cancelled"
    return f"{name}: {escape(card.cancel_reason, REASON)}" if card.cancel_reason else name


def _closed() -> list[str]:
    return ["🔒 The organizer made this event private. Those who are invited press Details."]


def _lines(card: Card) -> list[str]:
    lines = [_when(card)]
    if card.location:
        lines.append(f"📍 {escape(card.location, LOCATION)}")
    lines.append(f"👤 by {escape(card.host, HOST)} · 🔔 {card.followers:,} subscribed")
    if not card.is_public:
        lines.append("🔒 By invitation")
    return lines


def _when(card: Card) -> str:
    """Without how far off it is: Slack would not keep that true."""
    assert card.starts is not None  # noqa: S101 - only a closed card has no start
    text = f"🗓 {span(card.starts, card.ends, _ZONE)}"
    return f"{text} · over" if card.status == "ended" else text


def _buttons(card: Card) -> list[dict[str, Any] | None]:
    details = press_button("Details", f"soonish:details:{card.event_id}")
    page = link_button("Open page", card.page_url)
    if card.closed or card.status != "scheduled":
        return [details, page]
    return [press_button("🔔 Subscribe", f"soonish:subscribe:{card.event_id}", "primary"), details, page]
