"""A notice as plain text and as the Markdown that chat services read."""

import re
from collections.abc import Callable

from core.rendering import discord_parts, slack_parts
from core.rendering.notices import Notice, When

_LINE, _QUOTE, _FACT = 600, 900, 300
"""Of a direct message."""
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
        parts.append(_page(notice))
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
        parts.append(_page(notice))
    if notice.small:
        parts.append(escape(notice.small))
    if notice.may_leave:
        parts.append(f"{notice.leave_words}: <{leave}>")
    return "\n\n".join(parts)


def _page(notice: Notice) -> str:
    return f"{notice.page_words}: {notice.page_url}" if notice.page_words else notice.page_url


def as_discord(notice: Notice) -> str:
    return _as_direct(notice, "**", discord_parts.escape, _on_discord)


def as_slack(notice: Notice) -> str:
    return _as_direct(notice, "*", slack_parts.escape, _on_slack)


def _as_direct(notice: Notice, strong: str, escape: Callable[[str, int], str], moments: Callable[[When], str]) -> str:
    """For a direct message by our bot, which has buttons where others have links. Only what the organizer wrote is
    ever long, and it is cut so that what follows it stays."""
    parts = [escape(line, _LINE) for line in notice.lines]
    if notice.quote:
        parts.append("\n".join(f"> {line}" for line in escape(notice.quote, _QUOTE).split("\n")))
    if notice.facts:
        said = ((each.label, moments(each.when) if each.when else escape(each.value, _FACT)) for each in notice.facts)
        parts.append("\n".join(f"{strong}{label}:{strong} {value}" for label, value in said))
    if notice.small:
        parts.append(escape(notice.small, _LINE))
    return "\n\n".join(parts)


def _on_discord(when: When) -> str:
    return f"{discord_parts.span(when.start, when.end)} ({discord_parts.moment(when.start, 'R')})"


def _on_slack(when: When) -> str:
    return slack_parts.span(when.start, when.end, when.zone)


def escape(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", text)
