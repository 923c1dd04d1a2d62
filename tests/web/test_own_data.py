"""The pages and routes by which people take their data along, and have it erased."""

import pytest
from sqlalchemy import select

from core.db.models import Integration, Subscription, SuppressedAddress
from core.tokens import address_token
from tests.web.client import Browser
from tests.web.conftest import Stage
from tests.web.test_accounts import signed_in, way_on
from tests.web.test_links import confirmed, newest

ELSEWHERE = {"origin": "https://mail.example", "sec_fetch_site": "cross-site"}
PREFETCH = {"sec_purpose": "prefetch", "sec_fetch_site": "none"}


async def followed(stage: Stage) -> str:
    """The path of the page of an address that follows an event."""
    await confirmed(stage, await stage.event())
    return "/s/" + address_token(stage.core.keys, (await newest(stage)).integration_id)


async def channel(stage: Stage) -> Integration:
    async with stage.core.db.read() as session:
        return await session.get_one(Integration, (await newest(stage)).integration_id)


async def suppressed(stage: Stage) -> int:
    async with stage.core.db.read() as session:
        return len(list(await session.scalars(select(SuppressedAddress.destination))))


async def test_opening_everything_you_follow_changes_nothing(stage: Stage) -> None:
    path = await followed(stage)
    before = await stage.rows(but=())
    for method in ("GET", "HEAD", "GET"):
        for headers in ({}, PREFETCH, ELSEWHERE):
            for page in (path, f"{path}/log", f"{path}/export"):
                assert (await stage.visitor.send(method, page, headers=headers)).status == 200
    assert await stage.rows(but=()) == before
    assert (await newest(stage)).state == "active"


async def test_an_address_reads_what_was_sent_to_it_and_why_not(stage: Stage) -> None:
    path = await followed(stage)
    assert f"{path}/log" in (await stage.visitor.get(path)).text
    answer = await stage.visitor.get(f"{path}/log")
    assert [words in answer.text for words in ("Welcome", "Film night", "n•••a@example.org", "Waiting")] == [True] * 4
    assert ("nora@example.org" in answer.text, answer.headers["cache-control"]) == (False, "private, no-store")


async def test_an_account_reads_its_log_in_pages_on_the_site_and_by_the_api(stage: Stage) -> None:
    browser = await signed_in(stage, "bob@example.org")
    assert "/account/log" in (await browser.get("/account")).text
    assert "Nothing" not in (await browser.get("/account/log")).text
    event = await stage.event()
    await stage.bob.post(f"/api/events/{event}/subscribe")
    for n in range(52):
        await stage.alice.post(f"/api/events/{event}/notify", {"title": f"Note {n}", "body": "All of you"})
    first = (await browser.get("/account/log")).text
    older = first.partition("/account/log?cursor=")[2].partition('"')[0]
    assert first.count("<li>") == 50
    assert "A link to sign in" in (await browser.get(f"/account/log?cursor={older}")).text
    page = (await stage.bob.get("/api/me/deliveries?limit=2")).json
    assert [each["what"] for each in page["items"]] == ["A message from the organizer"] * 2
    assert (await stage.carol.get("/api/me/deliveries")).json["items"] == []
    assert (await stage.bob.get("/api/me/deliveries?cursor=x!")).status == 422


async def test_the_page_shows_events_and_no_address_and_is_kept_by_nobody(stage: Stage) -> None:
    answer = await stage.visitor.get(await followed(stage))
    assert "Film night" in answer.text
    assert "n•••a@example.org" in answer.text
    assert "nora@example.org" not in answer.text
    assert (answer.headers["cache-control"], answer.headers["referrer-policy"]) == ("no-store", "no-referrer")
    assert answer.cookies == ()


@pytest.mark.parametrize(("step", "state"), [("pause", "paused"), ("end", "ended"), ("end_all", "ended")])
async def test_a_button_acts_without_a_cookie_and_from_anywhere(stage: Stage, step: str, state: str) -> None:
    path = await followed(stage)
    fields = {"step": step, "subscription": str((await newest(stage)).id)}
    answer = await stage.visitor.form(path, fields, **ELSEWHERE)
    assert (answer.status, answer.headers["location"]) == (303, path)
    assert (await newest(stage)).state == state


async def test_what_was_ended_comes_back_by_the_button_beside_it(stage: Stage) -> None:
    path = await followed(stage)
    await stage.visitor.form(path, {"step": "end", "subscription": str((await newest(stage)).id)})
    page = (await stage.visitor.get(path)).text
    assert "You left <bdi>Film night</bdi>." in page
    undo = page.split('/undo"')[0].rsplit('"', 1)[1] + "/undo"
    assert (await stage.visitor.form(undo, {})).status == 200
    assert (await newest(stage)).state == "active"


@pytest.mark.parametrize(
    ("fields", "status"),
    [({}, 303), ({"step": "explode"}, 303), ({"step": "pause"}, 404), ({"step": "end", "subscription": "x"}, 404),
     ({"step": "end", "subscription": "9" * 400}, 404), ({"step": "end", "subscription": "4711"}, 404)],
)  # fmt: skip
async def test_a_form_that_says_nothing_of_ours_does_nothing(stage: Stage, fields: dict[str, str], status: int) -> None:
    path = await followed(stage)
    assert (await stage.visitor.form(path, fields)).status == status
    assert (await newest(stage)).state == "active"


