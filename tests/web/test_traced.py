"""Each request has an id and is counted; who may read the counts."""

import ipaddress
import re

from starlette.types import Message

from core.settings import Settings
from tests.operable.test_metrics import value
from tests.web.client import Client, request_scope
from tests.web.conftest import Stage
from web.app import create_app

PROXIES = {"trusted_proxies": [ipaddress.ip_network("203.0.113.0/24")]}


async def test_a_request_is_named_by_our_own_proxy_only(stage: Stage) -> None:
    named = {"x_request_id": "from-the-proxy-1"}
    assert (await stage.visitor.get("/", **named)).headers["x-request-id"] != "from-the-proxy-1"
    stage.core.settings = stage.core.settings.model_copy(update=PROXIES)
    proxy = Client(create_app(stage.core, stage.app.state.site.outbound, stage.app.state.site.temporal))
    assert (await proxy.get("/", **named)).headers["x-request-id"] == "from-the-proxy-1"
    for bad in ("short", "nora@example.org", "x" * 65, "a b c d e f g"):
        assert (await proxy.get("/", x_request_id=bad)).headers["x-request-id"] != bad


async def test_requests_are_counted_by_route_and_never_by_address(stage: Stage) -> None:
    stage.visitor.peer = "127.0.0.1"
    event = await stage.event()
    await stage.visitor.get(f"/e/{event}")
    await stage.visitor.get("/u/a-secret-token-in-a-link")
    await stage.visitor.get("/no/such/nora@example.org")
    await stage.visitor.send("BREW", "/")
    read = (await stage.visitor.get("/metrics")).text
    assert value(read, "soonish_requests_total", method="POST", status="201") == 1
    routes = set(re.findall(r'soonish_requests_total\{.*?route="([^"]*)"', read))
    assert {"/api/events", "/e/{event_id}", "/u/{token}", "(none)"} <= routes
    assert 'method="other"' in read
    assert not re.search(rf"{event}|a-secret|nora|BREW", read)


async def test_who_goes_away_before_the_body_is_complete_counts_as_no_error_of_ours(stage: Stage) -> None:
    near = Client(stage.app, peer="127.0.0.1")
    messages: list[Message] = [{"type": "http.request", "body": b"na", "more_body": True}, {"type": "http.disconnect"}]
    sent: list[Message] = []

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    await stage.app(request_scope("POST", "/new", {}, "203.0.113.7"), receive, send)
    read = (await near.get("/metrics")).text
    assert sent == []
    assert value(read, "soonish_requests_total", method="POST", status="499") == 1
    assert value(read, "soonish_requests_total", status="500") == 0


async def test_the_sites_metrics_are_for_this_machine_or_for_the_token(stage: Stage, settings: Settings) -> None:
    near = Client(stage.app, peer="127.0.0.1")
    assert (await near.get("/metrics")).status == 200
    assert (await stage.visitor.get("/metrics")).status == 404
    assert (await near.get("/metrics", x_forwarded_for="203.0.113.9")).status == 404
    stage.core.settings = Settings(
        _env_file=None, soonish_data=settings.soonish_data, public_base_url="https://soonish.test",
        metrics_token="m" * 20,
    )  # fmt: skip
    assert (await near.get("/metrics")).status == 401
    assert (await stage.visitor.get("/metrics", authorization="Bearer wrong")).status == 401
    assert (await stage.visitor.get("/metrics", authorization=f"Bearer {'m' * 20}")).status == 200
