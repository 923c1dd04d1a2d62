"""Addresses are secrets: no log, no error report and no trace of a refusal shows one."""

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator
from typing import Any

import pytest

from core.delivery import services
from core.delivery.channels import read_channel
from core.delivery.http import HttpRequest, Reply
from core.delivery.message import Direct, Mail, Message
from core.delivery.native import Native
from core.delivery.sender import Sender
from core.errors import SoonishError

SECRET = "3ccdd113474722377935511fc85d3dd4"
SERVERS = frozenset({"mail.log", "aiohttp.access"})
"""What the servers on the other side log, in these tests."""

NATIVE = [
    f"json://user:{SECRET}@example.org/{SECRET}?+Authorization={SECRET}",
    f"forms://example.org/{SECRET}?:message={SECRET}",
    f"discord://123456789012345678/{SECRET}",
    f"slack://T1JJ3T3L2/A1BRTD4JD/{SECRET[:24]}",
    f"ntfys://{SECRET}@ntfy.example.org/{SECRET}",
    f"gotify://example.org/{SECRET}",
    f"systemmail://{SECRET}%40example.org",
]


@pytest.mark.parametrize("url", NATIVE)
def test_a_service_object_shows_what_it_is_and_not_where_it_sends(url: str) -> None:
    service = services.build(url)
    assert isinstance(service, Native)
    for shown in (repr(service), str(service), f"{service}"):
        assert SECRET[:24] not in shown
        assert "example.org" not in shown
        assert type(service).__name__ in shown


def test_requests_replies_and_messages_show_no_secret() -> None:
    link = f"https://soonish.example/u/{SECRET}"
    mail = Mail(html=link, message_id="m@soonish.example", unsubscribe_url=link, calendar=link)
    shown = [
        HttpRequest(link, SECRET.encode(), {"Authorization": SECRET}),
        Reply(200, {"Set-Cookie": SECRET}, SECRET.encode()),
        Message("Summer party", link, link, mail, Direct(link)),
        mail,
        read_channel(f"json://example.org/{SECRET}"),
        read_channel(f"mailto://{SECRET}@example.org"),
    ]
    assert SECRET not in f"{shown!r} {[str(value) for value in shown]}"


@pytest.fixture
async def slow_callbacks() -> AsyncIterator[None]:
    """asyncio's debug mode reports every callback with its arguments, as it does slow ones."""
    loop = asyncio.get_running_loop()
    before = loop.slow_callback_duration
    loop.set_debug(True)
    loop.slow_callback_duration = 0.0
    yield
    loop.set_debug(False)
    loop.slow_callback_duration = before


async def _crooked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers with a header that urllib3 warns of, naming the URL."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n no header at all\r\nX: y\r\n\r\n")
    writer.close()


@pytest.mark.usefixtures("slow_callbacks")
async def test_nothing_that_happens_on_the_way_writes_the_address_into_the_log(
    sender: Sender, server: Any, mailbox: Any, message: Message, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    mailbox.replies[f"{SECRET}@example.org"] = f"550 5.1.1 {SECRET}@example.org unknown"
    server.answers[f"/hooks/{SECRET}"] = 302
    listener = await asyncio.start_server(_crooked, "127.0.0.1", 0)
    async with listener:
        crooked = f"127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        for place in (server.at, crooked, "127.0.0.1:1", f"{SECRET}.invalid"):
            for url in (
                f"json://u:{SECRET}@{place}/{SECRET}",
                f"mmost://{place}/{SECRET}",
                f"gotify://{place}/{SECRET}",
            ):
                await sender.send(url, message)
        await sender.send(f"systemmail://{SECRET}%40example.org", message)
    ours = [record.getMessage() for record in caplog.records if record.name not in SERVERS]
    assert any("took" in line for line in ours)
    assert SECRET not in "\n".join(ours)


@pytest.mark.parametrize(
    "url",
    [
        f"slack://{SECRET}!/x",
        f"matrix://{SECRET}",
        f"flock://{SECRET}!",
        f"jsons://example.org/?method={SECRET}",
        f"mailto://{SECRET}..x@example.org",
        f"https://discord.com/api/webhooks/{SECRET}",
    ],
)
def test_the_trace_of_a_refused_address_does_not_quote_it(url: str) -> None:
    with pytest.raises(SoonishError) as caught:
        read_channel(url)
    assert SECRET not in "".join(traceback.format_exception(caught.value))
