"""A notice as plain text and as the Markdown that chat services read."""

import re

from core.rendering import discord_parts, slack_parts
from core.rendering.notices import Fact, Notice

_DISCORD_LINE = 600
_DISCORD_QUOTE = 900
_FACT = 300
OVERVIEW_WORDS = "Everything you follow"
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|~>@])")


def as_text(notice: Notice, leave: str, press: str, overview: str) -> str:
    """Plain text; `leave`, `press` and `overview` stand where the recipient's own links go."""
    parts = list(notice.lines)
    if notice.quote:
        parts.append(notice.quote)
    if notice.facts:
        parts.append("\n".join(f"{fact.label}: {fact.value}" for fact in notice.facts))
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
        parts.append("\n".join(f"**{fact.label}:** {escape(fact.value)}" for fact in notice.facts))
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
        parts.append("\n".join(f"**{fact.label}:** {_discord_value(fact)}" for fact in notice.facts))
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
        parts.append("\n".join(f"*{fact.label}:* {_slack_value(fact)}" for fact in notice.facts))
    if notice.small:
        parts.append(slack_parts.escape(notice.small, _DISCORD_LINE))
    return "\n\n".join(parts)


def _discord_value(fact: Fact) -> str:
    if fact.when is None:
        return discord_parts.escape(fact.value, _FACT)
    soon = discord_parts.moment(fact.when.start, "R")
    return f"{discord_parts.span(fact.when.start, fact.when.end)} ({soon})"


def _slack_value(fact: Fact) -> str:
    if fact.when is None:
        return slack_parts.escape(fact.value, _FACT)
    return slack_parts.span(fact.when.start, fact.when.end, fact.when.zone)


def escape(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", text)
