"""What an organizer does in a browser: writes, sees who got it, removes and invites people, calls the event off."""

import html
import re

import pytest
from sqlalchemy import select, update

from core.db.models import Delivery, Notification
from core.operations.pause import pause_sending, resume_sending
from tests.people import OPERATOR
from tests.web.client import Answer, Browser
from tests.web.conftest import HOOK, Stage
from tests.web.test_accounts import signed_in
from tests.web.test_creating import fields
from tests.web.test_links import confirmed

FORM = {"content_type": "application/x-www-form-urlencoded"}
WORDS = {"title": "Rain: we are inside", "body": "Films are in the café.", "to": "everyone"}


@pytest.fixture
async def alice(stage: Stage) -> Browser:
    return await signed_in(stage, "alice@example.org")


@pytest.fixture
async def event(stage: Stage) -> str:
    """Followed by bob, by mail and by a webhook."""
    made = await stage.event(timezone="Europe/Berlin", location="Kino")
    await stage.bob.post("/api/integrations", {"name": "Hook", "apprise_url": HOOK, "tag": "hook"})
    await stage.bob.post(f"/api/events/{made}/subscribe", {"tags": ["hook"]})
    await stage.bob.post(f"/api/events/{made}/subscribe", {})
    return made


async def messages(stage: Stage) -> list[int]:
    async with stage.core.db.read() as session:
        rows = await session.scalars(select(Notification.id).where(Notification.kind == "message"))
        return list(rows)


async def settle(stage: Stage, message: int, status: str, *, but: int = 0) -> None:
    """What a worker would have written; `but` of the deliveries fail."""
    async with stage.core.db.write() as session:
        ids = list(await session.scalars(select(Delivery.id).where(Delivery.notification_id == message)))
        await session.execute(update(Delivery).where(Delivery.id.in_(ids)).values(status=status))
        dead = {"status": "dead", "reason": "That webhook is gone."}
        await session.execute(update(Delivery).where(Delivery.id.in_(ids[:but])).values(**dead))


async def sent(browser: Browser, event: str, **more: str) -> Answer:
    look = await browser.form(f"/e/{event}/message", {**WORDS, **more, "step": "look"})
    assert look.status == 200, look.text
    pressed = {**WORDS, **fields(look), "step": "send"}
    return await browser.form(f"/e/{event}/message", {name: html.unescape(text) for name, text in pressed.items()})


async def boxes(browser: Browser, event: str, query: str = "") -> list[str]:
    page = (await browser.get(f"/e/{event}/subscribers{query}")).text
    return re.findall(r'name="chosen" value="(\d+)"', page)


# Writing


async def test_a_message_is_seen_as_every_channel_shows_it_before_it_is_sent_once(
    stage: Stage, alice: Browser, event: str
) -> None:
    look = await alice.form(f"/e/{event}/message", {**WORDS, "step": "look"})
    for words in ("1 subscriber.", 'aria-label="As E-mail"', 'aria-label="As Webhook"', "Rain: we are inside", "café"):
        assert words in look.text
    assert await messages(stage) == []
    press = {**WORDS, **fields(look), "step": "send"}
    first, second = await alice.form(f"/e/{event}/message", press), await alice.form(f"/e/{event}/message", press)
    assert first.headers["location"] == second.headers["location"]
    assert len(await messages(stage)) == 1


async def test_sending_only_to_oneself_is_offered_to_who_follows_and_reaches_nobody_else(
    stage: Stage, alice: Browser, event: str
) -> None:
    look = {**WORDS, "step": "look"}
    assert "Send only to me" not in (await alice.form(f"/e/{event}/message", look)).text
    await alice.form(f"/e/{event}/follow", {})
    offered = await alice.form(f"/e/{event}/message", look)
    assert "Send only to me" in offered.text
    tried = await alice.form(f"/e/{event}/message", {**WORDS, **fields(offered), "step": "me"})
    assert "Sent to you alone" in tried.text
    async with stage.core.db.read() as session:
        owed = select(Delivery.id).join(Notification).where(Notification.kind == "message")
        assert len(list(await session.scalars(owed))) == 1


async def test_an_empty_message_is_refused_beside_its_field_and_the_title_is_kept(alice: Browser, event: str) -> None:
    answer = await alice.form(f"/e/{event}/message", {**WORDS, "body": " ", "step": "look"})
    assert answer.status == 422
    assert 'id="body-error" role="alert">This cannot be empty.' in answer.text
    assert 'value="Rain: we are inside"' in answer.text


