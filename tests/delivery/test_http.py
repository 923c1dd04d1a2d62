"""What a server does becomes a reason a person can read, and the right decision about trying again."""

import asyncio
import datetime as dt
import email.utils
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from core.delivery.http import HttpTransport, Reply
from core.delivery.message import Message
from core.delivery.outcomes import from_status, parse_retry_after
from core.delivery.policy import DestinationPolicy
from core.delivery.sender import Sender

DISCORD = "discord://123456789012345678/" + "aB-_" * 17
NOW = dt.datetime(2026, 7, 1, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("status", "permanent", "host_fault", "words"),
    [
        (400, True, False, "could not make sense"),
        (401, True, False, "does not accept this address or token any more"),
        (403, True, False, "does not allow"),
        (404, True, False, "nothing at this address"),
        (410, True, False, "gone for good"),
        (413, True, False, "too large"),
        (418, True, False, "did not accept"),
        (301, True, False, "redirects are not followed"),
        (308, True, False, "redirects are not followed"),
        (408, False, False, "too long"),
        (425, False, False, "later"),
        (429, False, False, "too many"),
        (500, False, True, "error of its own"),
        (502, False, True, "behind it"),
        (503, False, True, "overloaded"),
        (599, False, True, "in trouble"),
    ],
)
async def test_every_status_has_its_reason(
    sender: Sender, server: Any, message: Message, status: int, permanent: bool, host_fault: bool, words: str
) -> None:
    server.answers["/hook"] = status
    outcome = await sender.send(f"json://{server.at}/hook", message)
    assert not outcome.delivered
    assert outcome.code == f"http_{status}"
    assert (outcome.permanent, outcome.host_fault, outcome.deferred) == (permanent, host_fault, False)
    assert words in outcome.reason
    assert str(status) in outcome.reason
    assert "127.0.0.1" not in outcome.reason


@pytest.mark.parametrize("status", range(300, 600))
def test_only_what_is_wrong_with_the_message_spares_its_channel(status: int) -> None:
    outcome = from_status(status)
    assert outcome.about_message is (status in {400, 406, 411, 413, 414, 415, 422, 431})
    assert outcome.permanent or not outcome.about_message


