"""Our services post what Apprise's stock plugins post, to the byte where it matters; and nobody is ever pinged."""

import asyncio
import dataclasses
import functools
import html
import json
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from apprise import NotifyType
from apprise.plugins.custom_form import NotifyForm
from apprise.plugins.custom_json import NotifyJSON
from apprise.plugins.discord import NotifyDiscord
from apprise.plugins.gotify import NotifyGotify
from apprise.plugins.ntfy import NotifyNtfy
from apprise.plugins.slack import NotifySlack
from hypothesis import given, settings
from hypothesis import strategies as st

from core.delivery import services
from core.delivery.chat import Discord, Slack, slack_error
from core.delivery.http import HttpTransport
from core.delivery.message import Message
from core.delivery.native import Form, Gotify, Json, Ntfy, asset, shorten
from core.delivery.policy import DestinationPolicy
from core.delivery.sender import Sender

HEADERS = ("user-agent", "content-type", "authorization", "x-a", "accept-language")
BODY = "Tomorrow at 6 – bring cake & tea.\nhttps://soonish.example/e/1?a=1&b=2"
DISCORD = "discord://123/abc/"
SLACK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7"
BOT = "slack://xoxb-1234-1234-abc124/"


async def both(server: Any, policy: DestinationPolicy, stock: Any, ours: Any, url: str, **moved: str) -> list[Any]:
    """The request of the stock plugin, then of ours; `moved` names class attributes that hold a service's address."""
    transport = HttpTransport(policy, 5.0)
    await transport.start()
    loop = asyncio.get_running_loop()
    for plugin in (stock, ours):
        service = plugin(**plugin.parse_url(url), asset=asset())
        for name, value in moved.items():
            setattr(service, name, value)
        if plugin is ours:
            service.transport = transport
            await service.async_notify(body=BODY, title="Summer party")
        else:
            await loop.run_in_executor(None, functools.partial(service.notify, body=BODY, title="Summer party"))
    await transport.close()
    return list(server.received)


def built(url: str) -> Any:
    return services.build(url)


def assert_alike(stock: Any, ours: Any, headers: tuple[str, ...] = HEADERS) -> None:
    assert (ours.method, ours.path, ours.query) == (stock.method, stock.path, stock.query)
    assert {name: ours.headers.get(name) for name in headers} == {name: stock.headers.get(name) for name in headers}


@pytest.mark.parametrize(
    "rest",
    [
        "",
        "/",
        "/hook/",
        "/hook/a%20b/c%2Fd/@x+y",
        "/hook?-room=1&-q=a%20b%26c",
        "/hook?method=put",
        "/hook?+X-A=b&+Accept-Language=de&+User-Agent=me",
        "/hook?+Content-Type=application/x-custom",
        "/hook?:channel=general&:message=text&:version=",
    ],
)
@pytest.mark.parametrize("credentials", ["", "us%40er:p%3Aw@"])
async def test_a_json_webhook_gets_what_the_stock_plugin_sends(
    server: Any, policy: DestinationPolicy, rest: str, credentials: str
) -> None:
    stock, ours = await both(server, policy, NotifyJSON, Json, f"json://{credentials}{server.at}{rest}")
    assert_alike(stock, ours)
    assert json.loads(ours.body) == json.loads(stock.body)


@pytest.mark.parametrize(
    "rest", ["", "/hook?-room=1", "/hook?method=get&-q=1&:x=y", "/hook?:channel=general&:message=text&:version="]
)
async def test_a_form_webhook_gets_what_the_stock_plugin_sends(
    server: Any, policy: DestinationPolicy, rest: str
) -> None:
    stock, ours = await both(server, policy, NotifyForm, Form, f"form://{server.at}{rest}")
    assert_alike(stock, ours)
    assert parse_qs(ours.body.decode()) == parse_qs(stock.body.decode())


@pytest.mark.parametrize(
    "url",
    [
        "ntfy://{at}/topic",
        "ntfy://{at}/topic?priority=high&xtags=a,b&click=https://x.example/?q=1&actions=view,Open,https://x.example",
        "ntfy://user:pw@{at}/topic?format=markdown",
        "ntfy://{at}/topic?token=tk_abc",
        "ntfy://tk_abc@{at}/topic",
    ],
)
async def test_ntfy_gets_what_the_stock_plugin_sends(server: Any, policy: DestinationPolicy, url: str) -> None:
    stock, ours = await both(server, policy, NotifyNtfy, Ntfy, url.format(at=server.at))
    assert_alike(stock, ours, (*HEADERS, "x-priority", "x-tags", "x-click", "x-actions", "x-markdown", "x-icon"))
    assert json.loads(ours.body) == json.loads(stock.body)


@pytest.mark.parametrize("rest", ["/token", "/sub/path/token?priority=high", "/token?format=markdown"])
async def test_gotify_gets_what_the_stock_plugin_sends(server: Any, policy: DestinationPolicy, rest: str) -> None:
    stock, ours = await both(server, policy, NotifyGotify, Gotify, f"gotify://{server.at}{rest}")
    assert_alike(stock, ours, (*HEADERS, "x-gotify-key"))
    assert json.loads(ours.body) == json.loads(stock.body)


