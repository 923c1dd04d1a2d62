"""A visitor's whole story, in a real browser, with the real worker and real mails; and what may go wrong on the way."""

import asyncio
import re

import pytest
from playwright.async_api import Page, Route, expect
from sqlalchemy import func, select

from core.db.models import (
    Event,
    EventGrant,
    EventOrganizer,
    Integration,
    Session,
    Subscription,
    SuppressedAddress,
    Token,
    User,
)
from core.events.changes import cancel_event
from core.events.model import Cancellation
from core.invitations.model import NewMail, OneAddress
from core.invitations.offer import invite, invite_organizer
from core.notifications.model import NewMessage
from core.notifications.usecases import send_message
from tests.browser.conftest import Visit
from tests.browser.visitor import Visitor, fits, tab_to, walk
from tests.people import Town
from tests.servers import Mail, SmtpSink

NORA = "nora@example.org"
_TABLES = (Event, EventGrant, EventOrganizer, Integration, Session, Subscription, SuppressedAddress, Token, User)
A4, MUTED = 717, "rgb(101, 95, 114)"
"""The paper's width in CSS pixels, inside the margins; and the grey that can be read on white."""
_PRINTED = "document.body.innerText"
EITHER_WAY = pytest.mark.parametrize("javascript", [True, False], ids=["scripts", "no scripts"])


async def kept(town: Town) -> list[object]:
    """All that a button could change: who is there, signed in, invited, subscribed, and never written to."""
    async with town.core.db.read() as session:
        return [(await session.execute(select(*table.__table__.columns))).all() for table in _TABLES]


async def ask_for_nudges(page: Page, email: str = NORA) -> None:
    await page.get_by_label("Your e-mail").fill(email)
    await page.get_by_role("button", name="Nudge me").click()
    await page.get_by_role("heading", name="Check your inbox").wait_for()


def links_in(text: str, town: Town) -> list[str]:
    found: list[str] = re.findall(re.escape(town.settings.public_base_url) + r"[^\s<>\")]*", text)
    return [link.rstrip(".,") for link in found]


def link_in(mail: Mail, town: Town, kind: str) -> str:
    [found] = {link for link in links_in(mail.text, town) if kind in link}
    return found


@EITHER_WAY
async def test_a_visitor_subscribes_confirms_leaves_and_comes_back(
    living: Town, smtp: SmtpSink, visit: Visit, javascript: bool
) -> None:
    event = await living.event(name="Film night", location="Kino Dach, Lenaustraße 12", description="Two films.")
    nora = await visit(javascript=javascript, width=390)
    page = await nora.open(f"/e/{event.id}")
    await fits(page)

    nora.expect(422)
    await page.get_by_label("Your e-mail").fill("nora@")
    await page.get_by_role("button", name="Nudge me").click()
    assert "not an e-mail address" in await page.get_by_role("alert").inner_text()
    assert await page.get_by_label("Your e-mail").input_value() == "nora@"
    await ask_for_nudges(page)
    await fits(page)

    [asking] = await smtp.wait_for(1, to=NORA)
    page = await nora.open(link_in(asking, living, "/c/"))
    await fits(page)
    await page.get_by_role("button", name="Yes, nudge me").click()
    await page.get_by_role("heading", name="You're set.").wait_for()
    await fits(page)

    welcome = (await smtp.wait_for(2, to=NORA))[1]
    assert "text/calendar" in [part.get_content_type() for part in welcome.message.walk()]
    page = await nora.open(link_in(welcome, living, "/u/"))
    await fits(page)
    await page.get_by_role("button", name="Unsubscribe").click()
    await page.get_by_role("heading", name="You're out").wait_for()
    await fits(page)
    await page.get_by_role("button", name="Undo").click()
    await page.get_by_role("heading", name="You're back in.").wait_for()
    await fits(page)

    page = await nora.open(link_in(welcome, living, "/s/"))
    await fits(page)
    await page.get_by_role("button", name="Pause Film night").click()
    await page.get_by_text("Paused").wait_for()
    await page.get_by_role("button", name="Resume Film night").click()
    await page.get_by_role("button", name="Pause Film night").wait_for()


async def test_a_browser_that_opens_every_link_of_every_mail_changes_nothing(
    living: Town, smtp: SmtpSink, visit: Visit
) -> None:
    """As link scanners do: with scripts running, and time for them to press what they like."""
    event = await living.event(name="Film night")
    nora, robot = await visit(), await visit()
    await ask_for_nudges(await nora.open(f"/e/{event.id}"))
    await smtp.wait_for(1, to=NORA)
    opened = await only_look(living, robot, smtp.to(NORA))
    page = await nora.open(link_in(smtp.to(NORA)[0], living, "/c/"))
    await page.get_by_role("button", name="Yes, nudge me").click()
    await smtp.wait_for(2, to=NORA)

    page = await nora.open("/sign-in")
    await page.get_by_label("Your e-mail").fill(NORA)
    await page.get_by_role("button", name="Mail me a link").click()
    private = await living.event(name="Birthday", is_public=False)
    await living.core.act(living.alice.actor, invite, private.id, NewMail(kind="email", email=NORA))
    await living.core.act(living.alice.actor, invite_organizer, private.id, OneAddress(email=NORA))
    await smtp.wait_for(5, to=NORA)
    opened += await only_look(living, robot, smtp.to(NORA))
    assert opened >= 8


