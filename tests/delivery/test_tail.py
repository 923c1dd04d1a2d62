"""The long tail: stock plugins, under the same policy, with real outcomes."""

import asyncio
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from aiohttp import web

from core.delivery import services
from core.delivery.channels import read_channel
from core.delivery.message import Message
from core.delivery.policy import DestinationPolicy
from core.delivery.sender import Sender
from core.delivery.tail import GuardedSession

TOKEN = "3ccdd113474722377935511fc85d3dd4"
STOCK = sorted({service for service in services.SERVICES.values() if not service.native})
OTHER_WAYS_OUT = re.compile(
    r"^\s*(?:import|from)\s+(smtplib|socket|subprocess|urllib\.request|urllib3|http|ssl|paho|slixmpp|aiohttp|httpx|websocket)\b"
    r"|utils\.socket|os\.system|\.trust_env|HTTPAdapter",
    re.MULTILINE,
)


def source_of(service: services.Service) -> str:
    module = sys.modules[services.plugin(service).__module__]
    assert module.__file__ is not None
    file = Path(module.__file__)
    files = file.parent.glob("*.py") if file.parent.name == service.module.split(".")[-2] != "plugins" else [file]
    return "\n".join(path.read_text() for path in files)


@pytest.mark.parametrize("service", STOCK, ids=lambda service: service.module)
def test_a_listed_plugin_sends_by_requests_alone(service: services.Service) -> None:
    source = source_of(service)
    assert re.search(r"^import requests$", source, re.MULTILINE)
    assert not OTHER_WAYS_OUT.search(source)
    assert not re.search(r"from requests\S* import .*(Session|request|get|post)\b", source)


@pytest.mark.parametrize("scheme", [scheme for scheme in services.SERVICES if scheme != "systemmail"])
def test_a_listed_scheme_belongs_to_its_plugin(scheme: str) -> None:
    plugin = services.plugin(services.SERVICES[scheme])
    protocols: set[str] = set()
    for named in (plugin.protocol, plugin.secure_protocol):
        protocols |= {named} if isinstance(named, str) else set(named or ())
    assert scheme in protocols


async def test_a_long_tail_service_is_sent_to(sender: Sender, server: Any, message: Message) -> None:
    assert (await sender.send(f"mmost://{server.at}/{TOKEN}", message)).delivered
    (request,) = server.received
    assert request.path == f"/hooks/{TOKEN}"
    assert "cake" in request.body.decode()


@pytest.mark.parametrize(("status", "permanent"), [(401, True), (404, True), (500, False), (302, True)])
async def test_a_failure_has_the_reason_of_its_last_request(
    sender: Sender, server: Any, message: Message, status: int, permanent: bool
) -> None:
    server.answers[f"/hooks/{TOKEN}"] = status
    outcome = await sender.send(f"mmost://{server.at}/{TOKEN}", message)
    assert (outcome.code, outcome.permanent) == (f"http_{status}", permanent)


async def test_retry_after_reaches_the_outcome(sender: Sender, server: Any, message: Message) -> None:
    async def wait(_: web.Request) -> web.Response:
        return web.Response(status=429, headers={"Retry-After": "9"})

    server.answers[f"/hooks/{TOKEN}"] = wait
    outcome = await sender.send(f"mmost://{server.at}/{TOKEN}", message)
    assert (outcome.deferred, outcome.retry_after) == (True, 9.0)


async def test_a_redirect_is_not_followed_whatever_the_url_says(sender: Sender, server: Any, message: Message) -> None:
    async def elsewhere(_: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": "/secret"})

    server.answers[f"/hooks/{TOKEN}"] = elsewhere
    await sender.send(f"mmost://{server.at}/{TOKEN}?redirect=yes&retry=3&wait=0", message)
    assert [request.path for request in server.received] == [f"/hooks/{TOKEN}"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0", "2130706433", "[::1]"])  # noqa: S104
async def test_the_inside_is_blocked_for_the_tail_too(
    senders: Callable[..., Any], server: Any, message: Message, host: str
) -> None:
    async with senders(DestinationPolicy()) as sender:
        outcome = await sender.send(f"mmost://{host}:{server.port}/{TOKEN}", message)
    assert (outcome.code, outcome.permanent) == ("blocked", True)
    assert server.received == []


async def test_trouble_with_the_connection_is_named(sender: Sender, server: Any, message: Message) -> None:
    assert (await sender.send(f"mmost://127.0.0.1:1/{TOKEN}", message)).code == "refused"
    assert (await sender.send(f"mmost://nowhere.invalid/{TOKEN}", message)).code == "dns"
    assert (await sender.send(f"mmosts://{server.at}/{TOKEN}", message)).code == "tls"


async def test_a_slow_far_end_is_given_up(
    sender: Sender, server: Any, message: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.delivery.tail.BOUND_SECONDS", 0.1)
    release = asyncio.Event()

    async def hang(_: web.Request) -> web.Response:
        await release.wait()
        return web.Response()

    server.answers[f"/hooks/{TOKEN}"] = hang
    outcome = await sender.send(f"mmost://{server.at}/{TOKEN}", message)
    release.set()
    assert (outcome.code, outcome.host_fault) == ("timeout", True)


async def test_an_endless_answer_is_cut(sender: Sender, server: Any, message: Message) -> None:
    async def flood(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            for _ in range(10_000):
                await response.write(b"x" * 100_000)
        except ConnectionError:
            pass
        return response

    server.answers[f"/hooks/{TOKEN}"] = flood
    assert (await sender.send(f"mmost://{server.at}/{TOKEN}", message)).delivered


async def test_requests_is_guarded_even_outside_a_delivery(sender: Sender, server: Any, message: Message) -> None:
    await sender.send(f"mmost://{server.at}/{TOKEN}", message)
    assert requests.Session is GuardedSession
    loop = asyncio.get_running_loop()
    with pytest.raises(requests.ConnectionError):
        await loop.run_in_executor(None, requests.get, f"http://{server.at}/")


def test_reading_any_address_never_loads_the_whole_of_apprise() -> None:
    read_channel("json://example.org/")
    read_channel("tgram://123456789:abcdefg_hijklmnop/1")
    assert "apprise.plugins.xmpp" not in sys.modules