async def test_nobody_is_written_to_where_nobody_follows(stage: Stage, alice: Browser) -> None:
    lonely = await stage.event(name="Lonely")
    answer = await alice.form(f"/e/{lonely}/message", {**WORDS, "step": "look"})
    assert (answer.status, "Nobody follows this yet" in answer.text) == (422, True)


async def test_the_report_counts_while_it_sends_says_who_missed_it_and_tries_them_again(
    stage: Stage, alice: Browser, event: str
) -> None:
    where = (await sent(alice, event)).headers["location"]
    page = (await alice.get(where)).text
    assert "Sending… 0 of 2" in page
    assert 'hx-trigger="load delay:1s"' in page
    await settle(stage, (await messages(stage))[0], "delivered", but=1)
    part = (await alice.get(where, hx_request="true")).text
    assert "1 didn't get it." in part
    assert "That webhook is gone." in part
    assert "hx-trigger" not in part
    assert (await alice.form(f"{where}/retry", {})).status == 303
    assert "Sending… 1 of 2" in (await alice.get(where)).text


async def test_the_report_says_when_all_sending_is_paused(stage: Stage, alice: Browser, event: str) -> None:
    where = (await sent(alice, event)).headers["location"]
    await stage.core.act(OPERATOR, pause_sending)
    page = (await alice.get(where)).text
    assert "All sending is paused by the people who run this service. 2 are waiting" in page
    assert "Sending…" not in page
    await stage.core.act(OPERATOR, resume_sending)
    assert "Sending… 0 of 2" in (await alice.get(where)).text


async def test_the_pages_say_when_what_is_due_does_not_move(stage: Stage, alice: Browser, event: str) -> None:
    where = (await sent(alice, event)).headers["location"]
    stage.clock.pass_(minutes=11)
    assert (await stage.visitor.get("/api/health")).json["sending"] == "late"
    page = (await alice.get(where)).text
    assert "Sending is stuck right now. 2 are waiting. Nothing is lost" in page
    assert "Waiting until sending goes on." in page
    assert not re.search("Sending…|On its way", page)
    assert "Sending is stuck right now." in (await alice.get(f"/e/{event}/manage")).text


async def test_only_those_who_missed_the_last_one_can_be_written_to(stage: Stage, alice: Browser, event: str) -> None:
    await sent(alice, event)
    await settle(stage, (await messages(stage))[0], "delivered", but=1)
    assert "Only the 1 who didn't get the last one" in (await alice.get(f"/e/{event}/manage")).text
    [first] = await messages(stage)
    answer = await sent(alice, event, to="missed", missed=str(first))
    assert "Sending… 0 of 1" in (await alice.get(answer.headers["location"])).text


async def test_a_report_is_found_under_its_own_event_alone(stage: Stage, alice: Browser, event: str) -> None:
    where = (await sent(alice, event)).headers["location"]
    other = await stage.event(name="Other")
    assert (await alice.get(where.replace(event, other))).status == 404
    assert (await (await signed_in(stage, "carol@example.org")).get(where)).status == 403


async def test_the_page_says_what_goes_out_and_when(alice: Browser, event: str) -> None:
    page = (await alice.get(f"/e/{event}/manage")).text
    plan = page[page.index('class="plan"') :]
    order = [plan.index(words) for words in ("1 day before", "Next", "1 hour before", "It starts")]
    assert order == sorted(order)
    assert "Fri 30 Apr 2027, 19:30" in plan


async def test_what_is_held_back_stands_behind_what_went_out_before_it(
    stage: Stage, alice: Browser, event: str
) -> None:
    await stage.alice.patch(f"/api/events/{event}", {"location": "The café"})
    await sent(alice, event)
    page = (await alice.get(f"/e/{event}/manage")).text
    plan = page[page.index('class="plan"') : page.index("</ol>")]
    order = [
        plan.index(words) for words in ("Rain: we are inside", "has a new place", ">Next<", "1 day before", "It starts")
    ]
    assert order == sorted(order)
    assert plan.count(">Next<") == 1


# Who follows


async def test_subscribers_are_found_by_name_or_channel_with_addresses_masked(
    stage: Stage, alice: Browser, event: str
) -> None:
    await stage.visitor.post(f"/api/events/{event}/subscribe", {"email": "nora@example.org"})
    assert len(await boxes(alice, event)) == 2
    assert len(await boxes(alice, event, "?q=WEBHOOK")) == 1
    assert await boxes(alice, event, "?q=%25") == []
    long = await alice.get(f"/e/{event}/subscribers?q={'x' * 300}&which={'y' * 300}&said={'z' * 300}")
    assert (long.status, f'value="{"x" * 100}"' in long.text) == (200, True)
    assert "nora@example.org" not in (await alice.get(f"/e/{event}/subscribers")).text


