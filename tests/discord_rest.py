"""As much of Discord's REST API as a bot needs to write to people and to keep its cards: over real HTTP, with Discord's
limits, codes and nonces."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

from tests.servers import _Memory, free_port

TOKEN = "the.bot.token"
Payload = dict[str, Any]


@dataclass(frozen=True)
class Refusal:
    """An answer that is not the usual one. `code` None: no JSON at all, as the guard before Discord answers."""

    status: int
    code: int | None = 0
    headers: dict[str, str] = field(default_factory=dict)
    more: Payload = field(default_factory=dict)


@dataclass
class Sent:
    channel_id: str
    message_id: str
    payload: Payload
    edits: list[Payload] = field(default_factory=list)

    @property
    def shown(self) -> Payload:
        return self.edits[-1] if self.edits else self.payload


class DiscordRest(_Memory):
    """`refuse` makes a path answer something else, some times or from now on; `closed` are people who take no direct
    messages."""

    def __init__(self) -> None:
        super().__init__()
        self.port = free_port()
        self.messages: dict[str, Sent] = {}
        self.calls: list[tuple[str, str]] = []
        self.closed: set[str] = set()
        self.delay = 0.0
        self._nonces: dict[str, str] = {}
        self._refusals: list[tuple[re.Pattern[str], Refusal, list[int]]] = []

    @property
    def settings(self) -> dict[str, object]:
        return {
            "discord_api_base_url": f"http://127.0.0.1:{self.port}/api/v10",
            "discord_bot_token": TOKEN,
            "discord_requests_per_second": 5_000,
        }

    def refuse(self, where: str, refusal: Refusal, times: int = 1_000_000) -> None:
        """`where`: a pattern of `METHOD /path`."""
        self._refusals.append((re.compile(where), refusal, [times]))

    def accept(self) -> None:
        self._refusals.clear()

    def direct(self, user_id: str) -> list[Payload]:
        return [sent.payload for sent in self.messages.values() if sent.channel_id == dm_of(user_id)]

    def posted(self, channel_id: str, payload: Payload) -> str:
        """A message that the bot's process has posted. Its id."""
        message_id = str(1_000_000 + len(self.messages))
        self.messages[message_id] = Sent(channel_id, message_id, payload)
        return message_id

    def edits(self, message_id: str) -> list[Payload]:
        return self.messages[message_id].edits

    def counts(self) -> Counter[str]:
        """Requests for a direct message, by channel, however they were answered."""
        return Counter(path for method, path in self.calls if method == "POST" and path.endswith("/messages"))

    async def wait_for_edits(self, message_id: str, count: int, seconds: float = 10.0) -> list[Payload]:
        await self._until(
            lambda: len(self.edits(message_id)) >= count, lambda: f"{len(self.edits(message_id))} edits", seconds
        )
        return self.edits(message_id)

    async def wait_for_calls(self, count: int, seconds: float = 30.0) -> None:
        await self._until(lambda: len(self.calls) >= count, lambda: f"{len(self.calls)} calls", seconds)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path.removeprefix("/api/v10")
        payload = json.loads(await request.read())
        self.calls.append((request.method, path))
        if self.delay:
            await asyncio.sleep(self.delay)
        try:
            return self._answer(request, path, payload)
        finally:
            self._wake()

    def _answer(self, request: web.BaseRequest, path: str, payload: Payload) -> web.Response:
        for where, refusal, left in self._refusals:
            if left[0] and where.search(f"{request.method} {path}"):
                left[0] -= 1
                return _refused(refusal)
        if request.headers.get("Authorization") != f"Bot {TOKEN}":
            return _refused(Refusal(401))
        if path == "/users/@me/channels":
            return web.json_response({"id": dm_of(payload["recipient_id"]), "type": 1})
        channel_id, _, message_id = path.removeprefix("/channels/").partition("/messages")
        faults = list(_faults(payload))
        if faults:
            return _refused(Refusal(400, 50035, more={"message": str(faults)}))
        if request.method == "PATCH":
            return self._edit(channel_id, message_id.strip("/"), payload)
        if channel_id in {dm_of(user) for user in self.closed}:
            return _refused(Refusal(403, 50007))
        nonce = payload.get("nonce")
        if payload.get("enforce_nonce") and nonce in self._nonces:
            return web.json_response({"id": self._nonces[nonce]})
        message_id = self.posted(channel_id, payload)
        if nonce:
            self._nonces[nonce] = message_id
        return web.json_response({"id": message_id})

    def _edit(self, channel_id: str, message_id: str, payload: Payload) -> web.Response:
        sent = self.messages.get(message_id)
        if sent is None or sent.channel_id != channel_id:
            return _refused(Refusal(404, 10008))
        sent.edits.append(payload)
        return web.json_response({"id": message_id, "embeds": payload["embeds"]})

    async def __aenter__(self) -> Self:
        self._runner = web.ServerRunner(web.Server(self._handle, access_log=None), shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, backlog=1024).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()


def dm_of(user_id: str) -> str:
    return f"7{user_id}"


def buttons(payload: Payload) -> list[Payload]:
    return [button for row in payload.get("components", []) for button in row["components"]]


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _faults(payload: Payload) -> Iterator[str]:
    """What Discord answers 50035 for."""
    if units(payload.get("content", "")) > 2000 or not (payload.get("content") or payload.get("embeds")):
        yield "content"
    if len(payload.get("nonce", "")) > 25:
        yield "nonce"
    for embed in payload.get("embeds", []):
        if not 0 < units(embed["title"]) <= 256 or units(embed["description"]) > 4096:
            yield "embed"
    for row in payload.get("components", []):
        if not 0 < len(row["components"]) <= 5:
            yield "row"
    for button in buttons(payload):
        if len(button.get("custom_id", "")) > 100 or ("url" in button and "." not in button["url"]):
            yield "button"


def _refused(refusal: Refusal) -> web.Response:
    if refusal.code is None:
        return web.Response(status=refusal.status, text="<html>", headers=refusal.headers)
    body = {"code": refusal.code, "message": "Refused"} | refusal.more
    return web.json_response(body, status=refusal.status, headers=refusal.headers)
