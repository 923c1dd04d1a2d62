"""The operators' pages as a browser gets them: what they show, what they do, and that they ask who is there."""

import xml.etree.ElementTree as ET
from urllib.parse import quote

import pytest
from sqlalchemy import select, update

from core.db.models import Delivery, Event, Subscription
from core.operators.access import add_operator, remove_operator
from core.operators.numbers import Plot, Series
from tests.core.look import audit, rows
from tests.people import OPERATOR
from tests.web.client import Browser
from tests.web.conftest import NOW, Stage
from tests.web.test_accounts import signed_in, way_on
from tests.web.test_links import confirmed
from web.pages.plots import HEIGHT, WIDTH, draw

BOSS = "bob@example.org"
PAGES = ("/admin", "/admin/events", "/admin/reports", "/admin/channels", "/admin/deliveries", "/admin/audit")


async def boss(stage: Stage) -> Browser:
    await stage.core.act(OPERATOR, add_operator, BOSS)
    return await signed_in(stage, BOSS)


async def test_an_operator_sees_every_page_and_nobody_else_any_from_the_next_click_on(stage: Stage) -> None:
    browser, event = await boss(stage), await stage.event()
    pages = (*PAGES, f"/admin/events/{event}")
    for page in pages:
        answer = await browser.get(page)
        assert (answer.status, answer.headers["cache-control"]) == (200, "private, no-store"), page
        assert "style=" not in answer.text
    carol = await signed_in(stage, "carol@example.org")
    assert [(await carol.get(page)).status for page in pages] == [404] * 7
    assert [(await stage.bob.get(page)).status for page in pages] == [404] * 7  # by token
    await stage.core.act(OPERATOR, remove_operator, BOSS)
    assert [(await browser.get(page)).status for page in pages] == [404] * 7


async def test_a_stranger_cannot_tell_these_pages_from_any_that_is_not_there(stage: Stage) -> None:
    carol = await signed_in(stage, "carol@example.org")
    nothing = await carol.get("/nothing-here")
    for page in PAGES:
        assert (await carol.get(page)).text == nothing.text


async def test_the_numbers_are_drawings_with_words_and_a_table(stage: Stage) -> None:
    browser = await boss(stage)
    await stage.event()
    text = (await browser.get("/admin")).text
    drawings = [part.partition("</svg>")[0] for part in text.split('<svg viewBox="0 0 360')[1:]]
    assert len(drawings) == 5
    for each in drawings:
        assert ET.fromstring('<svg viewBox="0 0 360' + each + "</svg>").find("title") is not None  # noqa: S314 - our own
    assert (text.count("<table>"), text.count("<desc")) == (5, 5)
    assert "New events a day. Latest: 1." in text


async def test_an_event_is_found_by_its_link_and_cancelled_after_a_yes(stage: Stage) -> None:
    browser, event = await boss(stage), await stage.event()
    found = await browser.get(f"/admin/events?event=https%3A%2F%2Fsoonish.test%2Fe%2F{event}")
    assert (found.status, found.headers["location"]) == (303, f"/admin/events/{event}")
    for more in ("/manage", "%3Fa", "%3Fa%2Fb", "/messages/7%23who", ".ics", "/"):
        found = await browser.get(f"/admin/events?event=https%3A%2F%2Fsoonish.test%2Fe%2F{event}{more}")
        assert (found.status, found.headers["location"]) == (303, f"/admin/events/{event}"), more
    for plain in (event, f"+{event}+", f"https://soonish.test/admin/events/{event}"):
        assert (await browser.get(f"/admin/events?event={plain}")).headers["location"] == f"/admin/events/{event}"
    assert (await browser.get("/admin/events?event=nothing")).status == 404
    path = f"/admin/events/{event}/cancel"
    unticked = await browser.form(path, {"reason": "Spam"})
    assert (unticked.status, 'name="reason" maxlength="300" value="Spam"' in unticked.text) == (422, True)
    assert (await browser.form(path, {"reason": "x" * 5000, "sure": "yes"})).status == 422
    assert {row.status for row in await rows(stage.core, select(Event))} == {"scheduled"}  # type: ignore[type-var]
    done = await browser.form(path, {"reason": "Spam", "sure": "yes"})
    assert (done.status, "Cancelled. Everybody" in done.text) == (200, True)
    assert {row.status for row in await rows(stage.core, select(Event))} == {"cancelled"}  # type: ignore[type-var]


async def test_people_are_removed_by_their_boxes_and_by_a_list_and_let_back(stage: Stage) -> None:
    browser, event = await boss(stage), await stage.event()
    await confirmed(stage, event)
    (row,) = await rows(stage.core, select(Subscription))
    path = f"/admin/events/{event}/people"
    assert f'value="{row.id}"' in (await browser.get(f"/admin/events/{event}")).text
    assert (await browser.form(path, {"step": "remove"})).status == 422
    many = "\n".join(map(str, range(1000, 1205)))
    kept = await browser.form(path, {"step": "remove", "who": str(row.id), "people": many})
    assert (kept.status, f">\n{many}</textarea>" in kept.text) == (422, True)
    assert f'value="{row.id}" checked' in kept.text
    done = await browser.form(path, {"step": "remove", "who": str(row.id), "people": "otto@example.org"})
    assert (done.status, "1 removed. Not here: o•••o@example.org." in done.text) == (200, True)
    assert "nora@example.org" not in done.text
    back = await browser.form(path, {"step": "back", "people": "nora@example.org"})
    assert "1 may come back." in back.text
    assert [each.ended_by for each in await rows(stage.core, select(Subscription))] == ["let_back"]


