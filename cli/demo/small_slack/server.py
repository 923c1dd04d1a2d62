"""A small Slack on this machine: its Web API, its sockets, and requests that it signs as Slack does."""

import asyncio
import hashlib
import hmac
import json
import time
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlencode

import aiohttp
from aiohttp import WSMsgType, web

from cli.demo.small_slack.api import APP_TOKEN, SIGNING_SECRET, SlackApi
from cli.demo.small_slack.limits import Payload

Kind = Literal["slash_commands", "interactive", "events_api"]


@dataclass
class Ack:
    """What the app said to a request, and after how long."""

    status: int
    body: Payload
    seconds: float


@dataclass
class Signature:
    """Overrides for requests that are not what they should be."""

    secret: str = SIGNING_SECRET
    age: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)


class SmallSlack(SlackApi):
    """Delivers to `target`, a URL; where that is None, by the app's socket."""

    def __init__(self, port: int | None = None, target: str | None = None) -> None:
        super().__init__(port)
        self.target = target
        self.sockets: list[web.WebSocketResponse] = []
        self.connections = 0
        self._acks: dict[str, asyncio.Future[Payload]] = {}

    @property
    def environment(self) -> dict[str, str]:
        """For an app in a process of its own, with Socket Mode."""
        return _as_environment(self.settings)

    @property
    def installable_environment(self) -> dict[str, str]:
        """The same, for one that workspaces put in by themselves."""
        return _as_environment(self.installable)

    async def stop(self) -> None:
        await self.drop()
        await super().stop()

    async def drop(self) -> None:
        """Every socket, as when Slack restarts."""
        for socket in self.sockets:
            await socket.close()
        self.sockets.clear()

    async def wait_for_app(self, seconds: float = 20.0) -> None:
        await self.until(lambda: bool(self.sockets), lambda: "no socket", seconds)

    async def deliver(self, kind: Kind, body: Payload, signature: Signature | None = None) -> Ack:
        began = time.monotonic()
        if self.target is None:
            found = await self._by_socket(kind, body)
            return Ack(200, found, time.monotonic() - began)
        status, text = await self._by_http(kind, body, signature or Signature())
        try:
            found = json.loads(text) if text else {}
        except ValueError:
            found = {"text": text}
        return Ack(status, found, time.monotonic() - began)

    async def _by_http(self, kind: Kind, body: Payload, signature: Signature) -> tuple[int, str]:
        assert self.target is not None  # noqa: S101 - `deliver` looked
        if kind == "events_api":
            raw, content_type = json.dumps(body), "application/json"
        elif kind == "interactive":
            raw, content_type = urlencode({"payload": json.dumps(body)}), "application/x-www-form-urlencoded"
        else:
            raw, content_type = urlencode(body), "application/x-www-form-urlencoded"
        at = str(int(time.time() - signature.age))
        signed = hmac.new(signature.secret.encode(), f"v0:{at}:{raw}".encode(), hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": content_type,
            "X-Slack-Request-Timestamp": at,
            "X-Slack-Signature": f"v0={signed}",
            **signature.headers,
        }
        async with aiohttp.ClientSession() as session, session.post(self.target, data=raw, headers=headers) as answer:
            return answer.status, await answer.text()

    async def _by_socket(self, kind: Kind, body: Payload) -> Payload:
        envelope = f"e{self.number()}"
        waiting: asyncio.Future[Payload] = asyncio.get_running_loop().create_future()
        self._acks[envelope] = waiting
        message = {"type": kind, "envelope_id": envelope, "payload": body, "accepts_response_payload": True}
        await self.sockets[-1].send_str(json.dumps(message))
        return await asyncio.wait_for(waiting, 10)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/socket":
            return await self._socket(request)
        return await super().handle(request)

    def _apps_connections_open(self, _: Payload) -> Payload:
        return {"url": f"ws://127.0.0.1:{self.port}/socket?ticket=secret"}

    async def _socket(self, request: web.BaseRequest) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str(json.dumps({"type": "hello", "num_connections": 1}))
        self.sockets.append(socket)
        self.connections += 1
        self.wake()
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                continue
            self._acknowledged(json.loads(message.data) if message.data[:1] == "{" else {})
        if socket in self.sockets:
            self.sockets.remove(socket)
        return socket

    def _acknowledged(self, said: dict[str, Any]) -> None:
        waiting = self._acks.pop(str(said.get("envelope_id")), None)
        if waiting is not None and not waiting.done():
            waiting.set_result(said.get("payload") or {})


def _as_environment(settings: dict[str, object]) -> dict[str, str]:
    return {name.upper(): str(value) for name, value in {**settings, "slack_app_token": APP_TOKEN}.items()}
