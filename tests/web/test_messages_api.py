"""Messages, reports, channels and cancelling over HTTP; and requests that arrive twice."""

from typing import Any

import pytest

from core.delivery.message import Outcome
from tests.web.conftest import HOOK, START, Stage

MESSAGE = {"title": "Doors moved", "body": "They open at 18:00."}


async def test_a_message_is_accepted_and_reported(stage: Stage) -> None:
    event = await stage.event()
    await stage.bob.post(f"/api/events/{event}/subscribe")
    accepted = await stage.alice.post(f"/api/events/{event}/notify", MESSAGE)
    assert (accepted.status, accepted.json["recipients"]) == (202, 1)
    report = (await stage.alice.get(f"/api/notifications/{accepted.json['id']}")).json
    assert (report["kind"], report["title"], report["waiting"]) == ("message", "Doors moved", 1)
    [result] = report["results"]
    assert (result["label"], result["status"], result["attempts"]) == ("Bob", "queued", 0)
    retried = await stage.alice.post(f"/api/notifications/{accepted.json['id']}/retry")
    assert (retried.status, retried.json) == (202, {"retried": 0})
    sent = await stage.alice.get(f"/api/events/{event}/deliveries?status=queued&limit=1")
    assert (sent.json["items"][0]["kind"], sent.json["next"] is not None) == ("message", True)


async def test_a_channel_that_does_not_answer_is_not_saved_and_the_reason_is_said(stage: Stage) -> None:
    stage.sender.outcome = Outcome(delivered=False, code="http_410", reason="it answered 410 Gone")
    before = await stage.rows()
    answer = await stage.bob.post("/api/integrations", {"name": "Hook", "apprise_url": HOOK})
    assert (answer.status, answer.fields) == (422, ["apprise_url"])
    assert "410 Gone" in answer.json["detail"]
    assert await stage.rows() == before


async def test_a_channel_is_added_tested_switched_and_removed(stage: Stage) -> None:
    added = await stage.bob.post("/api/integrations", {"name": "Hook", "apprise_url": HOOK})
    assert (added.status, len(stage.sender.sent)) == (201, 1)
    assert "192.0.43.8" not in added.text
    path = f"/api/integrations/{added.json['id']}"
    assert (await stage.bob.patch(path, {"is_active": False})).json["is_active"] is False
    assert (await stage.bob.post(f"{path}/test")).json == {"delivered": True, "reason": None}
    assert (await stage.bob.post("/api/integrations", {"name": "Hook", "apprise_url": HOOK})).status == 409
    removed = await stage.bob.delete(path)
    assert (removed.status, removed.json) == (200, {"ended_subscriptions": 0})
    assert (await stage.bob.delete(path)).status == 404


async def test_an_event_is_cancelled_with_and_without_a_body(stage: Stage) -> None:
    for body in (None, {}, {"reason": "Storm"}):
        event = await stage.event()
        answer = await stage.alice.post(f"/api/events/{event}/cancel", body)
        assert (answer.status, answer.json["status"]) == (200, "cancelled")
        refused = await stage.bob.post(f"/api/events/{event}/subscribe")
        assert (refused.status, refused.json["detail"]) == (409, "This event is cancelled.")


TWICE: list[tuple[str, Any, str]] = [
    ("/api/events", {"name": "Film night", "start_date": START}, "events"),
    ("/api/events/{}/notify", MESSAGE, "notifications"),
    ("/api/events/{}/cancel", {"reason": "Storm"}, "event_updates"),
    ("/api/events/{}/subscribe", {"tags": ["email"]}, "subscriptions"),
    ("/api/events/{}/subscribe", None, "subscriptions"),
    ("/api/integrations", {"name": "Hook", "apprise_url": HOOK}, "integrations"),
]


@pytest.mark.parametrize(("path", "body", "table"), TWICE)
async def test_a_request_that_arrives_twice_is_done_once(stage: Stage, path: str, body: Any, table: str) -> None:
    path = path.format(await stage.event())
    before = (await stage.rows())[table]
    first = await stage.alice.post(path, body, idempotency_key="once")
    after = await stage.rows()
    second = await stage.alice.post(path, body, idempotency_key="once")
    assert after[table] == before + 1
    assert await stage.rows() == after
    assert (second.status, second.json) == (first.status, first.json)
    other = await stage.alice.post(path, {**(body or {}), "name": "Other"}, idempotency_key="once")
    assert other.status in (409, 422)


async def test_a_key_belongs_to_one_person_and_one_route(stage: Stage) -> None:
    new = {"name": "Film night", "start_date": START}
    ids = {(await who.post("/api/events", new, idempotency_key="k")).json["id"] for who in (stage.alice, stage.bob)}
    assert len(ids) == 2


@pytest.mark.parametrize("key", ["", "x" * 201, "a\x00b", "ü"])
async def test_a_key_that_cannot_be_is_refused(stage: Stage, key: str) -> None:
    before = await stage.rows()
    answer = await stage.alice.post("/api/events", {"name": "x", "start_date": START}, idempotency_key=key)
    assert (answer.status, answer.fields) == (422, ["idempotency-key"]), answer.text
    assert await stage.rows() == before
