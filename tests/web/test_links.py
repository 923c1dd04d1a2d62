"""The links in messages: opening one does nothing, pressing its button does, a mail program may press it too."""

import asyncio
import datetime as dt

import pytest
from sqlalchemy import select

from core.clock import UTC
from core.db.models import AuditEntry, Delivery, Notification, Subscription, SuppressedAddress
from core.tokens import ConfirmToken, UndoToken, UnsubscribeToken, confirm_token, undo_token, unsubscribe_token
from tests.web.conftest import Stage

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
ELSEWHERE = {"origin": "https://mail.example", "sec_fetch_site": "cross-site"}


async def newest(stage: Stage) -> Subscription:
    async with stage.core.db.read() as session:
        row = await session.scalar(select(Subscription).order_by(Subscription.id.desc()).limit(1))
    assert row is not None
    return row


async def asked(stage: Stage, event: str, address: str = "nora@example.org") -> str:
    """The path of the link in the mail that asks `address` to confirm."""
    assert (await stage.visitor.post(f"/api/events/{event}/subscribe", {"email": address})).status == 202
    row = await newest(stage)
    return "/c/" + confirm_token(
        stage.core.keys, ConfirmToken("subscription", row.id, int(row.requested_at.timestamp()))
    )


async def confirmed(stage: Stage, event: str) -> str:
    """The path of the unsubscribe link of somebody who confirmed."""
    assert (await stage.visitor.form(await asked(stage, event), {})).status == 200
    row = await newest(stage)
    return "/u/" + unsubscribe_token(stage.core.keys, UnsubscribeToken(row.event_id, row.integration_id))


async def test_opening_a_link_changes_nothing(stage: Stage) -> None:
    event = await stage.event()
    for path in (await asked(stage, event), await confirmed(stage, await stage.event())):
        state, before = (await newest(stage)).state, await stage.rows(but=())
        for method in ("GET", "HEAD", "GET"):
            assert (await stage.visitor.send(method, path)).status == 200
        assert await stage.rows(but=()) == before
        assert (await newest(stage)).state == state


async def test_pressing_the_button_subscribes_and_welcomes_once(stage: Stage) -> None:
    event = await stage.event()
    link = await asked(stage, event)
    page = await stage.visitor.get(link)
    assert "Yes, nudge me" in page.text
    assert "n•••a@example.org" in page.text
    assert "nora@example.org" not in page.text
    for _ in range(2):
        answer = await stage.visitor.form(link, {})
        assert (answer.status, "You're set." in answer.text) == (200, True)
    assert (await newest(stage)).state == "active"
    assert (await stage.visitor.get(f"/api/events/{event}")).json["subscribers"] == 1
    assert await welcomes(stage) == 1


@pytest.mark.parametrize(
    "path", ["/c/{0}", "/u/{0}", "/u/{0}/undo", "/s/{0}", "/s/{0}/erase", "/api/unsubscribe", "/api/unsubscribe/undo"]
)
async def test_a_link_that_somebody_made_up_never_waits_for_the_write_lock(stage: Stage, path: str) -> None:
    forged = "A" * 60
    async with stage.core.db.write():
        async with asyncio.timeout(5):
            if path.startswith("/api"):
                answer = await stage.visitor.post(path, {"token": forged})
            else:
                answer = await stage.visitor.form(path.format(forged), {})
    assert answer.status == 404
    async with stage.core.db.read() as session:
        assert await session.scalar(select(AuditEntry.id).where(AuditEntry.outcome != "done")) is None


async def test_never_write_to_me_opens_a_page_with_that_chosen(stage: Stage) -> None:
    await asked(stage, await stage.event())
    row = await newest(stage)
    link = "/u/" + unsubscribe_token(stage.core.keys, UnsubscribeToken(row.event_id, row.integration_id))
    assert 'value="everything" checked' in (await stage.visitor.get(f"{link}?scope=everything")).text
    assert 'value="event" checked' in (await stage.visitor.get(link)).text


async def welcomes(stage: Stage) -> int:
    async with stage.core.db.read() as session:
        rows = await session.scalars(
            select(Delivery.id)
            .join(Notification, Notification.id == Delivery.notification_id)
            .where(Notification.kind == "welcome")
        )
        return len(list(rows))


async def test_an_old_confirm_link_is_refused_kindly(stage: Stage) -> None:
    link = await asked(stage, await stage.event())
    stage.clock.pass_(days=7, seconds=1)
    for answer in (await stage.visitor.get(link), await stage.visitor.form(link, {})):
        assert answer.status == 404
        assert "older than seven days" in answer.text
    assert (await newest(stage)).state == "unconfirmed"


async def test_a_later_request_voids_the_earlier_link(stage: Stage) -> None:
    event = await stage.event()
    first = await asked(stage, event)
    stage.clock.pass_(days=1, seconds=1)
    second = await asked(stage, event)
    assert first != second
    assert (await stage.visitor.form(first, {})).status == 404
    assert (await stage.visitor.form(second, {})).status == 200