@pytest.mark.parametrize(
    "url", [DISCORD, "discord://Botty@123/abc/?tts=yes&flags=4&avatar_url=https://x.example/a.png"]
)
async def test_discord_gets_what_the_stock_plugin_sends_and_no_mentions(
    server: Any, policy: DestinationPolicy, url: str
) -> None:
    stock, ours = await both(server, policy, NotifyDiscord, Discord, url, notify_url=f"http://{server.at}/api/webhooks")
    assert_alike(stock, ours)
    assert json.loads(ours.body) == json.loads(stock.body) | {"allowed_mentions": {"parse": []}}


@pytest.mark.parametrize(
    "url",
    [
        SLACK,
        f"{SLACK}/%23general?footer=no",
        f"{SLACK}?blocks=yes",
        f"{SLACK}?format=text",
        f"{BOT}C12345678:1234.5",
        f"{BOT}@bob",
        f"{BOT}+C123",
        "slack://T05ABC/Ft07ABC/12345/abcdef?mode=workflow",
    ],
)
async def test_slack_gets_what_the_stock_plugin_sends(server: Any, policy: DestinationPolicy, url: str) -> None:
    base = f"http://{server.at}"
    moved = {"webhook_url": base, "workflow_url": base, "api_url": base + "/{}"}
    stock, ours = await both(server, policy, NotifySlack, Slack, url, **moved)
    assert_alike(stock, ours, (*HEADERS, "accept"))
    assert _comparable(ours.body) == _comparable(stock.body)


def _comparable(body: bytes) -> Any:
    """Without the time of sending, and unescaped: the stock plugin escapes some texts, ours all."""
    payload = json.loads(html.unescape(body.decode()))
    for attachment in payload.get("attachments", []):
        attachment.pop("ts", None)
    return payload


PINGS = (
    "@everyone @here <@123> <@&456> <!channel> <!here|x> <@U123> <#C1|general> <!subteam^S1> "
    "[<!channel>](https://x.example) [x](<!channel>) <https://x.example|<!here>> `<!here>` ```<!here>```"
)


async def test_discord_is_told_to_ping_nobody(server: Any, policy: DestinationPolicy, message: Message) -> None:
    service = built(DISCORD)
    title, body = service.words(dataclasses.replace(message, title=PINGS, markdown=PINGS))
    assert json.loads(service.request(body, title).body)["allowed_mentions"] == {"parse": []}


@pytest.mark.parametrize("options", ["", "?blocks=yes", "?format=text", "?blocks=yes&format=text"])
async def test_slack_sees_no_mention_that_calls_anybody(message: Message, options: str) -> None:
    service = built(SLACK + options)
    title, body = service.words(dataclasses.replace(message, title=PINGS, text=PINGS, markdown=PINGS))
    sent = service.request(body, title).body.decode()
    assert "<!" not in sent
    assert "<@" not in sent
    assert "<#" not in sent


async def test_a_slack_workflow_is_pinged_no_more_than_a_channel(message: Message) -> None:
    url = "slack://T05ABC/Ft07ABC/12345/abcdef?mode=workflow"
    service = built(url)
    title, body = service.words(dataclasses.replace(message, title=PINGS, markdown=PINGS))
    assert "<!" not in service.request(body, title).body.decode()


def test_links_survive_on_the_way_to_slack() -> None:
    service = built(SLACK)
    assert (
        service.mrkdwn("**Now**: [open](https://x.example/?a=1&b=2)") == "*Now*: <https://x.example/?a=1&amp;b=2|open>"
    )


async def test_a_title_keeps_its_stars_in_discord(message: Message) -> None:
    service = built(DISCORD)
    assert service.words(dataclasses.replace(message, title="2 * 3 _x_"))[0] == r"**2 \* 3 \_x\_**"


async def test_discord_never_gets_more_than_it_takes_and_keeps_the_link(message: Message) -> None:
    service = built(DISCORD)
    long = dataclasses.replace(message, title="*" * 400, markdown="word " * 1000 + "\nhttps://soonish.example/e/1")
    title, body = service.words(long)
    content = json.loads(service.request(body, title).body)["content"]
    assert len(content) <= 2000
    assert content.endswith("…\nhttps://soonish.example/e/1")


@pytest.mark.parametrize("in_bytes", [False, True])
@pytest.mark.parametrize("limit", [20, 100, 4096])
def test_shortened_text_fits_and_says_so(limit: int, in_bytes: bool) -> None:
    text = shorten("Käse und Wein 🍷 " * 1000, limit, in_bytes=in_bytes)
    assert (len(text.encode()) if in_bytes else len(text)) <= limit
    assert text.endswith("…")
    assert shorten("short", limit, in_bytes=in_bytes) == "short"


