"""People in a small Slack: they type, press, fill in and look, as its own windows let them."""

import time
from dataclasses import dataclass
from typing import Any

from cli.demo.small_slack.api import GENERAL, TEAM, Member
from cli.demo.small_slack.escaping import escaped
from cli.demo.small_slack.limits import Payload
from cli.demo.small_slack.server import Ack, Signature, SmallSlack

SOON = 10.0


@dataclass
class Talk:
    """One thing that somebody did. Its answer is a private message, a window, or both in turn."""

    slack: SmallSlack
    key: str
    body: Payload
    ack: Ack
    before: dict[str, str]
    """The windows there were, by what they showed."""

    @property
    def messages(self) -> list[Payload]:
        return self.slack.responses[self.key]

    @property
    def window(self) -> Payload | None:
        """The newest that is new, or shows something new."""
        news = [view for name, view in self.slack.views.items() if self.before.get(name) != view["hash"]]
        return news[-1] if news else None

    async def message(self, seconds: float = SOON) -> Payload:
        await self.slack.until(lambda: bool(self.messages), lambda: f"no answer; windows: {self.window}", seconds)
        return self.messages[-1]

    async def opened(self, seconds: float = SOON) -> Payload:
        """The window, once it says more than that it takes a moment."""
        await self.slack.until(
            lambda: self.window is not None and "Just a moment" not in read(self.window),
            lambda: f"no window; messages: {[read(each) for each in self.messages]}",
            seconds,
        )
        assert self.window is not None  # noqa: S101
        return self.window


class Person:
    def __init__(
        self,
        slack: SmallSlack,
        user_id: str,
        name: str,
        *,
        channel: str = GENERAL,
        team: str = TEAM,
        workspace: str = TEAM,
        **more: Any,
    ) -> None:
        """`team`: whose member they are; `workspace`: where they do things."""
        self.slack, self.id, self.name, self.channel, self.team = slack, user_id, name, channel, team
        self.workspace = workspace
        slack.members[user_id] = Member(name, team=team, **more)

    def command(self, text: str, name: str = "/soonish") -> Payload:
        key = self._key()
        channel = self.slack.channels.get(self.channel)
        return {
            "command": name,
            "text": escaped(text, self.slack.named),
            "team_id": self.workspace,
            "channel_id": self.channel,
            "channel_name": "directmessage" if channel is None else "privategroup" if channel.private else channel.name,
            "user_id": self.id,
            "user_name": self.name.lower(),
            "trigger_id": key,
            "response_url": self._url(key),
            "api_app_id": "A1",
        }

    async def types(self, text: str, name: str = "/soonish") -> Talk:
        return await self.does("slash_commands", self.command(text, name))

    async def does(self, kind: Any, body: Payload, signature: Signature | None = None) -> Talk:
        before = {name: view["hash"] for name, view in self.slack.views.items()}
        key = str(body.get("response_url", "")).rpartition("/")[2]
        self.slack.triggers.setdefault(str(body.get("trigger_id")), time.monotonic())
        return Talk(self.slack, key, body, await self.slack.deliver(kind, body, signature), before)

    def press(self, on: Payload, label: str, *, picked: str | None = None) -> Payload:
        """A button by its label, a menu by its placeholder. `on`: a message or a window."""
        element = dict(_element(on, label))
        if picked is not None:
            kind = "selected_conversation" if "conversations" in element["type"] else "selected_option"
            element[kind] = picked if kind == "selected_conversation" else {"value": picked}
        body = self._interaction("block_actions") | {"actions": [element]}
        if "private_metadata" in on or on.get("type") in ("modal", "home"):
            return body | {"view": on, "container": {"type": "view", "view_id": on["id"]}}
        return body | {
            "channel": {"id": self.channel, "name": "general"},
            "container": {"type": "message", "is_ephemeral": on.get("response_type") == "ephemeral"},
            "response_url": self._url(str(body["trigger_id"])),
        }

    async def presses(self, on: Payload, label: str, **more: Any) -> Talk:
        return await self.does("interactive", self.press(on, label, **more))

    def form(self, window: Payload, **typed: str | int | None) -> Payload:
        """The window with what is typed over what stands in it; a number is a time that was picked."""
        values: dict[str, Any] = {}
        for block in window["blocks"]:
            if block["type"] == "input":
                name = block["block_id"]
                values[name] = {
                    block["element"]["action_id"]: _state(block["element"], typed.get(name.replace(".", "_")))
                }
        # Of a window in a channel that two workspaces share, Slack names the person's own here.
        sent = {"team": {"id": self.team}, "view": {**window, "state": {"values": values}}}
        return self._interaction("view_submission") | sent

    async def sends(self, window: Payload, **typed: str | int | None) -> Talk:
        talk = await self.does("interactive", self.form(window, **typed))
        if talk.ack.body.get("response_action") == "update":
            self.slack.keep(window["id"], talk.ack.body["view"])
            self.slack.wake()
        return talk

    async def shortcut(self) -> Talk:
        return await self.does("interactive", self._interaction("shortcut") | {"callback_id": "create_event"})

    async def opens_home(self) -> Payload:
        event = {"type": "app_home_opened", "user": self.id, "tab": "home", "channel": f"D{self.id[1:]}"}
        self.slack.homes.pop(self.id, None)
        await self.happens(event)
        await self.slack.until(lambda: self.id in self.slack.homes, lambda: "no home", SOON)
        return self.slack.homes[self.id]

    async def happens(self, event: Payload, event_id: str | None = None) -> Ack:
        body = {"type": "event_callback", "team_id": self.workspace, "api_app_id": "A1", "event": event}
        return await self.slack.deliver("events_api", {**body, "event_id": event_id or f"Ev{self.slack.number()}"})

    def _interaction(self, kind: str) -> Payload:
        user = {"id": self.id, "username": self.name.lower(), "name": self.name.lower(), "team_id": self.team}
        return {
            "type": kind,
            "team": {"id": self.workspace},
            "user": user,
            "trigger_id": self._key(),
            "api_app_id": "A1",
        }

    def _key(self) -> str:
        return f"t{self.slack.number()}"

    def _url(self, key: str) -> str:
        return f"http://127.0.0.1:{self.slack.port}/respond/{key}"