@pytest.mark.parametrize("cancelled", [True, False])
async def test_confirming_too_late_says_so(stage: Stage, cancelled: bool) -> None:
    event = await stage.event(start_date="2027-04-22T19:30:00+02:00")
    link = await asked(stage, event)
    if cancelled:
        await stage.alice.post(f"/api/events/{event}/cancel")
    else:
        stage.clock.pass_(days=3)
    answer = await stage.visitor.form(link, {})
    assert answer.status == 409
    assert ("cancelled" if cancelled else "over") in answer.text
    assert (await newest(stage)).state == "unconfirmed"


async def test_a_link_that_was_cut_or_bent_is_not_ours(stage: Stage) -> None:
    event = await stage.event()
    for link in (await asked(stage, event), await confirmed(stage, await stage.event())):
        for wrong in (link[:-1], link[:-10], link + "A", link[:10] + ("B" if link[10] != "B" else "C") + link[11:]):
            before = await stage.rows()
            assert (await stage.visitor.get(wrong)).status == 404
            assert (await stage.visitor.form(wrong, {})).status == 404
            assert await stage.rows() == before


async def test_a_link_of_one_kind_is_no_link_of_another(stage: Stage) -> None:
    link = await confirmed(stage, await stage.event())
    token = link.removeprefix("/u/")
    assert (await stage.visitor.form(f"/c/{token}", {})).status == 404
    assert (await stage.visitor.form(f"/u/{token}/undo", {})).status == 404
    assert (await newest(stage)).state == "active"


async def test_a_mail_program_unsubscribes_without_cookies_from_anywhere(stage: Stage) -> None:
    link = await confirmed(stage, await stage.event())
    for _ in range(2):
        answer = await stage.visitor.form(link, ONE_CLICK, **ELSEWHERE)
        assert (answer.status, "set-cookie" in answer.headers) == (200, False)
    assert (await newest(stage)).state == "ended"


async def test_one_click_works_as_multipart_and_with_a_body_nobody_can_read(stage: Stage) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'
    for content, kind in (
        (body, "multipart/form-data; boundary=x"),
        (b"List-Unsubscribe=One-Click", "text/plain"),
        (b"\xff\xfe", "multipart/form-data; boundary=x"),
        (b"", ""),
    ):
        link = await confirmed(stage, await stage.event())
        headers = {**ELSEWHERE, "content_type": kind}
        assert (await stage.visitor.send("POST", link, body=content, headers=headers)).status == 200
        assert (await newest(stage)).state == "ended"
        stage.clock.pass_(days=1)


async def test_the_page_offers_the_way_back_and_undo_restores(stage: Stage) -> None:
    link = await confirmed(stage, await stage.event())
    page = await stage.visitor.form(link, {"scope": "event"})
    assert "No hard feelings" in page.text
    undo = page.text.split('action="', 1)[1].split('"', 1)[0]
    assert undo.startswith("/u/")
    before = await stage.rows()
    asked = await stage.visitor.get(undo)
    assert (asked.status, f'action="{undo}"' in asked.text, await stage.rows()) == (200, True, before)
    assert (await stage.visitor.form(undo, {})).status == 200
    assert (await newest(stage)).state == "active"
    assert (await stage.visitor.form(undo, {})).status == 200


async def test_everything_suppresses_the_address_and_undo_lifts_it(stage: Stage) -> None:
    link = await confirmed(stage, await stage.event())
    page = await stage.visitor.form(link, {"scope": "everything"})
    async with stage.core.db.read() as session:
        assert len(list(await session.scalars(select(SuppressedAddress)))) == 1
    undo = page.text.split('action="', 1)[1].split('"', 1)[0]
    await stage.visitor.form(undo, {})
    async with stage.core.db.read() as session:
        assert list(await session.scalars(select(SuppressedAddress))) == []


async def test_undo_ends_after_a_day(stage: Stage) -> None:
    late = undo_token(stage.core.keys, UndoToken("00" * 16, int((stage.clock.now()).timestamp()) - 1))
    answer = await stage.visitor.form(f"/u/{late}/undo", {})
    assert (answer.status, "Undo works for a day" in answer.text) == (404, True)


async def test_a_link_whose_rows_are_gone_still_answers_kindly(stage: Stage) -> None:
    gone = "/u/" + unsubscribe_token(stage.core.keys, UnsubscribeToken(77, 7777))
    assert (await stage.visitor.get(gone)).status == 200
    assert (await stage.visitor.form(gone, ONE_CLICK, **ELSEWHERE)).status == 200


async def test_a_channel_of_somebody_else_is_off_until_its_address_says_yes(stage: Stage) -> None:
    new = {"name": "Work", "apprise_url": "mailto://bob@work.example"}
    channel = (await stage.bob.post("/api/integrations", new)).json
    assert (channel["is_active"], channel["confirmed"]) == (False, False)
    at = int(dt.datetime.fromisoformat(channel["created_at"]).astimezone(UTC).timestamp())
    link = "/c/" + confirm_token(stage.core.keys, ConfirmToken("integration", channel["id"], at))
    assert "Yes, nudge me" in (await stage.visitor.get(link)).text
    assert (await stage.visitor.form(link, {})).status == 200
    [found] = [each for each in (await stage.bob.get("/api/integrations")).json["items"] if each["id"] == channel["id"]]
    assert (found["is_active"], found["confirmed"]) == (True, True)