async def test_who_is_removed_stays_out_until_let_back(stage: Stage, alice: Browser, event: str) -> None:
    chosen = (await boxes(alice, event))[0]
    asks = await alice.form(f"/e/{event}/subscribers", {"chosen": chosen, "step": "remove"})
    assert "can't rejoin on any channel unless you let them" in asks.text
    assert len(await boxes(alice, event)) == 2
    await alice.form(f"/e/{event}/subscribers", {"chosen": chosen, "step": "remove_yes"})
    assert chosen not in await boxes(alice, event)
    assert (await stage.bob.post(f"/api/events/{event}/subscribe", {})).status == 403
    assert chosen in await boxes(alice, event, "?which=removed")
    await alice.form(f"/e/{event}/subscribers", {"chosen": chosen, "step": "let_back", "which": "removed"})
    assert (await stage.bob.post(f"/api/events/{event}/subscribe", {})).status == 201


async def test_one_who_is_gone_does_not_stop_the_others_from_being_let_back_and_the_page_counts(
    stage: Stage, alice: Browser, event: str
) -> None:
    at = f"/e/{event}/subscribers"
    first, second = await boxes(alice, event)
    many = f"chosen={first}&chosen={second}"
    await alice.send("POST", at, body=f"{many}&step=remove_yes".encode(), headers=FORM)
    ticked = f"chosen={first}&chosen=987654&chosen={second}&step=let_back&which=removed"
    for said in ("2 may subscribe again.", "None of them is removed now."):
        done = await alice.send("POST", at, body=ticked.encode(), headers=FORM)
        assert done.status == 303
        assert said in (await alice.get(done.headers["location"])).text
    assert await boxes(alice, event, "?which=removed") == []


async def test_nobody_is_said_to_be_removed_where_nobody_was(stage: Stage, alice: Browser, event: str) -> None:
    there = f"/e/{event}/subscribers"
    gone = {"chosen": "999999"}, {"q": "nobody like that", "newest": "999999"}
    for which, step in zip(gone, ("", "all_"), strict=True):
        for press in ("remove", "remove_yes"):
            answer = await alice.form(there, {**which, "step": step + press})
            assert (answer.status, answer.headers["location"]) == (303, f"{there}?said=gone"), (step, press)
    none = await alice.form(there, {**gone[1], "step": "all_let_back"})
    assert none.headers["location"] == f"{there}?which=removed&said=in"
    said = (await alice.get(f"{there}?said=gone")).text
    assert "None of them follows it now" in said
    assert len(await boxes(alice, event)) == 2


async def test_chosen_people_alone_are_written_to(stage: Stage, alice: Browser, event: str) -> None:
    chosen = (await boxes(alice, event))[0]
    page = await alice.form(f"/e/{event}/subscribers", {"chosen": chosen, "step": "write"})
    assert "The 1 you chose" in page.text
    answer = await sent(alice, event, to="chosen", chosen=chosen)
    assert "Sending… 0 of 1" in (await alice.get(answer.headers["location"])).text


async def test_the_table_to_take_along_calculates_nothing(stage: Stage, alice: Browser, event: str) -> None:
    bob = await signed_in(stage, "bob@example.org")
    await bob.form("/account/profile", {"display_name": "=1+1"})
    await bob.send("POST", "/api/integrations", json={"name": "x", "apprise_url": HOOK + "2", "tag": "more"})
    await stage.bob.post(f"/api/events/{event}/subscribe", {"tags": ["more"]})
    table = await alice.get(f"/e/{event}/subscribers.csv")
    assert table.headers["content-type"].startswith("text/csv")
    assert table.text.startswith("who,channel,state,since\r\n'=1+1 by Webhook,Webhook,active,")


# Invitations, organizers, the end


async def test_a_link_is_made_shown_once_and_taken_back(stage: Stage, alice: Browser, event: str) -> None:
    made = (await alice.form(f"/e/{event}/people", {"step": "link", "days": "7", "uses": "3"})).text
    found = re.search(r"https://soonish\.test(/i/[^<]+)<", made)
    assert found is not None
    assert (await stage.visitor.get(found[1])).status == 200
    page = (await alice.get(f"/e/{event}/people")).text
    assert "/i/" not in page
    number = re.search(r'name="number" value="(\d+)"', page)
    assert number is not None
    await alice.form(f"/e/{event}/people", {"step": "revoke", "number": number[1]})
    assert (await stage.visitor.get(found[1])).status == 404


