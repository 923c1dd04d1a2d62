"""What a card says, in whatever markup: the parts that every platform shows alike."""

from collections.abc import Callable

from core.cards.model import Card

Escape = Callable[[str, int], str]
"""Text, and how much of it there is room for."""

CLOSED = "🔒 The organizer made this event private. Those who are invited press Details."
DESCRIPTION = 1000
_CANCELLED_NAME, _REASON, _LOCATION, _HOST = 140, 80, 200, 80


def cancelled_title(card: Card, struck: str, escape: Escape) -> str:
    """`struck`: what stands around words that hold no more."""
    name = f"{struck}{escape(card.name, _CANCELLED_NAME)}{struck} · cancelled"
    return f"{name}: {escape(card.cancel_reason, _REASON)}" if card.cancel_reason else name


def card_lines(card: Card, when: str, escape: Escape) -> list[str]:
    """Time, place, who puts it on and how many follow."""
    lines = [when]
    if card.location:
        lines.append(f"📍 {escape(card.location, _LOCATION)}")
    lines.append(f"👤 by {escape(card.host, _HOST)} · 🔔 {card.followers:,} subscribed")
    if not card.is_public:
        lines.append("🔒 By invitation")
    return lines
