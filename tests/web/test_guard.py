"""What holds for every request: bodies, origins, headers, methods, errors, and whose request it is."""

import asyncio
import ipaddress
import json
import logging
from typing import Any

import pytest
from starlette.datastructures import Headers
from starlette.types import Message

from tests.web.client import HOST, Client, request_scope
from tests.web.conftest import START, Stage, Untouched
from tests.web.test_creating import FULL
from web.clients import client_network
from web.guard import BODY_LIMIT

EVENT = {"name": "Film night", "start_date": START}


async def test_a_body_that_is_too_large_is_refused_with_and_without_a_length(
    stage: Stage, untouched: Untouched
) -> None:
    large = b'{"name":"' + b"x" * BODY_LIMIT + b'"}'
    kind = {"content_type": "application/json"}
    whole = await untouched(stage.alice.send("POST", "/api/events", body=large, headers=kind))
    parts = [large[i : i + 1000] for i in range(0, len(large), 1000)]
    chunked = await untouched(stage.alice.send("POST", "/api/events", chunks=parts, headers=kind))
    for answer in (whole, chunked):
        assert (answer.status, answer.headers["content-type"]) == (413, "application/problem+json")


@pytest.mark.parametrize(("path", "kind"), [("/api/events", "application/problem+json"), ("/new", "text/html")])
async def test_a_body_that_does_not_go_on_is_given_up_and_its_connection_closed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, path: str, kind: str
) -> None:
    monkeypatch.setattr("web.guard.BODY_SECONDS", 0.01)
    sent: list[Message] = []
    waiting: list[Message] = [{"type": "http.request", "body": b"{", "more_body": True}]

    async def receive() -> Message:
        if not waiting:
            await asyncio.Event().wait()
        return waiting.pop()

    async def send(message: Message) -> None:
        sent.append(message)

    await stage.app(request_scope("POST", path, {"content-type": "application/json"}, "203.0.113.7"), receive, send)
    headers = Headers(raw=sent[0]["headers"])
    assert (sent[0]["status"], headers["connection"]) == (408, "close")
    assert headers["content-type"].startswith(kind)
    assert b"did not arrive in time" in sent[1]["body"]


async def test_a_large_form_is_refused_with_a_page(stage: Stage) -> None:
    event = await stage.event()
    answer = await stage.visitor.form(f"/e/{event}/subscribe", {"email": "x" * BODY_LIMIT})
    assert (answer.status, answer.headers["content-type"]) == (413, "text/html; charset=utf-8")


async def test_an_event_with_every_field_full_is_created_however_a_program_writes_its_letters(stage: Stage) -> None:
    full = {"location" if name == "where" else name: text for name, text in FULL.items()}
    body = json.dumps({**full, "start_date": START}, ensure_ascii=True).encode()
    assert len(body) > 12 * 10_000
    made = await stage.alice.send("POST", "/api/events", body=body, headers={"content_type": "application/json"})
    assert made.status == 201
    assert {name: made.json[name] for name in full} == full


async def test_every_body_that_the_document_describes_fits_with_all_of_its_fields_full(stage: Stage) -> None:
    found = (await stage.visitor.get("/api/openapi.json")).json
    sizes = {
        f"{method} {path}": _largest(operation["requestBody"]["content"]["application/json"]["schema"], found)
        for path, operations in found["paths"].items()
        for method, operation in operations.items()
        if "requestBody" in operation
    }
    assert len(sizes) > 15
    assert {name: size for name, size in sizes.items() if size > BODY_LIMIT} == {}


def _largest(schema: dict[str, Any], document: dict[str, Any]) -> int:
    """Bytes of the largest JSON that fits the schema, with every letter escaped as a pair of surrogates."""
    if "$ref" in schema:
        return _largest(document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], document)
    if schema.get("type") == "object":
        return 2 + sum(len(name) + 6 + _largest(each, document) for name, each in schema["properties"].items())
    if schema.get("type") == "array":
        return 2 + int(schema["maxItems"]) * (2 + _largest(schema["items"], document))
    if "maxLength" in schema:
        return 2 + 12 * int(schema["maxLength"])
    assert schema.get("type") != "string" or {"const", "enum", "format"} & set(schema), schema
    options = [each for key in ("anyOf", "oneOf") for each in schema.get(key, [])]
    return max((_largest(each, document) for each in options), default=40)  # dates, ids, truths, words of a list


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/xml", ""])
async def test_the_api_reads_json_only(stage: Stage, untouched: Untouched, kind: str) -> None:
    answer = await untouched(
        stage.alice.send("POST", "/api/events", body=b'{"name":"x"}', headers={"content_type": kind} if kind else {})
    )
    assert (answer.status, answer.headers["content-type"]) == (415, "application/problem+json")


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b"null", b'"text"', b"\xff\xfe\xfa", b"[" * 20_000, b"1" * 5000, b'{"name": NaN}', b"\x00", b"{}{}"],
)
async def test_a_body_that_is_not_an_object_is_refused(stage: Stage, untouched: Untouched, body: bytes) -> None:
    answer = await untouched(
        stage.alice.send("POST", "/api/events", body=body, headers={"content_type": "application/json"})
    )
    assert (answer.status, answer.headers["content-type"]) == (422, "application/problem+json")


