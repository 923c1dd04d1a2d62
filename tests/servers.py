"""Real servers for tests, all on the loopback: Temporal, and sinks that remember what reaches them."""

import asyncio
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Self

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session

from cli.demo.memory import Memory
from cli.embedded import TemporalServer
from cli.processes import free_port

__all__ = ["Answer", "Mail", "Request", "SmtpSink", "TemporalServer", "WebhookSink", "free_port"]

EVERYWHERE = "*"

PATIENCE = 25.0
"""Seconds. A task that gets lost between Temporal and a busy worker is given out again after ten."""


@dataclass(frozen=True)
class Answer:
    """What a path does. `hang` answers only when the sink closes, `reset` breaks the connection without an answer."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    delay: float = 0.0
    hang: bool = False
    reset: bool = False


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes


class WebhookSink(Memory):
    """An HTTP server that takes every path, answers 200 unless told otherwise, and remembers what it got."""

    def __init__(self, port: int | None = None) -> None:
        super().__init__()
        self.port = port or free_port()
        self.requests: list[Request] = []
        self._answers: dict[str, Answer] = {}
        self._closing = asyncio.Event()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def url(self, path: str = "/") -> str:
        return f"{self.address}{path}"

    def answer(
        self,
        path: str = EVERYWHERE,
        *,
        status: int = 200,
        headers: dict[str, str] | None = None,
        body: str = "",
        delay: float = 0.0,
        hang: bool = False,
        reset: bool = False,
    ) -> None:
        """From now on, on one path or, told without a path, on every one; `sink.answer()` is 200 everywhere again."""
        if path == EVERYWHERE:
            self._answers.clear()
        self._answers[path] = Answer(status, headers or {}, body, delay, hang, reset)

    def counts(self) -> Counter[str]:
        """Requests that arrived, by path, however they were answered."""
        return Counter(request.path for request in self.requests)

    async def wait_for(self, count: int, timeout: float = PATIENCE, path: str | None = None) -> list[Request]:  # noqa: ASYNC109
        """Until at least `count` requests have arrived (on `path`); answers them."""

        def matching() -> list[Request]:
            return [each for each in self.requests if path in (None, each.path)]

        def reached() -> bool:
            return (len(self.requests) if path is None else len(matching())) >= count

        await self.until(reached, lambda: f"{len(matching())} of {count} requests arrived", timeout)
        return matching()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = await request.read()
        self.requests.append(Request(request.method, request.path, request.query_string, headers, body))
        self.wake()
        answer = self._answers.get(request.path) or self._answers.get(EVERYWHERE) or Answer()
        if answer.delay or answer.hang:
            await self._pause(None if answer.hang else answer.delay)
        if answer.reset and request.transport is not None:
            request.transport.abort()
        return web.Response(status=answer.status, headers=answer.headers, text=answer.body)

    async def _pause(self, seconds: float | None) -> None:
        """Cut short when the sink closes, so that closing never waits for it."""
        try:
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        except TimeoutError:
            return

    async def start(self) -> None:
        self._closing.clear()
        self._runner = web.ServerRunner(web.Server(self._handle, access_log=None), shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, backlog=4096).start()

    async def stop(self) -> None:
        """Connections are refused from here on; `start` takes the same port again."""
        self._closing.set()
        await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


@dataclass(frozen=True)
class Mail:
    """One message as one connection handed it over."""

    sender: str
    to: tuple[str, ...]
    message: EmailMessage

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def text(self) -> str:
        part = self.message.get_body(preferencelist=("plain",))
        return str(part.get_content()) if part else ""

    @property
    def html(self) -> str:
        part = self.message.get_body(preferencelist=("html",))
        return str(part.get_content()) if part else ""


class SmtpSink(Memory):
    """An SMTP server that remembers every mail it takes, and refuses the recipients it is told to."""

    def __init__(self, port: int | None = None) -> None:
        super().__init__()
        self.host = "127.0.0.1"
        self.port = port or free_port()
        self.mails: list[Mail] = []
        self.refused: Counter[str] = Counter()
        self.delay = 0.0
        """Seconds that each mail takes."""
        self._codes: defaultdict[str, str] = defaultdict(str)
        self._connections: set[_Connection] = set()

    def refuse(self, recipient: str, code: int = 550, words: str = "5.1.1 No such mailbox") -> None:
        """Answer RCPT for this address, or for every one ("*"), with `code`."""
        self._codes[recipient.lower()] = f"{code} {words}"

    def accept(self, recipient: str = EVERYWHERE) -> None:
        """Take back `refuse`: for this address, or for all."""
        if recipient == EVERYWHERE:
            self._codes.clear()
        self._codes.pop(recipient.lower(), None)

    def to(self, recipient: str) -> list[Mail]:
        return [mail for mail in self.mails if recipient.lower() in (each.lower() for each in mail.to)]

    def counts(self) -> Counter[str]:
        """Mails taken, by recipient."""
        return Counter(recipient for mail in self.mails for recipient in mail.to)

    async def wait_for(self, count: int, timeout: float = PATIENCE, to: str | None = None) -> list[Mail]:  # noqa: ASYNC109
        """Until at least `count` mails have been taken (for `to`); answers them."""

        def matching() -> list[Mail]:
            return self.mails if to is None else self.to(to)

        await self.until(
            lambda: len(matching()) >= count, lambda: f"{len(matching())} of {count} mails arrived", timeout
        )
        return list(matching())

    async def handle_RCPT(  # noqa: N802 - the names aiosmtpd calls
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        refusal = self._codes[address.lower()] or self._codes[EVERYWHERE]
        if refusal:
            self.refused[address] += 1
            self.wake()
            return refusal
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.delay:
            await asyncio.sleep(self.delay)
        content = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
        message = message_from_bytes(content, policy=policy.default)
        self.mails.append(Mail(envelope.mail_from or "", tuple(envelope.rcpt_tos), message))
        self.wake()
        return "250 OK"

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _Connection(self, self._connections, loop), self.host, self.port, backlog=1024
        )

    async def stop(self) -> None:
        """Connections are broken and refused from here on; `start` takes the same port again."""
        self._server.close()
        for connection in list(self._connections):
            connection.abort()
        await self._server.wait_closed()
        await self.until(lambda: not self._connections, lambda: "connections stayed open", 5)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


class _Connection(SMTP):
    """aiosmtpd's, counted, so that closing the sink ends the clients that stay connected."""

    def __init__(self, sink: SmtpSink, connections: "set[_Connection]", loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(sink, hostname="localhost", enable_SMTPUTF8=True, loop=loop)
        self._sink = sink
        self._connections = connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._connections.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self._connections.discard(self)
        self._sink.wake()

    def abort(self) -> None:
        if isinstance(self.transport, asyncio.Transport):
            self.transport.abort()
