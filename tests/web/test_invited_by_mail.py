"""An invitation that came by mail, without an account: one press, for the address that it went to, and the event is
there to be seen."""

import re

import pytest

from core.privacy.follows import change_followed
from core.subscriptions.leave import unsubscribe
from core.tokens import (
    ConfirmToken,
    UnsubscribeToken,
    address_token,
    confirm_token,
    invitation_token,
    unsubscribe_token,
)
from core.upkeep import tidy
from tests.core.look import NOBODY
from tests.web.client import Browser
from tests.web.conftest import Stage
from tests.web.test_accounts import signed_in
from tests.web.test_invitations import invited
from tests.web.test_links import newest

IVAN = "ivan@example.org"
MASKED = "i•••n@example.org"
ABOUT = {"description": "Bring a blanket.\nAnd tea.", "location": "Roof", "contact": "Ask at the bar"}


async def mailed(stage: Stage, **about: object) -> tuple[str, str, int]:
    """An event, the address of the page that ivan's invitation leads to, and the invitation's number."""
    event = await stage.event(**{"is_public": False, **ABOUT, **about})
    made = await stage.alice.post(f"/api/events/{event}/invitations", {"kind": "email", "email": IVAN})
    return event, "/i/" + invitation_token(stage.core.keys, made.json["id"]), made.json["id"]


async def mails(stage: Stage) -> int:
    return (await stage.rows())["deliveries"]


async def left(stage: Stage) -> None:
    row = await newest(stage)
    link = unsubscribe_token(stage.core.keys, UnsubscribeToken(row.event_id, row.integration_id))
    await stage.core.act(NOBODY, unsubscribe, link)


async def test_one_press_lets_the_address_in_and_shows_the_event_and_how_to_see_it_again(stage: Stage) -> None:
    event, page, _ = await mailed(stage)
    shown = (await stage.visitor.get(page)).text
    assert (MASKED in shown, IVAN in shown, 'name="email"' in shown) == (True, False, False)
    assert "blanket" not in shown
    before = await mails(stage)
    pressed = await stage.visitor.form(page, {})
    assert (pressed.status, pressed.headers["location"]) == (303, page)
    assert (await newest(stage)).state == "active"
    assert await mails(stage) == before + 1  # the welcome, and none that asks
    for _ in range(2):
        seen = await stage.visitor.get(page)
        for words in ("You're set.", MASKED, "Bring a blanket.", "Roof", "Ask at the bar", "once more"):
            assert words in seen.text
        assert (seen.headers["cache-control"], IVAN in seen.text) == ("no-store", False)
        assert f'href="/sign-in?next=/e/{event}"' in seen.text
        await stage.visitor.form(page, {})
    assert (await mails(stage), (await stage.rows())["subscriptions"]) == (before + 1, 1)


async def test_what_opens_links_by_itself_changes_nothing(stage: Stage) -> None:
    _, page, _ = await mailed(stage)
    before = await stage.rows(but=())
    for method in ("GET", "HEAD", "GET"):
        assert (await stage.visitor.send(method, page, headers={"purpose": "prefetch"})).status == 200
    assert await stage.rows(but=()) == before


async def test_signing_in_with_the_address_opens_the_page_and_the_link_then_shows_nothing_without(stage: Stage) -> None:
    event, page, _ = await mailed(stage)
    await stage.visitor.form(page, {})
    ivan = await signed_in(stage, IVAN)
    assert "Bring a blanket." in (await ivan.get(f"/e/{event}")).text
    closed = await Browser(stage.app).get(page)
    assert (closed.status, "blanket" in closed.text, "sign in with the address" in closed.text) == (404, False, True)


async def test_a_public_event_is_led_to(stage: Stage) -> None:
    event, page, _ = await mailed(stage, is_public=True)
    await stage.visitor.form(page, {})
    seen = (await stage.visitor.get(page)).text
    assert ("You're set." in seen, f'href="/e/{event}"' in seen) == (True, True)


