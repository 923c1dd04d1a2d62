"""What the page behind an unsubscribe link shows to somebody who is out already: that, and the way back."""

import re

from sqlalchemy import update

from core.db.models import Integration, Subscription
from core.tokens import UnsubscribeToken, unsubscribe_token
from tests.web.conftest import Stage
from tests.web.test_links import confirmed, newest

FORM = 'value="event"'
UNDO = "/undo"


def undo_in(page: str) -> str:
    return page.split(f'{UNDO}"')[0].rsplit('"', 1)[1] + UNDO


async def test_who_is_in_is_offered_the_form_and_no_undo(stage: Stage) -> None:
    page = (await stage.visitor.get(await confirmed(stage, await stage.event()))).text
    assert FORM in page
    assert UNDO not in page
    assert "Nothing changes until you press" in page


async def test_who_is_out_already_is_told_so_and_may_undo(stage: Stage) -> None:
    link = await confirmed(stage, await stage.event())
    await stage.visitor.form(link, {"List-Unsubscribe": "One-Click"})
    page = (await stage.visitor.get(link)).text
    assert "You're out already." in page or "You&#39;re out already." in page
    assert FORM not in page
    assert "You follow 0" not in page
    assert (await stage.visitor.form(undo_in(page), {})).status == 200
    assert (await newest(stage)).state == "active"
    assert FORM in (await stage.visitor.get(link)).text


async def test_pressing_twice_keeps_the_way_back(stage: Stage) -> None:
    link = await confirmed(stage, await stage.event())
    for _ in range(2):
        page = (await stage.visitor.form(link, {"scope": "event"})).text
        assert UNDO in page
    await stage.visitor.form(undo_in(page), {})
    assert (await newest(stage)).state == "active"


async def test_there_is_no_undo_once_it_would_not_work(stage: Stage) -> None:
    link = await confirmed(stage, await stage.event())
    await stage.visitor.form(link, {"scope": "event"})
    stage.clock.pass_(days=1)
    page = (await stage.visitor.get(link)).text
    assert "out already" in page
    assert UNDO not in page


async def test_undo_says_that_they_are_back_and_once_more_that_they_are_in(stage: Stage) -> None:
    link = await confirmed(stage, await stage.event())
    undo = undo_in((await stage.visitor.form(link, {"scope": "event"})).text)
    pages = [(await stage.visitor.form(undo, {})).text for _ in range(2)]
    assert ["You&#39;re back in." in page or "You're back in." in page for page in pages] == [True, True]
    assert "Everything is as it was before, and the nudges will come." in pages[0]
    assert "You were in already; nothing had to be changed." in pages[1]


async def test_undo_says_to_whom_the_organizer_removed_since_that_they_are_still_out_and_why(stage: Stage) -> None:
    event = await stage.event()
    link = await confirmed(stage, event)
    undo = undo_in((await stage.visitor.form(link, {"scope": "event"})).text)
    assert (await stage.alice.delete(f"/api/events/{event}/subscriptions/{(await newest(stage)).id}")).status == 204
    page = (await stage.visitor.form(undo, {})).text
    assert "back" not in page.lower()
    assert "still out." in page
    assert "<strong>Film night</strong>: The organizer removed you since. Ask them." in page
    told = await stage.visitor.post("/api/unsubscribe/undo", {"token": undo.split("/")[2]})
    assert (told.json["restored"], [each["why"] for each in told.json["still_out"]]) == (0, ["removed"])


async def test_undo_of_never_again_says_no_more_than_that_mail_may_come(stage: Stage) -> None:
    link = await confirmed(stage, await stage.event())
    await stage.visitor.form(link, {"scope": "event"})
    undo = undo_in((await stage.visitor.form(link, {"scope": "everything"})).text)
    page = (await stage.visitor.form(undo, {})).text
    assert "You may get mail again." in page
    assert "back in" not in page


async def test_whom_the_organizer_removed_is_offered_no_undo_and_not_told(stage: Stage) -> None:
    event = await stage.event()
    link = await confirmed(stage, event)
    assert (await stage.alice.delete(f"/api/events/{event}/subscriptions/{(await newest(stage)).id}")).status == 204
    page = (await stage.visitor.get(link)).text
    assert "out already" in page
    assert UNDO not in page
    assert "remove" not in page.lower()


async def test_a_channel_that_is_gone_is_offered_no_undo(stage: Stage) -> None:
    link = await confirmed(stage, await stage.event())
    await stage.visitor.form(link, {"scope": "event"})
    async with stage.core.db.write() as session:
        row = (await newest(stage)).integration_id
        await session.execute(update(Integration).where(Integration.id == row).values(removed_at=stage.clock.now()))
    assert UNDO not in (await stage.visitor.get(link)).text


async def test_who_is_out_of_one_event_may_still_leave_the_others(stage: Stage) -> None:
    first = await confirmed(stage, await stage.event())
    second = await confirmed(stage, await stage.event(name="Matinee"))
    await stage.visitor.form(first, {"scope": "event"})
    page = (await stage.visitor.get(first)).read
    assert "You follow 1 of the events by Alice." in page
    assert FORM not in page
    await stage.visitor.form(first, {"scope": "organizer"})
    page = (await stage.visitor.get(second)).text
    assert "You follow" not in page
    assert ("Stop everything" in page, "Never write to this address again" in page) == (False, True)


async def test_a_second_look_chooses_nothing_and_every_button_says_what_it_does(stage: Stage) -> None:
    first = await confirmed(stage, await stage.event())
    second = await confirmed(stage, await stage.event(name="Matinee"))
    await stage.visitor.form(first, {"scope": "event"})
    for path in (first, f"{first}?scope=everything"):
        page = (await stage.visitor.get(path)).read
        assert re.findall(r'name="scope" value="(\w+)">([^<]+)</button>', page) == [
            ("organizer", "Stop everything from Alice"),
            ("everything", "Never write to this address again"),
        ]
        assert ("checked" in page, ">Unsubscribe<" in page) == (False, False)
    # Back to the first form, and the same button again: the other event and the address stay as they are.
    await stage.visitor.form(first, {"scope": "event"})
    assert FORM in (await stage.visitor.get(second)).text


async def test_a_link_about_no_event_has_one_button_that_says_what_it_does(stage: Stage) -> None:
    await confirmed(stage, await stage.event())
    row = await newest(stage)
    link = "/u/" + unsubscribe_token(stage.core.keys, UnsubscribeToken(0, row.integration_id))
    page = (await stage.visitor.get(link)).text
    assert ("radio" in page, ">Unsubscribe<" in page) == (False, False)
    assert '<button class="btn primary" name="scope" value="everything">Never write to this address again' in page


async def test_who_is_never_written_to_is_told_that_and_may_undo_exactly_that(stage: Stage) -> None:
    link = await confirmed(stage, await stage.event())
    await stage.visitor.form(link, {"scope": "event"})
    await stage.visitor.form(link, {"scope": "everything"})
    page = (await stage.visitor.get(link)).text
    assert "gets nothing from Soonish" in page
    assert "radio" not in page
    assert (await stage.visitor.form(undo_in(page), {})).status == 200
    async with stage.core.db.read() as session:
        row = await session.get(Subscription, (await newest(stage)).id)
    assert row is not None
    assert row.state == "ended", "left before that, and stays so"
    assert UNDO in (await stage.visitor.get(link)).text