@pytest.mark.parametrize("path", [DISCORD, "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7", "json://example.org/"])
@pytest.mark.parametrize(("status", "about_message"), [(400, True), (413, True), (404, False), (401, False)])
async def test_every_kind_of_webhook_tells_the_message_from_the_channel(
    sender: Sender, message: Message, monkeypatch: pytest.MonkeyPatch, path: str, status: int, about_message: bool
) -> None:
    async def answer(*_: Any) -> Reply:
        return Reply(status)

    monkeypatch.setattr(HttpTransport, "send", answer)
    outcome = await sender.send(path, message)
    assert (outcome.permanent, outcome.about_message) == (True, about_message)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_any_2xx_is_delivered(sender: Sender, server: Any, message: Message, status: int) -> None:
    server.answers["/hook"] = status
    assert (await sender.send(f"json://{server.at}/hook", message)).delivered


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_defers_without_blame(sender: Sender, server: Any, message: Message, status: int) -> None:
    async def wait(_: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Retry-After": "17"})

    server.answers["/hook"] = wait
    outcome = await sender.send(f"json://{server.at}/hook", message)
    assert (outcome.deferred, outcome.retry_after, outcome.host_wide) == (True, 17.0, False)
    assert (outcome.permanent, outcome.host_fault) == (False, False)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("1.5", 1.5),
        ("86400", 3600.0),
        (email.utils.format_datetime(NOW + dt.timedelta(seconds=90), usegmt=True), 90.0),
        (email.utils.format_datetime(NOW - dt.timedelta(hours=1), usegmt=True), 0.0),
        (email.utils.format_datetime(NOW + dt.timedelta(days=2), usegmt=True), 3600.0),
        ("-5", None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_read_as_seconds_or_date_and_capped(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, NOW) == seconds


def test_retry_after_means_nothing_on_other_answers() -> None:
    assert not from_status(500, "10").deferred


async def test_a_redirect_is_not_followed(sender: Sender, server: Any, message: Message) -> None:
    async def elsewhere(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": f"http://{server.at}/secret"})

    server.answers["/hook"] = elsewhere
    outcome = await sender.send(f"json://{server.at}/hook", message)
    assert outcome.permanent
    assert [request.path for request in server.received] == ["/hook"]


async def test_a_server_that_never_answers_is_given_up(
    senders: Callable[..., Any], policy: DestinationPolicy, server: Any, message: Message
) -> None:
    release = asyncio.Event()

    async def hang(_: web.Request) -> web.Response:
        await release.wait()
        return web.Response()

    server.answers["/hook"] = hang
    async with senders(policy, delivery_timeout_seconds=0.1) as sender:
        outcome = await sender.send(f"json://{server.at}/hook", message)
    release.set()
    assert (outcome.code, outcome.host_fault, outcome.permanent) == ("timeout", True, False)


async def test_nothing_listening_is_refused(sender: Sender, message: Message) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    outcome = await sender.send(f"json://127.0.0.1:{port}/", message)
    assert (outcome.code, outcome.host_fault, outcome.permanent) == ("refused", True, False)


async def test_a_name_that_does_not_exist_is_named_so(sender: Sender, message: Message) -> None:
    outcome = await sender.send("json://nowhere.invalid/", message)
    assert (outcome.code, outcome.permanent) == ("dns", False)
    assert "nowhere" not in outcome.reason


@asynccontextmanager
async def _raw(answer: bytes | None) -> AsyncIterator[int]:
    """A server that reads a little, answers these bytes (None: resets) and hangs up."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        if answer is None:
            writer.transport.abort()
            return
        writer.write(answer)
        writer.close()

    listener = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with listener:
        yield listener.sockets[0].getsockname()[1]


@pytest.mark.parametrize(
    ("answer", "code"),
    [(None, "reset"), (b"", "reset"), (b"SSH-2.0-OpenSSH_9.6\r\n", "protocol"), (b"HTTP/1.1 abc\r\n\r\n", "protocol")],
)
async def test_a_broken_answer_is_transient(sender: Sender, message: Message, answer: bytes | None, code: str) -> None:
    async with _raw(answer) as port:
        outcome = await sender.send(f"json://127.0.0.1:{port}/", message)
    assert (outcome.code, outcome.permanent, outcome.host_fault) == (code, False, True)


async def test_tls_to_a_plain_server_is_a_tls_problem(sender: Sender, server: Any, message: Message) -> None:
    outcome = await sender.send(f"jsons://{server.at}/", message)
    assert (outcome.code, outcome.permanent) == ("tls", False)


async def test_an_oversized_reply_is_not_read_to_its_end(sender: Sender, server: Any, message: Message) -> None:
    written = 0

    async def flood(request: web.Request) -> web.StreamResponse:
        nonlocal written
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            for _ in range(10_000):
                await response.write(b"x" * 100_000)
                written += 100_000
        except ConnectionError:
            pass
        return response

    server.answers["/hook"] = flood
    assert (await sender.send(f"json://{server.at}/hook", message)).delivered
    assert written < 100_000_000


async def test_a_status_counts_even_when_the_reply_breaks_off(sender: Sender, message: Message) -> None:
    async with _raw(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhalf") as port:
        assert (await sender.send(f"json://127.0.0.1:{port}/", message)).delivered


async def test_one_connection_serves_many_deliveries(sender: Sender, server: Any, message: Message) -> None:
    ports = set()

    async def note(request: web.Request) -> web.Response:
        assert request.transport is not None
        ports.add(request.transport.get_extra_info("peername"))
        return web.Response(text="x" * 2000)

    server.answers["/hook"] = note
    for _ in range(5):
        assert (await sender.send(f"json://{server.at}/hook", message)).delivered
    assert len(ports) == 1


async def test_cookies_are_neither_kept_nor_sent(sender: Sender, server: Any, message: Message) -> None:
    async def cookie(_: web.Request) -> web.Response:
        return web.Response(headers={"Set-Cookie": "id=1"})

    server.answers["/hook"] = cookie
    for _ in range(2):
        await sender.send(f"json://{server.at}/hook", message)
    assert "cookie" not in server.received[1].headers


async def test_proxies_of_the_environment_are_ignored(
    monkeypatch: pytest.MonkeyPatch, sender: Sender, server: Any, message: Message
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert (await sender.send(f"json://{server.at}/hook", message)).delivered


def test_certificates_are_checked_by_the_default_context() -> None:
    """What aiohttp uses when a request names no context of its own; ours never does."""
    context = ssl.create_default_context()
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED


@pytest.mark.parametrize(
    "url", ["", "json", "nonsense://x", "file:///etc/passwd", "json://", "discord://only", "systemmail://a"]
)
async def test_a_url_that_cannot_be_read_is_an_outcome_not_an_exception(
    sender: Sender, message: Message, url: str
) -> None:
    outcome = await sender.send(url, message)
    assert (outcome.code, outcome.permanent) == ("unreadable", True)


async def test_an_unexpected_error_is_logged_without_the_url(
    sender: Sender, message: Message, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(_: Any, request: Any) -> None:
        raise RuntimeError(f"could not post to {request.url}")

    monkeypatch.setattr("core.delivery.http.HttpTransport.send", explode)
    outcome = await sender.send("json://user:hunter2@example.org/secret-path", message)
    assert (outcome.code, outcome.permanent) == ("error", False)
    assert "RuntimeError" in caplog.text
    assert "hunter2" not in caplog.text
    assert "secret-path" not in caplog.text