async def test_other_sites_cannot_press_our_buttons(stage: Stage, untouched: Untouched) -> None:
    path, fields = f"/e/{await stage.event()}/subscribe", {"email": "nora@example.org"}
    for headers in (
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": f"https://{HOST}.evil.example"},
        {"origin": "https://soonish.test", "sec_fetch_site": "cross-site"},
    ):
        answer = await untouched(stage.visitor.form(path, fields, **headers))
        assert answer.status == 403, headers


@pytest.mark.parametrize(
    "headers",
    [{}, {"sec_fetch_site": "same-origin"}, {"sec_fetch_site": "none"}, {"origin": f"http://{HOST}"}],
)
async def test_our_own_pages_and_programs_can(stage: Stage, headers: dict[str, str]) -> None:
    path = f"/e/{await stage.event()}/subscribe"
    assert (await stage.visitor.form(path, {"email": "nora@example.org"}, **headers)).status == 200


PAGES = [
    "/", "/privacy", "/e/{}", "/c/forged", "/u/forged", "/in/forged", "/sign-in", "/nothing", "/api/docs",
    "/api/health", "/static/app.css",
]  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
async def test_every_answer_carries_the_policy(stage: Stage, path: str) -> None:
    answer = await stage.visitor.get(path.format(await stage.event()))
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert "permissions-policy" in answer.headers
    secret = path.startswith(("/c/", "/u/", "/in/"))
    assert answer.headers["referrer-policy"] == ("no-referrer" if secret else "strict-origin-when-cross-origin")
    if secret or path == "/api/health":
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", [path for path in PAGES if path != "/api/health"])
async def test_head_is_get_without_the_body(stage: Stage, path: str) -> None:
    path = path.format(await stage.event())
    whole, head = await stage.visitor.get(path), await stage.visitor.send("HEAD", path)
    assert (head.status, head.body) == (whole.status, b"")
    assert head.said == whole.said


async def test_a_wrong_method_is_said_so(stage: Stage) -> None:
    answer = await stage.alice.send("PUT", "/api/events", json=EVENT)
    assert (answer.status, answer.json["title"]) == (405, "Method Not Allowed")
    assert "POST" in answer.headers["allow"]


async def test_what_nobody_expected_shows_a_reference_and_nothing_else(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: Any, **__: Any) -> None:
        raise KeyError("alice's secret")

    monkeypatch.setattr(type(stage.core), "ask", fail)
    with caplog.at_level(logging.ERROR):
        answers = [await stage.alice.get("/api/integrations"), await stage.visitor.get("/u/forged")]
    assert [answer.status for answer in answers] == [500, 404]
    assert "secret" not in answers[0].text
    reference = answers[0].json["hint"].rpartition(" ")[2].rstrip(".")
    assert reference in caplog.text
    assert "alice's secret" in caplog.text
    assert "content-security-policy" in answers[0].headers


async def test_a_secret_link_is_not_logged(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: Any, **__: Any) -> None:
        raise KeyError("broken")

    monkeypatch.setattr(type(stage.core), "ask", fail)
    answer = await stage.visitor.get("/c/very-secret-token")
    assert (answer.status, answer.headers["content-type"]) == (500, "text/html; charset=utf-8")
    assert "very-secret-token" not in caplog.text


PROXIES = [ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("2001:db8:ffff::/48")]


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.7", None, "203.0.113.7"),
        ("203.0.113.7", "198.51.100.1", "203.0.113.7"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.2.3.4, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.2.3.4, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "1.2.3.4, nonsense", "10.0.0.1"),
        ("10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"),
        ("2001:db8:1:2:3:4:5:6", None, "2001:db8:1:2::/64"),
        ("2001:db8:ffff::1", "2001:db8:7:7::9", "2001:db8:7:7::/64"),
    ],
)
def test_only_our_own_proxies_say_who_the_client_is(peer: str, forwarded: str | None, client: str) -> None:
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    assert client_network({"client": (peer, 1), "headers": headers}, PROXIES) == client


async def test_a_forged_forwarded_header_does_not_escape_the_limit(stage: Stage) -> None:
    event = await stage.event()
    limit = stage.core.settings.subscribe_per_ip_hour
    for number in range(limit):
        answer = await stage.visitor.post(f"/api/events/{event}/subscribe", {"email": f"n{number}@example.org"})
        assert answer.status == 202
    again = {"email": "one-more@example.org"}
    refused = await stage.visitor.post(f"/api/events/{event}/subscribe", again, x_forwarded_for="198.51.100.9")
    assert refused.status == 429
    assert 0 < int(refused.headers["retry-after"]) <= 3601
    elsewhere = await Client(stage.app, peer="198.51.100.9").post(f"/api/events/{event}/subscribe", again)
    assert elsewhere.status == 202
