"""A real HTTP server with scripted answers, a real SMTP sink, and a Sender that may reach both."""

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from typing import Any, cast

import pytest
from aiohttp import web
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from core.delivery.message import Mail, Message
from core.delivery.policy import DestinationPolicy
from core.delivery.sender import Sender
from core.settings import Settings

LOOPBACK = ipaddress.ip_network("127.0.0.0/8")
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Received:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass
class Server:
    """Remembers what it receives and answers 200, or what `answers` says for a path."""

    port: int = 0
    received: list[Received] = field(default_factory=list)
    answers: dict[str, Answer | int] = field(default_factory=dict)

    @property
    def at(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.received.append(Received(request.method, request.path, dict(request.query), headers, body))
        answer = self.answers.get(request.path, 200)
        return web.Response(status=answer, text="ok") if isinstance(answer, int) else await answer(request)


@asynccontextmanager
async def serving() -> AsyncIterator[Server]:
    server = Server()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", server.handle)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.port = runner.addresses[0][1]
    try:
        yield server
    finally:
        await runner.cleanup()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as server:
        yield server


@pytest.fixture
def servers() -> Callable[[], Any]:
    """More servers, each an async context manager."""
    return serving


@dataclass
class Mailbox:
    """An SMTP server's memory. `replies` maps a recipient, or `DATA`, to what is answered instead of 250."""

    port: int = 0
    envelopes: list[Envelope] = field(default_factory=list)
    replies: dict[str, str] = field(default_factory=dict)
    sessions: set[int] = field(default_factory=set)
    drop_at: str = ""
    """The connection is cut when this command arrives (`MAIL`, `RCPT`, `DATA`), once."""

    @property
    def mails(self) -> list[EmailMessage]:
        parser = BytesParser(policy=default)
        return [parser.parsebytes(cast("bytes", envelope.content)) for envelope in self.envelopes]

    def _drops(self, server: SMTP, command: str) -> bool:
        if self.drop_at != command:
            return False
        self.drop_at = ""
        cast("asyncio.Transport", server.transport).abort()
        return True

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.sessions.add(id(session))
        self._drops(server, "MAIL")
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self._drops(server, "RCPT")
        if address in self.replies:
            return self.replies[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self._drops(server, "DATA")
        if "DATA" in self.replies:
            return self.replies["DATA"]
        self.envelopes.append(envelope)
        return "250 OK"


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        box.port = free.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=box.port)
    controller.start()
    yield box
    controller.stop()


@pytest.fixture
def policy() -> DestinationPolicy:
    """Loopback is open, as an operator's allowed network."""
    return DestinationPolicy([LOOPBACK])


def settings_with(**changes: Any) -> Settings:
    values: dict[str, Any] = {
        "smtp_server": "127.0.0.1",
        "smtp_from": "Soonish <nudge@soonish.example>",
        "smtp_connections": 2,
    }
    return Settings(_env_file=None, **(values | {"delivery_timeout_seconds": 5.0} | changes))


@asynccontextmanager
async def sending(policy: DestinationPolicy, **changes: Any) -> AsyncIterator[Sender]:
    sender = Sender(settings_with(**changes), policy)
    await sender.start()
    try:
        yield sender
    finally:
        await sender.close()


@pytest.fixture
def senders() -> Callable[..., Any]:
    """A Sender with a policy and settings of the test's own, as an async context manager."""
    return sending


@pytest.fixture
async def sender(policy: DestinationPolicy, mailbox: Mailbox) -> AsyncIterator[Sender]:
    async with sending(policy, smtp_port=mailbox.port) as sender:
        yield sender


@pytest.fixture
def message() -> Message:
    mail = Mail(
        html="<p>Summer party tomorrow – bring <b>cake</b>.</p>",
        message_id="delivery-7@soonish.example",
        unsubscribe_url="https://soonish.example/u/token",
        list_id="event-abc.soonish.example",
    )
    return Message("Summer party", "Tomorrow – bring cake.", "Tomorrow – bring **cake**.", mail)
