"""Events over HTTP."""

from tests.web.conftest import START, Stage


async def test_an_event_is_created_where_its_location_says(stage: Stage) -> None:
    answer = await stage.alice.post("/api/events", {"name": "Film night", "start_date": START})
    assert answer.status == 201, answer.text
    assert answer.headers["location"] == f"/api/events/{answer.json['id']}"
    found = await stage.visitor.get(answer.headers["location"])
    assert (found.status, found.json["mine"], found.json["start_date"]) == (200, False, "2027-05-01T17:30:00Z")
