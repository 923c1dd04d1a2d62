"""Discord's gateway, as much as a bot needs to be there: a greeting, heartbeats, RESUME, and what is dispatched."""

import json
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

Payload = dict[str, Any]

DISPATCH, HEARTBEAT, IDENTIFY, RESUME, RECONNECT, INVALID, HELLO, ACK = 0, 1, 2, 6, 7, 9, 10, 11
WRONG_TOKEN = 4004
DROPPED = 4000


@dataclass
class Session:
    """`said`: everything that was dispatched in it, for whoever resumes."""

    shard: int
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    said: list[str] = field(default_factory=list)
    socket: web.WebSocketResponse | None = None
    resumed: int = 0

    async def dispatch(self, kind: str, data: object) -> None:
        self.said.append(json.dumps({"op": DISPATCH, "t": kind, "s": len(self.said) + 1, "d": data}))
        if self.socket is not None:
            with suppress(ConnectionError):
                await self.socket.send_str(self.said[-1])

    async def replay(self, after: int) -> None:
        assert self.socket is not None  # noqa: S101 - asked by whoever just connected
        for text in self.said[after:]:
            await self.socket.send_str(text)
        self.resumed += 1
        await self.dispatch("RESUMED", {})


Greet = Callable[[Session, int, int], Awaitable[None]]
"""READY for a fresh session, and the servers of its shard: which one, of how many."""


class Gateway:
    """`identified`: what each fresh session said of itself."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.sessions: dict[str, Session] = {}
        self.identified: list[Payload] = []
        self.break_handshakes = 0
        """So many connections are closed instead of greeted."""

    def live(self) -> list[Session]:
        return [each for each in self.sessions.values() if each.socket is not None and not each.socket.closed]

    async def drop(self, *, forget: bool = False) -> None:
        """Break every connection. `forget`: their sessions cannot be resumed."""
        for session in self.live():
            if session.socket is not None:
                await session.socket.close(code=DROPPED)
        if forget:
            self.sessions.clear()

    async def serve(self, request: web.BaseRequest, greet: Greet) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if self.break_handshakes:
            self.break_handshakes -= 1
            await socket.close(code=1001)
            return socket
        await socket.send_json({"op": HELLO, "d": {"heartbeat_interval": 41_250}})
        session: Session | None = None
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                continue
            said = json.loads(message.data)
            if said["op"] == HEARTBEAT:
                await socket.send_json({"op": ACK})
            elif said["op"] == IDENTIFY:
                session = await self._identify(socket, said["d"], greet)
            elif said["op"] == RESUME:
                session = await self._resume(socket, said["d"])
        if session is not None and session.socket is socket:
            session.socket = None
        return socket

    async def _identify(self, socket: web.WebSocketResponse, data: Payload, greet: Greet) -> Session | None:
        if data["token"] != self.token:
            await socket.close(code=WRONG_TOKEN)
            return None
        shard, shards = data.get("shard") or (0, 1)
        session = Session(shard, socket=socket)
        self.sessions[session.id] = session
        self.identified.append(data)
        await greet(session, shard, shards)
        return session

    async def _resume(self, socket: web.WebSocketResponse, data: Payload) -> Session | None:
        session = self.sessions.get(data["session_id"])
        if session is None or data["token"] != self.token:
            await socket.send_json({"op": INVALID, "d": False})
            return None
        session.socket = socket
        await session.replay(data["seq"])
        return session
