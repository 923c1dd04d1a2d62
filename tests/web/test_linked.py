"""Addresses in what people wrote, as links."""

import html
import re
import time

import pytest

from tests.web.conftest import Stage
from web.links import linked


def links(text: str) -> list[str]:
    """Each has its own address as its words, and is marked as a stranger's."""
    found = re.findall(r'<a href="([^"]*)" rel="nofollow noopener ugc">([^<]*)</a>', linked(text))
    assert all(href in (words, f"mailto:{words}") for href, words in found)
    return [html.unescape(href) for href, _ in found]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("https://meet.example.org/abc", ["https://meet.example.org/abc"]),
        ("See HTTP://example.org.", ["HTTP://example.org"]),
        ("(at https://example.org/a_(b)?x=1&y=2#z), then", ["https://example.org/a_(b)?x=1&y=2#z"]),
        ("https://пример.рф/вечер!", ["https://пример.рф/вечер"]),
        (
            "nora@example.org, or kim.b+x@mail.example.org",
            ["mailto:nora@example.org", "mailto:kim.b+x@mail.example.org"],
        ),
        ("https://nora@example.org/x", ["https://nora@example.org/x"]),
        ("a@b, @kino, javascript:alert(1), https://, ftp://example.org, xhttps://example.org", []),
    ],
)
def test_addresses_are_found_without_the_sentence_around_them(text: str, found: list[str]) -> None:
    assert links(text) == found
    assert html.unescape(re.sub(r"</?a[^>]*>", "", linked(text))) == text


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script> & 'more'",
        'https://example.org/"onmouseover="alert(1)',
        "https://example.org/'><b>bold</b>",
        'x"@example.org <img src=x>',
        "https://example.org/<script>",
    ],
)
def test_nothing_else_becomes_markup(text: str) -> None:
    plain = re.sub(r'<a href="[^"<>]*" rel="nofollow noopener ugc">|</a>', "", linked(text))
    assert not re.findall(r"[<>]", plain)
    assert html.unescape(re.sub(r"</?a[^>]*>", "", linked(text))) == text


@pytest.mark.parametrize("text", ["a" * 10_000, "a@" * 5_000, "a." * 5_000, "https://" + ")" * 9_992, "a@b." * 2_500])
def test_no_text_takes_long(text: str) -> None:
    began = time.process_time()
    linked(text)
    assert time.process_time() - began < 0.5


async def test_an_event_page_links_the_addresses_in_all_that_its_organizer_wrote(stage: Stage) -> None:
    event = await stage.event(
        location="https://meet.example.org/abc, Room 3",
        description="Tickets: https://tickets.example.org",
        contact="kino@example.org",
    )
    message = {"title": "News", "body": "Programme: https://news.example.org/1"}
    await stage.bob.post(f"/api/events/{event}/subscribe", {})
    sent = await stage.alice.post(f"/api/events/{event}/notify", message)
    assert sent.status == 202, sent.text
    page = (await stage.visitor.get(f"/e/{event}")).text
    for href in (
        "https://meet.example.org/abc", "https://tickets.example.org", "mailto:kino@example.org",
        "https://news.example.org/1",
    ):  # fmt: skip
        assert f'<a href="{href}" rel="nofollow noopener ugc">' in page
