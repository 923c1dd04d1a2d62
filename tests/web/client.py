"""An HTTP client that calls the application in this process, with the headers of whoever a test plays."""

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from starlette.types import ASGIApp, Message, Scope

HOST = "soonish.test"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes
    cookies: tuple[str, ...] = ()
    """Each Set-Cookie as it was sent."""

    @property
    def said(self) -> dict[str, str]:
        """The headers but for the request's own id."""
        return {name: value for name, value in self.headers.items() if name != "x-request-id"}

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def read(self) -> str:
        """The text without what keeps the direction of names to themselves."""
        return self.text.replace("<bdi>", "").replace("</bdi>", "")

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def fields(self) -> list[str]:
        """The fields that problem details name."""
        return [each["field"] for each in self.json["errors"]]


class Client:
    """Nobody in particular, unless `token` says who."""

    def __init__(self, app: ASGIApp, token: str | None = None, peer: str = "203.0.113.7") -> None:
        self.app = app
        self.token = token
        self.peer = peer

    async def get(self, path: str, **headers: str) -> Answer:
        return await self.send("GET", path, headers=headers)

    async def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        return await self.send("POST", path, json=body, headers=headers)

    async def patch(self, path: str, body: Any) -> Answer:
        return await self.send("PATCH", path, json=body)

    async def delete(self, path: str) -> Answer:
        return await self.send("DELETE", path)

    async def form(self, path: str, fields: Mapping[str, str], **headers: str) -> Answer:
        sent = {"content_type": "application/x-www-form-urlencoded", **headers}
        return await self.send("POST", path, body=urlencode(fields).encode(), headers=sent)

    async def send(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        body: bytes | None = None,
        chunks: Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """`headers` by their names with underscores; `chunks` come without a Content-Length."""
        found = {name.replace("_", "-").lower(): value for name, value in (headers or {}).items()}
        if json is not None:
            body = _dumps(json)
            found.setdefault("content-type", "application/json")
        if self.token is not None:
            found.setdefault("authorization", f"Bearer {self.token}")
        if chunks is None:
            chunks = [body or b""]
            if body is not None:
                found.setdefault("content-length", str(len(body)))
        return await _call(self.app, request_scope(method, path, found, self.peer), list(chunks))


def _dumps(value: Any) -> bytes:
    return json.dumps(value).encode()


def request_scope(method: str, path: str, headers: Mapping[str, str], peer: str) -> Scope:
    plain, _, query = path.partition("?")
    pairs = [(b"host", HOST.encode()), *((n.encode("latin-1"), v.encode("latin-1")) for n, v in headers.items())]
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": plain,
        "raw_path": quote(plain).encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": pairs,
        "client": (peer, 40000),
        "server": (HOST, 80),
    }


async def _call(app: ASGIApp, scope: Scope, chunks: list[bytes]) -> Answer:
    waiting: list[Message] = [
        {"type": "http.request", "body": chunk, "more_body": number < len(chunks) - 1}
        for number, chunk in enumerate(chunks)
    ]
    sent: list[Message] = []

    answered = asyncio.Event()

    async def receive() -> Message:
        """The body; then the client stays until it has its answer."""
        if not waiting:
            await answered.wait()
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            answered.set()

    await app(scope, receive, send)
    start = sent[0]
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    cookies = tuple(value.decode() for name, value in start["headers"] if name == b"set-cookie")
    return Answer(start["status"], headers, b"".join(each.get("body", b"") for each in sent[1:]), cookies)


class Browser(Client):
    """A client that keeps its cookies, and says of every request where it comes from, as browsers do."""

    def __init__(self, app: ASGIApp, peer: str = "203.0.113.7") -> None:
        super().__init__(app, None, peer)
        self.jar: dict[str, str] = {}

    async def send(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        body: bytes | None = None,
        chunks: Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        known = {"user_agent": "Firefox", "sec_fetch_site": "same-origin", **(headers or {})}
        if self.jar:
            known.setdefault("cookie", "; ".join(f"{name}={value}" for name, value in self.jar.items()))
        answer = await super().send(method, path, json=json, body=body, chunks=chunks, headers=known)
        for each in answer.cookies:
            pair, _, rest = each.partition(";")
            name, _, value = pair.partition("=")
            if "Max-Age=0" in rest:
                self.jar.pop(name, None)
            else:
                self.jar[name] = value
        return answer
