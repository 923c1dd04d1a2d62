"""As much of Discord's REST API as a bot needs to write to people and to keep its cards: over real HTTP, with Discord's
limits, codes and nonces."""

import asyncio
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

from cli.demo.memory import Memory
from cli.demo.small_discord.limits import buttons, event_faults, faults, units
from cli.processes import free_port

__all__ = ["TOKEN", "DiscordRest", "Payload", "Refusal", "Sent", "buttons", "dm_of", "faults", "units"]

APPLICATION = "900"
SCHEDULED, ACTIVE, COMPLETED, CANCELED = 1, 2, 3, 4
_TURNS = {(SCHEDULED, ACTIVE), (SCHEDULED, CANCELED), (ACTIVE, COMPLETED)}
"""What the status of a server's event may become. Discord itself begins one that is elsewhere, and ends it."""
TOKEN = "the.bot.token"  # noqa: S105 - of nothing but this server
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


class DiscordRest(Memory):
    """`refuse` makes a path answer something else, some times or from now on; `closed` are people who take no direct
    messages."""

    def __init__(self, port: int | None = None) -> None:
        super().__init__()
        self.port = port or free_port()
        self.messages: dict[str, Sent] = {}
        self.calls: list[tuple[str, str]] = []
        self.closed: set[str] = set()
        self.scheduled: dict[str, Payload] = {}
        self.delay = 0.0
        self.cut: set[str] = set()
        """Paths of what is done, and whose connection ends before the answer."""
        self._nonces: dict[str, str] = {}
        self._posted = 0
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
        self._posted += 1
        message_id = str(1_000_000 + self._posted)
        self.messages[message_id] = Sent(channel_id, message_id, payload)
        return message_id

    def edits(self, message_id: str) -> list[Payload]:
        return self.messages[message_id].edits

    def counts(self) -> Counter[str]:
        """Requests for a direct message, by channel, however they were answered."""
        return Counter(path for method, path in self.calls if method == "POST" and path.endswith("/messages"))

    async def wait_for_edits(self, message_id: str, count: int, seconds: float = 10.0) -> list[Payload]:
        await self.until(
            lambda: len(self.edits(message_id)) >= count, lambda: f"{len(self.edits(message_id))} edits", seconds
        )
        return self.edits(message_id)

    async def wait_for_calls(self, count: int, seconds: float = 30.0) -> None:
        await self.until(lambda: len(self.calls) >= count, lambda: f"{len(self.calls)} calls", seconds)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path.removeprefix("/api/v10")
        payload = await _payload_of(request)
        self.calls.append((request.method, path))
        if self.delay:
            await asyncio.sleep(self.delay)
        try:
            return self._answer(request, path, payload)
        finally:
            self.wake()
            if path in self.cut and request.transport is not None:
                request.transport.close()

    def _answer(self, request: web.BaseRequest, path: str, payload: Payload) -> web.StreamResponse:
        for where, refusal, left in self._refusals:
            if left[0] and where.search(f"{request.method} {path}"):
                left[0] -= 1
                return refused(refusal)
        if (unsigned := self._unsigned(request, path, payload)) is not None:
            return unsigned
        if request.headers.get("Authorization") != f"Bot {TOKEN}":
            return refused(Refusal(401))
        if (more := self._more(request, path, payload)) is not None:
            return more
        if path == "/users/@me/channels":
            return answer({"id": dm_of(payload["recipient_id"]), "type": 1})
        if (event := self._server_event(request, path, payload)) is not None:
            return event
        if not path.startswith("/channels/"):
            return refused(Refusal(404))
        channel_id, _, message_id = path.removeprefix("/channels/").partition("/messages")
        if found := list(faults(payload)):
            return refused(Refusal(400, 50035, more={"message": str(found)}))
        if request.method == "PATCH":
            return self._edit(channel_id, message_id.strip("/"), payload)
        if channel_id in {dm_of(user) for user in self.closed}:
            return refused(Refusal(403, 50007))
        nonce = payload.get("nonce")
        if payload.get("enforce_nonce") and nonce in self._nonces:
            return answer({"id": self._nonces[nonce]})
        message_id = self.posted(channel_id, payload)
        if nonce:
            self._nonces[nonce] = message_id
        return answer({"id": message_id})

    def _unsigned(self, request: web.BaseRequest, path: str, payload: Payload) -> web.Response | None:
        """What is asked without the bot's token, by one that the path carries."""

    def _more(self, request: web.BaseRequest, path: str, payload: Payload) -> web.Response | None:
        """What else the bot may ask."""

    def _edit(self, channel_id: str, message_id: str, payload: Payload) -> web.Response:
        sent = self.messages.get(message_id)
        if sent is None or sent.channel_id != channel_id:
            return refused(Refusal(404, 10008))
        sent.edits.append(payload)
        return answer({"id": message_id, "embeds": payload["embeds"]})

    def _server_event(self, request: web.BaseRequest, path: str, payload: Payload) -> web.Response | None:
        """The events that a server lists itself."""
        match request.method, path.strip("/").split("/"):
            case "GET", ["guilds", server, "scheduled-events"]:
                return answer([each for each in self.scheduled.values() if each["guild_id"] == server and _open(each)])
            case "POST", ["guilds", server, "scheduled-events"]:
                self._posted += 1
                number = str(3_000_000 + self._posted)
                new = {"id": number, "guild_id": server, "creator_id": APPLICATION, "status": SCHEDULED}
                return self._put_event(number, new | payload)
            case "PATCH", ["guilds", _, "scheduled-events", number] if number in self.scheduled:
                if not _open(self.scheduled[number]):
                    return refused(Refusal(400, 180000))
                if _impossible(self.scheduled[number]["status"], payload):
                    return refused(Refusal(400, 50035))
                return self._put_event(number, self.scheduled[number] | payload)
            case "DELETE", ["guilds", _, "scheduled-events", number] if number in self.scheduled:
                del self.scheduled[number]
                return web.Response(status=204)
            case _, ["guilds", _, "scheduled-events", *_]:
                return refused(Refusal(404, 10070))
            case _:
                return None

    def _put_event(self, number: str, event: Payload) -> web.Response:
        if found := list(event_faults(event)):
            return refused(Refusal(400, 50035, more={"message": str(found)}))
        self.scheduled[number] = event
        return answer(event)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        self._runner = web.ServerRunner(web.Server(self._handle, access_log=None), shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, backlog=1024).start()

    async def stop(self) -> None:
        """Connections are refused from here on; `start` takes the same port again."""
        await self._runner.cleanup()


