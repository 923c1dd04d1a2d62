"""Calendars to subscribe to: what one follows, and what one organizes for everybody."""

import re

import pytest

from tests.calendars import Entry, read_all, read_one
from tests.web.client import Browser
from tests.web.conftest import Stage
from tests.web.test_accounts import signed_in

BOB = "bob@example.org"


async def made(browser: Browser, which: str) -> str:
    """The path of a new address."""
    answer = await browser.form(f"/account/calendars/{which}", {})
    assert answer.status == 200, answer.text
    [path] = set(re.findall(r"https://soonish\.test(/k/[\w-]+\.ics)", answer.text))
    return str(path)


async def read(stage: Stage, path: str) -> dict[str, Entry]:
    """By the name of each event."""
    answer = await stage.visitor.get(path)
    assert (answer.status, answer.headers["content-type"].partition(";")[0]) == (200, "text/calendar")
    return {each.summary: each for each in read_all(answer.text)}


async def test_what_somebody_follows_is_one_calendar_that_keeps_up(stage: Stage) -> None:
    films, soup = await stage.event(name="Films"), await stage.event(name="Soup", start_date="2027-05-03T18:00:00Z")
    await stage.event(name="Not followed")
    for event in (films, soup):
        await stage.bob.post(f"/api/events/{event}/subscribe")
    path = await made(await signed_in(stage, BOB), "follows")
    assert list(await read(stage, path)) == ["Films", "Soup"]
    await stage.alice.patch(f"/api/events/{films}", {"start_date": "2027-05-04T18:00:00Z"})
    await stage.alice.post(f"/api/events/{soup}/cancel")
    found = await read(stage, path)
    assert (list(found), found["Soup"].status, found["Films"].sequence) == (["Soup", "Films"], "CANCELLED", 2)
    alone = read_one((await stage.visitor.get(f"/e/{films}.ics")).text)
    assert (alone.uid, alone.sequence) == (found["Films"].uid, found["Films"].sequence)
    stage.clock.pass_(days=60)
    assert await read(stage, path) == {}


async def test_the_organizers_calendar_is_of_public_events_alone_and_names_no_address(stage: Stage) -> None:
    await stage.event(name="Films")
    await stage.event(name="Birthday", is_public=False)
    path = await made(await signed_in(stage), "hosts")
    assert list(await read(stage, path)) == ["Films"]
    text = (await stage.visitor.get(path)).text
    assert "Alice on Soonish" in text
    assert "alice@" not in text


async def test_a_calendar_loses_the_private_event_that_its_reader_may_not_see_any_more(stage: Stage) -> None:
    event = await stage.event(name="Films")
    row = (await stage.bob.post(f"/api/events/{event}/subscribe")).json["subscriptions"][0]["id"]
    path = await made(await signed_in(stage, BOB), "follows")
    await stage.alice.patch(f"/api/events/{event}", {"is_public": False})
    assert list(await read(stage, path)) == ["Films"]
    assert (await stage.alice.delete(f"/api/events/{event}/subscriptions/{row}")).status in (200, 204)
    assert await read(stage, path) == {}


@pytest.mark.parametrize("which", ["follows", "hosts"])
async def test_an_address_that_is_ended_or_replaced_shows_nothing(stage: Stage, which: str) -> None:
    await stage.event(name="Films")
    browser = await signed_in(stage)
    first = await made(browser, which)
    second = await made(browser, which)
    assert first != second
    assert (await stage.visitor.get(first)).status == 404
    assert (await stage.visitor.get(second)).status == 200
    page = await browser.get("/account/calendars")
    assert "On since" in page.text
    assert second not in page.text
    assert (await browser.form(f"/account/calendars/{which}/end", {})).status == 303
    assert (await stage.visitor.get(second)).status == 404
    assert "On since" not in (await browser.get("/account/calendars")).text


async def test_an_unchanged_calendar_is_not_sent_again(stage: Stage) -> None:
    event = await stage.event()
    path = await made(await signed_in(stage), "hosts")
    tag = (await stage.visitor.get(path)).headers["etag"]
    assert (await stage.visitor.get(path, if_none_match=tag)).status == 304
    await stage.alice.patch(f"/api/events/{event}", {"name": "Films"})
    assert (await stage.visitor.get(path, if_none_match=tag)).status == 200


async def test_a_calendar_ends_with_its_account(stage: Stage) -> None:
    browser = await signed_in(stage)
    path = await made(browser, "hosts")
    assert (await stage.alice.delete("/api/me")).status == 200
    assert (await stage.visitor.get(path)).status == 404


async def test_nobody_makes_one_for_somebody_else(stage: Stage) -> None:
    assert (await Browser(stage.app).form("/account/calendars/follows", {})).status == 401
    elsewhere = {"origin": "https://evil.example", "sec_fetch_site": "cross-site"}
    browser = await signed_in(stage)
    assert (await browser.form("/account/calendars/follows", {}, **elsewhere)).status == 403
    assert (await browser.form("/account/calendars/nonsense", {})).status == 404
    assert (await Browser(stage.app).get("/account/calendars")).headers["location"] == "/sign-in"