async def test_a_report_is_read_and_closed_with_a_note(stage: Stage) -> None:
    browser, event = await boss(stage), await stage.event()
    assert (await stage.visitor.post(f"/api/events/{event}/report", {"body": "<b>Spam</b>"})).status == 202
    page = (await browser.get("/admin/reports")).text
    assert ("&lt;b&gt;Spam&lt;/b&gt;" in page, f"/admin/events/{event}" in page) == (True, True)
    long = await browser.form("/admin/reports/1/close", {"note": "x" * 301})
    assert (long.status, f'value="{"x" * 301}"' in long.text) == (422, True)
    assert "Closed." in (await browser.form("/admin/reports/1/close", {"note": "Called them."})).text
    assert "Called them." in (await browser.get("/admin/reports?closed=yes")).text
    assert (await browser.form("/admin/reports/9/close", {})).status == 404


async def test_given_up_deliveries_are_tried_again_from_their_page(stage: Stage) -> None:
    browser, event = await boss(stage), await stage.event()
    await stage.bob.post(f"/api/events/{event}/subscribe")
    async with stage.core.db.write() as session:
        await session.execute(update(Delivery).values(status="dead", code="http_500"))
    assert "welcome, http_500" in (await browser.get("/admin/deliveries")).text
    done = await browser.form("/admin/deliveries/requeue", {"kind": "welcome", "code": "http_500"})
    assert "1 will be tried again." in done.text
    assert (await browser.form("/admin/deliveries/requeue", {})).status == 422


async def test_the_audit_is_filtered_and_paged_and_says_when_a_filter_makes_no_sense(stage: Stage) -> None:
    browser = await boss(stage)
    for _ in range(52):
        await stage.event()
    text = (await browser.get("/admin/audit?action=create_event")).text
    assert text.count("<h2>create_event") == 50
    older = text.partition('href="/admin/audit?')[2].partition('"')[0].replace("&amp;", "&")
    assert (await browser.get(f"/admin/audit?{older}")).text.count("<h2>create_event") == 2
    assert "Nothing fits" in (await browser.get(f"/admin/audit?action=create_event&until={NOW:%Y}-01-01")).text
    assert [(await browser.get(f"/admin/audit?{bad}")).status for bad in ("actor=x", "since=today", "actor=0")] == [
        422
    ] * 3


async def test_a_change_asks_who_is_there_first_and_leads_back(stage: Stage) -> None:
    browser, event = await boss(stage), await stage.event()
    stage.clock.pass_(minutes=16)
    for path, fields, page in (
        (f"/admin/events/{event}/cancel", {"sure": "yes"}, f"/admin/events/{event}"),
        (f"/admin/events/{event}/people", {"people": "1\nnora@example.org"}, f"/admin/events/{event}"),
        ("/admin/deliveries/requeue", {"kind": "message"}, "/admin/deliveries"),
    ):
        answer = await browser.form(path, fields)
        assert (answer.status, way_on(answer)) == (403, f"/sign-in/again?next={quote(page, safe='')}")
        for name, text in fields.items():
            assert f'name="{name}" value="{text}"' in answer.text
    assert not [each for each in await audit(stage.core) if each.action == "force_cancel" and each.outcome == "done"]


async def test_what_an_operator_sends_after_the_session_ended_is_kept_and_tells_a_visitor_nothing(stage: Stage) -> None:
    event = await stage.event()
    for number in (event, "AAAAAAAAAA"):
        path = f"/admin/events/{number}/people"
        held = await Browser(stage.app).form(path, {"step": "remove", "people": "17"})
        assert (held.status, "You are signed out" in held.text) == (401, True)
        assert f'action="{path}"' in held.text
        assert 'name="people" value="17"' in held.text
    carol = await signed_in(stage, "carol@example.org")
    assert (await carol.form(f"/admin/events/{event}/people", {"people": "17"})).status == 404


@pytest.mark.parametrize(
    ("values", "top"), [([], 2), ([0.0], 2), ([3.0, None, 7.0], 10), ([1000.0], 1000), ([1001.0, 2.0], 2000)]
)
def test_a_drawing_stays_within_its_frame_whatever_the_numbers(values: list[float | None], top: int) -> None:
    days = [NOW.date()] * max(1, len(values))
    padded: list[float | None] = values or [None]
    drawing = draw(0, Plot(title="T", unit="", about="A.", series=[Series(name="S", values=padded)]), days)
    (line,) = drawing.lines
    points = [tuple(map(float, pair.split(","))) for path in line.paths for pair in path.split()] + line.dots
    assert len(points) == len([value for value in padded if value is not None])
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)
    assert drawing.levels[-1][1] == f"{top:,}"


async def test_operators_find_the_way_from_every_page_and_nobody_else_is_told_of_it(stage: Stage) -> None:
    browser, event = await boss(stage), await stage.event()
    carol = await signed_in(stage, "carol@example.org")
    for page in ("/", "/privacy", "/account", f"/e/{event}"):
        assert 'href="/admin"' in (await browser.get(page)).text, page
        for other in (carol, Browser(stage.app)):
            assert 'href="/admin"' not in (await other.get(page)).text, page
