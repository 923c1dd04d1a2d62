"""A small Discord on this machine: gateway, REST and interactions over real sockets, with a server and its people."""

import time
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from cli.demo.small_discord.gateway import Gateway, Session
from cli.demo.small_discord.limits import choice_faults, command_faults, faults, form_faults
from cli.demo.small_discord.rest import APPLICATION, TOKEN, DiscordRest, Payload, Refusal, answer, refused

SERVER, GENERAL, OTHER = "1001", "2001", "2002"
PING_REPLY, DEFERRED, DEFERRED_UPDATE, UPDATE, CHOICES, FORM = 4, 5, 6, 7, 8, 9
EPHEMERAL = 64
BOT_ROLE = "56"
VIEW_AND_SEND = str((1 << 10) | (1 << 11))


@dataclass
class Talk:
    """One interaction: what was dispatched, and what came back."""

    payload: Payload
    began: float
    acknowledged: float | None = None
    kind: int | None = None
    """Of the callback."""
    callback: Payload = field(default_factory=dict)
    shown: Payload | None = None
    """The message that answers it, as it is now."""
    files: dict[str, bytes] = field(default_factory=dict)
    states: list[Payload] = field(default_factory=list)
    """Everything that it showed, in order."""

    @property
    def seconds(self) -> float:
        """Until it was acknowledged."""
        return (self.acknowledged or time.monotonic()) - self.began

    @property
    def finished(self) -> bool:
        return self.kind in (CHOICES, FORM) or self.shown is not None


class SmallDiscord(DiscordRest):
    """`servers` are channels by server. `told` are the commands it was told, for all or for a server; `syncs`, in
    which order."""

    def __init__(self, port: int | None = None, shards: int = 1) -> None:
        super().__init__(port)
        self.gateway = Gateway(TOKEN)
        self.shards = shards
        self.servers: dict[str, dict[str, str]] = {SERVER: {GENERAL: "general", OTHER: "other"}}
        self.rights = str(1 << 10 | 1 << 11 | 1 << 14 | 1 << 38)
        """What the bot may do in its servers."""
        self.told: dict[str, list[Payload]] = {}
        self.syncs: list[str] = []
        self.talks: dict[str, Talk] = {}
        self._numbers = 5_000_000

    @property
    def settings(self) -> dict[str, object]:
        return {**super().settings, "discord_gateway_url": f"ws://127.0.0.1:{self.port}/gateway"}

    @property
    def environment(self) -> dict[str, str]:
        """For a bot in a process of its own."""
        return {name.upper(): str(value) for name, value in self.settings.items()}

    @property
    def commands(self) -> list[Payload]:
        """As somebody finds them, wherever they were told."""
        return [each for told in self.told.values() for each in told]

    def number(self) -> str:
        self._numbers += 1
        return str(self._numbers)

    async def stop(self) -> None:
        await self.gateway.drop()
        await super().stop()

    async def wait_for_bot(self, seconds: float = 20.0) -> None:
        await self.until(
            lambda: len(self.gateway.live()) == self.shards, lambda: f"{len(self.gateway.live())} connections", seconds
        )

    async def wait_for_talk(self, talk: Talk, seconds: float = 10.0) -> Talk:
        await self.until(lambda: talk.finished, lambda: f"no answer to {talk.payload['data']}", seconds)
        return talk

    async def dispatch(self, kind: str, data: Payload, server: str | None = SERVER) -> None:
        """To the shard that the server belongs to; direct messages to the first."""
        shard = (int(server) >> 22) % self.shards if server else 0
        for session in self.gateway.live():
            if session.shard == shard:
                await session.dispatch(kind, data)

    async def interact(self, payload: Payload) -> Talk:
        talk = Talk(payload, time.monotonic())
        self.talks[payload["id"]] = talk
        await self.dispatch("INTERACTION_CREATE", payload, payload.get("guild_id"))
        return talk

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path.startswith("/gateway"):
            try:
                return await self.gateway.serve(request, self._greet)
            finally:
                self.wake()
        return await super()._handle(request)

    async def _greet(self, session: Session, shard: int, shards: int) -> None:
        servers = [each for each in self.servers if (int(each) >> 22) % shards == shard]
        ready = {
            "v": 10,
            "user": _bot_user(),
            "session_id": session.id,
            "resume_gateway_url": f"ws://127.0.0.1:{self.port}/gateway",
            "guilds": [{"id": each, "unavailable": True} for each in servers],
            "application": {"id": APPLICATION, "flags": 0},
            "shard": [shard, shards],
        }
        await session.dispatch("READY", ready)
        for each in servers:
            await session.dispatch("GUILD_CREATE", _server(each, self.servers[each], self.rights))
        self.wake()

    def _more(self, request: web.BaseRequest, path: str, payload: Payload) -> web.Response | None:
        match request.method, path.strip("/").split("/"):
            case "GET", ["users", "@me"]:
                return answer(_bot_user())
            case "GET", ["oauth2", *_] | ["applications", "@me"]:
                return answer(_application())
            case "GET", ["applications", _, *where]:
                return answer(self.told.get("/".join(where), []))
            case "GET", ["gateway", "bot"]:
                limit = {"total": 1000, "remaining": 999, "reset_after": 1, "max_concurrency": self.shards}
                url = f"ws://127.0.0.1:{self.port}/gateway"
                return answer({"url": url, "shards": self.shards, "session_start_limit": limit})
            case "PUT", ["applications", _, *where]:
                return self._told_commands("/".join(where), payload["items"])
            case "GET", ["users", "@me", "guilds"]:
                return answer([{"id": each, "name": "The server", "permissions": self.rights} for each in self.servers])
            case _:
                return None

    def _told_commands(self, where: str, tree: list[Payload]) -> web.Response:
        if found := list(command_faults(tree)):
            return refused(Refusal(400, 50035, more={"message": str(found)}))
        numbered = [{"id": self.number(), "application_id": APPLICATION, "version": self.number()} for _ in tree]
        self.told[where] = [{**each, **more} for each, more in zip(tree, numbered, strict=True)]
        self.syncs.append(where)
        return answer(self.told[where])

    def _unsigned(self, request: web.BaseRequest, path: str, payload: Payload) -> web.Response | None:
        match request.method, path.strip("/").split("/"):
            case "POST", ["interactions", interaction_id, token, "callback"]:
                talk = self.talks.get(interaction_id)
                if talk is None or talk.payload["token"] != token:
                    return refused(Refusal(404, 10062))
                return self._called_back(talk, payload)
            case "PATCH" | "GET", ["webhooks", _, token, "messages", "@original"]:
                talk = next((each for each in self.talks.values() if each.payload["token"] == token), None)
                if talk is None or talk.kind is None:
                    return refused(Refusal(404, 10015))
                return self._edited(talk, payload) if payload else answer(self._message(talk))
            case _:
                return None

    def _called_back(self, talk: Talk, payload: Payload) -> web.Response:
        if talk.kind is not None:
            return refused(Refusal(400, 40060))
        data = payload.get("data") or {}
        if found := list(_callback_faults(payload["type"], data)):
            return refused(Refusal(400, 50035, more={"message": str(found)}))
        talk.kind, talk.callback, talk.acknowledged = payload["type"], data, time.monotonic()
        if talk.kind in (PING_REPLY, UPDATE):
            self._show(talk, data)
        return answer({"interaction": {"id": talk.payload["id"], "type": talk.payload["type"]}})

    def _edited(self, talk: Talk, payload: Payload) -> web.Response:
        files = payload.pop("files", {})
        if found := list(faults(payload)):
            return refused(Refusal(400, 50035, more={"message": str(found)}))
        talk.files |= files
        self._show(talk, payload)
        return answer(self._message(talk))

    def _show(self, talk: Talk, payload: Payload) -> None:
        talk.shown = {**(talk.shown or {}), **payload}
        talk.states.append(talk.shown)

    def _message(self, talk: Talk) -> Payload:
        return message_of(talk.shown or {}, talk.payload["id"], talk.payload["channel"]["id"], flags=EPHEMERAL)


