"""As much of Slack's Web API as our app asks: over real HTTP, with Slack's limits and refusals."""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

from cli.demo.memory import Memory
from cli.demo.small_slack.grants import CLIENT_ID, CLIENT_SECRET, Grants
from cli.demo.small_slack.limits import Payload, message_faults, view_faults
from cli.processes import free_port

BOT_TOKEN, APP_TOKEN, SIGNING_SECRET = "xoxb-small", "xapp-small", "small-signing-secret"
TEAM, GENERAL, PRIVATE, DEVELOPERS = "T1001", "C2001", "C2002", "S3001"
TRIGGER_SECONDS = 3.0
RESPONSES = 5
SCOPES = (
    "chat:write,chat:write.public,channels:read,commands,files:write,groups:read,im:write,usergroups:read,users:read"
)


@dataclass
class Member:
    name: str
    admin: bool = False
    guest: bool = False
    deleted: bool = False
    zone: str = "Europe/Berlin"
    team: str = TEAM


@dataclass
class Channel:
    name: str
    private: bool = False
    bot_inside: bool = True
    members: set[str] = field(default_factory=set)
    archived: bool = False


@dataclass
class Sent:
    channel_id: str
    ts: str
    payload: Payload
    team_id: str = TEAM
    """In which workspace the token was good."""
    edits: list[Payload] = field(default_factory=list)

    @property
    def shown(self) -> Payload:
        return self.edits[-1] if self.edits else self.payload