async def only_look(town: Town, robot: Visitor, mails: list[Mail]) -> int:
    """How many pages were opened; nothing came of it."""
    before = await kept(town)
    found = {link.replace("&amp;", "&") for mail in mails for link in links_in(mail.text + mail.html, town)}
    pages = [link for link in sorted(found) if not link.endswith(".ics")]  # a file, which a browser only saves

    async def look(link: str) -> None:
        page = await robot.open(link)
        await page.wait_for_load_state("networkidle")
        await page.close()

    await asyncio.gather(*(look(link) for link in pages))
    assert await kept(town) == before
    return len(pages)


@EITHER_WAY
async def test_a_button_pressed_twice_counts_once(site: Town, visit: Visit, javascript: bool) -> None:
    event = await site.event()
    page = await (await visit(javascript=javascript)).open(f"/e/{event.id}")
    await page.get_by_label("Your e-mail").fill(NORA)
    await page.get_by_role("button", name="Nudge me").dblclick()
    await page.get_by_role("heading", name="Check your inbox").wait_for()
    async with site.core.db.read() as session:
        assert await session.scalar(select(func.count()).select_from(Subscription)) == 1


@EITHER_WAY
async def test_a_tab_left_open_says_what_happened_since(site: Town, visit: Visit, javascript: bool) -> None:
    event = await site.event()
    visitor = await visit(javascript=javascript)
    page = await visitor.open(f"/e/{event.id}")
    await site.core.act(site.alice.actor, cancel_event, event.id, Cancellation(reason="Flood in the cellar"))
    visitor.expect(409)
    await page.get_by_label("Your e-mail").fill(NORA)
    await page.get_by_role("button", name="Nudge me").click()
    await page.get_by_role("heading", name="This event is cancelled").wait_for()
    assert "Flood in the cellar" in await page.inner_text("main")
    await walk(page)


async def test_what_does_not_get_through_is_said_and_what_does_is_heard(site: Town, visit: Visit) -> None:
    event = await site.event()
    visitor = await visit()
    page = await visitor.open(f"/e/{event.id}")
    visitor.expect(422, 502)
    alert = page.get_by_role("alert")
    await page.get_by_label("Your e-mail").fill("nora@")
    await page.get_by_role("button", name="Nudge me").click()
    await expect(alert).to_contain_text("not an e-mail address")
    await page.get_by_label("Your e-mail").fill(NORA)

    async def lost(route: Route) -> None:
        await route.abort()

    async def refused(route: Route) -> None:
        await route.fulfill(status=502, body="<h1>Bad gateway</h1>")

    for answer in (lost, refused):
        await page.route("**/subscribe", answer)
        await page.get_by_role("button", name="Nudge me").click()
        await expect(alert).to_have_text("That did not get through. Try again.")
        await expect(page.get_by_role("button", name="Nudge me")).to_be_enabled()
        await page.unroute("**/subscribe")
        assert all("/subscribe" in fault or "htmx" in fault for fault in visitor.faults), visitor.faults
        visitor.faults.clear()
        assert await page.get_by_label("Your e-mail").input_value() == NORA
    await page.get_by_role("button", name="Nudge me").click()
    await expect(page.get_by_role("heading", name="Check your inbox")).to_be_focused()
    await expect(alert).to_have_count(0)


async def test_a_form_sent_in_place_says_what_the_answer_says(site: Town, visit: Visit) -> None:
    event = await site.event()
    visitor = await visit()
    page = await visitor.open(f"/e/{event.id}")
    alert, field = page.get_by_role("alert"), page.get_by_label("Your e-mail")

    async def from_elsewhere(route: Route) -> None:
        answer = await route.fetch(headers={**route.request.headers, "sec-fetch-site": "cross-site"})
        assert answer.status == 403
        await route.fulfill(response=answer)

    async def of_a_proxy(route: Route) -> None:
        await route.fulfill(status=413, body="<h1>413 Request Entity Too Large</h1><p>nginx</p>")

    async def broken(route: Route) -> None:
        await route.fulfill(status=500, body="<main><p>Something broke.</p> <p>Tell us this: 4711.</p></main>")

    await field.evaluate("field => field.removeAttribute('maxlength')")
    for letters, answer, words in (
        (300_000, None, "A body may have 256 KiB at most. Send less at once."),
        (9, from_elsewhere, "This came from another site. Open the page here and press the button again."),
        (9, of_a_proxy, "That was not accepted."),
        (9, broken, "Something broke. Tell us this: 4711."),
    ):
        if answer is not None:
            await page.route("**/subscribe", answer)
        visitor.expect(403, 413, 500)
        await field.fill("n" * letters)
        await page.get_by_role("button", name="Nudge me").click()
        await expect(alert).to_have_text(words)
        await expect(alert).to_be_focused()
        await page.unroute("**/subscribe")
    assert all("htmx" in fault or "Response Status" in fault for fault in visitor.faults), visitor.faults
    visitor.faults.clear()


