"""The long tail of Apprise services: the stock plugin in a thread, with every connection under our policy."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests
from apprise import NotifyFormat, OverflowMode
from apprise.utils.http import HTTPPolicy, HTTPPolicySession

from core.delivery import services
from core.delivery.message import OK, Message, Outcome
from core.delivery.native import shorten
from core.delivery.outcomes import ERROR, TIMEOUT, TLS, UNREADABLE, from_error, from_status
from core.delivery.policy import BlockedDestination, DestinationPolicy

THREADS = 64
BOUND_SECONDS = 30.0
TIMEOUT_SECONDS = (5.0, 10.0)
"""To connect, and between two pieces of the answer."""
REPLY_BYTES = 1_000_000

REJECTED = Outcome(False, "rejected", "The service did not accept the message.")


class _Thread(threading.local):
    """What a tail thread works under, and what its last request ended with; plugins only report True or False."""

    policy = DestinationPolicy()
    outcome: Outcome | None = None


_thread = _Thread()


class _Policy(HTTPPolicy):
    """Resolves in the thread it is called in, and filters by address and port."""

    def resolve(self, host: str, port: int) -> list[Any]:
        answers = socket.getaddrinfo(host, port, socket.AF_UNSPEC, socket.SOCK_STREAM)
        permitted = [answer for answer in answers if _thread.policy.permits(str(answer[4][0]), port)]
        if not permitted:
            raise BlockedDestination("no address of this name is open to Soonish")
        return permitted


class GuardedSession(HTTPPolicySession):
    """The session every plugin gets: one connection policy, no redirects, TLS verified, bounded in time and size."""

    def __init__(self) -> None:
        super().__init__(_Policy())  # type: ignore[no-untyped-call]

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs |= {"allow_redirects": False, "verify": True, "timeout": TIMEOUT_SECONDS, "proxies": {}, "stream": True}
        try:
            response: requests.Response = super().request(*args, **kwargs)
            _read(response)
        except requests.RequestException as error:
            _thread.outcome = from_requests(error)
            raise
        _thread.outcome = from_status(response.status_code, response.headers.get("Retry-After"))
        return response


def _read(response: requests.Response) -> None:
    """Reads the answer as `content`, up to a megabyte and for as long as a delivery may take."""
    deadline = time.monotonic() + BOUND_SECONDS
    body = b""
    for piece in response.iter_content(65536):
        body += piece
        if len(body) > REPLY_BYTES or time.monotonic() > deadline:
            break
    response.close()
    response._content = body[:REPLY_BYTES]  # noqa: SLF001  how requests itself keeps what has been read


def install() -> None:
    """Makes `requests` use the guarded session, in this whole process; nothing else here uses `requests`."""
    requests.Session = requests.sessions.Session = GuardedSession  # type: ignore[misc]


class Tail:
    """Runs stock plugins in threads of their own. A thread cannot be stopped: its sockets' timeouts end it."""

    def __init__(self, policy: DestinationPolicy) -> None:
        self._policy = policy
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="apprise")
        install()

    async def send(self, url: str, message: Message) -> Outcome:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(BOUND_SECONDS):
                return await loop.run_in_executor(self._threads, self._deliver, url, message)
        except TimeoutError:
            return TIMEOUT

    def _deliver(self, url: str, message: Message) -> Outcome:
        """Builds, uses and drops the service in one thread: some log out over the network when they are dropped."""
        _thread.policy, _thread.outcome = self._policy, None
        service: Any = services.build(url)
        if service is None:
            return UNREADABLE
        tame(service)
        markdown = service.resolve_format(NotifyFormat.MARKDOWN) is not NotifyFormat.TEXT
        room = max(service.body_maxlen - len(message.title) - 20, 20)
        delivered = service.notify(
            body=shorten(message.markdown if markdown else message.text, room),
            title=message.title,
            body_format=NotifyFormat.MARKDOWN if markdown else NotifyFormat.TEXT,
            overflow=OverflowMode.TRUNCATE,
        )
        return OK if delivered else _failure(_thread.outcome)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def tame(service: Any) -> None:
    """Whatever the URL said: no sleeping between requests, no retries of its own, no redirects, nothing on disk."""
    service.request_rate_per_sec = 0
    service.service_retry = 0
    service.redirects = False
    service.verify_certificate = True
    service.persistent_storage = False
    service.socket_connect_timeout, service.socket_read_timeout = TIMEOUT_SECONDS


def _failure(last: Outcome | None) -> Outcome:
    """The last request's outcome, unless it went well: then the service said no in its answer."""
    return REJECTED if last is None or last.delivered else last


def from_requests(error: requests.RequestException) -> Outcome:
    """The innermost cause that we have a sentence for; requests wraps urllib3, which wraps the socket's error."""
    if isinstance(error, requests.exceptions.SSLError):
        return TLS
    if isinstance(error, requests.Timeout):
        return TIMEOUT
    outcomes = [from_error(cause) for cause in _causes(error) if isinstance(cause, OSError)]
    return next((outcome for outcome in reversed(outcomes) if outcome != ERROR), ERROR)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        inner = error.args[0] if error.args and isinstance(error.args[0], BaseException) else None
        error = error.__cause__ or getattr(error, "reason", None) or inner or error.__context__
        if not isinstance(error, BaseException):
            return