def _state(element: Payload, typed: str | int | None) -> Payload:
    if element["type"] == "datetimepicker":
        return {"type": "datetimepicker", "selected_date_time": typed}
    if element["type"] == "conversations_select":
        chosen = element.get("initial_conversation") if typed is None else typed or None
        return {"type": element["type"], "selected_conversation": chosen}
    if element["type"] == "static_select":
        value = typed or (element.get("initial_option") or {}).get("value")
        return {"type": "static_select", "selected_option": {"value": value} if value else None}
    return {"type": "plain_text_input", "value": element.get("initial_value") if typed is None else str(typed) or None}


def _elements(on: Payload) -> list[Payload]:
    found: list[Payload] = []
    for block in on.get("blocks") or []:
        found += block.get("elements") or []
        found += [block["accessory"]] if "accessory" in block else []
    return found


def _element(on: Payload, label: str) -> Payload:
    texts = [(_text(each), each) for each in _elements(on)]
    exactly = [each for text, each in texts if text == label] or [each for text, each in texts if label in text]
    assert len(exactly) == 1, f"{label!r} among {[text for text, _ in texts]}"  # noqa: S101
    return exactly[0]


def _text(element: Payload) -> str:
    found = element.get("text") or element.get("placeholder") or {}
    return str(found.get("text", ""))


def labels(on: Payload) -> list[str]:
    return [_text(each) for each in _elements(on)]


def options(on: Payload, label: str) -> list[str]:
    """The values of a menu."""
    return [each["value"] for each in _element(on, label)["options"]]


def read(on: Payload | None) -> str:
    """Everything that is to be read on it."""
    blocks = (on or {}).get("blocks") or []
    shown = ((block.get("text") or block.get("label") or {}).get("text", "") for block in blocks)
    return "\n".join(filter(None, shown))
