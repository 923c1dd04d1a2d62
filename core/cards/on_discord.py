"""A card as Discord's JSON: what the bot posts, and what the worker puts in its place when something changes."""

import datetime as dt
from typing import Any

from core.cards.model import Card
from core.cards.words import CLOSED, DESCRIPTION, cancelled_title, card_lines
from core.rendering.discord_parts import button_row, escape, link_button, moment, press_button, size, span
from core.text import characters, cut
from core.times import effective_end

TITLE = 256
"""As much as Discord takes of an embed's title; the rest of an embed has 4096, which would bury everything else."""
COLOURS = {"scheduled": 0xB8420B, "cancelled": 0x9A2A2A, "ended": 0x655F72}

EVENT_NAME, EVENT_LOCATION, EVENT_DESCRIPTION = 100, 100, 1000
_GUILD_ONLY, _EXTERNAL, _COMPLETED, _CANCELED = 2, 3, 3, 4


def discord_card(card: Card) -> dict[str, Any]:
    """The body of a message, for posting and for editing alike. Nobody is pinged by it."""
    title, lines = ("A private event", [CLOSED]) if card.closed else (_title(card), _lines(card))
    return {
        "content": "",
        "embeds": [{"title": title, "description": "\n".join(lines), "color": COLOURS[card.status]}],
        "components": button_row(*_buttons(card)),
        "allowed_mentions": {"parse": []},
    }


def _title(card: Card) -> str:
    return cancelled_title(card, "~~", escape) if card.status == "cancelled" else escape(card.name, TITLE)


def _lines(card: Card) -> list[str]:
    lines = card_lines(card, _when(card), escape)
    return [*lines, "", escape(card.description, DESCRIPTION)] if card.description else lines


def _when(card: Card) -> str:
    assert card.starts is not None  # noqa: S101 - only a closed card has no start
    text = f"🗓 {span(card.starts, card.ends)}"
    if card.status == "ended":
        return f"{text} · over"
    return f"{text} ({moment(card.starts, 'R')})" if card.status == "scheduled" else text


def _buttons(card: Card) -> list[dict[str, Any] | None]:
    details = press_button("Details", f"soonish:details:{card.event_id}")
    page = link_button("Open page", card.page_url)
    if card.closed or card.status != "scheduled":
        return [details, page]
    return [press_button("Subscribe", f"soonish:subscribe:{card.event_id}", emoji="🔔", primary=True), details, page]


def server_event(card: Card, now: dt.datetime) -> dict[str, Any]:
    """The card as one of the server's own events, for making it and for changing it alike. Its page stands in it, by
    which it is found again. https://docs.discord.com/developers/resources/guild-scheduled-event"""
    assert card.starts is not None  # noqa: S101 - only a closed card has no start
    if card.status == "cancelled":
        return {"status": _CANCELED if card.starts > now else _COMPLETED}
    follow = f"Reminders and news: {card.page_url}"
    text = escape(card.description, EVENT_DESCRIPTION - size(follow) - 2)
    begins = {"scheduled_start_time": card.starts.isoformat()} if card.starts > now else {}
    return begins | {
        "name": _plain(card.name, EVENT_NAME),
        "description": f"{text}\n\n{follow}".lstrip(),
        "scheduled_end_time": effective_end(card.starts, card.ends).isoformat(),
        "entity_type": _EXTERNAL,
        "entity_metadata": {"location": _plain(card.location or card.page_url, EVENT_LOCATION)},
        "privacy_level": _GUILD_ONLY,
    }


def ended_otherwise(change: dict[str, Any]) -> dict[str, Any]:
    """Only what has not begun can be cancelled there, and only what has can be over; Discord begins it by its own
    clock."""
    return {"status": _COMPLETED if change["status"] == _CANCELED else _CANCELED}


def _plain(text: str, limit: int) -> str:
    """Names and places of a server's events are no Markdown."""
    return cut(list(characters(text)), limit, size)
