"""A notice as the HTML of a mail: inline styles, no image, no tracking, readable without them."""

from html import escape

from core.rendering.notices import Notice
from core.rendering.plain import OVERVIEW_WORDS

_BODY = "margin:0;padding:28px;font:16px/1.6 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;color:#211c2b"
_BUTTON = (
    "display:inline-block;background:#b8420b;color:#ffffff;padding:12px 20px;border-radius:12px;"
    "text-decoration:none;font-weight:600"
)
_SMALL = "margin:0 0 8px;color:#655f72;font-size:14px"


def as_html(notice: Notice, leave: str, press: str, overview: str) -> str:
    """A whole document; `leave`, `press` and `overview` stand where the recipient's own links go."""
    parts = [f'<h1 style="margin:0 0 16px;font-size:22px;line-height:1.25">{escape(notice.subject)}</h1>']
    parts += [_paragraph(line) for line in notice.lines]
    if notice.quote:
        quoted = escape(notice.quote).replace("\n", "<br>")
        parts.append(
            f'<blockquote style="margin:0 0 16px;padding:12px 16px;background:#f3efe8;border-radius:12px">{quoted}'
            "</blockquote>"
        )
    if notice.facts:
        rows = "".join(
            f'<tr><td style="padding:2px 16px 2px 0;color:#655f72;vertical-align:top">{escape(fact.label)}</td>'
            f'<td style="padding:2px 0">{escape(fact.value)}</td></tr>'
            for fact in notice.facts
        )
        parts.append(f'<table role="presentation" style="border-collapse:collapse;margin:0 0 20px">{rows}</table>')
    if notice.press:
        parts.append(f'<p style="margin:0 0 20px"><a href="{press}" style="{_BUTTON}">{escape(notice.press)}</a></p>')
    elif notice.page_url:
        parts.append(
            f'<p style="margin:0 0 20px"><a href="{escape(notice.page_url)}" style="{_BUTTON}">'
            f"{escape(notice.page_words or 'Open the page')}</a></p>"
        )
    if notice.small:
        parts.append(f'<p style="{_SMALL}">{escape(notice.small)}</p>')
    if notice.may_leave:
        links = [(leave, notice.leave_words)] + [(overview, OVERVIEW_WORDS)] * notice.has_overview
        shown = " · ".join(f'<a href="{link}" style="color:#655f72">{words}</a>' for link, words in links)
        parts.append(f'<p style="{_SMALL}">{shown}</p>')
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(notice.subject)}</title></head>'
        f'<body style="{_BODY}">{"".join(parts)}</body></html>'
    )


def _paragraph(line: str) -> str:
    return f'<p style="margin:0 0 16px">{escape(line)}</p>'
