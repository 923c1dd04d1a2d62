"""The iCalendar file at a page's address: for everybody who may see the event, as fresh as the page."""

import re

from tests.calendars import read_one
from tests.web.client import Answer
from tests.web.conftest import Stage
from tests.web.test_accounts import signed_in


async def file(stage: Stage, event: str, **headers: str) -> Answer:
    return await stage.visitor.get(f"/e/{event}.ics", **headers)


async def test_the_page_offers_its_file_to_add_and_to_follow(stage: Stage) -> None:
    event = await stage.event()
    text = (await stage.visitor.get(f"/e/{event}")).text
    assert re.search(rf'<a href="/e/{event}\.ics">.*?<span>Add to calendar</span>', text)
    assert re.search(rf'<a href="webcal://soonish\.test/e/{event}\.ics">.*?<span>Follow as a calendar</span>', text)
    answer = await file(stage, event)
    assert (answer.status, answer.headers["content-type"]) == (200, "text/calendar; charset=utf-8")
    found = read_one(answer.text)
    assert (found.summary, found.url) == ("Film night", f"https://soonish.test/e/{event}")
    assert "alice" not in answer.text


async def test_an_unchanged_file_is_not_sent_again(stage: Stage) -> None:
    event = await stage.event()
    first = await file(stage, event)
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "private, no-cache"
    again = await file(stage, event, if_none_match=tag)
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
    await stage.alice.post(f"/api/events/{event}/notify", {"title": "Hello", "body": "All of you"})
    stage.clock.pass_(days=1)
    assert (await file(stage, event, if_none_match=tag)).status == 304


async def test_a_change_and_a_cancellation_are_seen_and_stay(stage: Stage) -> None:
    event = await stage.event()
    files = [await file(stage, event)]
    await stage.alice.patch(f"/api/events/{event}", {"location": "Roof"})
    files.append(await file(stage, event, if_none_match=files[-1].headers["etag"]))
    await stage.alice.post(f"/api/events/{event}/cancel")
    files.append(await file(stage, event, if_none_match=files[-1].headers["etag"]))
    stage.clock.pass_(days=60)
    files.append(await file(stage, event))
    assert [each.status for each in files] == [200] * 4
    found = [read_one(each.text) for each in files]
    assert [each.status for each in found] == ["CONFIRMED", "CONFIRMED", "CANCELLED", "CANCELLED"]
    assert found[0].sequence < found[1].sequence < found[2].sequence == found[3].sequence
    assert len({each.uid for each in found}) == 1
    assert {each.method for each in found} == {"PUBLISH"}


async def test_a_private_events_file_is_for_who_is_let_in_and_kept_by_nobody(stage: Stage) -> None:
    event = await stage.event()
    held = (await file(stage, event)).headers["etag"]
    alice, carol = await signed_in(stage, "alice@example.org"), await signed_in(stage, "carol@example.org")
    await stage.alice.patch(f"/api/events/{event}", {"is_public": False})
    for stranger in (stage.visitor, carol):
        answer = await stranger.get(f"/e/{event}.ics", if_none_match=held)
        assert (answer.status, "Film night" in answer.text) == (404, False)
    answer = await alice.get(f"/e/{event}.ics", if_none_match=held)
    assert (answer.status, answer.headers["cache-control"]) == (200, "private, no-store")
    assert "etag" not in answer.headers
    assert read_one(answer.text).summary == "Film night"
    await stage.alice.patch(f"/api/events/{event}", {"is_public": True})
    assert (await file(stage, event)).status == 200


async def test_no_event_no_file(stage: Stage) -> None:
    event = await stage.event()
    for path in ("/e/1111111111.ics", "/e/nothing.ics", f"/e/{event}.ics.ics", f"/e/{event}.ical"):
        assert (await stage.visitor.get(path)).status == 404
