"""A card as Slack's blocks: what the bot posts, and what the worker puts in its place when something changes."""

from typing import Any

from core.cards.model import Card
from core.cards.words import CLOSED, DESCRIPTION, cancelled_title, card_lines
from core.rendering.slack_parts import button_row, escape, link_button, press_button, section, span

NAME = 300
_ZONE = "UTC"
"""Of the fallback, which is read where Slack cannot show a reader's own clock."""


def slack_card(card: Card) -> dict[str, Any]:
    """The body of a message, for posting and for editing alike. `text` is what notifications and screen readers say."""
    title, lines = (
        ("*A private event*", [CLOSED]) if card.closed else (_title(card), card_lines(card, _when(card), escape))
    )
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
    return cancelled_title(card, "~", escape) if card.status == "cancelled" else f"*{escape(card.name, NAME)}*"


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
