"""What the demo plays with: an HTTP client like anybody's, a reader of the development mailbox, webhook servers."""

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

import aiohttp
from aiohttp import web

from core.errors import Code, SoonishError

T = TypeVar("T")
JSON = dict[str, Any]

LOOK_EVERY = 0.1


class Site:
    """The running site, spoken to over HTTP alone."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=15))

    async def close(self) -> None:
        await self._session.close()

    async def call(self, method: str, path: str, body: JSON | None = None, token: str | None = None) -> JSON:
        """A JSON answer. Raises SoonishError with the site's own words."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            async with self._session.request(method, self.url + path, json=body, headers=headers) as answer:
                text = await answer.text()
                if answer.status >= 400:
                    raise _problem(answer.status, text, f"{method} {path}")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _away(self.url, error) from error
        found: JSON = json.loads(text) if text else {}
        return found

    async def open_page(self, url: str) -> str:
        """GET, as a browser or a mail scanner does."""
        return await self._page("GET", url)

    async def press_button(self, url: str) -> str:
        """POST, as the browser does for the page's own form."""
        return await self._page("POST", url, headers={"Origin": self.url, "Sec-Fetch-Site": "same-origin"})

    async def leave_by_mail_program(self, url: str) -> str:
        """RFC 8058: what a mail program posts when somebody presses its own unsubscribe button."""
        return await self._page("POST", url, data={"List-Unsubscribe": "One-Click"})

    async def _page(self, method: str, url: str, **more: Any) -> str:
        try:
            async with self._session.request(method, url, **more) as answer:
                text = await answer.text()
                if answer.status >= 400:
                    path = re.sub(r"^https?://[^/]+(/.).*", r"\1/…", url)
                    raise _problem(answer.status, "", f"{method} {path}")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _away(self.url, error) from error
        return text

    async def mails(self, to: str) -> list["Mail"]:
        """What the development mailbox has for an address, oldest first."""
        found: Any = await self.call("GET", f"/dev/mailbox.json?to={to}")
        entries = found["items"] if isinstance(found, dict) else found
        return [Mail(each["subject"], each["text"], each["headers"]) for each in reversed(entries)]


@dataclass(frozen=True)
class Mail:
    subject: str
    text: str
    headers: dict[str, str]

    def link(self, kind: str) -> str:
        """The first link whose path begins with `/c/`, `/u/` …"""
        found = re.search(rf"https?://[^\s<>\"]+{re.escape(kind)}[\w-]+", self.text)
        if found is None:
            raise SoonishError(Code.UNAVAILABLE, f"The mail “{self.subject}” has no {kind}… link.")
        return found.group()

    def unsubscribe_link(self) -> str:
        """From the header that mail programs read."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        found = re.search(r"<(https?://[^>]+)>", re.sub(r"\s+", "", headers.get("list-unsubscribe", "")))
        if found is None or "one-click" not in headers.get("list-unsubscribe-post", "").lower():
            raise SoonishError(Code.UNAVAILABLE, f"The mail “{self.subject}” cannot be left by one click.")
        return found.group(1)


@dataclass
class Webhook:
    """A server on this machine that remembers what reaches it. Once stopped, nobody answers on its port."""

    port: int = 0
    titles: list[tuple[str, float]] = field(default_factory=list)
    """Title and when it came (seconds since the epoch)."""
    _runner: web.AppRunner | None = None

    @classmethod
    async def start(cls) -> Self:
        hook = cls()
        app = web.Application()
        app.router.add_post("/{path:.*}", hook._take)
        hook._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
        await hook._runner.setup()
        await web.TCPSite(hook._runner, "127.0.0.1", 0).start()
        hook.port = hook._runner.addresses[0][1]
        return hook

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def count(self, words: str) -> int:
        return sum(words in title for title, _ in self.titles)

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.titles.append((str(body.get("title", "")), time.time()))
        return web.Response()


async def until(look: Callable[[], Awaitable[T]], seconds: float) -> T | None:
    """What `look` (awaited) answers as soon as it is something, None after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        found = await look()
        if found or time.monotonic() > end:
            return found or None
        await asyncio.sleep(LOOK_EVERY)


def _problem(status: int, text: str, what: str) -> SoonishError:
    try:
        said = json.loads(text)
        return SoonishError(Code.UNAVAILABLE, f"{what}: {said['detail']}", hint=said.get("hint"))
    except (ValueError, KeyError, TypeError):
        return SoonishError(Code.UNAVAILABLE, f"{what} answered {status}.", hint="See the site's log in data/logs.")


def _away(url: str, error: BaseException) -> SoonishError:
    return SoonishError(
        Code.UNAVAILABLE, f"{url} does not answer ({type(error).__name__}).", hint="Start it again: ./dev run"
    )
