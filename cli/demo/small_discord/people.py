"""People of the small Discord: they type, press, pick and fill in, and read what is shown to them."""

from dataclasses import dataclass, field
from typing import Any

from cli.demo.small_discord.limits import BUTTON, LABEL, TEXT_INPUT, buttons
from cli.demo.small_discord.rest import APPLICATION, Payload, dm_of
from cli.demo.small_discord.server import EPHEMERAL, GENERAL, SERVER, SmallDiscord, Talk, message_of

THREAD = 11
COMMAND, COMPONENT, TYPING, SUBMITTED = 2, 3, 4, 5
VIEW, SEND, EMBED, IN_THREADS = 1 << 10, 1 << 11, 1 << 14, 1 << 38
MANAGE_SERVER, MANAGE_EVENTS = 1 << 5, 1 << 33
Screen = Talk | Payload
_A_THREAD: Payload = {
    "owner_id": "1", "message_count": 0, "member_count": 1,
    "thread_metadata": {
        "archived": False, "auto_archive_duration": 60, "archive_timestamp": "2026-11-24T12:00:00+00:00",
    },
}  # fmt: skip


@dataclass
class Person:
    """`rights` are those in the channel where they are. `server` None: in direct messages with the bot."""

    discord: SmallDiscord
    id: str
    name: str
    rights: int = VIEW | SEND | EMBED
    roles: list[str] = field(default_factory=list)
    server: str | None = SERVER
    channel: str = GENERAL
    locale: str = "en-GB"
    thread: str | None = None
    """The one of that channel in which they are."""

    async def types(self, command: str, **options: str) -> Talk:
        """`event list`, with its options; waits for the answer."""
        return await self._said(COMMAND, self._typed(command, options))

    async def completes(self, command: str, focused: str, text: str, **options: str) -> list[tuple[str, str]]:
        talk = await self._said(TYPING, self._typed(command, {**options, focused: text}, focused))
        return [(each["name"], each["value"]) for each in talk.callback["choices"]]

    async def presses(self, on: Screen, label: str) -> Talk:
        """The button with that label, or a part of it."""
        found = [each for each in buttons(_payload(on)) if each["type"] == BUTTON and "custom_id" in each]
        exactly = [each for each in found if each["label"] == label] or [e for e in found if label in e["label"]]
        assert exactly, f"no {label!r} among {[each['label'] for each in found]}"  # noqa: S101
        return await self.sends(exactly[0]["custom_id"], on)

    async def picks(self, on: Screen, placeholder: str, *labels: str) -> Talk:
        """From the menu with that placeholder: by the choices' labels, or a channel by its id."""
        (menu,) = [each for each in buttons(_payload(on)) if placeholder in (each.get("placeholder") or "")]
        values = [
            next((option["value"] for option in menu.get("options", []) if label in option["label"]), label)
            for label in labels
        ]
        channels = {each: {"id": each, "permissions": str(self.rights)} for each in values}
        return await self.sends(
            menu["custom_id"], on, kind=menu["type"], values=values, resolved={"channels": channels}
        )

    async def sends(self, custom_id: str, on: Screen | None = None, kind: int = BUTTON, **more: Any) -> Talk:
        """A press with that id, whatever it says."""
        data = {"custom_id": custom_id, "component_type": kind, "id": 1, **more}
        return await self._said(COMPONENT, data, on)

    async def fills_in(self, form: Talk, **typed: str) -> Talk:
        """The form with what is typed over what stands in it."""
        inputs = [each["component"] for each in form.callback["components"] if each["type"] == LABEL]
        components = [
            {"type": LABEL, "id": at, "component": {"id": at, **_filled(each, typed.get(each["custom_id"]))}}
            for at, each in enumerate(inputs)
        ]
        on = form.payload.get("message")
        data = {"custom_id": form.callback["custom_id"], "components": components, "resolved": {}}
        return await self._said(SUBMITTED, data, on)

    async def _said(self, kind: int, data: Payload, on: Screen | None = None) -> Talk:
        talk = await self.discord.interact(self.payload(kind, data, on))
        return await self.discord.wait_for_talk(talk)

    def payload(self, kind: int, data: Payload, on: Screen | None = None) -> Payload:
        """An INTERACTION_CREATE, as Discord would dispatch it."""
        user = {"id": self.id, "username": self.name, "discriminator": "0", "avatar": None, "global_name": self.name}
        number = self.discord.number()
        channel = (self.thread or self.channel) if self.server else dm_of(self.id)
        found: Payload = {
            "id": number,
            "application_id": APPLICATION,
            "type": kind,
            "token": f"token-{number}",
            "version": 1,
            "data": data,
            "channel_id": channel,
            "locale": self.locale,
            "entitlements": [],
            "authorizing_integration_owners": {},
            "attachment_size_limit": 10_000_000,
            "app_permissions": str(VIEW | SEND | EMBED),
        }
        if on is not None:
            found["message"] = self._message(on, channel)
        if self.server is None:
            return found | {"user": user, "channel": {"id": channel, "type": 1, "recipients": [user]}, "context": 1}
        member = {
            "user": user, "roles": self.roles, "permissions": str(self.rights), "nick": None, "flags": 0,
            "joined_at": "2026-11-24T12:00:00+00:00", "deaf": False, "mute": False, "premium_since": None,
        }  # fmt: skip
        name = self.discord.servers[self.server].get(channel, "gone")
        place = {"id": channel, "type": 0, "name": name, "position": 0, "permission_overwrites": []}
        if self.thread is not None:
            place |= {
                "type": THREAD,
                "name": "a thread",
                "guild_id": self.server,
                "parent_id": self.channel,
                **_A_THREAD,
            }
        return found | {
            "guild_id": self.server, "member": member, "channel": place, "context": 0,
            "guild": {"id": self.server, "locale": "en-US", "features": []},
        }  # fmt: skip

    def _message(self, on: Screen, channel: str) -> Payload:
        if isinstance(on, Talk):
            return message_of(on.shown or {}, on.payload["id"], channel, flags=EPHEMERAL)
        return on if "author" in on else message_of(on, self.discord.number(), channel)

    def _typed(self, command: str, options: dict[str, str], focused: str | None = None) -> Payload:
        """Only what the bot has told Discord can be typed."""
        group, _, name = command.partition(" ")
        (known,) = [each for each in self.discord.commands if each["name"] == group]
        (sub,) = [each for each in known["options"] if each["name"] == name]
        kinds = {each["name"]: each["type"] for each in sub["options"]}
        given = [
            {"name": key, "type": kinds[key], "value": value} | ({"focused": True} if key == focused else {})
            for key, value in options.items()
        ]
        return {"id": "1", "name": group, "type": 1, "options": [{"name": name, "type": 1, "options": given}]}


def _filled(component: Payload, typed: str | None) -> Payload:
    """As it comes back: with what is typed, or with what stood in it. Of lists several are separated by commas."""
    kept = {"type": component["type"], "custom_id": component["custom_id"]}
    if component["type"] == TEXT_INPUT:
        return kept | {"value": (component.get("value") or "") if typed is None else typed}
    before = [str(each["id"]) for each in component.get("default_values") or []]
    before += [each["value"] for each in component.get("options") or [] if each.get("default")]
    return kept | {"values": before if typed is None else [each for each in typed.split(",") if each]}


def _payload(on: Screen) -> Payload:
    return (on.shown or {}) if isinstance(on, Talk) else on


def read(on: Screen) -> str:
    """What somebody reads on a screen or a message, without its buttons."""
    payload = _payload(on)
    pieces = [payload.get("content") or ""]
    for embed in payload.get("embeds") or []:
        pieces += [embed.get("title") or "", embed.get("description") or ""]
    return "\n".join(filter(None, pieces))


def labels(on: Screen) -> list[str]:
    return [each.get("label") or each.get("placeholder") or "" for each in buttons(_payload(on))]