def _open(event: Payload) -> bool:
    return event["status"] in (SCHEDULED, ACTIVE)


def _impossible(status: int, change: Payload) -> bool:
    """Nor is a start changed that has been."""
    wanted = change.get("status", status)
    begun = status == ACTIVE and "scheduled_start_time" in change
    return begun or (wanted != status and (status, wanted) not in _TURNS)


def dm_of(user_id: str) -> str:
    return f"7{user_id}"


async def _payload_of(request: web.BaseRequest) -> Payload:
    """The JSON of a request; that of a request with files stands in its form."""
    if request.content_type == "multipart/form-data":
        form = await request.post()
        found = json.loads(str(form["payload_json"]))
        files = [part for part in form.values() if isinstance(part, web.FileField)]
        return {**found, "files": {part.filename: part.file.read() for part in files}}
    body = await request.read()
    found = json.loads(body) if body else {}
    return found if isinstance(found, dict) else {"items": found}


def answer(body: object, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Exactly `application/json`: with a character set behind it, discord.py does not read it as JSON."""
    return web.Response(status=status, body=json.dumps(body).encode(), content_type="application/json", headers=headers)


def refused(refusal: Refusal) -> web.Response:
    if refusal.code is None:
        return web.Response(status=refusal.status, text="<html>", headers=refusal.headers)
    body = {"code": refusal.code, "message": "Refused"} | refusal.more
    return answer(body, status=refusal.status, headers=refusal.headers)