class SlackApi(Memory):
    """`refuse` makes a method answer with an error, some times or from now on. `complaints` is what Slack would not
    have taken: it was refused, and tests look at it."""

    def __init__(self, port: int | None = None) -> None:
        super().__init__()
        self.port = port or free_port()
        self.members: dict[str, Member] = {}
        self.channels: dict[str, Channel] = {GENERAL: Channel("general"), PRIVATE: Channel("secret", private=True)}
        self.groups: dict[str, set[str]] = {DEVELOPERS: set()}
        self.messages: dict[str, Sent] = {}
        self.views: dict[str, Payload] = {}
        self.homes: dict[str, Payload] = {}
        self.responses: dict[str, list[Payload]] = defaultdict(list)
        self.files: dict[str, bytes] = {}
        self.triggers: dict[str, float] = {}
        self.calls: list[str] = []
        self.complaints: list[str] = []
        self.scopes = SCOPES
        self.grants = Grants({BOT_TOKEN: TEAM}, {TEAM: "Small"})
        self._team = TEAM
        self.delay = 0.0
        self.busy_responses = 0
        """How many more answers to presses are asked to wait."""
        self.cut: set[str] = set()
        """Methods that are done, and whose connection ends before their answer."""
        self._refusals: dict[str, list[Any]] = {}
        self._numbers = 1_000

    @property
    def settings(self) -> dict[str, object]:
        return {
            "slack_api_base_url": f"http://127.0.0.1:{self.port}/api/",
            "slack_bot_token": BOT_TOKEN,
            "slack_signing_secret": SIGNING_SECRET,
            "slack_requests_per_second": 5_000,
        }

    @property
    def installable(self) -> dict[str, object]:
        """Settings of an app that workspaces put in by themselves."""
        return {name: value for name, value in self.settings.items() if name != "slack_bot_token"} | {
            "slack_client_id": CLIENT_ID,
            "slack_client_secret": CLIENT_SECRET,
            "slack_install_url": f"http://127.0.0.1:{self.port}/oauth/v2/authorize",
        }

    @property
    def named(self) -> dict[str, str]:
        """What Slack writes for whom somebody names in a command. It does not say what private channels are called."""
        people = {f"@{each.name.lower()}": f"<@{name}|{each.name.lower()}>" for name, each in self.members.items()}
        groups = {f"@{_handle(name)}": f"<!subteam^{name}|@{_handle(name)}>" for name in self.groups}
        channels = {
            f"#{each.name}": f"<#{name}|{'' if each.private else each.name}>" for name, each in self.channels.items()
        }
        return people | groups | channels

    def number(self) -> str:
        self._numbers += 1
        return str(self._numbers)

    def refuse(self, method: str, error: str, times: int = 1_000_000, *, retry_after: int | None = None) -> None:
        self._refusals[method] = [error, times, retry_after]

    def accept(self) -> None:
        self._refusals.clear()
        self.cut.clear()

    def direct(self, user_id: str) -> list[Payload]:
        return [each.payload for each in self.messages.values() if each.channel_id == user_id]

    def posted(self, channel_id: str, payload: Payload) -> str:
        """A message that the app has posted. Its id."""
        ts = f"1764000000.{self.number()}"
        self.messages[ts] = Sent(channel_id, ts, payload, self._team)
        return ts

    def in_channel(self, channel_id: str = GENERAL) -> list[Sent]:
        return [each for each in self.messages.values() if each.channel_id == channel_id]

    async def start(self) -> None:
        self._runner = web.ServerRunner(web.Server(self.handle, access_log=None), shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, backlog=1024).start()

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            if request.path.startswith("/respond/"):
                return self._respond(request.path.removeprefix("/respond/"), await request.json())
            if request.path.startswith("/upload/"):
                self.files[request.path.removeprefix("/upload/")] = await _file_of(request)
                return web.Response(text="OK")
            if request.path == "/oauth/v2/authorize":
                return self._asked(request)
            return await self._method(request)
        finally:
            self.wake()
            if request.path.split("/")[2] in self.cut and request.transport is not None:
                request.transport.close()

    async def _method(self, request: web.BaseRequest) -> web.Response:
        method = request.path.removeprefix("/api/")
        given = await _given(request)
        self.calls.append(method)
        if self.delay:
            await asyncio.sleep(self.delay)
        refusal = self._refusals.get(method)
        if refusal is not None and refusal[1]:
            refusal[1] -= 1
            return self._refused(refusal)
        token = str(given.get("token") or request.headers.get("Authorization", "").removeprefix("Bearer "))
        if method == "apps.connections.open":
            team: str | None = TEAM if token == APP_TOKEN else None
        else:
            team = TEAM if method == "oauth.v2.access" else self.grants.team_of(token)
        if team is None:
            return _answer({"ok": False, "error": self.grants.refusal(token)})
        self._team = team
        handler: Callable[[Payload], Payload | str] | None = getattr(self, f"_{method.replace('.', '_')}", None)
        found = handler(given) if handler is not None else "unknown_method"
        body = {"ok": False, "error": found} if isinstance(found, str) else {"ok": True, **found}
        return _answer(body, {"X-OAuth-Scopes": self.scopes})

    def _asked(self, request: web.BaseRequest) -> web.Response:
        where = self.grants.page(dict(request.query))
        return web.Response(status=302, headers={"Location": where}) if where else web.Response(status=400)

    def _oauth_v2_access(self, given: Payload) -> Payload | str:
        return self.grants.access(given)

    def _refused(self, refusal: list[Any]) -> web.Response:
        body = {"ok": False, "error": refusal[0]}
        if refusal[2] is None:
            return _answer(body)
        return _answer(body, {"Retry-After": str(refusal[2])}, 429)

    def _respond(self, name: str, payload: Payload) -> web.Response:
        if self.busy_responses:
            self.busy_responses -= 1
            return web.Response(status=429, headers={"Retry-After": "0"})
        if len(self.responses[name]) >= RESPONSES:
            return web.Response(status=404, text="used_url")
        if faults := message_faults(payload):
            self.complaints += faults
            return web.Response(status=400, text="invalid_blocks")
        self.responses[name].append(payload)
        return web.Response(text="ok")

    def _auth_test(self, _: Payload) -> Payload:
        return {
            "team_id": self._team,
            "team": self.grants.teams[self._team],
            "user_id": "U0BOT",
            "bot_id": "B0BOT",
            "url": "https://small.slack.com/",
        }

    def _users_info(self, given: Payload) -> Payload | str:
        member = self.members.get(str(given["user"]))
        if member is None:
            return "user_not_found"
        profile = {"display_name": member.name, "real_name": member.name}
        name = member.name.lower()
        return {
            "user": {
                "id": given["user"], "team_id": member.team, "name": name, "profile": profile, "tz": member.zone,
                "locale": "en-GB", "is_admin": member.admin, "is_restricted": member.guest, "deleted": member.deleted,
            }
        }  # fmt: skip

    def _usergroups_list(self, _: Payload) -> Payload:
        found = [{"id": name, "handle": _handle(name), "users": sorted(users)} for name, users in self.groups.items()]
        return {"usergroups": found}

    def _conversations_info(self, given: Payload) -> Payload | str:
        channel = self.channels.get(str(given["channel"]))
        if channel is None or (channel.private and not channel.bot_inside):
            return "channel_not_found"
        kind = {"is_private": channel.private, "is_archived": channel.archived}
        return {"channel": {"id": given["channel"], "name": channel.name, **kind}}

    def _conversations_members(self, given: Payload) -> Payload:
        return {"members": sorted(self.channels[str(given["channel"])].members), "response_metadata": {}}

    def _conversations_open(self, given: Payload) -> Payload:
        return {"channel": {"id": f"D{given['users'][1:]}"}}

    def _chat_postMessage(self, given: Payload) -> Payload | str:  # noqa: N802 - Slack's own name
        channel_id = str(given["channel"])
        if channel_id.startswith("U"):
            member = self.members.get(channel_id)
            if member is None or member.deleted:
                return "user_not_found" if member is None else "user_disabled"
        else:
            channel = self.channels.get(channel_id)
            if channel is None or (channel.private and not channel.bot_inside):
                return "channel_not_found"
            if channel.archived:
                return "is_archived"
            if not channel.bot_inside:
                return "not_in_channel"
        if faults := message_faults(given):
            self.complaints += faults
            return "invalid_blocks"
        return {"channel": channel_id, "ts": self.posted(channel_id, given)}

    def _chat_update(self, given: Payload) -> Payload | str:
        sent = self.messages.get(str(given["ts"]))
        if sent is None or sent.channel_id != given["channel"]:
            return "message_not_found"
        if faults := message_faults(given):
            self.complaints += faults
            return "invalid_blocks"
        sent.edits.append(given)
        return {"ts": sent.ts}

    def _views_open(self, given: Payload) -> Payload | str:
        began = self.triggers.pop(str(given["trigger_id"]), None)
        if began is None:
            return "exchanged_trigger_id"
        if time.monotonic() - began > TRIGGER_SECONDS:
            return "expired_trigger_id"
        return self.keep(f"V{self.number()}", given["view"])

    def _views_update(self, given: Payload) -> Payload | str:
        return self.keep(given["view_id"], given["view"]) if given["view_id"] in self.views else "not_found"

    def _views_publish(self, given: Payload) -> Payload | str:
        if faults := view_faults(given["view"]):
            self.complaints += faults
            return "invalid_arguments"
        self.homes[str(given["user_id"])] = {**given["view"], "id": f"V{self.number()}"}
        return {"view": {}}

    def keep(self, view_id: str, view: Payload) -> Payload | str:
        if faults := view_faults(view):
            self.complaints += faults
            return "invalid_arguments"
        installed = self.views[view_id]["app_installed_team_id"] if view_id in self.views else self._team
        self.views[view_id] = {**view, "id": view_id, "hash": self.number(), "app_installed_team_id": installed}
        return {"view": self.views[view_id]}

    def _files_getUploadURLExternal(self, given: Payload) -> Payload:  # noqa: N802 - Slack's own name
        return {"upload_url": f"http://127.0.0.1:{self.port}/upload/{given['filename']}", "file_id": "F1"}

    def _files_completeUploadExternal(self, given: Payload) -> Payload:  # noqa: N802 - Slack's own name
        return {"files": [{"id": "F1"}], "channel": given.get("channel_id")}


def _handle(group_id: str) -> str:
    return f"group-{group_id.lower()}"


async def _given(request: web.BaseRequest) -> Payload:
    """From JSON or a form; Slack takes either."""
    if request.content_type == "application/json":
        found: Payload = await request.json()
        return found
    given: Payload = {name: _unpacked(str(value)) for name, value in (await request.post()).items()}
    return {**dict(request.query), **given}


def _unpacked(value: str) -> Any:
    return json.loads(value) if value[:1] in ("{", "[") else value


async def _file_of(request: web.BaseRequest) -> bytes:
    if request.content_type != "multipart/form-data":
        return await request.read()
    parts = [part for part in (await request.post()).values() if isinstance(part, web.FileField)]
    return parts[0].file.read() if parts else b""


def _answer(body: Payload, headers: dict[str, str] | None = None, status: int = 200) -> web.Response:
    return web.json_response(body, headers=headers, status=status)
