"""The one HTTP client of a process: guarded, without cookies or redirects, and sparing with what it reads."""

import base64
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from yarl import URL

from core.delivery.message import Outcome
from core.delivery.outcomes import from_error, from_status
from core.delivery.policy import DestinationPolicy, GuardedResolver

REPLY_BYTES = 4096
KEEPALIVE_SECONDS = 4.0
"""Shorter than common servers' five: a request must not meet a connection that is just being closed."""
DNS_CACHE_SECONDS = 10


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request, complete: nothing is added to `url` (already percent-encoded) or `body`."""

    url: str = field(repr=False)
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, or the outcome of not getting through. `body` holds the first few kilobytes."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    failure: Outcome | None = None

    def outcome(self) -> Outcome:
        if self.failure is not None:
            return self.failure
        return from_status(self.status, self.headers.get("Retry-After"), dt.datetime.now(dt.UTC))


class HttpTransport:
    """Sends requests over one aiohttp session whose every connection has passed the policy."""

    def __init__(self, policy: DestinationPolicy, timeout: float) -> None:
        self._policy = policy
        self._timeout = aiohttp.ClientTimeout(total=timeout, sock_connect=timeout / 2)
        self._session: aiohttp.ClientSession | None = None
        self._resolver: GuardedResolver | None = None

    async def start(self) -> None:
        self._resolver = GuardedResolver(self._policy)
        connector = aiohttp.TCPConnector(
            limit=0,
            resolver=self._resolver,
            socket_factory=self._policy.socket,
            ttl_dns_cache=DNS_CACHE_SECONDS,
            keepalive_timeout=KEEPALIVE_SECONDS,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=self._timeout,
            trust_env=False,
            auto_decompress=False,
            skip_auto_headers=("User-Agent", "Accept-Encoding"),
        )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
        if self._resolver is not None:
            await self._resolver.close()

    async def send(self, request: HttpRequest) -> Reply:
        """Never raises for what the network or the far end does."""
        assert self._session is not None, "HttpTransport.start() comes first"  # noqa: S101
        try:
            async with self._session.request(
                request.method,
                _url(request.url),
                data=request.body or None,
                headers=request.headers,
                allow_redirects=False,
            ) as response:
                return Reply(response.status, response.headers, await _beginning(response))
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Reply(failure=from_error(error))


async def _beginning(response: aiohttp.ClientResponse) -> bytes:
    """The first few kilobytes. A reply read to its end leaves the connection usable; a longer one costs it.

    The status has been given by now: a body that stalls or breaks off does not change it.
    """
    body = b""
    try:
        while len(body) < REPLY_BYTES and not response.content.at_eof():
            body += await response.content.read(REPLY_BYTES - len(body))
    except (aiohttp.ClientError, OSError):
        response.close()
    if not response.content.at_eof():
        response.close()
    return body


def _url(text: str) -> URL:
    """Names in other scripts go through yarl's IDNA; everything else is taken as it stands."""
    return URL(text, encoded=text.isascii())


def basic_auth(user: str, password: str | None) -> str:
    """The Authorization header; Latin-1 as far as it goes, as clients have always done."""
    pair = f"{user}:{password or ''}"
    try:
        raw = pair.encode("latin-1")
    except UnicodeEncodeError:
        raw = pair.encode()
    return "Basic " + base64.b64encode(raw).decode()


def origin(service: Any) -> str:
    """`https://host:port` of an Apprise service object."""
    scheme = "https" if service.secure else "http"
    return f"{scheme}://{service.host}:{service.port}" if service.port else f"{scheme}://{service.host}"
