"""Events over HTTP."""

from tests.web.conftest import START, Stage


async def test_an_event_is_created_where_its_location_says(stage: Stage) -> None:
    answer = await stage.alice.post("/api/events", {"name": "Film night", "start_date": START})
    assert answer.status == 201, answer.text
    assert answer.headers["location"] == f"/api/events/{answer.json['id']}"
    found = await stage.visitor.get(answer.headers["location"])
    assert (found.status, found.json["mine"], found.json["start_date"]) == (200, False, "2027-05-01T17:30:00Z")


async def test_an_event_can_be_given_its_start_in_words(stage: Stage) -> None:
    new = {"name": "Film night", "when": "sat 7:30pm", "timezone": "Europe/Berlin"}
    made = await stage.alice.post("/api/events", new)
    assert (made.status, made.json["start_date"]) == (201, "2027-04-24T17:30:00Z")
    path = f"/api/events/{made.json['id']}"
    moved = await stage.alice.patch(path, {"when": "sat 9pm"})
    assert moved.json["start_date"] == "2027-04-24T19:00:00Z"
    abroad = await stage.alice.patch(path, {"when": "sat 9pm", "timezone": "America/New_York"})
    assert abroad.json["start_date"] == "2027-04-25T01:00:00Z"


async def test_words_that_can_mean_two_times_are_refused_with_both_and_each_can_be_sent_back(stage: Stage) -> None:
    new = {"name": "Film night", "timezone": "Europe/Berlin"}
    refused = await stage.alice.post("/api/events", {**new, "when": "sat at 7"})
    assert (refused.status, refused.json["errors"][0]["field"]) == (422, "when")
    offered = refused.json["hint"].split('"')[1::2]
    starts = [(await stage.alice.post("/api/events", {**new, "when": each})).json["start_date"] for each in offered]
    assert starts == ["2027-04-24T05:00:00Z", "2027-04-24T17:00:00Z"]


async def test_an_event_starts_once_and_not_at_all_without_a_time(stage: Stage) -> None:
    for starts in ({}, {"when": "sat"}, {"when": ""}, {"when": "x" * 10_001}, {"when": "sat 7pm", "start_date": START}):
        refused = await stage.alice.post("/api/events", {"name": "Film night", **starts})
        assert refused.status == 422, starts
        assert refused.json["errors"], starts
    made = (await stage.alice.post("/api/events", {"name": "Film night", "start_date": START})).json
    for change in ({"when": None}, {"when": "sat"}, {"when": "sat 7pm", "start_date": START}):
        refused = await stage.alice.patch(f"/api/events/{made['id']}", change)
        assert refused.status == 422, change
    assert (await stage.alice.get(f"/api/events/{made['id']}")).json["revision"] == 1
