"""Following and leaving over HTTP."""

from tests.web.conftest import HOOK, Stage


async def test_an_empty_body_follows_with_the_default_channel(stage: Stage) -> None:
    path = f"/api/events/{await stage.event()}/subscribe"
    first = await stage.bob.post(path)
    assert (first.status, first.json["created"], first.json["warnings"]) == (201, True, [])
    again = await stage.bob.post(path, {})
    assert (again.status, again.json["subscriptions"]) == (200, first.json["subscriptions"])


async def test_chosen_channels_follow_and_those_that_are_off_are_named(stage: Stage) -> None:
    event = await stage.event()
    hook = (await stage.bob.post("/api/integrations", {"name": "Hook", "apprise_url": HOOK, "tag": "Work"})).json["id"]
    mail = (await stage.bob.get("/api/integrations")).json["items"][-1]["id"]
    await stage.bob.patch(f"/api/integrations/{mail}", {"is_active": False})
    answer = await stage.bob.post(f"/api/events/{event}/subscribe", {"integration_ids": [mail], "tags": ["work"]})
    assert (answer.status, [row["integration_id"] for row in answer.json["subscriptions"]]) == (201, [hook])
    assert answer.json["warnings"] == ["E-mail is switched off and was left out."]
    only = await stage.bob.post(f"/api/events/{event}/subscribe", {"integration_ids": [mail]})
    assert only.status == 422


async def test_an_address_is_asked_to_confirm(stage: Stage) -> None:
    event = await stage.event()
    answer = await stage.visitor.post(f"/api/events/{event}/subscribe", {"email": "nora@example.org"})
    assert (answer.status, answer.json) == (202, {"status": "check_inbox"})
    assert (await stage.alice.get(f"/api/events/{event}/subscriptions")).json["items"] == []


async def test_subscriptions_are_listed_paused_and_ended_by_their_owner(stage: Stage) -> None:
    event = await stage.event()
    row = (await stage.bob.post(f"/api/events/{event}/subscribe")).json["subscriptions"][0]["id"]
    assert [each["id"] for each in (await stage.bob.get("/api/me/subscriptions")).json["items"]] == [row]
    paused = await stage.bob.patch(f"/api/me/subscriptions/{row}", {"state": "paused"})
    assert (paused.status, paused.json["state"]) == (200, "paused")
    ended = await stage.bob.delete(f"/api/me/subscriptions/{row}")
    assert (ended.status, ended.json["ended"]) == (200, 1)
    assert (await stage.bob.get("/api/me/subscriptions")).json["items"] == []
    undo = await stage.visitor.post("/api/unsubscribe/undo", {"token": ended.json["undo"]})
    assert (undo.status, undo.json["restored"]) == (200, 1)
    assert (await stage.bob.patch(f"/api/me/subscriptions/{row}", {"state": "active"})).status == 200


async def test_the_organizer_removes_somebody_for_good(stage: Stage) -> None:
    event = await stage.event()
    row = (await stage.bob.post(f"/api/events/{event}/subscribe")).json["subscriptions"][0]["id"]
    removed = await stage.alice.delete(f"/api/events/{event}/subscriptions/{row}")
    assert (removed.status, removed.body) == (204, b"")
    assert (await stage.bob.post(f"/api/events/{event}/subscribe")).status == 403


async def test_lists_go_on_where_the_page_before_ended(stage: Stage) -> None:
    made = [await stage.event(name=f"Event {number}") for number in range(5)]
    seen, cursor = [], ""
    while True:
        answer = (await stage.alice.get(f"/api/events?limit=2{cursor}")).json
        seen += [each["id"] for each in answer["items"]]
        if answer["next"] is None:
            break
        cursor = f"&cursor={answer['next']}"
    assert seen == made[::-1]
