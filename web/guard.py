"""What holds for every request, whatever route it takes: ASGI layers, outermost first in `app.py`."""

import asyncio
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.errors import Code, SoonishError
from web.cookies import SESSION_NAMES
from web.render import CSP

BODY_LIMIT = 256 * 1024
"""A form and a program may write a letter in up to twelve (`\\ud83c\\udf9e`): each field may be full in any script."""
SLACK_LIMIT = 512 * 1024
"""A press on Slack brings the whole message or window along that it was made in."""
BODY_SECONDS = 30.0
"""How long a body may take: who sends half of one and waits holds its connection no longer than that."""
BODY = "soonish.body"
"""The key of a scope under which its whole body stands, for whoever answers when something has broken."""
CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_SECRET_LINKS = ("/c/", "/u/", "/s/", "/i/", "/in/", "/link/", "/k/")
_HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class SafeHeaders:
    """Security headers, unless the route has its own. Nothing behind a secret link or the API may be stored."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        path = scope["path"]

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if path.startswith(_SECRET_LINKS):
                    headers.setdefault("Referrer-Policy", "no-referrer")
                if path.startswith((*_SECRET_LINKS, "/api/")):
                    headers.setdefault("Cache-Control", "no-store")
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        return await self._app(scope, receive, send_with_headers)


class Answers:
    """Turns what the layers below raise into an answer. Nothing gets past it but a broken connection."""

    def __init__(self, app: ASGIApp, respond: Callable[[Scope, Exception], Awaitable[Response]]) -> None:
        self._app = app
        self._respond = respond

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        started = False

        async def watching(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watching)
        except Exception as error:
            if started:
                raise
            await (await self._respond(scope, error))(scope, receive, send)


class HeadAsGet:
    """HEAD is GET without the body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            return await self._app(scope, receive, send)

        async def without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        # What a GET may do for a person, it does not do for whoever only asks whether something is there.
        inner = {**scope, "method": "GET", "head": True}
        try:
            await self._app(inner, receive, without_body)
        finally:
            scope["route"] = inner.get("route")


class SameSite:
    """Pages are changed from our own pages only. A link in a mail is its own permission, so `/u/` and `/s/` take
    it from anywhere (mail programs post there); the API minds only when our cookie came along."""

    def __init__(self, app: ASGIApp, base_url: str) -> None:
        self._app = app
        self._ours = urlsplit(base_url).netloc.lower()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asks = scope["type"] == "http" and scope["method"] in CHANGING
        if asks and self._minds(scope) and not self._same_site(scope):
            raise SoonishError(
                Code.FORBIDDEN, "This came from another site.", hint="Open the page here and press the button again."
            )
        await self._app(scope, receive, send)

    def _minds(self, scope: Scope) -> bool:
        if scope["path"].startswith("/api/"):
            return any(name in Request(scope).cookies for name in SESSION_NAMES)
        return not scope["path"].startswith(("/u/", "/s/"))

    def _same_site(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        fetched_from = headers.get("sec-fetch-site")
        if fetched_from is not None:
            return fetched_from in ("same-origin", "none")
        origin = headers.get("origin")
        if origin is None:
            return True
        if origin == "null":
            # A page without referrers, as behind our secret links, posts so in browsers that send no Sec-Fetch-Site.
            return str(scope["path"]).startswith(_SECRET_LINKS)
        return urlsplit(origin).netloc.lower() in (headers.get("host", "").lower(), self._ours)


class BoundedBody:
    """Reads the whole body first: whatever its Content-Length, up to what its sender may need, and while it keeps
    coming; JSON for the API."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in CHANGING:
            return await self._app(scope, receive, send)
        limit = SLACK_LIMIT if scope["path"].startswith("/slack/") else BODY_LIMIT
        headers = Headers(scope=scope)
        declared = headers.get("content-length", "")
        if declared.isdecimal() and len(declared) < 20 and int(declared) > limit:
            raise _too_large(limit)
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _read(receive, limit)
        except TimeoutError:
            raise HTTPException(408, headers={"Connection": "close"}) from None
        if body is None:
            return None
        scope[BODY] = body
        if body and scope["path"].startswith("/api/") and not _is_json(headers.get("content-type", "")):
            raise HTTPException(415, "The API reads JSON: send Content-Type: application/json.")
        return await self._app(scope, replay(body, receive), send)


def replay(body: bytes, receive: Receive) -> Receive:
    """Says a body that was read as if it came now."""
    replayed = False

    async def again() -> Message:
        nonlocal replayed
        if replayed:
            return await receive()
        replayed = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def _read(receive: Receive, limit: int) -> bytes | None:
    """None when the client has gone."""
    chunks, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunk = message.get("body", b"")
        chunks.append(chunk)
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _too_large(limit: int) -> SoonishError:
    return SoonishError(Code.TOO_LARGE, f"A body may have {limit // 1024} KiB at most.", hint="Send less at once.")


def _is_json(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == "application/json"
