"""A notice as plain text and as the Markdown that chat services read."""

import re

from core.rendering import discord_parts, slack_parts
from core.rendering.notices import Notice

_DISCORD_LINE = 600
_DISCORD_QUOTE = 900
OVERVIEW_WORDS = "Everything you follow"
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|~>@])")


def as_text(notice: Notice, leave: str, press: str, overview: str) -> str:
    """Plain text; `leave`, `press` and `overview` stand where the recipient's own links go."""
    parts = list(notice.lines)
    if notice.quote:
        parts.append(notice.quote)
    if notice.facts:
        parts.append("\n".join(f"{label}: {value}" for label, value in notice.facts))
    if notice.press:
        parts.append(f"{notice.press}: {press}")
    if notice.page_url:
        parts.append(notice.page_url)
    if notice.small:
        parts.append(notice.small)
    if notice.may_leave:
        parts.append(f"{notice.leave_words}: {leave}")
    if notice.has_overview:
        parts.append(f"{OVERVIEW_WORDS}: {overview}")
    return "\n\n".join(parts)


def as_markdown(notice: Notice, leave: str, press: str) -> str:
    """Markdown in which nothing that people typed is markup."""
    parts = [escape(line) for line in notice.lines]
    if notice.quote:
        parts.append("\n".join(f"> {escape(line)}" for line in notice.quote.split("\n")))
    if notice.facts:
        parts.append("\n".join(f"**{label}:** {escape(value)}" for label, value in notice.facts))
    if notice.press:
        parts.append(f"{escape(notice.press)}: {press}")
    if notice.page_url:
        parts.append(notice.page_url)
    if notice.small:
        parts.append(escape(notice.small))
    if notice.may_leave:
        parts.append(f"{notice.leave_words}: <{leave}>")
    return "\n\n".join(parts)


def as_discord(notice: Notice) -> str:
    """For a direct message by our bot, which has buttons where others have links. Only what the organizer wrote is
    ever long, and it is cut so that what follows it stays."""
    parts = [discord_parts.escape(line, _DISCORD_LINE) for line in notice.lines]
    if notice.quote:
        quoted = discord_parts.escape(notice.quote, _DISCORD_QUOTE)
        parts.append("\n".join(f"> {line}" for line in quoted.split("\n")))
    if notice.facts:
        parts.append("\n".join(f"**{label}:** {discord_parts.escape(value, 300)}" for label, value in notice.facts))
    if notice.small:
        parts.append(discord_parts.escape(notice.small, _DISCORD_LINE))
    return "\n\n".join(parts)


def as_slack(notice: Notice) -> str:
    """As `as_discord`, in Slack's mrkdwn."""
    parts = [slack_parts.escape(line, _DISCORD_LINE) for line in notice.lines]
    if notice.quote:
        quoted = slack_parts.escape(notice.quote, _DISCORD_QUOTE)
        parts.append("\n".join(f"> {line}" for line in quoted.split("\n")))
    if notice.facts:
        parts.append("\n".join(f"*{label}:* {slack_parts.escape(value, 300)}" for label, value in notice.facts))
    if notice.small:
        parts.append(slack_parts.escape(notice.small, _DISCORD_LINE))
    return "\n\n".join(parts)


def escape(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", text)