def message_of(payload: Payload, message_id: str, channel_id: str, flags: int = 0) -> Payload:
    """A whole message, as Discord gives it back."""
    return {
        "id": message_id,
        "channel_id": channel_id,
        "author": _bot_user(),
        "content": payload.get("content") or "",
        "timestamp": "2026-11-24T12:00:00+00:00",
        "edited_timestamp": None,
        "tts": False,
        "mention_everyone": False,
        "mentions": [],
        "mention_roles": [],
        "attachments": [],
        "embeds": payload.get("embeds") or [],
        "components": payload.get("components") or [],
        "pinned": False,
        "type": 0,
        "flags": flags,
    }


def _callback_faults(kind: int, data: Payload) -> list[str]:
    if kind == FORM:
        return list(form_faults(data))
    if kind == CHOICES:
        return list(choice_faults(data["choices"]))
    return list(faults(data)) if kind in (PING_REPLY, UPDATE) else []


def _bot_user() -> Payload:
    return {"id": APPLICATION, "username": "soonish", "discriminator": "0", "avatar": None, "bot": True}


_BOT_MEMBER: Payload = {
    "user": _bot_user(), "roles": [BOT_ROLE], "nick": None, "flags": 0, "joined_at": "2026-11-24T12:00:00+00:00",
    "deaf": False, "mute": False, "premium_since": None,
}  # fmt: skip


def _application() -> Payload:
    return {
        "id": APPLICATION,
        "name": "Soonish",
        "description": "",
        "icon": None,
        "bot_public": True,
        "bot_require_code_grant": False,
        "verify_key": "",
        "flags": 0,
        "summary": "",
        "owner": {"id": "1", "username": "operator", "discriminator": "0", "avatar": None},
    }


def _server(server_id: str, channels: dict[str, str], rights: str) -> dict[str, Any]:
    roles = {server_id: "@everyone", "55": "Organizers", BOT_ROLE: "Soonish"}
    return {
        "id": server_id,
        "name": "The server",
        "owner_id": "1",
        "roles": [{
            "id": each, "name": name, "permissions": rights if each == BOT_ROLE else VIEW_AND_SEND, "position": at,
            "color": 0, "hoist": False, "managed": False, "mentionable": False, "flags": 0,
            "colors": {"primary_color": 0},
        } for at, (each, name) in enumerate(roles.items())],
        "emojis": [], "features": [], "channels": [
            {"id": each, "name": name, "type": 0, "position": at, "permission_overwrites": [], "parent_id": None}
            for at, (each, name) in enumerate(channels.items())
        ],
        "members": [_BOT_MEMBER], "threads": [], "stickers": [], "voice_states": [], "presences": [],
        "stage_instances": [], "guild_scheduled_events": [], "soundboard_sounds": [],
        "member_count": 3, "large": False, "verification_level": 0, "default_message_notifications": 0,
        "explicit_content_filter": 0, "mfa_level": 0, "nsfw_level": 0, "premium_tier": 0, "system_channel_flags": 0,
        "preferred_locale": "en-US", "afk_timeout": 60, "joined_at": "2026-11-24T12:00:00+00:00",
    }  # fmt: skip