def test_a_link_in_the_middle_is_kept() -> None:
    assert shorten("a" * 100 + "\nSee https://x.example\n" + "b" * 100, 60).endswith("…\nSee https://x.example")


@pytest.mark.parametrize(
    ("status", "body", "delivered", "permanent", "deferred"),
    [
        (200, '{"ok":true,"channel":"C1"}', True, False, False),
        (200, '{"ok":false,"error":"channel_not_found"}', False, True, False),
        (200, '{"ok":false,"error":"invalid_auth"}', False, True, False),
        (200, '{"ok":false,"error":"ratelimited"}', False, False, True),
        (200, '{"ok":false,"error":"internal_error"}', False, False, False),
        (200, "<html>", False, True, False),
        (500, "", False, False, False),
    ],
)
async def test_a_slack_bots_answer_is_read(
    server: Any, policy: DestinationPolicy, status: int, body: str, delivered: bool, permanent: bool, deferred: bool
) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, text=body)

    server.answers["/chat.postMessage"] = answer
    transport = HttpTransport(policy, 5.0)
    await transport.start()
    service = built(BOT + "general")
    service.transport, service.api_url = transport, f"http://{server.at}/{{}}"
    assert await service.async_notify(body="x") is delivered
    assert (service.outcome.permanent, service.outcome.deferred) == (permanent, deferred)
    await transport.close()


@pytest.mark.parametrize(
    ("error", "permanent", "about_message"),
    [
        ("msg_too_long", True, True),
        ("no_text", True, True),
        ("invalid_blocks", True, True),
        ("too_many_attachments", True, True),
        ("channel_not_found", True, False),
        ("is_archived", True, False),
        ("token_revoked", True, False),
        ("external_channel_migrating", False, False),
    ],
)
def test_what_slack_says_of_a_message_is_not_held_against_the_channel(
    error: str, permanent: bool, about_message: bool
) -> None:
    outcome = slack_error(error)
    assert (outcome.permanent, outcome.about_message, outcome.host_fault) == (permanent, about_message, False)


@pytest.mark.parametrize(("header", "everybody"), [({}, False), ({"X-RateLimit-Global": "true"}, True)])
async def test_one_discord_webhooks_limit_is_not_everybodys(
    server: Any, policy: DestinationPolicy, header: dict[str, str], everybody: bool
) -> None:
    async def limited(_: web.Request) -> web.Response:
        return web.Response(status=429, headers={"Retry-After": "2"} | header)

    server.answers["/123/abc"] = limited
    transport = HttpTransport(policy, 5.0)
    await transport.start()
    service = built(DISCORD)
    service.transport, service.notify_url = transport, f"http://{server.at}"
    await service.async_notify(body="x")
    assert (service.outcome.deferred, service.outcome.retry_after, service.outcome.host_wide) == (True, 2.0, everybody)
    await transport.close()


async def test_markdown_goes_where_it_is_asked_for(sender: Sender, server: Any, message: Message) -> None:
    await sender.send(f"json://{server.at}/", message)
    await sender.send(f"json://{server.at}/?format=markdown", message)
    await sender.send(f"ntfy://{server.at}/topic?format=markdown", message)
    assert [json.loads(request.body)["message"] for request in server.received] == [
        message.text,
        message.markdown,
        message.markdown,
    ]


def test_our_own_pictures_are_none() -> None:
    """Apprise would have every chat fetch its logo from elsewhere."""
    assert built(DISCORD).image_url(NotifyType.INFO) is None


_HOSTS = st.one_of(
    st.from_regex(r"([a-z0-9-]{1,5}\.){0,4}[a-z0-9]{1,6}", fullmatch=True),
    st.from_regex(r"([0-9]{1,3}\.){3}[0-9]{1,3}", fullmatch=True),
)
_PORTS = st.one_of(st.just(""), st.integers(0, 99_999).map(":{}".format))
_PATHS = st.one_of(st.from_regex(r"[a-zA-Z0-9._/-]{0,12}", fullmatch=True), st.text("aB0/._-~%? \\@", max_size=12))


@settings(max_examples=500)
@given(st.sampled_from(["json", "jsons", "form", "forms"]), _HOSTS, _PORTS, _PATHS)
def test_a_webhook_read_the_short_way_is_what_apprise_reads(scheme: str, host: str, port: str, path: str) -> None:
    url = f"{scheme}://{host}{port}/{path}"
    stock, ours = (NotifyJSON, Json) if scheme.startswith("json") else (NotifyForm, Form)
    assert ours.parse_url(url) == stock.parse_url(url)  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    "url", ["json://127.0.0.1:8080/hook/7", "forms://hooks.example.org/a.b/c_-d", "jsons://x-1.org/"]
)
def test_most_webhooks_are_read_the_short_way(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = NotifyJSON.parse_url(url)  # type: ignore[no-untyped-call]
    monkeypatch.setattr(NotifyJSON, "parse_url", None)
    monkeypatch.setattr(NotifyForm, "parse_url", None)
    assert (Json if url.startswith("json") else Form).parse_url(url) == expected