async def test_whoever_left_since_is_not_brought_back_by_a_link_that_may_be_in_other_hands(stage: Stage) -> None:
    _, page, _ = await mailed(stage)
    await stage.visitor.form(page, {})
    await left(stage)
    assert "blanket" not in (await stage.visitor.get(page)).text
    before = await mails(stage)
    for _ in range(3):
        asked = await stage.visitor.form(page, {})
        assert ("Check your inbox" in asked.text, MASKED in asked.text) == (True, True)
    assert ((await newest(stage)).state, await mails(stage)) == ("unconfirmed", before + 1)
    row = await newest(stage)
    yes = ConfirmToken("subscription", row.id, int(row.requested_at.timestamp()))
    await stage.visitor.form("/c/" + confirm_token(stage.core.keys, yes), {})
    assert "Bring a blanket." in (await stage.visitor.get(page)).text


async def test_an_address_that_is_never_written_to_is_not_told_that_it_is_set(stage: Stage) -> None:
    _, page, _ = await mailed(stage)
    await stage.visitor.form(page, {})
    row = await newest(stage)
    link = unsubscribe_token(stage.core.keys, UnsubscribeToken(row.event_id, row.integration_id))
    await stage.core.act(NOBODY, unsubscribe, link, "everything")
    refused = await stage.visitor.form(page, {})
    assert (refused.status, "asked for no more mail" in refused.text) == (409, True)
    assert (await newest(stage)).state == "ended"


@pytest.mark.parametrize("how", ["removed", "taken back"])
async def test_who_is_out_by_the_organizer_sees_no_more_of_it_and_does_not_come_back_by_the_link(
    stage: Stage, how: str
) -> None:
    event, page, number = await mailed(stage)
    await stage.visitor.form(page, {})
    row = (await newest(stage)).id
    out = f"subscriptions/{row}" if how == "removed" else f"invitations/{number}"
    assert (await stage.alice.delete(f"/api/events/{event}/{out}")).status in (200, 204)
    for answer in (await stage.visitor.get(page), await stage.visitor.form(page, {})):
        assert (answer.status, "blanket" in answer.text) == (404, False)
    assert (await newest(stage)).state == "ended"


async def test_an_address_that_is_not_kept_any_more_is_typed_once_and_is_in(stage: Stage) -> None:
    _, page, _ = await mailed(stage)
    stage.clock.pass_(days=8)
    await stage.core.step(tidy)
    assert 'name="email"' in (await stage.visitor.get(page)).text
    for typed, words in (("", "Type the address"), ("olga@example.org", "for another address")):
        wrong = await stage.visitor.form(page, {"email": typed})
        assert (wrong.status, words in wrong.text) == (422, True)
    assert (await stage.visitor.form(page, {"email": IVAN})).headers["location"] == page
    assert "You're set." in (await stage.visitor.get(page)).text


async def test_who_paused_it_reads_so(stage: Stage) -> None:
    _, page, _ = await mailed(stage)
    await stage.visitor.form(page, {})
    row = await newest(stage)
    await stage.core.act(NOBODY, change_followed, address_token(stage.core.keys, row.integration_id), row.id, "pause")
    seen = (await stage.visitor.get(page)).text
    assert ("You paused this." in seen, "You're set." in seen, "blanket" in seen) == (True, False, True)


async def test_an_event_that_is_cancelled_is_said_to_be_to_who_is_in(stage: Stage) -> None:
    event, page, _ = await mailed(stage)
    await stage.visitor.form(page, {})
    await stage.alice.post(f"/api/events/{event}/cancel", {"reason": "Rain"})
    seen = (await stage.visitor.get(page)).text
    assert ("This event is cancelled." in seen, "You're set." in seen) == (True, False)


async def test_who_came_in_by_a_link_and_said_yes_by_mail_sees_the_event_and_how_to_see_it_again(stage: Stage) -> None:
    event, _, page = await invited(stage)
    await stage.alice.patch(f"/api/events/{event}", {"description": "Bring a blanket."})
    await stage.visitor.form(page, {"email": IVAN})
    row = await newest(stage)
    yes = ConfirmToken("subscription", row.id, int(row.requested_at.timestamp()))
    link = "/c/" + confirm_token(stage.core.keys, yes)
    assert "blanket" not in (await stage.visitor.get(link)).text
    done = (await stage.visitor.form(link, {})).text
    assert ("You're set." in done, "Bring a blanket." in done) == (True, True)
    assert re.findall(r'href="(/sign-in\?[^"]+)"', done) == [f"/sign-in?next=/e/{event}"]
    await signed_in(stage, IVAN)
    assert "blanket" not in (await stage.visitor.get(link)).text
