"""Another address for an account, a name, a password: what the account's page and API change, and who is told."""

import re

import pytest
from sqlalchemy import select, update

from core.accounts.users import vouch
from core.db.models import Delivery, Integration, Notification, Subscription, Token, User
from core.tokens import LinkToken, UnsubscribeToken, link_token, unsubscribe_token
from tests.core.look import rows
from tests.people import OPERATOR
from tests.web.client import Answer, Browser
from tests.web.conftest import Stage
from tests.web.test_accounts import ALICE, COOKIE, PASSWORD, newest_link, signed_in, way_on, with_password
from tests.web.test_links import asked as asked_to_follow

NEW, BOB = "new@example.org", "bob@example.org"


async def ask(browser: Browser, email: str = NEW) -> Answer:
    return await browser.send("PUT", "/api/me/email", json={"email": email})


async def change_link(stage: Stage) -> str:
    """The path of the link in the latest mail to a new address."""
    async with stage.core.db.read() as session:
        query = select(Token).where(Token.purpose == "change_email").order_by(Token.id.desc()).limit(1)
        row = (await session.scalars(query)).one()
    return "/in/" + link_token(stage.core.keys, LinkToken("change_email", row.id, int(row.created_at.timestamp())))


async def mailed(stage: Stage, *kinds: str) -> list[tuple[str, str]]:
    """What is owed, as (kind, address), oldest first."""
    query = (
        select(Notification.kind, Integration.apprise_url)
        .join(Delivery, Delivery.notification_id == Notification.id)
        .join(Integration, Integration.id == Delivery.integration_id)
        .where(Notification.kind.in_(kinds))
        .order_by(Notification.id)
    )
    async with stage.core.db.read() as session:
        found = (await session.execute(query)).all()
    return [(kind, stage.core.keys.open(sealed).partition("://")[2].replace("%40", "@")) for kind, sealed in found]


CHANGES = ("change_email", "email_taken", "email_requested", "email_changed")


async def test_an_address_is_changed_by_the_address_itself_and_both_are_told(stage: Stage) -> None:
    browser = await signed_in(stage)
    assert (await ask(browser)).status == 202
    assert await mailed(stage, *CHANGES) == [("change_email", NEW), ("email_requested", ALICE)]
    link = await change_link(stage)
    page = await Browser(stage.app).get(link)
    assert ("Use this address?" in page.text, NEW in page.text, ALICE in page.text) == (True, False, False)
    assert (await browser.get("/api/me")).json["email"] == ALICE
    done = await Browser(stage.app).form(link, {})
    assert (done.status, "your address now" in done.text, done.cookies) == (200, True, ())
    assert (await browser.get("/api/me")).json["email"] == NEW
    assert await mailed(stage, "email_changed") == [("email_changed", ALICE)]
    for way in (await browser.get(link), await browser.form(link, {})):
        assert (way.status, "has done its work" in way.text) == (409, True)
    await stage.visitor.post("/api/auth/login", {"email": NEW})
    assert (await Browser(stage.app).form(await newest_link(stage), {})).status == 303


async def test_the_mail_channel_goes_along_with_what_follows_by_it_and_old_links_still_leave(stage: Stage) -> None:
    event = await stage.event()
    await stage.bob.post(f"/api/events/{event}/subscribe")
    (before,) = await rows(stage.core, select(Subscription))
    anonymous = await asked_to_follow(stage, await stage.event(name="Old one"), BOB)
    await stage.visitor.form(anonymous, {})
    (_, old_row) = await rows(stage.core, select(Subscription).order_by(Subscription.id))
    browser = await signed_in(stage, BOB)
    await ask(browser)
    await browser.form(await change_link(stage), {})
    channel = (await rows(stage.core, select(Integration).where(Integration.id == before.integration_id)))[0]
    assert stage.core.keys.open(channel.apprise_url) == "systemmail://new%40example.org"
    assert (channel.is_active, channel.tag) == (True, "email")
    assert len((await browser.get("/api/me/subscriptions")).json["items"]) == 2
    for row, named in ((before, before.integration_id), (old_row, old_row.integration_id)):
        token = unsubscribe_token(stage.core.keys, UnsubscribeToken(row.event_id, named))
        assert (await stage.visitor.post("/api/unsubscribe", {"token": token})).json["ended"] == 1
    delivered = await rows(stage.core, select(Delivery).where(Delivery.subscription_id == before.id))
    assert {each.integration_id for each in delivered} == {before.integration_id}


async def test_what_the_new_address_followed_is_adopted(stage: Stage) -> None:
    await stage.visitor.form(await asked_to_follow(stage, await stage.event(), NEW), {})
    browser = await signed_in(stage)
    await ask(browser)
    assert (await browser.get("/api/me/subscriptions")).json["items"] == []
    await browser.form(await change_link(stage), {})
    assert len((await browser.get("/api/me/subscriptions")).json["items"]) == 1


