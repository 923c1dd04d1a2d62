"""What Discord hands over with an interaction, as the conversation reads it: who speaks, and what they typed."""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import discord

from bots.conversation.speaker import Speaker
from core.identities.signed import Place, SignedIdentity

Heard = discord.Interaction[discord.Client]
SUB_COMMAND = 1
_THREADS = frozenset({10, 11, 12})
"""Types of channels."""


def speaker_of(interaction: Heard) -> Speaker:
    """Signed by Discord this moment: over the gateway, in answer to this bot's own token."""
    user, rights, place = interaction.user, interaction.permissions, None
    if interaction.guild_id is not None:
        place = Place(str(interaction.guild_id), _text(interaction.channel_id), _roles(interaction))
    name = getattr(interaction.channel, "name", None)
    return Speaker(
        SignedIdentity("discord", "", str(user.id), user.display_name, place),
        str(interaction.id),
        space_name=f"#{name}" if name and place is not None else "",
        sees=partial(_sees, interaction) if place is not None else None,
        channel_called=partial(_called, interaction.guild),
        locale=str(interaction.locale),
        manages_events=rights.manage_events or rights.administrator,
        administers=rights.manage_guild or rights.administrator,
    )


def _roles(interaction: Heard) -> frozenset[str]:
    """As they came with this press, and the one that everybody has. `Member.roles` leaves out what the gateway has not
    told of yet: in the first moments, in an outage, and when a role is new."""
    user = interaction.user
    own = user._roles if isinstance(user, discord.Member) else ()  # noqa: SLF001
    return frozenset(map(str, (*own, interaction.guild_id)))


def _sees(interaction: Heard, channel_id: str) -> bool:
    """By the rights of roles and channels as Discord tells a bot without any privileged intent, and by the roles that
    came with this press. What is not told is not seen: who is in a private thread, threads that sleep, and anything
    while Discord has an outage."""
    server, user = interaction.guild, interaction.user
    if server is None or not isinstance(user, discord.Member) or not channel_id.isdecimal():
        return False
    found = server.get_channel_or_thread(int(channel_id))
    if isinstance(found, discord.Thread):
        found = None if found.is_private() else found.parent
    return found is not None and found.permissions_for(user).view_channel


def _called(server: discord.Guild | None, channel_id: str) -> str:
    channel = server.get_channel(int(channel_id)) if server is not None and channel_id.isdecimal() else None
    return f"#{channel.name}" if channel is not None else ""


def data_of(interaction: Heard) -> Mapping[str, Any]:
    return interaction.data or {}


def typed(interaction: Heard) -> tuple[str, str, dict[str, str], str | None]:
    """Group, command, what its options say, and which of them is being typed."""
    data = data_of(interaction)
    group, name, options = str(data.get("name", "")), "", data.get("options") or []
    if options and options[0].get("type") == SUB_COMMAND:
        name, options = str(options[0].get("name", "")), options[0].get("options") or []
    given = {str(each["name"]): _text(each.get("value")) or "" for each in options}
    focused = next((str(each["name"]) for each in options if each.get("focused")), None)
    return group, name, given, focused


def picked(interaction: Heard) -> dict[str, str]:
    """From a menu."""
    values = data_of(interaction).get("values")
    return {"picked": ",".join(map(str, values))} if values else {}


def filled(interaction: Heard) -> dict[str, str]:
    """What was typed into a form, by the names of its fields."""
    return {
        str(each["custom_id"]): _value(each)
        for each in _inputs(data_of(interaction).get("components") or [])
        if "custom_id" in each
    }


def _inputs(components: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Rows hold several of them, labels one."""
    for each in components:
        inside = each.get("components") or ([each["component"]] if "component" in each else [])
        yield from _inputs(inside) if inside else [each]


def _value(component: Mapping[str, Any]) -> str:
    return ",".join(map(str, component["values"])) if "values" in component else str(component.get("value") or "")


def may_write_in(interaction: Heard, channel_id: str) -> bool:
    """Whether whoever speaks could write a card there, where Discord tells: of this channel, and of picked ones."""
    if channel_id == _text(interaction.channel_id):
        return _may_write(interaction.permissions, thread=in_thread(interaction, channel_id))
    found = _picked_channel(interaction, channel_id)
    rights = found.get("permissions")
    return rights is None or _may_write(discord.Permissions(int(rights)), thread=found.get("type") in _THREADS)


def in_thread(interaction: Heard, channel_id: str) -> bool:
    """Writing there is a right of its own."""
    if channel_id == _text(interaction.channel_id):
        return interaction.channel is not None and interaction.channel.type.value in _THREADS
    return _picked_channel(interaction, channel_id).get("type") in _THREADS


def _picked_channel(interaction: Heard, channel_id: str) -> Mapping[str, Any]:
    return ((data_of(interaction).get("resolved") or {}).get("channels") or {}).get(channel_id) or {}


def _may_write(rights: discord.Permissions, *, thread: bool) -> bool:
    sends = rights.send_messages_in_threads if thread else rights.send_messages
    return rights.administrator or (rights.view_channel and sends and rights.embed_links)


def _text(value: object) -> str | None:
    return None if value is None else str(value)