async def test_the_keyboard_alone_suffices(site: Town, visit: Visit) -> None:
    event = await site.event()
    page = await (await visit()).open(f"/e/{event.id}")
    await tab_to(page, "Skip to content")
    await page.keyboard.press("Enter")
    await tab_to(page, "Your e-mail", at_most=3)
    await page.keyboard.type(NORA)
    await tab_to(page, "Nudge me", at_most=1)
    await page.keyboard.press("Enter")
    heading = page.get_by_role("heading", name="Check your inbox")
    await heading.wait_for()
    await tab_to(page, "Report this event")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/report")
    await tab_to(page, "What is wrong with it?")
    await page.keyboard.type("It is spam.")
    await tab_to(page, "Send", at_most=1)
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="Thank you.").wait_for()


async def test_times_are_shown_where_the_visitor_is_too(site: Town, visit: Visit) -> None:
    event = await site.event(start=site.in_(days=3).replace(hour=18, minute=0, second=0), timezone="Europe/Berlin")
    away = await (await visit(zone="Asia/Tokyo")).open(f"/e/{event.id}")
    assert re.search(r"03:00 your time \(Tokyo\)", await away.inner_text(".facts"))
    far = await (await visit(zone="Africa/Dar_es_Salaam")).open(f"/e/{event.id}")
    assert re.search(r"your time \(Dar es Salaam\)", await far.inner_text(".facts"))
    at_home = await (await visit(zone="Europe/Paris")).open(f"/e/{event.id}")
    assert "your time" not in await at_home.inner_text(".facts")


async def test_the_link_is_copied_where_a_browser_can(site: Town, visit: Visit) -> None:
    event = await site.event()
    visitor = await visit()
    await visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = await visitor.open(f"/e/{event.id}")
    await page.clock.install()
    await page.get_by_role("button", name="Copy link").click()
    await page.get_by_role("button", name="Copied").wait_for()
    await page.get_by_role("button", name="Copied").click()
    await page.clock.fast_forward(2_000)
    await page.get_by_role("button", name="Copy link").wait_for()
    assert await page.evaluate("navigator.clipboard.readText()") == event.url
    plain = await (await visit(javascript=False)).open(f"/e/{event.id}")
    assert not await plain.get_by_role("button", name="Copy link").is_visible()


@pytest.mark.parametrize("dark", [False, True])
async def test_on_paper_stands_what_one_takes_along_and_nothing_else(site: Town, visit: Visit, dark: bool) -> None:
    event = await site.event(
        name="Film night", description="Two films.", location="Kino Dach", contact="Ask Kim", timezone="Europe/Berlin"
    )
    await site.core.act(site.alice.actor, send_message, event.id, NewMessage(title="Doors at six", body="Come early."))
    await site.follow(site.bob, event)
    for who in (None, site.bob, site.carol, site.alice):
        visitor = await (visit.as_(site, who) if who else visit(zone="Asia/Tokyo"))
        page = await visitor.open(f"/e/{event.id}")
        await page.emulate_media(media="print", color_scheme="dark" if dark else "light")
        await page.set_viewport_size({"width": A4, "height": 1000})
        words = await page.evaluate(_PRINTED)
        for expected in (
            "Film night",
            "(Berlin time)",
            "Kino Dach",
            "Two films.",
            "Ask Kim",
            "Doors at six",
            event.url,
        ):
            assert expected in words
        for gone in (
            "nudge",
            "Know when",
            "You follow",
            "You organize",
            "Sign",
            "feed",
            "calendar",
            "your time",
            "Report",
        ):
            assert gone not in words, gone
        assert re.search(r"\bin \d+ (hours|days)", words) is None
        assert await page.get_by_alt_text("QR code of this page's address").is_visible()
        beside = await page.evaluate("document.querySelector('.head').getBoundingClientRect().left")
        assert beside > A4 / 4
        assert await page.evaluate("getComputedStyle(document.querySelector('.host .muted')).color") == MUTED


async def test_a_cancelled_event_says_so_on_paper_too(site: Town, visit: Visit) -> None:
    event = await site.event()
    await site.core.act(site.alice.actor, cancel_event, event.id, Cancellation(reason="Flood in the cellar"))
    page = await (await visit()).open(f"/e/{event.id}")
    await page.emulate_media(media="print")
    words = await page.evaluate(_PRINTED)
    assert "This event is cancelled" in words
    assert "Flood in the cellar" in words
