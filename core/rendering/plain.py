"""A notice as plain text and as the Markdown that chat services read."""

import re

from core.rendering.notices import Notice

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


def escape(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", text)