@pytest.mark.parametrize("cut", [1, 10])
async def test_a_truncated_link_says_so_kindly(stage: Stage, cut: int) -> None:
    path = (await followed(stage))[:-cut]
    for answer in (await stage.visitor.get(path), await stage.visitor.form(path, {"step": "end_all"})):
        assert answer.status == 404
        assert "a part of it is missing" in answer.text


async def test_an_address_is_erased_by_a_typed_word_and_nothing_else(stage: Stage) -> None:
    path = await followed(stage)
    refused = await stage.visitor.form(f"{path}/erase", {"confirm": "yes"})
    assert refused.status == 422
    assert "Type erase" in refused.text
    assert (await channel(stage)).erased_at is None
    done = await stage.visitor.form(f"{path}/erase", {"confirm": " Erase "})
    assert (done.status, "It's all gone." in done.text) == (200, True)
    assert (await channel(stage)).erased_at is not None
    assert await suppressed(stage) == 0
    # Its links go on answering.
    assert "There is nothing here now" in (await stage.visitor.get(path)).text
    assert (await stage.visitor.form(path, {"step": "end_all"})).status == 404
    assert (await stage.visitor.get(f"{path}/export")).status == 404


async def test_an_erased_addresss_unsubscribe_link_still_answers(stage: Stage) -> None:
    leave = await confirmed(stage, await stage.event())
    path = "/s/" + address_token(stage.core.keys, (await newest(stage)).integration_id)
    await stage.visitor.form(f"{path}/erase", {"confirm": "erase", "never_again": "yes"})
    assert await suppressed(stage) == 1
    for answer in (await stage.visitor.get(leave), await stage.visitor.form(leave, {"scope": "everything"})):
        assert answer.status == 200
        assert "erased" not in answer.text
        assert "out" in answer.text
    assert await suppressed(stage) == 1


async def test_an_address_that_is_never_written_to_may_take_that_back_on_its_page(stage: Stage) -> None:
    leave = await confirmed(stage, await stage.event())
    await stage.visitor.form(leave, {"scope": "everything"})
    path = "/s/" + address_token(stage.core.keys, (await newest(stage)).integration_id)
    assert "Write to me again" in (await stage.visitor.get(path)).text
    await stage.visitor.form(path, {"step": "write_again"})
    assert await suppressed(stage) == 0


async def test_an_account_is_erased_on_its_page_by_a_typed_word(stage: Stage) -> None:
    browser = await signed_in(stage, "bob@example.org")
    assert "Type “erase”" in (await browser.get("/account/erase")).text
    refused = await browser.form("/account/erase", {"confirm": ""})
    assert (refused.status, "Type erase" in refused.text) == (422, True)
    done = await browser.form("/account/erase", {"confirm": "erase"})
    assert (done.status, "It's all gone." in done.text) == (200, True)
    assert browser.jar == {}
    assert (await stage.bob.get("/api/me")).status == 401


async def test_an_account_that_owns_what_is_to_come_reads_which_on_its_page(stage: Stage) -> None:
    await stage.event()
    browser = await signed_in(stage, "alice@example.org")
    answer = await browser.form("/account/erase", {"confirm": "erase"})
    assert answer.status == 409
    assert "Film night" in answer.text
    assert (await stage.alice.delete("/api/me")).status == 409
    assert (await stage.alice.get("/api/me")).status == 200


async def test_a_page_left_open_on_a_desk_erases_nothing(stage: Stage) -> None:
    browser = await signed_in(stage, "bob@example.org")
    stage.clock.pass_(minutes=16)
    answer = await browser.form("/account/erase", {"confirm": "erase"})
    assert (answer.status, way_on(answer)) == (403, "/sign-in/again?next=%2Faccount%2Ferase")
    assert (await browser.get("/api/me")).status == 200


async def test_another_site_erases_and_takes_nothing(stage: Stage) -> None:
    browser = await signed_in(stage, "bob@example.org")
    assert (await browser.form("/account/erase", {"confirm": "erase"}, **ELSEWHERE)).status == 403
    assert (await browser.send("DELETE", "/api/me", headers=ELSEWHERE)).status == 403
    assert (await stage.bob.get("/api/me")).status == 200


async def test_an_account_is_downloaded_with_a_cookie_or_a_token(stage: Stage) -> None:
    browser: Browser = await signed_in(stage, "bob@example.org")
    for who in (browser, stage.bob):
        answer = await who.get("/api/me/export")
        assert answer.status == 200
        assert answer.headers["content-disposition"] == 'attachment; filename="soonish-account.json"'
        assert answer.headers["cache-control"] == "no-store"
        assert answer.json["account"][0]["email"] == "bob@example.org"
        assert answer.json["complete"] is True
    assert (await stage.visitor.get("/api/me/export")).status == 401


async def test_the_api_erases_an_account_and_its_cookie_and_says_what_ended(stage: Stage) -> None:
    event = await stage.event()
    await stage.bob.post(f"/api/events/{event}/subscribe")
    answer = await stage.bob.delete("/api/me?never_again=true")
    assert answer.json == {"ended_subscriptions": 1, "skipped_messages": 1}
    assert await suppressed(stage) == 1
    async with stage.core.db.read() as session:
        assert [row.state for row in await session.scalars(select(Subscription))] == ["ended"]


async def test_the_privacy_page_says_how_long_things_are_really_kept(stage: Stage) -> None:
    page = (await stage.visitor.get("/privacy")).text
    settings = stage.core.settings
    for days in (
        settings.retention_deliveries_days,
        settings.retention_audit_days,
        settings.retention_invitations_days,
    ):
        assert f"{days} days" in page