async def test_a_link_whose_button_is_pressed_twice_is_made_once_and_shown_both_times(
    stage: Stage, alice: Browser, event: str
) -> None:
    press = {"step": "link", "days": "7", "uses": "", **fields(await alice.get(f"/e/{event}/people"))}
    first, second = [(await alice.form(f"/e/{event}/people", press)).text for _ in range(2)]
    link = re.search(r"https://soonish\.test/i/[^<]+<", first)
    assert link is not None
    assert link[0] in second
    assert second.count("<strong><bdi>Anyone with the link") == 1
    other = (await alice.form(f"/e/{event}/people", {**press, "days": "8"})).text
    assert link[0] not in other
    assert other.count("<strong><bdi>Anyone with the link") == 2


@pytest.mark.parametrize(
    ("name", "typed", "words"),
    [
        *(("days", text, "Must be a whole number from 1 to 365.") for text in ("0", "-5", "366", "a week", "1.5")),
        *(("uses", text, "Must be a whole number from 1 to 100,000.") for text in ("0", "-1", "100001")),
    ],
)
async def test_a_link_that_is_good_for_no_such_time_or_number_is_refused_with_the_bounds(
    stage: Stage, alice: Browser, event: str, name: str, typed: str, words: str
) -> None:
    refused = await alice.form(f"/e/{event}/people", {"step": "link", "days": "7", "uses": "", name: typed})
    assert (refused.status, f'id="{name}-error" role="alert">{words}<' in refused.text) == (422, True), refused.text
    assert (await stage.rows())["event_invitations"] == 0


async def test_people_are_asked_by_mail_and_a_wrong_address_is_said_beside_its_field(
    stage: Stage, alice: Browser, event: str
) -> None:
    for step in ("email", "organizer", "owner"):
        wrong = await alice.form(f"/e/{event}/people", {"step": step, step: "nobody"})
        assert (wrong.status, f'id="{step}-error"' in wrong.text) == (422, True)
        asked = await alice.form(f"/e/{event}/people", {"step": step, step: "nora@example.org"})
        assert asked.headers["location"].endswith(f"said={step}")
    page = (await alice.get(f"/e/{event}/people")).text
    assert page.count("<strong><bdi>n•••a@example.org") == 3


async def test_who_was_asked_by_mail_today_is_said_to_have_been_and_when_whether_they_want_mail_or_not(
    stage: Stage, alice: Browser, event: str
) -> None:
    link = await confirmed(stage, event)
    await stage.visitor.form(link, {"scope": "everything"})
    for address in ("nora@example.org", "olga@example.org"):  # nora asked never to be written to
        for step in ("email", "organizer", "owner"):
            press = {"step": step, step: address}
            assert (await alice.form(f"/e/{event}/people", press)).status == 303
            again = await alice.form(f"/e/{event}/people", press)
            assert "That address was asked already, on Tue 20 Apr 2027, 14:00" in again.text, again.text
            assert ("make a link here" in again.text) is (step == "email")
        stage.clock.pass_(days=1, seconds=1)
        assert (await alice.form(f"/e/{event}/people", press)).status == 303
        stage.clock.pass_(days=-1, seconds=-1)


async def test_calling_it_off_says_who_is_told_and_does_it_by_one_press(
    stage: Stage, alice: Browser, event: str
) -> None:
    asks = (await alice.get(f"/e/{event}/cancel")).text
    assert "1 person will be told. Reminders stop. This can't be undone." in asks
    assert (await stage.alice.get(f"/api/events/{event}")).json["status"] == "scheduled"
    done = await alice.form(f"/e/{event}/cancel", {"reason": "Storm", "step": "cancel"})
    assert done.headers["location"] == f"/e/{event}/manage?said=cancelled"
    assert (await stage.alice.get(f"/api/events/{event}")).json["cancel_reason"] == "Storm"


@pytest.mark.parametrize("page", ["manage", "edit", "subscribers", "subscribers.csv", "people", "cancel", "health"])
async def test_a_stranger_sees_none_of_it(stage: Stage, event: str, page: str) -> None:
    carol = await signed_in(stage, "carol@example.org")
    assert (await carol.get(f"/e/{event}/{page}")).status == 403
    visitor = await Browser(stage.app).get(f"/e/{event}/{page}")
    assert (visitor.status, visitor.headers["location"]) == (303, "/sign-in")
