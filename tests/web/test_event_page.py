"""The public page of an event."""

import re
from pathlib import Path

import pytest

from tests.web.client import Answer
from tests.web.conftest import Stage

STATIC = Path(__file__).parents[2] / "web" / "static"


async def page(stage: Stage, event: str, **headers: str) -> Answer:
    return await stage.visitor.get(f"/e/{event}", **headers)


async def test_the_page_tells_what_when_where_and_who(stage: Stage) -> None:
    event = await stage.event(
        end_date="2027-05-01T22:30:00+02:00",
        timezone="Europe/Berlin",
        location="Kino Dach, Lenaustraße 12",
        description="Two films.\n\nBring a blanket.",
        contact="ask Marta",
    )
    text = (await page(stage, event)).text
    for words in ("Film night", "Saturday 1 May 2027", "19:30 to 22:30", "Berlin time", "<strong>Kino Dach</strong>",
                  "<p>Two films.</p><p>Bring a blanket.</p>", "ask Marta", "Alice", "in 11 days"):  # fmt: skip
        assert words in text
    assert "alice@example.org" not in text


async def test_what_people_typed_is_never_markup(stage: Stage) -> None:
    nasty = "</script><script>alert(1)</script><b>"
    event = await stage.event(name=nasty, location=nasty, description=nasty, contact=nasty)
    await stage.alice.post(f"/api/events/{event}/notify", {"title": nasty, "body": nasty})
    text = (await page(stage, event)).text
    assert "<script>alert" not in text
    assert "<b>" not in text.replace("<b>May</b>", "")
    assert text.count("</script>") == 3


async def test_an_hour_that_comes_twice_is_said_with_its_offsets(stage: Stage) -> None:
    twice = {"start_date": "2027-11-07T05:30:00Z", "end_date": "2027-11-07T06:30:00Z", "timezone": "America/New_York"}
    text = (await page(stage, await stage.event(**twice))).text
    assert "01:30 -04:00 to 01:30 -05:00" in text


async def test_the_promise_lists_only_what_will_still_come(stage: Stage) -> None:
    event = await stage.event(start_date="2027-04-22T12:00:00Z", timezone="UTC")
    both = (await page(stage, event)).text
    assert "1 day before</strong>Wed 21 Apr, 12:00, UTC time<" in both
    assert "1 hour before</strong>Thu 22 Apr, 11:00" in both
    stage.clock.pass_(days=1, hours=1)
    one = (await page(stage, event)).text
    assert "1 day before" not in one
    assert "1 hour before" in one
    stage.clock.pass_(hours=22, minutes=30)
    none = (await page(stage, event)).text
    assert "1 hour before" not in none
    assert "Nudge me" in none


async def test_a_cancelled_event_says_so_and_has_no_form(stage: Stage) -> None:
    event = await stage.event()
    await stage.alice.post(f"/api/events/{event}/cancel", {"reason": "Storm warning"})
    text = (await page(stage, event)).text
    assert "Storm warning" in text
    assert "<form" not in text


async def test_a_past_event_says_so_and_has_no_form(stage: Stage) -> None:
    event = await stage.event(start_date="2027-04-20T13:00:00Z")
    stage.clock.pass_(hours=1, minutes=30)
    assert "Happening now" in (await page(stage, event)).text
    stage.clock.pass_(hours=1)
    text = (await page(stage, event)).text
    assert "This event is over" in text
    assert "<form" not in text


async def test_a_private_event_is_not_there(stage: Stage) -> None:
    event = await stage.event(is_public=False)
    for path in (f"/e/{event}", f"/e/{event}/cover.svg", f"/e/{event}.ics"):
        assert (await stage.visitor.get(path)).status == 404
    assert (await stage.visitor.form(f"/e/{event}/subscribe", {"email": "n@example.org"})).status == 404


async def test_messages_to_chosen_people_are_not_on_the_page(stage: Stage) -> None:
    event = await stage.event()
    row = (await stage.bob.post(f"/api/events/{event}/subscribe")).json["subscriptions"][0]["id"]
    chosen = {"title": "Only for bob", "body": "psst", "subscription_ids": [row]}
    await stage.alice.post(f"/api/events/{event}/notify", chosen)
    await stage.alice.post(f"/api/events/{event}/notify", {"title": "For everybody", "body": "hello"})
    text = (await page(stage, event)).text
    assert "For everybody" in text
    assert "Only for bob" not in text


async def test_an_unchanged_page_is_not_sent_again(stage: Stage) -> None:
    event = await stage.event()
    first = await page(stage, event)
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "private, no-cache"
    again = await page(stage, event, if_none_match=f'"other", {tag}')
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
    await stage.bob.post(f"/api/events/{event}/subscribe")
    assert (await page(stage, event, if_none_match=tag)).status == 304


async def test_whatever_the_page_shows_changes_its_tag(stage: Stage) -> None:
    event = await stage.event(start_date="2027-04-20T14:00:00Z")
    tags = [(await page(stage, event)).headers["etag"]]

    async def differs() -> None:
        answer = await page(stage, event, if_none_match=tags[-1])
        assert answer.status == 200
        assert answer.headers["etag"] not in tags
        tags.append(answer.headers["etag"])

    await stage.alice.patch(f"/api/events/{event}", {"description": "More of it"})
    await differs()
    await stage.alice.post(f"/api/events/{event}/notify", {"title": "Hello", "body": "All of you"})
    await differs()
    stage.clock.pass_(hours=1, minutes=1)
    await differs()
    stage.clock.pass_(hours=1)
    await differs()
    await stage.alice.post(f"/api/events/{event}/cancel")
    await differs()