async def test_an_address_that_another_account_has_proved_is_told_and_never_taken_over(stage: Stage) -> None:
    browser = await signed_in(stage)
    free, taken = await ask(browser), await ask(browser, BOB)
    assert (taken.status, taken.body, taken.said) == (free.status, free.body, free.said)
    assert ("email_taken", BOB) in await mailed(stage, *CHANGES)
    before = await stage.rows()
    assert (await browser.form(await change_link(stage), {})).status == 409
    assert await stage.rows() == before
    assert [(await each.get("/api/me")).json["email"] for each in (stage.alice, stage.bob)] == [ALICE, BOB]


async def test_an_address_that_is_proved_by_somebody_else_meanwhile_is_theirs(stage: Stage) -> None:
    browser = await signed_in(stage)
    await ask(browser)
    link = await change_link(stage)
    await stage.core.act(OPERATOR, vouch, NEW)
    assert (await browser.form(link, {})).status == 409
    assert (await browser.get("/api/me")).json["email"] == ALICE


async def test_whoever_only_typed_the_address_has_no_claim_on_it(stage: Stage) -> None:
    await stage.visitor.post("/api/auth/register", {"email": NEW})
    squatter, browser = await newest_link(stage), await signed_in(stage)
    await ask(browser)
    assert (await browser.form(await change_link(stage), {})).status == 200
    assert (await stage.visitor.form(squatter, {})).status == 404
    assert (await browser.get("/api/me")).json["email"] == NEW


async def test_a_change_is_asked_for_by_whoever_proved_themselves_lately(stage: Stage) -> None:
    browser, before = await signed_in(stage), await stage.rows()
    assert (await stage.alice.send("PUT", "/api/me/email", json={"email": NEW})).status == 403
    stage.clock.pass_(minutes=16)
    assert (await ask(browser)).status == 403
    assert await stage.rows() == before
    page = await browser.form("/account/email", {"email": NEW})
    assert (page.status, way_on(page)) == (403, "/sign-in/again?next=%2Faccount")
    assert f'name="email" value="{NEW}"' in page.text


async def test_only_the_latest_request_counts_and_a_new_password_voids_it(stage: Stage) -> None:
    browser = await with_password(stage)
    await ask(browser, "first@example.org")
    first = await change_link(stage)
    await ask(browser)
    assert (await browser.form(first, {})).status == 409
    second = await change_link(stage)
    await browser.send("PUT", "/api/me/password", json={"password": "another good one"})
    assert (await browser.form(second, {})).status == 409
    assert (await browser.get("/api/me")).json["email"] == ALICE


async def test_links_to_a_new_address_are_late_forged_and_limited_like_any_other(stage: Stage) -> None:
    browser = await signed_in(stage)
    await ask(browser)
    link = await change_link(stage)
    assert (await browser.get(link[:-2])).status == 404
    stage.clock.pass_(days=1, seconds=1)
    late = await browser.get(link)
    assert (late.status, "older than a day" in late.text, "account" in late.text) == (404, True, True)
    again = await signed_in(stage)
    assert {(await ask(again, f"n{number}@example.org")).status for number in range(10)} == {202}
    assert (await ask(again, "one-more@example.org")).status == 429
    assert (await ask(await signed_in(stage, BOB), "nobody")).status == 422


async def test_one_address_is_not_mailed_without_end(stage: Stage) -> None:
    for number in range(12):
        await stage.core.act(OPERATOR, vouch, f"p{number}@example.org")
        await ask(await signed_in(stage, f"p{number}@example.org", f"198.51.100.{number}"))
    assert len([each for each in await mailed(stage, "change_email") if each[1] == NEW]) == 10


async def test_the_account_page_changes_name_zone_address_and_password(stage: Stage) -> None:
    browser = await signed_in(stage)
    assert 'name="current"' not in (await browser.get("/account")).text
    saved = await browser.form("/account/profile", {"display_name": "Al", "timezone": "Asia/Tokyo"})
    assert (saved.status, saved.headers["cache-control"]) == (200, "private, no-store")
    me = (await browser.get("/api/me")).json
    assert (me["display_name"], me["timezone"]) == ("Al", "Asia/Tokyo")
    sent = await browser.form("/account/email", {"email": NEW})
    assert f"Look for a mail at {NEW}" in sent.text
    assert (await browser.form("/account/password", {"password": PASSWORD})).status == 200
    assert (await browser.get("/api/me")).json["has_password"] is True
    assert 'name="current"' in (await browser.get("/account")).text


