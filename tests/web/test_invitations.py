"""Invitations over HTTP and on their page: opening one does nothing, and nobody keeps a copy."""

from sqlalchemy import select

from core.db.models import StoredRequest
from tests.web.client import Answer
from tests.web.conftest import Stage


async def invited(stage: Stage, **more: object) -> tuple[str, Answer, str]:
    """A private event, the answer to inviting by link, and the address of the link's page."""
    event = await stage.event(is_public=False)
    made = await stage.alice.post(f"/api/events/{event}/invitations", {"kind": "link", **more}, idempotency_key="one")
    assert made.status == 201, made.text
    return event, made, "/i/" + made.json["link"].rpartition("/")[2]


async def test_opening_an_invitation_shows_name_and_time_and_changes_nothing(stage: Stage) -> None:
    event, _, page = await invited(stage)
    before = await stage.rows()
    for method in ("GET", "HEAD"):
        shown = await stage.visitor.send(method, page, headers={"purpose": "prefetch"})
        assert (shown.status, shown.headers["cache-control"]) == (200, "no-store")
        assert shown.headers["referrer-policy"] == "same-origin"
    text = (await stage.visitor.get(page)).text
    assert "Film night" in text
    assert event not in text
    assert await stage.rows() == before


async def test_an_address_asks_to_come_in_on_the_page(stage: Stage) -> None:
    _, _, page = await invited(stage)
    assert (await stage.visitor.form(page, {"email": "nobody"})).status == 422
    answer = await stage.visitor.form(page, {"email": "nora@example.org"})
    assert (answer.status, "Check your inbox" in answer.text) == (200, True)
    assert (await stage.rows())["subscriptions"] == 1
    assert (await stage.rows())["event_grants"] == 0


async def test_what_opens_nothing_is_said_kindly_with_one_status_and_kept_nowhere(stage: Stage) -> None:
    event, made, page = await invited(stage)
    gone = await stage.alice.delete(f"/api/events/{event}/invitations/{made.json['id']}")
    assert gone.json == {"ended_subscriptions": 0}
    for path, words in ((page, "withdrawn"), (page[:-1], "not one of ours"), ("/i/x", "not one of ours")):
        for answer in (await stage.visitor.get(path), await stage.visitor.form(path, {"email": "n@example.org"})):
            assert (answer.status, answer.headers["cache-control"]) == (404, "no-store")
            assert words in answer.text
            assert "Film night" not in answer.text


async def test_a_private_event_is_read_by_its_guest_and_stored_by_nobody(stage: Stage) -> None:
    event, _, page = await invited(stage)
    token = page.removeprefix("/i/")
    assert (await stage.bob.post("/api/invitations/accept", {"token": token})).json["id"] == event
    seen = await stage.bob.get(f"/api/events/{event}")
    assert (seen.status, seen.headers["cache-control"]) == (200, "no-store")
    assert (await stage.bob.get(f"/api/events/{event}/invitations")).status == 403
    listed = await stage.alice.get(f"/api/events/{event}/invitations")
    assert token not in listed.text


async def test_no_link_is_kept_among_the_stored_answers(stage: Stage) -> None:
    """An Idempotency-Key stores answers; the one that shows a link is not stored."""
    await invited(stage)
    async with stage.core.db.read() as session:
        answers = list(await session.scalars(select(StoredRequest.answer)))
    assert [answer for answer in answers if "/i/" in answer] == []
