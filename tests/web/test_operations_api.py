"""Health, Temporal, and the documentation."""

import asyncio
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from core.temporal import Connection
from tests.people import until
from tests.web.conftest import Stage


async def settled(stage: Stage) -> dict[str, Any]:
    """Health, once the question to Temporal that it started has been answered."""

    async def health() -> dict[str, Any]:
        return dict((await stage.visitor.get("/api/health")).json)

    return await until(health, lambda found: found["temporal"] != "unknown")


async def test_people_are_served_while_temporal_is_away(stage: Stage) -> None:
    assert (await stage.visitor.get("/api/health")).status == 200
    assert await settled(stage) == {
        "status": "degraded",
        "database": "ok",
        "temporal": "unreachable",
        "sending": "on",
    }


async def test_health_does_not_wait_for_temporal(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang() -> Connection:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(stage.temporal, "check", hang)
    async with asyncio.timeout(2):
        assert (await stage.visitor.get("/api/health")).status == 200


async def test_health_is_red_when_the_database_is_gone(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        raise OperationalError("SELECT 1", {}, Exception("no such host"))

    monkeypatch.setattr(stage.core.db, "read_rows", gone)
    monkeypatch.setattr(stage.core.db, "read", gone)
    answer = await stage.visitor.get("/api/health")
    assert (answer.status, answer.json["status"], answer.json["database"]) == (503, "down", "unreachable")
    refused = await stage.alice.get("/api/integrations")
    assert (refused.status, refused.headers["retry-after"]) == (503, "5")
    assert "no such host" not in refused.text
    page = await stage.visitor.get("/e/k7Qm2vX9aR")
    assert (page.status, page.headers["content-type"]) == (503, "text/html; charset=utf-8")


async def test_temporal_is_reported_and_asked_once_for_all(stage: Stage) -> None:
    answers = await asyncio.gather(*(stage.visitor.get("/api/temporal/connection") for _ in range(20)))
    assert {answer.status for answer in answers} == {200}
    assert answers[0].json == {"reachable": False, "address": None, "namespace": None, "error": None}
    assert stage.temporal.asked == 1
    stage.clock.pass_(seconds=6)
    await stage.visitor.get("/api/temporal/connection")
    assert stage.temporal.asked == 2


async def test_where_temporal_is_and_what_it_said_is_told_with_a_token_only(stage: Stage) -> None:
    assert (await stage.bob.get("/api/temporal/connection")).json == {
        "reachable": False,
        "address": "127.0.0.1:7233",
        "namespace": "soonish",
        "error": "nobody there",
    }


async def test_an_event_answers_for_its_workflow_while_temporal_is_away(stage: Stage) -> None:
    answer = await stage.alice.get(f"/api/events/{await stage.event()}/workflow/status")
    assert (answer.status, answer.json["state"], answer.json["temporal"]) == (200, "unknown", "unreachable")
    assert [each["state"] for each in answer.json["reminders"]] == ["scheduled", "scheduled"]


async def test_the_documentation_names_every_operation(stage: Stage) -> None:
    page, document = await stage.visitor.get("/api/docs"), (await stage.visitor.get("/api/openapi.json")).json
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert f'id="{operation["operationId"]}"' in page.text
            assert operation["summary"]
            for status, answer in operation["responses"].items():
                described = answer.get("content", {})
                assert "application/problem+json" in described or int(status) < 400 or path == "/api/health", method


async def test_a_refusal_points_into_the_documentation(stage: Stage) -> None:
    refusal = (await stage.visitor.get("/api/events")).json
    page = (await stage.visitor.get("/api/docs")).text
    assert refusal["type"].startswith("https://soonish.test/api/docs#")
    assert f'id="{refusal["type"].partition("#")[2]}"' in page