@pytest.mark.parametrize(
    ("form", "fields", "beside", "words"),
    [
        ("profile", {"display_name": " ", "timezone": "Asia/Tokyo"}, "display_name", "cannot be empty"),
        ("profile", {"display_name": "Al", "timezone": "Mars/Phobos"}, "timezone", "zone"),
        ("email", {"email": "nobody"}, "email", "not an e-mail address"),
        ("email", {"email": ALICE}, "email", "your address already"),
        ("password", {"password": "short"}, "password", "10 characters"),
        ("password", {"password": "long enough now", "current": "wrong"}, "current", "not right"),
    ],
)
async def test_what_is_wrong_about_an_account_is_said_beside_its_field_and_all_but_passwords_is_kept(
    stage: Stage, form: str, fields: dict[str, str], beside: str, words: str
) -> None:
    browser = await with_password(stage)
    answer = await browser.form(f"/account/{form}", fields)
    assert answer.status in (403, 422)
    said = re.search(rf'id="{beside}-error" role="alert">([^<]*)<', answer.text)
    assert said is not None
    assert words in said[1]
    assert answer.text.count('role="alert"') == answer.text.count('aria-invalid="true"') == 1
    for name, text in fields.items():
        value = "" if form == "password" else text
        assert re.search(rf'name="{name}"[^>]* value="{value}"', answer.text), name


async def test_a_name_and_a_zone_are_changed_by_the_api(stage: Stage) -> None:
    changed = await stage.alice.patch("/api/me", {"display_name": "Al", "timezone": "Asia/Tokyo"})
    assert (changed.json["display_name"], changed.json["timezone"]) == ("Al", "Asia/Tokyo")
    assert (await stage.alice.patch("/api/me", {})).json == changed.json
    for body in ({"display_name": ""}, {"timezone": "Mars/Phobos"}, {"timezone": ""}, {"email": NEW}):
        assert (await stage.alice.patch("/api/me", body)).status == 422


# Passwords


async def test_a_password_that_is_set_or_changed_is_told_to_the_account(stage: Stage) -> None:
    browser = await with_password(stage)
    assert (await browser.send("PUT", "/api/me/password", json={"password": "another good one"})).status == 204
    assert await mailed(stage, "password_changed") == [("password_changed", ALICE)] * 2
    titles = await rows(stage.core, select(Notification).where(Notification.kind == "password_changed"))
    assert [each.title for each in titles] == ["Your password was set", "Your password was changed"]


async def test_it_is_told_although_nudges_are_off_and_elsewhere_only_where_mail_may_not_go(stage: Stage) -> None:
    await stage.alice.post("/api/integrations", {"name": "Hook", "apprise_url": "jsons://192.0.43.8/hook"})
    mine = (await stage.alice.get("/api/integrations")).json["items"][-1]["id"]
    await stage.alice.patch(f"/api/integrations/{mine}", {"is_active": False})
    browser = await with_password(stage)
    assert await mailed(stage, "password_changed") == [("password_changed", ALICE)]
    leave = unsubscribe_token(stage.core.keys, UnsubscribeToken(0, mine))
    await stage.visitor.post("/api/unsubscribe", {"token": leave})
    assert (await browser.send("PUT", "/api/me/password", json={"password": "another good one"})).status == 204
    (_, (_, other)) = await mailed(stage, "password_changed")
    assert "192.0.43.8" in other


async def test_an_api_token_outlives_a_new_password_and_a_new_address(stage: Stage) -> None:
    browser = await with_password(stage)
    await browser.send("PUT", "/api/me/password", json={"password": "another good one"})
    await ask(browser)
    await browser.form(await change_link(stage), {})
    assert (await stage.alice.get("/api/me")).json["email"] == NEW


async def test_no_session_and_no_link_of_before_outlives_a_new_password_or_address(stage: Stage) -> None:
    thief, owner = Browser(stage.app), await with_password(stage)
    thief.jar = {COOKIE: owner.jar[COOKIE]}
    other = await signed_in(stage)
    await other.send("PUT", "/api/me/password", json={"password": "another good one"})
    assert [(await each.get("/api/me")).status for each in (thief, owner, other)] == [401, 401, 200]
    await stage.visitor.post("/api/auth/login", {"email": ALICE})
    to_the_old = await newest_link(stage)
    await ask(other)
    await other.form(await change_link(stage), {})
    assert (await Browser(stage.app).form(to_the_old, {})).status == 404


async def test_an_account_without_an_address_gets_one_and_a_mail_channel(stage: Stage) -> None:
    browser = await signed_in(stage, BOB)
    async with stage.core.db.write() as session:
        bob = (await session.scalars(select(User).where(User.email == BOB))).one()
        await session.execute(update(User).where(User.id == bob.id).values(email=None, email_verified_at=None))
    assert (await ask(browser)).status == 202
    assert await mailed(stage, *CHANGES) == [("change_email", NEW)]
    await browser.form(await change_link(stage), {})
    kinds = [(each["kind"], each["is_active"]) for each in (await browser.get("/api/integrations")).json["items"]]
    assert ("E-mail", True) in kinds