@pytest.mark.parametrize("htmx", [{}, {"hx_request": "true"}])
async def test_subscribing_works_with_and_without_javascript(stage: Stage, htmx: dict[str, str]) -> None:
    event = await stage.event()
    answer = await stage.visitor.form(f"/e/{event}/subscribe", {"email": " nora@example.org "}, **htmx)
    assert answer.status == 200
    assert "Check your inbox" in answer.text
    assert "nora@example.org" in answer.text
    assert ("<!doctype html>" in answer.text) is not bool(htmx)


@pytest.mark.parametrize("htmx", [{}, {"hx_request": "true"}])
async def test_a_mistake_stands_beside_the_field_and_keeps_what_was_typed(stage: Stage, htmx: dict[str, str]) -> None:
    answer = await stage.visitor.form(f"/e/{await stage.event()}/subscribe", {"email": 'no"pe@'}, **htmx)
    assert answer.status == 422
    assert 'value="no&#34;pe@"' in answer.text
    assert 'aria-invalid="true" aria-describedby="email-error email-note" autofocus' in answer.text
    assert ("<!doctype html>" in answer.text) is not bool(htmx)


async def test_the_answer_is_the_same_for_every_address(stage: Stage) -> None:
    event = await stage.event()
    path, address = f"/e/{event}/subscribe", {"email": "nora@example.org"}
    answers = [(await stage.visitor.form(path, address)).body for _ in ("new", "repeated", "limited")]
    assert len(set(answers)) == 1
    assert (await stage.rows())["subscriptions"] == 1


async def test_a_robot_that_fills_every_field_gets_the_answer_and_nothing_else(stage: Stage) -> None:
    event = await stage.event()
    before = await stage.rows(but=("audit_log",))
    fields = {"email": "nora@example.org", "website": "https://spam.example"}
    answer = await stage.visitor.form(f"/e/{event}/subscribe", fields)
    assert (answer.status, "Check your inbox" in answer.text) == (200, True)
    assert await stage.rows(but=("audit_log",)) == before


async def test_too_many_are_told_kindly_and_keep_their_form(stage: Stage) -> None:
    path = f"/e/{await stage.event()}/subscribe"
    for number in range(stage.core.settings.subscribe_per_ip_hour):
        await stage.visitor.form(path, {"email": f"n{number}@example.org"})
    answer = await stage.visitor.form(path, {"email": "late@example.org"})
    assert answer.status == 429
    assert int(answer.headers["retry-after"]) > 0
    assert "Try again in" in answer.text
    assert 'value="late@example.org"' in answer.text


async def test_subscribing_to_what_is_over_says_so(stage: Stage) -> None:
    event = await stage.event()
    await stage.alice.post(f"/api/events/{event}/cancel")
    answer = await stage.visitor.form(f"/e/{event}/subscribe", {"email": "n@example.org"}, hx_request="true")
    assert answer.status == 409
    assert "cancelled" in answer.text


async def test_the_cover_is_a_drawing_of_its_own(stage: Stage) -> None:
    one, other = await stage.event(), await stage.event()
    drawings = [await stage.visitor.get(f"/e/{event}/cover.svg") for event in (one, one, other)]
    assert drawings[0].headers["content-type"] == "image/svg+xml"
    assert drawings[0].body == drawings[1].body != drawings[2].body
    assert "nan" not in drawings[0].text


async def test_pages_and_files_stay_small(stage: Stage) -> None:
    event = await stage.event(description="Word " * 200, location="Somewhere, over there")
    for _ in range(3):
        await stage.alice.post(f"/api/events/{event}/notify", {"title": "News", "body": "Word " * 60})
    assert len((await page(stage, event)).body) <= 10 * 1024
    assert (STATIC / "app.css").stat().st_size <= 20 * 1024
    assert sum(path.stat().st_size for path in STATIC.glob("*.js")) <= 6 * 1024


async def test_every_link_on_every_page_leads_somewhere(stage: Stage) -> None:
    event = await stage.event(contact="x")
    seen, waiting = set(), ["/", "/privacy", f"/e/{event}", "/api/docs", "/nothing"]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        answer = await stage.visitor.get(path)
        assert answer.status == 200 or path in ("/nothing", "/new"), path
        if "text/html" in answer.headers.get("content-type", ""):
            found = re.findall(r'(?:href|src)="(/[^"#]*)', answer.text)
            waiting += [each.replace("&amp;", "&") for each in found]
    assert any(path.startswith("/static/htmx.min.js?v=") for path in seen)


async def test_files_are_kept_for_ever_under_the_address_of_their_content(stage: Stage) -> None:
    text = (await stage.visitor.get("/")).text
    [address] = re.findall(r'href="(/static/app.css[^"]*)"', text)
    answer = await stage.visitor.get(address)
    assert "immutable" in answer.headers["cache-control"]
    old = await stage.visitor.get("/static/app.css?v=old")
    assert "immutable" not in old.headers["cache-control"]
    zipped = await stage.visitor.get(address, accept_encoding="gzip")
    assert (zipped.headers["content-encoding"], len(zipped.body) < len(answer.body) / 2) == ("gzip", True)
    for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/static/", "/static/vendor"):
        assert (await stage.visitor.get(path)).status == 404


async def test_the_forms_address_opened_again_leads_back_to_the_event(stage: Stage) -> None:
    event = await stage.event()
    answer = await stage.visitor.get(f"/e/{event}/subscribe")
    assert (answer.status, answer.headers["location"]) == (303, f"/e/{event}")
